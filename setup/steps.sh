# What the set-up scripts share: one line a step, a command's own words only when it fails.

log=$(mktemp) && trap 'rm -f "$log"' EXIT

step() { printf '· %s\n' "$1"; }
note() { printf '! %s\n' "$1"; }

fail() { # WHAT [REMEDY]
  printf 'set-up stopped: %s\n' "$1" >&2
  [[ -z ${2:-} ]] || printf '  → %s\n' "$2" >&2
  exit 1
}

pip() { # ARGUMENT...: silent; what it said is in $log
  PIP_RETRIES=${PIP_RETRIES:-1} .venv/bin/python -m pip --disable-pip-version-check "$@" >"$log" 2>&1 </dev/null
}

# Prints how to become root, if somebody may: a password is asked for only where one can be typed.
root_by() {
  command -v apt-get >/dev/null || return 1
  [[ $EUID != 0 ]] || { echo env; return; }
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || { [[ -t 0 && -t 2 ]] && sudo -v; } || return 1
  echo sudo
}

# Installs system packages; fails, with the reason in $why, where that is not allowed or not possible.
packages() { # WHAT-FOR PACKAGE...
  local what=$1 by
  shift
  by=$(root_by) || { why="neither root nor sudo here"; return 1; }
  [[ ${why:-} != *network* ]] || return 1
  step "installing $what ($*)"
  # The package lists may be absent or old: fetched only when the first try fails.
  apt_get install "$@" || { apt_get update && apt_get install "$@"; } || {
    why=$(grep -m 1 '^E: ' "$log" || echo "apt-get failed")
    unreachable && why="no network: $why"
    return 1
  }
}

apt_get() {
  $by env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o APT::Install-Recommends=false -o APT::Update::Error-Mode=any -o Acquire::Retries=1 "$@" >"$log" 2>&1 </dev/null
}

# Does the log of the last command speak of a network that is not there?
unreachable() {
  grep -qiE 'resolving|resolution|connection (broken|refused|timed out)|could not connect|unreachable|ssl.*error' "$log"
}
