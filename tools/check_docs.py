#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fail if docs/ops.md is not what this build prints. --update writes it."""
import os
import pathlib
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "ops.md"


def main():
    cli = os.environ.get("PIXLOOM_CLI", "build/release/cli/pixloom")
    text = subprocess.run([cli, "ops", "--markdown"], check=True, capture_output=True,
                          text=True).stdout
    if "--update" in sys.argv:
        PAGE.write_text(text)
        return 0
    if PAGE.exists() and PAGE.read_text() == text:
        print("docs are fresh")
        return 0
    print(f"{PAGE.name} is not what `pixloom ops --markdown` prints; "
          "run tools/check_docs.py --update")
    return 1


if __name__ == "__main__":
    sys.exit(main())
