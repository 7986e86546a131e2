# SPDX-License-Identifier: Apache-2.0
"""Reads and writes HDF5 files with h5py for the C++ tests beside it.

  list FILE           every object: path, type, dims, fill value; attributes
  dump FILE PATH OUT  the dataset's bytes to OUT
  dump_all FILE OUT   every dataset's to OUT.PATH, with dots for slashes
  append FILE N       adds a dataset `extra` of N bytes to a file that exists
  change FILE PATH    sets all bytes of a dataset to 9
  make FILE           chunks of every filter that h5py can write; FILE.SET.raw has their data
"""
import sys

import h5py
import numpy


def value_text(value):
    if isinstance(value, numpy.ndarray):
        return "[" + ", ".join(value_text(v) for v in value) + "]"
    if isinstance(value, bytes):
        return repr(value.decode("utf-8"))
    return repr(value.item() if isinstance(value, numpy.generic) else value)


def listing(path):
    with h5py.File(path, "r") as file:
        def show(name, thing):
            if isinstance(thing, h5py.Dataset):
                dims = "x".join(map(str, thing.shape))
                print(f"{name} {thing.dtype.str} {dims} fill {thing.fillvalue}")
            else:
                print(f"{name}/")
            for key, value in thing.attrs.items():
                print(f"  {name}@{key} = {value_text(value)}")
        show("", file)
        file.visititems(show)


def dump(path, dataset, out):
    with h5py.File(path, "r") as file:
        file[dataset][()].tofile(out)


def dump_all(path, out):
    with h5py.File(path, "r") as file:
        def save(name, thing):
            if isinstance(thing, h5py.Dataset):
                thing[()].tofile(out + "." + name.replace("/", "."))
        file.visititems(save)


def append(path, count):
    with h5py.File(path, "r+") as file:
        file["extra"] = numpy.full(int(count), 77, numpy.uint8)
        file["group/more"] = numpy.arange(int(count))


def change(path, dataset):
    with h5py.File(path, "r+") as file:
        data = file[dataset]
        data[...] = numpy.full(data.size * data.dtype.itemsize, 9, numpy.uint8).view(
            data.dtype).reshape(data.shape)


FILTERS = {
    "gzip": {"compression": "gzip", "compression_opts": 4},
    "shuffled": {"compression": "gzip", "compression_opts": 9, "shuffle": True},
    "checked": {"compression": "gzip", "fletcher32": True, "shuffle": True},
    "fletcher": {"fletcher32": True},
    "lz4": {"compression": 32004},
    "lz4_blocks": {"compression": 32004, "compression_opts": (1000,), "shuffle": True},
    "blosc_zstd": {"compression": 32001, "compression_opts": (0, 0, 0, 0, 5, 1, 5)},
    "blosc_lz4": {"compression": 32001, "compression_opts": (0, 0, 0, 0, 3, 2, 1)},
    "blosc_none": {"compression": 32001, "compression_opts": (0, 0, 0, 0, 0, 0, 0)},
}


def make(path):
    random = numpy.random.default_rng(5)
    smooth = numpy.cumsum(random.integers(-2, 3, (4, 33, 27, 3)), axis=1) + 100
    noise = random.integers(0, 256, (4, 33, 27, 3))
    with h5py.File(path, "w") as file:
        for name, options in FILTERS.items():
            for kind in ("u1", "<u2", "<f4", "<f8"):
                for look, values in (("smooth", smooth), ("noise", noise)):
                    dataset = f"{name}_{look}_{kind[-2:]}"
                    data = values.astype(kind)
                    file.create_dataset(dataset, data=data, chunks=(1,) + data.shape[1:],
                                        **options)
                    data.tofile(f"{path}.{dataset}.raw")
                    print(dataset)


if __name__ == "__main__":
    {"list": listing, "dump": dump, "dump_all": dump_all, "append": append,
     "change": change, "make": make}[sys.argv[1]](*sys.argv[2:])
