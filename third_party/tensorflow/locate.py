"""Finds TensorFlow's shared libraries and headers, for Bazel and for env.sh.

In this order:
  1. $TENSORFLOW_ROOT: the directory of a wheel's `tensorflow` package, or one
     with lib/ and include/ (with the C++ headers, which op libraries need);
  2. the installed wheel of this python, if it has the pinned version;
  3. the wheel that requirements.txt pins, by `python3 -m pip download` into
     ${XDG_CACHE_HOME:-~/.cache}/prioritycut, once.

Prints key=value lines: how, version, include, framework (the library with the
kernel C API), main (the library with the C API) and links, a directory where
all libraries lie side by side and the main one also as libtensorflow.so, the
name that Go's bindings link with. Needs nothing but the standard library.
"""

import fcntl
import hashlib
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
# With PRIORITYCUT_CUDA=1 the GPU build is wanted.
CUDA = os.environ.get("PRIORITYCUT_CUDA", "0") == "1"
REQUIREMENTS = HERE / ("requirements_gpu.txt" if CUDA else "requirements.txt")
TOOLKIT = HERE.parent / "cuda" / "toolkit.txt"
MAIN = ("libtensorflow_cc.so.2", "lib/libtensorflow_cc.so.2", "lib/libtensorflow.so.2", "libtensorflow.so.2")
FRAMEWORK = ("libtensorflow_framework.so.2", "lib/libtensorflow_framework.so.2")
VERSION_HEADERS = ("include/tensorflow/core/public/release_version.h", "include/tensorflow/core/public/version.h")
# The test partners' environment bears this file: its TensorFlow is for tests.
PARTNERS_MARK = "prioritycut-test-partners"


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "prioritycut"


def pinned(requirements=REQUIREMENTS):
    """(version, sha256) of a file of requirements."""
    match = re.search(r"^tensorflow(?:-cpu)?==(\S+) --hash=sha256:([0-9a-f]{64})$", requirements.read_text(), re.M)
    if not match:
        sys.exit("%s: no line tensorflow==VERSION or tensorflow-cpu==VERSION --hash=sha256:HASH" % requirements)
    return match.groups()


def first(root, names):
    return next((root / n for n in names if (root / n).exists()), None)


def libraries(root):
    """(main, framework) of a TensorFlow with its headers in root, or None."""
    main, framework = first(root, MAIN), first(root, FRAMEWORK)
    headers = all((root / "include/tensorflow" / h).exists() for h in ("c/c_api.h", "core/framework/op_kernel.h"))
    return (main, framework) if main and framework and headers else None


def version(root):
    """The version that the headers give."""
    header = first(root, VERSION_HEADERS)
    parts = dict(re.findall(r"#define TF_(MAJOR|MINOR|PATCH)_VERSION (\d+)", header.read_text())) if header else {}
    return ".".join(parts[k] for k in ("MAJOR", "MINOR", "PATCH")) if len(parts) == 3 else "unknown"


def from_environment(want):
    root = os.environ.get("TENSORFLOW_ROOT")
    if not root:
        return None
    root = pathlib.Path(root)
    if not libraries(root):
        sys.exit(
            "TENSORFLOW_ROOT=%s lacks one of libtensorflow_cc.so.2 (or lib/libtensorflow.so.2), "
            "libtensorflow_framework.so.2, include/tensorflow/c/c_api.h and "
            "include/tensorflow/core/framework/op_kernel.h: set it to the tensorflow directory "
            "of a wheel, or unset it" % root
        )
    got = version(root)
    if got != "unknown" and got.split(".")[:2] != want.split(".")[:2]:
        sys.exit("TENSORFLOW_ROOT=%s is TensorFlow %s, this project needs %s: set it to that one, or unset it" % (root, got, want))
    return root


def from_python(want):
    if os.path.exists(os.path.join(sys.prefix, PARTNERS_MARK)):
        return None
    try:
        spec = importlib.util.find_spec("tensorflow")  # does not import it
    except (ImportError, ValueError):
        return None
    for place in (spec and spec.submodule_search_locations) or []:
        root = pathlib.Path(place)
        if libraries(root) and version(root) == want and (not CUDA or has_toolkit(root)):
            return root
    return None


