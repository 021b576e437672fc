"""Tests of bazelw and setup.sh on machines made of fake programs."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent
NEEDED = {
    "bash": None,
    "cat": None,
    "cmp": None,
    "dirname": None,
    "mv": None,
    "rm": None,
    "sed": None,
    "sh": None,
    "chromedriver": "exit 0",
    "ffmpeg": "exit 0",
    "g++": "exit 0",
    "go": 'echo "go version go1.19.8 linux/amd64"',
    "python3": "exit 0",
    "apt-get": 'echo "apt-get $*" >>"$LOG"',
    "id": "echo 0",
    "dpkg-query": "echo 4.2.3+ds-9",
}
DEBIAN_BAZEL = '[ "$*" = --version ] && echo "bazel no_version" || echo "bazel $*" >>"$LOG"'


def bazel(version):
    return '[ "$*" = --version ] && echo "bazel %s" || echo "$0 $USE_BAZEL_VERSION $*" >>"$LOG"' % version


class Machine(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.top = pathlib.Path(scratch.name) / "tree"
        (self.top / "tools").mkdir(parents=True)
        shutil.copy(TOP / "bazelw", self.top)
        shutil.copy(TOP / "tools/setup.sh", self.top / "tools")
        self.bin = pathlib.Path(scratch.name) / "bin"
        self.bin.mkdir()
        self.log = pathlib.Path(scratch.name) / "log"
        for name, script in NEEDED.items():
            self.program(name, script)

    def program(self, name, script):
        path = self.bin / name
        if script is None:
            path.symlink_to(shutil.which(name))
        else:
            path.write_text("#!/bin/sh\n%s\n" % script)
            path.chmod(0o755)

    def bazelw(self, *args):
        env = {"PATH": str(self.bin), "LOG": str(self.log), "PRIORITYCUT_BAZEL_SKYLIB": "/skylib"}
        done = subprocess.run([str(self.top / "bazelw"), *args], env=env, cwd=self.top, capture_output=True, text=True)
        self.said = done.stderr
        return done.returncode

    def logged(self):
        return self.log.read_text() if self.log.exists() else ""

    def rc(self):
        return (self.top / "user.bazelrc").read_text()

    def test_debians_bazel_needs_no_flags(self):
        self.program("bazel", DEBIAN_BAZEL)
        self.assertEqual(self.bazelw("test", "//..."), 0, self.said)
        self.assertEqual(self.logged(), "bazel test //...\n")
        self.assertNotIn("bzlmod", self.rc())

    def test_bazel_7_gets_its_flags_and_only_once(self):
        self.program("bazel", bazel("7.4.1"))
        (self.top / "user.bazelrc").write_text("build --jobs=1\n")
        for _ in range(2):
            self.assertEqual(self.bazelw("test"), 0, self.said)
        self.assertEqual(self.rc().count("common --noenable_bzlmod --enable_workspace\n"), 1)
        self.assertEqual(self.rc().count("build --jobs=1\n"), 1)
        self.program("bazel", DEBIAN_BAZEL)
        self.assertEqual(self.bazelw("test"), 0, self.said)
        self.assertNotIn("bzlmod", self.rc())
        self.assertIn("build --jobs=1\n", self.rc())

    def test_bazelisk_is_preferred_and_told_a_version(self):
        self.program("bazel", DEBIAN_BAZEL)
        self.program("bazelisk", bazel("7.7.1"))
        self.assertEqual(self.bazelw("run", "//cmd:train"), 0, self.said)
        self.assertRegex(self.logged(), r"bazelisk 7\.7\.1 run //cmd:train\n$")

    def test_other_versions_are_refused_with_what_to_do(self):
        for version in ["3.5.1", "4.20.0", "5.4.0", "8.0.0", "9.0.0-pre.1", "17.0.0"]:
            self.program("bazel", bazel(version))
            self.assertNotEqual(self.bazelw("test"), 0, version)
            self.assertIn(version, self.said)
            self.assertIn("bazel-bootstrap", self.said)
            self.assertEqual(self.logged(), "")

    def test_root_on_debian_installs_what_is_missing(self):
        (self.bin / "g++").unlink()
        (self.bin / "ffmpeg").unlink()
        self.program("apt-get", 'echo "apt-get $*" >>"$LOG"; [ "$1" = update ] || printf "#!/bin/sh\\necho bazel no_version\\n" >"%s/bazel"; /bin/chmod +x "%s/bazel"' % (self.bin, self.bin))
        (self.bin / "bazel").write_text("")  # not a program yet
        self.assertEqual(self.bazelw("test"), 0, self.said)
        line = self.logged().splitlines()[1]
        for package in ["g++", "ffmpeg", "bazel-bootstrap"]:
            self.assertIn(package, line.split())
        self.assertNotIn("golang-go", line)

    def test_only_tests_need_a_browser(self):
        self.program("bazel", DEBIAN_BAZEL)
        (self.bin / "chromedriver").unlink()
        self.assertEqual(self.bazelw("run", "//cmd:train", "--", "test"), 0, self.said)
        self.assertNotIn("chromium", self.logged())
        self.assertEqual(self.bazelw("test", "//..."), 0, self.said)
        self.assertIn("chromium-driver", self.logged())

    def test_others_are_told_the_line_to_type(self):
        self.program("go", 'echo "go version go1.18.1 linux/amd64"')
        self.program("bazel", DEBIAN_BAZEL)
        self.program("id", "echo 1000")
        self.assertNotEqual(self.bazelw("test"), 0)
        self.assertIn("sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends golang-go'", self.said)
        self.assertEqual(self.logged(), "")

    def test_other_distributions_are_told_the_packages(self):
        self.program("bazel", DEBIAN_BAZEL)
        self.program("python3", '[ "$2" != pip ]')
        (self.bin / "apt-get").unlink()
        self.assertNotEqual(self.bazelw("test"), 0)
        self.assertIn("python3-pip", self.said)
        self.assertNotIn("python3-venv", self.said)


if __name__ == "__main__":
    unittest.main()
