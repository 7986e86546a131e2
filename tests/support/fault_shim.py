# SPDX-License-Identifier: Apache-2.0
"""Runs a program on the failing disk of fault_shim.c."""
import os
import pathlib

LIBRARY = os.environ.get("PIXLOOM_FAULT_SHIM", "")


def environment(root, calls=None, nth=0, kind=None, sticky=False, log=None, shadow=None):
    """The environment of a program whose files below `root` fail as told."""
    env = dict(os.environ, LD_PRELOAD=LIBRARY, FAULT_ROOT=str(root), FAULT_NTH=str(nth))
    for name, value in (("CALL", calls), ("KIND", kind), ("STICKY", "1" if sticky else None),
                        ("LOG", log), ("SHADOW", shadow)):
        if value is not None:
            env["FAULT_" + name] = str(value)
    return env


def calls(log):
    """[(class, function, path)] in the order they were made."""
    log = pathlib.Path(log)
    if not log.exists():
        return []
    return [tuple(line.split(" ", 3)[1:]) for line in log.read_text().splitlines()]
