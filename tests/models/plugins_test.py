# SPDX-License-Identifier: Apache-2.0
"""pixloom plugins: what it lists without loading, what it says after loading, its exit codes."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

CLI = os.environ["PIXLOOM_CLI"]
BUILT = pathlib.Path(os.environ["PIXLOOM_BINARY_DIR"], "test_plugins")
OK, USAGE, REJECTED = 0, 2, 8


class Plugins(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_plugins_"))
        self.folder = self.work / "plugins"
        self.folder.mkdir()
        self.loaded = self.work / "loaded"
        self.environment = dict(os.environ, PIXLOOM_PLUGIN_PATH=str(self.folder),
                                PIXLOOM_CACHE=str(self.work / "cache"),
                                PIXLOOM_TEST_LOADED=str(self.loaded))

    def tearDown(self):
        shutil.rmtree(self.work)

    def install(self, fault, identity="c_plugin"):
        """A plugin of tests/models/c_plugin.c."""
        library = shutil.copy(BUILT / f"c_plugin_{fault}.so", self.folder)
        (self.folder / f"{fault}.plugin").write_text(
            f"id: {identity}\nname: Test\nversion: 1.10\nabi: 1.0\nlibrary: c_plugin_{fault}.so\n"
            "formats: [double, triple]\ndevices: [cpu]\nneeds: luck\n")
        return library

    def pixloom(self, *arguments, code=OK):
        done = subprocess.run([CLI, *arguments], env=self.environment, capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def times_loaded(self):
        return self.loaded.stat().st_size if self.loaded.exists() else 0

    def test_listing_loads_nothing(self):
        library = self.install("none")
        (self.folder / "broken.plugin").write_text("id: broken\nabi: 9.0\nformats: [x]\n")
        text = self.pixloom("plugins")
        row = next(line for line in text.splitlines() if line.startswith("c_plugin "))
        self.assertEqual(row.split(), ["c_plugin", "1.10", "double,", "triple", "cpu",
                                       str(library)])
        self.assertIn("broken: it was built for plugin ABI 9.0 and this Pixloom has 1.0", text)
        found = json.loads(self.pixloom("plugins", "--json"))
        self.assertEqual(found["folders"][0], str(self.folder))
        plugin = next(p for p in found["plugins"] if p["id"] == "c_plugin")
        self.assertEqual(plugin, {
            "id": "c_plugin", "name": "Test", "version": "1.10", "file": str(library),
            "formats": ["double", "triple"], "devices": ["cpu"], "needs": "luck", "runtime": "",
            "problem": ""})
        self.assertEqual(self.times_loaded(), 0)

    def test_a_check_loads_and_says_the_runtime(self):
        self.install("none")
        self.assertIn("doubler 3", self.pixloom("plugins", "--check", "c_plugin"))
        self.assertEqual(self.times_loaded(), 2)  # a trial, and in the process itself
        self.pixloom("plugins", "--check", "c_plugin")
        self.assertEqual(self.times_loaded(), 3)  # it loaded well: no trial
        found = json.loads(self.pixloom("plugins", "--check", "c_plugin", "--json"))
        self.assertEqual([p["runtime"] for p in found["plugins"]], ["doubler 3"])

    def test_one_that_cannot_be_used_is_exit_code_8(self):
        self.install("none", "good")  # says that it is c_plugin
        crashes = self.install("crashes", "crashes")
        self.install("missing_library", "lacking")
        text = self.pixloom("plugins", "--check", "crashes", code=REJECTED)
        self.assertIn("crashes: backend 'crashes' crashes while it is loaded (signal 11); remove or "
                      f"rebuild it: {crashes}\n", text)
        text = self.pixloom("plugins", "--check", code=REJECTED)
        for part in ["signal 11", "libpixloom_test_absent.so", "says that it is 'c_plugin'"]:
            self.assertIn(part, text)
        text = self.pixloom("plugins", "--check", "goood", code=REJECTED)
        self.assertIn("there is no backend 'goood'; did you mean 'good'?", text)
        self.assertIn(str(self.folder), text)

    def test_a_crash_in_a_library_that_loaded_well_is_not_forgotten(self):
        """Something that it needs changed: the process dies once, and then knows."""
        library = self.install("none")
        self.pixloom("plugins", "--check", "c_plugin")
        memory, = (self.work / "cache/plugins").iterdir()
        remembered = memory.read_text()
        # The same state for another library: as if its times had not changed.
        shutil.copy(BUILT / "c_plugin_crashes.so", library)
        facts = os.stat(library)
        first, path, _, end = remembered.split("\n")
        times = " ".join([str(facts.st_size)] + [
            f"{ns // 10**9}.{ns % 10**9:09}" for ns in (facts.st_mtime_ns, facts.st_ctime_ns)])
        memory.write_text("\n".join([first, path, times, end]))
        died = subprocess.run([CLI, "plugins", "--check", "c_plugin"], env=self.environment,
                              capture_output=True)
        self.assertEqual(died.returncode, -11)
        self.assertIn("signal 11", self.pixloom("plugins", "--check", "c_plugin", code=REJECTED))

    def test_usage(self):
        self.pixloom("plugins", "name_without_check", code=USAGE)


if __name__ == "__main__":
    unittest.main()
