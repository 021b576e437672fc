#!/bin/bash
# onnxslim 0.1.98: a convolution whose result is multiplied by one number per column (or
# row, or picture of the batch) becomes another function where there are as many of them
# as output channels, without a word.
#
# Seen: a Conv with 8 output channels and a Mul by a constant, 8x8 pixels. Slimmed with a
# constant of [1, 8, 1, 1] the model computes the same as before. With [1, 1, 1, 8], [8],
# [8, 1] or [8, 1, 1, 1] the constant is folded into the weights of the output channels
# too: the largest difference is as large as the largest value. With 9x9 pixels and nine
# numbers nothing is folded and the result is the same. An Add in place of the Mul is
# left alone in all these cases. Whoever weighs heat maps by a grid of coordinates
# finds out only when the map is as wide as there are maps. Both models are computed by onnx's
# own reference evaluator.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >requirements.txt <<'REQ'
colorama==0.4.6 --hash=sha256:4f1d9991f5acc0ca119f9d443620b77f9d6b33703e51011c16baf57afb285fc6
ml_dtypes==0.6.0 --hash=sha256:6c8e39b53e90afda8ce52859c93de4dba3e02b76d85dcf091cc469f9184c6dae
mpmath==1.3.0 --hash=sha256:a0b2b9fe80bbcd81a6647ff13108738cfb482d481d826cc0e02f5b35e5c88d2c
numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93
onnx==1.23.2 --hash=sha256:c03ecf6b835d136108eeaeeafbd0026fc7b3cf98661409fbc6b63d5a29361348
onnxslim==0.1.98 --hash=sha256:25383fcd43c471e3cabeb774b5cdbf3e36a1b3fd283c7ebbdcdf5aa6731dcee3
packaging==26.4 --hash=sha256:81383611a09c1bc0b08b76e0fd5829d7c6824c65b27a6aee339da133f4233ea2
protobuf==7.36.2 --hash=sha256:89f23aa53c24553a2416fd4fd1ec06f74fa42b14b546d8883128813f775bbfd2
sympy==1.14.0 --hash=sha256:e091cc3e99d2141a0ba2847328f5479b05d94a6635cb96148ccb3f34671bd8f5
typing_extensions==4.16.0 --hash=sha256:481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8
REQ
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r requirements.txt
cat >slim.py <<'PY'
import numpy as np
import onnx
import onnxslim
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

CHANNELS = 8
draw = np.random.default_rng(0)

def normal(*shape):
    return draw.standard_normal(shape).astype(np.float32)

def largest_difference(operation, shape, size=CHANNELS, batch=1):
    """Between the model and the slimmed model, over the largest value."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]), helper.make_node(operation, ["c", "s"], ["y"])]
    dims = [batch, CHANNELS, size, size]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    weights = [numpy_helper.from_array(normal(CHANNELS, CHANNELS, 3, 3), "w"), numpy_helper.from_array(normal(*shape), "s")]
    model = helper.make_model(helper.make_graph(nodes, "g", [value("x")], [value("y")], weights), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    x = normal(*dims)
    before = ReferenceEvaluator(model).run(None, {"x": x})[0]
    after = ReferenceEvaluator(onnxslim.slim(model)).run(None, {"x": x})[0]
    return np.abs(before - after).max() / np.abs(before).max()

for operation, shape, size, batch in (("Mul", (1, 8, 1, 1), 8, 1), ("Mul", (1, 1, 1, 8), 8, 1), ("Mul", (8,), 8, 1), ("Mul", (8, 1), 8, 1),
                                      ("Mul", (8, 1, 1, 1), 8, 8), ("Mul", (1, 1, 1, 9), 9, 1), ("Add", (1, 1, 1, 8), 8, 1), ("Add", (8, 1), 8, 1)):
    error = largest_difference(operation, shape, size, batch)
    print("%s by %s:" % (operation, list(shape)), "the same" if error < 1e-5 else "another" if error > 0.5 else error)
PY
tree/bin/python slim.py | tee seen
for line in 'Mul by [1, 8, 1, 1]: the same' 'Mul by [1, 1, 1, 9]: the same' 'Add by [1, 1, 1, 8]: the same' 'Add by [8, 1]: the same' \
  'Mul by [1, 1, 1, 8]: another' 'Mul by [8]: another' 'Mul by [8, 1]: another' 'Mul by [8, 1, 1, 1]: another'; do
  grep -qxF "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
