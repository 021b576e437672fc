"""Tests of locate.py with TensorFlows made of empty files; nothing is downloaded."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import venv
from unittest import mock

import locate

WANT, DIGEST = locate.pinned()


def fake_tensorflow(root, version):
    major, minor, patch = version.split(".")
    header = "#define TF_MAJOR_VERSION %s\n#define TF_MINOR_VERSION %s\n#define TF_PATCH_VERSION %s\n" % (major, minor, patch)
    for name, text in {
        "__init__.py": "raise SystemExit('TensorFlow must not be imported')",
        "libtensorflow_cc.so.2": "",
        "libtensorflow_framework.so.2": "",
        "include/tensorflow/c/c_api.h": "",
        "include/tensorflow/core/framework/op_kernel.h": "",
        "include/tensorflow/core/public/release_version.h": header,
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


class LocateTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = pathlib.Path(scratch.name).resolve()
        # The pinned wheel, as if it had been fetched before.
        self.wheel = fake_tensorflow(self.dir / "cache/prioritycut/tensorflow" / ("%s-%s" % (WANT, DIGEST[:12])), WANT)

    def python(self):
        """A fresh Python and the place of its packages."""
        venv.create(self.dir / "venv")
        python = self.dir / "venv/bin/python3"
        (packages,) = (self.dir / "venv/lib").glob("python*/site-packages")
        return python, packages

    def locate(self, python=None, root=None, cuda=False):
        if not python:
            python, _ = self.python()
        env = {"XDG_CACHE_HOME": str(self.dir / "cache"), "PATH": os.environ["PATH"]}
        if root:
            env["TENSORFLOW_ROOT"] = str(root)
        if cuda:
            env["PRIORITYCUT_CUDA"] = "1"
        done = subprocess.run([python, locate.__file__], env=env, capture_output=True, text=True)
        self.said = done.stderr
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def test_root_comes_before_all(self):
        python, packages = self.python()
        fake_tensorflow(packages / "tensorflow", WANT)
        root = fake_tensorflow(self.dir / "mine", WANT)
        self.assertEqual(self.locate(python, root)["main"], str(root / "libtensorflow_cc.so.2"), self.said)

    def test_an_installed_wheel_of_the_pinned_version_comes_next(self):
        python, packages = self.python()
        root = fake_tensorflow(packages / "tensorflow", WANT)
        self.assertEqual(self.locate(python)["main"], str(root / "libtensorflow_cc.so.2"), self.said)

    def test_another_version_is_passed_over(self):
        python, packages = self.python()
        fake_tensorflow(packages / "tensorflow", "2.18.0")
        self.assertEqual(self.locate(python)["main"], str(self.wheel / "libtensorflow_cc.so.2"), self.said)

    def test_what_a_killed_fetch_left_is_removed(self):
        left = self.wheel.parent / "tmpabc"
        (left / "whole").mkdir(parents=True)
        shutil.rmtree(self.wheel)
        with mock.patch.dict(os.environ, XDG_CACHE_HOME=str(self.dir / "cache")), mock.patch.object(locate, "download", side_effect=SystemExit):
            self.assertRaises(SystemExit, locate.from_wheel, WANT, DIGEST)
        self.assertEqual([p.name for p in self.wheel.parent.iterdir()], ["lock"])

    def test_the_test_partners_are_passed_over(self):
        python, packages = self.python()
        fake_tensorflow(packages / "tensorflow", WANT)
        (self.dir / "venv" / locate.PARTNERS_MARK).touch()
        self.assertEqual(self.locate(python)["main"], str(self.wheel / "libtensorflow_cc.so.2"), self.said)

    def test_links_lie_side_by_side(self):
        links = pathlib.Path(self.locate()["links"])
        for name in ["libtensorflow.so", "libtensorflow_cc.so.2", "libtensorflow_framework.so.2"]:
            self.assertTrue((links / name).exists(), name)

    def test_the_gpu_build_is_loaded_from_where_its_libraries_lie_beside_it(self):
        version, digest = locate.pinned(locate.HERE / "requirements_gpu.txt")
        self.assertEqual(version, WANT)
        root = fake_tensorflow(self.dir / "cache/prioritycut/tensorflow" / ("%s-%s" % (version, digest[:12])) / "tensorflow", version)
        (root.parent / "nvidia/cuda_runtime/lib").mkdir(parents=True)
        found = self.locate(cuda=True)
        self.assertEqual(found["main"], str(root / "libtensorflow_cc.so.2"), self.said)
        self.assertEqual(found["links"], str(root))
        self.assertTrue((root / "libtensorflow.so").samefile(root / "libtensorflow_cc.so.2"))

    def test_an_installed_wheel_without_cuda_libraries_is_passed_over_for_gpus(self):
        version, digest = locate.pinned(locate.HERE / "requirements_gpu.txt")
        wheel = fake_tensorflow(self.dir / "cache/prioritycut/tensorflow" / ("%s-%s" % (version, digest[:12])) / "tensorflow", version)
        python, packages = self.python()
        root = fake_tensorflow(packages / "tensorflow", WANT)
        self.assertEqual(self.locate(python, cuda=True)["links"], str(wheel), self.said)
        (packages / "nvidia/cuda_runtime/lib").mkdir(parents=True)
        self.assertEqual(self.locate(python, cuda=True)["links"], str(root), self.said)

    def test_an_incomplete_root_is_refused(self):
        root = fake_tensorflow(self.dir / "mine", WANT)
        (root / "libtensorflow_framework.so.2").unlink()
        self.assertEqual(self.locate(root=root), {})
        self.assertIn("libtensorflow_framework.so.2", self.said)

    def test_a_root_of_another_version_is_refused(self):
        root = fake_tensorflow(self.dir / "mine", "2.19.1")
        self.assertEqual(self.locate(root=root), {})
        self.assertIn("2.19.1", self.said)


if __name__ == "__main__":
    unittest.main()
