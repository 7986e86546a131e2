#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`pixloom import`: what comes out is valid, runs, and does what the peer does."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLI = os.environ.get("PIXLOOM_CLI", str(ROOT / "build/dev/cli/pixloom"))
FILES = ROOT / "tests/import"

OK, CONFIG, SOME_MISSING, BUSY = 0, 2, 3, 6

# What has no equivalent, and says what to use instead.
MISSING = {"HEStain", "OverlayElements", "TextImage", "CenterCrop3D", "RandomCrop3D", "Pad3D",
           "PadIfNeeded3D", "CoarseDropout3D", "CubicSymmetry"}
# Needs labels, does nothing by default, or leaves this picture as it is.
UNCHANGED = {"NoOp", "ToRGB", "MaskDropout", "ConstrainedCoarseDropout", "Normalize", "ToFloat",
             "ToTensorV2", "FromFloat", "RandomCropNearBBox"}

FLIP = {"__class_fullname__": "HorizontalFlip", "p": 0.5}


def picture():
    """Smooth shades, two flat shapes with edges, a little noise."""
    y, x = numpy.mgrid[0:48, 0:64].astype(float)
    scene = numpy.stack([127 + 100 * numpy.sin(x / 9 + y / 13), 127 + 90 * numpy.cos(x / 7 - y / 17),
                         60 + 3 * y], -1)
    scene[10:30, 16:40] = [200, 60, 40]
    scene[25:40, 36:56] = [30, 120, 220]
    scene += numpy.random.default_rng(1).normal(0, 6, scene.shape)
    return numpy.clip(scene, 0, 255).astype(numpy.uint8)


def saved(*transforms, version="2.0.8", **settings):
    return json.dumps({"__version__": version, "transform": {
        "__class_fullname__": "Compose", "p": 1.0, "transforms": list(transforms), **settings}})


def a(name, **parameters):
    return {"__class_fullname__": name, **parameters}


class ImportTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pixloom_import_")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        # The folder is the class of what is in it.
        (self.folder / "data/a").mkdir(parents=True)
        self.scene = picture()
        Image.fromarray(self.scene).save(self.folder / "data/a/one.png")
        Image.fromarray(self.scene[:, ::-1]).save(self.folder / "data/a/two.png")
        self.runs = 0

    def call(self, *arguments, text=None):
        return subprocess.run([CLI, *map(str, arguments)], cwd=self.folder, text=True, input=text,
                              capture_output=True, timeout=120, check=False)

    def load(self, peer, text, *options, code=OK, validate=True):
        """Imports from stdin; gives the YAML and the report. What runs next needs no validating."""
        (self.folder / "in.yaml").unlink(missing_ok=True)
        done = self.call("import", peer, "-", "--out", "in.yaml", "--json", *options, text=text)
        self.assertEqual(done.returncode, code, f"{text[:500]}\n{done.stdout}{done.stderr}")
        yaml = (self.folder / "in.yaml").read_text()
        for line in yaml.splitlines():
            self.assertLessEqual(len(line), 100, line)
        if validate:
            valid = self.call("validate", "in.yaml", "-q")
            self.assertEqual(valid.returncode, OK, f"{yaml}\n{valid.stderr}")
            self.assertEqual(valid.stdout + valid.stderr, "", yaml)
        return yaml, json.loads(done.stdout)

    def run_pictures(self, yaml="in.yaml"):
        """The results for data/a/one.png and data/a/two.png."""
        self.runs += 1
        out = self.folder / f"out{self.runs}"
        done = self.call("run", yaml, "-q", "--seed", 1, "--set", "DATA=data", "--set", f"OUT={out}")
        text = (self.folder / yaml).read_text()
        self.assertEqual(done.returncode, OK, f"{text}\n{done.stderr}")
        files = sorted(out.rglob("*.png"))
        self.assertEqual(len(files), 2, text)
        return [numpy.asarray(Image.open(file)) for file in files]

    def steps(self, yaml):
        """The lines of the chain, without comments."""
        chain = []
        for line in yaml.split("  augment:\n", 1)[1].splitlines():
            if not line.startswith("    "):
                break
            if not line.lstrip().startswith("#"):
                chain.append(line[4:])
        return chain

    def verbs(self):
        return {verb["name"] for verb in json.loads(self.call("ops", "--json").stdout)}

    # ---- albumentations: every row -------------------------------------------------------------

    def test_every_transform(self):
        """Each with its defaults and otherwise; all of them then run as chains of one graph."""
        samples = json.loads((FILES / "albumentations_transforms.json").read_text())
        self.assertGreater(len(samples), 100)
        verbs = self.verbs()
        pending = {"Mosaic": "mosaic"}
        graph = "version: 1\nnodes:\n  photos: {image_folder: data}\n"
        names = []
        close = 0
        for name, variants in samples.items():
            if name in pending and pending[name] not in verbs:
                print(f"[skipped] {name}: this build has no verb {pending[name]}")
                continue
            for number, transform in enumerate(variants):
                with self.subTest(transform=name, variant=number):
                    # FromFloat wants floats, and gives integers again.
                    before = [a("ToFloat", p=1.0, max_value=None)] if name == "FromFloat" else []
                    code = SOME_MISSING if name in MISSING else OK
                    yaml, report = self.load("albumentations", saved(*before, transform), "--size",
                                             48, 64, code=code, validate=name in pending)
                    item = report["items"][-1]
                    self.assertEqual(item["name"], name)
                    self.assertEqual(item["path"], f"transform.transforms[{len(before)}]")
                    self.assertEqual(item["likeness"] == "missing", name in MISSING)
                    if item["likeness"] != "exact":
                        self.assertTrue(item["notes"], "nothing says what differs")
                    close += item["likeness"] == "close"
                    self.assertNotIn("is not known", " ".join(item["notes"]))
                    if name in pending or "\n  augment:\n" not in yaml:
                        self.assertIn(name, MISSING | UNCHANGED | set(pending))
                        continue
                    chain = "".join(f"  {line}\n" for line in self.steps(yaml))
                    if "  files:" in yaml:
                        chain += "  - cast: {to: uint8}\n"
                    chain = "".join(f"    {line}\n" for line in chain.splitlines())
                    n = len(names)
                    graph += (f"  chain{n}:\n    from: photos\n    chain:\n{chain}"
                              f"  out{n}: {{image_folder: out/{n}, from: chain{n}}}\n")
                    names.append(name)
        self.assertGreater(close, 30)
        (self.folder / "all.yaml").write_text(graph)
        done = self.call("run", "all.yaml", "-q", "--seed", 1)
        self.assertEqual(done.returncode, OK, done.stderr)
        changed = set()
        for n, name in enumerate(names):
            files = sorted((self.folder / f"out/{n}").rglob("*.png"))
            self.assertEqual(len(files), 2, name)
            for file, source in zip(files, [self.scene, self.scene[:, ::-1]]):
                result = numpy.asarray(Image.open(file))
                if result.shape != source.shape or not numpy.array_equal(result, source):
                    changed.add(name)
        self.assertEqual(set(names) - changed - UNCHANGED, set(), "change nothing")

    def test_parameters(self):
        """The peer's defaults are written out; units and shorthands are converted."""
        for transform, step in [
                (a("RandomGamma"), "gamma: {gamma: [0.8, 1.2], p: 0.5}"),
                (a("RandomGamma", gamma_limit=[50, 150], p=1), "gamma: {gamma: [0.5, 1.5]}"),
                (a("GaussNoise", p=1.0), "gaussian_noise: {std: [0.2, 0.44], mean: 0}"),
                (a("HueSaturationValue", p=1),
                 "hue_saturation: {hue: [-40, 40], saturation: [-30, 30], value: [-20, 20]}"),
                (a("HueSaturationValue", hue_shift_limit=5, p=1),
                 "hue_saturation: {hue: [-10, 10], saturation: [-30, 30], value: [-20, 20]}"),
                (a("Rotate", limit=30, p=1), "rotate: {angle: [-30, 30], mask_fill: 0}"),
                (a("Rotate", limit=[30, 30], border_mode=4, interpolation=2, p=1),
                 "rotate: {angle: 30, interpolation: cubic, border: reflect101, mask_fill: 0}"),
                (a("Solarize", threshold_range=[128 / 255, 128 / 255], p=1),
                 f"solarize: {{threshold: {128 / 255}}}"),
                (a("PadIfNeeded"),
                 "pad_if_needed: {min_height: 1024, min_width: 1024, mask_fill: 0}"),
                (a("PadIfNeeded", min_height=None, min_width=None, pad_height_divisor=32,
                   pad_width_divisor=16),
                 "pad_if_needed: {height_divisor: 32, width_divisor: 16, mask_fill: 0}"),
                (a("Resize", height=24, width=32, interpolation=3),
                 "resize: {size: [24, 32], interpolation: area}"),
                (a("RandomResizedCrop", size=[24, 32]),
                 "random_resized_crop: {size: [24, 32], scale: [0.08, 1], "
                 "ratio: [0.75, 1.3333333333333333]}"),
                (a("LongestMaxSize", max_size=[30, 40]),
                 "longest_max_size: {size: {choice: [30, 40]}}"),
                (a("RandomScale", scale_limit=0.3, p=1), "random_scale: {scale: [0.7, 1.3]}"),
                (a("GaussianBlur", p=1), "gaussian_blur: {sigma: [0.5, 3]}"),
                (a("GaussianBlur", blur_limit=[5, 5], sigma_limit=[1, 2], p=1),
                 "gaussian_blur: {sigma: [1, 2], kernel: 5}"),
                (a("Blur", blur_limit=9, p=1), "box_blur: {kernel: [3, 9]}"),
                (a("Blur", blur_limit=[4, 8], p=1), "box_blur: {kernel: [5, 9]}"),
                (a("ChannelDropout", fill=51, p=1), "channel_dropout: {count: 1, fill: 0.2}"),
                (a("Pad", padding=[1, 2, 3, 4], fill=[9, 8, 7]),
                 "pad: {left: 1, top: 2, right: 3, bottom: 4, fill: [9, 8, 7], mask_fill: 0}"),
                (a("Pad", padding=[1, 2]),
                 "pad: {left: 1, top: 2, right: 1, bottom: 2, mask_fill: 0}"),
                (a("CoarseDropout", hole_height_range=[3, 6], hole_width_range=[2, 8], p=1),
                 "coarse_dropout: {holes: [1, 2], hole_height: [3, 6], hole_width: [2, 8], "
                 "unit: px}"),
                (a("Affine", shear={"x": [5, 10], "y": [0, 0]}, rotate=[20, 20], p=1),
                 "affine: {scale: 1, rotate: 20, shear_x: [-10, -5], shear_y: 0, mask_fill: 0}"),
                (a("ToGray", num_output_channels=1, p=1),
                 "to_gray: {method: weighted_average, single: true}"),
                (a("Posterize", num_bits=[3, 5], p=1), "posterize: {bits: [3, 5]}"),
                (a("ShotNoise", scale_range=[0.02, 0.02], p=1),
                 "shot_noise: {photons: 50, gamma: 2.2}"),
                (a("RingingOvershoot", blur_limit=[9, 9], p=1),
                 "ringing: {kernel: 9, cutoff: [0.25, 0.5]}"),
                (a("ColorJitter", brightness=0.3, p=1),
                 "color_jitter: {brightness: [0.7, 1.3], contrast: [0.8, 1.2], saturation: [0.8, "
                 "1.2], hue: [-0.5, 0.5]}"),
        ]:
            with self.subTest(step=step):
                yaml, _ = self.load("albumentations", saved(transform))
                self.assertEqual(" ".join(" ".join(self.steps(yaml)).split()), f"- {step}")

    def test_pixels_become_parts_of_the_picture(self):
        flare = saved(a("RandomSunFlare", src_radius=32, p=1.0))
        yaml, report = self.load("albumentations", flare, "--size", 48, 64)
        self.assertIn("radius: 0.5,", yaml)
        self.assertNotIn("--size", yaml)
        yaml, report = self.load("albumentations", flare)
        self.assertIn("radius: 0.0625,", yaml)
        self.assertIn("pictures of 512 x 512 are assumed", " ".join(report["items"][0]["notes"]))
        # A step that sets the size says it, too.
        yaml, report = self.load("albumentations", saved(
            a("Resize", height=32, width=64), a("RandomSunFlare", src_radius=32, p=1.0)))
        self.assertIn("radius: 0.5,", yaml)
        self.assertEqual(len(report["items"][1]["notes"]), 1)

    # ---- albumentations: what holds transforms -----------------------------------------------------

    def test_composites(self):
        yaml, report = self.load("albumentations", saved(
            a("OneOf", p=0.9, transforms=[
                a("Blur", p=0.2),
                a("Sequential", p=0.6, transforms=[FLIP, a("InvertImg", p=1)]),
                a("NoOp", p=0.3),
                a("HEStain", p=0.1)]),
            a("SomeOf", p=1, n=2, replace=False, transforms=[
                a("VerticalFlip", p=0.25), a("Transpose", p=1), a("InvertImg", p=0)]),
            a("RandomOrder", p=0.5, n=2, transforms=[a("VerticalFlip", p=1), a("InvertImg")]),
            a("OneOrOther", p=0.4, transforms=[a("ToSepia", p=0.1), a("ToGray")]),
            a("Sequential", p=0.7, transforms=[FLIP, a("Compose", p=1, transforms=[a("D4")])]),
            a("Sequential", p=0.3, transforms=[a("InvertImg", p=1)]),
            a("SomeOf", p=1, n=3, replace=True, transforms=[FLIP, a("InvertImg", p=0.5)]),
        ), code=SOME_MISSING)
        self.assertEqual(self.steps(yaml), [
            "- one_of:",
            "    - {box_blur: {kernel: [3, 7]}, weight: 0.2}",
            "    - chain:",
            "        - hflip: {p: 0.5}",
            "        - invert",
            "      weight: 0.6",
            "    - {hflip: {p: 0}, weight: 0.3}  # does nothing",
            "    - {hflip: {p: 0}, weight: 0.1}  # does nothing",
            "  p: 0.9",
            "- some_of:",
            "    n: 2",
            "    steps:",
            "      - vflip: {p: 0.25}",
            "      - transpose",
            "      - invert: {p: 0}",
            "- random_order:",
            "    - vflip",
            "    - invert: {p: 0.5}",
            "  p: 0.5",
            "- sometimes:",
            "    p: 0.4",
            "    then:",
            "      - to_sepia: {amount: 1}",
            "    else:",
            "      - to_gray: {method: weighted_average}",
            "- chain:",
            "    - hflip: {p: 0.5}",
            "    - d4",
            "  p: 0.7",
            "- invert: {p: 0.3}",
            "- repeat:",
            "    times: 3",
            "    steps:",
            "      - one_of:",
            "          - hflip: {p: 0.5}",
            "          - invert: {p: 0.5}"])
        paths = {item["path"]: item["likeness"] for item in report["items"]}
        self.assertEqual(paths["transform.transforms[0].transforms[1].transforms[0]"], "exact")
        self.assertEqual(paths["transform.transforms[0].transforms[3]"], "missing")
        self.assertEqual(report["missing"], 1)
        self.run_pictures()

    def test_choice_by_weight(self):
        """p of children are shares, and a missing child keeps its own."""
        yaml, _ = self.load("albumentations", saved(
            a("OneOf", p=1, transforms=[a("InvertImg", p=0.75), a("HEStain", p=0.25)])),
            code=SOME_MISSING)
        text = yaml.replace("$(COPIES:-1)", "200")
        (self.folder / "in.yaml").write_text(text)
        out = self.folder / "many"
        done = self.call("run", "in.yaml", "-q", "--seed", 1, "--set", "DATA=data", "--set",
                         f"OUT={out}")
        self.assertEqual(done.returncode, OK, done.stderr)
        inverted = sum(
            int(numpy.array_equal(numpy.asarray(Image.open(file)), 255 - source))
            for name, source in [("one", self.scene), ("two", self.scene[:, ::-1])]
            for file in out.rglob(f"{name}_*.png"))
        self.assertTrue(270 <= inverted <= 330, inverted)  # 300 of 400, four deviations of 8.7

    def test_selective_channels(self):
        if "with_channels" not in self.verbs():
            _, report = self.load("albumentations", saved(
                a("SelectiveChannelTransform", p=1, transforms=[a("Blur", p=1)])),
                code=SOME_MISSING)
            self.assertEqual([item["likeness"] for item in report["items"]], ["missing"] * 2)
            self.assertIn("stands inside SelectiveChannelTransform",
                          report["items"][1]["notes"][0])
            print("[skipped] SelectiveChannelTransform: this build has no verb with_channels")
            return
        yaml, report = self.load("albumentations", saved(
            a("SelectiveChannelTransform", p=1, channels=[0], transforms=[a("InvertImg", p=1)])))
        self.assertEqual(report["items"][0]["likeness"], "exact")
        result = self.run_pictures()[0]
        self.assertTrue(numpy.array_equal(result[..., 0], 255 - self.scene[..., 0]), yaml)
        self.assertTrue(numpy.array_equal(result[..., 1:], self.scene[..., 1:]), yaml)

    def test_older_versions(self):
        yaml, report = self.load("albumentations", (FILES / "albumentations_old.json").read_text())
        self.assertEqual(report["missing"], 0, report)
        text = " ".join(yaml.split())
        for part in [
                "random_resized_crop: {size: [48, 40], scale: [0.5, 1],",
                "- hflip - vflip - rotate90: {k: 2} p: 0.5",
                f"gaussian_noise: {{std: [{10 ** 0.5 / 255}, {50 ** 0.5 / 255}], mean: 0, p: 0.5}}",
                "- gaussian_blur: {sigma: 0.8, kernel: 3} - gaussian_blur: {sigma: 1.1, kernel: 5}",
                "coarse_dropout: {holes: 4, hole_height: 8, hole_width: 6, unit: px}",
                "coarse_dropout: {holes: [2, 8], hole_height: [4, 8], hole_width: 8, unit: px, p:",
                # SomeOf of 1.x picks by weight and always applies.
                "- {jpeg: {quality: [30, 60]}, weight: 0.3}",
                "- {brightness_contrast: {brightness: [-0.2, 0.3], contrast: 0}, weight: 0.7}",
                "snow: {snow_point: [0.383333333333", "gain: 2.5, softness: 0, p: 0.5}"]:
            self.assertIn(part, text)
        self.run_pictures()

    def test_yaml_files(self):
        text = ("__version__: 2.0.8\ntransform:\n  __class_fullname__: Compose\n  p: 1.0\n"
                "  transforms:\n  - __class_fullname__: Solarize\n    p: 1.0\n"
                "    threshold_range:\n    - 0.25\n    - 0.25\n  bbox_params: null\n")
        yaml, _ = self.load("albumentations", text)
        self.assertEqual(self.steps(yaml), ["- solarize: {threshold: 0.25}"])

    def test_settings(self):
        yaml, report = self.load("albumentations", saved(
            a("Rotate", border_mode=4, p=1), a("CoarseDropout", p=1),
            bbox_params={"format": "coco", "min_area": 16, "min_visibility": 0.3, "min_width": 2,
                         "min_height": 2, "label_fields": ["c"], "max_accept_ratio": 5},
            keypoint_params={"format": "xy", "remove_invisible": True},
            additional_targets={"image2": "image"}))
        self.assertEqual(self.steps(yaml)[-1],
                         "- sanitize: {min_area: 16, min_visibility: 0.3, min_size: 2}")
        # The peer labels what a border repeats, and shrinks boxes to what holes leave.
        self.assertIn("mirror_labels: duplicate", yaml)
        self.assertIn("shrink: true", yaml)
        item = report["items"][-1]
        self.assertEqual((item["path"], item["verb"], item["likeness"]),
                         ("transform.bbox_params", "sanitize", "close"))
        for word in ["against the original area", "'coco'", "max_accept_ratio"]:
            self.assertIn(word, " ".join(item["notes"]))
        self.assertIn("keypoints of format 'xy'", " ".join(report["notes"]))
        self.assertIn("'image2'", " ".join(report["notes"]))
        self.run_pictures()

    # ---- numbers that files cannot hold --------------------------------------------------------

    def test_tensors(self):
        text = saved(FLIP, a("Normalize", p=1), a("ToTensorV2", p=1))
        yaml, _ = self.load("albumentations", text)
        self.assertIn("\n  # tensors:\n  #   - normalize: {by: standard,", yaml)
        self.run_pictures()
        yaml, _ = self.load("albumentations", text, "--tensors")
        self.assertIn("\n  tensors:\n    - normalize: {by: standard,", yaml)
        self.assertIn("    - layout: {to: chw}\n", yaml)
        done = self.call("run", "in.yaml", "-q", "--set", "DATA=data")
        self.assertEqual(done.returncode, OK, done.stderr)
        # Floats from 0 to 1 become integers for files.
        yaml, _ = self.load("albumentations", saved(a("ToFloat", p=1), a("InvertImg", p=1)))
        self.assertIn("  files: [{cast: {to: uint8}}]\n", yaml)
        self.assertTrue(numpy.array_equal(self.run_pictures()[0], 255 - self.scene))

    def test_normalize(self):
        """(x / max_pixel_value - mean) / std, for numbers that end up between 0 and 1."""
        mean, std = numpy.array([0, -0.1, -0.2]), numpy.array([1, 1.5, 2])
        for most in [255.0, 300.0, 128.0]:
            yaml, _ = self.load("albumentations", saved(
                a("Normalize", mean=mean.tolist(), std=std.tolist(), max_pixel_value=most, p=1)),
                "--tensors")
            head, _ = yaml.split("  # Read by", 1)
            (self.folder / "back.yaml").write_text(
                head + "    - from_float: {to: uint8, max_value: 255}\n"
                "  out: {image_folder: $(OUT)}\n")
            expected = numpy.clip(((self.scene / most - mean) / std) * 255, 0, 255)
            difference = numpy.abs(self.run_pictures("back.yaml")[0] - expected)
            self.assertLessEqual(difference.max(), 0.51, yaml)

    # ---- the report and its errors -----------------------------------------------------------------

    def test_unknown_class(self):
        yaml, report = self.load("albumentations", saved(FLIP, a("HorizontalFilp", p=1)),
                                 code=SOME_MISSING)
        self.assertEqual(report["items"][1]["notes"],
                         ["there is no such transform; did you mean 'HorizontalFlip'?"])
        self.assertIn("# HorizontalFilp is left out: there is no such transform; did you", yaml)
        self.assertEqual(self.steps(yaml), ["- hflip: {p: 0.5}"])
        done = self.call("import", "torchvision", "CenterCorp(3)")
        self.assertEqual(done.returncode, SOME_MISSING)
        self.assertIn("did you mean 'CenterCrop'?", done.stderr)

    def test_unknown_parameter(self):
        _, report = self.load("albumentations", saved(a("Blur", blur_limit=3, strength=2, p=1)))
        self.assertEqual(report["items"][0]["notes"], ["'strength' is not known and left out"])

    def test_values_out_of_range(self):
        for transform, words in [
                (a("RandomGamma", gamma_limit=[1e9, 1e300], p=1), "outside [0.01, 100]"),
                (a("Resize", height=10**12, width=5), "size"),
                (a("Resize", height=-5, width=5), "size"),
                (a("Blur", blur_limit="large", p=1), "expected one or two whole numbers"),
                (a("Rotate", limit=[30, -30], p=1), "low end above its high end"),
                (a("Rotate", border_mode=17, p=1), "OpenCV's borders, 0 to 4, got int 17"),
                (a("HorizontalFlip", p=7), "expected a chance from 0 to 1, got int 7"),
                (a("HorizontalFlip", p="x"), "got string 'x'"),
                (a("SomeOf", n="two", transforms=[FLIP]), "n: expected how many"),
                (a("OneOf", transforms=[]), "holds no transforms"),
                (a("Blur", transforms=[FLIP]), "holds transforms")]:
            with self.subTest(transform=transform):
                _, report = self.load("albumentations", saved(transform, FLIP), code=SOME_MISSING)
                self.assertEqual(report["items"][0]["likeness"], "missing")
                self.assertIn(words, " ".join(report["items"][0]["notes"]))
                self.assertEqual(report["items"][-1]["likeness"], "exact")

    def test_files_that_cannot_be_read(self):
        deep = '{"transform": ' + '{"__class_fullname__": "Compose", "transforms": [' * 200
        for text, message in [
                ("", "stdin: error[CFG-IMPORT] the file is empty"),
                (saved(FLIP)[:-5], "stdin:1:"),
                (saved(FLIP)[:-5], "no valid JSON: syntax error"),
                ('{"transform": NaN}', "stdin:1:15: error[CFG-IMPORT] no valid JSON"),
                ('{"transform": {"__class_fullname__": "Blur", "p": 1e999}}', "number overflow"),
                ("[1, 2]", "expected what A.save writes"),
                ("{}", "there is no 'transform'"),
                ('{"transform": [1]}', "transform: expected a transform, a map"),
                (saved(FLIP, 7), "transform.transforms[1]: expected a transform, a map with "
                                 "__class_fullname__, got int 7"),
                (saved(FLIP, {"p": 1}), "transform.transforms[1]: __class_fullname__ must name"),
                (saved(a("OneOf", transforms=[FLIP, a(3)])),
                 "transform.transforms[0].transforms[1]: __class_fullname__"),
                (saved(a("OneOf", transforms={"x": 1})),
                 "transform.transforms[0].transforms: expected a list"),
                (deep, "error[CFG-IMPORT]"),
                (saved(*[FLIP] * 2500), "more than 2000 transforms"),
                ("transform: [\n", "error[CFG-"),
                ("transform: *x\n", "error[CFG-"),
                (saved(a("Bl\nur: {}")), "__class_fullname__")]:
            with self.subTest(text=text[:60]):
                done = self.call("import", "albumentations", "-", text=text)
                self.assertEqual(done.returncode, CONFIG, done.stderr[:500])
                self.assertIn(message, done.stderr)
                self.assertEqual(done.stdout, "")
        done = subprocess.run([CLI, "import", "albumentations", "-"], input=b'{"a": "\xff"}',
                              capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, CONFIG)
        self.assertIn(b"no UTF-8", done.stderr)
        done = self.call("import", "albumentations", "none.json")
        self.assertEqual(done.returncode, CONFIG)
        self.assertIn("cannot read 'none.json'", done.stderr)

    def test_text_from_the_file_stays_text(self):
        yaml, _ = self.load("albumentations", saved(
            a("ToGray", method="$(HOME)", p=1), a("Blur", **{"x\ny: $(A)": 1}), FLIP),
            code=SOME_MISSING)
        self.assertEqual(self.steps(yaml), ["- box_blur: {kernel: [3, 7], p: 0.5}",
                                            "- hflip: {p: 0.5}"])

    def test_output(self):
        (self.folder / "p.json").write_text(saved(FLIP))
        done = self.call("import", "albumentations", "p.json")
        self.assertEqual(done.returncode, OK)
        self.assertTrue(done.stdout.startswith("# Imported from albumentations 2.0.8.\nversion: 1\n"))
        self.assertEqual(done.stderr, "transform.transforms[0] HorizontalFlip -> hflip: exact\n"
                                      "1 item: 1 exact, 0 close, 0 without equivalent\n")
        self.assertEqual(self.call("import", "albumentations", "p.json", "-q").stderr, "")
        done = self.call("import", "albumentations", "p.json", "--out", "p.yaml")
        self.assertIn("1 exact", done.stdout)
        done = self.call("import", "albumentations", "p.json", "--out", "p.yaml")
        self.assertEqual(done.returncode, BUSY)
        self.assertIn("--overwrite", done.stderr)
        done = self.call("import", "albumentations", "p.json", "--out", "p.yaml", "--overwrite")
        self.assertEqual(done.returncode, OK)
        self.assertEqual(self.call("import", "albumentations", "p.json", "--out", "no/p.yaml")
                         .returncode, 5)
        for arguments in [["import"], ["import", "albumentations"], ["import", "imgaug", "x"],
                          ["import", "albumentations", "p.json", "--size", "3"]]:
            self.assertEqual(self.call(*arguments).returncode, CONFIG)

    # ---- torchvision -------------------------------------------------------------------------------

    def test_torchvision_print(self):
        yaml, report = self.load("torchvision", (FILES / "torchvision_print.txt").read_text())
        self.assertEqual(report["missing"], 0, report)
        text = " ".join(yaml.split())
        for part in [
                "- smallest_max_size: {size: 256, interpolation: antialias}",
                "- random_resized_crop: {size: [224, 224], scale: [0.08, 1], ratio: [0.75, 1.3333], "
                "interpolation: antialias}",
                "- chain: - pad: {all: 4, mask_fill: 0} - random_crop: {size: [96, 96], ",
                "- vflip: {p: 0.3}",
                "hue: [-0.1, 0.1], p: 0.8}",
                "- chain: - invert: {p: 0.5} - gaussian_blur: {sigma: [0.1, 2], kernel: 3} p: 0.5",
                "- {to_gray: {method: weighted_average}, weight: 1}",
                "- {to_gray: {method: weighted_average, p: 0.1}, weight: 2}",
                "- chain: - invert - equalize: {mode: pil, p: 0.5} weight: 3",
                "- random_order: - posterize: {bits: 3, p: 0.5} "
                "- solarize: {threshold: 0.5019607843137255, p: 0.5}",
                "translate_x: [-0.1, 0.1]", "shear_x: [-5, 5]",
                "- rotate: {angle: [-10, 10], interpolation: nearest, mask_fill: 0}",
                "- perspective: {sampler: distortion, distortion_scale: 0.5, mask_fill: 0, p: 0.5}",
                "- to_float", "# - normalize: {by: standard, mean: [0.485, 0.456, 0.406],",
                "# - layout"]:
            self.assertIn(part, text)
        self.run_pictures()

    def test_torchvision_as_it_is_written(self):
        for text, chain in [
                ("transforms.Compose([\n  transforms.Resize((24, 32)),  # a comment\n"
                 "  transforms.RandomHorizontalFlip(0.25),\n])",
                 ["- resize: {size: [24, 32], interpolation: antialias}", "- hflip: {p: 0.25}"]),
                ("t = v2.Compose([v2.ToImage(), v2.CenterCrop(size=[24]), v2.RandomApply("
                 "[v2.GaussianBlur(3, sigma=(1., 3/2))], p=0.3)])",
                 ["- center_crop: {size: 24, mask_fill: 0}",
                  "- gaussian_blur: {sigma: [1, 1.5], kernel: 3, p: 0.3}"]),
                ("Sequential(\n  (0): CenterCrop(size=(10, 12))\n  (1): RandomInvert(p=1)\n)",
                 ["- center_crop: {size: [10, 12], mask_fill: 0}", "- invert"]),
                ("[RandomInvert(), RandomVerticalFlip(p=1e-1)]",
                 ["- invert: {p: 0.5}", "- vflip: {p: 0.1}"]),
                ("ColorJitter(brightness=.3, hue=0.1)",
                 ["- color_jitter: {brightness: [0.7, 1.3], contrast: 1, saturation: 1, "
                  "hue: [-0.1, 0.1]}"])]:
            with self.subTest(text=text):
                yaml, report = self.load("torchvision", text)
                self.assertEqual(self.steps(yaml), chain)
                self.assertEqual(report["missing"], 0)

    def test_torchvision_policies(self):
        verbs = self.verbs()
        for text, verb, step in [
                ("RandAugment(num_ops=3, magnitude=7)", "rand_augment",
                 "n: 3, magnitude: 7, bins: 31, interpolation: nearest}"),
                ("AutoAugment(policy=AutoAugmentPolicy.CIFAR10, fill=None)", "auto_augment",
                 "policy: cifar10, interpolation: nearest}"),
                ("TrivialAugmentWide()", "trivial_augment_wide", "bins: 31, interpolation: nearest}"),
                ("AugMix(severity=5)", "aug_mix", "severity: 5, width: 3, depth: -1, alpha: 1}")]:
            with self.subTest(text=text):
                if verb not in verbs:
                    done = self.call("import", "torchvision", text)
                    self.assertEqual(done.returncode, SOME_MISSING)
                    print(f"[skipped] {text}: this build has no verb {verb}")
                    continue
                yaml, report = self.load("torchvision", text)
                self.assertIn(f"{verb}: {{{step}", yaml)
                self.assertEqual(report["items"][0]["likeness"], "exact")
                self.run_pictures()

    def test_nodes(self):
        yaml, _ = self.load("torchvision", "Compose([RandomInvert(p=1), FiveCrop(20), "
                                           "RandomHorizontalFlip(p=1)])")
        self.assertIn("  augment:\n    - invert\n  five_crop:\n    five_crop: {size: 20}\n"
                      "  augment_2:\n    - hflip\n", yaml)
        _, report = self.load("torchvision", "RandomApply([FiveCrop(20), RandomInvert()], p=0.5)",
                              code=SOME_MISSING)
        self.assertIn("cannot stand inside another step", " ".join(report["items"][1]["notes"]))

    def test_torchvision_errors(self):
        for text, message in [
                ("Compose([Resize(3)", "stdin:1:19: error[CFG-IMPORT] the text ends early"),
                ("Compose([\n  Resize(3$)])", "stdin:2:11: error[CFG-IMPORT] expected a value"),
                ("", "nothing to read"), ("3", "expected a transform"), ("Resize", "a transform"),
                ("Resize(3) x", "expected the end, got 'x'"), ("Resize('x", "does not end"),
                ("Resize(<x)", "'<' is not closed"), ("Resize(1/0)", "division by 0"),
                ("(" * 5000, "nested deeper"), ("A(" * 5000, "nested deeper"),
                ("Compose(" + "RandomInvert() " * 2500 + ")", "more than 2000 transforms"),
                ("Resize(" + "9" * 400 + ")", "expected a value")]:
            with self.subTest(text=text[:40]):
                done = self.call("import", "torchvision", "-", text=text)
                self.assertEqual(done.returncode, CONFIG, done.stderr[:300])
                self.assertIn(message, done.stderr)
        done = self.call("import", "torchvision", "none.txt")
        self.assertEqual(done.returncode, CONFIG)
        self.assertIn("no such file, and it is no transform", done.stderr)

    def test_against_torchvision(self):
        """What draws nothing gives the pixels that torchvision gives."""
        try:
            import torchvision.transforms as T
        except ImportError as error:
            print(f"[skipped] pixels of torchvision: {error}")
            return
        bilinear = T.InterpolationMode.BILINEAR
        bicubic = T.InterpolationMode.BICUBIC
        nearest = T.InterpolationMode.NEAREST
        # The greatest difference of any value, and that of the mean.
        for transform, worst, mean in CASES(T, bilinear, bicubic, nearest):
            with self.subTest(transform=repr(transform)):
                _, report = self.load("torchvision", repr(transform))
                expected = numpy.asarray(transform(Image.fromarray(self.scene)))
                result = self.run_pictures()[0]
                self.assertEqual(result.shape, expected.shape)
                difference = numpy.abs(result.astype(int) - expected.astype(int))
                self.assertLessEqual(difference.max(), worst)
                self.assertLessEqual(difference.mean(), mean)


