# SPDX-License-Identifier: Apache-2.0
"""When a stopped run goes on and when it must not: other configuration, other inputs, two runs at
once, signals, and replacing a set that somebody reads."""
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import hdf5_runs as runs

COUNT = 120
SEED = int(os.environ.get("PIXLOOM_SEED", 1))
STOPS = int(os.environ.get("HDF5_STOPS", 8))
EXIT_BUSY, EXIT_REFUSED = 6, 7


class Resume(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_hdf5_resume_"))
        runs.make_photos(cls.work / "photos", COUNT, broken=9)
        case = runs.Case(cls.work, "reference", runs.config_of("broken files", 0))
        process = case.start(threads=2)
        runs.wait_for(lambda: any(case.out.glob("*.partial/lock")), process)
        started = time.monotonic()
        _, said = process.communicate(timeout=240)
        cls.working = time.monotonic() - started  # on the set
        assert process.returncode == 3, said
        cls.expected = case.files()
        case.remove()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def setUp(self):
        """Inputs and outputs of this test alone."""
        self.own = self.work / self._testMethodName
        shutil.copytree(self.work / "photos", self.own / "photos")  # with their times
        self.case = runs.Case(self.own, "case", runs.config_of("broken files", 0))
        self.photos = sorted((self.own / "photos").iterdir())

    def tearDown(self):
        shutil.rmtree(self.own)

    def refuses(self, *said, args=()):
        before = self.stored()
        done = self.case.run(args=args)
        self.assertEqual(done.returncode, EXIT_REFUSED, done.err)
        for text in said:
            self.assertIn(text, done.err)
        self.assertEqual(self.stored(), before)
        return done.err

    def stored(self):
        """Everything but who holds it."""
        return {path: hashed for path, hashed in self.case.files().items()
                if not path.endswith("/lock")}

    def completes(self, args=()):
        done = self.case.run(threads=3, args=args)
        self.assertEqual(done.returncode, 3, done.err)
        self.assertEqual(runs.differences(self.case, self.expected), [])
        return done.out + done.err

    # ---- Another configuration ------------------------------------------------------------------

    def test_another_configuration_is_refused_and_shown(self):
        runs.stop_half_way(self.case)
        config = self.case.folder / "run.yaml"
        text = config.read_text()
        config.write_text(text.replace("strength: 0.02", "strength: 0.03"))
        self.refuses("0.02", "0.03")
        config.write_text(text.replace("seed: 5", "seed: 6"))
        self.refuses("seed", "5", "6")
        config.write_text(text)
        self.refuses("seed", args=("--seed", "7"))
        config.write_text("# a remark changes nothing\n" + text)
        self.assertTrue(runs.went_on(self.completes()))

    def test_another_configuration_may_start_over(self):
        runs.stop_half_way(self.case)
        config = self.case.folder / "run.yaml"
        text = config.read_text()
        config.write_text(text.replace("strength: 0.02", "strength: 0.03"))
        done = self.case.run(args=("--overwrite",))
        self.assertEqual(done.returncode, 3, done.err)
        self.assertEqual(self.case.files().keys(), self.expected.keys())
        self.assertNotEqual(self.case.files(), self.expected)

    # ---- Other inputs -----------------------------------------------------------------------------

    def test_an_input_that_is_gone_or_new_or_of_another_size_is_named(self):
        runs.stop_half_way(self.case)
        one = self.photos[7]
        whole, times = one.read_bytes(), (one.stat().st_atime_ns, one.stat().st_mtime_ns)
        one.unlink()
        self.refuses(one.name)
        one.write_bytes(whole + b"x")
        self.refuses(one.name)
        one.write_bytes(whole)
        os.utime(one, ns=times)
        new = one.with_name("new.jpg")
        new.write_bytes(whole)
        self.refuses("new.jpg")
        new.unlink()
        self.assertTrue(runs.went_on(self.completes()))

    def test_another_time_is_only_a_warning(self):
        runs.stop_half_way(self.case)
        os.utime(self.photos[7], ns=(1, 1))
        said = self.completes()
        self.assertIn(self.photos[7].name, said)
        self.assertTrue(runs.went_on(said))

    def test_other_bytes_of_the_same_size_are_found_when_asked(self):
        runs.stop_half_way(self.case, args=("--verify-inputs",))
        one = self.photos[7]
        whole, times = one.read_bytes(), (one.stat().st_atime_ns, one.stat().st_mtime_ns)
        one.write_bytes(whole[:-100] + bytes(98) + whole[-2:])
        os.utime(one, ns=times)
        self.refuses(one.name, args=("--verify-inputs",))
        one.write_bytes(whole)
        os.utime(one, ns=times)
        self.completes(args=("--verify-inputs",))

    # ---- Who holds it ------------------------------------------------------------------------------

    def test_two_runs_at_once(self):
        first = self.case.start(threads=1)
        runs.wait_for(lambda: self.case.stored() > 0, first)
        first.send_signal(signal.SIGSTOP)
        try:
            before = self.case.files()
            second = self.case.run()
            self.assertEqual(second.returncode, EXIT_BUSY, second.err)
            self.assertIn(str(first.pid), second.err)
            self.assertEqual(self.case.files(), before)
            third = self.case.run(args=("--overwrite",))
            self.assertEqual(third.returncode, EXIT_BUSY, third.err)
            self.assertEqual(self.case.files(), before)
        finally:
            first.send_signal(signal.SIGCONT)
        out, err = first.communicate(timeout=240)
        self.assertEqual(first.returncode, 3, out + err)
        self.assertEqual(runs.differences(self.case, self.expected), [])

    def test_a_complete_set_is_not_made_again(self):
        self.completes()
        before = {path: path.stat().st_mtime_ns for path in self.case.out.rglob("*")}
        done = self.case.run()
        self.assertIn(done.returncode, (0, 3, EXIT_BUSY), done.err)
        for path, when in before.items():
            if not runs.is_list(path.name):
                self.assertEqual(path.stat().st_mtime_ns, when, path)
        self.assertEqual(runs.differences(self.case, self.expected), [])
        config = self.case.folder / "run.yaml"
        config.write_text(config.read_text().replace("0.02", "0.03"))
        done = self.case.run()
        self.assertEqual(done.returncode, EXIT_BUSY, done.err)
        self.assertIn("--overwrite", done.err)
        self.assertEqual(runs.differences(self.case, self.expected), [])

    # ---- Signals -----------------------------------------------------------------------------------

    def test_stopped_on_request(self):
        chance = random.Random(SEED)
        counts = {"SIGTERM": [0, 0, 0], "SIGINT": [0, 0, 0]}
        for i in range(STOPS):
            sent = (signal.SIGTERM, signal.SIGINT)[i % 2]
            row = counts[sent.name]
            stopped = False
            for _ in range(12):
                process = self.case.start(threads=chance.randint(1, 4))
                runs.wait_for(lambda: any(self.case.out.glob("*.partial/lock")), process)
                runs.kill_after(process, chance.uniform(0, self.working), sent)
                if process.returncode == 3:
                    break
                self.assertEqual(process.returncode, 128 + sent, process.err)
                self.assertIn("same command", process.err)
                self.assertEqual(runs.problems_of_final_names(self.case, self.expected), [])
                stopped = True
                row[0] += 1
            said = self.completes() if process.returncode != 3 else process.out + process.err
            row[1] += 1
            row[2] += stopped and runs.went_on(said)
            self.assertEqual(runs.differences(self.case, self.expected), [])
            shutil.rmtree(self.case.out)
            self.case.out.mkdir()
        runs.print_table("stopped on request",
                         ["signal", "clean stops", "sets complete", "said where it went on"],
                         [[name, *row] for name, row in counts.items()])
        self.assertGreater(counts["SIGTERM"][0], 0)
        self.assertGreater(counts["SIGINT"][0], 0)

    def test_it_goes_on_after_the_last_row_that_is_stored(self):
        process = runs.stop_half_way(self.case, signal.SIGTERM)
        said = self.completes()
        found = re.search(r"going on at unit (\d+) of (\d+)", said)
        self.assertIsNotNone(found, (process.err, said))
        self.assertGreater(int(found[1]), 0)
        self.assertEqual(int(found[2]), COUNT)

    # ---- Replacing ----------------------------------------------------------------------------------

    def test_the_old_set_is_read_until_the_new_one_is_complete(self):
        config = self.case.folder / "run.yaml"
        text = config.read_text()
        config.write_text(text.replace("0.02", "0.05"))
        self.assertEqual(self.case.run(threads=2).returncode, 3)
        path = self.case.out / "train.h5"
        old = self.case.files()["train.h5"]
        config.write_text(text)
        seen, problems, over = [], [], threading.Event()

        def read():
            while not over.is_set():
                try:
                    digest = runs.digest(path)
                    with h5py.File(path, "r") as file:
                        file["images"][0]
                    seen.append(digest)
                    if digest not in (old, self.expected["train.h5"]):
                        problems.append("other bytes under the name")
                except OSError as error:
                    problems.append(f"cannot be read: {error}")

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for _ in range(3):
                process = self.case.start(threads=2, args=("--overwrite",))
                runs.wait_for(lambda: any(self.case.out.glob("*.partial/journal")), process)
                if not runs.kill_after(process, self.working * 0.3):
                    break
                self.assertEqual(runs.digest(path), old)
            self.completes(args=("--overwrite",))
            time.sleep(0.1)
        finally:
            over.set()
            reader.join()
        self.assertEqual(problems, [])
        self.assertEqual(seen[0], old)
        self.assertEqual(seen[-1], self.expected["train.h5"])


if __name__ == "__main__":
    unittest.main()
