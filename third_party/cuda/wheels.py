"""Fetches the pinned wheels of a requirements file and unpacks them as real files.

    wheels.py REQUIREMENTS [NAME...]    prints NAME=DIRECTORY of each wheel

Each wheel lies in a directory of its own below ${XDG_CACHE_HOME:-~/.cache}, and is
fetched once. Needs nothing but the standard library and pip.
"""

import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

PIN = re.compile(r"^([\w-]+)==(\S+) --hash=sha256:([0-9a-f]{64})$", re.M)


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "prioritycut"


def pins(requirements):
    """{name: (version, sha256)} of a requirements file."""
    return {name: (version, digest) for name, version, digest in PIN.findall(pathlib.Path(requirements).read_text())}


def download(name, version, digest, directory):
    """The pinned wheel, the same one whatever this python is."""
    pin = pathlib.Path(directory) / "requirements.txt"
    pin.write_text("%s==%s --hash=sha256:%s\n" % (name, version, digest))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311"]
    command += ["--platform=manylinux_2_17_x86_64", "--platform=manylinux2014_x86_64", "--platform=manylinux1_x86_64"]
    command += ["--dest", directory, "--requirement", str(pin)]
    print("fetching %s %s with pip" % (name, version), file=sys.stderr)
    if subprocess.run(command, stdout=sys.stderr).returncode:
        sys.exit("pip could not download %s (its message is above): `%s -m pip --version` must work" % (name, sys.executable))
    (wheel,) = pathlib.Path(directory).glob("*.whl")
    return wheel


def unpack(wheel, directory):
    """All files of a wheel; those that were executable stay so."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            path = archive.extract(entry, directory)
            if entry.external_attr >> 16 & 0o100:
                os.chmod(path, 0o755)


def fetch(name, version, digest):
    """The directory of an unpacked wheel."""
    home = cache_dir() / "wheels"
    root = home / ("%s-%s-%s" % (name, version, digest[:12]))
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "lock", "w") as lock:  # several builds may come at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            with tempfile.TemporaryDirectory(dir=home) as scratch:
                wheel = download(name, version, digest, scratch)
                unpacked = pathlib.Path(scratch) / "unpacked"
                unpack(wheel, unpacked)
                shutil.move(str(unpacked), root)
    return root


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    known = pins(sys.argv[1])
    for name in sys.argv[2:] or sorted(known):
        if name not in known:
            sys.exit("%s pins no %s" % (sys.argv[1], name))
        print("%s=%s" % (name, fetch(name, *known[name])))


if __name__ == "__main__":
    main()
