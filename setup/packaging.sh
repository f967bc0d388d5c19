# What the scripts that make packages share.

dist=$(realpath -m "${1:-dist}") # before any cd: it is the caller's
cd "$(dirname "$(realpath "$0")")/.."
. setup/steps.sh
umask 022
python=$PWD/.venv/bin/python
work=$(mktemp -d) && trap 'rm -rf "$work" "$log"' EXIT
mkdir -p "$dist"

# What is built twice from one commit is the same file: nothing in it is younger than the commit.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}"
export SOURCE_DATE_EPOCH

build_wheel() { # DIRECTORY: prints the path of the wheel
  "$python" -m hatchling build -t wheel -d "$1" >"$log" 2>&1 || { cat "$log" >&2; fail "the wheel could not be built"; }
  ls "$1"/storewarden-*.whl
}

build_tree() { # DIRECTORY: the program and all it needs
  "$python" setup/tree.py "$(build_wheel "$work/wheel")" "$1"
}

built() { # KEY: what the tree says of itself
  "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$tree/storewarden/built.json" "$1"
}

made() { printf '%s (%s)\n' "$1" "$(du -h --apparent-size "$1" | cut -f 1)B"; }
