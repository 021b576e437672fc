"""The peer's networks: those of a checkout of first-order-model, imported as they are, and around them what no public
code has: the U-Net discriminator, PriorityCut's mask and their losses, as the paper describes them."""

import inspect
import sys
import types

import torch
import torch.nn.functional as F
from torch import nn


def import_reference(checkout, vgg_divisor):
    """Returns the reference's modules. Its VGG-19 comes from torchvision with a download of weights; here it gets the
    same layers with random weights and widths divided by vgg_divisor, which take the same time."""
    stand_in = types.ModuleType("torchvision.models")
    stand_in.vgg19 = lambda **_: types.SimpleNamespace(features=vgg_features(vgg_divisor))
    package = types.ModuleType("torchvision")
    package.models = stand_in
    sys.modules.update({"torchvision": package, "torchvision.models": stand_in})
    sys.path.insert(0, checkout)
    import modules.discriminator
    import modules.generator
    import modules.keypoint_detector
    import modules.model
    import modules.util

    return modules


def vgg_features(divisor):
    """torchvision's vgg19().features up to relu5_1."""
    layers, channels = [], 3
    for width in [64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512]:
        if width == 0:
            layers.append(nn.MaxPool2d(2, 2))
            continue
        out = max(width // divisor, 1)
        conv = nn.Conv2d(channels, out, 3, padding=1)
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(conv.bias)
        layers += [conv, nn.ReLU(inplace=True)]
        channels = out
    return nn.Sequential(*layers)


def made(cls, params, common):
    """An object of cls with those of the parameters that its constructor knows; others are this project's own."""
    known = inspect.signature(cls.__init__).parameters
    anything = any(p.kind == p.VAR_KEYWORD for p in known.values())
    return cls(**{k: v for k, v in {**params, **common}.items() if anything or k in known})


def animator(reference, config):
    """Keypoint detector and generator of a configuration."""
    params = config["model_params"]
    common = params["common_params"]
    return (
        made(reference.keypoint_detector.KPDetector, params["kp_detector_params"], common),
        made(reference.generator.OcclusionAwareGenerator, params["generator_params"], common),
    )


def discriminator(reference, config):
    """The discriminator of the configuration's variant; of fomm, which has none, the reference still wants one."""
    params = config["model_params"]
    if has_unet(config):
        return UNetDiscriminator(reference.util.kp2gaussian, **params["discriminator_params"], **params["common_params"])
    return made(reference.discriminator.MultiScaleDiscriminator, params["discriminator_params"], params["common_params"])


def has_unet(config):
    return config["variant"] in ("unet", "cutmix", "prioritycut")


def relative(kp, value, jacobian, initial_value, initial_jacobian):
    """Keypoints that move a source as kp has moved since the initial ones."""
    return {
        "value": kp["value"] - initial_value + value,
        "jacobian": kp["jacobian"] @ torch.inverse(initial_jacobian) @ jacobian,
    }


class Frame(nn.Module):
    """A driving picture to a prediction by relative motion, as the reference's animation computes it."""

    def __init__(self, kp_detector, generator):
        super().__init__()
        self.kp_detector, self.generator = kp_detector, generator

    def forward(self, source, value, jacobian, initial_value, initial_jacobian, driving):
        moved = relative(self.kp_detector(driving), value, jacobian, initial_value, initial_jacobian)
        return self.generator(source, kp_source={"value": value, "jacobian": jacobian}, kp_driving=moved)["prediction"]


def size(*networks):
    return sum(p.numel() for n in networks for p in n.parameters())


class Down(nn.Module):
    def __init__(self, channels, out, norm, pool, sn):
        super().__init__()
        self.conv = spectral(nn.Conv2d(channels, out, 4), sn)
        self.norm = nn.InstanceNorm2d(out, affine=True) if norm else None
        self.pool = pool

    def forward(self, x):
        x = self.conv(F.pad(x, (1, 2, 1, 2)))  # keeps the size
        if self.norm is not None:
            x = self.norm(x)
        x = F.leaky_relu(x, 0.2)
        return F.avg_pool2d(x, 2) if self.pool else x


class Up(nn.Module):
    def __init__(self, channels, out, sn):
        super().__init__()
        self.conv = spectral(nn.Conv2d(channels, out, 3, padding=1), sn)
        self.norm = nn.InstanceNorm2d(out, affine=True)

    def forward(self, x):
        return F.leaky_relu(self.norm(self.conv(F.interpolate(x, scale_factor=2))), 0.2)


def spectral(conv, sn):
    return nn.utils.spectral_norm(conv) if sn else conv


class UNetDiscriminator(nn.Module):
    """FOMM's discriminator with convolutions that keep the size, and a decoder that scores every pixel."""

    def __init__(self, kp2gaussian, num_channels, num_kp, block_expansion, max_features, num_blocks, sn, use_kp, kp_variance,
                 enc_head, decoder_scale, **_):
        super().__init__()
        self.kp2gaussian, self.use_kp, self.kp_variance, self.enc_head = kp2gaussian, use_kp, kp_variance, enc_head
        encoder = [min(max_features, block_expansion * 2 ** (i + 1)) for i in range(num_blocks)]
        decoder = [max(int(width * decoder_scale), 1) for width in encoder]
        channels, downs, ups = num_channels + num_kp * use_kp, [], []
        for i, width in enumerate(encoder):
            downs.append(Down(channels, width, i > 0, i < num_blocks - 1, sn))
            channels = width
        self.conv = spectral(nn.Conv2d(channels, 1, 1), sn)
        for i in reversed(range(num_blocks - 1)):
            ups.append(Up(channels + encoder[i], decoder[i], sn))
            channels = decoder[i]
        self.conv_dec = spectral(nn.Conv2d(channels, 1, 1), sn)
        self.down_blocks, self.up_blocks = nn.ModuleList(downs), nn.ModuleList(ups)

    def forward(self, x, kp):
        """Features of the encoder, its score of patches (or of the picture), the decoder's score of pixels."""
        if self.use_kp:
            x = torch.cat([x, self.kp2gaussian(kp, x.shape[2:], self.kp_variance)], 1)
        features = []
        for block in self.down_blocks:
            x = block(x)
            features.append(x)
        score = self.conv(F.relu(x).sum((2, 3), keepdim=True) if self.enc_head == "global" else x)
        for block, skip in zip(self.up_blocks, features[-2::-1]):
            x = block(torch.cat([x, skip], 1))
        return features, score, self.conv_dec(x)


def generator_losses(unet, real, fake, kp, weights):
    features_real, _, _ = unet(real, kp)
    features_fake, score, pixels = unet(fake, kp)
    adversarial = ((1 - score) ** 2).mean() + ((1 - pixels) ** 2).mean()
    pairs = zip(weights["feature_matching"], features_real, features_fake)
    return {
        "gen_gan": weights["generator_gan"] * adversarial,
        "feature_matching": sum(w * (a - b).abs().mean() for w, a, b in pairs if w != 0),
    }


def discriminator_losses(unet, real, fake, kp, weights, mask, other_pair):
    _, score_real, pixels_real = unet(real, kp)
    _, score_fake, pixels_fake = unet(fake, kp)
    gan = weights["discriminator_gan"]
    losses = {
        "disc_enc": gan * (((1 - score_real) ** 2).mean() + (score_fake ** 2).mean()),
        "disc_dec": gan * (((1 - pixels_real) ** 2).mean() + (pixels_fake ** 2).mean()),
    }
    if mask is not None:
        if other_pair:
            fake, pixels_fake = fake.roll(-1, 0), pixels_fake.roll(-1, 0)
        _, _, pixels = unet(mask * real + (1 - mask) * fake, kp)
        target = mask * pixels_real + (1 - mask) * pixels_fake
        losses["disc_cons"] = weights["consistency"] * ((pixels - target) ** 2).mean()
    return losses


def priority_mask(occlusion, background, k, params):
    """PriorityCut's mask of maps [N, 1, H, W], for k [N]: 0 at the most occluded pixels of the foreground."""
    is_background = background > params["bg_threshold"]
    foreground = torch.where(is_background, torch.ones_like(occlusion), occlusion).flatten(1)
    count = (~is_background).flatten(1).sum(1)
    of = count if params["k_of"] == "foreground" else torch.full_like(count, foreground.shape[1])
    cut = torch.minimum((k.double() * of).floor().long(), count)
    order = torch.argsort(foreground, dim=1, stable=True)
    keep = (torch.arange(foreground.shape[1])[None] >= cut[:, None]).to(occlusion.dtype)
    mask = torch.empty_like(foreground).scatter_(1, order, keep).reshape_as(occlusion)
    return mask if params["polarity"] == "fake_at_occluded" else 1 - mask


def box_mask(n, height, width):
    """A random box of zeros in each of n masks of ones."""
    mask = torch.ones(n, 1, height, width)
    for i, (area, x, y) in enumerate(torch.rand(n, 3).tolist()):
        h, w = int(height * area ** 0.5), int(width * area ** 0.5)
        top, left = int(y * (height - h)), int(x * (width - w))
        mask[i, :, top : top + h, left : left + w] = 0
    return mask
