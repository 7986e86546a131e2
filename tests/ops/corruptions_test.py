#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every file in configs/corruptions, run: five severities, each stronger than the one before, and
where the published formula is one line of NumPy, the same distribution."""
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
try:
    import numpy
    from PIL import Image
    import steps
except ImportError as missing:
    print(f"[skipped] corruptions: {missing}")
    sys.exit(77)

FOLDER = steps.ROOT / "configs" / "corruptions"
SIDE = 224
# Severities differ in kind and not in strength alone (elastic_transform), or the patches of one
# picture's fog outweigh a step.
UNORDERED = {"elastic_transform", "fog"}


def scene():
    """Soft colours, edges, and texture, away from black and white."""
    y, x = numpy.mgrid[0:SIDE, 0:SIDE]
    rng = numpy.random.default_rng(3)
    soft = numpy.stack([120 + 60 * numpy.sin(x / 31), 110 + 50 * numpy.cos(y / 23),
                        130 + 40 * numpy.sin((x + y) / 41)], axis=2)
    edges = 30 * numpy.sign(numpy.sin(x / 9) * numpy.sin(y / 13))[:, :, None]
    return numpy.clip(soft + edges + rng.normal(0, 6, soft.shape), 1, 254).astype(numpy.uint8)


def flat(level):
    return numpy.full((SIDE, SIDE, 3), level, numpy.uint8)


def run(name, inputs, work):
    (work / "in").mkdir(exist_ok=True)
    for key, values in inputs.items():
        Image.fromarray(values).save(work / "in" / f"{key}.png")
    out = work / "out"
    done = subprocess.run([steps.CLI, "run", str(FOLDER / f"{name}.yaml"), "--overwrite", "--set",
                           f"PICTURES={work / 'in'}", "--set", f"OUT={out}"],
                          capture_output=True, text=True, cwd=work)
    if done.returncode != 0:
        raise RuntimeError(f"{name}: {done.stdout}{done.stderr}")
    results = {}
    for severity in range(1, 6):
        for file in (out / name / str(severity)).rglob("*.png"):
            key = next(k for k in inputs if file.stem.startswith(k))
            results[key, severity] = numpy.array(Image.open(file)).astype(float)
    return results


def published(name, severity, x, rng):
    """What the authors' code makes of levels x (0 to 1)."""
    if name == "gaussian_noise":
        y = x + rng.normal(size=x.shape, scale=[.08, .12, .18, .26, .38][severity - 1])
    elif name == "shot_noise":
        c = [60, 25, 12, 5, 3][severity - 1]
        y = rng.poisson(x * c) / c
    elif name == "speckle_noise":
        y = x + x * rng.normal(size=x.shape, scale=[.15, .2, .35, .45, .6][severity - 1])
    elif name == "impulse_noise":
        c = [.03, .06, .09, .17, .27][severity - 1]
        u = rng.random(x.shape)
        y = numpy.where(u < c / 2, 0.0, numpy.where(u < c, 1.0, x))
    else:
        return None
    return numpy.floor(numpy.clip(y, 0, 1) * 255 + 0.5)


def alike(a, b):
    """Kolmogorov and Smirnov, an error in a thousand."""
    at = numpy.arange(256)
    distance = numpy.abs(numpy.searchsorted(numpy.sort(a.ravel()), at, side="right") / a.size -
                         numpy.searchsorted(numpy.sort(b.ravel()), at, side="right") / b.size)
    return distance.max() < 1.9495 * numpy.sqrt(1 / a.size + 1 / b.size)


def main():
    names = sorted(file.stem for file in FOLDER.glob("*.yaml"))
    inputs = {"scene": scene(), "dark": flat(40), "light": flat(190)}
    text = (FOLDER / "README.md").read_text()
    failures = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="pixloom_corruptions_") as work:
            results = run(name, inputs, pathlib.Path(work))
        lost = [numpy.abs(results["scene", s] - inputs["scene"]).mean() for s in range(1, 6)]
        problems = []
        if name not in UNORDERED and sorted(lost) != lost:
            problems.append("severities out of order")
        if min(lost) < 0.3:
            problems.append("nothing happens")
        if f"| {name} |" not in text:
            problems.append("not in README.md")
        rng = numpy.random.default_rng(17)
        for severity in range(1, 6):
            for key in ("dark", "light"):
                expected = published(name, severity, inputs[key] / 255, rng)
                if expected is not None and not alike(results[key, severity], expected):
                    problems.append(f"{key} {severity}: another distribution")
        print(f"{name:18} mean change {' '.join(f'{v:6.2f}' for v in lost)}  {', '.join(problems)}")
        failures += len(problems)
    print(f"{len(names)} corruptions, {failures} problems")
    return 1 if failures or len(names) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
