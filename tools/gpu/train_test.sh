#!/bin/sh
# What wants a GPU with TensorFlow, in one: the golden tests and steps of every variant
# on it, then a step's time beside PyTorch's, without TensorFloat-32 and with it. It is
# Bazel's test //tools/gpu:train_test, by hand (docs/testing.md): where there is no
# GPU it fails. Arguments: bench, then the programs of the tests.
set -eu

fail() {
  echo "//tools/gpu:train_test: $*" >&2
  exit 1
}

found=no
for device in /dev/nvidia[0-9]*; do
  [ ! -e "$device" ] || found=yes
done
[ "$found" = yes ] || fail "no GPU: NVIDIA's driver shows none on this machine (/dev/nvidia0 is missing). Nothing was tested."
[ -f "${PRIORITYCUT_REFERENCE:-}/modules/generator.py" ] ||
  fail "PRIORITYCUT_REFERENCE is '${PRIORITYCUT_REFERENCE:-}', no checkout of first-order-model, whose step PyTorch computes: --test_env=PRIORITYCUT_REFERENCE=FOLDER. Nothing was tested."

HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)} # where PyTorch is kept
export HOME
# Programs of tests are not to write Bazel's report of this one.
export PRIORITYCUT_TEST_DEVICE=gpu GO_TEST_WRAP=0
out=${TEST_UNDECLARED_OUTPUTS_DIR:-$(mktemp -d)}
bench=$1
shift

failed=
for test in "$@"; do
  log=$out/$(basename "$test").log
  echo "== $(basename "$test")"
  "$test" -test.v -test.run 'Golden|OnGPU|StepOps' >"$log" 2>&1 || failed="$failed $(basename "$test")"
  grep -E '^ *(---|===? *FAIL|FAIL|ok|panic:)|_test.go:' "$log" || true
  grep -q '^--- PASS' "$log" || failed="$failed $(basename "$test")(nothing passed)"
done
# It is skipped where it is not told of a GPU.
grep -q '^--- PASS: TestStepOnGPU' "$out/train_test.log" || failed="$failed TestStepOnGPU"

for tf32 in false true; do
  echo "== a step beside PyTorch's, tf32=$tf32; at most 0.8 of it is wanted"
  "$bench" --device=gpu --measure=step --preset=vox-256 --batch=8 --set=tf32=$tf32 --peers=pytorch-2.5 \
    --reference="$PRIORITYCUT_REFERENCE" --out="$out/step-tf32-$tf32.csv" || failed="$failed bench(tf32=$tf32)"
done

[ -z "$failed" ] || fail "failed:$failed"
