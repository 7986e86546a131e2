# SPDX-License-Identifier: Apache-2.0
"""HDF5 sets on a real disk that is too small: a run says so before it works, or stops when somebody
else fills the disk; with more space the same command makes the bytes of an undisturbed run.

Needs a file system of its own in memory, so root."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import hdf5_runs as runs

COUNT = 120
KB = 1024


def mount(*args):
    return subprocess.run(["mount", *map(str, args)], capture_output=True, text=True)


class DiskFull(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_hdf5_full_"))
        runs.make_photos(cls.work / "photos", COUNT, broken=9)
        cls.mounted = []
        cls.rows = []

    @classmethod
    def tearDownClass(cls):
        for folder in cls.mounted:
            subprocess.run(["umount", "-l", folder], check=True)
        shutil.rmtree(cls.work)
        runs.print_table("a disk that is too small, then larger and larger",
                         ["set", "result kB", "refused at once", "stopped while working",
                          "runs until complete", "wrong"], cls.rows)

    def reference(self, mode):
        case = runs.Case(self.work, f"{mode} reference", runs.config_of(mode, COUNT),
                         runs.MODES[mode][1])
        done = case.run(threads=2)
        self.assertIn(done.returncode, (0, 3), done.err)
        found = case.files()
        size = sum(path.stat().st_size for path in case.out.rglob("*") if path.is_file())
        case.remove()
        return found, done.returncode, size

    def case_on_small_disk(self, mode, size):
        case = runs.Case(self.work, mode, runs.config_of(mode, COUNT), runs.MODES[mode][1])
        done = mount("-t", "tmpfs", "-o", f"size={size}", "pixloom_test", case.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.mounted.append(case.out)
        return case

    def check_message(self, mode, text):
        self.assertIn("out", text)
        self.assertRegex(text, r"No space left|free|full", mode)
        self.assertIn("same command", text, mode)

    def grow_until_complete(self, mode):
        expected, code, size = self.reference(mode)
        space = size // 4
        case = self.case_on_small_disk(mode, space)
        refused = stopped = attempts = 0
        wrong = []
        while True:
            attempts += 1
            done = case.run(threads=2)
            wrong += runs.problems_of_final_names(case, expected)
            if done.returncode != 5:
                break
            if "free at" in done.err:
                refused += 1
            else:
                stopped += 1
            self.check_message(mode, done.err)
            self.assertLess(space, 4 * size, f"{mode}: {done.err}")
            space += size // 4
            self.assertEqual(mount("-o", f"remount,size={space}", case.out).returncode, 0)
        self.assertEqual(done.returncode, code, f"{mode}: {done.err}")
        wrong += runs.differences(case, expected)
        self.rows.append([mode, size // KB, refused, stopped, attempts, len(wrong)])
        self.assertEqual(wrong, [], mode)
        self.assertGreater(attempts, 1, f"{mode}: fits into a quarter of its size")

    def test_too_small(self):
        for mode in runs.MODES:
            with self.subTest(mode):
                self.grow_until_complete(mode)

    def test_a_prediction_says_how_much_is_needed(self):
        case = self.case_on_small_disk("dense", 400 * KB)
        case.folder.joinpath("run.yaml").write_text(runs.config_of("dense", COUNT))
        done = case.run()
        self.assertEqual(done.returncode, 5, done.err)
        self.assertRegex(done.err, r"\d[\d.]* ?[kKMG]i?B.*needed|needs? \d[\d.]* ?[kKMG]i?B")
        self.assertRegex(done.err, r"\d[\d.]* ?[kKMG]?i?B (are |is )?free")
        self.assertEqual(runs.problems_of_final_names(case, {}), [])
        subprocess.run(["umount", "-l", case.out], check=True)
        self.mounted.remove(case.out)
        case.remove()

    def test_somebody_else_fills_the_disk(self):
        for mode in ("encoded", "ragged", "broken files", "shards"):
            with self.subTest(mode):
                expected, code, size = self.reference(mode)
                case = self.case_on_small_disk(mode, 6 * size)
                process = case.start(threads=2)
                runs.wait_for(lambda: case.stored() > 0, process)
                filler = case.out / "somebody's"
                with open(filler, "wb", buffering=0) as file:
                    try:
                        while True:
                            file.write(bytes(64 * KB))
                    except OSError:
                        pass
                process.out, process.err = process.communicate(timeout=240)
                filler.unlink()
                if process.returncode == 5:
                    self.check_message(mode, process.err)
                    self.assertEqual(runs.problems_of_final_names(case, expected), [])
                else:  # what was reserved was enough
                    self.assertEqual(process.returncode, code, process.err)
                done = case.run(threads=2)
                self.assertIn(done.returncode, (code, 6), done.err)
                self.assertEqual(runs.differences(case, expected), [])
                subprocess.run(["umount", "-l", case.out], check=True)
                self.mounted.remove(case.out)
                case.remove()


def can_mount():
    with tempfile.TemporaryDirectory() as folder:
        if mount("-t", "tmpfs", "-o", "size=64k", "pixloom_test", folder).returncode != 0:
            return False
        subprocess.run(["umount", folder], check=True)
        return True


if __name__ == "__main__":
    if os.getuid() != 0 or not can_mount():
        print("[skipped] hdf5_disk_full_test: needs root and a mount of its own")
        sys.exit(77)
    unittest.main()
