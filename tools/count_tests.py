"""Counts test cases of a `bazel test`: count_tests.py EVENTS

EVENTS is what --build_event_json_file wrote: it says which tests this very run
has (the test logs may also hold those of targets that are gone). Cases are read
from their test.xml: a Go test is one per Test function and subtest, another
test is one. A target that failed without naming a case, that timed out or was
never run because it did not build is one failure. Prints what failed, then
`N passed, M failed`; fails when something failed or nothing passed.
"""

import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree

PASSED = ("PASSED", "FLAKY")


def path_of(uri):
    return urllib.parse.unquote(urllib.parse.urlparse(uri).path)


def cases(report):
    """[(name, passed)] of a test.xml; skipped cases are left out."""
    found = []
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is None:
            bad = case.find("failure") is not None or case.find("error") is not None
            found.append((case.get("name", "?"), not bad))
    return found


def result_cases(result):
    """[(name, passed)] of one run of a target (one shard of it)."""
    passed = result.get("status") in PASSED
    report = next((path_of(o["uri"]) for o in result.get("testActionOutput", []) if o["name"] == "test.xml"), None)
    try:
        found = cases(report) if report and os.path.exists(report) else []
    except xml.etree.ElementTree.ParseError:
        found = []
    if passed:
        return found
    if all(ok for _, ok in found):
        found.append(("(%s)" % result.get("status", "no status").lower(), False))
    return found


def count(events):
    """(number passed, [what failed]) of the lines of a build event file."""
    results, targets, last = {}, set(), {}
    for line in events:
        event = json.loads(line)
        identity = event["id"]
        if "testResult" in identity and "testResult" in event:
            key = identity["testResult"]
            label, place = key["label"], (key.get("run", 1), key.get("shard", 1))
            if key.get("attempt", 1) >= last.get((label, place), 0):
                last[label, place] = key.get("attempt", 1)
                results[label, place] = result_cases(event["testResult"])
        elif "testSummary" in identity:
            targets.add(identity["testSummary"]["label"])
        elif "targetConfigured" in identity and event.get("configured", {}).get("testSize"):
            targets.add(identity["targetConfigured"]["label"])
    ran = {label for label, _ in results}
    passed, failed = 0, ["%s: did not build or run" % label for label in sorted(targets - ran)]
    for (label, _), found in sorted(results.items()):
        passed += sum(ok for _, ok in found)
        failed += ["%s: %s" % (label, name) for name, ok in found if not ok]
    return passed, failed


def main():
    try:
        with open(sys.argv[1]) as events:
            passed, failed = count(events)
    except OSError as error:
        passed, failed = 0, ["no record of a test run: %s" % error]
    for line in failed:
        print("failed: " + line)
    print("%d passed, %d failed" % (passed, len(failed)))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
