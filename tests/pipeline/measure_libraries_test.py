#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What expressions measure against NumPy, SciPy and scikit-image. Runs the `pixloom` command on
lossless files; a switch writes what it measured into the recipe."""
import math
import pathlib
import sys
import unittest

try:
    import numpy
    import scipy.ndimage
    import scipy.signal
    from skimage import color, measure
    measure.blur_effect
except (ImportError, AttributeError) as missing:
    print(f"[skipped] measure_libraries_test: {missing}")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import steps  # noqa: E402  (needs the above)

NAMES = ["brightness", "contrast", "sharpness", "blur", "noise", "saturation", "entropy",
         "luma(0.25)", "darker(0.5)"]


def luma(picture):
    if picture.ndim == 2:
        return picture.astype(int)
    r, g, b = (picture[:, :, c].astype(int) for c in range(3))
    return (299 * r + 587 * g + 114 * b + 500) // 1000


def noise(picture):
    mask = numpy.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    channels = numpy.atleast_3d(picture).astype(float)
    return numpy.mean([
        numpy.abs(scipy.signal.convolve2d(channels[:, :, c], mask, mode="valid")).mean()
        for c in range(channels.shape[2])]) * math.sqrt(math.pi / 2) / 6 / 255


def expected(picture):
    gray = luma(picture)
    unit = gray / 255
    edges = any(numpy.ptp(gray, axis=axis).any() for axis in (0, 1))
    return {
        "brightness": unit.mean(),
        "contrast": unit.std(),
        "sharpness": scipy.ndimage.laplace(unit, mode="mirror").var(),
        "blur": numpy.nanmax(measure.blur_effect(unit, reduce_func=None)) if edges else 1,
        "noise": noise(picture),
        "saturation": color.rgb2hsv(picture)[:, :, 1].mean() if picture.ndim == 3 else 0,
        "entropy": measure.shannon_entropy(gray),
        "luma(0.25)": numpy.quantile(unit, 0.25, method="inverted_cdf"),
        "darker(0.5)": (unit < 0.5).mean(),
    }


class MeasureLibrariesTest(unittest.TestCase):

    def test_the_libraries_measure_the_same(self):
        pictures = steps.pictures()
        soft = scipy.ndimage.gaussian_filter(pictures["gray"].astype(float), 2)
        pictures["blurred"] = soft.round().astype(numpy.uint8)
        condition = " and ".join(f"{name} >= 0" for name in NAMES)
        recipes = {}
        steps.run({"seen": f'switch: [{{when: "{condition}", then: []}}]'}, pictures, recipes)
        worst = dict.fromkeys(NAMES, 0.0)
        for name, picture in pictures.items():
            seen = recipes["seen", name]
            self.assertEqual(set(seen), set(NAMES) | {"picked"})
            for what, value in expected(picture).items():
                with self.subTest(picture=name, measured=what):
                    self.assertAlmostEqual(seen[what], value, delta=1e-9)
                    worst[what] = max(worst[what], abs(seen[what] - value))
        print("worst differences:", {what: f"{value:.1g}" for what, value in worst.items()})


if __name__ == "__main__":
    unittest.main()
