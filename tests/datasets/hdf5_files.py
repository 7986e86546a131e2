#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes HDF5 files of every kind in a folder, and what h5py reads from them: FILE/DATASET as raw
bytes of the type that a reader gives, in expected/FILE/DATASET.bin."""
import pathlib
import sys

import h5py
import numpy as np

FOLDER = pathlib.Path(sys.argv[1])

# What numbers of other widths are read as.
WIDENED = {"int8": "int32", "int16": "int32", "float16": "float32", "bool": "uint8"}


def expect(name):
    """Everything in the file that holds plain numbers, as h5py reads it."""
    def visit(path, item):
        if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "biuf" or not item.shape:
            return
        values = item[()]
        values = values.astype(WIDENED.get(values.dtype.name, values.dtype.newbyteorder("=")))
        target = FOLDER / "expected" / name / (path.replace("/", "%") + ".bin")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(values.tobytes())

    with h5py.File(FOLDER / name, "r") as file:
        file.visititems(visit)


def numbers(rng, dtype, shape):
    if np.dtype(dtype).kind == "f":
        values = rng.normal(size=shape).astype(dtype)
        values.flat[:4] = [np.nan, np.inf, 6e-8, -0.0]
        return values
    if np.dtype(dtype).kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    info = np.iinfo(dtype)
    values = rng.integers(0, 256, shape + (np.dtype(dtype).itemsize,), dtype=np.uint8)
    values = values.view(np.dtype(dtype).newbyteorder("<"))[..., 0].astype(dtype)
    values.flat[:2] = [info.min, info.max]
    return values


def kinds():
    rng = np.random.default_rng(1)
    with h5py.File(FOLDER / "kinds.h5", "w") as file:
        for name in ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"):
            values = numbers(rng, name, (11, 5, 3))
            file[f"little/{name}"] = values.astype("<" + name)
            file[f"big/{name}"] = values.astype(">" + name)
            file.create_dataset(f"packed/{name}", data=values.astype(">" + name),
                                chunks=(2, 2, 3), compression="gzip", shuffle=True)
        file["bools"] = numbers(rng, "bool", (9, 4))
        file["one"] = np.arange(17, dtype="u4")
        file.create_dataset("empty", shape=(0, 4), dtype="f4")
        file.create_dataset("narrow", shape=(5, 0), dtype="f4")
        file.create_dataset("unwritten", shape=(6, 3), dtype=">i4", fillvalue=-7)
        file.create_dataset("unwritten_chunks", shape=(6, 3), dtype="f4", fillvalue=2.5,
                            chunks=(4, 2))
        pictures = numbers(rng, "u1", (23, 8, 6, 3))
        for name, options in {
                "chunked/rows": {"chunks": (1, 8, 6, 3)},
                "chunked/bands": {"chunks": (5, 8, 6, 3)},
                "chunked/parts": {"chunks": (4, 3, 4, 2)},
                "chunked/auto_gzip": {"compression": "gzip"},
                "chunked/gzip9": {"chunks": (1, 8, 6, 3), "compression": "gzip",
                                  "compression_opts": 9},
                "chunked/checked": {"chunks": (1, 8, 6, 3), "fletcher32": True},
                "chunked/all": {"chunks": (3, 8, 6, 3), "compression": "gzip", "shuffle": True,
                                "fletcher32": True},
                "chunked/szip": {"chunks": (2, 8, 6, 3), "compression": "szip"},
                "chunked/scale": {"chunks": (2, 8, 6, 3), "scaleoffset": 0},
                "chunked/lz4": {"chunks": (2, 8, 6, 3), "compression": 32004},
                "chunked/blosc": {"chunks": (2, 8, 6, 3), "compression": 32001,
                                  "compression_opts": (0, 0, 0, 0, 5, 1, 5)},
                "chunked/bz2": {"chunks": (2, 8, 6, 3), "compression": 307},
                "chunked/growing": {"maxshape": (None, 8, 6, 3)},
        }.items():
            file.create_dataset(name, data=pictures, **options)
        some = file.create_dataset("chunked/some", shape=(10, 4), dtype="i8", chunks=(3, 2),
                                   fillvalue=-1, compression="gzip")
        some[4] = [1, 2, 3, 4]
        wide = file.create_dataset("chunked/wide", data=numbers(rng, "f8", (7, 9)), chunks=(2, 4),
                                   compression="gzip", shuffle=True, fletcher32=True)
        wide.attrs["unit"] = "m"
        compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        compact.set_layout(h5py.h5d.COMPACT)
        values = numbers(rng, "i2", (6, 4))
        space = h5py.h5s.create_simple(values.shape)
        h5py.h5d.create(file.id, b"compact", h5py.h5t.STD_I16BE, space, compact).write(
            h5py.h5s.ALL, h5py.h5s.ALL, values)
        ten_bits = h5py.h5t.STD_U16LE.copy()
        ten_bits.set_precision(10)
        h5py.h5d.create(file.id, b"ten_bits", ten_bits, space).write(
            h5py.h5s.ALL, h5py.h5s.ALL, np.abs(values).astype("u2") & 1023)
        colours = h5py.enum_dtype({"red": 1, "green": 2}, basetype="u2")
        file.create_dataset("colours", data=np.array([1, 2, 2], dtype="u2"), dtype=colours)
        file["alias"] = file["little/u1"]
        file["soft"] = h5py.SoftLink("/little/i4")
        # What cannot be read as numbers.
        file["not/texts"] = np.array([b"abc", b"de"], dtype="S3")
        file.create_dataset("not/strings", data=["a", "bb"], dtype=h5py.string_dtype())
        file["not/compound"] = np.zeros(3, dtype=[("a", "i4"), ("b", "f4")])
        file.create_dataset("not/ragged", shape=(2,), dtype=h5py.vlen_dtype("i4"))
        file.create_dataset("not/array", shape=(2,), dtype=np.dtype("(3,)f4"))
        file["not/nothing"] = h5py.Empty("f4")
        file.create_dataset("not/lzf", data=pictures, compression="lzf")
        file["not/scalar"] = 3.5
        # What says something.
        file.attrs["class_names"] = ["cat", "dog", "\u00e9"]
        file.attrs["fixed"] = np.array([b"ab", b"c"])
        file.attrs["text"] = "hello"
        file.attrs["count"] = np.int64(-5)
        file.attrs["large"] = np.uint64(2**64 - 1)
        file.attrs["ratio"] = 0.25
        file.attrs["list"] = np.array([1, 2, 3], dtype=">i2")
        file.attrs["floats"] = np.array([0.5, 1.5], dtype="f4")
        file.attrs["square"] = np.zeros((2, 2))
    expect("kinds.h5")


def structures():
    values = np.arange(12, dtype="u1").reshape(4, 3)
    with h5py.File(FOLDER / "block.h5", "w", userblock_size=512) as file:  # as MATLAB does
        file["plain"] = values
        file.create_dataset("packed", data=values, chunks=(1, 3), compression="gzip")
    expect("block.h5")
    with h5py.File(FOLDER / "latest.h5", "w", libver="latest") as file:
        file["plain"] = values
        file.create_dataset("packed", data=np.arange(4000, dtype="i4").reshape(40, 100),
                            chunks=(3, 30), compression="gzip")
        file.create_dataset("single", data=values, chunks=(4, 3), compression="gzip")
        file.create_dataset("growing", data=values, chunks=(3, 2), maxshape=(None, None))
        for i in range(40):
            file.attrs[f"attribute{i}"] = i
    expect("latest.h5")
    with h5py.File(FOLDER / "cycle.h5", "w") as file:
        file["a/b/data"] = values
        file["a/b/up"] = file["a"]
        file["a/b/root"] = file["/"]
        file["a/loop"] = h5py.SoftLink("/a/loop")
        file["a/ping"] = h5py.SoftLink("/a/pong")
        file["a/pong"] = h5py.SoftLink("/a/ping")
        file["gone"] = h5py.SoftLink("/nowhere")
    with h5py.File(FOLDER / "secret.h5", "w") as file:
        file["data"] = values
    with h5py.File(FOLDER / "outside.h5", "w") as file:
        file["good"] = values
        file["link"] = h5py.ExternalLink("secret.h5", "/data")
        file["through"] = h5py.SoftLink("/link")
        file.create_dataset("raw", shape=(4, 3), dtype="u1", external=[("secret.h5", 0, 12)])
    with h5py.File(FOLDER / "deep.h5", "w") as file:
        group = file
        for _ in range(100):
            group = group.create_group("g")
    with h5py.File(FOLDER / "many.h5", "w") as file:
        for i in range(60):
            file[f"d{i:03}"] = values


def virtual():
    for i in range(3):
        with h5py.File(FOLDER / f"part{i}.h5", "w") as file:
            file["x"] = np.full((2, 3), 10 * i + 1, dtype="i4")
            file["copy"] = h5py.ExternalLink("part0.h5", "/x")

    def write(name, sources, dataset="x"):
        layout = h5py.VirtualLayout(shape=(2 * len(sources), 3), dtype="i4")
        for i, source in enumerate(sources):
            layout[2 * i:2 * i + 2] = h5py.VirtualSource(source, dataset, shape=(2, 3))
        with h5py.File(FOLDER / name, "w") as file:
            file.create_virtual_dataset("x", layout, fillvalue=-9)

    (FOLDER / "sub").mkdir()
    write("whole.h5", ["part0.h5", "part1.h5", "part2.h5"])
    expect("whole.h5")
    write("gap.h5", ["part0.h5", "missing.h5"])
    write("leaves.h5", ["part0.h5", "../part1.h5"])
    write("absolute.h5", [str(FOLDER / "part0.h5")])
    write("nested.h5", ["whole.h5"])
    with h5py.File(FOLDER / "short.h5", "w") as file:
        file["x"] = np.zeros((1, 3), dtype="i4")
    write("too_short.h5", ["part0.h5", "short.h5"])
    layout = h5py.VirtualLayout(shape=(2, 2), dtype="i4")
    layout[:] = h5py.VirtualSource("short.h5", "x", shape=(2, 3))[:, 1:]
    with h5py.File(FOLDER / "part_of_short.h5", "w") as file:
        file.create_virtual_dataset("x", layout)
    write("external_in_source.h5", ["part1.h5"], "copy")
    write("no_dataset.h5", ["part0.h5"], "y")
    unlimited = h5py.h5s.UNLIMITED
    space = h5py.h5s.create_simple((0, 3), (unlimited, 3))
    space.select_hyperslab((0, 0), (unlimited, 1), (2, 1), (2, 3))
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_virtual(space, b"part%b.h5", b"/x", h5py.h5s.create_simple((2, 3)))
    with h5py.File(FOLDER / "pattern.h5", "w", libver="latest") as file:
        h5py.h5d.create(file.id, b"x", h5py.h5t.STD_I32LE, space, creation)


def bombs():
    with h5py.File(FOLDER / "bomb.h5", "w") as file:
        file.create_dataset("row", shape=(10, 1 << 20, 1 << 12), dtype="u1", chunks=(1, 512, 512))
        file.create_dataset("rows", shape=(1 << 50, 3), dtype="u1", chunks=(1024, 3))
        file.create_dataset("chunk", shape=(10, 300 << 20), dtype="u1", chunks=(1, 300 << 20))
        file.create_dataset("late", shape=(1 << 40, 1 << 20), dtype="f8")


def small():
    """For damage: everything that a file can have, in a few kilobytes."""
    rng = np.random.default_rng(2)
    with h5py.File(FOLDER / "small.h5", "w") as file:
        file["images"] = numbers(rng, "u1", (6, 4, 4, 3))
        file["labels"] = np.arange(6)
        file.create_dataset("packed", data=numbers(rng, "i2", (6, 5)), chunks=(2, 3),
                            compression="gzip", shuffle=True, fletcher32=True)
        file.create_dataset("names", data=["a", "b"], dtype=h5py.string_dtype())
        file["group/deep/values"] = numbers(rng, "f4", (6, 2))
        file["group/again"] = file["group/deep"]
        file["soft"] = h5py.SoftLink("/group/deep/values")
        file.attrs["class_names"] = ["cat", "dog"]
        file["images"].attrs["layout"] = "NHWC"


for make in (kinds, structures, virtual, bombs, small):
    make()
