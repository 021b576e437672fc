"""Measures one job in an engine for trained models: a frame, by files that prepare (the measure "prepare") made of export.py's ONNX
or, for LiteRT, of a SavedModel of this project. The protocol is that of peer.py.

engine.py ENGINE < job

The ways: whole takes pictures and the source's keypoints, as the reference animates, and encodes the source for every frame; split
takes the source's features too."""

import importlib.metadata
import json
import os
import subprocess
import sys
import time

started = time.perf_counter()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np  # noqa: E402

# Further from what it must compute an engine computes something else.
TOLERANCE = 1e-3


def main():
    job = json.load(sys.stdin)
    engine = {"onnxruntime": ONNXRuntime, "openvino": OpenVINO, "mnn": MNN, "litert": LiteRT}[sys.argv[1]](job)
    if job["measure"] == "prepare":
        engine.prepare()
        return
    engine.load()
    result = measured(job, engine.run)
    difference = float(np.abs(engine.run(engine.driving) - engine.prediction).max())
    if not difference <= TOLERANCE:
        sys.exit("the prediction is off by %g" % difference)
    result["engine"] = engine.version()
    print(json.dumps(result))


def measured(job, run):
    """A frame is bytes to bytes, as in peer.py."""
    height, width, _ = job["config"]["dataset_params"]["frame_shape"]
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)

    def repeat():
        np.rint(run(pixels.astype(np.float32)[None] / 255, True) * 255).astype(np.uint8)

    for _ in range(job["warmup"]):
        repeat()
    setup, cpu, seconds = time.perf_counter() - started, time.process_time(), []
    for _ in range(job["repeats"]):
        begun = time.perf_counter()
        repeat()
        seconds.append(time.perf_counter() - begun)
    cpu = (time.process_time() - cpu) / job["repeats"]
    return {"seconds": seconds, "cpu_seconds": cpu, "setup_seconds": setup, "peak_bytes": peak_bytes()}


def peak_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


class FromONNX:
    """An engine on the files of export.py, for pictures [1, 3, H, W]."""

    def __init__(self, job):
        self.job, self.folder, self.way = job, job["model"], job["way"]

    def prepare(self):
        pass

    def load(self):
        arrays = dict(np.load(os.path.join(self.folder, "io.npz")))
        self.prediction, self.driving = arrays.pop("prediction"), arrays["driving"]
        if self.way == "whole":
            arrays.pop("features")
        self.feed = arrays
        self.open(os.path.join(self.folder, self.way))

    def run(self, driving, last=False):
        """A picture; with the channels last where that is asked for."""
        if last:
            driving = np.ascontiguousarray(driving.transpose(0, 3, 1, 2))
        prediction = self.predict({**self.feed, "driving": driving})
        return prediction.transpose(0, 2, 3, 1) if last else prediction


class ONNXRuntime(FromONNX):
    def open(self, path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.job["threads"]
        session = onnxruntime.InferenceSession(path + ".onnx", options, providers=["CPUExecutionProvider"])
        self.predict = lambda feed: session.run(None, feed)[0]

    def version(self):
        return "ONNX Runtime " + importlib.metadata.version("onnxruntime")


class OpenVINO(FromONNX):
    def open(self, path):
        import openvino

        core = openvino.Core()
        model = core.compile_model(core.read_model(path + ".onnx"), "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": self.job["threads"], "INFERENCE_PRECISION_HINT": "f32"})
        request = model.create_infer_request()
        self.predict = lambda feed: request.infer(feed)[0]

    def version(self):
        return "OpenVINO " + importlib.metadata.version("openvino")


class MNN(FromONNX):
    def prepare(self):
        # The package's own program of this name installs and calls a logging service; the converter inside it does not.
        convert = [sys.executable, "-c", "import sys, MNN, _tools; _tools.mnnconvert(sys.argv)", "-f", "ONNX", "--bizCode", "x"]
        for name in ("whole", "split"):
            path = os.path.join(self.folder, name)
            subprocess.run([*convert, "--modelFile", path + ".onnx", "--MNNModel", path + ".mnn"], check=True, stdout=subprocess.DEVNULL)

    def open(self, path):
        import MNN.expr as expr
        import MNN.nn as nn

        manager = nn.create_runtime_manager(({"backend": "CPU", "numThread": self.job["threads"], "precision": "high"},))
        names = list(self.feed)
        net = nn.load_module_from_file(path + ".mnn", names, ["prediction"], runtime_manager=manager)
        fixed = {n: expr.const(self.feed[n], list(self.feed[n].shape), expr.data_format.NCHW) for n in names if n != "driving"}

        def predict(feed):
            driving = expr.const(feed["driving"], list(feed["driving"].shape), expr.data_format.NCHW)
            out = net.forward([fixed.get(n, driving) for n in names])[0]
            return np.array(expr.convert(out, expr.data_format.NCHW).read()).reshape(self.prediction.shape)

        self.predict = predict

    def version(self):
        return "MNN " + importlib.metadata.version("MNN")


class LiteRT:
    """LiteRT on an exported SavedModel, for pictures [1, H, W, 3]. Its signatures are the parts of a frame; whole calls that which
    encodes the source as well."""

    SIGNATURES = ["keypoints", "encode_source", "animate_frame"]

    def __init__(self, job):
        self.job, self.folder, self.whole = job, job["saved_model"], job["way"] == "whole"

    def file(self, name):
        return os.path.join(self.folder, name)

    def prepare(self):
        import tensorflow as tf

        converter = tf.lite.TFLiteConverter.from_saved_model(self.file("1"), signature_keys=self.SIGNATURES)
        with open(self.file("model.tflite"), "wb") as f:
            f.write(converter.convert())

    def load(self):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=self.file("model.tflite"), num_threads=self.job["threads"])
        self.keypoints, self.encode, self.animate = map(interpreter.get_signature_runner, self.SIGNATURES)
        calls = {"in": {}, "out": {}}
        for name, array in np.load(self.file("calls.npz")).items():
            side, signature, key = name.split("/")
            calls[side].setdefault(signature, {})[key] = array
        # Everything of one call, so that the result is known: its keypoints are not those of a picture.
        self.frame, self.prediction = calls["in"]["animate_frame"], calls["out"]["animate_frame"]["prediction"]
        self.source, self.driving = calls["in"]["encode_source"]["source"], None
        self.encoded = self.encode(source=self.source)
        initial = self.keypoints(image=calls["in"]["keypoints"]["image"])
        self.inverse = np.linalg.inv(initial["jacobian"]) @ self.encoded["kp_source_jacobian"]
        self.shift = self.encoded["kp_source_value"] - initial["value"]

    def run(self, driving, last=False):
        if driving is None:
            return self.animate(**self.frame)["prediction"]
        kp = self.keypoints(image=driving)
        encoded = self.encode(source=self.source) if self.whole else self.encoded
        moved = {"kp_driving_value": kp["value"] + self.shift, "kp_driving_jacobian": kp["jacobian"] @ self.inverse}
        return self.animate(**encoded, **moved)["prediction"]

    def version(self):
        return "LiteRT " + importlib.metadata.version("ai-edge-litert")


if __name__ == "__main__":
    main()
