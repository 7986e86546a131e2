# SPDX-License-Identifier: Apache-2.0
"""A folder of everything that goes wrong with files: the run completes, every bad file is listed
with its reason, and the count of files adds up."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

CLI = os.environ["PIXLOOM_CLI"]


def run(*args, **kwargs):
    return subprocess.run([CLI, *map(str, args)], capture_output=True, text=True, timeout=120,
                          **kwargs)


def png_claiming(width, height):
    """A PNG whose header claims a size that its data does not have."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
            chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b""))


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_faults_"))
        os.chmod(cls.work, 0o755)
        made = cls.work / "made.yaml"
        made.write_text("version: 1\nseed: 1\nnodes:\n"
                        "  in: {shapes: {count: 12, size: [80, 100], min_object: 16}}\n"
                        "  out: {image_folder: {path: $(OUT), format: jpg}}\n")
        assert run("run", made, "--set", f"OUT={cls.work}/good").returncode == 0
        data = cls.work / "data"
        data.mkdir()
        for path in (cls.work / "good").glob("shape_*.jpg"):
            shutil.copy(path, data)
        good = sorted(data.iterdir())
        whole = good[0].read_bytes()
        (data / "a_truncated.jpg").write_bytes(whole[:len(whole) // 2])
        (data / "b_empty.jpg").write_bytes(b"")
        (data / "c_page.jpg").write_text("<!DOCTYPE html><html><body>404</body></html>")
        (data / "d_bomb.png").write_bytes(png_claiming(20000, 20000))
        (data / "e_cut.png").write_bytes(png_claiming(100, 100)[:70])
        (data / "f_new\nline.jpg").write_bytes(b"\xff\xd8garbage")
        (data / "g_wrongly_named.png").write_bytes(whole)  # a JPEG: fine, told by its bytes
        os.mkfifo(data / "h_fifo.jpg")
        (data / "i_loop").symlink_to(data)
        unreadable = data / "j_unreadable.jpg"
        unreadable.write_bytes(whole)
        unreadable.chmod(0)
        cls.data = data
        cls.good = len(good) + 1
        cls.bad = {"a_truncated.jpg": "DEC-TRUNC", "b_empty.jpg": "DEC-FORMAT",
                   "c_page.jpg": "DEC-FORMAT", "d_bomb.png": "DEC-LIMIT", "e_cut.png": "DEC-",
                   "f_new\\x0aline.jpg": "DEC-", "j_unreadable.jpg": "IO-OPEN"}
        cls.config = cls.work / "faults.yaml"
        cls.config.write_text(
            "version: 1\nseed: 1\non_error: {max_bad: 100%}\nnodes:\n"
            "  photos: {image_folder: {path: $(DATA)}}\n"
            "  views: {copies: 2}\n"
            "  look: [{random_crop: 64}, hflip]\n"
            "  out: {image_folder: {path: $(OUT)}}\n")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def run_as_user(self, name, *args):
        """Root reads everything; permissions mean something to nobody."""
        out = self.work / name
        out.mkdir()
        if os.getuid() != 0:
            return out, run("run", self.config, "--set", f"DATA={self.data}", "--set",
                            f"OUT={out}", *args)
        os.chown(out, 65534, 65534)
        # The program may lie where nobody has no way to.
        cli = self.work / "pixloom"
        if not cli.exists():
            shutil.copy(CLI, cli)
            cli.chmod(0o755)
        done = subprocess.run([str(cli), "run", str(self.config), "--set", f"DATA={self.data}",
                               "--set", f"OUT={out}", *args], capture_output=True, text=True,
                              timeout=120, user=65534, group=65534, extra_groups=[])
        return out, done

    def test_the_run_completes_and_names_every_bad_file(self):
        out, done = self.run_as_user("out", "--json")
        self.assertEqual(done.returncode, 3, done.stderr)
        report = json.loads(done.stdout)
        source = report["sources"][0]
        self.assertEqual(source["in"], self.good + len(self.bad))
        self.assertEqual(source["in"], source["written"] + source["filtered"] + source["failed"])
        self.assertEqual(source["failed"], len(self.bad))
        self.assertEqual(report["written"], 2 * self.good)
        self.assertEqual(len(list(out.glob("*.json"))), 2 * self.good)
        lines = [json.loads(line) for line in (out / "quarantine.jsonl").read_text().splitlines()]
        found = {}
        for line in lines:
            self.assertTrue(line["reason"], line)
            found[line["key"]] = line["code"]
        self.assertEqual(set(found), set(self.bad))
        for key, code in self.bad.items():
            self.assertTrue(found[key].startswith(code), (key, found[key]))
        # What is no regular file is skipped and said so; it is not an entry.
        self.assertIn("h_fifo.jpg", done.stderr)

    def test_conservation_is_printed(self):
        _, done = self.run_as_user("printed")
        self.assertIn(f"photos: {self.good + len(self.bad)} in = {self.good} written + 0 filtered "
                      f"+ {len(self.bad)} failed", done.stdout)

    def test_truncated_files_can_be_accepted(self):
        config = self.work / "accept.yaml"
        config.write_text(self.config.read_text().replace(
            "{path: $(DATA)}", "{path: $(DATA), truncated: accept}"))
        out = self.work / "accept"
        done = run("run", config, "--set", f"DATA={self.data}", "--set", f"OUT={out}", "--json")
        report = json.loads(done.stdout)
        keys = [json.loads(line)["key"]
                for line in (out / "quarantine.jsonl").read_text().splitlines()]
        self.assertNotIn("a_truncated.jpg", keys)
        self.assertGreater(report["decode_warnings"], 0)

    def test_the_default_share_of_bad_files_stops_the_run(self):
        config = self.work / "strict.yaml"
        config.write_text(self.config.read_text().replace("on_error: {max_bad: 100%}\n", ""))
        done = run("run", config, "--set", f"DATA={self.data}", "--set",
                   f"OUT={self.work}/strict")
        self.assertEqual(done.returncode, 4)
        self.assertIn("max_bad", done.stderr)


if __name__ == "__main__":
    unittest.main()
