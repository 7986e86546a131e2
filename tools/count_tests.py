#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts test cases in CTest's LastTest.log and prints "N passed, N failed[, N skipped]" last.

A test that runs a test framework counts as many cases as that framework reports (doctest,
unittest, pytest); any other test counts as one. A test case that finds at run time that something
optional is absent prints "[skipped] what: why" and counts as skipped instead of passed.
"""
import argparse
import collections
import pathlib
import re
import sys

BLOCK = re.compile(r"^\d+/\d+ Testing: (?P<name>.+)$", re.M)
RESULT = re.compile(r"^Test (?P<result>Passed|Failed|Skipped|Not Run|Timeout)\b.*$", re.M)
DOCTEST = re.compile(
    r"^\[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\s*\n(OK|FAILED)(?: \((.*)\))?$", re.M)
PYTEST = re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s.*$", re.M)
SKIPPED = re.compile(r"^\[skipped\] (.+)$", re.M)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

Count = collections.namedtuple("Count", "passed failed skipped reasons")


def numbers(text, word):
    """The number before or after `word`: "3 failed", "failures=3"."""
    found = re.search(rf"(?:(\d+) {word}|{word}=(\d+))", text or "")
    return int(found[1] or found[2]) if found else 0


def framework_counts(output):
    """(passed, failed, skipped) as the frameworks in this output say, or None."""
    totals = [tuple(map(int, m.groups())) for m in DOCTEST.finditer(output)]
    for m in UNITTEST.finditer(output):
        failed = numbers(m[3], "failures") + numbers(m[3], "errors")
        skipped = numbers(m[3], "skipped")
        totals.append((int(m[1]) - failed - skipped, failed, skipped))
    for m in PYTEST.finditer(output):
        failed = numbers(m[1], "failed") + numbers(m[1], "errors?")
        totals.append((numbers(m[1], "passed"), failed, numbers(m[1], "skipped")))
    return tuple(map(sum, zip(*totals))) if totals else None


def count_block(name, text):
    """Counts one test of the log."""
    results = RESULT.findall(text)
    result = results[-1] if results else "Failed"  # no result: CTest itself died
    reasons = [f"{name}: {why}" for why in SKIPPED.findall(text)]
    counted = framework_counts(text)
    if result == "Skipped":
        return Count(0, 0, 1, reasons or [name])
    if counted is None:
        if result != "Passed":
            return Count(0, 1, 0, reasons)
        return Count(0, 0, 1, reasons) if reasons else Count(1, 0, 0, [])
    passed, failed, skipped = counted
    absent = min(len(reasons), passed)
    passed, skipped = passed - absent, skipped + absent
    if result != "Passed" and failed == 0:
        failed = 1  # crashed, timed out or leaked after its cases had passed
    if skipped > absent:
        reasons.append(f"{name}: {skipped - absent} skipped by its framework")
    return Count(passed, failed, skipped, reasons)


def count(log):
    """Counts the whole log."""
    log = COLOUR.sub("", log)
    starts = list(BLOCK.finditer(log))
    ends = [m.start() for m in starts[1:]] + [len(log)]
    counts = [count_block(m["name"].strip(), log[m.end():end]) for m, end in zip(starts, ends)]
    if not counts:
        return Count(0, 0, 0, [])
    return Count(*(sum(c[i] for c in counts) for i in range(3)),
                 [reason for c in counts for reason in c.reasons])


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", type=pathlib.Path)
    parser.add_argument("--status", type=int, default=0, help="exit status of ctest")
    options = parser.parse_args(arguments)
    total = Count(0, 0, 0, [])
    if options.log.is_file():
        total = count(options.log.read_text(errors="replace"))
    failed = total.failed
    if total.passed + failed + total.skipped == 0:
        print("no test was run")
        failed = 1
    elif options.status != 0 and failed == 0:
        print(f"ctest ended with status {options.status} although no test reports a failure")
        failed = 1
    for reason in total.reasons:
        print(f"skipped: {reason}")
    print(f"{total.passed} passed, {failed} failed"
          + (f", {total.skipped} skipped" if total.skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
