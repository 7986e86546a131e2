# SPDX-License-Identifier: Apache-2.0
"""The failing disk itself: every call is seen, fails when told to and only then, and what a power
loss leaves is what was flushed."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import fault_shim
import power_loss

# Three calls of each class: the folder comes as the first argument.
PROGRAM = """
import os, sys
os.chdir(sys.argv[1])
def step(what):
    try:
        return what()
    except OSError as error:
        print(type(error).__name__, error.errno)
here = os.open('.', os.O_RDONLY)
fd = os.open('a', os.O_RDWR | os.O_CREAT)
step(lambda: os.mkdir('b'))
step(lambda: print('wrote', os.write(fd, b'x' * 100)))
step(lambda: print('wrote', os.pwrite(fd, b'y' * 100, 100)))
step(lambda: print('wrote', os.writev(fd, [b'z' * 50, b'z' * 50])))
step(lambda: os.fsync(fd))
step(lambda: os.fdatasync(fd))
step(lambda: os.fsync(here))
step(lambda: os.ftruncate(fd, 1000))
step(lambda: os.posix_fallocate(fd, 0, 2000))
step(lambda: os.rename('a', 'c'))
step(lambda: os.replace('c', 'd'))
step(lambda: os.link('d', 'e'))
step(lambda: os.unlink('e'))
step(lambda: os.rmdir('b'))
step(lambda: print('read', len(os.pread(fd, 100, 0))))
print('end')
"""
EACH = {"open": 3, "write": 3, "fsync": 3, "space": 2, "rename": 3, "unlink": 2, "read": 1}


class FaultShim(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="pixloom_shim_"))
        self.root = self.work / "root"
        self.root.mkdir()
        self.shadow = self.work / "shadow"

    def tearDown(self):
        shutil.rmtree(self.work)

    def run_program(self, program=PROGRAM, **how):
        shutil.rmtree(self.root)
        self.root.mkdir()
        if "shadow" in how:
            power_loss.begin(self.root, self.shadow)
        return subprocess.run([sys.executable, "-c", program, str(self.root)],
                              env=fault_shim.environment(self.root, **how), capture_output=True,
                              text=True, timeout=60)

    def test_every_call_is_seen(self):
        log = self.work / "log"
        done = self.run_program(log=log, calls=",".join(EACH))
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = [name for name, _, _ in fault_shim.calls(log)]
        self.assertEqual({name: seen.count(name) for name in EACH}, EACH)

    def test_other_folders_do_not_count(self):
        log = self.work / "log"
        other = self.work / "root2"
        other.mkdir()
        subprocess.run([sys.executable, "-c", PROGRAM, str(other)], check=True, capture_output=True,
                       env=fault_shim.environment(self.root, log=log, nth=1, kind="EIO"))
        self.assertEqual(fault_shim.calls(log), [])

    def test_the_nth_call_fails_once_or_for_ever(self):
        done = self.run_program(calls="write", nth=2, kind="ENOSPC")
        self.assertEqual(done.stdout.split("\n")[:3], ["wrote 100", "OSError 28", "wrote 100"])
        done = self.run_program(calls="write", nth=2, kind="ENOSPC", sticky=True)
        self.assertEqual(done.stdout.split("\n")[:3], ["wrote 100", "OSError 28", "OSError 28"])
        done = self.run_program(calls="fsync", nth=3, kind="EIO")
        self.assertIn("OSError 5", done.stdout)
        done = self.run_program(calls="space", nth=2, kind="ENOSPC")
        self.assertIn("OSError 28", done.stdout)

    def test_short_writes(self):
        for nth, half in ((1, 50), (2, 50), (3, 50)):
            done = self.run_program(calls="write", nth=nth, kind="SHORT")
            self.assertEqual(done.stdout.split("\n")[nth - 1], f"wrote {half}")
            self.assertTrue(done.stdout.endswith("end\n"))

    def test_kills(self):
        sizes = {}
        for kind in ("KILL", "KILL_HALF", "KILL_AFTER"):
            done = self.run_program(calls="write", nth=1, kind=kind)
            self.assertEqual(done.returncode, -9)
            sizes[kind] = (self.root / "a").stat().st_size
        self.assertEqual(sizes, {"KILL": 0, "KILL_HALF": 50, "KILL_AFTER": 100})

    def test_power_loss_keeps_what_was_flushed(self):
        program = """
import os, sys
os.chdir(sys.argv[1])
def make(name, text, sync):
    fd = os.open(name, os.O_RDWR | os.O_CREAT, 0o644)
    os.write(fd, text)
    if sync: os.fsync(fd)
    return fd
here = os.open('.', os.O_RDONLY)
make('kept', b'kept', True)
fd = make('grown', b'old', True)
make('unflushed', b'data', False)
make('renamed', b'before', True)
make('removed', b'there', True)
os.fsync(here)
os.pwrite(fd, b'new', 3)
make('nameless', b'data', True)
make('over', b'after', True)
os.rename('over', 'renamed')
os.unlink('removed')
make('reuse', b'another', True)
os.kill(os.getpid(), 9)
"""
        def left(names, data):
            self.assertEqual(self.run_program(program, shadow=self.shadow).returncode, -9)
            power_loss.restore(self.root, self.shadow, names, data)
            return {path.name: path.read_bytes() for path in self.root.iterdir()}

        self.assertEqual(left("synced", "synced"),
                         {"kept": b"kept", "grown": b"old", "unflushed": b"", "renamed": b"before",
                          "removed": b"there"})
        self.assertEqual(left("current", "zeros"),
                         {"kept": b"kept", "grown": b"old\0\0\0", "unflushed": b"\0\0\0\0",
                          "renamed": b"after", "nameless": b"data", "reuse": b"another"})
        garbage = left("current", "garbage")
        self.assertEqual(garbage["grown"][:3], b"old")
        self.assertNotEqual(garbage["grown"], b"oldnew")

    def test_power_loss_of_nothing_changes_nothing(self):
        for names, data in power_loss.VARIANTS:
            (self.root / "folder").mkdir(exist_ok=True)
            (self.root / "folder" / "file").write_bytes(bytes(range(256)) * 100)
            (self.root / "empty").write_bytes(b"")
            power_loss.begin(self.root, self.shadow)
            power_loss.restore(self.root, self.shadow, names, data, seed=1)
            self.assertEqual((self.root / "folder" / "file").read_bytes(),
                             bytes(range(256)) * 100)
            self.assertEqual((self.root / "empty").read_bytes(), b"")


if __name__ == "__main__":
    if not fault_shim.LIBRARY:
        print("[skipped] fault_shim_test: PIXLOOM_FAULT_SHIM is not set")
        sys.exit(77)
    unittest.main()
