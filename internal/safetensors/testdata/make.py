"""Writes python.safetensors with the safetensors package.

Element i of every tensor is i - 3 for signed integers, (i - 3) / 4 for
floating-point numbers, i for unsigned integers and i % 2 for booleans.
"""
import numpy as np
from safetensors.numpy import save_file


def values(kind, shape):
    i = np.arange(np.prod(shape, dtype=int))
    if np.dtype(kind).kind == "b":
        i = i % 2
    elif np.dtype(kind).kind == "i":
        i = i - 3
    elif np.dtype(kind).kind == "f":
        i = (i - 3) / 4
    return i.astype(kind).reshape(shape)


tensors = {"t_" + k.replace("?", "b1"): values(k, (2, 3)) for k in "? i1 u1 i2 u2 f2 i4 u4 f4 i8 u8 f8".split()}
tensors["scalar"] = np.array(-0.75, np.float32)
tensors["empty"] = np.zeros((0, 3), np.float32)
tensors["dense_motion_network.Größe"] = values("f4", (4,))
save_file(tensors, "python.safetensors", metadata={"format": "np", "note": "a \"quoted\" word"})
