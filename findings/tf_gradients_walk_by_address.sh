#!/bin/bash
# TensorFlow 2.18.1, C API: TF_AddGradients builds another graph in each process
# where an operation has more than 8 inputs.
#
# Seen: the gradient of x*f0 + x*f1 + ... by one AddN of 8 terms is the same graph
# in 12 processes; of 20 terms there are several, which add up in other orders. In-edges are kept
# in a set that is an array up to 8 entries and a tree of pointers beyond; the
# walk follows it, so it follows addresses. Two runs of the same program thus
# round differently, on one thread too. tf.gradients of Python walks otherwise.
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
cat >"$work/build.py" <<'PY'
import ctypes as c, hashlib, os, sys

class Output(c.Structure):
    _fields_ = [("oper", c.c_void_p), ("index", c.c_int)]

class Buffer(c.Structure):
    _fields_ = [("data", c.c_void_p), ("length", c.c_size_t), ("free", c.c_void_p)]

folder = os.path.join(sys.argv[1], "tensorflow")
c.CDLL(os.path.join(folder, "libtensorflow_framework.so.2"), mode=c.RTLD_GLOBAL)
tf = c.CDLL(os.path.join(folder, "libtensorflow_cc.so.2"))
for name in ("TF_NewGraph", "TF_NewStatus", "TF_NewOperation", "TF_FinishOperation", "TF_NewBuffer", "TF_Message"):
    getattr(tf, name).restype = c.c_void_p
FLOAT = 1
graph, status = c.c_void_p(tf.TF_NewGraph()), c.c_void_p(tf.TF_NewStatus())

def check():
    if tf.TF_GetCode(status):
        sys.exit(c.string_at(tf.TF_Message(status)).decode())

def add(kind, name, inputs=None, pair=(), attrs=()):
    d = c.c_void_p(tf.TF_NewOperation(graph, kind, name))
    for single in pair:
        tf.TF_AddInput(d, single)
    if inputs is not None:
        tf.TF_AddInputList(d, (Output * len(inputs))(*inputs), len(inputs))
    for key, value in attrs:
        tf.TF_SetAttrType(d, key, value)
    op = tf.TF_FinishOperation(d, status)
    check()
    return Output(op, 0)

n = int(sys.argv[2])
x = add(b"Placeholder", b"x", attrs=[(b"dtype", FLOAT)])
terms = []
for i in range(n):
    factor = add(b"Placeholder", b"factor%03d" % i, attrs=[(b"dtype", FLOAT)])
    terms.append(add(b"Mul", b"term%d" % i, pair=(x, factor)))
total = add(b"AddN", b"sum", inputs=terms)
dx = (Output * 1)()
tf.TF_AddGradients(graph, (Output * 1)(total), 1, (Output * 1)(x), 1, None, status, dx)
check()
buffer = c.cast(tf.TF_NewBuffer(), c.POINTER(Buffer))
tf.TF_GraphToGraphDef(graph, buffer, status)
check()
# In which order the terms' gradients were made: each names its factor.
text = c.string_at(buffer.contents.data, buffer.contents.length)
made = text[text.index(b"gradients"):]
order = sorted(range(n), key=lambda i: made.index(b"factor%03d" % i))
print(hashlib.sha256(repr(order).encode()).hexdigest()[:12])
PY
for n in 8 20; do
  seen=$(for _ in $(seq 12); do python3 build.py wheel $n; done | sort | uniq -c | wc -l)
  echo "$n inputs: $seen gradient graph(s) in 12 processes"
  case $n:$seen in
    8:1) ;;
    20:1) echo "changed: 20 inputs are walked alike now" >&2; exit 1 ;;
    8:*) echo "changed: 8 inputs are walked by address too" >&2; exit 1 ;;
  esac
done
