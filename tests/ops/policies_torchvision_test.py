#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Augmentation policies against torchvision's, on photographs: Pixloom runs a policy, its recipe
says which operations of which strength were drawn, torchvision does the same ones. Prints a table
per operation: the share of pixels within one and two levels in all channels, and the worst."""
import collections
import math
import pathlib
import sys
import unittest

try:
    import numpy
    import skimage
    import torch
    from PIL import Image
    from torchvision.transforms import InterpolationMode, autoaugment
    from torchvision.transforms import functional as peer
except ImportError as missing:
    print(f"[skipped] policies_torchvision_test: {missing}")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import steps  # noqa: E402  (needs the two above)

PHOTOGRAPHS = pathlib.Path(skimage.__file__).parent / "data"
BILINEAR = InterpolationMode.BILINEAR
GEOMETRY = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")


def photographs():
    """uint8 RGB of several sizes, odd and even."""
    def load(name):
        return numpy.array(Image.open(PHOTOGRAPHS / name).convert("RGB"))

    def smaller(values, width, height):
        return numpy.array(Image.fromarray(values).resize((width, height), Image.BICUBIC))
    astronaut, cat, coffee, rocket = map(
        load, ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"))
    return {
        "astronaut": astronaut,                   # 512 x 512
        "cat": cat,                               # 451 x 300
        "coffee": coffee[1:, 1:],                 # 599 x 399
        "rocket": rocket,                         # 640 x 427
        "face": smaller(astronaut[:300, 100:400], 224, 224),
        "eyes": cat[50:251, 60:323],              # 263 x 201
    }


PICTURES = photographs()


def magnitude(verb, draws, shape, scale_px):
    """(torchvision's name, its magnitude) of one operation in a recipe."""
    height, width = shape[:2]
    if verb == "shear":
        name = "ShearX" if draws["x"] != 0 else "ShearY"
        return name, -math.tan(math.radians(draws["x"] or draws["y"]))
    if verb == "translate":
        along = "x" if draws["x"] != 0 else "y"
        side = 1 if scale_px else width if along == "x" else height
        shift = draws[along] * side
        return "Translate" + along.upper(), shift + math.copysign(1e-6, shift)
    if verb == "rotate":
        return "Rotate", draws["angle"]
    factors = {"brightness": "Brightness", "saturation": "Color", "contrast": "Contrast",
               "sharpness": "Sharpness"}
    if verb in factors:
        return factors[verb], draws["factor"] - 1
    if verb == "posterize":
        return "Posterize", draws["bits"]
    if verb == "solarize":
        return "Solarize", draws["threshold"] * 255
    return {"auto_contrast": "AutoContrast", "equalize": "Equalize", "invert": "Invert",
            "identity": "Identity"}[verb], 0.0


def operations(recipe, shape, scale_px=False):
    """What was applied, in order."""
    applied = []
    for entry in recipe:
        draws = dict(entry.get("draws", []))
        if entry["applied"] and "picked" not in draws and "original" not in draws:
            verb = entry["step"].split("/")[-1].split("#")[0]
            applied.append(magnitude(verb, draws, shape, scale_px))
    return applied


def by_tensor(values, ops):
    tensor = torch.from_numpy(values).permute(2, 0, 1).contiguous()
    for name, strength in ops:
        tensor = autoaugment._apply_op(tensor, name, strength, BILINEAR, None).contiguous()
    return tensor.permute(1, 2, 0).numpy()


def by_pillow(values, ops):
    image = Image.fromarray(values)
    for name, strength in ops:
        image = autoaugment._apply_op(image, name, strength, BILINEAR, None)
    return numpy.array(image)


def difference(own, other):
    """Per pixel, the largest of the channels."""
    return numpy.abs(own.astype(int) - other.astype(int)).max(axis=2)


def inner(values, ops):
    """Pixels whose neighbours all come from inside the picture, where a border rule has no say."""
    mask = torch.ones((1,) + values.shape[:2])
    for name, strength in ops:
        if name in GEOMETRY:
            mask = autoaugment._apply_op(mask, name, strength, BILINEAR, None)
    mask = mask[0].numpy() > 0.999
    grown = numpy.pad(mask, 1, mode="edge")
    return (grown[:-2, 1:-1] & grown[2:, 1:-1] & grown[1:-1, :-2] & grown[1:-1, 2:] & mask)


class Tally:
    def __init__(self):
        self.pixels = self.within_one = self.within_two = self.worst = self.runs = 0

    def add(self, off):
        self.runs += 1
        self.pixels += off.size
        self.within_one += int((off <= 1).sum())
        self.within_two += int((off <= 2).sum())
        self.worst = max(self.worst, int(off.max()) if off.size else 0)

    def share(self, count):
        return count / max(self.pixels, 1)


def table(title, tallies):
    print(f"\n{title}\n{'operation':<14}{'runs':>6}{'within 1':>11}{'within 2':>11}{'worst':>7}")
    for name, tally in sorted(tallies.items()):
        print(f"{name:<14}{tally.runs:>6}{tally.share(tally.within_one):>11.3%}"
              f"{tally.share(tally.within_two):>11.3%}{tally.worst:>7}")


class PoliciesTorchvisionTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.entries = {}
        cls.policies = {
            "wide": "{trivial_augment_wide: {}, resample: each}",
            "nearest": "{trivial_augment_wide: {interpolation: nearest, fill: [30, 90, 200]}}",
            "rand9": "{rand_augment: {n: 1}, resample: each}",
            "rand30": "{rand_augment: {n: 1, magnitude: 30}, resample: each}",
            "pair": "{rand_augment: {}, resample: each}",
            "imagenet": "{auto_augment: imagenet, resample: each}",
            "cifar10": "{auto_augment: cifar10, resample: each}",
            "svhn": "{auto_augment: svhn, resample: each}",
        }
        cls.inputs = {f"{name}{i:02}": values for name, values in PICTURES.items()
                      for i in range(10)}
        cls.results = steps.run(cls.policies, cls.inputs, entries=cls.entries)

    def cases(self):
        for (policy, picture), own in self.results.items():
            values = self.inputs[picture]
            ops = operations(self.entries[policy, picture], values.shape,
                             policy in ("wide", "nearest"))
            yield policy, values, own, ops

    def test_strengths(self):
        """Every strength that was drawn stands in torchvision's space."""
        compared = 0
        for policy, values, _, ops in self.cases():
            size = values.shape[:2]
            if policy in ("wide", "nearest"):
                space = autoaugment.TrivialAugmentWide()._augmentation_space(31)
            elif policy in ("imagenet", "cifar10", "svhn"):
                space = autoaugment.AutoAugment()._augmentation_space(10, size)
            else:
                space = autoaugment.RandAugment()._augmentation_space(31, size)
            for name, strength in ops:
                magnitudes, signed = space[name]
                magnitudes = magnitudes.reshape(-1).tolist()
                if name in ("AutoContrast", "Equalize", "Invert", "Identity"):
                    continue
                if policy in ("rand9", "pair", "rand30"):
                    magnitudes = [magnitudes[30 if policy == "rand30" else 9]]
                if policy in ("wide", "nearest") and name.startswith("Translate"):
                    magnitudes = [int(m) for m in magnitudes]  # which is what it does with them
                size_of = abs(strength) if signed else strength
                with self.subTest(policy=policy, op=name, strength=strength):
                    self.assertLess(min(abs(size_of - m) for m in magnitudes), 1e-4)
                compared += 1
        self.assertGreater(compared, 300)

    def test_nearest_and_fill(self):
        """Nearest neighbours: the same pixels but where a position lies on the border of two."""
        tallies = {"tensor": collections.defaultdict(Tally),
                   "Pillow": collections.defaultdict(Tally)}
        for policy, values, own, ops in self.cases():
            if policy != "nearest" or ops[0][0] not in GEOMETRY:
                continue
            name, strength = ops[0]
            fill = [30.0, 90.0, 200.0]
            tensor = torch.from_numpy(values).permute(2, 0, 1).contiguous()
            other = autoaugment._apply_op(tensor, name, strength, InterpolationMode.NEAREST, fill)
            tallies["tensor"][name].add(difference(own, other.permute(1, 2, 0).numpy()))
            other = autoaugment._apply_op(Image.fromarray(values), name, strength,
                                          InterpolationMode.NEAREST, [30, 90, 200])
            tallies["Pillow"][name].add(difference(own, numpy.array(other)))
        for p, found in tallies.items():
            table(f"torchvision, {p} path, nearest, filled with a colour", found)
            self.assertEqual(set(found), set(GEOMETRY))
            for name, tally in found.items():
                with self.subTest(peer=p, op=name):
                    self.assertGreaterEqual(tally.share(tally.within_two), 0.995)

    def test_two_operations(self):
        """One after the other. A level that one of them cuts off and the other rounds is amplified
        by the next factor, and may be many behind equalize, auto_contrast, posterize or solarize:
        the share is lower than of single operations."""
        tallies = collections.defaultdict(Tally)
        for policy, values, own, ops in self.cases():
            ops = [op for op in ops if op[0] != "Identity"]
            if len(ops) == 2:
                tallies[policy].add(difference(own, by_tensor(values, ops)))
        table("torchvision, tensor path, two operations, by policy", tallies)
        for policy, tally in tallies.items():
            with self.subTest(policy=policy):
                self.assertGreaterEqual(tally.share(tally.within_two), 0.95)

    def test_single_operations(self):
        self.assertEqual(len(self.results), len(self.inputs) * len(self.policies))
        peers = {"tensor": by_tensor, "Pillow": by_pillow}
        tallies = {(p, part): collections.defaultdict(Tally)
                   for p in peers for part in ("all", "inner")}
        for policy, values, own, ops in self.cases():
            ops = [op for op in ops if op[0] != "Identity"]
            if len(ops) > 1 or policy == "nearest":
                continue
            name = ops[0][0] if ops else "Identity"
            for p, run in peers.items():
                off = difference(own, run(values, ops))
                tallies[p, "all"][name].add(off)
                if name in GEOMETRY:
                    tallies[p, "inner"][name].add(off[inner(values, ops)])
        for (p, part), found in tallies.items():
            where = "all pixels" if part == "all" else "pixels that see no border"
            table(f"torchvision, {p} path, {where}", found)
        self.assertEqual(set(tallies["tensor", "all"]), set(
            "Identity ShearX ShearY TranslateX TranslateY Rotate Brightness Color Contrast "
            "Sharpness Posterize Solarize AutoContrast Equalize Invert".split()))
        for (p, part), found in tallies.items():
            for name, tally in found.items():
                with self.subTest(peer=p, part=part, op=name):
                    self.assertGreaterEqual(tally.share(tally.within_two), 0.995)


class AugMixTorchvisionTest(unittest.TestCase):

    def test_mixture(self):
        """The shares and chains of the recipe, mixed in float64 from torchvision's pictures."""
        entries = {}
        policies = {"usual": "{aug_mix: {}, resample: each}",
                    "hard": "{aug_mix: {severity: 10, width: 2, depth: 2, alpha: 0.5}, "
                            "resample: each}"}
        inputs = {f"{name}{i}": values for name, values in PICTURES.items() for i in range(3)}
        results = steps.run(policies, inputs, entries=entries)
        space = autoaugment.AugMix()._augmentation_space(10, (1, 1))
        tallies = collections.defaultdict(Tally)
        for (policy, picture), own in results.items():
            values = inputs[picture]
            recipe = entries[policy, picture]
            blend = next(i for i, e in enumerate(recipe) if "/blend" in e["step"])
            shares = [value for _, value in recipe[blend]["draws"]]
            ops = operations(recipe[blend + 1:], values.shape)
            chains = self.chains(recipe[blend + 1:], values.shape, policy, len(shares) - 1)
            self.assertEqual(sum(len(chain) for chain in chains), len(ops))
            self.assertTrue({name for name, _ in ops} <= set(space))
            self.assertAlmostEqual(sum(shares), 1, 12)
            mixed = shares[0] * values.astype(float)
            for share, chain in zip(shares[1:], chains):
                self.assertTrue(1 <= len(chain) <= 3)
                mixed += share * by_tensor(values, chain)
            tallies[policy].add(difference(own, numpy.floor(mixed + 0.5)))
        table("torchvision, tensor path, AugMix", tallies)
        for policy, tally in tallies.items():
            with self.subTest(policy=policy):
                self.assertGreaterEqual(tally.share(tally.within_two), 0.98)

    @staticmethod
    def chains(recipe, shape, policy, width):
        """The operations of each branch, in order: each begins with its some_of, or has two."""
        if policy == "hard":
            ops = operations(recipe, shape)
            return [ops[i * 2:i * 2 + 2] for i in range(width)]
        starts = [i for i, e in enumerate(recipe) if "/some_of" in e["step"]] + [len(recipe)]
        return [operations(recipe[a:b], shape) for a, b in zip(starts, starts[1:])]


if __name__ == "__main__":
    unittest.main()