def has_toolkit(root):
    """Whether the CUDA libraries lie where TensorFlow's own search path leads from its directory."""
    return (root.parent / "nvidia/cuda_runtime/lib").is_dir()


def download(directory, requirements):
    """The pinned wheels, the same ones whatever this python is."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311"]
    command += ["--platform=manylinux_2_17_x86_64", "--platform=manylinux2014_x86_64"]
    command += ["--dest", directory, "--requirement", str(requirements)]
    size = "CUDA libraries with pip (2.4 GB" if requirements == TOOLKIT else "TensorFlow wheel with pip (%d MB" % (615 if CUDA else 230)
    print("fetching the pinned %s, once)" % size, file=sys.stderr)
    if subprocess.run(command, stdout=sys.stderr).returncode:
        sys.exit(
            "pip could not download TensorFlow (its message is above). `%s -m pip --version` must work "
            "(Debian: apt-get install python3-pip), or set TENSORFLOW_ROOT to a TensorFlow you have" % sys.executable
        )
    return sorted(pathlib.Path(directory).glob("*.whl"))


def unpack(wheel, directory):
    """What C, C++ and Go need of the wheel."""
    wanted = ("tensorflow/" + MAIN[0], "tensorflow/" + FRAMEWORK[0], "tensorflow/THIRD_PARTY_NOTICES.txt")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name in wanted or name.startswith("tensorflow/include/"):
                archive.extract(name, directory)


def unpack_toolkit(directory):
    """The CUDA libraries, real files beside TensorFlow's directory."""
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        for wheel in download(scratch, TOOLKIT):
            with zipfile.ZipFile(wheel) as archive:
                for entry in archive.infolist():
                    if re.match(r"nvidia/\w+/(lib|bin|nvvm)/", entry.filename):
                        path = archive.extract(entry, directory)
                        if entry.external_attr >> 16 & 0o100:
                            os.chmod(path, 0o755)
            wheel.unlink()  # as early as may be: they are large


def wheel_root(home, want, digest):
    """The directory of a pinned wheel's TensorFlow; the GPU's has the CUDA libraries beside it."""
    place = home / ("%s-%s" % (want, digest[:12]))
    return place / "tensorflow" if CUDA else place


def from_wheel(want, digest):
    home = cache_dir() / "tensorflow"
    root = wheel_root(home, want, digest)
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as lock:  # Bazel and env.sh may come at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not libraries(root):
            for left in home.glob("tmp*"):  # of a fetch that was killed: up to 6 GB
                shutil.rmtree(left, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=home) as scratch:
                whole = pathlib.Path(scratch) / "whole"
                (wheel,) = download(scratch, REQUIREMENTS)
                unpack(wheel, whole)
                wheel.unlink()
                if CUDA:
                    unpack_toolkit(whole)
                source, place = (whole, root.parent) if CUDA else (whole / "tensorflow", root)
                shutil.rmtree(place, ignore_errors=True)
                os.rename(source, place)
    return root


def link(path, target):
    if path.is_symlink() and os.readlink(path) == str(target):
        return
    scratch = path.with_name("%s.%d" % (path.name, os.getpid()))
    os.symlink(target, scratch)
    os.replace(scratch, path)


def side_by_side(main, framework):
    if CUDA:
        # TensorFlow looks for the CUDA libraries from where it is itself loaded:
        # a link elsewhere would lead astray. One beside it does not.
        link(main.parent / "libtensorflow.so", main)
        return main.parent
    key = hashlib.sha256(str(main).encode()).hexdigest()[:12]
    links = cache_dir() / "tensorflow" / ("lib-" + key)
    links.mkdir(parents=True, exist_ok=True)
    link(links / "libtensorflow.so", main)
    link(links / main.name, main)
    link(links / framework.name, framework)
    return links


def main():
    want, digest = pinned()
    how, root = "TENSORFLOW_ROOT", from_environment(want)
    if not root:
        how, root = "the installed wheel", from_python(want)
    if not root:
        how, root = "the pinned wheel", from_wheel(want, digest)
    root = root.absolute()
    library, framework = libraries(root)
    print("how=%s" % how)
    print("cuda=%d" % CUDA)
    print("version=%s" % version(root))
    print("include=%s" % (root / "include"))
    print("main=%s" % library)
    print("framework=%s" % framework)
    print("links=%s" % side_by_side(library, framework))


if __name__ == "__main__":
    main()
