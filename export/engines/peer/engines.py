"""Runs an exported model in one engine of others, for the table of engines.

engines.py ENGINE FOLDER SECONDS

FOLDER holds plain/1, frozen/1 and frame/1 (three signatures, animate_frame the
default), and calls.npz: arrays in/SIGNATURE/INPUT and out/SIGNATURE/OUTPUT, the
outputs those of the checkpoint. Prints one line of JSON for each row of the
table: engine, version, model, signatures (reached), difference (the largest),
ms (median time of serving_default, or of animate_frame, by signature), note.
SECONDS bounds the time of measuring. ENGINES_NODE is a folder with tfjs.js and
the packages that it needs, ENGINES_JAVA one with Engine.class and jars/.
"""
import json
import os
import shutil
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np

import resave

ENGINE, FOLDER, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
CALLS = {"in": {}, "out": {}}
for name, array in np.load(os.path.join(FOLDER, "calls.npz")).items():
    side, signature, key = name.split("/")
    CALLS[side].setdefault(signature, {})[key] = array
SIGNATURES = sorted(CALLS["in"])
TIMED = ("serving_default", "animate_frame")


def path(model):
    return os.path.join(FOLDER, model, "1")


def file(name):
    return os.path.join(FOLDER, name)


def row(version, model, run, signatures=None, note="", engine=ENGINE, ms=None, loose=False):
    """Calls run(signature, inputs) -> outputs, compares and measures; run itself
    where it fills ms. A loose one computes less exactly by intent."""
    worst, at, measures = 0.0, "", ms is None
    ms = {} if measures else ms
    for signature in signatures or SIGNATURES:
        inputs, want = CALLS["in"][signature], CALLS["out"][signature]
        got = run(signature, inputs)
        for key, value in want.items():
            scale = max(1.0, float(np.abs(value).max()))
            difference = float(np.abs(np.asarray(got[key]) - value).max()) / scale
            if difference > worst:
                worst, at = difference, f"{signature}: {key}"
        if measures and signature in TIMED:
            ms[signature] = measured(lambda: run(signature, inputs))
    print(json.dumps({"engine": engine, "version": version, "model": model, "signatures": list(signatures or SIGNATURES),
                      "difference": worst, "at": at, "ms": ms, "note": note, "loose": loose}), flush=True)


def measured(call):
    call()
    times, end = [], time.monotonic() + SECONDS
    while not times or time.monotonic() < end and len(times) < 50:
        begun = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - begun))
    return sorted(times)[len(times) // 2]


def tensorflow():
    import tensorflow as tf
    for model in ("plain", "frozen"):
        loaded = tf.saved_model.load(path(model))
        variables = len(getattr(loaded, "variables", ()))
        row(tf.__version__, model,
            lambda signature, inputs: {k: v.numpy() for k, v in loaded.signatures[signature](**{k: tf.constant(v) for k, v in inputs.items()}).items()},
            note=f"{variables} variables", engine="TensorFlow, saved_model.load")
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], path("plain"))

        def run(signature, inputs):
            s = meta.signature_def[signature]
            return session.run({k: t.name for k, t in s.outputs.items()}, {s.inputs[k].name: v for k, v in inputs.items()})
        row(tf.__version__, "plain", run, engine="TensorFlow, v1 session")
    said = subprocess.run([os.path.join(os.path.dirname(sys.executable), "saved_model_cli"), "show", "--dir", path("plain"), "--tag_set", "serve"],
                          capture_output=True, text=True, check=True).stdout
    missing = [s for s in SIGNATURES if f'"{s}"' not in said]
    if missing:
        raise ValueError(f"saved_model_cli does not show {missing}: {said}")
    keras()
    resave.write(path("plain"), file("again"))


def keras():
    import keras
    import tensorflow as tf
    layers, first = {}, {}

    def call(signature, inputs, name):
        rest = {k: tf.constant(v) for k, v in inputs.items() if k != name}
        return {k: v.numpy() for k, v in layers[signature](inputs[name], **rest).items()}

    # Keras hands the first input over without its name; which one that is, and
    # whether several inputs are taken at all, depends on TensorFlow's version.
    for signature in SIGNATURES:
        layers[signature] = keras.layers.TFSMLayer(path("plain"), call_endpoint=signature)
        for name in sorted(CALLS["in"][signature]):
            try:
                call(signature, CALLS["in"][signature], name)
                first[signature] = name
                break
            except TypeError:
                continue
    row(keras.__version__, "plain", lambda signature, inputs: call(signature, inputs, first[signature]), sorted(first),
        engine="Keras, TFSMLayer", note=f"TensorFlow {tf.__version__}")


