#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the sink `hdf5` writes, read by h5py as its users do, and held against what the sink
`image_folder` writes of the same samples."""
import hashlib
import importlib.util
import io
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import h5py
import numpy as np
import PIL
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLI = os.environ.get("PIXLOOM_CLI", str(ROOT / "build/dev/cli/pixloom"))

OK, CONFIG, SOME_BAD, BUSY = 0, 2, 3, 6

SCENES = """version: 1
seed: 7
nodes:
  photos: {{shapes: {{count: {count}, size: 80, min_object: 20, overlap: true, {shapes}}}}}
  views: {{copies: 2}}
  look: [{look}]
  out: {{hdf5: {{path: {path}, {out}}}}}
"""
FOLDER = "  folder: {image_folder: folder, from: look}\n"
MOVES = "{rotate: [-60, 60], p: 0.7}, {random_crop: [48, 56]}"


def scenes_yaml(out="", look=MOVES, shapes="", count=6, path="set", folder=True):
    yaml = SCENES.format(out=out, look=look, shapes=shapes, count=count, path=path)
    return yaml + FOLDER if folder else yaml


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def slices(file, group):
    """Where the entries of each parent begin and end."""
    offsets = file[group + "/offsets"][:]
    return list(zip(offsets[:-1], offsets[1:]))


def texts(file, group):
    data = file[group + "/bytes"][:].tobytes()
    return [data[a:b].decode() for a, b in slices(file, group)]


def bits(counts, size):
    """A mask of COCO's run lengths: down the columns, beginning with 0."""
    flat = np.repeat(np.arange(len(counts)) % 2, counts)
    return flat.reshape(size[1], size[0]).T.astype(bool)


