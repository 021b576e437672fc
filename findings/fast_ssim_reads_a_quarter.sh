#!/bin/bash
# Fast-SSIM 1.4.0: of a picture with an alpha channel only the left quarter is compared, of
# one with two channels the left half, without an error.
#
# Seen: random pictures of 64x64 pixels; one of four vertical bands is inverted in the second
# picture. With one and with three channels the similarity is about 0.5 whichever band it
# is. With four channels it is 1.000 for the second, third and fourth band (and far below zero for
# the first), with two channels for the third and fourth: a row of values is read as a row of
# that many grey pixels, cut at the picture's width, so windows mix channels too. The PSNR of
# the same call counts every band. Whoever reads frames as PNG with
# transparency is told that they are equal.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >requirements.txt <<'REQ'
fast-ssim==1.4.0 --hash=sha256:b734812ced5af2c6c0c75029c84e92fa45694f0f8e1110420c522c2d6ad745c1
numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93
REQ
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r requirements.txt
cat >bands.py <<'PY'
import fast_ssim
import numpy as np

for channels in (1, 2, 3, 4):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, channels), dtype=np.uint8)
    seen = []
    for band in range(4):
        other = picture.copy()
        part = np.s_[:, 16 * band:16 * band + 16]
        other[part] = 255 - other[part]
        similarity, noise = fast_ssim.ssim(picture, other, data_range=255), fast_ssim.psnr(picture, other, data_range=255)
        seen.append("equal" if similarity > 0.9999 else "different")
        print("%d channels, band %d inverted: %.3f, %.1f dB" % (channels, band, similarity, noise))
        if not 8 < noise < 16:
            raise SystemExit("changed: the PSNR does not see the band")
    print("%d channels:" % channels, *seen)
PY
tree/bin/python bands.py | tee seen
for line in '1 channels: different different different different' '2 channels: different different equal equal' \
  '3 channels: different different different different' '4 channels: different equal equal equal'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
