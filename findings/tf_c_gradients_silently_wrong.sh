#!/bin/bash
# TensorFlow 2.18.1, C API: TF_AddGradients gives wrong numbers, without an
# error, for operations whose gradient Python computes rightly.
#
# Seen, beside central differences of the same graph:
#   Conv2D with dilations      gradient of the filter is that of no dilation
#   FusedBatchNormV3           gradient through its output batch_mean is 0
#   Atan2 of [2,3] and [3]     gradient of the broadcast side is not summed
#   LRN with its own radius    gradient is that of the default attributes
# and as the control, Conv2D without dilations, which is right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/requirements.txt" <<'REQ'
tensorflow-cpu==2.18.1 --hash=sha256:810c75d7149d2da0cb2092187817b0dcabb80728ca9f9cf3a61f3f42fadd1298
REQ
python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
  --python-version 3.11 --dest "$work" -r "$work/requirements.txt"
export TF_CPP_MIN_LOG_LEVEL=2
cd "$work" && python3 -m zipfile -e tensorflow_cpu-*.whl wheel
cat >"$work/compare.py" <<'PY'
import ctypes as c, os, random, sys

class Output(c.Structure):
    _fields_ = [("oper", c.c_void_p), ("index", c.c_int)]

folder = os.path.join("wheel", "tensorflow")
c.CDLL(os.path.join(folder, "libtensorflow_framework.so.2"), mode=c.RTLD_GLOBAL)
tf = c.CDLL(os.path.join(folder, "libtensorflow_cc.so.2"))
for name in ("TF_NewGraph", "TF_NewStatus", "TF_NewOperation", "TF_FinishOperation", "TF_Message",
             "TF_NewSessionOptions", "TF_NewSession", "TF_AllocateTensor", "TF_TensorData"):
    getattr(tf, name).restype = c.c_void_p
tf.TF_TensorByteSize.restype = c.c_size_t
tf.TF_Dim.restype = c.c_int64
FLOAT, INT64 = 1, 9
status = c.c_void_p(tf.TF_NewStatus())

def check():
    if tf.TF_GetCode(status):
        raise RuntimeError(c.string_at(tf.TF_Message(status)).decode())

def size(dims):
    n = 1
    for d in dims:
        n *= d
    return n

def tensor(values, dims):
    t = c.c_void_p(tf.TF_AllocateTensor(FLOAT, (c.c_int64 * len(dims))(*dims), len(dims), c.c_size_t(4 * size(dims))))
    c.memmove(tf.TF_TensorData(t), (c.c_float * len(values))(*values), 4 * len(values))
    return t

