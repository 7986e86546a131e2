# SPDX-License-Identifier: Apache-2.0
"""Runs steps with the `pixloom` command on lossless files, so that Python libraries can be compared
with."""
import json
import os
import pathlib
import subprocess
import tempfile

import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLI = os.environ.get("PIXLOOM_CLI", str(ROOT / "build/dev/cli/pixloom"))


def pictures(seed=5):
    """{name: uint8 array}: noise, ramps, edges, extremes, gray; no name begins with another."""
    rng = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:100, 0:150]
    ramp = numpy.stack([x * 255 // 149, y * 255 // 99, (x + y) % 256], axis=2)
    checks = ((x // 3 + y // 5) % 2 * 255)[:, :, None].repeat(3, axis=2)
    soft = 128 + 100 * numpy.sin(x / 17)[:, :, None] * numpy.cos(
        y[:, :, None] / numpy.array([11, 13, 19]))
    made = {
        "noise": rng.integers(0, 256, (100, 150, 3)),
        "ramp": ramp,
        "checks": checks,
        "soft": soft,
        "extremes": rng.integers(0, 2, (100, 150, 3)) * 255,
        "narrow": rng.integers(90, 140, (61, 47, 3)),
        "gray": rng.integers(0, 256, (90, 130)),
        "flat": numpy.full((33, 41, 3), (12, 130, 240)),
    }
    return {name: values.astype(numpy.uint8) for name, values in made.items()}


def run(steps, inputs, recipes=None, entries=None):
    """{(name of the step, name of the picture): array} of one run of {name: "hflip: {}"} over all
    inputs (uint8 arrays, HW or HWC in RGB). Names are words without a dash. `recipes`, a dict, gets
    what the step drew, {name: value} under the same key; `entries` all entries of the recipe."""
    with tempfile.TemporaryDirectory(prefix="pixloom_steps_") as holder:
        folder = pathlib.Path(holder)
        (folder / "in").mkdir()
        for name, values in inputs.items():
            Image.fromarray(values).save(folder / "in" / f"{name}.png")
        nodes = ["  photos: {image_folder: in}"]
        for name, step in steps.items():
            nodes.append(f"  {name}: {{chain: [{step}], from: photos}}")
            nodes.append(f"  to_{name}: {{image_folder: {{path: out/{name}}}, from: {name}}}")
        config = folder / "steps.yaml"
        config.write_text("version: 1\nseed: 1\nnodes:\n" + "\n".join(nodes) + "\n")
        done = subprocess.run([CLI, "run", "steps.yaml", "--overwrite"], cwd=folder,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        results = {}
        for name in steps:
            for file in (folder / "out" / name).rglob("*.png"):
                picture = next(p for p in inputs if file.stem.startswith(p))
                results[name, picture] = numpy.array(Image.open(file))
                if recipes is None and entries is None:
                    continue
                recipe = json.loads(file.with_suffix(".json").read_text())["recipe"]
                if recipes is not None:
                    recipes[name, picture] = dict(recipe[-1].get("draws", []))
                if entries is not None:
                    entries[name, picture] = recipe
        return results
