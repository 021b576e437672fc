#!/bin/bash
# Keras 3.15.1 on TensorFlow 2.18.1: keras.random.beta with small parameters draws exactly 0.5
# most of the time, where the distribution is almost nowhere.
#
# Seen: of 20000 numbers from Beta(a, a) as good as none is exactly one half for a = 0.1, but 3 % for 0.02,
# 18 % for 0.01 and 85 % for 0.001. NumPy has 0.04 % within 0.4 to 0.6 for 0.001, since all
# mass lies at 0 and at 1. The mean is right in both, so a test of the mean
# passes. A beta number is made of two gamma numbers here, both of these are raised to the smallest
# positive float, and their quotient is a half. keras.layers.MixUp(alpha=0.01), which
# shall leave nearly all pictures alone, mixes every seventh one half and half.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r "$here/keras_requirements.txt"
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3
cat >halves.py <<'PY'
import keras
import numpy as np

for a in (0.1, 0.02, 0.01, 0.001):
    ours = np.array(keras.random.beta((20000,), a, a, seed=1))
    true = np.random.default_rng(0).beta(a, a, 20000)
    half = (ours == 0.5).mean()
    print("a = %g: exactly one half %.4f, mean %.2f; numpy: within 0.4 to 0.6 %.4f, mean %.2f" % (a, half, ours.mean(), ((true > 0.4) & (true < 0.6)).mean(), true.mean()))
    print(a, "none" if half < 0.001 else "some" if half < 0.1 else "many" if half < 0.5 else "most")
layer = keras.layers.MixUp(alpha=0.01, seed=1)
pictures, labels = np.zeros((8, 4, 4, 1), np.float32), np.eye(8, dtype=np.float32)
mixed = [np.array(layer({"images": pictures, "labels": labels}, training=True)["labels"]) for _ in range(100)]
share = (np.concatenate(mixed) == 0.5).any(1).mean()
print("MixUp of 0.01: half and half %.3f" % share)
print("MixUp", "halves" if share > 0.05 else "leaves them alone")
PY
tree/bin/python halves.py 2>noise | tee seen || { cat noise >&2; exit 1; }
for line in '0.1 none' '0.02 some' '0.01 many' '0.001 most' 'MixUp halves'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
