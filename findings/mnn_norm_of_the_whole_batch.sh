#!/bin/bash
# MNN 3.6.1: ReduceL2, ReduceL1, ReduceSumSquare, ReduceLogSum and ReduceLogSumExp forget
# their axes where a model of opset 18 gives them, and reduce everything to one number.
#
# Seen: 4 vectors of 5 numbers, each divided by its ReduceL2 with axes [1] and keepdims. Of a model of opset
# 13, where the axes are an attribute, the lengths are 1; of opset 18, where they are a second input
# (a constant here), all four are divided by one and the same number, so each length is
# its own share of the whole, though the result has the right shape and nobody complains. Without
# keepdims a number comes out in place of 4. Of all nine reductions with axes as
# input those four others are wrong likewise, while ReduceSum, ReduceMean, ReduceMax and ReduceProd are right.
# So an embedding is right in a batch of one and shorter with each neighbour.
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
cat >norms.py <<'PY'
import MNN
import _tools
import MNN.expr as expr
import MNN.nn as nn
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

AXES = np.array([1], np.int64)
x = np.random.default_rng(0).uniform(0.5, 2, (4, 5)).astype(np.float32)

def both(operation, opset, keepdims, divide):
    """The reference's answer and the engine's, of a reduction or of x over it."""
    as_input = opset >= (13 if operation == "ReduceSum" else 18)
    nodes = [helper.make_node(operation, ["x", "axes"] if as_input else ["x"], ["r"], keepdims=keepdims, **({} if as_input else {"axes": AXES.tolist()})),
             helper.make_node("Div", ["x", "r"], ["y"]) if divide else helper.make_node("Identity", ["r"], ["y"])]
    shape = [4, 5] if divide else [4, 1] if keepdims else [4]
    value = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    constants = [numpy_helper.from_array(AXES, "axes")] if as_input else []
    model = helper.make_model(helper.make_graph(nodes, "g", [value("x", [4, 5])], [value("y", shape)], constants),
                              opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "norm.onnx")
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", "norm.onnx", "--MNNModel", "norm.mnn", "--bizCode", "x"])
    runtime = nn.create_runtime_manager(({"backend": "CPU", "precision": "high", "numThread": 1},))
    net = nn.load_module_from_file("norm.mnn", ["x"], ["y"], runtime_manager=runtime)
    out = net.forward([expr.const(x, [4, 5], expr.data_format.NCHW)])[0]
    return ReferenceEvaluator(model).run(None, {"x": x})[0], np.array(out.read())

for opset in (13, 18):
    truth, seen = both("ReduceL2", opset, 1, True)
    lengths = np.linalg.norm(seen, axis=1)
    print("opset %d: lengths" % opset, *("%.3f" % length for length in lengths))
    print("opset", opset, "unit" if np.abs(lengths - 1).max() < 1e-4 else
          "one divisor" if np.abs(seen - x / np.linalg.norm(x)).max() < 1e-4 else "otherwise")
for operation in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"):
    truth, seen = both(operation, 18, 0, False)
    print(operation, "right" if truth.shape == seen.shape and np.allclose(truth, seen, rtol=1e-4) else "gives %d for %d" % (seen.size, truth.size))
PY
tree/bin/python norms.py | grep -E '^(opset|Reduce)' | tee seen
for line in 'opset 13 unit' 'opset 18 one divisor' 'ReduceSum right' 'ReduceMean right' 'ReduceMax right' 'ReduceProd right' 'ReduceL1 gives 1 for 4' \
  'ReduceL2 gives 1 for 4' 'ReduceSumSquare gives 1 for 4' 'ReduceLogSum gives 1 for 4' 'ReduceLogSumExp gives 1 for 4'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
