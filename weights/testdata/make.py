"""Writes checkpoints in PyTorch's two file formats with Python's own pickler.

PyTorch itself is not needed: stand-ins with its names tell the pickler what to
write. The cases are those that published checkpoints seldom have: strides,
shared storages, every element type, numpy's scalars, tensors and parameters
of early versions, other pickle protocols. expected.npz holds the values as
numpy sees them.
"""
import collections
import io
import pickle
import struct
import sys
import types
import zipfile

import numpy as np


def module(name):
    m = types.ModuleType(name)
    sys.modules[name] = m
    return m


torch, utils, parameter, storage_module = map(
    module, ["torch", "torch._utils", "torch.nn.parameter", "torch.storage"])
module("torch.nn").parameter = parameter
torch._utils, torch.nn, torch.storage = utils, sys.modules["torch.nn"], storage_module


def define(where, name, base=object, **members):
    cls = type(name, (base,), {"__module__": where.__name__, **members})
    setattr(where, name, cls)
    return cls


def function(where, name):
    def f(*_):
        raise NotImplementedError
    f.__name__ = f.__qualname__ = name
    f.__module__ = where.__name__
    setattr(where, name, f)
    return f


KINDS = {"Double": "f8", "Float": "f4", "Half": "f2", "BFloat16": "bf16", "Long": "i8",
         "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1", "Bool": "?"}
storages = {k: define(torch, k + "Storage") for k in KINDS}
untyped = define(storage_module, "UntypedStorage")
rebuild, rebuild2, rebuild3 = [function(utils, "_rebuild_tensor" + s) for s in ("", "_v2", "_v3")]
rebuild_parameter = function(utils, "_rebuild_parameter")


class Size(tuple):
    pass


Size.__module__, Size.__qualname__ = "torch", "Size"
torch.Size = Size


class DType:
    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return self.name


uint16 = torch.uint16 = DType("uint16")
DType.__module__ = "torch"


class Storage:
    keys = 0

    def __init__(self, cls, data, count, view=None):
        self.cls, self.data, self.count, self.view = cls, data, count, view
        self.key = str(Storage.keys)
        Storage.keys += 1


class Call:
    """Pickled as a call of f with arguments, and perhaps a state."""

    def __init__(self, f, *args, state=None):
        self.parts = (f, args) if state is None else (f, args, state)

    def __reduce__(self):
        return self.parts


def tensor(s, offset, size, stride, f=rebuild2, *more):
    return Call(f, s, offset, size, stride, False, collections.OrderedDict(), *more)


def floats(kind, n):
    a = (np.arange(n) - 3) / 4 if np.dtype(kind).kind == "f" else np.arange(n) - (3 if np.dtype(kind).kind == "i" else 0)
    return a.astype(kind)


def build():
    tree, expected = collections.OrderedDict(), {}
    for name, kind in KINDS.items():
        if kind == "bf16":
            wide = floats("f4", 6)
            data = (wide.view("u4") >> 16).astype("u2").tobytes()
        else:
            wide = floats(kind, 6) if kind != "?" else np.arange(6) % 2 == 1
            data = wide.tobytes()
        s = Storage(storages[name], data, 6)
        tree[name] = tensor(s, 0, (2, 3), (3, 1))
        expected[name] = wide.reshape(2, 3)
    base = floats("f4", 60)
    s = Storage(storages["Float"], base.tobytes(), 60)

    def view(name, offset, size, stride):
        tree[name] = tensor(s, offset, size, stride)
        strides = tuple(4 * i for i in stride)
        expected[name] = np.lib.stride_tricks.as_strided(base[offset:], size, strides).copy()

    view("whole", 0, (3, 4, 5), (20, 5, 1))
    view("part", 20, (4, 5), (5, 1))
    view("transposed", 0, (5, 4, 3), (1, 5, 20))
    view("channels_last", 0, (1, 3, 4, 5), (60, 1, 15, 3))
    view("every_second", 1, (10,), (2,))
    view("expanded", 7, (3, 2), (0, 1))
    view("scalar", 59, (), ())
    view("empty", 0, (0, 3), (3, 1))
    view("one_wide", 3, (1, 4), (999, 1))
    short = np.arange(5, dtype="u2") * 13000
    tree["untyped"] = tensor(Storage(untyped, short.tobytes(), 10), 1, (4,), (1,), rebuild3, uint16)
    expected["untyped"] = short[1:]
    tree["parameter"] = Call(rebuild_parameter, tree["whole"], True, collections.OrderedDict())
    expected["parameter"] = expected["whole"]
    tree["early"] = Call(rebuild, s, 5, (2, 2), (2, 1))
    expected["early"] = base[5:9].reshape(2, 2)
    tree["nested"] = {"list": [tree["whole"], {"deep": tree["part"]}], 7: tree["early"]}
    expected["nested.list.0"], expected["nested.list.1.deep"], expected["nested.7"] = (
        expected["whole"], expected["part"], expected["early"])
    tree["info"] = {
        "epoch": np.int64(12), "best": np.float64(0.125), "single": np.float32(1.5), "done": np.bool_(True),
        "text": "größer", "raw": b"\x00\xff", "big": 1 << 40, "negative": -5, "none": None, "true": True,
        "size": Size((2, 3)), "pair": (0.5, 0.999), "dtype": uint16,
    }
    return tree, expected


class Pickler(pickle.Pickler):
    def __init__(self, out, protocol, legacy):
        super().__init__(out, protocol)
        self.legacy, self.found = legacy, collections.OrderedDict()

    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        self.found[obj.key] = obj
        return ("storage", obj.cls, obj.key, "cpu", obj.count) + ((obj.view,) if self.legacy else ())


def write_zip(path, tree, protocol):
    out = io.BytesIO()
    p = Pickler(out, protocol, False)
    p.dump(tree)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        def put(name, data):
            z.writestr(zipfile.ZipInfo("archive/" + name), data)
        put("data.pkl", out.getvalue())
        put("byteorder", b"little")
        for key, s in p.found.items():
            put("data/" + key, s.data)
        put("version", b"3\n")


def write_legacy(path, tree, protocol):
    with open(path, "wb") as out:
        pickle.dump(0x1950A86A20F9469CFC6C, out, protocol)
        pickle.dump(1001, out, protocol)
        pickle.dump({"protocol_version": 1001, "little_endian": True,
                     "type_sizes": {"short": 2, "int": 4, "long": 4}}, out, protocol)
        p = Pickler(out, protocol, True)
        p.dump(tree)
        pickle.dump(list(p.found), out, protocol)
        for s in p.found.values():
            out.write(struct.pack("<q", s.count) + s.data)


tree, expected = build()
np.savez_compressed("expected.npz", **expected)
write_zip("protocol2.pth", tree, 2)
write_zip("protocol5.pth", tree, 5)
write_legacy("legacy2.pth", tree, 2)
write_legacy("legacy4.pth", tree, 4)
