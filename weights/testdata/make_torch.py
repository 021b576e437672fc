"""Writes small checkpoints with PyTorch itself (torch 2.15.0, safetensors 0.8.0).

Run in this folder where both are installed: `python3 make_torch.py`. The
numbers are random ones of this script. torch.npz has the values as numpy sees
them; Go's tests compare what they read with it.
"""
import collections
import copy

import numpy as np
import torch
from safetensors.torch import save_file
from torch.utils.serialization import config

torch.manual_seed(7)


class Generator(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.first(x))


def trained(**options):
    """A network and its optimiser after two steps."""
    net = Generator()
    adam = torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), **options)
    for _ in range(2):
        adam.zero_grad()
        net(torch.randn(2, 3, 8, 8)).square().sum().backward()
        adam.step()
    return net, adam


expected = {}


def note(name, tree, prefix=""):
    """Keeps the values of a tree's tensors."""
    for key, value in tree.items():
        if isinstance(value, dict):
            note(name, value, prefix + str(key) + ".")
        elif isinstance(value, torch.Tensor) and value.dtype.itemsize > 1 and not value.is_complex():
            expected[name + ":" + prefix + str(key)] = value.detach().double().numpy()


net, adam = trained(fused=True)
tree = {"generator": net.state_dict(), "optimizer_generator": adam.state_dict(), "epoch": 3}
note("fused", tree)
for protocol in (2, 3, 4, 5):
    torch.save(tree, f"torch-protocol{protocol}.pth", pickle_protocol=protocol)
torch.save(tree, "torch-legacy.pth", _use_new_zipfile_serialization=False)

net, adam = trained(decoupled_weight_decay=True, weight_decay=0.01)
tree = {"generator": net.state_dict(), "optimizer_generator": adam.state_dict()}
note("decoupled", tree)
config.save.storage_alignment = 1024
torch.save(tree, "torch-aligned.pth")
config.save.storage_alignment = 64
last = copy.deepcopy(net).to(memory_format=torch.channels_last)
torch.save({"generator": last.state_dict()}, "torch-channels-last.pth")
torch.serialization.set_crc32_options(False)
torch.save(tree, "torch-no-checksums.pth")
torch.serialization.set_crc32_options(True)

# Attributes of tensors, parameters themselves, element types that are not read.
tagged, parameter = torch.randn(2, 3), torch.nn.Parameter(torch.randn(3))
tagged.note = parameter.note = "an attribute"
tree = collections.OrderedDict(
    tagged=tagged, parameter=parameter, plain=torch.nn.Parameter(torch.randn(2)), half=torch.randn(3).half(),
    bfloat=torch.randn(3).bfloat16(), unsigned=torch.tensor([1, 65535], dtype=torch.uint16),
    small=torch.randn(4).to(torch.float8_e4m3fn), complex=torch.randn(2, dtype=torch.complex64))
note("types", tree)
torch.save(tree, "torch-types.pth")
save_file({k: v.detach() for k, v in tree.items()}, "torch-types.safetensors")

np.savez_compressed("torch.npz", **expected)