def native(engine, command, note=""):
    """Has a program of another language call all signatures: engine.cc says how."""
    for model in ("plain", "frozen"):
        folder = file(f"{ENGINE}-{model}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "calls"), "w") as f:
            for signature in SIGNATURES:
                print("signature", signature, file=f)
                for key, value in CALLS["in"][signature].items():
                    name = os.path.join(folder, f"in-{signature}-{key}")
                    value.astype(np.float32).tofile(name)
                    print("in", key, name, *value.shape, file=f)
                for key in CALLS["out"][signature]:
                    print("out", key, os.path.join(folder, f"out-{signature}-{key}"), file=f)
        said = finished([*command, path(model), os.path.join(folder, "calls"), str(SECONDS)]).split("\n")
        words = [line.split() for line in said if line]
        ms = {w[1]: float(w[2]) for w in words if w[0] == "ms" and w[1] in TIMED}

        def run(signature, inputs):
            return {key: np.fromfile(os.path.join(folder, f"out-{signature}-{key}"), np.float32).reshape(value.shape)
                    for key, value in CALLS["out"][signature].items()}
        row(next(w[1] for w in words if w[0] == "version"), model, run, engine=engine, ms=ms, note=note)


def finished(command):
    """What a command prints; if it fails, what it complains of."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


def cpp():
    import tensorflow as tf
    if not shutil.which("g++"):
        return not_run("TensorFlow, C++", tf.__version__, "g++ is needed")
    out = file("engine")
    link = tf.sysconfig.get_link_flags()
    library = next(flag[2:] for flag in link if flag.startswith("-L"))
    finished(["g++", "-O1", file("engine.cc"), "-o", out, *tf.sysconfig.get_compile_flags(), "-Wl,--no-as-needed", *link, "-l:libtensorflow_cc.so.2",
              "-Wl,-rpath," + library])
    native("TensorFlow, C++", [out], "headers and libraries of the Python package")


def java():
    classes = os.environ.get("ENGINES_JAVA")
    if not classes:
        return not_run("TensorFlow, Java", "", "a JDK and Maven are needed")
    native("TensorFlow, Java", ["java", "-cp", os.path.join(classes, "jars", "*") + os.pathsep + classes, "Engine"], "tensorflow-core-api 1.1.0")


def not_run(engine, version, why):
    print(json.dumps({"engine": engine, "version": version, "model": "plain", "signatures": SIGNATURES, "difference": None, "ms": {},
                      "note": "not run: " + why}), flush=True)


def litert():
    import importlib.metadata

    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter
    converter = tf.lite.TFLiteConverter.from_saved_model(path("plain"), signature_keys=SIGNATURES)
    with open(file("model.tflite"), "wb") as f:
        f.write(converter.convert())
    interpreter = Interpreter(model_path=file("model.tflite"))
    runners = {s: interpreter.get_signature_runner(s) for s in SIGNATURES}
    row(importlib.metadata.version("ai-edge-litert"), "plain", lambda signature, inputs: runners[signature](**inputs),
        note=f"built-in operations alone; batch 1; converted by TensorFlow {tf.__version__}")


def onnxruntime():
    import onnxruntime as ort
    import tf2onnx
    sessions = {}

    def run(signature, inputs):
        if signature not in sessions:
            out = file(signature + ".onnx")
            done = subprocess.run([sys.executable, "-m", "tf2onnx.convert", "--saved-model", path("plain"), "--tag", "serve",
                                   "--signature_def", signature, "--opset", "18", "--output", out], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(done.stderr[-2000:])
            sessions[signature] = ort.InferenceSession(out, providers=["CPUExecutionProvider"])
        session = sessions[signature]
        names = [o.name for o in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs)))
    row(ort.__version__, "plain", run, note=f"one file for each signature, by tf2onnx {tf2onnx.__version__}")


def openvino():
    import openvino as ov
    core = ov.Core()
    version = ov.__version__.split("-")[0]
    for model, signature in (("plain", "serving_default"), ("frame", "animate_frame")):
        read = core.read_model(path(model))
        for hint in ({"INFERENCE_PRECISION_HINT": "f32"}, {}):
            compiled = core.compile_model(read, "CPU", hint)
            keys = [o.get_any_name() for o in compiled.outputs]

            def run(_, inputs):
                got = compiled(inputs)
                known = CALLS["out"][signature]
                return {next(k for k in known if k in str(name) or len(known) == 1): got[i] for i, name in enumerate(keys)}
            precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
            row(version, model, run, [signature], note=f"sees serving_default alone; precision {precision}" + ("" if hint else ", its default here"),
                loose=precision != "f32")


def mnn():
    import MNN.expr as expr
    import MNN.nn as nn
    import importlib.metadata
    version = importlib.metadata.version("MNN")
    # The package's own program of this name installs and calls a logging service; the converter inside it does not.
    tool = [sys.executable, "-c", "import sys, MNN, _tools; _tools.mnnconvert(sys.argv)"]
    for signature in SIGNATURES:
        subprocess.run([*tool, "-f", "ONNX", "--modelFile", file(signature + ".onnx"), "--MNNModel", file(signature + ".mnn"), "--bizCode", "x"],
                       capture_output=True, check=True)
    for hint in (0, None):
        runtime = nn.create_runtime_manager(({"backend": "CPU", "precision": "high", "numThread": os.cpu_count()},))
        if hint is not None:
            runtime.set_hint(WINOGRAD_MEMORY_LEVEL, hint)
        nets = {s: nn.load_module_from_file(file(s + ".mnn"), sorted(CALLS["in"][s]), sorted(CALLS["out"][s]), runtime_manager=runtime)
                for s in SIGNATURES}

        def run(signature, inputs):
            fed = [expr.const(np.ascontiguousarray(inputs[k]), list(inputs[k].shape), expr.data_format.NCHW) for k in sorted(inputs)]
            got = nets[signature].forward(fed)
            return {k: np.array(expr.convert(v, expr.data_format.NCHW).read()) for k, v in zip(sorted(CALLS["out"][signature]), got)}
        note = "small Winograd blocks, by a hint" if hint is not None else "large Winograd blocks, its default"
        row(version, "plain", run, note="from the ONNX files; " + note, loose=hint is None)


# MNN.Interpreter's HintMode of that name; the Python package has no constant.
WINOGRAD_MEMORY_LEVEL = 3


def tensorflowjs():
    import importlib.metadata
    env = dict(os.environ, TF_ENABLE_ONEDNN_OPTS="0", TEMPORARILY_DISABLE_PROTOBUF_VERSION_CHECK="true")
    for signature in SIGNATURES:
        done = subprocess.run([os.path.join(os.path.dirname(sys.executable), "tensorflowjs_converter"), "--input_format=tf_saved_model",
                               "--saved_model_tags=serve", "--signature_name=" + signature, path("plain"), file("tfjs-" + signature)],
                              capture_output=True, text=True, env=env)
        if done.returncode or not os.path.exists(os.path.join(file("tfjs-" + signature), "model.json")):
            raise RuntimeError(done.stderr[-2000:])
    version, node = importlib.metadata.version("tensorflowjs"), os.environ.get("ENGINES_NODE")
    if not node:
        return not_run(ENGINE, version, "converted, and Node and npm are needed")
    times = {}

    def run(signature, inputs):
        with open(file("call.json"), "w") as f:
            json.dump({k: {"shape": v.shape, "values": v.ravel().tolist()} for k, v in inputs.items()}, f)
        done = subprocess.run(["node", os.path.join(node, "tfjs.js"), file("tfjs-" + signature), file("call.json"), str(SECONDS)],
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        said = json.loads(done.stdout[done.stdout.index("{"):])
        times[signature] = said["ms"]
        return {k: np.array(v["values"], np.float32).reshape(v["shape"]) for k, v in said["outputs"].items()}
    row(version, "plain", run, note="plain JavaScript in Node; converted with TF_ENABLE_ONEDNN_OPTS=0", ms=times)


{"tensorflow": tensorflow, "C++": cpp, "Java": java, "LiteRT": litert, "ONNX Runtime": onnxruntime, "OpenVINO": openvino, "MNN": mnn, "tensorflowjs": tensorflowjs}[ENGINE]()
