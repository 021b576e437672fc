#!/bin/bash
# ffmpeg 7.0.2 (static build of the wheel imageio-ffmpeg 0.6.0) and SSIM-PIL 1.0.14: their
# structural similarity does not look at the last columns and rows of a picture unless its sides
# are multiples of 4, and of 7.
#
# Seen: of a grey test picture 67 pixels wide and high the last three columns are painted
# white. ffmpeg's filter ssim says 1.000000 (inf dB), its filter psnr 17 dB; the same for the
# last three rows. Of 68 pixels it says 0.94. Sides below 8 give "nan" for equal pictures. Planes
# are counted one by one, so in yuv420p a side is whole only if it is a multiple of 8.
# SSIM-PIL, with its default tiles, says 1.0 where the last six of 69 columns are painted and
# less than that of 70. An animation that is broken along its right edge scores as perfect.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >requirements.txt <<'REQ'
imageio-ffmpeg==0.6.0 --hash=sha256:c7e46fcec401dd990405049d2e2f475e2b397779df2519b544b8aab515195282
numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93
pillow==13.0.0 --hash=sha256:a625df9a2a5597fa5e5266e01aefc82604bb85d291e3547981e863560d75da6c
SSIM-PIL==1.0.14 --hash=sha256:c33b7d269f21d3de1509de3a4a21ff2445c9d5e1c8f732aef5e00839ae6a0b49
REQ
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r requirements.txt
ffmpeg=$(ls tree/lib/python3*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*)

measure() { # SIZE X Y W H: a picture beside itself with a white box, by both filters
  local picture="testsrc2=s=$1x$1:r=10:d=0.1,format=gray" filter
  for filter in ssim psnr; do
    "$ffmpeg" -v info -f lavfi -i "$picture" -f lavfi -i "$picture,drawbox=x=$2:y=$3:w=$4:h=$5:color=white:t=fill" -lavfi "[0][1]$filter" -f null - 2>&1 |
      grep -o -E '(All|average):[-0-9.a-z]*'
  done | tr '\n' ' '
}
{
  echo "ffmpeg, last 3 of 67 columns: $(measure 67 64 0 3 67)"
  echo "ffmpeg, last 3 of 67 rows: $(measure 67 0 64 67 3)"
  echo "ffmpeg, last 3 of 68 columns: $(measure 68 65 0 3 68)"
  echo "ffmpeg, nothing of 7 columns: $(measure 7 7 0 1 7)"
} | tee seen
cat >tiles.py <<'PY'
import numpy as np
from PIL import Image
from SSIM_PIL import compare_ssim

for size in (69, 70):
    picture = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    for name, part in (("columns", np.s_[:, -6:]), ("rows", np.s_[-6:])):
        painted = picture.copy()
        painted[part] = 255
        print("SSIM-PIL, last 6 of %d %s: %.3f" % (size, name, compare_ssim(Image.fromarray(picture), Image.fromarray(painted), GPU=False)))
PY
tree/bin/python tiles.py | tee -a seen
for line in 'ffmpeg, last 3 of 67 columns: All:1.000000 average:1[67]\.[0-9]* ' 'ffmpeg, last 3 of 67 rows: All:1.000000 average:1[0-9]\.[0-9]* ' \
  'ffmpeg, last 3 of 68 columns: All:0.9[0-9]* average:.* ' 'ffmpeg, nothing of 7 columns: All:-*nan average:inf ' \
  'SSIM-PIL, last 6 of 69 columns: 1.000' 'SSIM-PIL, last 6 of 69 rows: 1.000' 'SSIM-PIL, last 6 of 70 columns: 0.9[0-9]*' 'SSIM-PIL, last 6 of 70 rows: 0.9[0-9]*'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
