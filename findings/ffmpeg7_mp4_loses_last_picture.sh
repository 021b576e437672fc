#!/bin/bash
# ffmpeg 7.0.2 (static build of the wheel imageio-ffmpeg 0.6.0): a film of uneven
# rate that it writes as mp4 has one picture less when it is read again.
#
# Seen: 20 pictures, ten 100 ms and ten 130 ms apart, are written by libx264 into
# an mp4. Decoding that file gives 19; with -ignore_editlist 1 there are 20, and so
# there are when it was written with -use_editlist 0. The edit list ends where the
# last picture begins. Written as mkv all 20 come back. Whoever counts the frames
# of a copied film, or compares it frame by frame, is one short. ffmpeg 5.1.9 writes
# a file of 20.
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
"$ffmpeg" -version | head -1 | cut -d' ' -f1-3

film() { # OUT [OPTION...]: twenty pictures of uneven rate
  local out=$1
  shift
  "$ffmpeg" -v error -y -f lavfi -i testsrc=size=64x64:rate=10:duration=2 \
    -vf "settb=1/1000,setpts='if(lt(N,10),N*100,1000+(N-10)*130)'" -fps_mode vfr -c:v libx264 "$@" "$out"
}
count() { # [OPTION...] FILE: how many pictures come out
  "$ffmpeg" -v info "${@:1:$#-1}" -i "${!#}" -fps_mode passthrough -f null - 2>&1 | grep -o 'frame= *[0-9]*' | tail -1 | tr -dc 0-9
}
film plain.mp4
film noedits.mp4 -use_editlist 0
film plain.mkv
seen="mp4 $(count plain.mp4), its edit list ignored $(count -ignore_editlist 1 plain.mp4), written without one $(count noedits.mp4), mkv $(count plain.mkv)"
echo "$seen"
[ "$seen" = "mp4 19, its edit list ignored 20, written without one 20, mkv 20" ] || { echo "changed" >&2; exit 1; }
