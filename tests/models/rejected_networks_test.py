# SPDX-License-Identifier: Apache-2.0
"""Networks that cannot be used end a run before it begins: exit code 8, a reason, no output."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

CLI = os.environ["PIXLOOM_CLI"]
BUILD = pathlib.Path(os.environ["PIXLOOM_BINARY_DIR"])
REJECTED = 8
PIPELINE = """version: 1
seed: 1
nodes:
  in:  {{shapes: {{count: 4, size: [48, 48], min_object: 12}}}}
  net: [{{enhance: {{model: {model}, backend: {backend}, device: {device}}}}}]
  out: {{image_folder: {{path: {out}}}}}
"""


class RejectedNetworks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_made_"))
        subprocess.run([CLI, "network", "make", "configs/networks/cnn_denoiser.yaml", "--out",
                        cls.made, "--test-weights", "--no-torchscript"], check=True,
                       capture_output=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.made)

    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_rejected_"))
        self.models = self.work / "models"
        shutil.copytree(self.made, self.models)
        self.manifest = self.models / "cnn_denoiser.yaml"
        self.onnx = self.models / "cnn_denoiser.main.onnx"
        self.environment = dict(os.environ)

    def tearDown(self):
        shutil.rmtree(self.work)

    def run_pipeline(self, backend="auto", device="auto"):
        config = self.work / "p.yaml"
        config.write_text(PIPELINE.format(model=self.manifest, backend=backend, device=device,
                                          out=self.work / "out"))
        return subprocess.run([CLI, "run", config], env=self.environment, capture_output=True,
                              text=True, timeout=120)

    def refused(self, code, *words, **choice):
        done = self.run_pipeline(**choice)
        self.assertEqual(done.returncode, REJECTED, done.stdout + done.stderr)
        self.assertIn("p.yaml:5:", done.stderr)
        self.assertIn(f"error[{code}]", done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse((self.work / "out").exists(), "something was written")

    def change_manifest(self, pattern, replacement):
        text = self.manifest.read_text()
        changed, count = re.subn(pattern, replacement, text, flags=re.M)
        self.assertGreater(count, 0, text)
        self.manifest.write_text(changed)

    def forget_hash(self):
        self.change_manifest(r"^ *hashes:\n *onnx: .*\n", "")

    def test_as_it_was_made_it_runs(self):
        done = self.run_pipeline()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.work / "out").exists())

    def test_a_damaged_file(self):
        data = self.onnx.read_bytes()
        self.onnx.write_bytes(data[:len(data) // 2])
        self.refused("MOD-FILE", "cnn_denoiser.main.onnx", "hash")
        self.forget_hash()
        self.refused("MOD-LOAD", "cnn_denoiser.main.onnx")
        self.onnx.write_bytes(b"this is no network")
        self.refused("MOD-LOAD", "cnn_denoiser.main.onnx")

    def test_a_missing_file(self):
        self.onnx.unlink()
        self.refused("MOD-FILE", "cnn_denoiser.main.onnx")
        self.manifest.unlink()
        self.refused("MOD-FILE", "cnn_denoiser.yaml")

    def test_another_shape_than_the_manifest_says(self):
        text = self.manifest.read_text()
        self.assertIn("3, any, any", text)
        self.manifest.write_text(text.replace("3, any, any", "1, any, any")
                                 .replace("color: rgb", "color: gray")
                                 .replace("3, 32, 32", "1, 32, 32"))
        self.refused("MOD-SHAPE", "1x?x?")

    def test_wrong_numbers(self):
        number = re.search(r"mean: (-?[0-9.e-]+)", self.manifest.read_text()).group(1)
        self.change_manifest(f"mean: {re.escape(number)}", f"mean: {float(number) + 0.5}")
        self.refused("MOD-CHECK", "mean")

    def test_numbers_that_are_none(self):
        self.forget_hash()
        data = bytearray(self.onnx.read_bytes())
        start = max(range(0, len(data) - 4096, 1024),
                    key=lambda i: len(set(data[i:i + 1024])))  # weights, not names
        data[start:start + 1024] = b"\xff" * 1024  # wherever floats begin, these are none
        self.onnx.write_bytes(data)
        self.refused("MOD-CHECK", "not finite")

    def test_a_wrong_manifest(self):
        self.change_manifest("^role: enhancer", "role: enhancr")
        self.refused("MOD-MANIFEST", "enhancr", "did you mean 'enhancer'")

    def test_backends_and_devices(self):
        self.refused("MOD-BACKEND", "there is no backend 'opencb'", backend="opencb")
        self.refused("MOD-DEVICE", "cuda", backend="opencv", device="cuda")
        self.refused("MOD-BACKEND", "torchscript", backend="libtorch")

    def test_plugins(self):
        folder = self.work / "plugins"
        folder.mkdir()
        self.environment.update(PIXLOOM_PLUGIN_PATH=f"{folder}:{BUILD / 'plugins'}",
                                PIXLOOM_CACHE=str(self.work / "cache"))
        for fault, words in {"crashes": "crashes while it is loaded (signal 11)",
                             "other_major": "ABI"}.items():
            shutil.copy(BUILD / "test_plugins" / f"c_plugin_{fault}.so", folder)
            (folder / f"{fault}.plugin").write_text(
                f"id: {fault}\nname: Test\nversion: 1.0.0\nabi: 1.0\n"
                f"library: c_plugin_{fault}.so\nformats: [onnx]\npreference: 99\n")
            self.refused("MOD-BACKEND", words, backend=fault)
        # Among others it is passed over.
        done = self.run_pipeline()
        self.assertEqual(done.returncode, 0, done.stderr)

    @unittest.skipUnless((BUILD / "plugins" / "pixloom_onnxruntime.so").exists(),
                         "needs a second backend for ONNX")
    def test_auto_takes_another_when_the_first_answers_wrong(self):
        """OpenCV 4.6 ignores the dilation of a transposed convolution, and says nothing."""
        (self.work / "dilated.list.yaml").write_text(
            "network: dilated\ngraphs:\n  main:\n    inputs: {image: [3, any, any]}\n    layers:\n"
            "      - {deconv: {channels: 3, kernel: 3, padding: 2, dilation: 2}, name: estimate}\n"
            "    outputs: {out: estimate}\nmanifest: {role: enhancer}\n")
        subprocess.run([CLI, "network", "make", self.work / "dilated.list.yaml", "--out",
                        self.models, "--test-weights", "--no-torchscript"], check=True,
                       capture_output=True)
        self.manifest = self.models / "dilated.yaml"
        folder = self.work / "first"
        folder.mkdir()
        text = (BUILD / "plugins" / "opencv.plugin").read_text()
        text = re.sub("^preference:.*", "preference: 99", text, flags=re.M)
        text = re.sub("^library:.*", f"library: {BUILD / 'plugins' / 'pixloom_opencv.so'}", text,
                      flags=re.M)
        (folder / "opencv.plugin").write_text(text)
        self.environment["PIXLOOM_PLUGIN_PATH"] = f"{folder}:{BUILD / 'plugins'}"
        self.refused("MOD-CHECK", "the manifest says", backend="opencv")
        done = self.run_pipeline()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("chose onnxruntime", done.stderr)
        self.assertIn("opencv on cpu refused", done.stderr)


if __name__ == "__main__":
    unittest.main()
