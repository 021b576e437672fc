"""Writes VGG-19s with timm itself (timm 1.0.31, torch 2.15.0, safetensors 0.8.0).

Run in this folder where they are installed: `python3 make_timm.py`. The widths
are a thirty-second of VGG-19's and the numbers random ones of this script: names
are what matters. timm.npz has the first and the last convolution that are used.
"""
import numpy as np
import timm
import torch
from safetensors.torch import save_file
from timm.models import build_model_with_cfg, vgg

torch.manual_seed(19)
narrow = [width if width == "M" else width // 32 for width in vgg.cfgs["vgg19"]]
expected = {}


def note(name, state, first, last):
    for place, key in (("conv1_1", first), ("conv5_1", last)):
        expected[f"{name}:{place}"] = state[key + ".weight"].numpy()


# The head of 1000 classes, narrow too.
whole = vgg.VGG(narrow, num_classes=2, global_pool="avg")
whole.pre_logits = vgg.ConvMlp(narrow[-2], 4, 7)
whole.head = timm.layers.ClassifierHead(4, 2)
note("vgg19", whole.state_dict(), "features.0", "features.28")
torch.save(whole.state_dict(), "timm-vgg19.pth")

only = build_model_with_cfg(vgg.VGG, "vgg19", False, model_cfg=narrow, feature_cfg={"flatten_sequential": True}, features_only=True)
note("features", only.state_dict(), "features_0", "features_28")
save_file(only.state_dict(), "timm-features.safetensors")

bn = vgg.VGG(narrow[:6], num_classes=2, norm_layer=torch.nn.BatchNorm2d)
torch.save({k: v for k, v in bn.state_dict().items() if k.startswith("features.")}, "timm-vgg19-bn.pth")
np.savez("timm.npz", **expected)
