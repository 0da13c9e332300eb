#!/usr/bin/env bash
# Measure one part side by side with its peers: bash launch/bench.sh NAME [--json FILE]
set -euo pipefail
here=$(pwd)
source "$(dirname "${BASH_SOURCE[0]}")/install.sh"

install_grounding offline test bench

# Pinned, since a figure measured with a floating number of threads cannot be compared with another.
export OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 MKL_NUM_THREADS=2

cd "$here"
PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} exec "$python" -P -m tests.benchmarks.report "$@"
