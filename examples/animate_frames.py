#!/usr/bin/env python3
"""Animates a picture after a folder of frames with an exported model, in Python
with TensorFlow and nothing of PriorityCut.

    animate_frames.py MODEL SOURCE FRAMES OUT [--absolute] [--batch N]

MODEL is a version's folder, or one of versions (the newest is taken). SOURCE is a
JPEG or PNG, FRAMES a folder of them, taken in the order of their names. Pictures
are cropped to the model's shape. OUT gets one PNG for each frame. The source is
encoded once.
"""
import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow as tf  # noqa: E402 (the log level comes first)


def newest_version(path):
    """The folder of the SavedModel that a path names."""
    if os.path.exists(os.path.join(path, "saved_model.pb")):
        return path
    versions = [d for d in os.listdir(path) if d.isdigit() and os.path.exists(os.path.join(path, d, "saved_model.pb"))]
    if not versions:
        raise SystemExit(f"{path}: no SavedModel is there")
    return os.path.join(path, max(versions, key=int))


def read_picture(path, height, width):
    """A picture [height, width, 3] in [0, 1], cropped in the middle."""
    try:
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    except tf.errors.OpError as e:
        raise SystemExit(f"{path}: {e.message}")
    h, w = image.shape[:2]
    scale = max(height / h, width / w)
    offset = ((height - scale * h) / 2, (width - scale * w) / 2)
    fitted = tf.raw_ops.ScaleAndTranslate(
        images=image[None], size=(height, width), scale=(scale, scale), translation=offset, kernel_type="keyscubic", antialias=True)
    return tf.clip_by_value(tf.floor(fitted[0] + 0.5) / 255, 0, 1)


def relative(source, driving, initial):
    """Moves the source's keypoints as the driving ones have moved."""
    moved = {"kp_driving_value": driving["value"] - initial["value"] + source["kp_source_value"]}
    if "jacobian" in driving:
        since = driving["jacobian"] @ tf.linalg.inv(initial["jacobian"])
        moved["kp_driving_jacobian"] = since @ source["kp_source_jacobian"]
    return moved


def absolute(driving):
    """Takes the driving keypoints as they are."""
    return {"kp_driving_" + name: value for name, value in driving.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("source")
    parser.add_argument("frames")
    parser.add_argument("out")
    parser.add_argument("--absolute", action="store_true", help="take the driving keypoints as they are, not their motion")
    parser.add_argument("--batch", type=int, default=8, help="frames at once (default %(default)s)")
    a = parser.parse_args()
    if a.batch < 1:
        parser.error("--batch must be at least 1")

    paths = sorted(os.path.join(a.frames, f) for f in os.listdir(a.frames) if f.lower().endswith((".png", ".jpg", ".jpeg")))
    if not paths:
        raise SystemExit(f"{a.frames}: it holds no png or jpg")
    os.makedirs(a.out, exist_ok=True)

    model = tf.saved_model.load(newest_version(a.model))
    encode, detect, animate = (model.signatures[name] for name in ("encode_source", "keypoints", "animate_frame"))
    height, width = encode.structured_input_signature[1]["source"].shape[1:3]

    source = encode(source=read_picture(a.source, height, width)[None])
    initial = None
    for at in range(0, len(paths), a.batch):
        some = paths[at:at + a.batch]
        driving = detect(image=tf.stack([read_picture(p, height, width) for p in some]))
        if initial is None:
            initial = {name: value[:1] for name, value in driving.items()}
        keypoints = absolute(driving) if a.absolute else relative(source, driving, initial)
        pictures = animate(**source, **keypoints)["prediction"]
        for path, picture in zip(some, pictures):
            name = os.path.splitext(os.path.basename(path))[0] + ".png"
            levels = tf.cast(tf.clip_by_value(tf.round(255 * picture), 0, 255), tf.uint8)
            tf.io.write_file(os.path.join(a.out, name), tf.io.encode_png(levels))
        print(f"{at + len(some)} of {len(paths)} frames", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except OSError as e:
        raise SystemExit(e)
