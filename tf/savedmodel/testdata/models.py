"""Writes SavedModels as people do, one folder each below argv[1], and prints as
JSON what their signature serving_default gives for a ramp, or for a drawn png
(argv[2])."""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

root, png = sys.argv[1:]
ramp = np.linspace(0, 1, 2 * 16 * 16 * 3, dtype=np.float32).reshape(2, 16, 16, 3)
pictures = tf.TensorSpec([None, 16, 16, 3], tf.float32, name="image")
results = {}


def note(name, outputs):
    (value,) = outputs.values()
    results[name] = np.asarray(value).ravel().tolist()


def convolutional():
    x = keras.Input((16, 16, 3), name="image")
    y = keras.layers.Conv2D(4, 3, padding="same")(x)
    y = keras.layers.BatchNormalization()(y)
    y = keras.layers.ReLU()(y)
    y = keras.layers.DepthwiseConv2D(3, padding="same", activation="swish")(y)
    y = keras.layers.MaxPool2D()(y)
    y = keras.layers.Dropout(0.2)(y)
    y = keras.layers.UpSampling2D(interpolation="bilinear")(y)
    y = keras.layers.Conv2DTranspose(4, 3, strides=2)(y)
    y = keras.layers.LayerNormalization()(y)
    y = keras.layers.GlobalAveragePooling2D()(y)
    return keras.Model(x, keras.layers.Dense(8, name="embedding")(y))


model = convolutional()
note("keras-export", {"y": model(ramp)})
model.export(os.path.join(root, "keras-export"), verbose=False)


class Flow(tf.Module):
    """Loops, conditions and assertions in functions, with a variable."""

    def __init__(self):
        super().__init__()
        self.weight = tf.Variable(tf.random.stateless_normal([3, 3, 3, 4], [1, 2]))

    @tf.function
    def detect(self, image):
        y = tf.nn.conv2d(image, self.weight, 1, "SAME")
        y = tf.map_fn(lambda one: tf.cond(tf.reduce_mean(one) > 0, lambda: one, lambda: -one), y)
        count = tf.while_loop(lambda i: i < 3, lambda i: (i + 1,), [0])[0]
        tf.debugging.assert_greater(tf.shape(y)[0], 0)
        masked = tf.image.resize(y, [4, 4]) + tf.constant([0, 0, 0, -np.inf])
        return {"embedding": tf.reduce_max(masked, [1, 2, 3]) + tf.cast(count, tf.float32)}


flow = Flow()
note("flow", flow.detect(ramp))
tf.saved_model.save(flow, os.path.join(root, "flow"), signatures=flow.detect.get_concrete_function(pictures))


class Files(tf.Module):
    """Decodes files, as a signature for REST does."""

    @tf.function
    def decode(self, image_bytes):
        def one(data):
            picture = tf.io.decode_image(data, 3, expand_animations=False)
            return tf.image.resize(tf.image.convert_image_dtype(picture, tf.float32), [8, 8])

        return {"pictures": tf.map_fn(one, image_bytes, fn_output_signature=tf.TensorSpec([8, 8, 3], tf.float32))}


decoder = Files()
with open(png, "rb") as f:
    note("files", decoder.decode(tf.constant([f.read()])))
tf.saved_model.save(decoder, os.path.join(root, "files"),
                    signatures=decoder.decode.get_concrete_function(tf.TensorSpec([None], tf.string, name="image_bytes")))

v1 = tf.compat.v1
for name, resource in [("v1", True), ("v1-reference", False)]:
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 16, 16, 3], name="x")
        w = v1.get_variable("w", [3, 3, 3, 4], use_resource=resource)
        y = tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME"))
        y = v1.cond(tf.reduce_mean(y) > 0, lambda: y * 2, lambda: y)
        y = tf.reduce_mean(y, [1, 2])
        session.run(v1.global_variables_initializer())
        note(name, {"y": session.run(y, {x: ramp})})
        v1.saved_model.simple_save(session, os.path.join(root, name), {"image": x}, {"embedding": y})
print(json.dumps(results))
