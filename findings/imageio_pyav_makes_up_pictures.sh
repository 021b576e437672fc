#!/bin/bash
# imageio 2.38.1 with its pyav plugin (PyAV 18.1.0): imread of a film makes up black
# pictures for those that an edit list hides, and says nothing.
#
# Seen: a film of 100 pictures is cut at 1.1 s by stream copy (ffmpeg 7.0.2), so 72 are
# shown. imread(film, plugin="pyav") gives an array of 100 pictures, the last 28 of
# zeros, and improps says 100 too; imiter of the same plugin gives 72, as ffmpeg does.
# The array is made by the container's number of samples and filled as far as
# pictures come. A training that draws pairs from such an array learns black ones.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >requirements.txt <<'REQ'
av==18.1.0 --hash=sha256:8a032e8d8ebc73dec079364b9b4a6837638a2d106e8472314e685ffbf163e700
imageio==2.38.1 --hash=sha256:36d23eb7423d2fb63f637098758edb3d2df3687f7125e0a5ce8596572022dcf9
imageio-ffmpeg==0.6.0 --hash=sha256:c7e46fcec401dd990405049d2e2f475e2b397779df2519b544b8aab515195282
numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93
pillow==13.0.0 --hash=sha256:a625df9a2a5597fa5e5266e01aefc82604bb85d291e3547981e863560d75da6c
REQ
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r requirements.txt
ffmpeg=$(ls tree/lib/python3*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*)
"$ffmpeg" -v error -f lavfi -i testsrc2=s=64x64:r=25:d=4 -c:v libx264 -g 50 -bf 2 whole.mp4
"$ffmpeg" -v error -ss 1.1 -i whole.mp4 -c copy cut.mp4
"$ffmpeg" -v error -i cut.mp4 -fps_mode passthrough -f rawvideo -pix_fmt rgb24 cut.rgb
cat >read.py <<'PY'
import imageio.v3 as iio
import numpy as np

truth = np.fromfile("cut.rgb", np.uint8).reshape(-1, 64, 64, 3)
whole = iio.imread("cut.mp4", plugin="pyav")
print("pictures:", len(truth))
print("imread:", len(whole), "improps:", iio.improps("cut.mp4", plugin="pyav").shape[0], "imiter:", sum(1 for _ in iio.imiter("cut.mp4", plugin="pyav")))
print("first ones equal:", bool((whole[:len(truth)] == truth).all()), "black behind them:", int((whole[len(truth):].max((1, 2, 3)) == 0).sum()))
PY
tree/bin/python read.py | tee seen
for line in 'pictures: 72' 'imread: 100 improps: 100 imiter: 72' 'first ones equal: True black behind them: 28'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
