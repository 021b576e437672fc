#!/bin/bash
# Keras 3.15.1 on TensorFlow 2.18.1: SpectralNormalization writes the weights of a frozen
# layer in every training step, and leaves a layer that was only loaded as it is.
#
# Seen: a discriminator with a 3x3 convolution whose weights have the norm 8.7 is set to
# trainable = False, put behind a generator, and the whole is fitted for one step at a
# learning rate of 0. Its weights are 0.16 times what they were, and so its answer of the
# evaluation mode is another for the same picture. The moving averages of a frozen BatchNormalization do
# not move. Before that step evaluation does not normalise at all: the layer's norm is
# 8.7. The gradient is that of the divided weights alone: with 50 power iterations
# its product with the weights is far from 0, which it has to be for a loss that does not know their
# length, and four times its own length away from central differences.
# Weights of PyTorch, which keeps the undivided ones, do not survive the first step.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv tree
tree/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r "$here/keras_requirements.txt"
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3
cat >frozen.py <<'PY'
import keras
import numpy as np
import tensorflow as tf

draw = np.random.default_rng(0)
keras.utils.set_random_seed(1)

def normal(*shape):
    return draw.standard_normal(shape).astype(np.float32)

def norm(kernel):
    return np.linalg.svd(np.array(kernel).reshape(-1, kernel.shape[-1]), compute_uv=False)[0]

def frozen():
    """One step of a generator at learning rate 0 before a discriminator that is frozen."""
    convolution, batch = keras.layers.Conv2D(16, 3), keras.layers.BatchNormalization()
    judge = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.SpectralNormalization(convolution), batch, keras.layers.Flatten(), keras.layers.Dense(1)])
    convolution.kernel.assign(normal(*convolution.kernel.shape))
    judge.trainable = False
    both = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 3, padding="same"), judge])
    both.compile(keras.optimizers.SGD(0.0), loss="mse")
    pictures = normal(2, 8, 8, 3)
    kernel, mean, answer = np.array(convolution.kernel), np.array(batch.moving_mean), np.array(judge(pictures, training=False))
    print("norm before: %.2f" % norm(kernel))
    both.fit(pictures, np.zeros((2, 1)), epochs=1, verbose=0)
    ratio = np.array(convolution.kernel) / kernel
    print("norm after: %.2f, weights times %.3f" % (norm(convolution.kernel), ratio.mean()))
    print("frozen weights", "moved" if np.abs(ratio - 1).min() > 0.1 else "stayed")
    print("frozen averages", "stayed" if (np.array(batch.moving_mean) == mean).all() else "moved")
    print("answer", "another" if np.abs(np.array(judge(pictures, training=False)) - answer).min() > 0.1 else "the same")

def loaded():
    """What the layer does in evaluation before it was ever trained."""
    dense = keras.layers.Dense(4, use_bias=False)
    layer = keras.layers.SpectralNormalization(dense)
    layer.build((None, 4))
    dense.kernel.assign(5 * np.eye(4))
    print("evaluation of a loaded layer", "does not normalise" if abs(norm(np.array(layer(np.eye(4, dtype=np.float32)))) - 5) < 1e-4 else "normalises")

def gradient():
    """The tape's gradient beside central differences in float64."""
    dense = keras.layers.Dense(4, use_bias=False)
    layer = keras.layers.SpectralNormalization(dense, power_iterations=50)
    layer.build((None, 4))
    kernel, x = 3 * normal(4, 4), normal(5, 4)
    dense.kernel.assign(kernel)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x, training=True) ** 2)
    found = np.array(tape.gradient(loss, dense.kernel), np.float64)
    exact = lambda k: ((x.astype(np.float64) @ (k / np.linalg.svd(k, compute_uv=False)[0])) ** 2).sum()
    true = np.zeros((4, 4))
    for at in np.ndindex(4, 4):
        step = np.zeros((4, 4))
        step[at] = 1e-5
        true[at] = (exact(kernel + step) - exact(kernel - step)) / 2e-5
    print("gradient times weights: %.1f, by differences %.1e" % ((found * kernel).sum(), (true * kernel).sum()))
    print("gradient", "wrong" if np.linalg.norm(found - true) > np.linalg.norm(true) else "right")

frozen()
loaded()
gradient()
PY
tree/bin/python frozen.py 2>noise | tee seen || { cat noise >&2; exit 1; }
for line in 'frozen weights moved' 'frozen averages stayed' 'answer another' 'evaluation of a loaded layer does not normalise' 'gradient wrong'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
