# SPDX-License-Identifier: Apache-2.0
"""A folder as the disk would show it after the power failed: what fault_shim.c saw being flushed is
there, of the rest as much or as little as a file system may leave.

  names "synced"   only names that a flush of their folder made durable; a rename or a removal that
                   was not flushed did not happen
        "current"  every name, as a file system does whose journal came to write them
  data  "synced"   each file as it was at its last flush; empty when there was none
        "zeros"    of the size it had; what was not flushed reads as zeros
        "garbage"  ... or as anything
        "mixed"    ... or, block by block, as before, as written, as zeros or as anything
"""
import os
import pathlib
import random
import shutil
import stat

BLOCK = 4096
NAMES = ("synced", "current")
DATA = ("synced", "zeros", "garbage", "mixed")
VARIANTS = [(names, data) for names in NAMES for data in DATA]


def begin(root, shadow):
    """What is there before the program starts is on the disk."""
    root, shadow = pathlib.Path(root), pathlib.Path(shadow)
    shutil.rmtree(shadow, ignore_errors=True)
    shadow.mkdir(parents=True)
    for folder, listing in _walk(root).items():
        _write_listing(shadow / f"d-{folder}", listing)
        for inode, kind, path in listing.values():
            if kind == "f":
                shutil.copyfile(path, shadow / f"f-{inode}")


def restore(root, shadow, names, data, seed=0):
    """Replaces what is below `root`."""
    root, shadow = pathlib.Path(root), pathlib.Path(shadow)
    chance = random.Random(seed)
    now = _walk(root)
    paths = {inode: path for listing in now.values() for inode, kind, path in listing.values()
             if kind == "f"}
    rebuilt = root.with_name(root.name + ".rebuilt")
    shutil.rmtree(rebuilt, ignore_errors=True)
    linked = {}

    def build(inode, to):
        to.mkdir()
        if names == "current":
            listing = now.get(inode, {})
        else:
            listing = _read_listing(shadow / f"d-{inode}")
        for name, (child, kind, _) in sorted(listing.items()):
            if kind == "d":
                build(child, to / name)
            elif child in linked:
                os.link(linked[child], to / name)
            else:
                (to / name).write_bytes(_content(shadow / f"f-{child}", paths.get(child), data,
                                                 chance))
                linked[child] = to / name

    build(root.stat().st_ino, rebuilt)
    shutil.rmtree(root)
    rebuilt.rename(root)


def _walk(root):
    """Inode of each folder -> {name: (inode, "d" or "f", path)}."""
    found = {}
    for folder, _, _ in os.walk(root):
        listing = found[os.stat(folder).st_ino] = {}
        for entry in os.scandir(folder):
            kind = "d" if stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode) else "f"
            listing[entry.name] = (entry.inode(), kind, pathlib.Path(entry.path))
    return found


def _write_listing(path, listing):
    path.write_text("".join(f"{inode} {kind} {name}\n"
                            for name, (inode, kind, _) in listing.items()))


def _read_listing(path):
    if not path.exists():
        return {}
    rows = (line.split(" ", 2) for line in path.read_text().splitlines())
    return {name: (int(inode), kind, None) for inode, kind, name in rows}


def _content(flushed, written, data, chance):
    old = flushed.read_bytes() if flushed.exists() else b""
    # A file that lost its last name but not on the disk: only what was flushed is known.
    if data == "synced" or written is None:
        return old
    new = written.read_bytes()
    result = bytearray(new)
    for at in range(0, len(new), BLOCK):
        mine, theirs = new[at:at + BLOCK], old[at:at + BLOCK]
        if mine == theirs:
            continue
        how = data if data != "mixed" else chance.choice(("old", "new", "zeros", "garbage"))
        if how == "new":
            continue
        noise = chance.randbytes(len(mine)) if how == "garbage" else bytes(len(mine))
        # Bytes that both states agree on survive any mixture of the two.
        result[at:at + len(mine)] = bytes(
            m if i < len(theirs) and theirs[i] == m
            else theirs[i] if how == "old" and i < len(theirs) else n
            for i, (m, n) in enumerate(zip(mine, noise)))
    return bytes(result)
