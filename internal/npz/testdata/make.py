"""Writes numpy.npz, numpy_compressed.npz and lone.npy with numpy.

Element i of every array, counted in C order, is i - 3 for signed integers,
(i - 3) / 4 for floating-point numbers, i for unsigned integers and i % 2 for
booleans.
"""
import numpy as np


def values(kind, shape):
    i = np.arange(np.prod(shape, dtype=int))
    if np.dtype(kind).kind == "b":
        i = i % 2
    elif np.dtype(kind).kind == "i":
        i = i - 3
    elif np.dtype(kind).kind == "f":
        i = (i - 3) / 4
    return i.astype(kind).reshape(shape)


arrays = {}
for kind in "? i1 u1 i2 u2 f2 i4 u4 f4 i8 u8 f8".split():
    arrays["c_" + kind.replace("?", "b1")] = values(kind, (2, 3, 4))
    arrays["fortran_" + kind.replace("?", "b1")] = np.asfortranarray(values(kind, (2, 3, 4)))
for kind in ">i2 >f4 >i8 >f8".split():
    arrays["big_" + kind[1:]] = values(kind, (5,))
    arrays["bigfortran_" + kind[1:]] = np.asfortranarray(values(kind, (3, 5)))
arrays["scalar"] = np.float32(-0.75)
arrays["empty"] = np.zeros((0, 3), np.float32)
arrays["with/slash and space"] = values("f4", (1, 2))
np.savez("numpy.npz", **arrays)
np.savez_compressed("numpy_compressed.npz", **arrays)
np.save("lone.npy", values("f8", (3, 3)))
