"""Measures one job in this process: the peer's side of bench. The job comes as JSON on standard input; the last line of
standard output is the result as JSON (bench/job.go says what the fields are)."""

import json
import os
import resource
import sys
import time

started = time.perf_counter()

import numpy as np  # noqa: E402
import torch  # noqa: E402

import networks  # noqa: E402


def main():
    job = json.load(sys.stdin)
    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    config = job["config"]
    compute_on(config["run_params"])
    reference = networks.import_reference(job["reference"], config["vgg19"]["width_divisor"])
    measure = {
        "step": step, "frame": frame, "reconstruction": reconstruction, "mask": mask, "start": start,
        "write_model": write_model, "write_onnx": write_onnx,
    }[job["measure"]]
    result = measure(job, config, reference)
    if result is None:
        return
    result["engine"] = "PyTorch " + torch.__version__.split("+")[0]
    print(json.dumps(result))


def compute_on(run):
    """Has everything that is made from here on lie on the device of the configuration."""
    if run["device"] == "cpu":
        return
    if not torch.cuda.is_available():
        sys.exit("PyTorch %s sees no GPU" % torch.__version__)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = run["tf32"] and not run["deterministic"]
    torch.set_default_device("cuda")


def finished():
    """The time when the device has done what it was given."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


class Way:
    """How to compute: eager, or the words of a way."""

    def __init__(self, job):
        words = job["way"].split("+")
        self.layout = torch.channels_last if "channels_last" in words else torch.contiguous_format
        self.jit, self.lean, self.compile = "jit" in words, "lean" in words, "compile" in words
        if self.compile and os.environ.get("ATEN_CPU_CAPABILITY") == "avx2":
            from torch._inductor import config as inductor

            inductor.cpp.simdlen = 256  # its own code generator knows no other limit

    def pictures(self, x):
        return x.contiguous(memory_format=self.layout)

    def network(self, n):
        return n.to(memory_format=self.layout)

    def compiled(self, network):
        """The network, by torch.compile where that is the way."""
        if self.compile:
            network.compile()
        return network


def measured(job, repeat, units=1):
    """Repeats and times; seconds are those of one of the units of a repeat."""
    # torch.compile compiles again where its first guess of what never changes was wrong.
    for _ in range(job["warmup"] + 2 * ("compile" in job["way"])):
        repeat()
    setup, cpu = finished() - started, time.process_time()
    seconds = []
    for _ in range(job["repeats"]):
        begun = finished()
        repeat()
        seconds.append((finished() - begun) / units)
    cpu = (time.process_time() - cpu) / units / job["repeats"]
    return {"seconds": seconds, "cpu_seconds": cpu, "setup_seconds": setup, "peak_bytes": peak_bytes()}


def peak_bytes():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def counts(kp_detector, generator, discriminator=None, vgg=None):
    motion = networks.size(generator.dense_motion_network)
    return {
        "keypoint detector": networks.size(kp_detector),
        "dense motion": motion,
        "generator without dense motion": networks.size(generator) - motion,
        "discriminator": networks.size(discriminator) if discriminator else 0,
        "VGG-19 (frozen)": networks.size(*(getattr(vgg, "slice%d" % i) for i in range(1, 6))) if vgg else 0,
    }


def step(job, config, reference):
    """One optimisation step, in the order of the reference's train.py."""
    way, train, variant = Way(job), config["train_params"], config["variant"]
    weights, unet = train["loss_weights"], networks.has_unet(config)
    kp_detector, generator = networks.animator(reference, config)
    discriminator = networks.discriminator(reference, config)
    # The U-Net's part of the generator's losses is added here.
    own = {**train, "loss_weights": {**weights, "generator_gan": 0}} if unet else train
    patches = reference.discriminator.MultiScaleDiscriminator() if unet else discriminator
    full_g = way.network(reference.model.GeneratorFullModel(kp_detector, generator, patches, own)).train()
    full_d = way.network(reference.model.DiscriminatorFullModel(kp_detector, generator, patches, own)).train()
    way.network(discriminator).train()
    adam = {
        name: torch.optim.Adam(n.parameters(), lr=train["lr_" + name], betas=(0.5, 0.999))
        for name, n in (("generator", generator), ("kp_detector", kp_detector), ("discriminator", discriminator))
    }
    height, width, _ = config["dataset_params"]["frame_shape"]
    n = job["pictures"]
    x = {name: way.pictures(torch.rand(n, 3, height, width)) for name in ("source", "driving")}
    last = {}
    # Not the step as a whole: torch.compile knows no second derivatives, which the equivariance loss takes of its bends.
    for network in (kp_detector, generator, discriminator, *([full_g.vgg] if full_g.vgg else [])):
        way.compiled(network)

    def cut(out):
        if variant == "cutmix":
            return networks.box_mask(n, height, width)
        if variant != "prioritycut":
            return None
        with torch.no_grad():
            maps = [torch.nn.functional.interpolate(m, size=(height, width), mode="bilinear")
                    for m in (out["occlusion_map"], out["mask"][:, :1])]
            params = config["prioritycut_params"]
            k = params["k_min"] + (params["k_max"] - params["k_min"]) * torch.rand(n)
            return networks.priority_mask(*maps, k, params)

    def repeat():
        discriminator.requires_grad_(not way.lean)
        losses, out = full_g(x)
        kp = reference.model.detach_kp(out["kp_driving"])
        if unet:
            losses.update(networks.generator_losses(discriminator, x["driving"], out["prediction"], kp, weights))
        if weights["reconstruction"] != 0:
            losses["reconstruction"] = weights["reconstruction"] * (out["prediction"] - x["driving"]).abs().mean()
        sum(v.mean() for v in losses.values()).backward()
        for name in ("generator", "kp_detector"):
            adam[name].step()
            adam[name].zero_grad()
        if variant != "fomm":
            discriminator.requires_grad_(True)
            adam["discriminator"].zero_grad()
            if unet:
                other = config["prioritycut_params"]["cutmix_pair"] == "other" and variant == "cutmix"
                critic = networks.discriminator_losses(
                    discriminator, x["driving"], out["prediction"].detach(), kp, weights, cut(out), other)
            else:
                critic = full_d(x, out)
            sum(v.mean() for v in critic.values()).backward()
            adam["discriminator"].step()
            adam["discriminator"].zero_grad()
            losses.update(critic)
        last.update({name: float(v.mean()) for name, v in losses.items()})

    result = measured(job, repeat)
    result["losses"] = last
    result["counts"] = counts(kp_detector, generator, None if variant == "fomm" else discriminator, full_g.vgg)
    return result


