#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The `pixloom` command as scripts see it: exit codes, messages, files."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLI = os.environ.get("PIXLOOM_CLI", str(ROOT / "build/dev/cli/pixloom"))

OK, CONFIG, SOME_BAD, TOO_MANY_BAD, ENVIRONMENT, BUSY, INTERRUPTED, TERMINATED = (
    0, 2, 3, 4, 5, 6, 130, 143)

SCENES = """version: 1
seed: 1
nodes:
  photos: {shapes: {count: $(COUNT:-6), size: 64, masks: false}}
  views: {copies: 2}
  look:
    - {rotate: [-20, 20], p: 0.7}
    - one_of: [gaussian_noise, {gamma: [0.5, 2], weight: 2}]
  parts: {split: {train: 0.5, val: 0.5}}
  out: {image_folder: $(OUT:-out), from: [parts.train, parts.val]}
"""

FOLDER = """version: 1
seed: 1
on_error: {policy: $(POLICY:-quarantine), max_bad: $(MAX:-1%)}
nodes:
  photos: {image_folder: in}
  views: {copies: 2}
  look: [hflip, random_crop: 32]
  out: {image_folder: out}
"""

SLOW = """version: 1
seed: 1
nodes:
  photos: {shapes: {count: 100000, size: 96}}
  look: [gaussian_blur: 3]
  out: {image_folder: out}
"""


class CliTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pixloom_cli_")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, text in {"scenes": SCENES, "folder": FOLDER, "slow": SLOW}.items():
            (self.folder / f"{name}.yaml").write_text(text)

    def call(self, *arguments, **kwargs):
        return subprocess.run([CLI, *map(str, arguments)], cwd=self.folder, text=True,
                              capture_output=True, timeout=120, check=False, **kwargs)

    def check(self, code, *arguments):
        """Runs, checks the exit code and gives stdout."""
        done = self.call(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def refuse(self, code, message, *arguments):
        """Fails with this exit code and this message on stderr, and says nothing on stdout."""
        done = self.call(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        self.assertIn(message, done.stderr)
        self.assertEqual(done.stdout, "")

    def make_photos(self, bad=0):
        """Three pictures in `in`, and so many files that are none."""
        self.check(OK, "run", "scenes.yaml", "-q", "--limit", 3, "--set", "OUT=made")
        (self.folder / "in").mkdir()
        for number, picture in enumerate(sorted((self.folder / "made").glob("*_0.png"))):
            shutil.copy(picture, self.folder / "in" / f"p{number}.png")
        for number in range(bad):
            (self.folder / "in" / f"bad{number}.jpg").write_text("this is no picture\n")

    def files(self, folder="out"):
        """Names of results; the configuration as it ran is beside them."""
        return sorted(p.name for p in (self.folder / folder).iterdir() if p.name != "pipeline.yaml")

    # ---- asking --------------------------------------------------------------------------------

    def test_version_and_help(self):
        self.assertRegex(self.check(OK, "version"), r"^pixloom \d+\.\d+\.\d+\n$")
        for command in ["run", "validate", "explain", "ops", "schema", "replay"]:
            self.assertIn(command, self.check(OK, "--help"))
            self.check(OK, command, "--help")

    def test_usage_errors(self):
        for arguments in [[], ["dance"], ["run"], ["run", "scenes.yaml", "--threads", "x"],
                          ["run", "scenes.yaml", "--progress", "loud"],
                          ["explain", "scenes.yaml", "--dot", "--svg"],
                          ["ops", "--json", "--markdown"], ["replay", "scenes.yaml"]]:
            self.check(CONFIG, *arguments)
            self.assertNotEqual(self.call(*arguments).stderr, "")

    def test_validate(self):
        self.assertEqual(self.check(OK, "validate", "scenes.yaml"), "scenes.yaml: valid, 5 nodes\n")
        self.assertEqual(self.check(OK, "validate", "scenes.yaml", "-q"), "")
        self.refuse(CONFIG, "no_such.yaml: error[CFG-READ]", "validate", "no_such.yaml")
        (self.folder / "bad.yaml").write_text(SCENES.replace("gamma:", "gama:").replace(
            "seed: 1", "seed: one"))
        done = self.call("validate", "bad.yaml")
        self.assertEqual(done.returncode, CONFIG)
        self.assertEqual(done.stderr.splitlines(), [
            "bad.yaml:2:7: error[CFG-VALUE] seed: expected an integer of at least 0, got string "
            "'one'",
            "bad.yaml:8:33: error[CFG-VERB] look: unknown verb 'gama'; did you mean 'gamma'?"])

    def test_explain(self):
        text = self.check(OK, "explain", "scenes.yaml")
        for word in ["pass bind", "pass fuse", "photos", "views", "parts.train"]:
            self.assertIn(word, text)
        dot = self.check(OK, "explain", "scenes.yaml", "--dot")
        self.assertTrue(dot.startswith("digraph pixloom {") and dot.endswith("}\n"))
        self.assertEqual(dot.count(" -> "), 5)
        svg = xml.etree.ElementTree.fromstring(self.check(OK, "explain", "scenes.yaml", "--svg"))
        self.assertTrue(svg.tag.endswith("svg"))
        self.assertIn("look", "".join(svg.itertext()))
        written = self.check(OK, "explain", "scenes.yaml", "--yaml", "--set", "COUNT=4")
        (self.folder / "written.yaml").write_text(written)
        self.check(OK, "validate", "written.yaml")
        self.check(OK, "run", "scenes.yaml", "-q", "--set", "COUNT=4")
        (self.folder / "out").rename(self.folder / "first")
        self.check(OK, "run", "written.yaml", "-q")
        self.assertEqual(self.files("first"), self.files())
        for name in self.files():
            self.assertEqual((self.folder / "first" / name).read_bytes(),
                             (self.folder / "out" / name).read_bytes(), name)

    def test_every_configuration_can_be_explained(self):
        for path in sorted((ROOT / "configs").rglob("*.yaml")):
            if path.parent.name == "networks":  # layer lists: `pixloom network show`
                continue
            names = set(re.findall(r"\$\((\w+)\)", path.read_text()))  # without a default
            sets = [word for name in sorted(names) for word in ("--set", f"{name}=x")]
            for form in ([], ["--svg"], ["--dot"], ["--yaml"]):
                with self.subTest(path=path.name, form=form):
                    self.check(OK, "explain", str(path), *sets, *form)

    def test_disabled_passes(self):
        text = self.check(OK, "explain", "scenes.yaml", "--disable-pass", "fuse")
        self.assertRegex(text, r"pass fuse.*\n +disabled")
        self.refuse(CONFIG, "there is no pass 'fuze'; did you mean 'fuse'?", "validate",
                    "scenes.yaml", "--disable-pass", "fuze")

    def test_ops(self):
        listed = self.check(OK, "ops").splitlines()
        names = [line.split()[0] for line in listed if line.startswith("  ")]
        self.assertIn("Geometry", listed)
        for name in ["hflip", "elastic", "shapes", "image_folder"]:
            self.assertIn(name, names)
        rotate = self.check(OK, "ops", "rotate")
        for word in ["angle", "deg", "[-90, 90]", "interpolation", "Angle, counter-clockwise"]:
            self.assertIn(word, rotate)
        self.assertEqual(self.check(OK, "ops", "HorizontalFlip"), self.check(OK, "ops", "hflip"))
        both = self.check(OK, "ops", "image_folder")
        self.assertIn("source", both)
        self.assertIn("sink", both)
        self.refuse(CONFIG, "there is no verb 'rotat'; did you mean 'rotate'?", "ops", "rotat")
        described = json.loads(self.check(OK, "ops", "--json"))
        verbs = described if isinstance(described, list) else [
            verb for part in described.values() if isinstance(part, list) for verb in part]
        by_name = {verb["name"]: verb for verb in verbs}
        size = by_name["random_crop"]["params"][0]
        self.assertEqual((size["name"], size["type"], size["required"], size["unit"]),
                         ("size", "size", True, "px"))
        self.assertNotIn("default", size)  # nothing sensible to show
        for verb in verbs:
            self.assertTrue(verb["doc"].endswith("."), verb["name"])
        markdown = self.check(OK, "ops", "--markdown")
        for name in names:
            self.assertIn(f"### {name}\n", markdown)

    def test_schema(self):
        schema = json.loads(self.check(OK, "schema"))
        self.assertIn("nodes", schema["properties"])
        try:
            import jsonschema
            import yaml
        except ImportError as error:
            self.skipTest(f"schema validation: {error.name} is not installed")
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        written = self.check(OK, "explain", "scenes.yaml", "--yaml")
        for text in [SCENES.replace("$(COUNT:-6)", "6"), FOLDER, written] + [
                path.read_text() for path in sorted((ROOT / "configs").glob("*.yaml"))]:
            validator.validate(yaml.safe_load(text))
        for wrong in [SCENES.replace("gamma", "gama"), SCENES.replace("seed: 1", "seed: one"),
                      SCENES.replace("weight: 2", "wait: 2"), SCENES.replace("nodes:", "node:")]:
            with self.assertRaises(jsonschema.ValidationError):
                validator.validate(yaml.safe_load(wrong))

    # ---- running -------------------------------------------------------------------------------

    def test_run_writes_and_reports(self):
        text = self.check(OK, "run", "scenes.yaml")
        self.assertIn("photos: 6 in = 6 written + 0 filtered + 0 failed", text)
        self.assertIn("12 written", text)
        self.assertIn("results: out", text)
        self.assertEqual(len([n for n in self.files() if n.endswith(".png")]), 12)
        self.assertEqual((self.folder / "out/pipeline.yaml").read_text(),
                         self.check(OK, "explain", "scenes.yaml", "--yaml"))
        sidecar = json.loads((self.folder / "out/shape_000000_1.json").read_text())
        self.assertEqual((sidecar["key"], sidecar["branch"]), ("shape_000000", "1"))

    def test_report_conserves(self):
        self.make_photos(bad=2)
        report = json.loads(self.check(SOME_BAD, "run", "folder.yaml", "--set", "MAX=50%",
                                       "--json"))
        for node in report["nodes"]:
            self.assertEqual(node["in"] + node["generated"],
                             node["out"] + node["filtered"] + node["failed"], node)
        source, = report["sources"]
        self.assertEqual((source["in"], source["written"], source["failed"]), (5, 3, 2))
        self.assertEqual(source["in"], source["written"] + source["filtered"] + source["failed"]
                         + source["unfinished"])
        self.assertEqual((report["written"], report["quarantined"]), (6, 2))
        lines = (self.folder / report["quarantine_file"]).read_text().splitlines()
        records = [json.loads(line) for line in lines]
        self.assertEqual([r["key"] for r in records], ["bad0.jpg", "bad1.jpg"])
        self.assertEqual({(r["code"], r["node"]) for r in records}, {("DEC-FORMAT", "photos")})

    def test_bad_samples(self):
        self.make_photos(bad=1)
        stopped = self.call("run", "folder.yaml", "-q")
        self.assertEqual(stopped.returncode, TOO_MANY_BAD)
        self.assertIn("1 of 4 entries are bad, max_bad is 1%", stopped.stderr)
        self.check(SOME_BAD, "run", "folder.yaml", "-q", "--overwrite", "--set", "MAX=1")
        failed = self.call("run", "folder.yaml", "-q", "--overwrite", "--set", "POLICY=fail")
        self.assertEqual(failed.returncode, TOO_MANY_BAD)
        self.assertIn("a sample failed and on_error is fail", failed.stderr)
        self.check(SOME_BAD, "run", "folder.yaml", "-q", "--overwrite", "--set", "MAX=1",
                   "--quarantine", "list.jsonl")
        self.assertEqual(len((self.folder / "list.jsonl").read_text().splitlines()), 1)
        (self.folder / "in/bad0.jpg").unlink()
        self.check(OK, "run", "folder.yaml", "-q", "--overwrite")
        self.assertNotIn("quarantine.jsonl", self.files())

    def test_output_exists(self):
        self.check(OK, "run", "scenes.yaml", "-q")
        before = {n: (self.folder / "out" / n).read_bytes() for n in self.files()}
        self.refuse(BUSY, "output 'out' is not empty", "run", "scenes.yaml")
        self.check(OK, "run", "scenes.yaml", "-q", "--overwrite", "--threads", 4)
        after = {n: (self.folder / "out" / n).read_bytes() for n in self.files()}
        self.assertEqual(before, after)

    def test_environment(self):
        done = self.call("run", "scenes.yaml", "--set", "OUT=/dev/null/out")
        self.assertEqual(done.returncode, ENVIRONMENT, done.stderr)
        self.assertIn("/dev/null/out", done.stderr)

    def test_empty_source(self):
        (self.folder / "in").mkdir()
        self.refuse(CONFIG, "error[CFG-SOURCE] photos: no pictures in 'in' or below", "run",
                    "folder.yaml")
        (self.folder / "in").rmdir()
        self.refuse(CONFIG, "error[CFG-SOURCE] photos:", "run", "folder.yaml")

    def test_limit_seed_and_memory(self):
        self.check(OK, "run", "scenes.yaml", "-q", "--limit", 2)
        limited = {n: (self.folder / "out" / n).read_bytes() for n in self.files()}
        self.assertEqual(len([n for n in limited if n.endswith(".png")]), 4)
        self.check(OK, "run", "scenes.yaml", "-q", "--set", "OUT=whole")
        for name, data in limited.items():
            self.assertEqual((self.folder / "whole" / name).read_bytes(), data)
        self.check(OK, "run", "scenes.yaml", "-q", "--set", "OUT=seed", "--seed", 2)
        self.assertNotEqual((self.folder / "seed/shape_000000_0.json").read_bytes(),
                            limited["shape_000000_0.json"])
        self.refuse(CONFIG, "--memory lots: expected a size", "run", "scenes.yaml", "--overwrite",
                    "--memory", "lots")
        self.refuse(CONFIG, "error[CFG-MEMORY]", "run", "scenes.yaml", "--overwrite", "--memory",
                    "1kB")
        self.check(OK, "run", "scenes.yaml", "-q", "--overwrite", "--memory", "64MiB")

    def test_set(self):
        self.refuse(CONFIG, "--set OUT: expected NAME=VALUE", "run", "scenes.yaml", "--set", "OUT")
        self.refuse(CONFIG, "--set =x: expected NAME=VALUE", "run", "scenes.yaml", "--set", "=x")
        self.refuse(CONFIG, "--set OTHER: the configuration has no $(OTHER)", "run", "scenes.yaml",
                    "--set", "OTHER=1")
        self.refuse(CONFIG, "scenes.yaml:4:28: error[CFG-VALUE] photos (shapes): count: expected "
                    "an integer, got string 'few'", "run", "scenes.yaml", "--set", "COUNT=few")
        self.assertFalse((self.folder / "out").exists())
        self.check(OK, "run", "scenes.yaml", "-q", "--set", "OUT=a=b", "--set", "COUNT=1")
        self.assertEqual(len(self.files("a=b")), 4)

    def test_quiet_and_progress(self):
        done = self.call("run", "scenes.yaml", "--quiet")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (OK, "", ""))
        done = self.call("run", "scenes.yaml", "--overwrite", "--progress", "json")
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        self.assertEqual((lines[-1]["done"], lines[-1]["total"]), (12, 12))
        self.assertEqual(sorted(lines[-1]),
                         ["done", "eta", "quarantined", "rate", "seconds", "total"])
        done = self.call("run", "scenes.yaml", "--overwrite", "--progress", "none")
        self.assertEqual(done.stderr, "")
        done = self.call("run", "scenes.yaml", "--overwrite", "--progress", "plain")
        self.assertRegex(done.stderr, r"^12/12 \(100 %\)")
        self.assertNotIn("\r", done.stderr)

    def test_notices_go_to_stderr(self):
        (self.folder / "alias.yaml").write_text(
            SCENES.replace("seed: 1\n", "").replace("gaussian_noise", "HorizontalFlip"))
        done = self.call("validate", "alias.yaml")
        self.assertEqual(done.returncode, OK)
        self.assertIn("alias.yaml:7:16: notice[CFG-ALIAS]", done.stderr)
        self.assertRegex(done.stderr, r"notice\[CFG-SEED\] no seed given, using seed: \d+")
        self.assertEqual(self.call("validate", "alias.yaml", "-q").stderr, "")

    def test_replay_writes_the_same_pixels(self):
        self.make_photos(bad=1)
        self.check(SOME_BAD, "run", "folder.yaml", "-q", "--set", "MAX=1")
        before = sorted(p.name for p in self.folder.iterdir())
        text = self.check(OK, "replay", "folder.yaml", "p1.png", "--set", "MAX=1", "--out", "again")
        self.assertIn("look/random_crop#1", text)
        for branch in "01":
            self.assertEqual((self.folder / f"again/out_{branch}.png").read_bytes(),
                             (self.folder / f"out/p1_{branch}.png").read_bytes())
        self.check(OK, "replay", "folder.yaml", "p0.png", "-q", "--branch", 1, "--out", "one")
        self.assertEqual(self.files("one"), ["out_1.png"])
        self.refuse(CONFIG, "no source has an entry 'p9.png'", "replay", "folder.yaml", "p9.png")
        self.refuse(CONFIG, "'p0.png' leaves no result with branch 7", "replay", "folder.yaml",
                    "p0.png", "--branch", 7)
        self.refuse(CONFIG, "'bad0.jpg' leaves no result", "replay", "folder.yaml", "bad0.jpg")
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()),
                         sorted(before + ["again", "one"]))

    # ---- stopping ------------------------------------------------------------------------------

    def interrupt(self, number):
        process = subprocess.Popen([CLI, "run", "slow.yaml", "--progress", "none", "--json"],
                                   cwd=self.folder, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        out = self.folder / "out"
        deadline = time.monotonic() + 60
        while not (out.is_dir() and len(list(out.glob("*.json"))) > 5):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(process.poll())
            time.sleep(0.02)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        return process.returncode, json.loads(stdout), stderr

    def test_signals_stop_cleanly(self):
        for number, code in [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, TERMINATED)]:
            shutil.rmtree(self.folder / "out", ignore_errors=True)
            returned, report, stderr = self.interrupt(number)
            self.assertEqual(returned, code, stderr)
            self.assertIn("stopped on request", stderr)
            self.assertTrue(report["interrupted"])
            source, = report["sources"]
            self.assertEqual(source["in"], source["written"] + source["unfinished"])
            self.assertGreater(source["unfinished"], 0)
            names = self.files()
            self.assertEqual([n for n in names if n.startswith(".")], [])
            whole = {n[:-5] for n in names if n.endswith(".json")}
            self.assertEqual(len(whole), report["written"])
            for name in names:
                self.assertIn(re.sub(r"\..*$", "", name), whole)
            for name in whole:
                json.loads((self.folder / "out" / f"{name}.json").read_text())
                self.assertTrue((self.folder / "out" / f"{name}.png").read_bytes().endswith(
                    b"IEND\xaeB`\x82"))


if __name__ == "__main__":
    if not os.access(CLI, os.X_OK):
        print("[skipped] cli_test: the pixloom command is not built")
        sys.exit(77)
    unittest.main()
