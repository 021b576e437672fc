"""Writes a whole animator with PyTorch itself (torch 2.15.0): networks of the
smallest configuration in the tests, with a reference checkpoint's names.

Run in this folder where it is installed: `python3 make_torch.py`. The generator
is compiled, the keypoint detector in DataParallel, both trained for two steps,
one by a fused Adam. torch-animator.npz has the values as numpy sees them.
"""
import numpy as np
import torch
from torch import nn

torch.manual_seed(18)


class Block(nn.Module):
    def __init__(self, channels_in, channels_out, kernel=3):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.norm1, self.norm2 = (nn.BatchNorm2d(channels) for _ in range(2))

    def forward(self, x):
        y = self.conv1(torch.relu(self.norm1(x)))
        return x + self.conv2(torch.relu(self.norm2(y)))


def hourglass(channels):
    """Names alone: one block down, one up, x beside it at the end."""
    net = nn.Module()
    net.encoder, net.decoder = nn.Module(), nn.Module()
    net.encoder.down_blocks = nn.ModuleList([Block(channels, 2)])
    net.decoder.up_blocks = nn.ModuleList([Block(2, 1)])
    net.forward = lambda x: torch.cat([net.decoder.up_blocks[0](net.encoder.down_blocks[0](x)), x], 1)
    return net


class AntiAlias(nn.Module):
    """The reference's kernel before halving, a buffer of every checkpoint."""

    def __init__(self, channels):
        super().__init__()
        x = torch.arange(5.0) - 2
        kernel = torch.exp(-(x[:, None] ** 2 + x[None, :] ** 2) / (2 * 0.5 ** 2))
        self.register_buffer("weight", (kernel / kernel.sum()).repeat(channels, 1, 1, 1))


class DenseMotion(nn.Module):
    def __init__(self, points):
        super().__init__()
        channels = (points + 1) * 4
        self.hourglass = hourglass(channels)
        self.mask = nn.Conv2d(channels + 1, points + 1, 7, padding=3)
        self.occlusion = nn.Conv2d(channels + 1, 1, 7, padding=3)
        self.down = AntiAlias(3)

    def forward(self, x):
        x = self.hourglass(x.repeat(1, 4, 1, 1))
        return self.mask(x).softmax(1).mean() + self.occlusion(x).mean()


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense_motion_network = DenseMotion(2)
        self.first = Block(3, 1, 7)
        self.down_blocks = nn.ModuleList([Block(1, 2)])
        self.up_blocks = nn.ModuleList([Block(2, 1)])
        self.bottleneck = nn.Sequential()
        self.bottleneck.add_module("r0", Residual(2))
        self.final = nn.Conv2d(1, 3, 7, padding=3)

    def forward(self, x):
        y = self.up_blocks[0](self.bottleneck(self.down_blocks[0](self.first(x))))
        return torch.sigmoid(self.final(y)) * self.dense_motion_network(x)


class KPDetector(nn.Module):
    def __init__(self):
        super().__init__()
        self.predictor = hourglass(3)
        self.kp = nn.Conv2d(4, 2, 7)
        self.jacobian = nn.Conv2d(4, 8, 7)

    def forward(self, x):
        features = self.predictor(x)
        return self.kp(features).mean() + self.jacobian(features).mean()


generator, detector = Generator(), KPDetector()
file, expected = {"epoch": 4}, {}
for name, net, wrapped, options in (("generator", generator, torch.compile(generator), {"fused": True}),
                                    ("kp_detector", detector, nn.DataParallel(detector), {})):
    adam = torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), **options)
    for _ in range(2):
        adam.zero_grad()
        net(torch.randn(2, 3, 16, 16)).square().mean().backward()
        adam.step()
    file[name], file["optimizer_" + name] = wrapped.state_dict(), adam.state_dict()
    for key, value in net.state_dict().items():
        expected[f"{name}.{key}"] = value
    for (key, _), state in zip(net.named_parameters(), adam.state_dict()["state"].values()):
        for moment in ("exp_avg", "exp_avg_sq"):
            expected[f"optimizer.{name}.{key}.{moment}"] = state[moment]
torch.save(file, "torch-animator.pth.tar")
np.savez("torch-animator.npz", **{k: v.float().numpy() for k, v in expected.items() if "num_batches" not in k and ".down." not in k})
