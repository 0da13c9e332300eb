# Sourced by quickstart.sh, test.sh and bench.sh, never run by itself. It offers one function:
#
#     install_grounding EXTRA...      make .venv, install the package with these extras, check the system libraries
#
# Afterwards $root is the repository and $python the interpreter of its virtual environment.
# What was installed is remembered in .venv/stamp-EXTRA, written last, so that a run killed half way is repeated and a
# finished one is not.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv
python=$venv/bin/python
heartbeat=

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

install_grounding() {
    cd "$root" || fail "cannot enter $root"
    # Two of these scripts at once would write the same .venv; the second waits here.
    exec 9<"$root/launch"
    if command -v flock >/dev/null && ! flock -n 9; then
        say "Another installation into $venv is running: waiting for it."
        flock 9
    fi
    if ! is_current "$@"; then
        make_venv
        install_package "$@"
    fi
    check_libraries
    exec 9<&-
}

# The interpreter is part of what an installation depends on, and so is the folder: scripts in .venv name it.
fingerprint() {
    { "$python" -VV; printf '%s\n' "$root"; cat pyproject.toml launch/constraints.txt launch/install.sh; } | sha256sum
}

is_current() {
    [ -x "$python" ] && [ ! -e "$venv/unfinished" ] || return 1
    local now extra
    now=$(fingerprint 2>/dev/null) || return 1
    for extra in "$@"; do
        [ "$(cat "$venv/stamp-$extra" 2>/dev/null)" = "$now" ] || return 1
    done
}

# ---- Python and its virtual environment

is_recent_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local name
    # 3.11 first: pybullet ships ready-built wheels up to that version and is compiled from source on later ones.
    for name in python3.11 /usr/bin/python3.11 python3 python3.12 python3.13 python3.14 python; do
        if is_recent_python "$name"; then command -v "$name"; return; fi
    done
    return 1
}

make_venv() {
    local base version
    if [ -e "$venv/unfinished" ]; then
        say "The last installation was interrupted: starting over with an empty .venv."
        rm -rf "$venv"
    fi
    if is_recent_python "$python" && "$python" -m pip --version >/dev/null 2>&1; then return; fi
    base=$(find_python) || fail "Python 3.11 or newer is needed and none was found. On Debian or Ubuntu type:
    sudo apt-get update && sudo apt-get install -y python3.11 python3.11-venv
then run this script again."
    version=$("$base" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    if [ "$version" != python3.11 ]; then
        say "Note: pybullet has no ready-built wheel for $version and will be compiled, which needs a C++ compiler"
        say "      (g++ and $version-dev) and about ten minutes. With python3.11 installed it is not compiled."
    fi
    if ! "$base" -c 'import ensurepip, venv' 2>/dev/null; then
        apt_install "$version-venv" || fail "$base cannot make virtual environments; type the command above, then run this script again."
    fi
    say "Making $venv with $version."
    "$base" -m venv --clear "$venv" || fail "could not make $venv"
}

# ---- The package

install_package() {
    local extras
    extras=$(IFS=,; printf '%s' "$*")
    say "Installing grounding[$extras] with the versions in launch/constraints.txt."
    if [ -z "$(find "$venv" -maxdepth 1 -name 'stamp-*' -print -quit)" ]; then
        say "The first time this downloads about 3 GB and fills 7 GB of disk; it takes minutes."
    fi
    : >"$venv/unfinished"
    start_heartbeat
    "$python" -m pip install --quiet --disable-pip-version-check --no-input \
        --constraint launch/constraints.txt --editable ".[$extras]" || {
        stop_heartbeat
        # pip ended by itself and undid what it had begun, so that .venv is as good as before.
        rm -f "$venv/unfinished"
        fail "the installation failed; pip's message above says why. Run this script again to repeat it."
    }
    stop_heartbeat
    local now extra
    now=$(fingerprint)
    rm -f "$venv/unfinished"
    for extra in "$@"; do
        printf '%s\n' "$now" >"$venv/stamp-$extra.new" && mv "$venv/stamp-$extra.new" "$venv/stamp-$extra"
    done
    say "Installed in $SECONDS s."
}

start_heartbeat() {
    local parent=$$
    # It watches its parent, since a background job outlives a script that was killed outright.
    ( exec 9<&-; for ((n = 30; ; n += 30)); do
        for ((i = 0; i < 30; i++)); do sleep 1; kill -0 "$parent" 2>/dev/null || exit 0; done
        printf '  still installing (%d s)\n' "$n"
    done ) &
    heartbeat=$!
    trap stop_heartbeat EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

stop_heartbeat() {
    [ -n "$heartbeat" ] || return 0
    kill "$heartbeat" 2>/dev/null || true
    wait "$heartbeat" 2>/dev/null || true
    heartbeat=
    trap - EXIT INT TERM
}

# ---- System libraries

# open3d loads these when it is imported; a minimal Debian or Ubuntu lacks most of them.
check_libraries() {
    local missing
    missing=$(missing_packages) || fail "the interpreter $python does not run; delete .venv and run this script again."
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086  # a list of package names
    apt_install $missing || fail "open3d needs these system libraries; type the command above, then run this script again."
    missing=$(missing_packages)
    [ -z "$missing" ] || fail "still missing after the installation: $missing"
}

missing_packages() {
    "$python" -I - <<'END'
import ctypes

needed = {
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libgomp.so.1": "libgomp1",
}
missing = []
for library, package in needed.items():
    try:
        ctypes.CDLL(library)
    except OSError:
        missing.append(package)
print(*missing)
END
}

# Install Debian packages where that is allowed without a password; otherwise print the command and return 1.
apt_install() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        as_root=(sudo -n)
        sudo -n true 2>/dev/null || as_root=(false)
    fi
    if [ "${as_root[0]:-}" = false ] || ! command -v apt-get >/dev/null; then
        say "Needed from the system: $*"
        say "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
        return 1
    fi
    say "Installing from the system's packages: $*"
    "${as_root[@]}" apt-get -qq update >/dev/null || say "Note: apt-get update failed; trying with the lists at hand."
    local output
    output=$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install -y \
        --no-install-recommends "$@" 2>&1) && return
    printf '%s\n' "$output" >&2
    say "That failed. Try: sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
    return 1
}
