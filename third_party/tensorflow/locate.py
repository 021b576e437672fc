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

REQUIREMENTS = pathlib.Path(__file__).resolve().parent / "requirements.txt"
MAIN = ("libtensorflow_cc.so.2", "lib/libtensorflow_cc.so.2", "lib/libtensorflow.so.2", "libtensorflow.so.2")
FRAMEWORK = ("libtensorflow_framework.so.2", "lib/libtensorflow_framework.so.2")
VERSION_HEADERS = ("include/tensorflow/core/public/release_version.h", "include/tensorflow/core/public/version.h")
# The test partners' environment bears this file: its TensorFlow is for tests.
PARTNERS_MARK = "prioritycut-test-partners"


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "prioritycut"


def pinned():
    """(version, sha256) of requirements.txt."""
    match = re.search(r"^tensorflow-cpu==(\S+) --hash=sha256:([0-9a-f]{64})$", REQUIREMENTS.read_text(), re.M)
    if not match:
        sys.exit("%s: no line tensorflow-cpu==VERSION --hash=sha256:HASH" % REQUIREMENTS)
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
        if libraries(root) and version(root) == want:
            return root
    return None


def download(directory):
    """The pinned wheel, the same one whatever this python is."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311"]
    command += ["--platform=manylinux_2_17_x86_64", "--platform=manylinux2014_x86_64"]
    command += ["--dest", directory, "--requirement", str(REQUIREMENTS)]
    print("fetching the pinned TensorFlow wheel with pip (230 MB, once)", file=sys.stderr)
    if subprocess.run(command, stdout=sys.stderr).returncode:
        sys.exit(
            "pip could not download TensorFlow (its message is above). `%s -m pip --version` must work "
            "(Debian: apt-get install python3-pip), or set TENSORFLOW_ROOT to a TensorFlow you have" % sys.executable
        )
    (wheel,) = pathlib.Path(directory).glob("*.whl")
    return wheel


def unpack(wheel, directory):
    """What C, C++ and Go need of the wheel."""
    wanted = ("tensorflow/" + MAIN[0], "tensorflow/" + FRAMEWORK[0], "tensorflow/THIRD_PARTY_NOTICES.txt")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name in wanted or name.startswith("tensorflow/include/"):
                archive.extract(name, directory)


def from_wheel(want, digest):
    home = cache_dir() / "tensorflow"
    root = home / ("%s-%s" % (want, digest[:12]))
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as lock:  # Bazel and env.sh may come at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not libraries(root):
            with tempfile.TemporaryDirectory(dir=home) as scratch:
                unpack(download(scratch), scratch)
                shutil.rmtree(root, ignore_errors=True)
                os.rename(os.path.join(scratch, "tensorflow"), root)
    return root


def link(path, target):
    if path.is_symlink() and os.readlink(path) == str(target):
        return
    scratch = path.with_name("%s.%d" % (path.name, os.getpid()))
    os.symlink(target, scratch)
    os.replace(scratch, path)


def side_by_side(main, framework):
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
    print("version=%s" % version(root))
    print("include=%s" % (root / "include"))
    print("main=%s" % library)
    print("framework=%s" % framework)
    print("links=%s" % side_by_side(library, framework))


if __name__ == "__main__":
    main()
