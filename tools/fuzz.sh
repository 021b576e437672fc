#!/bin/bash
# Fuzzes every parser, and the custom ops through TensorFlow, for a while each:
#
#   tools/fuzz.sh [TIME [PATTERN]]     # TIME as Go writes it, 30s unless given
#
# go test ./... runs their seeds. What a fuzzer finds it leaves in testdata/fuzz.
set -uo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
# shellcheck source=../env.sh
. ./env.sh || exit 1

time=${1:-30s} pattern=${2:-.}
failed=
while read -r file target; do
  echo "== $file $target"
  # Go's counters must lie in one piece, which not every linker sees to.
  go test "./$(dirname "$file")" -ldflags '-extldflags=-fuse-ld=bfd' -run '^$' -fuzz "^$target\$" -fuzztime "$time" ||
    failed="$failed $target"
done < <(git grep -oE '^func Fuzz[A-Za-z0-9]+' -- '*_test.go' | sed 's/:func / /' | grep -E "$pattern" | sort)

if [ -n "$failed" ]; then
  echo "fuzz: found something:$failed" >&2
  exit 1
fi
