#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sinks coco, yolo, voc and tar, read back without Pixloom and compared with what image_folder
writes of the same samples."""
import json
import math
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile
import unittest
import xml.etree.ElementTree

import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLI = os.environ.get("PIXLOOM_CLI", str(ROOT / "build/dev/cli/pixloom"))

OK, CONFIG, SOME_BAD, BUSY = 0, 2, 3, 6
CLASSES = ["disc", "square", "rectangle", "triangle", "star", "ring", "cross", "arrow"]
KEYPOINTS = ["centre", "left", "right", "top"]

PIPELINE = """version: 1
seed: 5
nodes:
  scenes:
    shapes: {count: 14, size: [150, 130], overlap: true, oriented: $(ORIENTED:-false),
             objects: [0, 6]}
  views: {copies: 2}
  look:
    - {rotate: [-60, 60], p: 0.8}
    - {hflip: , p: 0.5}
    - random_crop: [110, 100]
  side: {image_folder: side, from: look}
  coco: {coco: {path: coco, format: png}, from: look}
  detect: {yolo: {path: detect, format: png}, from: look}
  segment: {yolo: {path: segment, format: png, task: segment}, from: look}
  pose: {yolo: {path: pose, format: png, task: pose}, from: look}
  obb: {yolo: {path: obb, format: png, task: obb}, from: look}
  voc: {voc: {path: voc, format: png}, from: look}
  tar: {tar: {path: tar/set, format: png, rows: 6}, from: look}
"""

SAMPLES = 28


def run(folder, *arguments, code=OK):
    done = subprocess.run([CLI, *map(str, arguments)], cwd=folder, text=True, capture_output=True,
                          timeout=120, check=False)
    if done.returncode != code:
        raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def every_file(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def pixels(path):
    return numpy.asarray(Image.open(path))


class Side:
    """A sample as image_folder writes it."""

    def __init__(self, folder, name):
        self.name = name
        self.json = json.loads((folder / f"{name}.json").read_text())
        self.picture = pixels(folder / f"{name}.png")
        self.size = self.json["image"]["width"], self.json["image"]["height"]
        self.objects = self.json.get("instances", [])
        masks = folder / f"{name}.instances.png"
        self.instances = pixels(masks) if masks.exists() else None


def filled(rings, size):
    """Even-odd filling of rings at the centres of pixels, by crossings of each row."""
    width, height = size
    inside = numpy.zeros((height, width), bool)
    x = numpy.arange(width) + 0.5
    for row in range(height):
        y = row + 0.5
        for ring in rings:
            for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1]):
                if (ay <= y) != (by <= y):
                    inside[row] ^= x > ax + (y - ay) / (by - ay) * (bx - ax)
    return inside


def overlap(a, b):
    union = (a | b).sum()
    return 1.0 if union == 0 else (a & b).sum() / union


def decode_runs(segmentation):
    """COCO's compressed run lengths, from the description of the format."""
    counts, at, text = [], 0, segmentation["counts"]
    while at < len(text):
        value = shift = 0
        while True:
            group = ord(text[at]) - 48
            at += 1
            value |= (group & 31) << shift
            shift += 5
            if not group & 32:
                if group & 16:
                    value -= 1 << shift
                break
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    height, width = segmentation["size"]
    flat = numpy.repeat(numpy.arange(len(counts)) % 2 == 1, counts)
    assert len(flat) == height * width
    return flat.reshape(width, height).T


def ring_of(numbers):
    return list(zip(numbers[::2], numbers[1::2]))


class ExportTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory(prefix="pixloom_export_")
        cls.addClassCleanup(cls.made.cleanup)
        cls.folder = pathlib.Path(cls.made.name)
        (cls.folder / "all.yaml").write_text(PIPELINE)
        run(cls.folder, "run", "all.yaml", "-q")
        names = sorted(path.stem for path in (cls.folder / "side").glob("*.json"))
        cls.sides = {name: Side(cls.folder / "side", name) for name in names}
        assert len(names) == SAMPLES
        # The pictures must have what is tested: holes, empty pictures, objects cut by the edge.
        objects = [o for side in cls.sides.values() for o in side.objects]
        assert any(len(polygon) > 1 for o in objects for polygon in o["polygons"])
        assert any(not side.objects for side in cls.sides.values())
        assert any(k[2] == 0 for o in objects for k in o["keypoints"])

    def close(self, got, expected, tolerance):
        self.assertEqual(len(got), len(expected))
        for a, b in zip(got, expected):
            self.assertLessEqual(abs(a - b), tolerance, f"{got} {expected}")

    def same_pictures(self, folder):
        self.assertEqual(sorted(path.stem for path in folder.iterdir()), sorted(self.sides))
        for name, side in self.sides.items():
            numpy.testing.assert_array_equal(pixels(folder / f"{name}.png"), side.picture)

    def test_coco(self):
        index = json.loads((self.folder / "coco/annotations.json").read_text())
        self.same_pictures(self.folder / "coco/images")
        self.assertEqual([c["name"] for c in index["categories"]], CLASSES)
        self.assertEqual([c["id"] for c in index["categories"]], list(range(1, 9)))
        self.assertEqual(index["categories"][0]["keypoints"], KEYPOINTS)
        self.assertEqual([i["id"] for i in index["images"]], list(range(1, SAMPLES + 1)))
        self.assertEqual([a["id"] for a in index["annotations"]],
                         list(range(1, len(index["annotations"]) + 1)))
        by_image = {image["id"]: [] for image in index["images"]}
        for annotation in index["annotations"]:
            by_image[annotation["image_id"]].append(annotation)
        runs = outlines = 0
        for image in index["images"]:
            side = self.sides[image["file_name"].removesuffix(".png")]
            self.assertEqual((image["width"], image["height"]), side.size)
            annotations = by_image[image["id"]]
            self.assertEqual(len(annotations), len(side.objects))
            for a, o in zip(annotations, side.objects):
                self.assertEqual(a["category_id"], o["class"]["index"] + 1)
                x, y, w, h = a["bbox"]
                self.close([x, y, x + w, y + h], o["box"], 2e-3)
                rings = [ring for polygon in o["polygons"] for ring in polygon]
                expected = filled(rings, side.size)
                if isinstance(a["segmentation"], dict):
                    runs += 1
                    mask = decode_runs(a["segmentation"])
                    self.assertTrue(any(len(polygon) > 1 for polygon in o["polygons"]))
                    self.assertEqual(a["area"], mask.sum())
                    # The mask went through the same map by nearest pixels.
                    self.assertGreater(overlap(mask, expected), 0.8 if expected.sum() > 50 else 0)
                else:
                    outlines += 1
                    self.assertEqual(len(a["segmentation"]), len(o["polygons"]))
                    for part, polygon in zip(a["segmentation"], o["polygons"]):
                        self.close(part, [v for p in polygon[0] for v in p], 1e-3)
                points = [v for k in o["keypoints"] for v in (k if k[2] else (0, 0, 0))]
                self.close(a["keypoints"], points, 1e-3)
                self.assertEqual(a["num_keypoints"], sum(k[2] > 0 for k in o["keypoints"]))
                self.assertEqual(a["attributes"], o["attributes"])
                self.assertEqual(a["iscrowd"], 0)
        self.assertGreater(runs, 0)
        self.assertGreater(outlines, 0)

    def lines(self, folder, name):
        text = (self.folder / folder / f"labels/{name}.txt").read_text()
        numbers = [[float(word) for word in line.split()] for line in text.splitlines()]
        for line in numbers:
            self.assertTrue(all(0 <= v <= 1 for v in line[1:] if v != 2), line)
        self.assertTrue(all(re.fullmatch(r"\d+( [01]\.\d{6}| [012])+", line)
                            for line in text.splitlines()), text)
        return numbers

    def yolo(self, task):
        """Pairs of a line in pixels and the object it stands for."""
        folder = self.folder / task
        self.same_pictures(folder / "images")
        self.assertEqual(len(list((folder / "labels").iterdir())), SAMPLES)
        for name, side in self.sides.items():
            lines = self.lines(task, name)
            self.assertEqual(len(lines), len(side.objects))
            for line, o in zip(lines, side.objects):
                self.assertEqual(line[0], o["class"]["index"])
                yield line[1:], o, side

    def close_box(self, numbers, o, side):
        (w, h), (cx, cy, bw, bh) = side.size, numbers
        self.close([(cx - bw / 2) * w, (cy - bh / 2) * h, (cx + bw / 2) * w, (cy + bh / 2) * h],
                   o["box"], 2e-4)

    def test_yolo_detect(self):
        for numbers, o, side in self.yolo("detect"):
            self.close_box(numbers, o, side)
        index = (self.folder / "detect/data.yaml").read_text()
        self.assertIn("train: images\nval: images\n", index)
        self.assertEqual(re.findall(r'^  (\d): "(\w+)"$', index, re.M),
                         [(str(i), name) for i, name in enumerate(CLASSES)])
        self.assertNotIn("kpt_shape", index)

    def test_yolo_segment(self):
        for numbers, o, side in self.yolo("segment"):
            w, h = side.size
            ring = [(x * w, y * h) for x, y in ring_of(numbers)]
            rings = [ring for polygon in o["polygons"] for ring in polygon]
            # Bridges have no area: the one ring fills like all of them.
            self.assertEqual(len(ring), sum(map(len, rings)) + 2 * (len(rings) - 1))
            self.assertGreater(overlap(filled([ring], side.size), filled(rings, side.size)), 0.98)

    def test_yolo_pose(self):
        for numbers, o, side in self.yolo("pose"):
            self.close_box(numbers[:4], o, side)
            points = [v for k in o["keypoints"]
                      for v in ((k[0] / side.size[0], k[1] / side.size[1], k[2]) if k[2]
                                else (0, 0, 0))]
            self.close(numbers[4:], points, 1e-6)
        index = (self.folder / "pose/data.yaml").read_text()
        self.assertIn("kpt_shape: [4, 3]\nflip_idx: [0,2,1,3]\n", index)

    def test_yolo_obb(self):
        (self.folder / "turned").mkdir()
        run(self.folder / "turned", "run", "../all.yaml", "-q", "--set", "ORIENTED=true")
        folder = self.folder / "turned"
        turned = inside = 0
        for path in sorted((folder / "obb/labels").iterdir()):
            side = Side(folder / "side", path.stem)
            lines = [list(map(float, line.split())) for line in path.read_text().splitlines()]
            self.assertEqual(len(lines), len(side.objects))
            for line, o in zip(lines, side.objects):
                turned += 1
                w, h = side.size
                corners = [(min(max(x, 0), w), min(max(y, 0), h)) for x, y in o["quad"]]
                inside += corners == [tuple(p) for p in o["quad"]]
                self.close(line[1:], [v for x, y in corners for v in (x / w, y / h)], 1e-6)
        self.assertGreater(inside, 10)
        self.assertGreater(turned, inside)
        # Without oriented boxes: the visible box from its top left.
        for numbers, o, side in self.yolo("obb"):
            x1, y1, x2, y2 = o["box"]
            expected = [x1, y1, x2, y1, x2, y2, x1, y2]
            self.close([v * side.size[i % 2] for i, v in enumerate(numbers)], expected, 2e-4)

    def test_voc(self):
        folder = self.folder / "voc"
        self.same_pictures(folder / "JPEGImages")
        listed = (folder / "ImageSets/Main/all.txt").read_text().splitlines()
        self.assertEqual(listed, list(self.sides))
        segmented = set((folder / "ImageSets/Segmentation/all.txt").read_text().splitlines())
        for name, side in self.sides.items():
            tree = xml.etree.ElementTree.parse(folder / f"Annotations/{name}.xml").getroot()
            self.assertEqual(tree.findtext("filename"), f"{name}.png")
            self.assertEqual([tree.findtext(f"size/{k}") for k in ("width", "height", "depth")],
                             [str(side.size[0]), str(side.size[1]), "3"])
            found = tree.findall("object")
            self.assertEqual(len(found), len(side.objects))
            for element, o in zip(found, side.objects):
                self.assertEqual(element.findtext("name"), o["class"]["name"])
                x1, y1, x2, y2 = [int(element.findtext(f"bndbox/{k}"))
                                  for k in ("xmin", "ymin", "xmax", "ymax")]
                # Pixels that the box touches, counted from 1, both ends inside.
                for got, v in ((x1 - 1, o["box"][0]), (y1 - 1, o["box"][1])):
                    self.assertEqual(got, math.floor(v + 1e-3))
                for got, v in ((x2, o["box"][2]), (y2, o["box"][3])):
                    self.assertEqual(got, math.ceil(v - 1e-3))
                self.assertEqual(element.findtext("attributes/attribute/value"),
                                 o["attributes"]["texture"])
            self.assertEqual(name in segmented, bool(side.objects))
            self.assertEqual(tree.findtext("segmented"), str(int(name in segmented)))
            if not side.objects:
                continue
            objects = Image.open(folder / f"SegmentationObject/{name}.png")
            classes = Image.open(folder / f"SegmentationClass/{name}.png")
            self.assertEqual((objects.mode, classes.mode), ("P", "P"))
            self.assertEqual(classes.getpalette()[:18],
                             [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128, 128, 0, 128])
            self.assertEqual(classes.getpalette()[255 * 3:], [224, 224, 192])
            numpy.testing.assert_array_equal(numpy.asarray(objects), side.instances)
            table = numpy.array([0] + [o["class"]["index"] + 1 for o in side.objects])
            numpy.testing.assert_array_equal(numpy.asarray(classes), table[side.instances])

    def test_tar(self):
        # As webdataset groups: the key is all up to the first dot of the last part of the path.
        rule = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")
        shards = sorted((self.folder / "tar").glob("set-*.tar"))
        self.assertEqual(len(shards), math.ceil(SAMPLES / 6))
        samples = []
        for shard in shards:
            with tarfile.open(shard) as file:
                for member in file:
                    self.assertEqual((member.mtime, member.uid, member.gid, member.mode),
                                     (0, 0, 0, 0o644))
                    key, field = rule.match(member.name).groups()
                    if not samples or samples[-1]["key"] != key:
                        samples.append({"key": key})
                    self.assertNotIn(field, samples[-1])
                    samples[-1][field] = file.extractfile(member).read()
        self.assertEqual([s["key"] for s in samples], list(self.sides))
        for sample, side in zip(samples, self.sides.values()):
            sidecar = json.loads(sample["json"])
            self.assertEqual(sidecar, side.json)
            self.assertEqual(int(sample.get("cls", b"-1")), side.json["class"]["index"]
                             if "class" in side.json else -1)
            files = {sidecar["image"]["file"], sidecar.get("instance_masks")}
            files |= {mask["file"] for mask in sidecar["masks"].values()}
            for name in files - {None}:
                self.assertEqual(sample[rule.match(name)[2]],
                                 (self.folder / "side" / name).read_bytes())
        index = json.loads((self.folder / "tar/set.json").read_text())
        self.assertEqual([s["file"] for s in index["shards"]], [s.name for s in shards])
        self.assertEqual(sum(s["samples"] for s in index["shards"]), SAMPLES)
        self.assertEqual(index["classes"], CLASSES)

    def test_bytes_do_not_depend_on_threads(self):
        made = []
        for threads in 1, 4:
            folder = self.folder / f"threads{threads}"
            folder.mkdir()
            (folder / "all.yaml").write_text(PIPELINE)
            run(folder, "run", "all.yaml", "-q", "-j", threads)
            made.append(every_file(folder))
        self.assertEqual(made[0].keys(), made[1].keys())
        for name in made[0]:
            self.assertEqual(made[0][name], made[1][name], name)
        self.assertFalse([name for name in made[0] if "/." in name])

    def test_odd_names(self):
        folder = self.folder / "odd"
        (folder / "in/kl asse").mkdir(parents=True)
        (folder / "in/b").mkdir()
        names = ["kl asse/\u00e4 \u00f6.x.jpg", "kl asse/&<'\">.jpg", "b/one.two.jpg", "b/one.png"]
        for name in names:
            Image.new("RGB", (20, 10), (200, 10, 10)).save(folder / "in" / name)
        for sink, with_folders in ("coco", True), ("voc", False), ("yolo", False), ("tar", True):
            (folder / f"{sink}.yaml").write_text(
                f"version: 1\nseed: 1\nnodes:\n  in: {{image_folder: in}}\n"
                f"  out: {{{sink}: {sink}/out}}\n")
            run(folder, "run", f"{sink}.yaml", "-q")
        index = json.loads((folder / "coco/out/annotations.json").read_text())
        stems = {"kl asse/\u00e4 \u00f6.x", "kl asse/&<'\">", "b/one.two", "b/one"}
        self.assertEqual({i["file_name"] for i in index["images"]}, {s + ".jpg" for s in stems})
        flat = {s.replace("/", "_") for s in stems}
        listed = (folder / "voc/out/ImageSets/Main/all.txt").read_text("utf-8").splitlines()
        self.assertEqual(set(listed), flat)
        for name in listed:
            tree = xml.etree.ElementTree.parse(folder / f"voc/out/Annotations/{name}.xml").getroot()
            self.assertEqual(tree.findtext("filename"), name + ".jpg")
        self.assertEqual({p.stem for p in (folder / "yolo/out/labels").iterdir()}, flat)
        with tarfile.open(folder / "tar/out-000000.tar") as file:
            stems = {name.rsplit("/", 1)[0] + "/" + name.rsplit("/", 1)[1].replace(".", "_")
                     for name in stems}
            self.assertEqual({name.removesuffix(".jpg") for name in file.getnames()
                              if name.endswith(".jpg")}, stems)
        # The classes of the folder are what .cls counts.
        self.assertEqual(json.loads((folder / "tar/out.json").read_text())["classes"],
                         ["b", "kl asse"])

    def test_outputs_are_not_overwritten_unasked(self):
        before = every_file(self.folder / "voc")
        self.assertIn("not empty", run(self.folder, "run", "all.yaml", "-q", code=BUSY))
        self.assertEqual(before, every_file(self.folder / "voc"))
        folder = self.folder / "twice"
        folder.mkdir()
        (folder / "tar.yaml").write_text("version: 1\nseed: 1\nnodes:\n  in: {shapes: 3}\n"
                                         "  out: {tar: {path: set, rows: $(ROWS:-1)}}\n")
        run(folder, "run", "tar.yaml", "-q")
        self.assertIn("set-000000.tar", run(folder, "run", "tar.yaml", "-q", code=BUSY))
        run(folder, "run", "tar.yaml", "-q", "--overwrite", "--set", "ROWS=2")
        self.assertEqual(sorted(p.name for p in folder.glob("set*")),
                         ["set-000000.tar", "set-000001.tar", "set.json", "set.pipeline.yaml"])

    def test_pictures_that_do_not_fit_are_refused_when_compiled(self):
        folder = self.folder / "refused"
        folder.mkdir()
        for sink, steps, words in (
                ("coco", "cast: {to: float32}", "cannot hold float32"),
                ("voc", "cast: {to: uint16}", "cannot hold uint16"),
                ("tar", "layout: chw", "interleaved")):
            (folder / "x.yaml").write_text(
                "version: 1\nseed: 1\nnodes:\n  in: {shapes: 2}\n"
                f"  look: [{{{steps}}}]\n  out: {{{sink}: out}}\n")
            self.assertIn(words, run(folder, "validate", "x.yaml", code=CONFIG))
            self.assertFalse((folder / "out").exists())

    def test_export_of_a_stored_set_is_what_its_pipeline_writes(self):
        folder = self.folder / "stored"
        folder.mkdir()
        (folder / "all.yaml").write_text(PIPELINE + "  set: {hdf5: {path: set.h5}, from: look}\n")
        run(folder, "run", "all.yaml", "-q", "--set", "ORIENTED=true")
        formats = {"side": ("image_folder",), "coco": ("coco",), "voc": ("voc",),
                   "tar": ("tar", "rows=6")}
        for task in "detect", "segment", "pose", "obb":
            formats[task] = "yolo", f"task={task}"
        for made, (sink, *parameters) in formats.items():
            png = ["--with=format=png"] + [f"--with={p}" for p in parameters]
            out = f"again/{made}" + ("/set" if sink == "tar" else "")
            run(folder, "export", "set.h5", "--to", sink, "--out", out, *png, "-q")
            run(folder, "export", "set.h5", "--to", sink, "--out", out, *png, code=BUSY)
            direct, again = every_file(folder / made), every_file(folder / "again" / made)
            self.assertEqual(direct.keys(), again.keys())
            for name, expected in direct.items():
                got = again[name]
                if name.endswith(".png"):
                    self.assertEqual(got, expected, name)
                elif name.endswith((".txt", ".xml")):
                    self.same_but_for_rounding(got.decode(), expected.decode(), 3e-6)
                elif name == "annotations.json":
                    self.same_but_for_rounding(got.decode(), expected.decode(), 2e-3)

    def same_but_for_rounding(self, got, expected, tolerance):
        """A stored set has its coordinates as 32-bit floats."""
        number = re.compile(r"-?\d+(?:\.\d+)?")
        if got == expected:
            return
        self.assertEqual(number.sub("0", got), number.sub("0", expected))
        for a, b in zip(number.findall(got), number.findall(expected)):
            self.assertLessEqual(abs(float(a) - float(b)), tolerance + 1e-6 * abs(float(b)))

    def test_export_command(self):
        folder = self.folder / "export"
        folder.mkdir()
        (folder / "set.h5").write_bytes(b"no set")
        refused = lambda *words: run(folder, "export", *words, code=CONFIG)
        self.assertIn("there is no set 'missing.h5'",
                      refused("missing.h5", "--to", "coco", "--out", "out"))
        self.assertIn("--to", refused("set.h5", "--to", "csv", "--out", "out"))
        self.assertIn("--out", refused("set.h5", "--to", "coco"))
        self.assertIn("expected NAME=VALUE",
                      refused("set.h5", "--to", "yolo", "--out", "out", "--with", "task"))
        self.assertFalse((folder / "out").exists())
        self.assertIn("task=segment", run(folder, "export", "--help"))


if __name__ == "__main__":
    unittest.main()
