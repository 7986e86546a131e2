# SPDX-License-Identifier: Apache-2.0
"""Compares an HDF5 file with what should be in it: set_files_check.py FILE EXPECTED

EXPECTED is JSON: {"datasets": {path: [dtype, shape, hex of the bytes]}, "attributes": {path: {name:
value}}}. Every dataset of the file must be listed. Prints what differs.
"""
import json
import sys

import h5py
import numpy


def plain(value):
    if isinstance(value, numpy.ndarray):
        return [plain(v) for v in value]
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, numpy.generic) else value


def main(path, expected_path):
    with open(expected_path) as file:
        expected = json.load(file)
    problems = []
    with h5py.File(path, "r") as file:
        found = {}
        file.visititems(lambda name, thing: found.update({name: thing})
                        if isinstance(thing, h5py.Dataset) else None)
        if sorted(found) != sorted(expected["datasets"]):
            problems.append(f"datasets {sorted(found)} instead of {sorted(expected['datasets'])}")
        for name, (dtype, shape, data) in expected["datasets"].items():
            if name not in found:
                continue
            dataset = found[name]
            if dataset.dtype != numpy.dtype(dtype) or list(dataset.shape) != shape:
                problems.append(f"{name}: {dataset.dtype} {dataset.shape}, not {dtype} {shape}")
            elif dataset[()].tobytes() != bytes.fromhex(data):
                problems.append(f"{name}: other values")
        for name, attributes in expected["attributes"].items():
            for key, value in attributes.items():
                there = plain(file[name or "/"].attrs.get(key))
                if there != value:
                    problems.append(f"{name}@{key}: {there!r} instead of {value!r}")
    print("\n".join(problems) or "equal")


if __name__ == "__main__":
    main(*sys.argv[1:])
