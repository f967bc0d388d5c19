# What the set-up scripts share: one line a step, a command's own words only when it fails.

log=$(mktemp) && trap 'rm -f "$log"' EXIT

step() { printf '· %s\n' "$1"; }
note() { printf '· %s\n' "$1"; }

fail() { # WHAT [REMEDY]
  printf 'set-up stopped: %s\n' "$1" >&2
  [[ -z ${2:-} ]] || printf '  → %s\n' "$2" >&2
  exit 1
}

quietly() { # COMMAND...: silent when it works
  "$@" >"$log" 2>&1 </dev/null || { local code=$?; tail -n 25 "$log" | sed 's/^/    /' >&2; return "$code"; }
}

# Prints how to become root, if that needs no password nobody is there to type.
root_by() {
  command -v apt-get >/dev/null || return 1
  [[ $EUID != 0 ]] || { echo env; return; }
  command -v sudo >/dev/null || return 1
  if sudo -n true 2>/dev/null || [[ -t 0 && -t 2 ]]; then echo sudo; else return 1; fi
}

packages() { # WHAT-FOR PACKAGE...: installs system packages; fails when that is not allowed here
  local what=$1 by lists=/var/lib/apt/lists
  shift
  by=$(root_by) || return 1
  step "installing $what ($*)"
  [[ -n $(find "$lists" -name '*_Packages*' -mtime -1 -print -quit 2>/dev/null) ]] || quietly $by apt-get update -q || true
  apt_install "$@" || { quietly $by apt-get update -q && apt_install "$@"; } || return 1
}

apt_install() {
  quietly $by env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}
