# SPDX-License-Identifier: Apache-2.0
"""The disk under an HDF5 set fails at every call in turn, is full from one call on, or loses what was
not flushed: the run ends well or with exit 5 and a message that helps, and the same command then
makes the bytes of a run without faults, the list of bad samples included.

HDF5_FAULTS: "all", or about how many faults of each test to try, spread evenly."""
import collections
import concurrent.futures
import os
import pathlib
import random
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import fault_shim
import hdf5_runs as runs
import power_loss

FAULTS = os.environ.get("HDF5_FAULTS", "30")
SEED = int(os.environ.get("PIXLOOM_SEED", 1))
COUNT = 14
WRITES = "open,write,space,fsync,rename,unlink"

# What may fail how. Half of the bytes, or being interrupted, is no fault: the run goes on.
KINDS = {"open": ("EIO", "ENOSPC"), "write": ("ENOSPC", "EIO", "EINTR", "SHORT"),
         "space": ("ENOSPC", "EIO", "EINTR"), "fsync": ("EIO", "ENOSPC", "EINTR"),
         "rename": ("EIO", "ENOSPC"), "unlink": ("EIO",), "read": ("EIO", "EINTR", "SHORT")}
NO_FAULT = {("write", "EINTR"), ("write", "SHORT"), ("read", "EINTR"), ("read", "SHORT"),
            ("space", "EINTR")}
CAUSES = {"ENOSPC": "No space left on device", "EIO": "Input/output error",
          "EINTR": "Interrupted system call"}

ONE_FILE = runs.HEAD + runs.MODES["broken files"][0]
SHARDS = (runs.HEAD +
          runs.SCENES.replace("COUNT", str(COUNT)).replace("MORE", "objects: [0, 4]") + runs.LOOK +
          runs.OUT.replace("train.h5", "train, shards: {rows: 5}, compression: gzip"))


def other(config):
    return config.replace("strength: 0.02", "strength: 0.04")


# Configuration, and that of the set that it replaces.
SETS = {
    "one file, bad samples": (ONE_FILE, None),
    "shards, gzip, objects": (SHARDS, None),
    "one file replaced": (ONE_FILE, other(ONE_FILE)),
    "shards replaced": (SHARDS, other(SHARDS)),
}


