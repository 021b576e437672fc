#!/bin/sh
# Tests kernels/ with the address and undefined-behaviour sanitizers, on random
# shapes: kernels_test.sh [SHAPES [SEED]]. Needs a compiler, and nothing of
# TensorFlow.
set -eu

cxx=${CXX:-g++}
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags="-std=c++17 -O1 -g -Wall -Wextra -Wno-psabi -fsanitize=address,undefined -fno-sanitize-recover=all"

# shellcheck disable=SC2016,SC2086 # flags are words
find kernels -maxdepth 1 -name '*.cc' ! -name '*_ops.cc' ! -name '*_gpu.cc' ! -name '*_gpu_test.cc' | sort |
  xargs -P 2 -I{} sh -c 'exec "$1" $2 -I. -c "$4" -o "$3/$(basename "$4" .cc).o"' sh "$cxx" "$flags" "$out" {}
# shellcheck disable=SC2086
for test in "$out"/*_test.o; do
  others=$(find "$out" -name '*.o' ! -name '*_test.o')
  "$cxx" $flags "$test" $others -o "${test%.o}" -lpthread
  "${test%.o}" "$@"
done
