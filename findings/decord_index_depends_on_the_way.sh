#!/bin/bash
# decord 0.6.0: the picture of index i depends on how one came to it, without an error.
#
# Seen, for films of 100 pictures (25 a second, drawn and encoded by ffmpeg 7.0.2's x264):
# * open groups of pictures with B-frames: read one by one from the first, index i is
#   picture i. Read at once by a new reader, some indices are a picture that
#   comes up to three later or one earlier, and so get_batch of every seventh
#   (0, 7, ..., 49) has one picture too late from 35 on.
# * a film cut at 1.1 s by stream copy, whose container says by an edit list that the first 28
#   pictures are not shown: len() is 100, of which 72 exist. Read in order, 0 to 71
#   are those, and the rest repeat the last one, with a warning. Read at once, index 50
#   is picture 22: the numbers count from before the cut.
# A loader that draws two frames of one video gets others than a loader that reads all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >requirements.txt <<'REQ'
decord==0.6.0 --hash=sha256:51997f20be8958e23b7c4061ba45d0efcd86bffd5fe81c695d0befee0d442976
imageio-ffmpeg==0.6.0 --hash=sha256:c7e46fcec401dd990405049d2e2f475e2b397779df2519b544b8aab515195282
numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93
REQ
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r requirements.txt
ffmpeg=$(ls tree/lib/python3*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*)
source=testsrc2=s=64x64:r=25:d=4
"$ffmpeg" -v error -f lavfi -i $source -c:v libx264 -x264-params open-gop=1:keyint=12:bframes=3 open.mp4
"$ffmpeg" -v error -f lavfi -i $source -c:v libx264 -g 50 -bf 2 whole.mp4
"$ffmpeg" -v error -ss 1.1 -i whole.mp4 -c copy cut.mp4
for film in open cut; do "$ffmpeg" -v error -i $film.mp4 -fps_mode passthrough -f rawvideo -pix_fmt rgb24 $film.rgb; done
cat >read.py <<'PY'
import decord
import numpy as np

for film in ("open", "cut"):
    truth = np.fromfile(film + ".rgb", np.uint8).reshape(-1, 64, 64, 3).astype(int)
    def which(picture):
        return int(np.argmin(np.abs(truth - picture.asnumpy().astype(int)).mean((1, 2, 3))))
    reader = decord.VideoReader(film + ".mp4")
    print(film, "length", len(reader), "pictures", len(truth))
    asked = [99, 95, 85, 60, 50, 35, 12]
    in_order = {i: which(reader[i]) for i in range(len(reader))}
    print(film, "in order", *("%d:%d" % (i, in_order[i]) for i in asked))
    reader = decord.VideoReader(film + ".mp4")
    print(film, "at once", *("%d:%d" % (i, which(reader[i])) for i in asked))
    batch = decord.VideoReader(film + ".mp4").get_batch(range(0, 50, 7)).asnumpy()
    print(film, "batch", *(int(np.argmin(np.abs(truth - p.astype(int)).mean((1, 2, 3)))) for p in batch))
PY
tree/bin/python read.py 2>warnings | tee seen
for line in 'open length 100 pictures 100' 'open in order 99:99 95:95 85:85 60:60 50:50 35:35 12:12' 'cut length 100 pictures 72' \
  'cut in order 99:71 95:71 85:71 60:60 50:50 35:35 12:12'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
! grep -qx 'open at once 99:99 95:95 85:85 60:60 50:50 35:35 12:12' seen || { echo "changed: open groups are read right at once" >&2; exit 1; }
! grep -qx 'open batch 0 7 14 21 28 35 42 49' seen || { echo "changed: batches of open groups are right" >&2; exit 1; }
grep -q '^cut at once .* 50:22 ' seen || { echo "changed: index 50 of the cut film" >&2; exit 1; }
