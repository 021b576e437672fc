"""Tests of count_tests.py, on build events and test.xml files as Bazel writes them."""

import json
import os
import tempfile
import unittest

import count_tests


class CountTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = scratch.name
        self.lines = []

    def event(self, identity, **body):
        self.lines.append(json.dumps(dict(body, id=identity)))

    def target(self, label):
        self.event({"targetConfigured": {"label": label}}, configured={"testSize": "MEDIUM", "targetKind": "go_test rule"})

    def result(self, label, status, xml=None, attempt=1, shard=1):
        outputs = [{"name": "test.log", "uri": "file:///nowhere/test.log"}]
        if xml is not None:
            path = os.path.join(self.dir, "a b%d.xml" % len(self.lines))
            with open(path, "w") as f:
                f.write(xml)
            outputs.append({"name": "test.xml", "uri": "file://" + path.replace(" ", "%20")})
        identity = {"testResult": {"label": label, "run": 1, "shard": shard, "attempt": attempt}}
        self.event(identity, testResult={"status": status, "testActionOutput": outputs})

    def count(self):
        return count_tests.count(self.lines)

    GOOD = '<testsuites><testsuite name="a"><testcase name="TestA"/><testcase name="TestA/x"/></testsuite></testsuites>'
    BAD = '<testsuites><testsuite><testcase name="TestB"/><testcase name="TestC"><failure>no</failure></testcase></testsuite></testsuites>'

    def test_cases_of_all_targets_and_shards_are_added(self):
        self.target("//a:t")
        self.result("//a:t", "PASSED", self.GOOD, shard=1)
        self.result("//a:t", "PASSED", self.GOOD, shard=2)
        self.assertEqual(self.count(), (4, []))

    def test_failed_cases_are_named(self):
        self.result("//a:t", "PASSED", self.GOOD)
        self.result("//b:t", "FAILED", self.BAD)
        self.assertEqual(self.count(), (3, ["//b:t: TestC"]))

    def test_a_target_that_dies_is_a_failure_whatever_its_cases_say(self):
        self.result("//a:t", "FAILED", self.GOOD)
        self.result("//b:t", "TIMEOUT")
        self.result("//c:t", "FAILED", "<testsuites><tes")
        self.assertEqual(self.count(), (2, ["//a:t: (failed)", "//b:t: (timeout)", "//c:t: (failed)"]))

    def test_a_target_that_did_not_build_is_a_failure(self):
        self.target("//a:t")
        self.result("//a:t", "PASSED", self.GOOD)
        self.target("//b:t")
        self.assertEqual(self.count(), (2, ["//b:t: did not build or run"]))

    def test_the_last_attempt_counts(self):
        self.result("//a:t", "FAILED", self.BAD, attempt=1)
        self.result("//a:t", "PASSED", self.GOOD, attempt=2)
        self.assertEqual(self.count(), (2, []))

    def test_skipped_cases_do_not_count(self):
        self.result("//a:t", "PASSED", '<testsuites><testsuite><testcase name="T"><skipped/></testcase></testsuite></testsuites>')
        self.assertEqual(self.count(), (0, []))

    def test_binaries_and_libraries_are_no_tests(self):
        self.event({"targetConfigured": {"label": "//a:lib"}}, configured={"targetKind": "go_library rule"})
        self.assertEqual(self.count(), (0, []))


if __name__ == "__main__":
    unittest.main()
