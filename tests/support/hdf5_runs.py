# SPDX-License-Identifier: Apache-2.0
"""Runs that end in HDF5 sets, of every kind, and what must be true of the files they leave.

Every run of a case works in a folder of its own with the same relative paths, so that equal runs
make equal bytes wherever they are."""
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import h5py

CLI = os.environ["PIXLOOM_CLI"]

HEAD = "version: 1\nseed: 5\non_error: {max_bad: 100%}\nnodes:\n"
SCENES = "  scenes: {shapes: {count: COUNT, size: [96, 128], min_object: 24, MORE}}\n"
PLAIN = SCENES.replace("MORE", "masks: false, keypoints: false, objects: [1, 1]")
LOOK = "  look: [random_crop: [72, 88], hflip, {denoise: {strength: 0.02}}]\n"
# Little is made durable at a time, so that there are many places to go on from.
OUT = "  out: {hdf5: {path: out/train.h5, commit: 200000}}\n"

# What kind of set -> (nodes, arguments).
MODES = {
    "dense": (PLAIN + LOOK + OUT, ()),
    "gzip": (PLAIN + LOOK + OUT.replace("commit", "compression: gzip, commit"), ()),
    "encoded": (SCENES.replace("MORE", "encode: jpeg") + "  look: [hflip]\n" +
                OUT.replace("commit", "layout: encoded, format: jpg, commit"), ()),
    "ragged": (SCENES.replace("MORE", "overlap: true, objects: [0, 7]") + LOOK +
               OUT.replace("commit", "recipe: true, commit"), ()),
    "shards": (PLAIN + LOOK + OUT.replace("train.h5", "train, shards: {rows: 30}"), ()),
    "split": (PLAIN + LOOK + "  parts: {split: {train: 0.8, val: 0.2}}\n" +
              "".join(OUT.replace("out:", f"{part}:").replace("train", part)
                      .replace("}}\n", f"}}, from: parts.{part}}}\n") for part in ("train", "val")),
              ()),
    "windows": (SCENES.replace("MORE", "objects: [1, 3]") +
                "  mixed: {mixup: {}, p: 0.5}\n"
                "  mosaic: {mosaic: {size: [80, 80], block: 6}, p: 1}\n" + OUT, ()),
    "part 2 of 3": (PLAIN + LOOK + "  views: {copies: 3}\n" + OUT.replace("train.h5", "train"),
                    ("--part", "2/3")),
    # The same pictures as files, some of them broken.
    "broken files": ("  photos: {image_folder: {path: ../photos}}\n" + LOOK + OUT, ()),
}


def config_of(mode, count):
    return HEAD + MODES[mode][0].replace("COUNT", str(count))