class Case:
    """An operation on placeholders; its loss is a weighted sum of one output."""
    def __init__(self, kind, shapes, out=0, ints=(), floats=(), strings=()):
        self.graph = c.c_void_p(tf.TF_NewGraph())
        self.shapes = shapes
        self.x = [self.add("Placeholder", "x%d" % i, dtype="dtype") for i in range(len(shapes))]
        op = self.add(kind, "op", self.x, ints=ints, floats=floats, strings=strings)
        y = Output(op.oper, out)
        square = self.add("Square", "square", [y])
        axes = self.add("Shape", "shape", [square])
        rank = self.add("Size", "size", [axes])
        zero = self.add("ZerosLike", "zero", [rank])
        one = self.add("OnesLike", "one", [rank])
        all_axes = self.add("Range", "axes", [zero, rank, one])
        self.loss = self.add("Sum", "loss", [square, all_axes])
        self.grads = (Output * len(shapes))()
        tf.TF_AddGradients(self.graph, (Output * 1)(self.loss), 1, (Output * len(shapes))(*self.x), len(shapes), None, status, self.grads)
        check()
        self.session = c.c_void_p(tf.TF_NewSession(self.graph, c.c_void_p(tf.TF_NewSessionOptions()), status))
        check()

    def add(self, kind, name, inputs=(), dtype=None, ints=(), floats=(), strings=()):
        d = c.c_void_p(tf.TF_NewOperation(self.graph, kind.encode(), name.encode()))
        for o in inputs:
            tf.TF_AddInput(d, o)
        if dtype:
            tf.TF_SetAttrType(d, dtype.encode(), FLOAT)
        for key, value in ints:
            if isinstance(value, int):
                tf.TF_SetAttrInt(d, key.encode(), c.c_int64(value))
            else:
                tf.TF_SetAttrIntList(d, key.encode(), (c.c_int64 * len(value))(*value), len(value))
        for key, value in floats:
            tf.TF_SetAttrFloat(d, key.encode(), c.c_float(value))
        for key, value in strings:
            tf.TF_SetAttrString(d, key.encode(), value.encode(), c.c_size_t(len(value)))
        op = tf.TF_FinishOperation(d, status)
        check()
        return Output(op, 0)

    def run(self, values, fetch):
        feeds = [tensor(v, s) for v, s in zip(values, self.shapes)]
        out = (c.c_void_p * 1)()
        tf.TF_SessionRun(self.session, None, (Output * len(feeds))(*self.x), (c.c_void_p * len(feeds))(*[f.value for f in feeds]), len(feeds),
                         (Output * 1)(fetch), out, 1, None, 0, None, status)
        check()
        t = c.c_void_p(out[0])
        n = tf.TF_TensorByteSize(t) // 4
        return list((c.c_float * n).from_address(tf.TF_TensorData(t))) if n else []

    def wrong(self, i, eps=1e-2):
        """How far input i's gradient is from central differences, over the largest."""
        r = random.Random(1)
        values = [[r.uniform(0.5, 1.5) for _ in range(size(s))] for s in self.shapes]
        want = []
        for j in range(size(self.shapes[i])):
            ends = []
            for sign in (1, -1):
                moved = [list(v) for v in values]
                moved[i][j] += sign * eps
                ends.append(self.run(moved, self.loss)[0])
            want.append((ends[0] - ends[1]) / (2 * eps))
        if self.grads[i].index < 0:
            return "no gradient, and no error"
        try:
            got = self.run(values, self.grads[i])
        except RuntimeError as e:
            return "error when run: " + str(e).splitlines()[0]
        if len(got) != len(want):
            return "%d values for %d" % (len(got), len(want))
        return max(abs(a - b) for a, b in zip(got, want)) / max(map(abs, want))

conv = dict(ints=[("strides", [1, 1, 1, 1])], strings=[("padding", "SAME")])
dilated = dict(ints=[("strides", [1, 1, 1, 1]), ("dilations", [1, 2, 2, 1])], strings=[("padding", "SAME")])
rows = [
    ("Conv2D, filter", False, Case("Conv2D", [[1, 6, 6, 1], [3, 3, 1, 1]], **conv).wrong(1)),
    ("Conv2D dilated by 2, filter", True, Case("Conv2D", [[1, 6, 6, 1], [3, 3, 1, 1]], **dilated).wrong(1)),
    ("FusedBatchNormV3 by batch_mean, x", True, Case("FusedBatchNormV3", [[1, 3, 3, 2], [2], [2], [0], [0]], out=1).wrong(0)),
    ("Atan2, broadcast side", True, Case("Atan2", [[2, 3], [3]]).wrong(1)),
    ("LRN with depth_radius 1, x", True, Case("LRN", [[1, 2, 2, 6]], ints=[("depth_radius", 1)], floats=[("alpha", 0.5)]).wrong(0)),
]
changed = False
for name, expected, found in rows:
    bad = not isinstance(found, float) or found > 0.05
    print("%-36s %s" % (name, "%.3f of the largest apart" % found if isinstance(found, float) else found))
    changed |= bad != expected
sys.exit("changed: not what was seen" if changed else 0)
PY
python3 compare.py
