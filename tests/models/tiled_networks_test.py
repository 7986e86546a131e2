# SPDX-License-Identifier: Apache-2.0
"""A real network in tiles gives what it gives for the whole picture, through every backend."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

CLI = os.environ["PIXLOOM_CLI"]
MOST = 1e-5
PIPELINE = """version: 1
seed: 3
nodes:
  in:  {{shapes: {{count: 2, size: [190, 260]}}}}
  net: [to_float, {{enhance: {{model: {model}, backend: {backend}, tile: {tile}}}}}]
  out: {{hdf5: {{path: {out}}}}}
"""


def pictures(folder, model, backend, tile):
    config = folder / "p.yaml"
    out = folder / f"{backend}_{tile}"
    config.write_text(PIPELINE.format(model=model, backend=backend, tile=tile, out=out))
    subprocess.run([CLI, "run", config, "-q"], check=True)
    with h5py.File(f"{out}.h5") as file:
        return file["images"][:]


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_tiles_"))
    failures = 0
    try:
        subprocess.run([CLI, "network", "make", "configs/networks/cnn_denoiser.yaml", "--out",
                        folder, "--test-weights"], check=True, stdout=subprocess.DEVNULL)
        listed = json.loads(subprocess.run([CLI, "plugins", "--check", "--json"],
                                           stdout=subprocess.PIPE, check=False).stdout)
        backends = [p["id"] for p in listed["plugins"] if not p["problem"]]
        assert "opencv" in backends, listed
        for backend in backends:
            whole = pictures(folder, folder / "cnn_denoiser.yaml", backend, 4096)
            assert whole.dtype == numpy.float32 and whole.std() > 0.05, backend
            for tile in (64, 97):
                apart = numpy.abs(pictures(folder, folder / "cnn_denoiser.yaml", backend, tile)
                                  - whole).max()
                print(f"{backend}, tiles of {tile}: at most {apart:.2g} apart")
                failures += bool(apart > MOST)
    finally:
        shutil.rmtree(folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