def make_photos(folder, count, broken):
    """`count` JPEG files of which every `broken`-th is damaged."""
    work = folder.with_name("making")
    work.mkdir()
    (work / "make.yaml").write_text(
        HEAD + SCENES.replace("COUNT", str(count)).replace("MORE", "objects: [1, 3]") +
        "  out: {image_folder: {path: out, format: jpg}}\n")
    subprocess.run([CLI, "run", "make.yaml", "-q"], cwd=work, check=True, timeout=120)
    folder.mkdir()
    for i, path in enumerate(sorted((work / "out").glob("*.jpg"))):
        whole = path.read_bytes()
        (folder / path.name).write_bytes(whole[:len(whole) // 2] if i % broken == 2 else whole)
    shutil.rmtree(work)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Case:
    """One folder, one configuration, run as often as it takes."""

    def __init__(self, work, name, config, args=()):
        self.folder = pathlib.Path(work) / name
        self.out = self.folder / "out"
        self.out.mkdir(parents=True)
        (self.folder / "run.yaml").write_text(config)
        self.args = args

    def start(self, threads=1, args=(), env=None):
        return subprocess.Popen(
            [CLI, "run", "run.yaml", "--progress", "none", "-j", str(threads), *self.args, *args],
            cwd=self.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, threads=1, args=(), env=None, timeout=240):
        process = self.start(threads, args, env)
        try:
            process.out, process.err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return process

    def remove(self):
        shutil.rmtree(self.folder)

    def files(self):
        """Relative path -> SHA-256 of everything that was written."""
        return {str(path.relative_to(self.out)): digest(path)
                for path in sorted(self.out.rglob("*")) if path.is_file()}

    def sets(self):
        """Files under their final name: those of sets, not in a folder of unfinished work."""
        return {path: hashed for path, hashed in self.files().items()
                if ".partial" not in path and not is_list(path)}

    def stored(self):
        """Bytes of unfinished work."""
        return sum(path.stat().st_size for path in self.out.rglob("*.partial/**/*")
                   if path.is_file())


def is_list(path):
    """Files of the run itself, and what a finished folder loses right after it got its name."""
    return path.endswith(("quarantine.jsonl", "quarantine.jsonl.tmp", "pipeline.yaml", "/lock",
                          "/set.json"))


def by_target(files):
    """{"train.h5": {...}, "train": {its files}}."""
    targets = {}
    for path, hashed in files.items():
        if not is_list(path):
            targets.setdefault(path.split("/")[0], {})[path] = hashed
    return targets


def problems_of_final_names(case, *references):
    """What is wrong with what has a final name: it must be complete, as one of the references."""
    known = [by_target(files) for files in references]
    found = []
    for target, files in by_target(case.sets()).items():
        if not any(reference.get(target) == files for reference in known):
            found.append(f"{target} has its final name but is not complete: {sorted(files)}")
        for path in files:
            if path.endswith(".h5"):
                try:
                    read_all(case.out / path)
                except (OSError, RuntimeError) as error:
                    found.append(f"{path} cannot be read: {error}")
    return found


def read_all(path):
    def read(_, item):
        if isinstance(item, h5py.Dataset):
            item[()]
    with h5py.File(path, "r") as file:
        file.visititems(read)


def differences(case, reference):
    """What differs from the reference now that the run is complete."""
    found = case.files()
    return ([f"{path} is missing" for path in reference if path not in found] +
            [f"{path} should not be there" for path in found if path not in reference] +
            [f"{path} has other bytes" for path in found
             if path in reference and found[path] != reference[path]])


def kill_after(process, seconds, sent=signal.SIGKILL):
    """True when the process was still running."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(sent)
    process.out, process.err = process.communicate(timeout=120)
    return process.returncode == -sent


def wait_for(condition, process, timeout=60):
    """Until `condition` holds; False when the process or the time was over first."""
    end = time.monotonic() + timeout
    while time.monotonic() < end and process.poll() is None:
        if condition():
            return True
        time.sleep(0.002)
    return condition()


def stop_half_way(case, sent=signal.SIGKILL, threads=2, args=()):
    """Runs until rows are stored and the journal knows of some, then sends a signal."""
    for _ in range(50):
        process = case.start(threads, args)
        known = wait_for(lambda: any(path.stat().st_size > 0
                                     for path in case.out.glob("*.partial/journal")), process)
        time.sleep(0.02)
        if kill_after(process, 0, sent) or (known and process.returncode == 128 + sent):
            if case.stored() > 0 and known:
                return process
        elif process.returncode in (0, 3):  # too fast: once more from the beginning
            shutil.rmtree(case.out)
            case.out.mkdir()
        else:
            raise AssertionError(f"exit {process.returncode}: {process.err}")
    raise AssertionError("every run was over before it could be stopped")


def went_on(text):
    return re.search(r"go(es|ing)? on|went on|continu|resum", text) is not None


def none(test, problems, work):
    """Fails with the first problems, where there are any."""
    if problems:
        told = [text.strip().replace(f"{work}/", "") for text in problems[:40]]
        test.fail(f"{len(problems)} problems:\n" + "\n".join(told))


def print_table(title, columns, rows):
    rows = [columns] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    print(title)
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))).rstrip())
    print(flush=True)
