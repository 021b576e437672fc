#!/usr/bin/env python3
"""Animates one picture through TensorFlow Serving's REST interface, which
`bazel run //cmd:serve` speaks too. Needs nothing beside Python 3.8.

    predict.py SOURCE DRIVING DRIVING_INITIAL [--url URL] [--out result.png]

SOURCE is the picture that is to move as the figure has moved from
DRIVING_INITIAL to DRIVING: JPEG or PNG files of any size, which the model decodes
and fits itself (signature predict_bytes). The result is a PNG of the model's
size.
"""
import argparse
import base64
import json
import os
import struct
import sys
import urllib.error
import urllib.request
import zlib


def encoded(path):
    """A file as TensorFlow Serving's JSON carries binary strings."""
    with open(path, "rb") as f:
        return {"b64": base64.b64encode(f.read()).decode("ascii")}


def predict(url, signature, instances, timeout):
    """Calls a signature and returns its predictions, one for each instance."""
    body = json.dumps({"signature_name": signature, "instances": instances}).encode()
    request = urllib.request.Request(url + ":predict", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)["predictions"]
    except urllib.error.HTTPError as e:
        text = e.read(10000).decode("utf-8", "replace")
        try:
            text = json.loads(text)["error"]
        except (ValueError, KeyError, TypeError):
            pass
        raise SystemExit(f"{url}: {e.code} {e.reason}: {text}")
    except urllib.error.URLError as e:
        raise SystemExit(f"{url}: {e.reason}; is the server running? `bazel run //cmd:serve` starts one")


def write_png(path, picture):
    """Writes [height][width][3] numbers in [0, 1]."""
    height, width = len(picture), len(picture[0])
    rows = b"".join(
        b"\0" + bytes(min(255, max(0, round(255 * v))) for pixel in row for v in pixel) for row in picture)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    aside = path + ".part"
    with open(aside, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        f.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    os.replace(aside, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("driving")
    parser.add_argument("driving_initial")
    parser.add_argument("--url", default="http://localhost:8501/v1/models/prioritycut", help="of the model (default %(default)s)")
    parser.add_argument("--out", default="result.png", help="file to write (default %(default)s)")
    parser.add_argument("--timeout", type=float, default=60, help="in seconds (default %(default)s)")
    a = parser.parse_args()

    try:
        instance = {name + "_bytes": encoded(path) for name, path in
                    [("source", a.source), ("driving", a.driving), ("driving_initial", a.driving_initial)]}
    except OSError as e:
        raise SystemExit(e)
    prediction = predict(a.url, "predict_bytes", [instance], a.timeout)[0]
    if isinstance(prediction, dict):  # several outputs are named, a single one is not
        prediction = prediction["prediction"]
    try:
        write_png(a.out, prediction)
    except OSError as e:
        raise SystemExit(e)
    print(a.out, file=sys.stderr)


if __name__ == "__main__":
    main()
