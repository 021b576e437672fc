#!/bin/bash
# ONNX Runtime 1.32.0 on a CPU: GridSample with padding_mode=border answers 0, and
# no pixel of the border, for points farther than 2^24 pixels outside the picture.
#
# Seen: a picture of 8x8 pixels whose values are 10 to 73, read at one point of a
# grid. To the right of it, at x = 2, 1000 and 1e6 (7e6 pixels at most), the
# border's pixel comes back (45, for align_corners=1, y = 0); at 1e7 and 1e9 it
# is 0, a value that the picture does not have. Reflection does the same; mode
# "nearest" is right at 1e9. The ONNX checker and the session take the model
# without a word. PyTorch's grid_sample, from which such models come, gives the
# border everywhere. A float has no fraction left there, and a neighbour
# one pixel further is the same number, so both weights of the blend are 0: the
# coordinate has to be clamped before it is split, not the index behind it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >requirements.txt <<'REQ'
flatbuffers==25.12.19 --hash=sha256:7634f50c427838bb021c2d66a3d1168e9d199b0607e6329399f04846d42e20b4
ml_dtypes==0.6.0 --hash=sha256:6c8e39b53e90afda8ce52859c93de4dba3e02b76d85dcf091cc469f9184c6dae
numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93
onnx==1.23.2 --hash=sha256:c03ecf6b835d136108eeaeeafbd0026fc7b3cf98661409fbc6b63d5a29361348
onnxruntime==1.32.0 --hash=sha256:5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d
packaging==26.4 --hash=sha256:81383611a09c1bc0b08b76e0fd5829d7c6824c65b27a6aee339da133f4233ea2
protobuf==7.36.2 --hash=sha256:89f23aa53c24553a2416fd4fd1ec06f74fa42b14b546d8883128813f775bbfd2
typing_extensions==4.16.0 --hash=sha256:481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8
REQ
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r requirements.txt
cat >far.py <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

picture = 10 + np.arange(64, dtype=np.float32).reshape(1, 1, 8, 8)

def read(x, mode, padding):
    node = helper.make_node("GridSample", ["picture", "grid"], ["out"], mode=mode, padding_mode=padding, align_corners=1)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([node], "g", [value("picture", [1, 1, 8, 8]), value("grid", [1, 1, 1, 2])], [value("out", [1, 1, 1, 1])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return float(session.run(None, {"picture": picture, "grid": np.array([[[[x, 0]]]], np.float32)})[0].item())

for mode, padding in (("linear", "border"), ("linear", "reflection"), ("nearest", "border")):
    print(mode, padding, *("%g:%g" % (x, read(x, mode, padding)) for x in (2, 1e3, 1e6, 1e7, 1e9)))
PY
tree/bin/python far.py | tee seen
for line in 'linear border 2:45 1000:45 1e+06:45 1e+07:0 1e+09:0' 'nearest border 2:49 1000:49 1e+06:49 1e+07:49 1e+09:49'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
grep -q '^linear reflection .* 1e+07:0 1e+09:0$' seen || { echo "changed: reflection" >&2; exit 1; }
