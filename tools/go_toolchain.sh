#!/bin/sh
# Prints the GOROOT of the pinned Go toolchain, a Go module; any Go from 1.19
# fetches it once, into ${XDG_CACHE_HOME:-~/.cache}/prioritycut. With --cached
# it prints nothing when the toolchain is not there yet.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
pin=$(grep '^golang.org/toolchain ' "$here/../third_party/go/tools.sum")
version=$(echo "$pin" | cut -d' ' -f2)
sum=$(echo "$pin" | cut -d' ' -f3)
home=${XDG_CACHE_HOME:-${HOME:?go_toolchain.sh: neither XDG_CACHE_HOME nor HOME is set}/.cache}/prioritycut/go
goroot=$home/$version

fetch() {
  echo "fetching the pinned Go toolchain $version (70 MB, once)" >&2
  scratch=$(mktemp -d "$home/scratch.XXXXXX")
  trap 'chmod -R u+w "$scratch" && rm -rf "$scratch"' EXIT
  echo "module fetch" >"$scratch/go.mod"
  info=$(cd "$scratch" && env -u GOROOT GOWORK=off GOTOOLCHAIN=local GOFLAGS=-mod=mod "${GO_BIN:-go}" mod download -json "golang.org/toolchain@$version")
  field() { echo "$info" | sed -n "s/^[[:space:]]*\"$1\": \"\(.*\)\".*/\1/p"; }
  if [ "$(field Sum)" != "$sum" ]; then
    echo "golang.org/toolchain@$version has sum $(field Sum), want $sum" >&2
    exit 1
  fi
  cp -R "$(field Dir)" "$scratch/go"
  # A module archive has no mode bits: what has to be executable gets them.
  chmod -R u+w "$scratch/go"
  chmod -R +x "$scratch/go/bin" "$scratch/go/pkg/tool"
  rm -rf "$goroot"
  mv "$scratch/go" "$goroot"
}

if [ ! -x "$goroot/bin/go" ]; then
  [ "${1:-}" != --cached ] || exit 0
  mkdir -p "$home"
  (
    flock 9
    [ -x "$goroot/bin/go" ] || fetch
  ) 9>"$home/lock"
fi
echo "$goroot"
