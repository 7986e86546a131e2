#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HDF5 files as others write them, through the command line into folders of PNG: pixels and labels
are those that h5py reads; what cannot be read is said, with a remedy."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import h5py
import numpy as np
from PIL import Image

CLI = os.environ["PIXLOOM_CLI"]


class Hdf5Source(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pixloom_hdf5_")
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)
        self.random = np.random.default_rng(7)

    def pictures(self, *shape):
        return self.random.integers(0, 256, shape, dtype=np.uint8)

    def write(self, name, **datasets):
        with h5py.File(self.work / name, "w") as file:
            for path, values in datasets.items():
                options = {}
                if isinstance(values, tuple):
                    values, options = values
                file.create_dataset(path.replace("__", "/"), data=values, **options)
        return name

    def run_pipeline(self, source, steps=""):
        config = (f"version: 1\nseed: 1\nnodes:\n  in: {{hdf5: {source}}}\n{steps}"
                  "  out: {image_folder: out}\n")
        (self.work / "p.yaml").write_text(config)
        return subprocess.run([CLI, "run", "p.yaml", "--overwrite", "--progress", "none", "-j", "2"],
                              cwd=self.work, text=True, capture_output=True, timeout=120,
                              check=False)

    def read_all(self, source, steps="", code=0):
        """Pictures and sidecars by key, and what was noticed."""
        done = self.run_pipeline(source, steps)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        out = self.work / "out"
        rows = []
        for path in sorted(out.glob("*.json")):
            facts = json.loads(path.read_text())
            rows.append((facts["key"], np.array(Image.open(out / facts["image"]["file"])), facts))
        return rows, done.stderr

    def check(self, rows, pictures, labels=None):
        self.assertEqual(len(rows), len(pictures))
        for i, (key, pixels, facts) in enumerate(rows):
            self.assertEqual(key, f"{i:07}")
            np.testing.assert_array_equal(pixels, pictures[i])
            if labels is None:
                self.assertNotIn("class", facts)
            else:
                self.assertEqual(facts["class"]["index"], labels[i])

    def quarantined(self, done):
        path = re.search(r"^quarantine: (.+)$", done.stdout, re.M).group(1)
        return [json.loads(line) for line in (self.work / path).read_text().splitlines()]

    def refuse(self, source, *parts):
        done = self.run_pipeline(source)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)

    # ---- Files of others -------------------------------------------------------------------------

    def test_mnist(self):
        pictures, labels = self.pictures(12, 28, 28), np.arange(12, dtype="u1") % 10
        self.write("mnist.h5", images=pictures, labels=labels)
        rows, notices = self.read_all("mnist.h5")
        self.check(rows, pictures, labels)
        self.assertIn("pictures from images u8 [12,28,28] (interleaved), labels from labels u8 [12]",
                      notices)

    def test_pcam_has_two_files(self):
        pictures = self.pictures(9, 96, 96, 3)
        labels = (np.arange(9) % 2).astype("u1")
        packed = {"compression": "gzip", "chunks": (4, 96, 96, 3)}
        self.write("x.h5", x=(pictures, packed))
        self.write("y.h5", y=labels.reshape(9, 1, 1, 1))
        rows, notices = self.read_all("{path: x.h5, labels_path: y.h5}")
        self.check(rows, pictures, labels)
        self.assertIn("labels from y u8 [9,1,1,1] of 'y.h5'", notices)
        rows, notices = self.read_all("x.h5")
        self.check(rows, pictures)
        self.assertIn("no labels", notices)

    def test_keras_one_hot(self):
        pictures = self.pictures(7, 32, 32, 3)
        labels = np.eye(5, dtype="f4")[np.arange(7) % 5]
        self.write("keras.h5", X_train=pictures, y_train=labels, X_test=pictures[:2])
        rows, _ = self.read_all("keras.h5")
        self.check(rows, pictures, np.arange(7) % 5)

    def test_caffe_is_planar_bgr(self):
        pictures = self.pictures(6, 10, 12, 3)
        caffe = pictures[..., ::-1].transpose(0, 3, 1, 2)
        self.write("caffe.h5", data=caffe, label=np.arange(6, dtype="f4").reshape(6, 1))
        rows, notices = self.read_all("{path: caffe.h5, order: bgr}")
        self.check(rows, pictures, range(6))
        self.assertIn("(planes, BGR)", notices)

    def test_floats_are_scaled_by_their_range(self):
        pictures = self.pictures(4, 8, 9, 3)
        steps = "  look: [{cast: {to: uint8}}]\n"
        for dtype, scale, given in (("f4", 255, "[0, 1]"), ("f8", 1, "[0, 255]")):
            self.write("floats.h5", x=(pictures / scale).astype(dtype))
            rows, notices = self.read_all(f"{{path: floats.h5, range: {given}}}", steps)
            self.check(rows, pictures)
            self.assertNotIn("outside of range", notices)
        _, notices = self.read_all("floats.h5", steps)
        self.assertIn("outside of range: [0, 1]", notices)

    def test_sixteen_bits_and_big_endian(self):
        pictures = self.random.integers(0, 65536, (3, 7, 5)).astype(">u2")
        self.write("deep.h5", depth=pictures)
        rows, _ = self.read_all("{path: deep.h5, images: /depth}")
        self.check(rows, pictures)

    def test_masks_follow_their_picture(self):
        pictures, masks = self.pictures(3, 6, 8, 3), self.random.integers(0, 40, (3, 6, 8, 1))
        for dtype in ("u1", "i8", ">u2"):
            self.write("masks.h5", images=pictures, truth=masks.astype(dtype))
            rows, _ = self.read_all("{path: masks.h5, mask: truth}", "  look: [hflip: {p: 1}]\n")
            self.check(rows, pictures[:, :, ::-1])
            for i, (_, _, facts) in enumerate(rows):
                mask = np.array(Image.open(self.work / "out" / facts["masks"]["mask"]["file"]))
                np.testing.assert_array_equal(mask, masks[i, :, ::-1, 0])

    def test_deep_paths_and_class_names(self):
        pictures = self.pictures(4, 5, 5, 3)
        self.write("deep.h5", train__photos__rgb=pictures, train__kind=np.array([1, 0, -1, 1]))
        with h5py.File(self.work / "deep.h5", "a") as file:
            file.attrs["class_names"] = ["cat", "dog"]
        rows, _ = self.read_all("{path: deep.h5, labels: train/kind}")
        self.assertEqual([facts.get("class") for _, _, facts in rows],
                         [{"index": 1, "name": "dog"}, {"index": 0, "name": "cat"}, None,
                          {"index": 1, "name": "dog"}])
        rows, _ = self.read_all("{path: deep.h5, labels: none}")
        self.check(rows, pictures)

    def test_lists_of_labels(self):
        pictures = self.pictures(2, 4, 4)
        shares = np.array([[0.25, 0.75, 0], [0, 0.5, 0.5]])
        self.write("soft.h5", x=pictures, y=shares)
        rows, _ = self.read_all("{path: soft.h5, labels_as: soft}")
        self.assertEqual([facts["soft"] for _, _, facts in rows], shares.tolist())
        done = self.run_pipeline("soft.h5")
        bad = json.dumps(self.quarantined(done))
        self.assertIn("row 0 of 'y' has 2 numbers that are not 0", bad)
        self.assertIn("labels_as: soft", bad)
        self.write("multi.h5", x=pictures, y=np.array([[1, 0, 1], [0, 0, 0]]))
        rows, _ = self.read_all("{path: multi.h5, labels_as: multi}")
        self.assertEqual([facts["multi_hot"] for _, _, facts in rows],
                         [[1, 0, 1], [0, 0, 0]])

    # ---- Our own ---------------------------------------------------------------------------------

    def outputs(self, folder):
        """Bytes of the pictures and what the sidecars say but the identity."""
        files = {}
        for path in sorted((self.work / folder).iterdir()):
            if path.name.endswith(".instances.png"):
                continue  # masks of objects come back as runs, which have no picture
            if path.suffix == ".png":
                files[path.name] = path.read_bytes()
            elif path.suffix == ".json":
                facts = json.loads(path.read_text())
                for name in ("id", "source", "recipe", "branch", "instance_masks"):
                    facts.pop(name, None)
                files[path.name] = facts
        return files

    def run_graph(self, name, nodes):
        (self.work / "g.yaml").write_text(f"version: 1\nseed: 1\nnodes:\n{nodes}")
        done = subprocess.run([CLI, "run", "g.yaml", "--overwrite", "--progress", "none", "-j", "2"],
                              cwd=self.work, text=True, capture_output=True, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, 0, name + done.stdout + done.stderr)

    def test_what_pixloom_wrote_is_what_it_reads(self):
        source = "  in: {shapes: {count: 9, size: 48, min_object: 10}}\n"
        self.run_graph("direct", source + "  out: {image_folder: direct}\n")
        for name, options in {"one": "", "gzip": ", compression: gzip",
                              "encoded": ", layout: encoded",
                              "parts": ", shards: {rows: 4}"}.items():
            self.run_graph(name, f"{source}  out: {{hdf5: {{path: {name}{options}}}}}\n")
            path = name if name == "parts" else f"{name}.h5"
            self.run_graph(name, f"  in: {{hdf5: {path}}}\n  out: {{image_folder: back}}\n")
            direct, back = self.outputs("direct"), self.outputs("back")
            self.assertEqual(list(direct), list(back))
            for file, expected in direct.items():
                if file.endswith(".png"):
                    self.assertEqual(back[file], expected, file)
                else:
                    self.assert_near(back[file], expected, f"{name} {file}")

    def assert_near(self, a, b, where):
        """Coordinates are stored as f32."""
        if isinstance(a, dict):
            self.assertEqual(sorted(a), sorted(b), where)
            for key in a:
                self.assert_near(a[key], b[key], f"{where}.{key}")
        elif isinstance(a, list):
            self.assertEqual(len(a), len(b), where)
            for i, (left, right) in enumerate(zip(a, b)):
                self.assert_near(left, right, f"{where}[{i}]")
        elif isinstance(a, float) or isinstance(b, float):
            self.assertAlmostEqual(a, b, delta=1e-5 * (1 + abs(a)), msg=where)
        else:
            self.assertEqual(a, b, where)

    def test_copies_have_keys_of_their_own(self):
        self.run_graph("copies", "  in: {shapes: {count: 3, size: 48, min_object: 10}}\n"
                                 "  two: {copies: 2}\n  look: [hflip: {p: 0.5}]\n"
                                 "  out: {hdf5: copies}\n")
        self.run_graph("back", "  in: {hdf5: copies.h5}\n  out: {image_folder: back}\n")
        names = [name for name in self.outputs("back") if name.endswith(".png")]
        pictures = [name for name in names if name.count("_") == 1 or "_mask" not in name]
        self.assertGreaterEqual(len(set(pictures)), 6)

    # ---- Refusals --------------------------------------------------------------------------------

    def test_what_cannot_be_read_is_said_with_a_remedy(self):
        pictures = self.pictures(4, 3, 6, 3)
        self.write("a.h5", one=pictures, two=pictures, names=np.array([b"a"] * 4), n=np.arange(3))
        self.refuse("a.h5", "2 datasets that may be pictures; name one with images:",
                    "datasets here: n i64 [3], names string [4], one u8 [4,3,6,3], two u8")
        self.refuse("{path: a.h5, images: three}", "no dataset 'three'", "datasets here:")
        self.refuse("{path: a.h5, images: names}", "holds no plain numbers but string")
        self.refuse("{path: a.h5, images: one}", "set layout: nhwc or layout: nchw")
        self.refuse("{path: a.h5, images: n}", "[N,H,W,C]")
        self.refuse("{path: a.h5, images: one, layout: nhwc, labels: n}", "has other rows than")
        self.refuse("{path: a.h5, images: one, layout: nhwc, labels: two}", "neither one number")
        self.refuse("{path: a.h5, images: one, layout: nhwc, mask: n}", "is no mask of")
        self.refuse("{path: a.h5, images: one, layout: nhwc, labels_path: nowhere.h5}",
                    "labels_path: cannot open 'nowhere.h5'")
        self.refuse("nowhere.h5", "cannot open 'nowhere.h5'", "No such file")
        (self.work / "text.h5").write_text("hello")
        self.refuse("text.h5", "'text.h5' (5 bytes) is no HDF5 file")
        (self.work / "folder").mkdir()
        self.refuse("folder", "index.json")
        self.write("ints.h5", x=pictures.astype("i8"))
        self.refuse("ints.h5", "x i64 [4,3,6,3]", "store them so")
        self.write("lzf.h5", x=(pictures, {"compression": "lzf"}))
        self.refuse("{path: lzf.h5, images: x}", "filter 32000 (lzf)", "write it again with gzip")
        self.write("empty.h5", x=pictures[:0])
        self.refuse("{path: empty.h5, layout: nhwc}", "no rows in 'empty.h5'")

    def test_damaged_rows_are_quarantined(self):
        pictures = self.pictures(20, 16, 16, 3)
        self.write("x.h5", x=(pictures, {"chunks": (1, 16, 16, 3), "fletcher32": True}))
        with h5py.File(self.work / "x.h5") as file:
            at = file["x"].id.get_chunk_info(3).byte_offset
        with open(self.work / "x.h5", "r+b") as file:
            file.seek(at + 5)
            byte = file.read(1)
            file.seek(at + 5)
            file.write(bytes([byte[0] ^ 1]))
        done = self.run_pipeline("x.h5")
        self.assertIn(done.returncode, (3, 4), done.stdout + done.stderr)
        bad = self.quarantined(done)
        self.assertEqual([entry["key"] for entry in bad if "key" in entry], ["0000003"])
        self.assertIn("'x' of 'x.h5': chunk 3", json.dumps(bad))


if __name__ == "__main__":
    unittest.main()
