"""Writes the peer's networks as ONNX, for engines that read that: one frame by relative motion, as a whole (whole.onnx: the source
is encoded in it) and with the source's features given (split.onnx)."""

import os

import numpy as np
import torch

import networks

SOURCE = ("source", "value", "jacobian", "initial_value", "initial_jacobian")


def inverse(m):
    """Of 2x2 matrices by the closed form: ONNX has no operation for it."""
    a, b, c, d = m[..., 0, 0], m[..., 0, 1], m[..., 1, 0], m[..., 1, 1]
    rows = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], -2)
    return rows / (a * d - b * c)[..., None, None]


class Split(torch.nn.Module):
    """networks.Frame that takes the source's features."""

    def __init__(self, kp_detector, generator):
        super().__init__()
        self.kp_detector, self.generator = kp_detector, generator

    def forward(self, source, value, jacobian, initial_value, initial_jacobian, features, driving):
        moved = networks.relative(self.kp_detector(driving), value, jacobian, initial_value, initial_jacobian)
        g = self.generator
        motion = g.dense_motion_network(source_image=source, kp_driving=moved, kp_source={"value": value, "jacobian": jacobian})
        x = g.deform_input(features, motion["deformation"]) * motion["occlusion_map"]
        x = g.bottleneck(x)
        for block in g.up_blocks:
            x = block(x)
        return torch.sigmoid(g.final(x))


def encode(generator, source):
    x = generator.first(source)
    for block in generator.down_blocks:
        x = block(x)
    return x


def write(folder, kp_detector, generator, source, driving):
    """The two models, and io.npz with their inputs and what PyTorch makes of them."""
    os.makedirs(folder, exist_ok=True)
    torch.inverse = inverse
    with torch.no_grad():
        kp, initial = kp_detector(source), kp_detector(driving)
        given = dict(zip(SOURCE, (source, kp["value"], kp["jacobian"], initial["value"], initial["jacobian"])))
        # The driving picture is another than the initial one, so that something moves.
        driving = driving.flip(3).contiguous()
        features = encode(generator, source)
        whole = networks.Frame(kp_detector, generator).eval()
        split = Split(kp_detector, generator).eval()
        prediction = whole(*given.values(), driving)
        if not torch.allclose(prediction, split(*given.values(), features, driving), atol=1e-6):
            raise ValueError("the model with the source's features given predicts another picture")
        for name, network, inputs in (
            ("whole", whole, {**given, "driving": driving}),
            ("split", split, {**given, "features": features, "driving": driving}),
        ):
            torch.onnx.export(network, tuple(inputs.values()), os.path.join(folder, name + ".onnx"), opset_version=18,
                              input_names=list(inputs), output_names=["prediction"])
    arrays = {**given, "features": features, "driving": driving, "prediction": prediction}
    np.savez(os.path.join(folder, "io.npz"), **{name: t.numpy() for name, t in arrays.items()})
