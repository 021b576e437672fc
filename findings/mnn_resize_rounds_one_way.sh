#!/bin/bash
# MNN 3.6.1: Resize of mode "nearest" knows one way to round besides "floor", and "cubic" by half
# pixels reads the first pixel otherwise than all others, without a word of the converter or of the run.
#
# Seen: the row 0 1 2 3 4 5. Made three pixels of it by half pixels, "round_prefer_ceil" and "ceil"
# have to give 1 3 5; MNN gives 0 2 4, which is right for "round_prefer_floor" and "floor". Nine pixels
# by "ceil" (asymmetric) come out as those of "round_prefer_floor". Nine pixels by "cubic" and half pixels begin
# with 0.7697 where onnx's reference evaluator and ONNX Runtime 1.32.0 have -0.08681; the other eight are equal,
# and so are all nine by "asymmetric". A map of labels made smaller so lies one pixel beside the
# picture, and a cubic one has a wrong column at its left edge.
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

x = np.arange(6, dtype=np.float32).reshape(1, 1, 1, 6)
for mode, rounding, where, width in (("nearest", "floor", "half_pixel", 3), ("nearest", "round_prefer_floor", "half_pixel", 3),
                                     ("nearest", "round_prefer_ceil", "half_pixel", 3), ("nearest", "ceil", "half_pixel", 3),
                                     ("nearest", "round_prefer_floor", "asymmetric", 9), ("nearest", "ceil", "asymmetric", 9),
                                     ("cubic", "floor", "half_pixel", 9), ("cubic", "floor", "asymmetric", 9)):
    constants = {"roi": np.zeros(0, np.float32), "scales": np.zeros(0, np.float32), "sizes": np.array([1, 1, 1, width], np.int64)}
    made = model(19, "Resize", x, constants, mode=mode, nearest_mode=rounding, coordinate_transformation_mode=where)
    name = "%s %s" % ("cubic" if mode == "cubic" else rounding, where)
    say(name + " reference", reference(made, x))
    say(name + " runtime", runtime(made, x))
    say(name + " mnn", mnn(made, x))
PY
tree/bin/python show.py >all 2>noise || { cat noise >&2; exit 1; }
grep '^= ' all | cut -c3- | tee seen
while read -r line; do
  grep -qxF -e "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done <<'LINES'
floor half_pixel mnn: 0 2 4
round_prefer_floor half_pixel mnn: 0 2 4
round_prefer_ceil half_pixel reference: 1 3 5
round_prefer_ceil half_pixel runtime: 1 3 5
round_prefer_ceil half_pixel mnn: 0 2 4
ceil half_pixel reference: 1 3 5
ceil half_pixel runtime: 1 3 5
ceil half_pixel mnn: 0 2 4
ceil asymmetric reference: 0 1 2 2 3 4 4 5 5
ceil asymmetric runtime: 0 1 2 2 3 4 4 5 5
ceil asymmetric mnn: 0 1 1 2 3 3 4 5 5
round_prefer_floor asymmetric reference: 0 1 1 2 3 3 4 5 5
cubic half_pixel reference: -0.08681 0.4062 1.213 1.787 2.5 3.213 3.787 4.594 5.087
cubic half_pixel runtime: -0.08681 0.4062 1.213 1.787 2.5 3.213 3.787 4.594 5.087
cubic half_pixel mnn: 0.7697 0.4062 1.213 1.787 2.5 3.213 3.787 4.594 5.087
LINES
! grep -qiE 'warn|error|not support' all noise || { echo "changed: there is a warning" >&2; exit 1; }
