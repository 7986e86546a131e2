#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Operators that match a reference picture, against scikit-image (histograms) and NumPy (Fourier
transforms, covariances), within one level."""
import pathlib
import sys
import tempfile
import unittest

try:
    import numpy
    from PIL import Image
except ImportError as missing:
    print(f"[skipped] match_libraries_test: {missing}")
    sys.exit(77)

try:
    from skimage.exposure import match_histograms
except ImportError:
    match_histograms = None

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import steps  # noqa: E402  (needs the two above)


def references():
    rng = numpy.random.default_rng(8)
    y, x = numpy.mgrid[0:73, 0:91]
    made = {
        "noise": rng.normal((90, 140, 60), (30, 10, 50), (73, 91, 3)),
        "waves": numpy.stack([120 + 90 * numpy.sin(x / 5), 60 + y,
                              200 * numpy.cos(x / 9 - y / 7) ** 2], 2),
        "mixed": (rng.normal(0, 25, (73, 91, 1)) * (1, 0.6, -0.4)
                  + rng.normal(0, 6, (73, 91, 3)) + 120),
    }
    return {name: numpy.clip(v + 0.5, 0, 255).astype(numpy.uint8) for name, v in made.items()}


def in_colour(values):
    return values if values.ndim == 3 else values[:, :, None]


def rounded(values):
    return numpy.clip(numpy.floor(values + 0.5), 0, 255)


def adapted(values, other, beta):
    """The definition of Fourier domain adaptation, with the reference stretched to the picture."""
    height, width = values.shape[:2]
    out = numpy.empty(values.shape)
    for c in range(values.shape[2]):
        own = numpy.fft.fft2(values[:, :, c].astype(float))
        far = numpy.fft.fft2(other[:, :, c].astype(float))
        amplitude = numpy.fft.fftshift(numpy.abs(own))
        reach = int(numpy.floor(min(height, width) * beta))
        top, left = height // 2 - reach, width // 2 - reach
        window = (slice(max(top, 0), height // 2 + reach + 1),
                  slice(max(left, 0), width // 2 + reach + 1))
        amplitude[window] = numpy.fft.fftshift(numpy.abs(far))[window]
        turned = numpy.fft.ifftshift(amplitude) * numpy.exp(1j * numpy.angle(own))
        out[:, :, c] = numpy.fft.ifft2(turned).real
    return rounded(out)


def axes(values):
    flat = values.reshape(-1, values.shape[2]).astype(float)
    _, vectors = numpy.linalg.eigh(numpy.cov(flat.T, bias=True).reshape(flat.shape[1], -1))
    return flat.mean(axis=0), vectors[:, ::-1]


def redistributed(values, other, kind):
    flat = values.reshape(-1, values.shape[2]).astype(float)
    to = other.reshape(-1, other.shape[2]).astype(float)
    if kind == "standard":
        out = (flat - flat.mean(0)) / flat.std(0) * to.std(0) + to.mean(0)
    elif kind == "minmax":
        out = (flat - flat.min(0)) / numpy.ptp(flat, 0) * numpy.ptp(to, 0) + to.min(0)
    else:
        own_mean, own = axes(values)
        other_mean, far = axes(other)
        far = far * numpy.where((own * far).sum(axis=0) < 0, -1, 1)
        out = (flat - own_mean) @ own @ far.T + other_mean
    return rounded(out.reshape(values.shape))


class MatchOpsTest(unittest.TestCase):
    pictures = {n: v for n, v in steps.pictures().items() if n != "flat"}

    def compare(self, arguments, expected, skip=()):
        """`expected(picture, reference)`, for {name: step with a %s for the folder}."""
        worst = 0
        with tempfile.TemporaryDirectory(prefix="pixloom_references_") as holder:
            chains, wanted = {}, {}
            for name, values in references().items():
                folder = pathlib.Path(holder, name)
                folder.mkdir()
                Image.fromarray(values).save(folder / "only.png")
                for step, (text, key) in arguments.items():
                    chains[f"{step}_{name}"] = text % folder
                    wanted[f"{step}_{name}"] = (values, key)
            results = steps.run(chains, self.pictures)
        self.assertEqual(len(results), len(chains) * len(self.pictures))
        for (chain, picture), own in results.items():
            reference, key = wanted[chain]
            values = self.pictures[picture]
            if picture in skip:
                continue
            if values.ndim == 2:  # read in gray, as the picture is
                reference = numpy.array(Image.fromarray(reference).convert("L"))
            with self.subTest(chain=chain, picture=picture):
                other = expected(in_colour(values), in_colour(reference), key)
                off = int(numpy.abs(in_colour(own).astype(int) - other.astype(int)).max())
                self.assertLessEqual(off, 1)
                worst = max(worst, off)
        print("worst difference:", worst)

    @unittest.skipIf(match_histograms is None, "scikit-image is not installed")
    def test_histogram_matching_is_scikit_images(self):
        def scikit(values, reference, blend):
            # In float64, so that it does not cut off fractions; levels are whole numbers still.
            matched = match_histograms(values.astype(float), reference.astype(float),
                                       channel_axis=-1)
            return rounded(values + blend * (matched - values))
        self.compare({"all": ("histogram_matching: {reference: '%s', blend: 1}", 1),
                      "half": ("histogram_matching: {reference: '%s', blend: 0.5}", 0.5)}, scikit)

    def test_fda_is_numpys(self):
        def numpys(values, reference, beta):
            size = (values.shape[1], values.shape[0])
            planes = [numpy.array(Image.fromarray(reference[:, :, c]).resize(size, Image.BILINEAR))
                      for c in range(reference.shape[2])]
            return adapted(values, numpy.stack(planes, axis=2), beta)
        betas = {f"b{i}": ("fda: {reference: '%s', beta: " + str(b) + "}", b)
                 for i, b in enumerate((0, 0.01, 0.1, 0.3, 0.5))}
        # What has no energy at a frequency has no phase there: such pictures are another matter.
        self.compare(betas, numpys, skip=("ramp", "checks"))

    def test_pixel_distribution_is_numpys(self):
        self.compare({kind: ("pixel_distribution: {reference: '%s', blend: 1, transform: "
                             + kind + "}", kind) for kind in ("pca", "standard", "minmax")},
                     redistributed, skip=("checks",))


if __name__ == "__main__":
    unittest.main()
