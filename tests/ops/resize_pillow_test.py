#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`resize` against the libraries it promises to equal: Pillow within one level for the antialiased
kinds, and OpenCV bit for bit for the others where its Python module is there (the C++ tests compare
with OpenCV in any case). Runs the `pixloom` command on lossless files."""
import pathlib
import sys
import unittest

try:
    import numpy
    from PIL import Image
except ImportError as missing:
    print(f"[skipped] resize_pillow_test: {missing}")
    sys.exit(77)

try:
    import cv2
except ImportError:
    cv2 = None

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import steps  # noqa: E402  (needs the two above)

PILLOW = {"antialias": Image.BILINEAR, "antialias_cubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
OPENCV = {"nearest": "INTER_NEAREST", "linear": "INTER_LINEAR", "cubic": "INTER_CUBIC",
          "area": "INTER_AREA"}

# Height, width: down, up, both, by whole and odd factors, to a line and a point.
SIZES = [(37, 61), (50, 75), (24, 11), (251, 163), (200, 300), (13, 400), (3, 2), (1, 1), (1, 97),
         (100, 149), (640, 5)]


class ResizePillowTest(unittest.TestCase):

    pictures = {
        **steps.pictures(),
        "tall": numpy.random.default_rng(5).integers(0, 256, (301, 7, 3)).astype(numpy.uint8),
    }

    def resized(self, chains):
        return steps.run(chains, self.pictures)

    def compare(self, kinds, expected, allowed):
        worst = 0
        for kind in kinds:
            chains = {f"s{h}x{w}": f"resize: {{size: [{h}, {w}], interpolation: {kind}}}"
                     for h, w in SIZES}
            results = self.resized(chains)
            self.assertEqual(len(results), len(SIZES) * len(self.pictures))
            for h, w in SIZES:
                for name, values in self.pictures.items():
                    with self.subTest(kind=kind, size=(h, w), picture=name):
                        own = results[f"s{h}x{w}", name]
                        other = expected(values, kind, h, w)
                        if other is None:
                            continue
                        self.assertEqual(own.shape, other.shape)
                        off = int(numpy.abs(own.astype(int) - other.astype(int)).max())
                        self.assertLessEqual(off, allowed)
                        worst = max(worst, off)
        return worst

    def test_antialiased_kinds_are_pillows(self):
        def pillow(values, kind, h, w):
            return numpy.array(Image.fromarray(values).resize((w, h), PILLOW[kind]))
        print("worst difference from Pillow:", self.compare(PILLOW, pillow, 1))

    def test_crop_and_resize_is_pillows_box(self):
        box = (13, 7, 113, 88)
        crop = "crop: {x_min: 13, y_min: 7, x_max: 113, y_max: 88}"
        for kind, code in PILLOW.items():
            chains = {f"s{h}x{w}": f"{crop}, resize: {{size: [{h}, {w}], interpolation: {kind}}}"
                     for h, w in SIZES[:4]}
            results = self.resized(chains)
            for h, w in SIZES[:4]:
                for name, values in self.pictures.items():
                    if values.shape[0] < 88 or values.shape[1] < 113:
                        continue
                    with self.subTest(kind=kind, size=(h, w), picture=name):
                        # A crop hides what is beyond it, as a picture's edge does.
                        part = Image.fromarray(values).crop(box).resize((w, h), code)
                        own = results[f"s{h}x{w}", name].astype(int)
                        off = numpy.abs(own - numpy.array(part).astype(int)).max()
                        self.assertLessEqual(off, 1)

    def test_other_kinds_are_opencvs(self):
        if cv2 is None:
            self.skipTest("cv2 is not installed; kernels_test compares with OpenCV's library")

        def opencv(values, kind, h, w):
            grows = h > values.shape[0] or w > values.shape[1]
            if kind == "nearest" or (kind == "area" and grows):
                return None  # nearest there takes no pixel centres; area is linear where it grows
            return cv2.resize(values, (w, h), interpolation=getattr(cv2, OPENCV[kind]))
        self.compare(OPENCV, opencv, 0)


if __name__ == "__main__":
    unittest.main()
