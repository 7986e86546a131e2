# SPDX-License-Identifier: Apache-2.0
"""HDF5 sets of every kind, killed (SIGKILL) at any moment and run again with the same command and
another number of threads until they are complete: the bytes are those of a run that nobody killed,
and at no moment is there an incomplete file under a final name.

HDF5_KILLS: how many kills in all; PIXLOOM_SEED: another order of them."""
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import hdf5_runs as runs

KILLS = int(os.environ.get("HDF5_KILLS", 40))
SEED = int(os.environ.get("PIXLOOM_SEED", 1))
COUNT = 160  # pictures
PER_SET = 6  # kills before a run may end in peace


class Kill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_hdf5_kill_"))
        runs.make_photos(cls.work / "photos", COUNT, broken=9)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def delay(self, chance, case, process, whole):
        """Anywhere in the run, or early, or from the moment on that something is stored."""
        how = chance.random()
        if how < 0.2:
            return chance.uniform(0.005, 0.25)
        if how < 0.5:
            return chance.uniform(0, whole)
        before = time.monotonic()
        runs.wait_for(lambda: any(case.out.iterdir()), process)
        return chance.uniform(0, max(0.02, whole - (time.monotonic() - before)))

    def kill_one_mode(self, mode, config, args, kills, chance):
        reference = runs.Case(self.work, f"{mode} reference", config, args)
        started = time.monotonic()
        done = reference.run(threads=2)
        whole = time.monotonic() - started
        self.assertIn(done.returncode, (0, 3), done.err)
        code, expected = done.returncode, reference.files()
        self.assertTrue(any(path.endswith(".h5") for path in expected), expected)

        row = {"kills": 0, "with rows stored": 0, "sets": 0, "went on": 0, "wrong": 0}
        problems = []
        while row["kills"] < kills:
            case = runs.Case(self.work, f"{mode} {row['sets']}", config, args)
            complete = False
            for attempt in range(4 * PER_SET):
                threads = chance.randint(1, 4)
                stored = case.stored()
                process = case.start(threads)
                if attempt >= PER_SET or row["kills"] >= kills:
                    seconds = 240
                else:
                    seconds = self.delay(chance, case, process, whole)
                if runs.kill_after(process, seconds):
                    row["kills"] += 1
                    row["with rows stored"] += case.stored() > 0
                    problems += runs.problems_of_final_names(case, expected)
                    continue
                row["went on"] += stored > 0 and runs.went_on(process.out + process.err)
                if process.returncode != code:
                    problems.append(f"exit {process.returncode}: {process.err}")
                complete = True
                break
            if not complete:
                problems.append("a run that nobody killed did not end")
            problems += runs.differences(case, expected)
            row["sets"] += 1
            case.remove()
        reference.remove()
        row["wrong"] = len(problems)
        return row, [f"{mode}: {problem}" for problem in problems]

    def test_killed_at_any_moment(self):
        modes = {name: (runs.config_of(name, COUNT), args)
                 for name, (_, args) in runs.MODES.items()}
        chance = random.Random(SEED)
        each = -(-KILLS // len(modes))
        rows, problems = [], []
        for name, (config, args) in modes.items():
            row, found = self.kill_one_mode(name, config, args, each, chance)
            rows.append([name, *row.values()])
            problems += found
        rows.append(["all", *(sum(row[i] for row in rows) for i in range(1, len(rows[0])))])
        runs.print_table("killed at any moment (SIGKILL), same command again",
                         ["set", *row.keys()], rows)
        runs.none(self, problems, self.work)
        self.assertGreaterEqual(rows[-1][1], KILLS)
        self.assertGreater(rows[-1][2], 0, "no kill came while rows were stored")


if __name__ == "__main__":
    unittest.main()
