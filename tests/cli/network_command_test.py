# SPDX-License-Identifier: Apache-2.0
"""pixloom network: files are made, shown and checked; exit codes say whose fault it is."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CLI = os.environ["PIXLOOM_CLI"]
ROOT = pathlib.Path(os.environ["PIXLOOM_SOURCE_DIR"])
PLUGINS = pathlib.Path(os.environ["PIXLOOM_BINARY_DIR"], "plugins")
OK, USAGE, REJECTED = 0, 2, 8

LIST = """network: sharp
about: a small enhancer
graphs:
  main:
    inputs: {image: [3, any, any]}
    layers:
      - conv: {channels: 8, kernel: 3, padding: same}
      - batch_norm
      - relu
      - conv: {channels: 3, kernel: 3, padding: same}
manifest: {role: enhancer, output: {kind: residual}, batch: {size: 4}}
"""


class Networks(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_network_"))
        self.list = self.work / "sharp.list.yaml"
        self.list.write_text(LIST)
        self.out = self.work / "out"
        self.manifest = self.out / "sharp.yaml"
        self.environment = dict(os.environ, PIXLOOM_CACHE=str(self.work / "cache"))

    def tearDown(self):
        shutil.rmtree(self.work)

    def pixloom(self, *arguments, code=OK):
        done = subprocess.run([CLI, "network", *map(str, arguments)], env=self.environment,
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def make(self, *more):
        return self.pixloom("make", self.list, "--out", self.out, "--test-weights", *more)

    def test_make_and_check(self):
        text = self.make("--no-torchscript")
        self.assertIn(f"wrote {self.manifest}", text)
        self.assertEqual(sorted(p.name for p in self.out.iterdir()),
                         ["sharp.main.onnx", "sharp.yaml"])
        report = json.loads(self.pixloom("check", self.manifest, "--device", "cpu", "--json"))
        self.assertEqual(report["name"], "sharp")
        self.assertIn("on cpu", report["device"])
        self.assertEqual([t["batch"] for t in report["timings"]], [1, 4])
        self.assertTrue(all(t["ms_per_item"] > 0 for t in report["timings"]))
        self.assertTrue(any("chose" in note for note in report["notes"]), report["notes"])
        text = self.pixloom("check", self.manifest, "--backend", "opencv")
        self.assertIn("sharp (enhancer): right on opencv", text)

    def test_the_seed_decides(self):
        self.make("--no-torchscript")
        first = (self.out / "sharp.main.onnx").read_bytes()
        self.make("--no-torchscript", "--seed", "1")
        self.assertEqual(first, (self.out / "sharp.main.onnx").read_bytes())
        self.make("--no-torchscript", "--seed", "2")
        self.assertNotEqual(first, (self.out / "sharp.main.onnx").read_bytes())

    @unittest.skipUnless((PLUGINS / "libtorch.plugin").exists(), "backend libtorch is not built")
    def test_torchscript_is_written_and_runs(self):
        self.assertNotIn("note:", self.make())
        self.assertTrue((self.out / "sharp.main.pt").exists())
        self.assertIn("right on libtorch",
                      self.pixloom("check", self.manifest, "--backend", "libtorch"))

    def test_without_libtorch_a_note_says_so(self):
        first = self.work / "plugins"  # the first of two with one id counts
        first.mkdir()
        (first / "libtorch.plugin").write_text(
            "id: libtorch\nname: LibTorch\nversion: 1\nabi: \"1.0\"\nlibrary: not_there.so\n"
            "formats: [torchscript]\ndevices: [cpu]\nneeds: libtorch\n")
        self.environment["PIXLOOM_PLUGIN_PATH"] = f"{first}:{PLUGINS}"
        text = self.make()
        self.assertIn("note: no TorchScript: backend libtorch is not there", text)
        self.assertIn("not_there.so", text)
        self.assertFalse((self.out / "sharp.main.pt").exists())
        self.pixloom("check", self.manifest)

    def test_wrong_numbers_and_damage_are_refused(self):
        self.make("--no-torchscript")
        good = self.manifest.read_text()
        self.manifest.write_text(re.sub(r"mean: [-0-9.e]+", "mean: 0.75", good))
        text = self.pixloom("check", self.manifest, code=REJECTED)
        self.assertIn("does not pass its check", text)
        self.assertIn("the manifest says 0.75", text)
        self.manifest.write_text(good)
        self.pixloom("check", self.manifest)
        graph = self.out / "sharp.main.onnx"
        data = bytearray(graph.read_bytes())
        data[len(data) // 2] ^= 1
        graph.write_bytes(data)
        self.assertIn("sharp.main.onnx", self.pixloom("check", self.manifest, code=REJECTED))
        graph.unlink()
        self.assertIn("no such file", self.pixloom("check", self.manifest, code=REJECTED))

    def test_a_backend_that_is_not_there(self):
        self.make("--no-torchscript")
        text = self.pixloom("check", self.manifest, "--backend", "nonesuch", code=REJECTED)
        self.assertIn("nonesuch", text)

    def test_mistakes_in_the_list_have_places_and_write_nothing(self):
        self.list.write_text(LIST.replace("kernel: 3", "kernell: 3", 1))
        text = self.pixloom("make", self.list, "--out", self.out, code=USAGE)
        self.assertIn(f"{self.list}:7:", text)
        self.list.write_text(LIST.replace("kind: residual", "kind: resid"))
        text = self.pixloom("make", self.list, "--out", self.out, code=USAGE)
        self.assertIn(f"{self.list}:11:", text)
        self.assertFalse(self.out.exists())

    def test_show(self):
        text = self.pixloom("show", self.list)
        # 3*8*9 + 8, 4*8 of the batch norm, 8*3*9 + 3
        self.assertRegex(text, r"conv_1 +conv 3x3 +8x\?x\? +(216|224)\b")
        self.assertRegex(text, r"batch_norm_1 +batch_norm +8x\?x\? +32\b")
        self.assertIn("a pixel depends on 2 px on each side", text)
        self.make("--no-torchscript")
        text = self.pixloom("show", self.manifest)
        self.assertIn("sharp: enhancer", text)
        self.assertIn("what to subtract from the picture", text)
        self.assertIn("tiles: overlap 2 px", text)
        self.pixloom("show", self.work / "nothing.yaml", code=USAGE)

    def test_every_list_that_comes_along_can_be_made_and_shown(self):
        lists = sorted(ROOT.glob("configs/networks/*.yaml"))
        self.assertTrue(lists)
        for path in lists:
            with self.subTest(path.name):
                self.pixloom("show", path)
                self.pixloom("make", path, "--out", self.out, "--no-torchscript")
                self.pixloom("show", self.out / path.name)


if __name__ == "__main__":
    if not (PLUGINS / "opencv.plugin").exists():
        print("[skipped] network_command_test: backend opencv is not built")
        sys.exit(77)
    unittest.main()
