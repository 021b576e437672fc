#!/bin/bash
# Lints the tree: gofmt, go vet, staticcheck, buildifier, clang-format, gazelle.
# Prints what is wrong and names the linters that failed; their versions are
# pinned in third_party/lint and third_party/python/lint.txt.
set -uo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
# shellcheck source=../env.sh
. ./env.sh || exit 1

cache=${XDG_CACHE_HOME:-$HOME/.cache}/prioritycut
key=$(cat third_party/lint/go.sum third_party/python/lint.txt | cksum | tr ' ' -)
lint=$cache/lint/$key

install_linters() (
  set -e
  rm -rf "$lint"
  mkdir -p "$lint"
  cd third_party/lint
  GOBIN=$lint go install -trimpath honnef.co/go/tools/cmd/staticcheck github.com/bazelbuild/buildtools/buildifier
  "${PYTHON_BIN_PATH:-python3}" -m venv "$lint/venv"
  "$lint/venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: \
    --requirement ../python/lint.txt
  touch "$lint/complete"
)
[ -f "$lint/complete" ] || install_linters || { echo "lint: could not install the linters" >&2; exit 1; }

failed=
check() { # NAME COMMAND...
  local name=$1
  shift
  if ! "$@"; then
    echo "lint: $name failed" >&2
    failed="$failed $name"
  fi
}

tracked() { git ls-files -z --cached --others --exclude-standard -- "$@" | while IFS= read -r -d '' f; do [ -f "$f" ] && printf '%s\0' "$f"; done; }

gofmt_differs() {
  local diff
  diff=$(tracked '*.go' | xargs -0 -r gofmt -d) || return 1
  [ -z "$diff" ] || { echo "$diff"; return 1; }
}

check gofmt gofmt_differs
check vet go vet ./...
check staticcheck "$lint/staticcheck" ./...
check house go test -count=1 ./tests/house # it reads the tree, which Bazel's tests do not see
buildifier_differs() {
  tracked WORKSPACE '*BUILD.bazel' '*.bzl' | xargs -0 -r "$lint/buildifier" -mode=diff -lint=off
}
clang_format_differs() {
  tracked '*.cc' '*.h' '*.cu' | xargs -0 -r "$lint/venv/bin/clang-format" --dry-run --Werror
}
check buildifier buildifier_differs
check clang-format clang_format_differs
check gazelle ./bazelw run --ui_event_filters=-info,-stdout --noshow_progress //:gazelle -- -mode=diff

if [ -n "$failed" ]; then
  echo "lint: failed:$failed" >&2
  exit 1
fi
echo "lint: nothing to complain of"
