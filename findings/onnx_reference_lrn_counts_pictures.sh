#!/bin/bash
# onnx 1.23.2: the reference evaluator normalises as many channels by LRN as the batch has pictures,
# and leaves the others as they are.
#
# Seen: pictures of four channels of the values 1, 10, 100, 1000, one pixel each, with size 3, alpha 3, beta 1 and bias 1, so
# that each is divided by 1 and the squares of it and its neighbours. Alone in its batch the first channel is right (0.009804) and the
# others come back as 10, 100 and 1000; of two equal pictures two channels are right, of four all four.
# ONNX Runtime 1.32.0, OpenVINO 2026.4.1 and MNN 3.6.1 normalise all in every batch. With the usual alpha of 0.0001 the
# difference is in the fourth digit and looks like rounding. Engines are held against this evaluator.
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
openvino==2026.4.1 --hash=sha256:2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf
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

def openvino(made, x):
    import openvino
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(made.SerializeToString(), b""), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled([x])[0])

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

for pictures in (1, 2, 4):
    x = np.tile(np.array([1, 10, 100, 1000], np.float32).reshape(1, 4, 1, 1), (pictures, 1, 1, 1))
    made = model(18, "LRN", x, {}, size=3, alpha=3.0, beta=1.0, bias=1.0)
    for engine in (reference, runtime, openvino, mnn):
        say("%d %s" % (pictures, engine.__name__), engine(made, x)[0])
PY
tree/bin/python show.py >all 2>noise || { cat noise >&2; exit 1; }
grep '^= ' all | cut -c3- | tee seen
while read -r line; do
  grep -qxF -e "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done <<'LINES'
1 reference: 0.009804 10 100 1000
1 runtime: 0.009804 0.0009899 9.9e-05 0.0009901
1 openvino: 0.009804 0.0009899 9.9e-05 0.0009901
1 mnn: 0.009804 0.0009899 9.9e-05 0.0009901
2 reference: 0.009804 0.0009899 100 1000
2 runtime: 0.009804 0.0009899 9.9e-05 0.0009901
2 openvino: 0.009804 0.0009899 9.9e-05 0.0009901
2 mnn: 0.009804 0.0009899 9.9e-05 0.0009901
4 reference: 0.009804 0.0009899 9.9e-05 0.0009901
4 runtime: 0.009804 0.0009899 9.9e-05 0.0009901
4 openvino: 0.009804 0.0009899 9.9e-05 0.0009901
4 mnn: 0.009804 0.0009899 9.9e-05 0.0009901
LINES
! grep -qiE 'warn|error|not support' all noise || { echo "changed: there is a warning" >&2; exit 1; }
