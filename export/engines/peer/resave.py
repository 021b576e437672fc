"""Loads a SavedModel and saves it again, as TensorFlow and as Keras write it.

resave.py MODEL FOLDER

FOLDER gets "TensorFlow VERSION" (tf.saved_model.save) and "Keras VERSION on
VERSION" (keras.export.ExportArchive), with the signatures that take numbers.
"""
import os
import sys


def write(model, folder):
    import keras
    import tensorflow as tf
    loaded = tf.saved_model.load(model)
    signatures = {name: f for name, f in loaded.signatures.items() if name != "predict_bytes"}
    tf.saved_model.save(loaded, os.path.join(folder, f"TensorFlow {tf.__version__}"), signatures=signatures)

    archive, weights = keras.export.ExportArchive(), tf.Module()
    weights.variables_of_the_model = list(loaded.variables)
    archive.track(weights)
    for name, f in signatures.items():
        add_endpoint(archive, name, f)
    archive.write_out(os.path.join(folder, f"Keras {keras.__version__} on {tf.__version__}"), verbose=False)


def add_endpoint(archive, name, f):
    import tensorflow as tf
    specs = {key: tf.TensorSpec(s.shape, s.dtype, name=key) for key, s in f.structured_input_signature[1].items()}
    archive.add_endpoint(name, lambda inputs: f(**inputs), input_signature=[specs])


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    write(*sys.argv[1:])