class SinkCase(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pixloom_hdf5_")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_yaml(self, yaml, code=OK, *arguments):
        (self.folder / "p.yaml").write_text(yaml)
        done = subprocess.run([CLI, "run", "p.yaml", *arguments], cwd=self.folder, text=True,
                              capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def scenes(self, path="set", **arguments):
        self.run_yaml(scenes_yaml(path=path, **arguments))
        return self.open(path + ".h5")

    def open(self, name):
        file = h5py.File(self.folder / name, "r")
        self.addCleanup(file.close)
        return file

    def sidecars(self, file):
        """What image_folder says about each row: (JSON, pixels, path without suffix)."""
        for key, branch in zip(texts(file, "meta/key"), texts(file, "meta/branch")):
            base = self.folder / "folder" / f"{key}_{branch}"
            yield json.loads(base.with_suffix(".json").read_text()), self.png(base, ".png"), base

    def png(self, base, suffix):
        return np.asarray(Image.open(f"{base}{suffix}"))

    def close(self, actual, expected):
        np.testing.assert_allclose(np.asarray(actual, float), np.asarray(expected, float),
                                   rtol=1e-6, atol=1e-5)

    def refuse(self, out, *messages, look=MOVES):
        said = self.run_yaml(scenes_yaml(out, look, folder=False), CONFIG)
        for message in messages:
            self.assertIn(message, said)
        self.assertFalse(list(self.folder.glob("set*")))


class Columns(SinkCase):

    def check_objects(self, file, row, sidecar, base):
        first, last = slices(file, "instances")[row]
        objects = sidecar.get("instances", [])
        self.assertEqual(last - first, len(objects))
        rings, points = slices(file, "instances/rings"), slices(file, "instances/rings/points")
        runs, notes = slices(file, "instances/runs"), texts(file, "instances/attributes")
        shown = np.zeros(file["images"].shape[1:3], np.uint16)
        for number, (i, expected) in enumerate(zip(range(first, last), objects)):
            column = lambda name: file["instances/" + name][i]
            self.assertEqual(column("id"), expected["id"])
            self.assertEqual(column("class"), expected["class"]["index"])
            name = text(file.attrs["class_names"][column("class")])
            self.assertEqual(name, expected["class"]["name"])
            self.assertEqual(column("area"), expected["original_area"])
            self.assertEqual(json.loads(notes[i]), expected["attributes"])
            if "box" in expected:
                self.close(column("box"), expected["box"])
            else:
                self.assertTrue(np.isnan(column("box")).all())
            if "quad" in expected:
                self.close(column("quad"), np.ravel(expected["quad"]))
            else:
                self.assertNotIn("instances/quad", file)
            self.close(column("keypoints"), expected["keypoints"])
            polygons = []
            for ring in range(*rings[i]):
                if file["instances/rings/part"][ring] == len(polygons):
                    polygons.append([])
                polygons[-1].append(file["instances/rings/points/xy"][slice(*points[ring])])
            self.assertEqual([len(p) for p in polygons],
                             [len(p) for p in expected.get("polygons", [])])
            for polygon, reference in zip(polygons, expected.get("polygons", [])):
                for ring, points_of_it in zip(polygon, reference):
                    self.close(ring, points_of_it)
            counts = file["instances/runs/counts"][slice(*runs[i])]
            shown[bits(counts, column("mask_size"))] = number + 1
        if objects:
            np.testing.assert_array_equal(shown, self.png(base, ".instances.png"))
        return len(objects)

    def check_all(self, shapes):
        file = self.scenes(out="recipe: true", shapes=shapes)
        self.assertEqual(file["images"].shape, (12, 48, 56, 3))
        objects = 0
        for row, (sidecar, pixels, base) in enumerate(self.sidecars(file)):
            np.testing.assert_array_equal(file["images"][row], pixels)
            np.testing.assert_array_equal(file["masks/classes"][row],
                                          self.png(base, ".mask.classes.png"))
            self.assertEqual(file["labels"][row], sidecar["class"]["index"])
            self.assertEqual(file["ignore_index/classes"][row], 255)
            self.assertEqual(f"{file['meta/id'][row]:016x}", sidecar["id"])
            self.assertEqual(file["meta/seq"][row], row)
            self.assertEqual(texts(file, "meta/source")[row], sidecar["source"])
            self.assertEqual(json.loads(texts(file, "recipe")[row]), sidecar["recipe"])
            objects += self.check_objects(file, row, sidecar, base)
        self.assertGreater(objects, 15)

    def test_every_column_says_what_sidecars_and_pngs_say(self):
        self.check_all("oriented: false")

    def test_oriented_boxes_too(self):
        self.check_all("oriented: true")

    def test_what_the_file_says_about_itself(self):
        attrs = self.scenes().attrs
        self.assertEqual(text(attrs["color"]), "RGB")
        self.assertEqual(text(attrs["layout"]), "NHWC")
        self.assertEqual([text(n) for n in attrs["keypoint_names"]],
                         ["centre", "left", "right", "top"])
        self.assertEqual(attrs["keypoint_swaps"].tolist(), [1, 2])
        self.assertEqual([text(n) for n in attrs["sources"]], ["photos"])
        self.assertEqual((attrs["seed"], attrs["rows"], attrs["quarantined"]), (7, 12, 0))
        # The configuration as it ran makes the same rows again.
        before = attrs["content_hash"]
        (self.folder / "again.yaml").write_text(
            text(attrs["config"]).replace("path: set", "path: again")
            .replace("image_folder: folder", "image_folder: folder2")
            .replace("path: folder", "path: folder2"))
        done = subprocess.run([CLI, "run", "again.yaml"], cwd=self.folder, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual(self.open("again.h5").attrs["content_hash"], before)

    def test_encoded_pictures_of_any_size(self):
        said = self.run_yaml(scenes_yaml(look="{random_scale: [0.5, 1.5]}, hflip"))
        self.assertIn("sizes differ", said)
        file = self.open("set.h5")
        self.assertEqual(text(file["encoded"].attrs["image_format"]), "png")
        sizes = set()
        for row, (sidecar, pixels, base) in enumerate(self.sidecars(file)):
            for group, expected in [("encoded", pixels),
                                    ("masks/classes", self.png(base, ".mask.classes.png"))]:
                data = file[group + "/bytes"][slice(*slices(file, group)[row])].tobytes()
                path = self.folder / "one.png"
                path.write_bytes(data)
                np.testing.assert_array_equal(np.asarray(Image.open(path)), expected)
                height, width, channels = file[group + "/shape"][row]
                self.assertEqual((height, width), expected.shape[:2])
                self.assertEqual(channels, 3 if expected.ndim == 3 else 1)
            self.assertEqual(file["labels"][row], sidecar["class"]["index"])
            first, last = slices(file, "instances")[row]
            self.assertEqual(last - first, len(sidecar["instances"]))
            self.close(file["instances/box"][first:last],
                       [o["box"] for o in sidecar["instances"]])
            sizes.add(pixels.shape)
        self.assertGreater(len(sizes), 3)

    def test_jpeg_bytes(self):
        file = self.scenes(out="layout: encoded, format: jpg, quality: 97")
        for row, (_, pixels, _) in enumerate(self.sidecars(file)):
            path = self.folder / "one.jpg"
            path.write_bytes(
                file["encoded/bytes"][slice(*slices(file, "encoded")[row])].tobytes())
            with Image.open(path) as image:
                self.assertEqual(image.format, "JPEG")
                difference = np.abs(np.asarray(image, int) - pixels)
            self.assertLess(difference.mean(), 6)

    def test_fields_beside_the_picture(self):
        self.run_yaml("""version: 1
seed: 1
nodes:
  photos: {shapes: {count: 5, size: 64}}
  crop:   {random_crop: 32, from: photos}
  worse:  {gaussian_blur: 3, from: crop}
  pairs:  {join: {image: worse, target: crop}}
  out:    {hdf5: set, from: pairs}
  folder: {image_folder: folder, from: pairs}
""")
        file = self.open("set.h5")
        self.assertEqual([text(n) for n in file.attrs["fields"]], ["image", "target"])
        for row, key in enumerate(texts(file, "meta/key")):
            base = self.folder / "folder" / key
            np.testing.assert_array_equal(file["images"][row], self.png(base, ".png"))
            np.testing.assert_array_equal(file["fields/target"][row],
                                          self.png(base, ".target.png"))


class Profiles(SinkCase):

    def pixels(self, file):
        """Pictures of image_folder in the order of the rows."""
        return np.stack([pixels for _, pixels, _ in self.sidecars(file)])

    def labels(self, file):
        return np.array([sidecar["class"]["index"] for sidecar, _, _ in self.sidecars(file)])

    def test_keras(self):
        file = self.scenes(out="profile: keras")
        x_train, y_train = file["x"][:], file["y"][:]
        np.testing.assert_array_equal(x_train, self.pixels(file))
        np.testing.assert_array_equal(y_train, self.labels(file))

    def test_pcam(self):
        file = self.scenes(out="profile: pcam")
        self.assertEqual((file["y"].shape, file["y"].dtype), ((12, 1, 1, 1), np.uint8))
        np.testing.assert_array_equal(file["x"][:], self.pixels(file))
        np.testing.assert_array_equal(file["y"][:, 0, 0, 0], self.labels(file))

    def test_caffe(self):
        file = self.scenes(out="profile: caffe")
        data, label = file["data"], file["label"]
        self.assertEqual((data.dtype, label.dtype, label.shape), (np.uint8, np.float32, (12,)))
        self.assertEqual(text(file.attrs["color"]), "BGR")
        self.assertEqual(text(data.attrs["layout"]), "NCHW")
        np.testing.assert_array_equal(data[:],
                                      self.pixels(file)[..., ::-1].transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(label[:], self.labels(file))
        for layout in ["chw", "hwc"]:
            look = f"{{crop_mirror_normalize: {{size: [40, 48], layout: {layout}}}}}"
            floats = self.scenes(layout, out="profile: caffe", look=look, folder=False)["data"]
            self.assertEqual((floats.dtype, floats.shape), (np.float32, (12, 3, 40, 48)))

    def test_own_names_and_order(self):
        file = self.scenes(out="images: pictures, labels: targets, order: bgr")
        np.testing.assert_array_equal(file["pictures"][:], self.pixels(file)[..., ::-1])
        np.testing.assert_array_equal(file["targets"][:], self.labels(file))
        self.assertEqual(text(file["pictures"].attrs["color"]), "BGR")

    def test_planes_of_floats(self):
        both = """version: 1
seed: 3
nodes:
  photos: {shapes: {count: 4, size: 64}}
  a: {crop_mirror_normalize: {size: 32, mirror: 0, layout: chw}, from: photos}
  b: {crop_mirror_normalize: {size: 32, mirror: 0, layout: hwc}, from: photos}
  planes: {hdf5: planes, from: a}
  rows: {hdf5: rows, from: b}
  turned: {hdf5: {path: turned, planes: true}, from: b}
"""
        self.run_yaml(both)
        planes, rows, turned = (self.open(n + ".h5") for n in ["planes", "rows", "turned"])
        self.assertEqual(planes["images"].shape, (4, 3, 32, 32))
        self.assertEqual(planes["images"].dtype, np.float32)
        np.testing.assert_array_equal(planes["images"][:],
                                      rows["images"][:].transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(planes["images"][:], turned["images"][:])
        low, high = planes["range/image"][0]
        self.assertLess(low, planes["images"][:].min() + 1e-5)
        self.assertGreater(high, planes["images"][:].max() - 1e-5)


class Storage(SinkCase):

    def test_numpy_maps_what_is_contiguous(self):
        file = self.scenes()
        images = file["images"]
        self.assertIsNone(images.chunks)
        mapped = np.memmap(self.folder / "set.h5", images.dtype, "r", images.id.get_offset(),
                           images.shape)
        np.testing.assert_array_equal(mapped, images[:])
        self.assertEqual(images.id.get_offset() % 4096, 0)

    def test_compressed_pictures_are_the_same_pictures(self):
        plain = self.scenes()
        images, content = plain["images"][:], plain.attrs["content_hash"]
        cases = [("compression: gzip", 1), ("compression: gzip, level: 9", 1),
                 ("compression: lz4", 32004), ("compression: blosc_zstd", 32001),
                 ("fletcher32: true", 3), ("compression: gzip, shuffle: true, fletcher32: true", 3)]
        for number, (out, wanted) in enumerate(cases):
            with self.subTest(out):
                file = self.scenes(f"set{number}", out=out, folder=False)
                self.assertEqual(file["images"].chunks, (1, *images.shape[1:]))
                properties = file["images"].id.get_create_plist()
                filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
                self.assertIn(wanted, filters)
                self.assertEqual(file.attrs["content_hash"], content)
                if not h5py.h5z.filter_avail(wanted):
                    print(f"[skipped] {out}: no plugin for filter {wanted} here")
                    continue
                np.testing.assert_array_equal(file["images"][:], images)

    def test_floats_are_shuffled(self):
        yaml = """version: 1
seed: 1
nodes:
  photos: {shapes: {count: 4, size: 64}}
  look: [to_float]
  plain: {hdf5: plain, from: look}
  small: {hdf5: {path: small, compression: gzip}, from: look}
  smaller: {hdf5: {path: smaller, compression: gzip, shuffle: true}, from: look}
"""
        self.run_yaml(yaml)
        plain, small, smaller = (self.open(n + ".h5")["images"]
                                 for n in ["plain", "small", "smaller"])
        self.assertTrue(smaller.shuffle)
        np.testing.assert_array_equal(small[:], plain[:])
        np.testing.assert_array_equal(smaller[:], plain[:])
        self.assertLess(smaller.id.get_storage_size(), plain.id.get_storage_size())

    def test_shards_hold_the_same_rows(self):
        whole = self.scenes()
        self.run_yaml(scenes_yaml("shards: {rows: 5}, master: true", path="parts", folder=False))
        index = json.loads((self.folder / "parts/index.json").read_text())
        self.assertEqual([s["rows"] for s in index["shards"]], [5, 5, 2])
        files = [self.open("parts/" + s["file"]) for s in index["shards"]]
        for column in ["images", "labels", "masks/classes", "instances/box", "checksum/row"]:
            np.testing.assert_array_equal(np.concatenate([f[column][:] for f in files]),
                                          whole[column][:])
        for file in files:
            self.assertEqual([text(n) for n in file.attrs["class_names"]],
                             [text(n) for n in whole.attrs["class_names"]])
        masters = [p for p in (self.folder / "parts").glob("*.h5")
                   if p.name not in {s["file"] for s in index["shards"]}]
        self.assertEqual(len(masters), 1)
        master = self.open(masters[0])
        np.testing.assert_array_equal(master["images"][:], whole["images"][:])
        np.testing.assert_array_equal(master["labels"][:], whole["labels"][:])

    def test_threads_make_no_difference(self):
        hashes = set()
        for threads in [1, 4]:
            self.run_yaml(scenes_yaml(count=12), OK, "--threads", str(threads), "--overwrite")
            hashes.add(hashlib.sha256((self.folder / "set.h5").read_bytes()).hexdigest())
        self.assertEqual(len(hashes), 1)

    def test_a_finished_set_is_not_made_again_and_not_overwritten(self):
        self.scenes()
        before = (self.folder / "set.h5").stat()
        yaml = scenes_yaml(folder=False)  # another configuration
        self.run_yaml(yaml, BUSY)
        self.assertEqual((self.folder / "set.h5").stat().st_mtime_ns, before.st_mtime_ns)
        self.run_yaml(yaml, OK, "--overwrite")
        done = self.run_yaml(yaml, OK)
        self.assertIn("stored already", done)


class Page(SinkCase):

    def test_its_programs_run(self):
        look = "{random_resized_crop: {size: [224, 224]}}, hflip"
        self.scenes("train", look=look, count=60, folder=False)
        blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/hdf5.md").read_text(), re.S)
        self.assertEqual(len(blocks), 4)
        names = {"PIL": PIL, "io": io}
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)
        exec(blocks[0], names)
        self.assertEqual(names["batch"].shape, (20, 224, 224, 3))
        self.assertEqual(names["names"][2], "rectangle")
        exec(blocks[1], names)
        whole = self.open("train.h5")
        np.testing.assert_array_equal(names["images"], whole["images"][:])
        names["f"] = self.scenes("encoded", out="layout: encoded", look=look, folder=False)
        exec(blocks[3], names)
        np.testing.assert_array_equal(np.asarray(names["image"]), whole["images"][7])
        if importlib.util.find_spec("torch") is None:
            print("[skipped] PyTorch: not installed")
            return
        exec(blocks[2], names)
        loader = names["torch"].utils.data.DataLoader(names["Pictures"]("train.h5"), batch_size=30,
                                                      num_workers=2)
        images, labels = zip(*loader)
        np.testing.assert_array_equal(np.concatenate(images),
                                      whole["images"][:].transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(np.concatenate(labels), whole["labels"][:])


class Photos(SinkCase):
    """Files of which the graph knows little."""

    def write(self, name, pixels):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)

    def picture(self, seed, *shape):
        return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)

    YAML = """version: 1
seed: 1
on_error: {max_bad: 100%}
nodes:
  photos: {image_folder: in}
  look: [center_crop: 16]
  out: {hdf5: {path: set, OUT}}
"""

    def test_grey_becomes_rgb_and_nothing_else_is_guessed(self):
        rgb, grey = self.picture(1, 16, 16, 3), self.picture(2, 16, 16)
        self.write("in/cat/a.png", rgb)
        self.write("in/cat/b.png", grey)
        self.write("in/dog/c.png", self.picture(3, 16, 16, 4))
        self.write("in/dog/d.png", self.picture(4, 16, 16, 3))
        self.run_yaml(self.YAML.replace("OUT", ""), SOME_BAD)
        file = self.open("set.h5")
        self.assertEqual(texts(file, "meta/key"), ["cat/a.png", "cat/b.png", "dog/d.png"])
        np.testing.assert_array_equal(file["images"][0], rgb)
        np.testing.assert_array_equal(file["images"][1], np.repeat(grey[..., None], 3, 2))
        self.assertEqual(file["labels"][:].tolist(), [0, 0, 1])
        self.assertEqual([text(n) for n in file.attrs["class_names"]], ["cat", "dog"])
        self.assertEqual(file.attrs["quarantined"], 1)
        bad = (self.folder / "set.h5.quarantine.jsonl").read_text()
        self.assertIn("ENC-TYPE", bad)
        self.assertIn("4 channels", bad)

    def test_sixteen_bits_need_to_be_asked_for(self):
        deep = self.picture(5, 16, 16).astype(np.uint16) * 257
        self.write("in/a/a.png", deep)
        self.write("in/a/b.png", deep)
        self.run_yaml(self.YAML.replace("OUT", "depth: uint16, channels: 1"))
        file = self.open("set.h5")
        self.assertEqual(file["images"].dtype, np.uint16)
        self.assertEqual(text(file.attrs["color"]), "GRAY")
        np.testing.assert_array_equal(file["images"][0, ..., 0], deep)

    def test_classes_must_agree(self):
        self.write("one/cat/a.png", self.picture(1, 16, 16, 3))
        self.write("one/dog/a.png", self.picture(1, 16, 16, 3))
        self.write("two/cat/a.png", self.picture(1, 16, 16, 3))
        self.write("two/emu/a.png", self.picture(1, 16, 16, 3))
        said = self.run_yaml("""version: 1
seed: 1
nodes:
  one: {image_folder: one}
  two: {image_folder: two}
  look: {center_crop: 16, from: [one, two]}
  out: {hdf5: set}
""", CONFIG)
        self.assertIn("error[CFG-CLASSES] class 1 is 'dog' in 'one' and 'emu' in 'two'", said)
        self.assertFalse(list(self.folder.glob("set*")))

    def test_fields_of_changing_size_need_encoded_pictures(self):
        for i, side in enumerate([20, 20, 24, 20]):
            self.write(f"in/a/{i}.png", self.picture(i, side, side, 3))
        yaml = """version: 1
seed: 1
nodes:
  photos: {image_folder: in}
  small: {resize: 16, from: photos}
  pairs: {join: {image: small, target: photos}}
  out: {hdf5: {path: set, OUT}, from: pairs}
"""
        said = self.run_yaml(yaml.replace("OUT", ""), CONFIG, "--threads", "1")
        self.assertIn("'a/2.png'", said)
        self.assertIn("u8 [24, 24, 3] here and u8 [20, 20, 3] before", said)
        self.run_yaml(yaml.replace("OUT", "layout: encoded"), OK, "--overwrite")
        file = self.open("set.h5")
        self.assertEqual(file["fields/target/shape"][:, 0].tolist(), [20, 20, 24, 20])


class Refusals(SinkCase):

    def test_what_can_be_known_before_the_run(self):
        anysize = "{random_scale: [0.5, 1.5]}"
        self.refuse("layout: dense", "put resize or a crop before the sink, or set layout: encoded",
                    look=anysize)
        self.refuse("compression: gzip", "put resize or a crop", look=anysize)
        self.refuse("profile: keras", "put resize or a crop", look=anysize)
        self.refuse("layout: encoded, compression: gzip", "drop compression")
        self.refuse("layout: encoded, profile: pcam", "set layout: dense")
        self.refuse("layout: encoded, order: bgr", "drop planes and order")
        self.refuse("depth: uint16", "put 'cast: {to: uint16}' before the sink")
        self.refuse("channels: 1", "put 'to_gray' before the sink")
        self.refuse("channels: 2", "not one of")
        self.refuse("shards: {files: 3}", "expected {rows: N}")
        self.refuse("shards: {rows: 0}", "expected {rows: N}")
        self.refuse("shards: 3", "expected {rows: N}")
        self.refuse("master: true", "set shards")
        self.refuse("images: meta", "the name of something else")
        self.refuse("images: a/b", "no name of a dataset")
        self.refuse("images: same, labels: same", "both called 'same'")
        self.refuse("layout: encoded", "PNG and JPEG cannot hold float32",
                    look="to_float")
        self.refuse("planes: false", "planes: false, but gets planar pictures",
                    look="{crop_mirror_normalize: {size: 32, layout: chw}}")


if __name__ == "__main__":
    unittest.main()
