#!/bin/bash
# MNN 3.6.1 (its Python package): the program mnnconvert installs another package
# by itself, without a version, whenever that is missing, before it looks at its
# arguments, and a converter that was only asked for its version does so too.
#
# Seen: a `pip` that comes first in PATH and only notes how it is called is called
# as "install -U aliyun-log-python-sdk" by `mnnconvert --version`. With that package
# in place the program has a class that reads /etc/machine-id, asks a server for
# credentials and sends what was converted, with which arguments, to a logging
# service. The converter itself, _tools.mnnconvert of the same package, does neither:
# it is what a build that must not reach out can call.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >requirements.txt <<'REQ'
mnn==3.6.1 --hash=sha256:abebaaa0c7b0af6dfd6e9f4bda46bb6a30bb95d2b88a5b441a65d1cd322311d0
numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93
REQ
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r requirements.txt
mkdir first
cat >first/pip <<'PIP'
#!/bin/sh
echo "pip $*" >>"$NOTED"
PIP
chmod +x first/pip
export NOTED=$work/noted
: >"$NOTED"
PATH=$work/first:$PATH tree/bin/mnnconvert --version >out 2>&1 || true
echo "mnnconvert --version calls: $(cat "$NOTED")"
grep -q '^pip install -U aliyun-log-python-sdk$' "$NOTED" || { echo "changed: it installs nothing" >&2; exit 1; }
log=$(echo tree/lib/python3*/site-packages/MNN/tools/utils/log.py)
echo "lines of its log.py that name the machine's id: $(grep -c machine-id "$log")"
grep -q machine-id "$log" || { echo "changed: it does not read the machine's id" >&2; exit 1; }
: >"$NOTED"
PATH=$work/first:$PATH tree/bin/python -c 'import sys, MNN, _tools; _tools.mnnconvert(["mnnconvert", "--version"])' >out 2>&1 || true
echo "_tools.mnnconvert calls: $(cat "$NOTED")"
[ ! -s "$NOTED" ] || { echo "changed: the converter itself installs something" >&2; exit 1; }