def spread(items):
    """About FAULTS of them, from the first to the last."""
    if FAULTS == "all" or len(items) <= int(FAULTS):
        return items
    count = int(FAULTS)
    return [items[i * (len(items) - 1) // (count - 1)] for i in range(count)]


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_hdf5_faults_"))
        runs.make_photos(cls.work / "photos", COUNT, broken=5)
        cls.reference, cls.old, cls.calls, cls.code = {}, {}, {}, {}
        for name, (config, before) in SETS.items():
            cls.old[name] = {}
            if before:
                case = runs.Case(cls.work, f"{name} before", before)
                assert case.run().returncode in (0, 3)
                cls.old[name] = case.files()
            log = cls.work / "log"
            case = cls.case("reference", name)
            done = case.run(env=fault_shim.environment(case.out, log=log, calls=WRITES + ",read"))
            assert done.returncode in (0, 3), done.err
            cls.reference[name], cls.code[name] = case.files(), done.returncode
            cls.calls[name] = fault_shim.calls(log)
            assert len(cls.calls[name]) > 40, "the failing disk does not see what the run does"
            case.remove()
            log.unlink()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    @classmethod
    def case(cls, folder, name):
        """What is there before, and the command."""
        config, before = SETS[name]
        case = runs.Case(cls.work, folder, config, ("--overwrite",) if before else ())
        if before:
            shutil.copytree(cls.work / f"{name} before" / "out", case.out, dirs_exist_ok=True)
        return case

    def check_names(self, case, name):
        return runs.problems_of_final_names(case, self.reference[name], self.old[name])

    def check_all(self, title, trials, check):
        """`check` of every trial gives (row, what happened, problems)."""
        table, problems = collections.defaultdict(collections.Counter), []
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for row, what, found in pool.map(lambda pair: check(*pair), enumerate(trials)):
                table[row]["tried"] += 1
                table[row][what] += 1
                table[row]["wrong"] += bool(found)
                problems += found
        columns = ["tried"] + sorted({what for row in table.values() for what in row} -
                                     {"tried", "wrong"}) + ["wrong"]
        runs.print_table(title, ["fault", *columns],
                         [[row, *(counts[column] for column in columns)]
                          for row, counts in sorted(table.items())])
        runs.none(self, problems, self.work)
        self.assertGreater(len(table), 0)

    def ends_well(self, case, name, after):
        """What is wrong after the same command without a fault."""
        case.args = ()  # what is begun goes on
        done = case.run(threads=2)
        if done.returncode == 6 and SETS[name][1]:  # nothing was
            case.args = ("--overwrite",)
            done = case.run(threads=2)
        if done.returncode != self.code[name]:
            return [f"{after}, then again: exit {done.returncode}: {done.err}"]
        return [f"{after}, then again: {text}"
                for text in runs.differences(case, self.reference[name])]

    def fail_one_call(self, index, trial):
        name, klass, kind, nth, sticky = trial
        case = self.case(f"{self._testMethodName} {index}", name)
        log = case.folder / "log"
        done = case.run(env=fault_shim.environment(case.out, klass, nth, kind, sticky, log))
        made = fault_shim.calls(log)
        row = f"{klass} {kind}" + (" from then on" if sticky else "")
        if len(made) < nth:
            case.remove()
            return row, "not reached", []
        where = f"{name}: {klass} {nth} ({made[nth - 1][1]} {made[nth - 1][2]}) {kind}"
        problems = [f"{where}: {text}" for text in self.check_names(case, name)]
        if done.returncode == self.code[name]:
            what = "went well"
            # What could not be removed is removed by the next run.
            problems += [] if klass == "unlink" else [f"{where}: {text}"
                         for text in runs.differences(case, self.reference[name])]
        elif done.returncode == 5 and (klass, kind) not in NO_FAULT:
            what = "exit 5"
            problems += [f"{where}: the message lacks {text}: {done.err}"
                         for text in self.missing(done.err, kind)]
        else:
            what = f"exit {done.returncode}"
            problems.append(f"{where}: exit {done.returncode}: {done.err}")
        problems += self.ends_well(case, name, where)
        case.remove()
        return row, what, problems

    def missing(self, message, kind):
        return ([] if "'out" in message else ["the path"]) + (
            [] if CAUSES[kind] in message else ["the cause"]) + (
            [] if "same command" in message else ["what to do"])

    def test_every_call_fails(self):
        trials = []
        for name, calls in self.calls.items():
            for klass, kinds in KINDS.items():
                count = sum(made == klass for made, _, _ in calls)
                trials += [(name, klass, kind, nth, False)
                           for nth in range(1, count + 1) for kind in kinds]
        self.check_all("one call fails", spread(trials), self.fail_one_call)

    def test_the_disk_stays_full(self):
        trials = []
        for name, calls in self.calls.items():
            count = sum(made in ("write", "space") for made, _, _ in calls)
            trials += [(name, "write,space", "ENOSPC", nth, True) for nth in range(1, count + 1)]
            count = sum(made == "fsync" for made, _, _ in calls)
            trials += [(name, "fsync", "EIO", nth, True) for nth in range(1, count + 1)]
        self.check_all("all calls fail from one on", spread(trials), self.fail_one_call)

    def lose_power(self, index, trial):
        """Two losses one after the other: the second one meets a run that goes on."""
        name, nth, kind, (names, data) = trial
        case = self.case(f"power {index}", name)
        shadow, log = case.folder / "shadow", case.folder / "log"
        where = f"{name}: {kind} at call {nth}, names {names}, data {data}"
        chance = random.Random(f"{SEED} {index}")
        problems, what = [], "not reached"
        for loss in range(2):
            power_loss.begin(case.out, shadow)
            done = case.run(env=fault_shim.environment(case.out, WRITES, nth, kind, log=log,
                                                       shadow=shadow))
            if done.returncode != -9:
                break
            what = ("lost once", "lost twice")[loss]
            made = fault_shim.calls(log)[-1]
            where += f" ({made[1]} {made[2]})"
            power_loss.restore(case.out, shadow, names, data, seed=index)
            problems += [f"{where}: {text}" for text in self.check_names(case, name)]
            nth, log = chance.randint(1, nth + 10), log.with_name("log2")
            case.args = ()
        problems += self.ends_well(case, name, where)
        case.remove()
        return f"names {names}, data {data}", what, problems

    def test_power_is_lost(self):
        trials = []
        for name, calls in self.calls.items():
            made = [klass for klass, _, _ in calls if klass != "read"]
            for i, klass in enumerate(made):
                kinds = ("KILL_AFTER", "KILL_HALF") if klass == "write" else ("KILL_AFTER",)
                trials += [(name, i + 1, kind, variant) for kind in kinds
                           for variant in power_loss.VARIANTS]
        # Variants take turns, so that an even choice does not always meet the same.
        random.Random(SEED).shuffle(trials)
        self.check_all("power is lost, twice", spread(trials), self.lose_power)


if __name__ == "__main__":
    if not fault_shim.LIBRARY:
        print("[skipped] hdf5_faults_test: no failing disk in this build")
        sys.exit(77)
    unittest.main()
