#!/usr/bin/env bash
# Install grounding with its test tools into .venv, then run linter, formatter, type checker and tests.
# Arguments go to pytest: bash launch/test.sh tests/space -k losses
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/install.sh"

install_grounding offline test

# More threads than cores make small matrices slower, and tests start processes of their own.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}

say "== ruff check"
"$python" -m ruff check .
say "== ruff format"
"$python" -m ruff format --check .
say "== mypy"
"$python" -m mypy
say "== pytest"
exec "$python" -m pytest "$@"
