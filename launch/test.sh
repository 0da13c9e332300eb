#!/usr/bin/env bash
# Install grounding with its test tools into .venv, then run linter, formatter, type checker and tests.
# Arguments go to pytest: bash launch/test.sh tests/space -k losses
# One after another, for a debugger: bash launch/test.sh --numprocesses 0 --pdb
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/install.sh"

install_grounding offline test

# Tests run in as many processes as there are cores, so each takes one thread.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} NUMBA_NUM_THREADS=${NUMBA_NUM_THREADS:-2}

say "== ruff check"
"$python" -m ruff check .
say "== ruff format"
"$python" -m ruff format --check .
say "== mypy"
"$python" -m mypy
say "== pytest"
exec "$python" -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile "$@"
