#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Colour operators against torchvision and Pillow, within one level: both cut fractions off where
Pixloom rounds. Runs the `pixloom` command on lossless files and prints the worst differences."""
import itertools
import pathlib
import sys
import unittest
import unittest.mock

try:
    import numpy
    import torch
    import torchvision.transforms.functional as peer
    import torchvision.transforms.functional_tensor as functional_tensor
    from PIL import Image, ImageEnhance, ImageOps
except ImportError as missing:
    print(f"[skipped] photometric_torchvision_test: {missing}")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import steps  # noqa: E402  (needs the two above)

PICTURES = steps.pictures()
COLOURED = {name: values for name, values in PICTURES.items() if values.ndim == 3}
FACTORS = [0, 0.3, 0.75, 1, 1.25, 1.7]


def tensor(values):
    return torch.from_numpy(values if values.ndim == 3 else values[:, :, None]).permute(2, 0, 1)


def torchvision(function, *arguments):
    def run(values):
        result = function(tensor(values), *arguments).permute(1, 2, 0).numpy()
        return result if values.ndim == 3 else result[:, :, 0]
    return run


def on_floats(function, *arguments):
    """torchvision on a float tensor, rounded once."""
    def run(values):
        result = function(tensor(values).to(torch.float64) / 255, *arguments)
        return torch.floor(result * 255 + 0.5).permute(1, 2, 0).numpy()
    return run


def pillow(function, *arguments, **named):
    return lambda values: numpy.array(function(Image.fromarray(values), *arguments, **named))


def enhanced(enhancer, factor):
    return lambda values: numpy.array(enhancer(Image.fromarray(values)).enhance(factor))


class PhotometricTorchvisionTest(unittest.TestCase):

    def compare(self, what, cases, pictures, allowed=1):
        """cases: {step in YAML: [(name of the peer, function of an array)]}"""
        names = {f"s{i}": step for i, step in enumerate(cases)}
        results = steps.run(names, pictures)
        self.assertEqual(len(results), len(names) * len(pictures))
        worst = {}
        for name, step in names.items():
            for peer_name, expected in cases[step]:
                for picture, values in pictures.items():
                    with self.subTest(step=step, peer=peer_name, picture=picture):
                        other = expected(values)
                        own = results[name, picture]
                        self.assertEqual(own.shape, other.shape)
                        off = int(numpy.abs(own.astype(int) - other.astype(int)).max())
                        worst[peer_name] = max(worst.get(peer_name, 0), off)
                        self.assertLessEqual(off, allowed)
        print(f"{what}: worst difference", ", ".join(f"{v} from {k}" for k, v in worst.items()))

    def test_brightness(self):
        self.compare("brightness", {
            f"brightness: {f}": [("torchvision", torchvision(peer.adjust_brightness, f)),
                                 ("Pillow", enhanced(ImageEnhance.Brightness, f))]
            for f in FACTORS}, PICTURES)

    def test_contrast(self):
        self.compare("contrast", {
            f"contrast: {f}": [("torchvision", torchvision(peer.adjust_contrast, f)),
                               ("Pillow", enhanced(ImageEnhance.Contrast, f))]
            for f in FACTORS}, PICTURES)

    def test_saturation(self):
        self.compare("saturation", {
            f"saturation: {f}": [("torchvision on floats", on_floats(peer.adjust_saturation, f)),
                                 ("Pillow", enhanced(ImageEnhance.Color, f))]
            for f in FACTORS}, COLOURED)
        # Of uint8 tensors torchvision cuts the gray off and then the blend.
        self.compare("saturation", {
            f"saturation: {f}": [("torchvision", torchvision(peer.adjust_saturation, f))]
            for f in FACTORS}, COLOURED, 2)

    def test_hue(self):
        self.compare("hue", {
            f"hue: {turns}": [("torchvision", torchvision(peer.adjust_hue, turns))]
            for turns in (-0.5, -0.21, -1 / 3, 0, 0.05, 0.25, 0.49)}, COLOURED)

    def test_color_jitter_alone(self):
        neutral = {"brightness": 1, "contrast": 1, "saturation": 1, "hue": 0}
        functions = {"brightness": peer.adjust_brightness, "contrast": peer.adjust_contrast,
                     "saturation": peer.adjust_saturation, "hue": peer.adjust_hue}
        cases = {}
        for name, function in functions.items():
            for value in ((-0.3, 0.12) if name == "hue" else (0.6, 1.4)):
                given = ", ".join(f"{k}: {v}" for k, v in {**neutral, name: value}.items())
                cases[f"color_jitter: {{{given}}}"] = [
                    ("torchvision", torchvision(function, value))]
        self.compare("color_jitter, one factor", cases, COLOURED)

    def test_color_jitter_in_any_order(self):
        """The orders that are drawn: torchvision on float tensors, rounded to whole levels after
        each step as uint8 pictures are. It is lent the decimals of Pixloom's luma, since a level
        that they move across a half may come out of the later steps two or three levels off."""
        factors = {"brightness": 1.2, "contrast": 0.7, "saturation": 1.3, "hue": 0.1}
        functions = {"brightness": peer.adjust_brightness, "contrast": peer.adjust_contrast,
                     "saturation": peer.adjust_saturation, "hue": peer.adjust_hue}

        def whole(levels):
            return torch.floor(levels * 255 + 0.5) / 255

        def luma(rgb, num_output_channels=1):
            gray = (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2])[None]
            return whole(gray) if name == "contrast" else gray

        given = ", ".join(f"{k}: {v}" for k, v in factors.items())
        orders = list(itertools.permutations(functions))
        recipes = {}
        copies = {f"{name}{i}": values for name, values in COLOURED.items() for i in range(6)}
        results = steps.run({"jitter": f"color_jitter: {{{given}}}"}, copies, recipes)
        worst = 0
        share = 0
        seen = set()
        for picture, values in copies.items():
            order = orders[int(recipes["jitter", picture]["order"])]
            seen.add(order)
            level = tensor(values).to(torch.float64) / 255
            with unittest.mock.patch.object(functional_tensor, "rgb_to_grayscale", luma):
                for name in order:
                    level = whole(functions[name](level, factors[name]))
            expected = (level * 255).round().permute(1, 2, 0).numpy().astype(int)
            off = numpy.abs(results["jitter", picture].astype(int) - expected)
            with self.subTest(picture=picture, order=order):
                self.assertLessEqual(off.max(), 2)
                self.assertLessEqual((off > 1).mean(), 1e-3)  # halves that went the other way
            worst = max(worst, int(off.max()))
            share = max(share, (off > 0).mean())
        self.assertGreater(len(seen), 12)
        print(f"color_jitter, {len(seen)} orders: worst difference {worst} from torchvision on "
              f"floats, none on {1 - share:.2%} of the values or more")

    def test_posterize(self):
        self.compare("posterize", {
            f"posterize: {bits}": [("torchvision", torchvision(peer.posterize, bits)),
                                   ("Pillow", pillow(ImageOps.posterize, bits))]
            for bits in range(1, 9)}, PICTURES, 0)

    def test_solarize(self):
        self.compare("solarize", {
            f"solarize: {level / 255}": [("torchvision", torchvision(peer.solarize, level)),
                                         ("Pillow", pillow(ImageOps.solarize, level))]
            for level in (0, 1, 64, 100, 128, 200, 255)}, PICTURES, 0)

    def test_invert(self):
        self.compare("invert", {
            "invert": [("torchvision", torchvision(peer.invert)),
                       ("Pillow", pillow(ImageOps.invert))]}, PICTURES, 0)

    def test_auto_contrast(self):
        self.compare("auto_contrast", {
            "auto_contrast": [("torchvision", torchvision(peer.autocontrast)),
                              ("Pillow", pillow(ImageOps.autocontrast))],
            **{f"auto_contrast: {cut}": [("Pillow", pillow(ImageOps.autocontrast, cutoff=cut))]
               for cut in (0.5, 2, 10, 33, 49)},
            "auto_contrast: {cutoff: 1, by_channels: false}": [
                ("Pillow", pillow(ImageOps.autocontrast, cutoff=1, preserve_tone=True))],
        }, PICTURES)

    def test_equalize(self):
        self.compare("equalize", {
            "equalize: {mode: pil}": [("torchvision", torchvision(peer.equalize)),
                                      ("Pillow", pillow(ImageOps.equalize))]}, PICTURES, 0)

    def test_rgb_shift(self):
        def shifted(values):
            return numpy.clip(values.astype(int) + [30, -51, 128], 0, 255)
        self.compare("rgb_shift", {
            f"rgb_shift: {{red: {30 / 255}, green: -0.2, blue: {128 / 255}}}": [
                ("NumPy", shifted)]}, COLOURED, 0)

    def test_colorize(self):
        colours = {"black": (10, 20, 90), "mid": (200, 100, 50), "white": (255, 240, 220)}
        levels = numpy.arange(256, dtype=numpy.uint8)[None, :, None].repeat(3, axis=2)
        given = ", ".join(f"{k}: [{', '.join(str(v / 255) for v in c)}]"
                          for k, c in colours.items())

        def expected(values):
            gray = Image.fromarray(values[:, :, 0])
            return numpy.array(ImageOps.colorize(gray, **colours))
        self.compare("colorize", {
            f"colorize: {{{given}, mid_at: {127 / 255}}}": [("Pillow", expected)]},
            {"levels": levels})


if __name__ == "__main__":
    unittest.main()
