#!/bin/bash
# ffmpeg 7.0.2 (static build of the wheel imageio-ffmpeg 0.6.0): its lossless codec ffvhuff
# stores a picture of odd width or height without the last column or row of its colours, and says nothing.
#
# Seen: one random picture of 67x51 pixels is written to a nut file and read again. As ffv1 every plane is
# equal, in all formats asked for. As ffvhuff the brightness is equal and of the
# planes of colour (34x26 in yuv420p10le) column 33 and row 25 come back otherwise; so it is for
# yuva420p, yuv422p10le (a column) and yuv440p (a row), and for yuv410p from 66x50 on, as
# this is no multiple of 4. yuv444p10le, and 68x52, are equal. For yuv420p and yuv422p the encoder
# refuses an odd width with an error; of an odd height alone it loses nothing there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >requirements.txt <<'REQ'
imageio-ffmpeg==0.6.0 --hash=sha256:c7e46fcec401dd990405049d2e2f475e2b397779df2519b544b8aab515195282
REQ
python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
  --platform manylinux2014_x86_64 --dest . -r requirements.txt
python3 -m zipfile -e imageio_ffmpeg-*.whl wheel
ffmpeg=$(ls "$work"/wheel/imageio_ffmpeg/binaries/ffmpeg-*)
chmod +x "$ffmpeg"
cat >planes.py <<'PY'
import random
import subprocess
import sys

ffmpeg = sys.argv[1]
SHIFTS = {"yuv420": (1, 1), "yuv422": (1, 0), "yuv440": (0, 1), "yuv444": (0, 0), "yuv410": (2, 2)}

def call(*options, data=None):
    return subprocess.run([ffmpeg, "-v", "error", "-y", *options], input=data, capture_output=True)

def there_and_back(codec, form, width, height):
    """Which columns and rows of which planes come back otherwise."""
    size = "%dx%d" % (width, height)
    noise = random.Random(1).randbytes(8 * width * height)
    drawn = call("-f", "rawvideo", "-pix_fmt", "gbrap16le", "-s", size, "-i", "-", "-vf", "format=" + form, "-f", "rawvideo", "-", data=noise).stdout
    if call("-f", "rawvideo", "-pix_fmt", form, "-s", size, "-i", "-", "-c:v", codec, "-pix_fmt", form, "one.nut", data=drawn).returncode:
        return "refused"
    read = call("-i", "one.nut", "-f", "rawvideo", "-pix_fmt", form, "-").stdout
    if len(read) != len(drawn):
        return "of another length"
    across, down = SHIFTS[form.replace("yuva", "yuv")[:6]]
    small = (-(-width >> across), -(-height >> down))
    planes = [(width, height), small, small] + [(width, height)] * ("yuva" in form)
    step, start, words = 2 if form.endswith("le") else 1, 0, []
    for name, (columns, rows) in zip(("y", "u", "v", "a"), planes):
        end = start + columns * rows * step
        bad = {(i // step % columns, i // step // columns) for i, pair in enumerate(zip(drawn[start:end], read[start:end])) if pair[0] != pair[1]}
        last = all(x == columns - 1 or y == rows - 1 for x, y in bad)
        edges = [word for word, hit in (("column", sum(x == columns - 1 for x, _ in bad) > rows // 2), ("row", sum(y == rows - 1 for _, y in bad) > columns // 2)) if hit]
        words.append("%s %s" % (name, "equal" if not bad else "last " + " and ".join(edges) if last else "otherwise"))
        start = end
    return ", ".join(words)

for codec in ("ffv1", "ffvhuff"):
    for form, width, height in (("yuv420p10le", 67, 51), ("yuv420p10le", 68, 52), ("yuva420p", 67, 51), ("yuv422p10le", 67, 51), ("yuv440p", 67, 51),
                                ("yuv444p10le", 67, 51), ("yuv410p", 66, 50), ("yuv420p", 67, 51), ("yuv420p", 68, 51)):
        print("%s %s %dx%d: %s" % (codec, form, width, height, there_and_back(codec, form, width, height)))
PY
python3 planes.py "$ffmpeg" | tee seen
[ "$(grep -c '^ffv1 .*: y equal, u equal, v equal' seen)" = 9 ] || { echo "changed: ffv1 is not lossless" >&2; exit 1; }
both='y equal, u last column and row, v last column and row'
for line in "yuv420p10le 67x51: $both" 'yuv420p10le 68x52: y equal, u equal, v equal' "yuva420p 67x51: $both, a equal" \
  'yuv422p10le 67x51: y equal, u last column, v last column' 'yuv440p 67x51: y equal, u last row, v last row' "yuv410p 66x50: $both" \
  'yuv444p10le 67x51: y equal, u equal, v equal' 'yuv420p 67x51: refused'; do
  grep -qx "ffvhuff $line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
