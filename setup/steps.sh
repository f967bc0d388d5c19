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

# Prints how to become root, if somebody may: a password is asked for only where one can be typed.
root_by() {
  command -v apt-get >/dev/null || return 1
  [[ $EUID != 0 ]] || { echo env; return; }
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || { [[ -t 0 && -t 2 ]] && sudo -v; } || return 1
  echo sudo
}

packages() { # WHAT-FOR PACKAGE...: installs system packages; fails where that is not allowed
  local what=$1 by
  shift
  by=$(root_by) || return 1
  step "installing $what ($*)"
  # The package lists may be absent or old: fetched only when the first try fails.
  apt_get install "$@" >/dev/null 2>&1 </dev/null || { quietly apt_get update && quietly apt_get install "$@"; }
}

apt_get() {
  $by env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o APT::Install-Recommends=false "$@"
}
