#!/bin/bash
# OpenVINO 2026.4.1 and MNN 3.6.1: Resize of an ONNX model loses its antialias, its exclude_outside
# and its keep_aspect_ratio_policy, without an error or a warning.
#
# Seen: a random picture of 8x8 pixels made 4x4, linear and cubic, beside onnx's reference evaluator.
# Without the attributes both engines are right to 1e-4. With antialias=1 both give exactly what
# they give without: the values differ by more than half of the largest one. exclude_outside=1 of cubic is
# dropped likewise (a twentieth of the largest). Asked for [4, 5] with the policy "not_larger" the picture has to be 4x4,
# both give 4x5. ONNX Runtime 1.32.0 does all of them right. A network whose small scales were
# trained on smoothed pictures gets aliased ones on the device.
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
cat >smaller.py <<'PY'
import sys
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

picture = np.random.default_rng(0).standard_normal((1, 1, 8, 8)).astype(np.float32)

def model(size, attributes):
    node = helper.make_node("Resize", ["x", "", "", "size"], ["y"], **attributes)
    value = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    sizes = numpy_helper.from_array(np.array([1, 1, *size], np.int64), "size")
    graph = helper.make_graph([node], "g", [value("x", [1, 1, 8, 8])], [value("y", [1, 1, "height", "width"])], [sizes])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    onnx.checker.check_model(made, full_check=True)
    return made

def runtime(made):
    import onnxruntime
    return onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": picture})[0]

def openvino(made):
    import openvino
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(made.SerializeToString(), b""), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled([picture])[0])

def mnn(made):
    import MNN
    import _tools
    import MNN.expr as expr
    import MNN.nn as nn
    onnx.save(made, "resize.onnx")
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", "resize.onnx", "--MNNModel", "resize.mnn", "--bizCode", "x"])
    settings = nn.create_runtime_manager(({"backend": "CPU", "precision": "high", "numThread": 1},))
    net = nn.load_module_from_file("resize.mnn", ["x"], ["y"], runtime_manager=settings)
    out = net.forward([expr.const(picture, [1, 1, 8, 8], expr.data_format.NCHW)])[0]
    return np.array(expr.convert(out, expr.data_format.NCHW).read())

engine = {"runtime": runtime, "openvino": openvino, "mnn": mnn}[sys.argv[1]]
for name, size, attributes in (("linear", (4, 4), {"mode": "linear"}), ("linear antialias", (4, 4), {"mode": "linear", "antialias": 1}),
                               ("cubic", (4, 4), {"mode": "cubic"}), ("cubic antialias", (4, 4), {"mode": "cubic", "antialias": 1}),
                               ("cubic exclude_outside", (4, 4), {"mode": "cubic", "exclude_outside": 1}),
                               ("nearest not_larger", (4, 5), {"mode": "nearest", "keep_aspect_ratio_policy": "not_larger"})):
    truth = ReferenceEvaluator(model(size, attributes)).run(None, {"x": picture})[0]
    plain = ReferenceEvaluator(model(size, {"mode": attributes["mode"]})).run(None, {"x": picture})[0]
    seen = engine(model(size, attributes))
    if seen.shape == truth.shape:
        print("%s: largest difference %.4f of %.2f" % (name, np.abs(seen - truth).max(), np.abs(truth).max()))
    right = seen.shape == truth.shape and np.abs(seen - truth).max() < 1e-4
    print("=", sys.argv[1], name, "right" if right else "dropped" if seen.shape == plain.shape and np.abs(seen - plain).max() < 1e-4 else "otherwise")
PY
for engine in runtime openvino mnn; do tree/bin/python smaller.py $engine; done >all 2>&1 || { cat all >&2; exit 1; }
grep -E '^=|largest' all | tee seen
for name in linear cubic; do
  for engine in runtime openvino mnn; do grep -qx "= $engine $name right" seen || { echo "changed: $engine $name" >&2; exit 1; }; done
done
for name in 'linear antialias' 'cubic antialias' 'cubic exclude_outside' 'nearest not_larger'; do
  grep -qx "= runtime $name right" seen || { echo "changed: ONNX Runtime $name" >&2; exit 1; }
  for engine in openvino mnn; do grep -qx "= $engine $name dropped" seen || { echo "changed: $engine $name" >&2; exit 1; }; done
done
! grep -qiE 'warn|antialias.*support' all || { echo "changed: there is a warning" >&2; exit 1; }
