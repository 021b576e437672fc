#!/bin/bash
# numpy 2.4.6 with ml_dtypes 0.6.0: an npz of 8- and 16-bit floats of machine
# learning comes back as something else, without an error.
#
# Seen: the header of a bfloat16 array says <V2, that of float8_e4m3fn <V1, and
# that of float8_e5m2 <f1, which is no type of numpy's: the first two load as raw
# bytes that no longer tell which float they were, the third does not load at all
# in a process without ml_dtypes. Weights saved so must be told apart by hand.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/requirements.txt" <<'REQ'
ml_dtypes==0.6.0 --hash=sha256:6c8e39b53e90afda8ce52859c93de4dba3e02b76d85dcf091cc469f9184c6dae
numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93
REQ
python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
  --target "$work/site" -r "$work/requirements.txt"
cd "$work"
PYTHONPATH=site python3 - <<'PY'
import ml_dtypes, numpy as np
np.savez("w.npz", **{t: np.ones(3, getattr(ml_dtypes, t)) for t in ("bfloat16", "float8_e4m3fn", "float8_e5m2")})
PY
PYTHONPATH=site python3 - <<'PY'
import ast, sys, zipfile
import numpy as np
want = {"bfloat16": ("<V2", "|V2"), "float8_e4m3fn": ("<V1", "|V1"), "float8_e5m2": ("<f1", "ValueError")}
seen = {}
for name in want:
    header = zipfile.ZipFile("w.npz").read(name + ".npy")[10:].split(b"\n")[0].decode()
    descr = ast.literal_eval(header)["descr"]
    try:
        loaded = np.load("w.npz")[name].dtype.str
    except Exception as e:
        loaded = type(e).__name__
    seen[name] = (descr, loaded)
    print("%-14s written as %-4s read as %s" % (name, descr, loaded))
sys.exit(0 if seen == want else "changed: not what was seen")
PY
