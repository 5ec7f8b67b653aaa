# shellcheck shell=bash
# What must be so before anything is changed. Each refusal names the way out.

readonly NEEDED_MB=900
# In this order: the system's own python3 is the one that its updates look after.
readonly PYTHONS=(/usr/bin/python3 /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11)

check_machine() {
    [[ $DRY_RUN == yes || $EUID == 0 ]] || die "needs root: sudo ${0@Q}"
    command -v systemctl >/dev/null || die "no systemd here; on a desk, 'mien run' needs none of this (README.md)"
    case "$(dpkg --print-architecture 2>/dev/null || uname -m)" in
        amd64 | x86_64) ARCH=amd64 ;;
        arm64 | aarch64) ARCH=arm64 ;;
        *) die "the runtime LiteRT has no wheels for $(uname -m): install the 64-bit Raspberry Pi OS or Debian" ;;
    esac
    # A 64-bit kernel under a 32-bit system is how many a Raspberry Pi comes.
    [[ $(getconf LONG_BIT) == 64 ]] || die "a 32-bit system: install the 64-bit Raspberry Pi OS or Debian"
    local free_mb
    free_mb=$(df --output=avail -BM /opt | tail -n 1 | tr -dc 0-9)
    ((free_mb >= NEEDED_MB)) || die "$free_mb MB free under /opt, $NEEDED_MB needed: free some space"
}

# Sets PYTHON to an interpreter that mien runs on; a bundle's wheels fit one minor version only.
find_python() {
    local candidate
    if [[ -n $PYTHON ]]; then
        is_fit "$PYTHON" || die "--python $PYTHON: no such program, or not Python ${BUNDLE_PYTHON:-3.11 or newer}"
        PYTHON=$(command -v "$PYTHON")
    fi
    for candidate in "${PYTHONS[@]}"; do
        [[ -n $PYTHON ]] || ! is_fit "$candidate" || PYTHON=$candidate
    done
    if [[ -z $PYTHON ]]; then
        [[ -z $BUNDLE ]] || die "no Python $BUNDLE_PYTHON, for which $BUNDLE was made: install it, or make another: deploy/bundle --python VERSION"
        die "no Python 3.11 or newer: $(python_way_out)"
    fi
    case "$(readlink -f "$PYTHON")" in
        /home/* | /root/*) die "--python $PYTHON: services see no home folder: put it under /opt or /usr/local" ;;
    esac
    PYTHON_TAG=$("$PYTHON" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
    # A bundle brings pip along; else Debian wants it from a package of its own.
    [[ -n $BUNDLE ]] || "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$PYTHON has no venv module: sudo apt-get install -y $(basename "$PYTHON")-venv"
}

is_fit() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11) or sys.argv[1] not in ("", "%d.%d" % sys.version_info[:2]))' \
        "$BUNDLE_PYTHON" 2>/dev/null
}

python_way_out() {
    local id=unknown version=''
    # shellcheck source=/dev/null
    [[ ! -r /etc/os-release ]] || { id=$(. /etc/os-release && echo "$ID") version=$(. /etc/os-release && echo "$VERSION_ID"); }
    case "$id $version" in
        # JetPack 6 is Ubuntu 22.04: python3 is 3.10, and 3.11 lies in universe.
        "ubuntu 22.04") say "sudo apt-get install -y python3.11 python3.11-venv, then this again" ;;
        *) say "install one (uv python install --install-dir /opt/python 3.12), then this again with --python FILE" ;;
    esac
}
