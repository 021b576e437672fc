"""Loads SavedModels with TensorFlow's loaders of version 1 and 2, calls every
signature, looks at the variables, converts a signature for TFLite and reads
the warm-up requests. For export's tests.

strangers.py INPUTS.npz FILES.json OUTPUTS.npz DIR...

INPUTS.npz holds arrays named signature/input, FILES.json the names of the files
of each input of predict_bytes. OUTPUTS.npz gets arrays named
loader/number of the model/signature/output, loader v1, v2 or lite. Prints what is to be known of the
models as JSON.
"""
import json
import sys

import numpy as np
import tensorflow as tf


def read(path):
    with open(path, "rb") as f:
        return f.read()


inputs = {}
for name, value in np.load(sys.argv[1]).items():
    signature, key = name.split("/")
    inputs.setdefault(signature, {})[key] = value
with open(sys.argv[2]) as f:
    inputs["predict_bytes"] = {key: np.array([read(p) for p in paths], dtype=object)
                               for key, paths in json.load(f).items()}



def wanted(i, signature):
    """The third model is there for its weights only: one call tells."""
    return i < 2 or signature == "serving_default"


def lite(path, signature, feeds):
    """What TFLite's converter and interpreter make of a signature."""
    converter = tf.lite.TFLiteConverter.from_saved_model(path, signature_keys=[signature])
    runner = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner(signature)
    return [runner(**{k: v[n:n + 1] for k, v in feeds.items()}) for n in range(len(next(iter(feeds.values()))))]


def variables(model, feeds):
    """Number of variables, of trainable ones, and of those that a loss moves."""
    if not getattr(model, "variables", None):
        return [0, 0, 0]
    function = model.signatures["absolute"]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(function(**{k: tf.constant(v) for k, v in feeds.items()})["prediction"]))
    gradients = tape.gradient(loss, list(function.trainable_variables))
    return [len(model.variables), len(function.trainable_variables), sum(g is not None for g in gradients)]


outputs = {}
report = []
loaded = [tf.saved_model.load(d) for d in sys.argv[4:]]  # all at once: their variables must not meet
for i, model in enumerate(loaded):
    for signature, feeds in inputs.items():
        if not wanted(i, signature):
            continue
        function = model.signatures[signature]
        for key, value in function(**{k: tf.constant(v) for k, v in feeds.items()}).items():
            outputs[f"v2/{i}/{signature}/{key}"] = value.numpy()
moved = [variables(model, inputs["absolute"]) for model in loaded]
poses = "keypoints" if "keypoints" in inputs else "pose"
pictures = lite(sys.argv[4], poses, inputs[poses])
for key in pictures[0]:
    outputs[f"lite/0/{poses}/{key}"] = np.concatenate([p[key] for p in pictures])

for i, d in enumerate(sys.argv[4:]):
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], d)
        described = {}
        for signature, s in meta.signature_def.items():
            feeds = {s.inputs[k].name: v for k, v in inputs[signature].items()}
            if wanted(i, signature):
                for key, value in session.run({k: t.name for k, t in s.outputs.items()}, feeds).items():
                    outputs[f"v1/{i}/{signature}/{key}"] = value
            described[signature] = {
                "method": s.method_name,
                "inputs": {k: [tf.dtypes.as_dtype(t.dtype).name] + [n.size for n in t.tensor_shape.dim] for k, t in s.inputs.items()},
                "outputs": {k: [tf.dtypes.as_dtype(t.dtype).name] + [n.size for n in t.tensor_shape.dim] for k, t in s.outputs.items()},
            }
        tags = list(meta.meta_info_def.tags)
        records = list(tf.compat.v1.io.tf_record_iterator(d + "/assets.extra/tf_serving_warmup_requests"))
        known = [len(tf.compat.v1.global_variables()), len(tf.compat.v1.trainable_variables())]
        report.append({"tags": tags, "signatures": described, "warmup": len(records), "v1": known, "v2": moved[i]})

np.savez(sys.argv[3], **outputs)
print(json.dumps(report))