def CASES(T, bilinear, bicubic, nearest):
    """Transforms that draw nothing; the greatest difference allowed for a value, and for their mean.

    Pillow cuts off what lies behind the point in its warps, and takes the hue in bytes.
    """
    warp = 0.75  # half a level of cutting off, and what borders add
    return [
        (T.Resize((24, 40), interpolation=bilinear), 1, 0.3),
        (T.Resize((24, 40), interpolation=bicubic), 1, 0.3),
        (T.Resize((24, 32), interpolation=nearest), 0, 0),
        (T.Resize((100, 150)), 1, 0.3),
        (T.Resize(24), 1, 0.3),
        (T.CenterCrop((20, 30)), 0, 0),
        (T.CenterCrop((60, 80)), 0, 0),
        (T.Pad((3, 4, 5, 6), fill=7), 0, 0),
        (T.Pad(9, padding_mode="reflect"), 0, 0),
        (T.Pad(9, padding_mode="symmetric"), 0, 0),
        (T.Pad((2, 5), padding_mode="edge"), 0, 0),
        (T.RandomHorizontalFlip(1), 0, 0),
        (T.RandomVerticalFlip(1), 0, 0),
        (T.RandomRotation((30, 30)), 255, 0.3),
        (T.RandomAffine((20, 20)), 255, 0.3),
        (T.RandomAffine((-10, -10), shear=(10, 10)), 255, 0.3),
        (T.RandomAffine((0, 0), shear=(0, 0, 10, 10)), 255, 0.3),
        (T.RandomAffine((20, 20), scale=(0.8, 0.8), shear=(10, 10, 8, 8)), 255, 0.3),
        (T.RandomAffine((0, 0), scale=(1.3, 1.3), interpolation=bilinear), 1, warp),
        (T.ColorJitter((1.3, 1.3)), 1, 0.6),
        (T.ColorJitter(contrast=(1.4, 1.4)), 1, 0.6),
        (T.ColorJitter(saturation=(1.7, 1.7)), 1, 0.6),
        (T.ColorJitter(hue=(0.2, 0.2)), 9, 1.5),
        (T.Grayscale(1), 1, 0.1),
        (T.Grayscale(3), 1, 0.1),
        (T.RandomGrayscale(1), 1, 0.1),
        (T.GaussianBlur(5, (1.5, 1.5)), 1, 0.1),
        (T.RandomInvert(1), 0, 0),
        (T.RandomPosterize(3, 1), 0, 0),
        (T.RandomSolarize(128, 1), 0, 0),
        (T.RandomSolarize(77, 1), 0, 0),
        (T.RandomAdjustSharpness(2, 1), 1, 0.1),
        (T.RandomAdjustSharpness(0.3, 1), 1, 0.6),
        (T.RandomAutocontrast(1), 1, 0.6),
        (T.RandomEqualize(1), 0, 0),
    ]


if __name__ == "__main__":
    unittest.main(verbosity=2)
