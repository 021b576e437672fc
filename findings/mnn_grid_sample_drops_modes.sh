#!/bin/bash
# MNN 3.6.1: GridSample of mode "cubic" is computed as "linear", and the padding
# "reflection" as "border", without a word of the converter or of the run.
#
# Seen: a random picture of 8x8 pixels read at 64 random points, some outside it, beside onnx's
# own reference evaluator. Of the eighteen pairs of mode, padding and
# align_corners the eight of linear and nearest with zeros or border are equal to 1e-4. Cubic
# differs by a quarter of the largest value and is exactly what the reference calls
# linear; reflection differs by as much as the largest value and is exactly its border,
# nearest too. The checker takes all models, and the converter says "Converted Success!".
# A warp that was trained with mirrored edges smears them on the device.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >requirements.txt <<'REQ'
ml_dtypes==0.6.0 --hash=sha256:6c8e39b53e90afda8ce52859c93de4dba3e02b76d85dcf091cc469f9184c6dae
mnn==3.6.1 --hash=sha256:abebaaa0c7b0af6dfd6e9f4bda46bb6a30bb95d2b88a5b441a65d1cd322311d0
numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93
onnx==1.23.2 --hash=sha256:c03ecf6b835d136108eeaeeafbd0026fc7b3cf98661409fbc6b63d5a29361348
protobuf==7.36.2 --hash=sha256:89f23aa53c24553a2416fd4fd1ec06f74fa42b14b546d8883128813f775bbfd2
typing_extensions==4.16.0 --hash=sha256:481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8
REQ
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r requirements.txt
cat >modes.py <<'PY'
import itertools
import MNN
import _tools
import MNN.expr as expr
import MNN.nn as nn
import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

draw = np.random.default_rng(0)
feeds = {"picture": draw.standard_normal((1, 3, 8, 8)).astype(np.float32), "grid": draw.uniform(-1.3, 1.3, (1, 8, 8, 2)).astype(np.float32)}

def model(mode, padding, corners):
    node = helper.make_node("GridSample", list(feeds), ["out"], mode=mode, padding_mode=padding, align_corners=corners)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([node], "g", [value(name, feed.shape) for name, feed in feeds.items()], [value("out", [1, 3, 8, 8])])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(made, full_check=True)
    return made

def reference(mode, padding, corners):
    return ReferenceEvaluator(model(mode, padding, corners)).run(None, feeds)[0]

def engine(mode, padding, corners):
    onnx.save(model(mode, padding, corners), "grid.onnx")
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", "grid.onnx", "--MNNModel", "grid.mnn", "--bizCode", "x"])
    runtime = nn.create_runtime_manager(({"backend": "CPU", "precision": "high", "numThread": 1},))
    net = nn.load_module_from_file("grid.mnn", list(feeds), ["out"], runtime_manager=runtime)
    out = net.forward([expr.const(feed, list(feed.shape), expr.data_format.NCHW) for feed in feeds.values()])[0]
    return np.array(expr.convert(out, expr.data_format.NCHW).read())

for mode, padding, corners in itertools.product(("linear", "nearest", "cubic"), ("zeros", "border", "reflection"), (0, 1)):
    truth, seen = reference(mode, padding, corners), engine(mode, padding, corners)
    taken = ("linear" if mode == "cubic" else mode, "border" if padding == "reflection" else padding)
    print("%s %s %d: largest difference %.4f of %.2f" % (mode, padding, corners, np.abs(truth - seen).max(), np.abs(truth).max()))
    print(mode, padding, corners, "right" if np.abs(truth - seen).max() < 1e-4 else
          "is " + " ".join(taken) if np.abs(reference(*taken, corners) - seen).max() < 1e-4 else "is something else")
PY
tree/bin/python modes.py >all
grep -E '^(linear|nearest|cubic) ' all | tee seen
for corners in 0 1; do
  for line in "linear zeros $corners right" "linear border $corners right" "linear reflection $corners is linear border" \
    "nearest zeros $corners right" "nearest border $corners right" "nearest reflection $corners is nearest border" \
    "cubic zeros $corners is linear zeros" "cubic border $corners is linear border" "cubic reflection $corners is linear border"; do
    grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
  done
done
! grep -qiE 'warn|error|not support' all || { echo "changed: there is a warning" >&2; exit 1; }
