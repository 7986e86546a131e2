#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Single rows of [N,224,224,3] u8 in random order through h5py, from the page cache, against a bare
os.pread of the same bytes. Without arguments it makes a contiguous file; with one it reads `images`
of that file. Rounds alternate; figures are medians, the ratio is to pread."""
import os
import sys
import tempfile
import time

import h5py
import numpy as np

ROWS, READS, ROUNDS = 2000, 4000, 9


def make(folder):
    path = os.path.join(folder, "plain.h5")
    random = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (ROWS, 224, 224, 3), "u1")
        for i in range(ROWS):
            images[i] = random.integers(0, 256, images.shape[1:], dtype="u1")
    return path


def measure(path):
    with h5py.File(path, "r") as file:
        images = file["images"]
        rows, row_bytes = images.shape[0], int(np.prod(images.shape[1:]))
        start = images.id.get_offset()
        fd = os.open(path, os.O_RDONLY)
        buffer = np.empty(images.shape[1:], images.dtype)
        memory = h5py.h5s.create_simple(images.shape[1:])
        space = images.id.get_space()
        side = images.shape[1:]

        def low_level(row):
            space.select_hyperslab((row, 0, 0, 0), (1,) + side)
            images.id.read(memory, space, buffer)

        ways = {
            "os.pread": lambda row: os.pread(fd, row_bytes, start + row * row_bytes),
            "os.preadv": lambda row: os.preadv(fd, [buffer], start + row * row_bytes),
            "h5py images[i]": lambda row: images[row],
            "h5py read_direct": lambda row: images.read_direct(buffer, np.s_[row]),
            "h5py low level": low_level,
        }
        order = np.random.default_rng(2).integers(0, rows, READS).tolist()
        seconds = {name: [] for name in ways}
        for round_ in range(-1, ROUNDS):  # the first one fills caches
            for name, read in ways.items():
                begin = time.perf_counter()
                for row in order:
                    read(row)
                if round_ >= 0:
                    seconds[name].append(time.perf_counter() - begin)
        os.close(fd)
    base = np.median(seconds["os.pread"])
    for name, values in seconds.items():
        median = np.median(values)
        print(f"{name:<18} {READS / median:8.0f} rows/s  {base / median:5.2f}")


if len(sys.argv) > 1:
    measure(sys.argv[1])
else:
    with tempfile.TemporaryDirectory(prefix="pixloom_bench_") as folder:
        measure(make(folder))
