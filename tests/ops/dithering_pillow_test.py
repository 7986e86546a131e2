#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`dithering` to two levels against Pillow's convert("1"), pixel by pixel; `to_gray` against its
convert("L") within one level. Runs the `pixloom` command on lossless files."""
import pathlib
import sys
import unittest

try:
    import numpy
    from PIL import Image
except ImportError as missing:
    print(f"[skipped] dithering_pillow_test: {missing}")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import steps  # noqa: E402  (needs the two above)


class DitheringPillowTest(unittest.TestCase):

    def test_two_levels_are_pillows(self):
        rng = numpy.random.default_rng(3)
        y, x = numpy.mgrid[0:120, 0:90]
        grays = {
            "noise": rng.integers(0, 256, (77, 131)),
            "ramp": (x + y) * 255 // 208,
            "wide": numpy.arange(256)[None, :],
            "tall": numpy.arange(256)[:, None],
            "middle": numpy.full((30, 41), 128),
            "below": numpy.full((30, 41), 127),
            "point": numpy.full((1, 1), 129),
            "extremes": rng.integers(0, 2, (50, 50)) * 255,
        }
        grays = {name: values.astype(numpy.uint8) for name, values in grays.items()}
        results = steps.run({"two": "dithering: {}"}, grays)
        self.assertEqual(len(results), len(grays))
        for name, values in grays.items():
            with self.subTest(picture=name):
                other = numpy.array(Image.fromarray(values).convert("1")).astype(numpy.uint8) * 255
                numpy.testing.assert_array_equal(results["two", name], other)

    def test_each_channel_is_dithered_alone(self):
        pictures = {n: v for n, v in steps.pictures().items() if v.ndim == 3}
        results = steps.run({"two": "dithering: {}"}, pictures)
        for name, values in pictures.items():
            for c in range(3):
                with self.subTest(picture=name, channel=c):
                    plane = Image.fromarray(numpy.ascontiguousarray(values[:, :, c]))
                    other = numpy.array(plane.convert("1")).astype(numpy.uint8) * 255
                    numpy.testing.assert_array_equal(results["two", name][:, :, c], other)

    def test_gray_is_pillows(self):
        pictures = {n: v for n, v in steps.pictures().items() if v.ndim == 3}
        results = steps.run({"gray": "to_gray: {single: true}"}, pictures)
        for name, values in pictures.items():
            with self.subTest(picture=name):
                other = numpy.array(Image.fromarray(values).convert("L")).astype(int)
                own = results["gray", name].astype(int)
                self.assertEqual(own.shape, other.shape)
                self.assertLessEqual(numpy.abs(own - other).max(), 1)


if __name__ == "__main__":
    unittest.main()
