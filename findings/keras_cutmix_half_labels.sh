#!/bin/bash
# Keras 3.15.1 on TensorFlow 2.18.1: CutMix under mixed_float16 cuts the pictures and leaves
# the labels as they were once a picture has 65520 pixels or more, and gives NaN for larger boxes.
#
# Seen: four pictures of one grey each, so that a mixed picture shows what share of it
# comes from which; 32 of them are drawn for each size. In float32 every label is within 0.01 of the share. With
# dtype mixed_float16 that holds for 128 and for 255 pixels a side. For 256 the labels
# differ by up to 0.98: none is mixed, though the pictures are. For 512 most labels are NaN: the area of the
# box and that of the picture are numbers of 16 bits, which end at 65504. There is
# neither warning nor error; the layer follows the global policy like any other.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r "$here/keras_requirements.txt"
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3
cat >labels.py <<'PY'
import keras
import numpy as np

def largest_error(policy, size):
    """Of 32 labels beside the share of pixels, how many are mixed, how many are NaN."""
    layer = keras.layers.CutMix(factor=(1.0, 1.0), seed=3, dtype=policy)
    pictures = np.zeros((4, size, size, 1), np.float32) + np.arange(4, dtype=np.float32)[:, None, None, None]
    errors, mixed, cut, lost = [], 0, 0, 0
    for _ in range(8):
        out = layer({"images": pictures, "labels": np.eye(4, dtype=np.float32)}, training=True)
        for picture, label in zip(np.array(out["images"], np.float32), np.array(out["labels"], np.float32)):
            share = np.array([(picture == grey).mean() for grey in range(4)])
            cut += 0.05 < share.max() < 0.95
            lost += np.isnan(label).any()
            mixed += 0.05 < np.nanmax(label) < 0.95
            if not np.isnan(label).any():
                errors.append(np.abs(share - label).max())
    return max(errors), cut, mixed, lost

for policy in ("float32", "mixed_float16"):
    for size in (128, 255, 256, 512):
        error, cut, mixed, lost = largest_error(policy, size)
        print("%s, %d pixels a side: largest error %.3f, %d pictures cut, %d labels mixed, %d NaN" % (policy, size, error, cut, mixed, lost))
        print(policy, size, "right" if error < 0.01 and not lost else "never mixed" if cut > 8 and not mixed and not lost else "NaN" if lost > 8 else "otherwise")
PY
tree/bin/python labels.py 2>noise | tee seen || { cat noise >&2; exit 1; }
for line in 'float32 128 right' 'float32 255 right' 'float32 256 right' 'float32 512 right' \
  'mixed_float16 128 right' 'mixed_float16 255 right' 'mixed_float16 256 never mixed' 'mixed_float16 512 NaN'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
