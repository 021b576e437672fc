#!/bin/sh
# Builds the op library with the GPU's kernels, device code and all, and runs the
# mask's tests with it in the TensorFlow at hand, which need not know of GPUs:
#
#   . ./env.sh && tools/gpu/ops_test.sh
set -eu

cd "$(dirname "$0")/../.."
include=$(echo "$CGO_CFLAGS" | sed -n 's/.*-I\([^ ]*\).*/\1/p')
links=$(echo "$CGO_LDFLAGS" | sed -n 's/^-L\([^ ]*\).*/\1/p')
PRIORITYCUT_OPS=$(PRIORITYCUT_CUDA=1 sh tools/ops.sh "$include" "$links")
export PRIORITYCUT_OPS
export PRIORITYCUT_TEST_CUDA=1
go test -count=1 ./prioritycut ./tf -run 'Mask|LoadOps|GPUKernels'
