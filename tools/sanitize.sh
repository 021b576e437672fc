#!/bin/sh
# Runs the tests of the C++ kernels, which are free of TensorFlow, under the
# sanitizers of addresses and undefined behaviour, then of threads:
#
#   tools/sanitize.sh [SHAPES [ROUNDS]]
#
# By default less is drawn than in the tests: it is ten times as slow.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
cxx=${CXX:-g++}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

kernels=$(find kernels -maxdepth 1 -name '*.cc' ! -name '*_ops.cc' ! -name '*_gpu.cc' ! -name '*_test.cc' | sort)

# build NAME SANITIZERS TEST SOURCE...
build() {
  name=$1 sanitizers=$2
  shift 2
  # -O1 keeps the checks near the lines that they are about.
  # shellcheck disable=SC2086 # flags are words, sources have no spaces
  "$cxx" -std=c++17 -O1 -g -fno-omit-frame-pointer -Wno-psabi -include cstdint -I. \
    -fsanitize="$sanitizers" -fno-sanitize-recover=all "$@" -o "$out/$name" -lpthread
}

export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1"
export UBSAN_OPTIONS="print_stacktrace=1"
echo "addresses and undefined behaviour:"
# shellcheck disable=SC2086
build conv address,undefined kernels/conv_test.cc $kernels
build pool address,undefined kernels/memory_pool_test.cc kernels/memory_pool.cc
build norm address,undefined kernels/norm_test.cc $kernels
# shellcheck disable=SC2086
build sample address,undefined kernels/sample_test.cc $kernels
# shellcheck disable=SC2086
build device_sample address,undefined kernels/sample_device_test.cc $kernels
build mask address,undefined prioritycut/kernels/priority_cut_mask_test.cc prioritycut/kernels/priority_cut_mask.cc
build device_mask address,undefined prioritycut/kernels/priority_cut_mask_device_test.cc prioritycut/kernels/priority_cut_mask.cc
"$cxx" -std=c++17 -O1 -g -fPIC -shared -Wl,-soname,libcuda.so.1 -I. kernels/device/fake_driver.cc -o "$out/libcuda.so.1"
build gpu_mask address,undefined prioritycut/kernels/priority_cut_mask_gpu_test.cc prioritycut/kernels/priority_cut_mask_gpu.cc \
  prioritycut/kernels/priority_cut_mask.cc kernels/device/driver.cc "$out/libcuda.so.1" -Wl,-rpath,"$out" -ldl
# shellcheck disable=SC2086
build gpu_sample address,undefined kernels/sample_gpu_test.cc kernels/sample_gpu.cc $kernels kernels/device/driver.cc \
  "$out/libcuda.so.1" -Wl,-rpath,"$out" -ldl
# shellcheck disable=SC2086
build gpu_check address,undefined tools/gpu/check_test.cc tools/gpu/check.cc kernels/sample_gpu.cc $kernels kernels/device/driver.cc \
  prioritycut/kernels/priority_cut_mask.cc prioritycut/kernels/priority_cut_mask_gpu.cc "$out/libcuda.so.1" -Wl,-rpath,"$out" -ldl
build int8 address,undefined bench/int8/vnni_test.cc bench/int8/vnni.cc
"$out/conv" "${1:-12}"
"$out/int8"
"$out/pool"
"$out/norm" "${1:-12}"
"$out/sample" "${1:-12}"
"$out/mask" "${2:-300}"
"$out/device_mask" "${2:-300}"
"$out/device_sample" "${1:-12}"
ASAN_OPTIONS=detect_leaks=0 "$out/gpu_mask" # the stand-in forgets on purpose, as the driver does
ASAN_OPTIONS=detect_leaks=0 "$out/gpu_sample"
ASAN_OPTIONS=detect_leaks=0 "$out/gpu_check"
echo "threads:"
# shellcheck disable=SC2086
build threads thread kernels/conv_test.cc $kernels
build pool_threads thread kernels/memory_pool_test.cc kernels/memory_pool.cc
# It wants its memory in places that some kernels give to others.
fixed=
if setarch -R true 2>/dev/null; then fixed="setarch -R"; fi
# Small shapes: it is a hundred times as slow. What threads share is the same.
$fixed "$out/threads" "${1:-24}" 1 4000000
$fixed "$out/pool_threads"
echo "the sanitizers have nothing to complain of"
