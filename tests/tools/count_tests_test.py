#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/count_tests.py against made-up logs."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
sys.dont_write_bytecode = True
import count_tests  # noqa: E402


def block(name, output, result):
    return (f'----------\n1/9 Testing: {name}\n1/9 Test: {name}\nCommand: "x"\nOutput:\n-----\n'
            f"{output}\n<end of output>\nTest time =   0.01 sec\n----------\nTest {result}.\n"
            f'"{name}" end time: now\n----------\n\n')


def doctest(passed, failed, skipped):
    return (f"[doctest] test cases: {passed + failed} | {passed} passed | {failed} failed | "
            f"{skipped} skipped\n[doctest] assertions: 40 | 40 passed | 0 failed |\n")


class CountTestsTest(unittest.TestCase):

    def last_lines(self, log, status=0):
        """Exit status and printed lines."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "LastTest.log")
            if log is not None:
                path.write_text("Start testing: now\n" + log + "End testing: now\n")
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                code = count_tests.main([str(path), "--status", str(status)])
        return code, output.getvalue().splitlines()

    def test_sums_frameworks_and_counts_other_tests_as_one(self):
        log = (block("a", doctest(3, 0, 0), "Passed") + block("b", doctest(2, 0, 0), "Passed")
               + block("py", "Ran 4 tests in 0.1s\n\nOK\n", "Passed")
               + block("pytest", "===== 5 passed, 1 warning in 0.12s =====\n", "Passed")
               + block("layers", "check_layers: 0 errors", "Passed"))
        self.assertEqual(self.last_lines(log), (0, ["15 passed, 0 failed"]))

    def test_failures_are_counted_and_fail(self):
        log = (block("a", doctest(3, 2, 0), "Failed")
               + block("py", "Ran 4 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n",
                       "Failed")
               + block("pytest", "== 1 failed, 2 passed, 1 skipped, 1 error in 3.1s ==", "Failed")
               + block("layers", "error", "Failed"))
        code, lines = self.last_lines(log, 8)
        self.assertEqual((code, lines[-1]), (1, "6 passed, 7 failed, 2 skipped"))

    def test_a_crash_is_a_failure(self):
        for output in ["no summary", doctest(3, 0, 0)]:
            code, lines = self.last_lines(block("a", output, "Failed"), 8)
            self.assertEqual(code, 1)
            self.assertIn(" 1 failed", lines[-1])
        self.assertEqual(self.last_lines(block("a", "", "Timeout"), 8)[1], ["0 passed, 1 failed"])
        self.assertEqual(self.last_lines(block("a", "", "Not Run"), 8)[1], ["0 passed, 1 failed"])
        cut = "1/9 Testing: a\n1/9 Test: a\nOutput:\n"
        self.assertEqual(self.last_lines(cut, 1)[1], ["0 passed, 1 failed"])

    def test_skipped_tests_are_named(self):
        log = (block("a", "[skipped] avx512: this CPU has none\n" + doctest(3, 0, 0), "Passed")
               + block("format", "", "Skipped")
               + block("torch", "[skipped] torch: not installed\n", "Passed"))
        self.assertEqual(self.last_lines(log), (0, [
            "skipped: a: avx512: this CPU has none", "skipped: format",
            "skipped: torch: torch: not installed", "2 passed, 0 failed, 3 skipped"]))

    def test_nothing_run_is_a_failure(self):
        for log in [None, ""]:
            self.assertEqual(self.last_lines(log), (1, ["no test was run", "0 passed, 1 failed"]))
        code, lines = self.last_lines(block("a", doctest(1, 0, 0), "Passed"), 8)
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()
