#!/usr/bin/env bash
# Run a grounding command in several processes of this machine that train or evaluate one space together:
#
#     bash launch/torchrun.sh 2 train --data runs/demo/demonstrations --run runs/two
#     bash launch/torchrun.sh 8 path/to/script.py ARGUMENTS
#
# The first argument is the number of processes; then a command of grounding, or a Python script of your own that wraps
# its work in `grounding.space.distributed.processes()`. On several machines use launch/slurm.sbatch.
set -euo pipefail
here=$(pwd)
source "$(dirname "${BASH_SOURCE[0]}")/install.sh"

[[ ${1:-} =~ ^[1-9][0-9]*$ ]] && [ $# -ge 2 ] || fail "expected a number of processes and a command: bash launch/torchrun.sh 2 train --run runs/two"
processes=$1
shift
install_grounding offline

# The cores are shared out among the processes; more threads than cores only wait for each other.
cores=$(getconf _NPROCESSORS_ONLN)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores / processes > 0 ? cores / processes : 1))}

cd "$here"
# Without the two dashes torchrun takes options such as --run for abbreviations of its own.
if [[ $1 == *.py ]]; then what=(-- "$@"); else what=(-m -- grounding.cli.main "$@"); fi
exec "$python" -m torch.distributed.run --standalone --nproc-per-node "$processes" "${what[@]}"
