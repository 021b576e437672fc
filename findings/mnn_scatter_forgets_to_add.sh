#!/bin/bash
# MNN 3.6.1: ScatterElements and ScatterND with reduction "add", "mul", "max" or "min" only write: the
# last number that comes to a place stays there, without a word of the converter or of the run.
#
# Seen: a row of six ones; 30, 10 and 20 come to place 0, place 0 and place 5. By onnx's own reference
# evaluator and by ONNX Runtime 1.32.0 "add" makes 41 and 21 of it, "mul" 300 and 20, "max" 30 and 20, "min" 1 and 1.
# MNN has 10 and 20 for all of them, for both operations, as "none" asks for. The checker takes all
# models, and the converter says "Converted Success!". What is thrown forward (splatting by a flow,
# histograms, votes of keypoints) keeps one of the points that meet.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >requirements.txt <<'REQ'
flatbuffers==25.12.19 --hash=sha256:7634f50c427838bb021c2d66a3d1168e9d199b0607e6329399f04846d42e20b4
ml_dtypes==0.6.0 --hash=sha256:6c8e39b53e90afda8ce52859c93de4dba3e02b76d85dcf091cc469f9184c6dae
mnn==3.6.1 --hash=sha256:abebaaa0c7b0af6dfd6e9f4bda46bb6a30bb95d2b88a5b441a65d1cd322311d0
numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93
onnx==1.23.2 --hash=sha256:c03ecf6b835d136108eeaeeafbd0026fc7b3cf98661409fbc6b63d5a29361348
onnxruntime==1.32.0 --hash=sha256:5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d
packaging==26.4 --hash=sha256:81383611a09c1bc0b08b76e0fd5829d7c6824c65b27a6aee339da133f4233ea2
protobuf==7.36.2 --hash=sha256:89f23aa53c24553a2416fd4fd1ec06f74fa42b14b546d8883128813f775bbfd2
typing_extensions==4.16.0 --hash=sha256:481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8
REQ
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r requirements.txt
cat >show.py <<'PY'
import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

def model(opset, kind, x, constants, **attributes):
    node = helper.make_node(kind, ["x", *constants], ["y"], **attributes)
    given = helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
    made = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["d%d" % i for i in range(x.ndim)])
    graph = helper.make_graph([node], "g", [given], [made], [numpy_helper.from_array(v, k) for k, v in constants.items()])
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    onnx.checker.check_model(whole, full_check=True)
    return whole

def reference(made, x):
    return ReferenceEvaluator(made).run(None, {"x": x})[0]

def runtime(made, x):
    import onnxruntime
    return onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]

def mnn(made, x):
    import MNN
    import _tools
    import MNN.expr as expr
    import MNN.nn as nn
    onnx.save(made, "model.onnx")
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", "model.onnx", "--MNNModel", "model.mnn", "--bizCode", "x"])
    runtime = nn.create_runtime_manager(({"backend": "CPU", "precision": "high", "numThread": 1},))
    net = nn.load_module_from_file("model.mnn", ["x"], ["y"], runtime_manager=runtime)
    out = net.forward([expr.const(x, list(x.shape), expr.data_format.NCHW)])[0]
    return np.array(expr.convert(out, expr.data_format.NCHW).read())

def say(name, values):
    print("= " + name + ": " + " ".join("%.4g" % (v + 0.0) for v in np.asarray(values).ravel()))

x = np.ones((1, 1, 1, 6), np.float32)
values = np.array([30, 10, 20], np.float32)
index = np.array([0, 0, 5], np.int64)
for how in ("add", "mul", "max", "min"):
    elements = model(18, "ScatterElements", x, {"i": index.reshape(1, 1, 1, 3), "v": values.reshape(1, 1, 1, 3)}, axis=3, reduction=how)
    places = model(18, "ScatterND", x, {"i": np.stack([0 * index] * 3 + [index], 1), "v": values}, reduction=how)
    say(how + " reference", reference(elements, x))
    for name, made in (("elements", elements), ("places", places)):
        say(how + " runtime " + name, runtime(made, x))
        say(how + " mnn " + name, mnn(made, x))
PY
tree/bin/python show.py >all 2>noise || { cat noise >&2; exit 1; }
grep '^= ' all | cut -c3- | tee seen
while read -r line; do
  grep -qxF -e "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done <<'LINES'
add reference: 41 1 1 1 1 21
add runtime elements: 41 1 1 1 1 21
add runtime places: 41 1 1 1 1 21
add mnn elements: 10 1 1 1 1 20
add mnn places: 10 1 1 1 1 20
mul reference: 300 1 1 1 1 20
mul runtime elements: 300 1 1 1 1 20
mul runtime places: 300 1 1 1 1 20
mul mnn elements: 10 1 1 1 1 20
mul mnn places: 10 1 1 1 1 20
max reference: 30 1 1 1 1 20
max runtime elements: 30 1 1 1 1 20
max runtime places: 30 1 1 1 1 20
max mnn elements: 10 1 1 1 1 20
max mnn places: 10 1 1 1 1 20
min reference: 1 1 1 1 1 1
min runtime elements: 1 1 1 1 1 1
min runtime places: 1 1 1 1 1 1
min mnn elements: 10 1 1 1 1 20
min mnn places: 10 1 1 1 1 20
LINES
! grep -qiE 'warn|error|not support' all noise || { echo "changed: there is a warning" >&2; exit 1; }