class Pair(torch.nn.Module):
    """A driving picture to a prediction by its own keypoints, as the reference's reconstruction computes it."""

    def __init__(self, kp_detector, generator):
        super().__init__()
        self.kp_detector, self.generator = kp_detector, generator

    def forward(self, source, value, jacobian, driving):
        kp = self.kp_detector(driving)
        return self.generator(source, kp_source={"value": value, "jacobian": jacobian}, kp_driving=kp)["prediction"]


def ready(config, reference, way):
    kp_detector, generator = networks.animator(reference, config)
    return way.network(kp_detector).eval(), way.network(generator).eval()


def compiled(network, way, args):
    """The network as the way wants it."""
    if not way.jit:
        return way.compiled(network)
    with torch.no_grad():
        traced = torch.jit.trace(network, args, check_trace=False)
        return torch.jit.optimize_for_inference(torch.jit.freeze(traced))


def picture(way, pixels):
    """Bytes [H, W, 3] as a picture [1, 3, H, W] in [0, 1]."""
    return way.pictures(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)


def noise(config):
    return np.random.default_rng(0).integers(0, 256, config["dataset_params"]["frame_shape"], dtype=np.uint8)


def frame(job, config, reference):
    way = Way(job)
    kp_detector, generator = ready(config, reference, way)
    source, pixels = picture(way, noise(config)), noise(config)
    with torch.no_grad():
        kp, initial = kp_detector(source), kp_detector(picture(way, pixels))
        given = source, kp["value"], kp["jacobian"], initial["value"], initial["jacobian"]
        run = compiled(networks.Frame(kp_detector, generator).eval(), way, (*given, picture(way, pixels)))

        def repeat():
            prediction = run(*given, picture(way, pixels))
            np.rint(prediction[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)

        result = measured(job, repeat)
    result["counts"] = counts(kp_detector, generator)
    return result


def reconstruction(job, config, reference):
    way, n = Way(job), job["pictures"]
    kp_detector, generator = ready(config, reference, way)
    film = [noise(config) for _ in range(n)]
    last = {}
    with torch.no_grad():
        source = picture(way, film[0])
        kp = kp_detector(source)
        run = compiled(Pair(kp_detector, generator).eval(), way, (source, kp["value"], kp["jacobian"], source))

        def repeat():
            source, errors = picture(way, film[0]), []
            kp = kp_detector(source)
            for pixels in film:
                driving = picture(way, pixels)
                prediction = run(source, kp["value"], kp["jacobian"], driving)
                errors.append(float((prediction - driving).abs().mean()))
            last["l1"] = sum(errors) / n

        result = measured(job, repeat, units=n)
    result["losses"] = last
    result["counts"] = counts(kp_detector, generator)
    return result


def mask(job, config, _):
    height, width, _ = config["dataset_params"]["frame_shape"]
    n, params = job["pictures"], config["prioritycut_params"]
    occlusion, background = torch.rand(n, 1, height, width), torch.rand(n, 1, height, width)
    k = params["k_min"] + (params["k_max"] - params["k_min"]) * torch.rand(n)
    with torch.no_grad():
        return measured(job, lambda: networks.priority_mask(occlusion, background, k, params))


def write_model(job, config, reference):
    """Keeps networks with random weights, for start."""
    kp_detector, generator = networks.animator(reference, config)
    torch.save({"kp_detector": kp_detector.state_dict(), "generator": generator.state_dict()}, job["model"])


def write_onnx(job, config, reference):
    """Keeps the networks for engines."""
    import export

    way = Way({"way": "eager"})
    kp_detector, generator = ready(config, reference, way)
    export.write(job["model"], kp_detector, generator, picture(way, noise(config)), picture(way, noise(config)[:, ::-1].copy()))


def start(job, config, reference):
    """A new process to its first frame: import, networks, weights from a file, source and driving picture."""
    way = Way(job)
    kp_detector, generator = ready(config, reference, way)
    kept = torch.load(job["model"], weights_only=True)
    kp_detector.load_state_dict(kept["kp_detector"])
    generator.load_state_dict(kept["generator"])
    source, pixels = picture(way, noise(config)), noise(config)
    with torch.no_grad():
        kp, driving = kp_detector(source), picture(way, pixels)
        initial = kp_detector(driving)
        run = networks.Frame(kp_detector, generator).eval()
        prediction = run(source, kp["value"], kp["jacobian"], initial["value"], initial["jacobian"], driving)
        np.rint(prediction[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    seconds = time.clock_gettime(time.CLOCK_MONOTONIC) - job["started"]
    return {"seconds": [seconds], "cpu_seconds": time.process_time(), "setup_seconds": seconds, "peak_bytes": peak_bytes()}


if __name__ == "__main__":
    main()
