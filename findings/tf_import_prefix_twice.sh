#!/bin/bash
# TensorFlow 2.18.1, C API: TF_GraphImportGraphDef with a prefix that was used
# before makes a second node of a name that is taken, and says nothing.
#
# Seen: a graph of one placeholder "x" is imported twice under the prefix "net".
# Both imports are OK, the serialised graph then has two nodes called net/x, and
# importing that one anew is refused: "not unique". Only a node called exactly as
# the prefix makes an import fail; names below it are not looked at. With an empty
# prefix the second import fails, as one expects.
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
cat >"$work/twice.py" <<'PY'
import ctypes as c, os, sys

class Buffer(c.Structure):
    _fields_ = [("data", c.c_void_p), ("length", c.c_size_t), ("free", c.c_void_p)]

folder = os.path.join(sys.argv[1], "tensorflow")
c.CDLL(os.path.join(folder, "libtensorflow_framework.so.2"), mode=c.RTLD_GLOBAL)
tf = c.CDLL(os.path.join(folder, "libtensorflow_cc.so.2"))
for name in ("TF_NewGraph", "TF_NewStatus", "TF_NewOperation", "TF_FinishOperation", "TF_NewBuffer", "TF_Message",
             "TF_NewImportGraphDefOptions"):
    getattr(tf, name).restype = c.c_void_p
status = c.c_void_p(tf.TF_NewStatus())

def serialised(graph):
    b = c.cast(tf.TF_NewBuffer(), c.POINTER(Buffer))
    tf.TF_GraphToGraphDef(graph, b, status)
    return b

def bring(graph, definition, prefix):
    o = c.c_void_p(tf.TF_NewImportGraphDefOptions())
    tf.TF_ImportGraphDefOptionsSetPrefix(o, prefix)
    tf.TF_GraphImportGraphDef(graph, definition, o, status)
    code = tf.TF_GetCode(status)
    return "OK" if code == 0 else c.string_at(tf.TF_Message(status)).decode()

one = c.c_void_p(tf.TF_NewGraph())
d = c.c_void_p(tf.TF_NewOperation(one, b"Placeholder", b"x"))
tf.TF_SetAttrType(d, b"dtype", 1)
tf.TF_FinishOperation(d, status)
definition = serialised(one)

both, plain, anew = (c.c_void_p(tf.TF_NewGraph()) for _ in range(3))
print("prefix, first:", bring(both, definition, b"net"))
print("prefix, second:", bring(both, definition, b"net"))
result = serialised(both)
text = c.string_at(result.contents.data, result.contents.length)
print("nodes called net/x:", text.count(b"\n\x05net/x"))
print("the graph anew:", bring(anew, result, b"")[:60])
print("no prefix, first:", bring(plain, definition, b""))
print("no prefix, second:", bring(plain, definition, b"")[:60])
PY
python3 twice.py wheel | tee seen
for line in 'prefix, first: OK' 'prefix, second: OK' 'nodes called net/x: 2' 'no prefix, first: OK'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
! grep -qx 'the graph anew: OK' seen || { echo "changed: the graph with two nodes of a name is taken" >&2; exit 1; }
! grep -qx 'no prefix, second: OK' seen || { echo "changed: without a prefix the second import is taken too" >&2; exit 1; }
