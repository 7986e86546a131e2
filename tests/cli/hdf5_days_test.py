# SPDX-License-Identifier: Apache-2.0
"""An HDF5 set is the same bytes on every day, for any number of threads and on every processor."""
import os
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import hdf5_runs as runs

COUNT = 24
# Instruction sets that are left out, ours and OpenCV's.
AVX512 = "AVX512F,AVX512-COMMON,AVX512-SKX,AVX512-CNL,AVX512-CLX,AVX512-ICL"
# Name -> threads, environment.
RUNS = {
    "1 thread": (1, {}),
    "2 threads": (2, {}),
    "4 threads": (4, {}),
    "no AVX-512": (2, {"PIXLOOM_CPU_DISABLE": "AVX3", "OPENCV_CPU_DISABLE": AVX512}),
    "no AVX2": (2, {"PIXLOOM_CPU_DISABLE": "AVX3,AVX2",
                    "OPENCV_CPU_DISABLE": AVX512 + ",AVX2,FMA3,AVX"}),
}


class Days(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_hdf5_days_"))
        runs.make_photos(cls.work / "photos", COUNT, broken=9)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def files(self, name, mode, threads, env):
        case = runs.Case(self.work, f"{mode} {name}", runs.config_of(mode, COUNT),
                         runs.MODES[mode][1])
        done = case.run(threads, env=dict(os.environ, **env))
        self.assertIn(done.returncode, (0, 3), done.err)
        found = case.files()
        case.remove()
        return found

    def test_same_bytes(self):
        first, started = {}, {}
        for mode in runs.MODES:
            started[mode] = time.monotonic()
            first[mode] = self.files("first", mode, 1, {})
            self.assertTrue(any(path.endswith(".h5") for path in first[mode]), first[mode])
        rows = []
        for mode in runs.MODES:
            row = [mode, len(first[mode])]
            for name, (threads, env) in RUNS.items():
                # HDF5 counts time in seconds.
                time.sleep(max(0, started[mode] + 1.1 - time.monotonic()))
                same = self.files(name, mode, threads, env) == first[mode]
                row.append("same" if same else "other")
            rows.append(row)
        runs.print_table("bytes compared with those of another second, one thread",
                         ["set", "files", *RUNS], rows)
        self.assertNotIn("other", [cell for row in rows for cell in row])


if __name__ == "__main__":
    unittest.main()
