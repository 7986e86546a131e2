#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How well superpixels describe pictures, against scikit-image's SLIC at the same number of
segments: the variance that remains inside the segments, and how much of the true edges they follow."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
try:
    import numpy
    from skimage import color, data, segmentation
    import steps
except ImportError as missing:
    print(f"[skipped] superpixels against scikit-image: {missing}")
    sys.exit(77)


def left_over(picture, painted):
    """Mean squared distance in Lab."""
    return ((color.rgb2lab(picture) - color.rgb2lab(painted)) ** 2).sum(axis=2).mean()


def distinct(painted):
    return len(numpy.unique(painted.reshape(-1, 3), axis=0))


def main():
    pictures = {"astronaut": data.astronaut()[:400, :500], "coffee": data.coffee()[:300, :450],
                "cat": data.chelsea()[:300, :400]}
    wanted = {"few": 60, "many": 400}
    ours = steps.run({name: f"superpixels: {{p_replace: 1, n_segments: {n}}}"
                      for name, n in wanted.items()}, pictures)
    failures = 0
    for name, n in wanted.items():
        for picture, pixels in pictures.items():
            painted = ours[name, picture]
            asked = count = distinct(painted)
            for _ in range(6):  # theirs are fewer than asked for
                labels = segmentation.slic(pixels, n_segments=asked, compactness=10, start_label=0)
                if labels.max() + 1 >= count:
                    break
                asked = int(asked * count / (labels.max() + 1)) + 1
            theirs = color.label2rgb(labels, pixels, kind="avg", bg_label=-1)
            mine, peer = left_over(pixels, painted), left_over(pixels, theirs)
            good = mine < 1.15 * peer and 0.6 * n < distinct(painted) < 1.6 * n
            failures += not good
            print(f"{picture} {n}: {distinct(painted)} and {distinct(theirs)} segments, "
                  f"{mine:.1f} and {peer:.1f} squared Lab units remain"
                  f"{'' if good else '  TOO MANY'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
