# SPDX-License-Identifier: Apache-2.0
"""Commands on stored sets: parts become what one run writes, damage is found and repaired, and what
is in a file is said."""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import h5py
import numpy as np
from PIL import Image

CLI = os.environ["PIXLOOM_CLI"]

CONFIG = """version: 1
seed: 3
nodes:
  photos: {{shapes: {{count: {count}, size: {size}, encode: jpeg, masks: true}}}}
  look: [hflip: {{p: 0.5}}, gaussian_noise: {{std: 0.02}}]
  out: {{hdf5: {{path: set{options}}}}}
"""
DAMAGED, NO_SET = 4, 2


def command(*arguments, cwd):
    return subprocess.run([CLI, *map(str, arguments)], cwd=cwd, capture_output=True, text=True,
                          timeout=300)


def flip(path, at, bits=8):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ bits]))


def datasets(path):
    """Name -> (offset, bytes) of what lies in one piece."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None and item.size:
            found[name] = (item.id.get_offset(), item.nbytes)
    with h5py.File(path) as file:
        file.visititems(visit)
    return found


class Sets(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_sets_"))

    def tearDown(self):
        shutil.rmtree(self.work)

    def folder(self, name, count=40, size="[64, 80]", options=""):
        folder = self.work / name
        folder.mkdir()
        (folder / "p.yaml").write_text(CONFIG.format(count=count, size=size, options=options))
        return folder

    def run_good(self, *arguments, cwd):
        done = command(*arguments, cwd=cwd)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def made(self, name, **how):
        folder = self.folder(name, **how)
        self.run_good("run", "p.yaml", "-q", cwd=folder)
        return folder

    def report(self, *arguments, cwd, code=0):
        done = command(*arguments, "--json", cwd=cwd)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    # ---- merge ----

    def test_parts_become_what_one_run_writes(self):
        for i, options in enumerate(["", ", compression: gzip", ", layout: encoded, format: jpg"]):
            whole = self.made(f"whole{i}", options=options)
            parts = self.folder(f"parts{i}", options=options)
            for part in (3, 1, 2):
                self.run_good("run", "p.yaml", "-q", "--part", f"{part}/3", cwd=parts)
            names = [f"set.part-{part}-of-3.h5" for part in (2, 3, 1)]
            missing = command("merge", "out.h5", *names[:2], cwd=parts)
            self.assertEqual(missing.returncode, NO_SET)
            self.assertIn("no input has units 0 to 12 of 40", missing.stderr)
            twice = command("merge", "out.h5", *names, names[0], cwd=parts)
            self.assertEqual(twice.returncode, NO_SET)
            self.assertIn("appear twice", twice.stderr)
            report = self.report("merge", "set.h5", *names, cwd=parts)
            self.assertEqual(report["rows"], 40)
            self.assertEqual((parts / "set.h5").read_bytes(), (whole / "set.h5").read_bytes())

    def test_shards_hold_the_same_rows(self):
        whole = self.made("whole")
        self.assertTrue(self.report("status", "set", cwd=whole)["finished"])
        content = self.report("verify", "set", cwd=whole)["set"]["content_hash"]
        for rows in (40, 14, 5):
            cut = self.folder(f"cut{rows}")
            made = self.report("merge", "set", whole / "set.h5", "--shard-rows", rows, cwd=cut)
            self.assertEqual(made["content_hash"], content)
            self.assertEqual(len(made["files"]), -(-40 // rows))
            self.assertTrue(self.report("verify", "set", cwd=cut)["good"])
            self.run_good("merge", "back.h5", "set", "-q", cwd=cut)
            self.assertEqual((cut / "back.h5").read_bytes(), (whole / "set.h5").read_bytes())

    def test_any_sets_are_joined(self):
        a, b = self.made("a", count=10), self.made("b", count=15)
        refused = command("merge", "ab.h5", a / "set.h5", b / "set.h5", cwd=self.work)
        self.assertEqual(refused.returncode, NO_SET)
        self.assertIn("--any", refused.stderr)
        self.run_good("merge", "ab.h5", a / "set.h5", b / "set.h5", "--any", "-q", cwd=self.work)
        with h5py.File(self.work / "ab.h5") as ab, h5py.File(a / "set.h5") as first, \
                h5py.File(b / "set.h5") as second:
            self.assertTrue(np.array_equal(ab["images"][:10], first["images"]))
            self.assertTrue(np.array_equal(ab["labels"][10:], second["labels"]))
            self.assertTrue(np.array_equal(ab["checksum/row"][10:], second["checksum/row"]))
        self.assertTrue(self.report("verify", "ab", cwd=self.work)["good"])

    def test_a_run_goes_on_in_other_files(self):
        layouts = ["", ", shards: {rows: 40}", ", shards: {rows: 33}"]
        damaged = b"\xff\xd8 no picture"

        def files(folder):
            return {path.relative_to(folder): path.read_bytes()
                    for path in folder.rglob("set*") if path.is_file() and path.suffix == ".h5"}

        def folder_of(name, options):
            folder = self.folder(name, options=options)
            (folder / "p.yaml").write_text(
                f"version: 1\nseed: 3\non_error: {{max_bad: 50%}}\nnodes:\n"
                f"  photos: {{image_folder: {{path: {self.work}/photos}}}}\n"
                f"  look: [resize: [120, 160], gaussian_noise: {{std: 0.02}}, denoise]\n"
                f"  out: {{hdf5: {{path: set{options}, commit: 65536}}}}\n")
            return folder

        source = self.folder("photos_config")
        (source / "p.yaml").write_text(
            "version: 1\nseed: 3\nnodes:\n  in: {shapes: {count: 130, size: [120, 160]}}\n"
            f"  out: {{image_folder: {{path: {self.work}/photos, format: jpg}}}}\n")
        self.run_good("run", "p.yaml", "-q", cwd=source)
        for name in ("shape_00000003", "shape_00000090"):
            bad = next((self.work / "photos").glob("*" + name[-2:] + ".jpg"))
            bad.write_bytes(damaged)
        for w, wanted in enumerate(layouts):
            whole = folder_of(f"whole{w}", wanted)
            self.assertEqual(command("run", "p.yaml", "-q", cwd=whole).returncode, 3)
            for b, begun in enumerate(layouts):
                with self.subTest(begun=begun, wanted=wanted):
                    folder = folder_of(f"cut{w}{b}", begun)
                    process = subprocess.Popen([CLI, "run", "p.yaml", "-q", "-j", "1"], cwd=folder,
                                               stderr=subprocess.DEVNULL)
                    partial = folder / ("set.partial" if begun else "set.h5.partial")
                    while process.poll() is None:
                        done = command("status", partial, "--json", cwd=folder)
                        if done.returncode == 0 and \
                                json.loads(done.stdout)["progress"]["rows"] > 41:
                            break
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    self.assertEqual(files(folder).keys() & files(whole).keys(), set())
                    config = (folder / "p.yaml").read_text()
                    (folder / "p.yaml").write_text(config.replace(f"set{begun},", f"set{wanted},"))
                    went_on = command("run", "p.yaml", "-j", "3", cwd=folder)
                    self.assertEqual(went_on.returncode, 3, went_on.stderr)
                    self.assertIn("going on at unit", went_on.stderr)
                    self.assertEqual(files(folder), files(whole))

    # ---- verify, repair ----

    def test_every_flipped_byte_is_found(self):
        path = self.made("set") / "set.h5"
        places = datasets(path)
        draw = random.Random(5)
        names = sorted(places)
        for i in range(40):
            name = names[i % len(names)]
            offset, size = places[name]
            at = offset + draw.randrange(size)
            bits = 1 << draw.randrange(8)
            flip(path, at, bits)
            report = self.report("verify", path, cwd=self.work, code=DAMAGED)
            self.assertFalse(report["good"], (name, at, bits))
            self.assertTrue(report["bad"] or report["faults"], (name, at, bits))
            flip(path, at, bits)
        self.assertTrue(self.report("verify", path, cwd=self.work)["good"])

    def test_missing_cut_and_no_sets(self):
        folder = self.made("set", options=", shards: {rows: 15}")
        self.assertTrue(self.report("verify", "set", cwd=folder)["good"])
        shard = sorted((folder / "set").glob("*.h5"))[1]
        whole = shard.read_bytes()
        shard.write_bytes(whole[:-1])
        report = self.report("verify", "set", cwd=folder, code=DAMAGED)
        self.assertIn(shard.name, report["faults"][0])
        shard.unlink()
        report = self.report("verify", "set", cwd=folder, code=DAMAGED)
        self.assertIn(shard.name, report["faults"][0])
        shard.write_bytes(whole)
        (folder / "set" / "index.json").unlink()
        done = command("verify", "set", cwd=folder)
        self.assertEqual(done.returncode, NO_SET)
        self.assertIn("without index.json", done.stderr)
        self.assertEqual(command("verify", "nothing", cwd=folder).returncode, NO_SET)
        with h5py.File(folder / "foreign.h5", "w") as file:
            file["x"] = np.zeros((3, 4))
        done = command("verify", "foreign.h5", cwd=folder)
        self.assertEqual(done.returncode, NO_SET)
        self.assertIn("no set that Pixloom wrote", done.stderr)

    def test_damaged_rows_are_made_again(self):
        for i, options in enumerate(["", ", compression: gzip", ", layout: encoded, format: jpg"]):
            folder = self.made(f"set{i}", options=options)
            path = folder / "set.h5"
            good = path.read_bytes()
            draw = random.Random(i)
            places = datasets(path)
            for name in ("images", "encoded/bytes", "labels", "instances/box", "masks/classes",
                         "instances/rings/points/xy", "instances/offsets", "checksum/row"):
                if name in places:
                    offset, size = places[name]
                    flip(path, offset + draw.randrange(size))
            self.assertNotEqual(path.read_bytes(), good)
            report = self.report("repair", "set", cwd=folder)
            self.assertTrue(report["good"])
            self.assertGreater(len(report["repaired"]), 2)
            self.assertEqual(path.read_bytes(), good)
            self.assertIn("nothing is damaged", self.run_good("repair", "set", cwd=folder))

    def test_what_cannot_be_made_again_is_named(self):
        folder = self.made("set")
        path = folder / "set.h5"
        flip(path, datasets(path)["images"][0] + 100)
        (folder / "other.yaml").write_text(
            (folder / "p.yaml").read_text().replace("seed: 3", "seed: 4"))
        damaged = path.read_bytes()
        report = self.report("repair", "set", "--config", "other.yaml", cwd=folder, code=DAMAGED)
        self.assertEqual([bad["row"] for bad in report["left"]], [0])
        self.assertIn("--overwrite", report["remedy"])
        self.assertEqual(path.read_bytes(), damaged)
        self.assertTrue(self.report("repair", "set", cwd=folder)["good"])

    # ---- status, inspect ----

    def test_status_of_a_killed_run(self):
        folder = self.folder("set", count=3000, size="[240, 320]", options=", commit: 65536")
        process = subprocess.Popen([CLI, "run", "p.yaml", "-q", "-j", "2"], cwd=folder)
        partial = folder / "set.h5.partial"
        deadline = time.monotonic() + 60
        seen = {}
        while time.monotonic() < deadline and process.poll() is None:
            if partial.exists():
                done = command("status", "set", "--json", cwd=folder)
                if done.returncode == 0:
                    seen = json.loads(done.stdout)["progress"]
                    if seen["rows"] > 0:
                        break
            time.sleep(0.05)
        self.assertTrue(seen and seen["locked"], seen)
        self.assertIn(str(process.pid), seen["holder"])
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name in ("set", "set.h5", partial):
            report = self.report("status", name, cwd=folder)
            self.assertFalse(report["finished"])
            progress = report["progress"]
            self.assertFalse(progress["locked"])
            self.assertEqual(progress["units"], 3000)
            self.assertGreaterEqual(progress["rows"], seen["rows"])
            self.assertLess(progress["units_done"], 3000)
        self.assertIn("goes on", self.run_good("status", "set", cwd=folder))
        self.assertEqual(command("status", "nothing", cwd=folder).returncode, NO_SET)

    def test_inspect_ours(self):
        folder = self.made("set")
        report = self.report("inspect", "set", "--sheet", "sheet.png", "--pictures", 10, cwd=folder)
        self.assertTrue(report["ours"])
        self.assertEqual(report["set"]["rows"], 40)
        self.assertEqual(report["images"], "images")
        with h5py.File(folder / "set.h5") as file:
            names = [name.decode() for name in file.attrs["class_names"]]
            labels = np.bincount(file["labels"][:], minlength=len(names))
            objects = np.bincount(file["instances/class"][:], minlength=len(names))
            per_picture = np.diff(file["instances/offsets"][:])
            listed = {d["path"] for d in report["datasets"]}
            self.assertIn("images", listed)
            file.visititems(lambda name, item: isinstance(item, h5py.Dataset)
                            and self.assertIn(name, listed))
        self.assertEqual([c["name"] for c in report["classes"]], names)
        self.assertEqual([c["rows"] for c in report["classes"]], labels.tolist())
        self.assertEqual([c["objects"] for c in report["classes"]], objects.tolist())
        self.assertEqual(report["objects"]["total"], per_picture.sum())
        self.assertEqual(report["objects"]["most"], per_picture.max())
        self.assertEqual(report["objects"]["without"], (per_picture == 0).sum())
        with Image.open(folder / "sheet.png") as sheet:
            self.assertEqual(sheet.mode, "RGB")
            self.assertGreater(min(sheet.size), 300)
            self.assertGreater(len(set(sheet.resize((64, 64)).getdata())), 200)
        text = self.run_good("inspect", "set", cwd=folder)
        for part in ("40 rows", "instances/box", names[0], "h5py.File('set.h5')"):
            self.assertIn(part, text)

    def test_inspect_encoded_shards(self):
        folder = self.made("set", options=", layout: encoded, shards: {rows: 15}")
        report = self.report("inspect", "set", "--sheet", "sheet.png", cwd=folder)
        self.assertEqual(len(report["files"]), 3)
        self.assertEqual(sum(c["rows"] for c in report["classes"]), 40)
        self.assertTrue((folder / "sheet.png").exists())

    def test_inspect_foreign(self):
        path = self.work / "foreign.h5"
        draw = np.random.default_rng(3)
        pictures = draw.integers(0, 255, (7, 20, 30, 3), dtype=np.uint8)
        with h5py.File(path, "w") as file:
            file.create_dataset("data/train", data=pictures, chunks=(2, 20, 30, 3),
                                compression="gzip")
            file["points"] = np.zeros((7, 5, 2), np.float32)
            file["names"] = np.array([b"a", b"b"])
            file["data/train"].attrs["what"] = "noise"
        report = self.report("inspect", path, "--sheet", self.work / "s.png", cwd=self.work)
        self.assertFalse(report["ours"])
        self.assertEqual(report["images"], "data/train")
        train = next(d for d in report["datasets"] if d["path"] == "data/train")
        self.assertEqual(train["size"], "7 x 20 x 30 x 3")
        self.assertIn("gzip", train["storage"])
        self.assertIn("what=noise", train["attributes"])
        # Enlarged by a whole number, pixel for pixel.
        sheet = np.asarray(Image.open(self.work / "s.png"))
        scale = round(240 / 30)
        shown = np.kron(pictures[0], np.ones((scale, scale, 1), np.uint8))
        height, width = shown.shape[:2]
        self.assertTrue(np.array_equal(sheet[12:12 + height, 12:12 + width], shown))

        with h5py.File(self.work / "table.h5", "w") as file:
            file["x"] = np.zeros((3, 4))
        self.assertEqual(self.report("inspect", "table.h5", cwd=self.work).get("images"), None)
        done = command("inspect", "table.h5", "--sheet", "t.png", cwd=self.work)
        self.assertEqual(done.returncode, NO_SET)
        self.assertFalse((self.work / "t.png").exists())
        (self.work / "text.h5").write_text("no HDF5 at all")
        self.assertEqual(command("inspect", "text.h5", cwd=self.work).returncode, NO_SET)

    def test_every_command_has_help(self):
        for name in ("merge", "verify", "status", "repair", "inspect"):
            self.assertIn("--json", self.run_good(name, "--help", cwd=self.work))


if __name__ == "__main__":
    unittest.main()
