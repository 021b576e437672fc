#!/bin/bash
# MNN 3.6.1: Round, Shrink, Mod with fmod=1, and convolutions padded by SAME_LOWER compute another
# function than the model says, without a word of the converter or of the run.
#
# Seen, beside onnx's reference evaluator and ONNX Runtime 1.32.0, which agree:
#   Round                  -2.5 -0.5 0.5 2.5 are -2 0 0 2, as the standard asks for; MNN has -3 -1 1 3
#   Shrink                 (lambd 0.4, bias 0.2) -2.5 and -0.5 become -2.3 and -0.3; MNN has 0 for all below
#   Mod, fmod=1            -2.5 and -0.5 by 2 are -0.5 and -0.5, with the sign of the first; MNN has 1.5 twice
#   Conv, SAME_LOWER       a kernel of 2 reads the left neighbour; MNN reads the right one, as SAME_UPPER does
# Weights and pixels that are quantised by Round differ by one where they lie in the middle, and each
# such convolution moves its picture by a pixel.
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

x = np.array([-2.5, -0.5, 0.5, 2.5], np.float32).reshape(1, 1, 1, 4)
for name, kind, constants, attributes in (("Round", "Round", {}, {}), ("Shrink", "Shrink", {}, {"lambd": 0.4, "bias": 0.2}),
                                          ("Mod", "Mod", {"by": np.full((1, 1, 1, 4), 2, np.float32)}, {"fmod": 1}),
                                          ("lower", "Conv", {"w": np.array([[[[1, 0]]]], np.float32)}, {"auto_pad": "SAME_LOWER"}),
                                          ("upper", "Conv", {"w": np.array([[[[1, 0]]]], np.float32)}, {"auto_pad": "SAME_UPPER"})):
    made = model(18, kind, x, constants, **attributes)
    for engine in (reference, runtime, mnn):
        say("%s %s" % (name, engine.__name__), engine(made, x))
PY
tree/bin/python show.py >all 2>noise || { cat noise >&2; exit 1; }
grep '^= ' all | cut -c3- | tee seen
while read -r line; do
  grep -qxF -e "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done <<'LINES'
Round reference: -2 0 0 2
Round runtime: -2 0 0 2
Round mnn: -3 -1 1 3
Shrink reference: -2.3 -0.3 0.3 2.3
Shrink runtime: -2.3 -0.3 0.3 2.3
Shrink mnn: 0 0 0.3 2.3
Mod reference: -0.5 -0.5 0.5 0.5
Mod runtime: -0.5 -0.5 0.5 0.5
Mod mnn: 1.5 1.5 0.5 0.5
lower reference: 0 -2.5 -0.5 0.5
lower runtime: 0 -2.5 -0.5 0.5
lower mnn: -2.5 -0.5 0.5 2.5
upper reference: -2.5 -0.5 0.5 2.5
upper runtime: -2.5 -0.5 0.5 2.5
upper mnn: -2.5 -0.5 0.5 2.5
LINES
! grep -qiE 'warn|error|not support' all noise || { echo "changed: there is a warning" >&2; exit 1; }
