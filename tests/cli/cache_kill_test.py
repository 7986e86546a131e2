# SPDX-License-Identifier: Apache-2.0
"""Runs with a cache are killed at any moment, alone and beside others: what they leave never changes
a result, and nothing unfinished stays."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

CLI = os.environ["PIXLOOM_CLI"]
PICTURES = 60
KILLS = 8

CONFIG = """version: 1
seed: 3
nodes:
  photos: {{shapes: {{count: {count}, size: [180, 240], encode: jpeg, masks: false}}}}
  small: {small}
  look: [hflip: {{p: 0.5}}, gaussian_noise: {{std: 0.05}}]
  out: {{image_folder: {{path: $(OUT)}}}}
"""
STEPS = "[resize: [120, 160], {denoise: {strength: 0.05}}]"


class CacheKill(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_kill_"))
        self.cache = self.work / "cache"
        cached = f"{{cache: {{steps: {STEPS}, path: {self.cache}}}}}"
        for name, small in (("plain", STEPS), ("cached", cached)):
            (self.work / f"{name}.yaml").write_text(CONFIG.format(count=PICTURES, small=small))

    def tearDown(self):
        shutil.rmtree(self.work)

    def start(self, config, out):
        return subprocess.Popen(
            [CLI, "run", self.work / f"{config}.yaml", "--set", f"OUT={self.work / out}", "--json",
             "--progress", "none", "-j", "2", "--overwrite"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_to_end(self, config, out):
        process = self.start(config, out)
        stdout, stderr = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 0, stderr)
        return json.loads(stdout)

    def results(self, out):
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in (self.work / out).iterdir() if path.name != "pipeline.yaml"}

    def counts(self, report):
        return next(n for n in report["nodes"] if n["name"] == "small").get("counts", {})

    def entries(self):
        return list(self.cache.glob("??/*.pxl"))

    def test_killed_at_any_moment(self):
        started = time.monotonic()
        self.run_to_end("plain", "plain")
        whole = time.monotonic() - started
        plain = self.results("plain")
        self.assertEqual(len(plain), 2 * PICTURES)

        killed = 0
        for i in range(KILLS):
            # Every other time another run works in the same folder and lives.
            other = self.start("cached", "beside") if i % 4 == 3 else None
            process = self.start("cached", f"killed{i}")
            time.sleep(whole * (i + 1) / (KILLS + 1) * 0.5)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.communicate()
            if other is not None:
                stdout, stderr = other.communicate(timeout=300)
                self.assertEqual(other.returncode, 0, stderr)
                self.assertNotIn("damaged", self.counts(json.loads(stdout)))
                self.assertEqual(self.results("beside"), plain)
                # Begin again, or there would be nothing left to kill.
                for path in self.entries()[::2]:
                    path.unlink()
        self.assertGreater(killed, 0, "every run was over before it could be killed")

        report = self.run_to_end("cached", "after")
        counts = self.counts(report)
        self.assertNotIn("damaged", counts)
        self.assertEqual(counts.get("hits", 0) + counts.get("misses", 0), PICTURES)
        self.assertEqual(self.results("after"), plain)
        self.assertEqual(len(self.entries()), PICTURES)
        self.assertEqual(list((self.cache / ".tmp").iterdir()), [])
        report = self.run_to_end("cached", "warm")
        self.assertEqual(self.counts(report), {"hits": PICTURES})
        self.assertEqual(report["decode_seconds"], 0)
        self.assertEqual(self.results("warm"), plain)
        print(f"{killed} of {KILLS} runs killed; cold run {whole:.1f} s")


if __name__ == "__main__":
    unittest.main()
