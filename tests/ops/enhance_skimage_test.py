#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`denoise` and `deconvolve` against scikit-image: the same pixels where the definitions are the
same, otherwise no less of the damage undone. Runs the `pixloom` command on lossless files."""
import pathlib
import sys
import unittest

try:
    import numpy
    import scipy.ndimage
    import scipy.signal
    from skimage import restoration
except ImportError as missing:
    print(f"[skipped] enhance_skimage_test: {missing}")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import steps  # noqa: E402  (needs the above)


def scenery(height, width):
    """A gray picture in [0, 1]: slopes, discs, bars and texture."""
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    out = 0.3 + 0.3 * y / height
    for i, level in enumerate((0.85, 0.1, 0.6, 0.2, 0.95)):
        cx, cy = width * (0.12 + 0.19 * i), height * (0.3 if i % 2 else 0.7)
        out[numpy.hypot(x - cx, y - cy) < height / 9] = level
    out += 0.05 * numpy.sin(0.9 * x + 0.4 * y) * (x > width / 2)
    out[int(0.88 * height):] = (x // 5 % 2)[int(0.88 * height):]
    return out.clip(0, 1)


def stored(unit):
    return (unit.clip(0, 1) * 255 + 0.5).astype(numpy.uint8)


def psnr(a, b):
    return 10 * numpy.log10(255 ** 2 / ((a.astype(float) - b) ** 2).mean())


def off(own, other):
    return int(numpy.abs(own.astype(int) - other.astype(int)).max())


class EnhanceSkimageTest(unittest.TestCase):

    clean = stored(scenery(90, 120))
    noisy = stored(scenery(90, 120)
                   + numpy.random.default_rng(3).normal(0, 0.06, (90, 120)))
    def test_nlmeans_is_scikits(self):
        # Its fast mode has the same weights; h = 0.8 sigma, as its manual advises. It drops weights
        # below e^-5 and weighs patches at the edges a little otherwise.
        found = steps.run({"nl": "denoise: {strength: 0.06, patch: 5, search: 13}"},
                          {"noisy": self.noisy})["nl", "noisy"]
        other = restoration.denoise_nl_means(
            self.noisy / 255, patch_size=5, patch_distance=6, h=0.8 * 0.06, sigma=0.06,
            fast_mode=True)
        other = stored(other)
        print("nlmeans: worst difference", off(found, other), "PSNR", psnr(found, self.clean),
              psnr(other, self.clean), "of", psnr(self.noisy, self.clean))
        self.assertLess(numpy.abs(found.astype(int) - other).mean(), 1.5)
        self.assertGreater(psnr(found, self.clean), psnr(other, self.clean) - 0.5)

    def test_tv_is_scikits(self):
        for rounds in (1, 7, 40):
            found = steps.run(
                {"tv": f"denoise: {{method: tv, strength: 0.08, iterations: {rounds}}}"},
                {"noisy": self.noisy})["tv", "noisy"]
            # It looks at its result before it goes on: the last round does not count.
            other = restoration.denoise_tv_chambolle(
                self.noisy / 255, weight=0.08, eps=0, max_num_iter=rounds + 1)
            self.assertLessEqual(off(found, stored(other)), 1)

    def test_tv_of_colours_is_no_worse(self):
        planes = [scenery(60, 80), scenery(60, 80)[::-1], scenery(60, 80)[:, ::-1]]
        base = stored(numpy.stack(planes, axis=2))
        noisy = stored(base / 255 + numpy.random.default_rng(5).normal(0, 0.06, base.shape))
        found = steps.run({"tv": "denoise: {method: tv, strength: 0.06, iterations: 40}"},
                          {"noisy": noisy})["tv", "noisy"]
        other = restoration.denoise_tv_chambolle(noisy / 255, weight=0.06, channel_axis=-1)
        print("tv, colour: PSNR", psnr(found, base), psnr(stored(other), base))
        self.assertGreater(psnr(found, base), psnr(stored(other), base) - 0.5)

    def kernel(self, sigma):
        radius = int(3.5 * sigma)
        y, x = numpy.mgrid[-radius:radius + 1, -radius:radius + 1]
        taps = numpy.exp(-(x * x + y * y) / (2 * sigma * sigma))
        return taps / taps.sum()

    def test_richardson_lucy_undoes_as_much(self):
        taps = self.kernel(1.5)
        blurred = stored(scipy.ndimage.convolve(self.clean / 255, taps, mode="reflect"))
        found = steps.run({"rl": "deconvolve: {size: 1.5, iterations: 20}"},
                          {"blurred": blurred})["rl", "blurred"]
        other = stored(restoration.richardson_lucy(blurred / 255, taps, num_iter=20))
        inside = (slice(8, -8), slice(8, -8))  # it takes zeros outside
        figures = [psnr(p[inside], self.clean[inside]) for p in (blurred, found, other)]
        print("richardson_lucy: PSNR blurred, own, scikit-image:", figures)
        self.assertGreater(figures[1], figures[2] - 0.5)
        self.assertGreater(figures[1], figures[0] + 2)

    def test_wiener_is_scikit_images(self):
        taps = self.kernel(1.5)
        blurred = stored(scipy.ndimage.convolve(self.clean / 255, taps, mode="reflect"))
        for balance in (0.01, 0.001):
            found = steps.run(
                {"ls": f"deconvolve: {{method: wiener, size: 1.5, iterations: 30, "
                       f"balance: {balance}}}"},
                {"blurred": blurred})["ls", "blurred"]
            # The same price on curvature; it takes the picture to be periodic.
            other = stored(restoration.wiener(blurred / 255, taps, balance, clip=False))
            inside = (slice(16, -16), slice(16, -16))
            figures = [psnr(p[inside], self.clean[inside]) for p in (blurred, found, other)]
            print("wiener: PSNR blurred, own, scikit-image:", figures)
            self.assertGreater(figures[1], figures[2] - 0.5)
            self.assertGreater(figures[1], figures[0] + 2)


if __name__ == "__main__":
    unittest.main()
