"""Packs programs and what they need into a tar that runs where it is unpacked.

  pack.py --out=FILE.tar --into FOLDER FILE... --licences FILE...

ELF files lose their symbols, which nothing needs at run time (a quarter of
TensorFlow's size). Files of one content always make the same tar. Licences of
other people's software lie in a folder named after its Bazel repository.
Needs binutils' strip and the standard library.
"""

import argparse
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile

TOP = "prioritycut"
# Any fixed time will do; tar warns of 1970.
TIME = 1577836800


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def licence_name(path):
    """external/REPOSITORY/LICENSE becomes REPOSITORY/LICENSE."""
    match = re.search(r"(?:^|/)external/([^/]+)/(.+)$", str(path))
    if not match:
        raise SystemExit("%s is in no external repository" % path)
    return "licences/%s/%s" % match.groups()


def members(arguments):
    """(name in the archive, path), sorted; two files of one name are an error."""
    found = {}
    pairs = [(folder + "/" + os.path.basename(path), path) for folder, *paths in arguments.into for path in paths]
    pairs += [(licence_name(path), path) for path in arguments.licences]
    for name, path in pairs:
        name = os.path.normpath(name)
        if found.setdefault(name, path) != path:
            raise SystemExit("%s and %s are both to be %s" % (path, found[name], name))
    return sorted(found.items())


def pack(out, pairs):
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch, tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, path in pairs:
            program = is_elf(path)
            if program:
                stripped = os.path.join(scratch, "stripped")
                subprocess.run(["strip", "--strip-unneeded", "-o", stripped, os.path.realpath(path)], check=True)
                path = stripped
            member = tarfile.TarInfo("%s/%s" % (TOP, name))
            member.size, member.mtime = os.path.getsize(path), TIME
            member.mode = 0o755 if program else 0o644
            with open(path, "rb") as file:
                tar.addfile(member, file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--into", nargs="+", action="append", default=[], metavar=("FOLDER", "FILE"))
    parser.add_argument("--licences", nargs="+", default=[], metavar="FILE")
    arguments = parser.parse_args()
    pack(arguments.out, members(arguments))


if __name__ == "__main__":
    main()
