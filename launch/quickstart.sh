#!/usr/bin/env bash
# Install grounding into .venv and run its demo. Arguments go to `grounding demo`; see `grounding demo --help`.
set -euo pipefail
here=$(pwd)
source "$(dirname "${BASH_SOURCE[0]}")/install.sh"

install_grounding offline

# Back to where the caller stands, so that paths among the arguments mean what the caller meant.
cd "$here"
exec "$venv/bin/grounding" demo "$@"
