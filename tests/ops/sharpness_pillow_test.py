#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`sharpness` against Pillow's ImageEnhance.Sharpness and, where it is there, torchvision's
adjust_sharpness: within one level. Runs the `pixloom` command on lossless files."""
import pathlib
import sys
import unittest

try:
    import numpy
    from PIL import Image, ImageEnhance
except ImportError as missing:
    print(f"[skipped] sharpness_pillow_test: {missing}")
    sys.exit(77)

try:
    import torch
    from torchvision.transforms import functional
except ImportError:
    torch = None

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import steps  # noqa: E402  (needs the two above)

FACTORS = [0, 0.3, 1, 1.5, 2, 5]


def pillow(values, factor):
    return numpy.array(ImageEnhance.Sharpness(Image.fromarray(values)).enhance(factor))


def torchvision(values, factor):
    planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    sharp = functional.adjust_sharpness(torch.from_numpy(planes.copy()), factor).numpy()
    return sharp[0] if values.ndim == 2 else sharp.transpose(1, 2, 0)


class SharpnessTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.pictures = steps.pictures()
        cls.results = steps.run({f"f{i}": f"sharpness: {f}" for i, f in enumerate(FACTORS)},
                                cls.pictures)

    def compare(self, expected):
        self.assertEqual(len(self.results), len(FACTORS) * len(self.pictures))
        worst = 0
        for i, factor in enumerate(FACTORS):
            for name, values in self.pictures.items():
                with self.subTest(factor=factor, picture=name):
                    own = self.results[f"f{i}", name]
                    other = expected(values, factor)
                    self.assertEqual(own.shape, other.shape)
                    off = int(numpy.abs(own.astype(int) - other.astype(int)).max())
                    self.assertLessEqual(off, 1)
                    worst = max(worst, off)
        return worst

    def test_pillow(self):
        print("worst difference from Pillow:", self.compare(pillow))

    @unittest.skipIf(torch is None, "torchvision is not there")
    def test_torchvision(self):
        print("worst difference from torchvision:", self.compare(torchvision))

    def test_it_changes_pictures(self):
        for i, factor in enumerate(FACTORS):
            own = self.results[f"f{i}", "noise"]
            self.assertEqual(factor == 1, bool((own == self.pictures["noise"]).all()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
