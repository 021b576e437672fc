#!/bin/bash
# TensorFlow 2.18.1 with oneDNN's kernels (TF_ENABLE_ONEDNN_OPTS=1) on a processor, or limited to one, that has
# AVX2 and no AVX-512: a usual 3x3 convolution from 128 to 64 channels is computed by oneDNN's reference code once
# the picture is large, hundreds of times as slow, without a word.
#
# Seen: at 384x384 oneDNN's log names gemm:jit. At 480x480 (and 512x512, where one picture took
# 462 seconds) it names ref:any; a call is not done after 60 seconds, where TensorFlow's plain
# kernels take less than 6. At 512x512 it is gemm:jit from 64 to 128 channels and from 128 to 32, ref:any from 256 to 64.
# The variable is what is often advised for speed; it is off by default on such processors.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r "$here/keras_requirements.txt"
export TF_CPP_MIN_LOG_LEVEL=3 ONEDNN_MAX_CPU_ISA=AVX2
cat >convolve.py <<'PY'
import sys
import time
import tensorflow as tf

side = int(sys.argv[1])
picture, kernel = tf.ones([1, side, side, 128]), tf.ones([3, 3, 128, 64])
print("ready", flush=True)
start = time.time()
sum(tf.nn.conv2d(picture, kernel, 1, "SAME").numpy()[0, side // 2, side // 2])
print("seconds %.1f" % (time.time() - start))
PY
# The name of the code that oneDNN makes for a side, which it tells before it runs it.
code() {
  { TF_ENABLE_ONEDNN_OPTS=1 ONEDNN_VERBOSE=2 timeout 60 tree/bin/python convolve.py "$1" 2>/dev/null || echo "status $?"; } >said.txt
  grep 'create.*,convolution,' said.txt | cut -d, -f6 | tail -1
}
[ "$(code 384)" = x64:gemm:jit ] && grep -q '^seconds' said.txt
[ "$(code 480)" = ref:any ] && grep -q '^ready' said.txt && grep -q '^status 124' said.txt
plain=$(TF_ENABLE_ONEDNN_OPTS=0 tree/bin/python convolve.py 480 2>/dev/null | sed -n 's/^seconds //p')
awk -v s="$plain" 'BEGIN { exit !(s < 6) }'
echo "384x384: gemm:jit; 480x480: ref:any, not done after a minute; plain kernels: $plain seconds"
