#!/usr/bin/env bash
# Start a Dask scheduler and workers, which fit brain recordings by blocks of targets or subjects, or play episodes:
#
#     bash launch/dask.sh 4                               4 workers and their scheduler on this machine, until Ctrl-C
#
# On several machines, which see .venv and the data under the same paths, start a role on each:
#
#     bash launch/dask.sh scheduler [PORT]                on one machine (port 8786 unless given)
#     bash launch/dask.sh worker tcp://HOST:8786 8        on each: 8 workers
#
# Then give the address that the scheduler prints to a command, or in Python:
#
#     grounding evaluate --dask tcp://HOST:8786
#     with grounding.cluster.dask_cluster("tcp://HOST:8786"): fit_blocks(...)
#
# Whoever reaches the port can run code as you, so that one machine alone listens to itself only; open a scheduler to
# a network that you trust.
set -euo pipefail
here=$(pwd)
source "$(dirname "${BASH_SOURCE[0]}")/install.sh"

usage="expected a number of workers, scheduler [PORT], or worker ADDRESS NUMBER: bash launch/dask.sh 4"
number='^[1-9][0-9]*$'
role=${1:-}
case $role in
    scheduler) [ $# -le 2 ] && [[ ${2:-8786} =~ $number ]] || fail "$usage" ;;
    worker) [ $# -eq 3 ] && [[ $2 == *:* ]] && [[ $3 =~ $number ]] || fail "$usage" ;;
    *) [ $# -eq 1 ] && [[ $role =~ $number ]] || fail "$usage" ;;
esac
install_grounding offline dask
cd "$here"

start_scheduler() { exec "$python" -m distributed.cli.dask_scheduler --no-dashboard "$@"; }

# The cores are shared out among the workers, of which each runs one block at a time; more threads than cores only wait
# for each other.
start_workers() {
    local address=$1 workers=$2 cores
    shift 2
    cores=$(getconf _NPROCESSORS_ONLN)
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores / workers > 0 ? cores / workers : 1))}
    export OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-$OMP_NUM_THREADS} MKL_NUM_THREADS=${MKL_NUM_THREADS:-$OMP_NUM_THREADS}
    exec "$python" -m distributed.cli.dask_worker "$address" --nworkers "$workers" --nthreads 1 --no-dashboard "$@"
}

case $role in
    scheduler) start_scheduler --port "${2:-8786}" ;;
    worker) start_workers "$2" "$3" ;;
esac

port=${GROUNDING_DASK_PORT:-8786}
address=tcp://127.0.0.1:$port
start_scheduler --host 127.0.0.1 --port "$port" &
scheduler=$!
trap 'kill "$scheduler" 2>/dev/null || true; wait "$scheduler" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
say "The scheduler's address: $address"
(start_workers "$address" "$role" --host 127.0.0.1) &
workers=$!
trap 'kill "$workers" "$scheduler" 2>/dev/null || true; wait "$workers" "$scheduler" 2>/dev/null || true' EXIT
wait -n "$scheduler" "$workers"
