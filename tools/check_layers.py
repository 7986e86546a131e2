#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the sources to the rules of ARCHITECTURE.md that a compiler does not check.

Errors: a module includes one it must not; a third-party header outside its door; a source that
its CMakeLists.txt does not list, or the other way round; a source of randomness other than
pipeline/rng.h; a note to do something later. Notices (not errors): long lines, long files.
"""
import fnmatch
import os
import pathlib
import re
import sys

# What each module may include besides itself. Modules beside each other never meet: what they
# share is a contract in pipeline/, which api/ hands from one to the other.
BELOW_API = ["pipeline", "ops", "models", "datasets"]
MODULES = {
    "pipeline": [],
    "ops": ["pipeline"],
    "models": ["pipeline"],
    "datasets": ["pipeline"],
    "api": BELOW_API,
    "view": ["pipeline", "api"],
    "python": ["pipeline", "api"],
    "examples": ["pipeline", "api", "models"],  # models/plugin.h, for plugins
    "bench": BELOW_API + ["api"],
    "cli": ["pipeline", "api", "view"],
    "tests": BELOW_API + ["api", "view", "cli"],
}

# Third-party headers and the only files that may include them; tests may include all of them.
DOORS = [
    ("yaml-cpp", r"yaml-cpp/.*", ["pipeline/config*.cc"]),
    ("oneTBB", r"(oneapi/)?tbb/.*", ["pipeline/executor*"]),
    ("HDF5", r"(hdf5|H5)[\w/]*\.h", ["datasets/hdf5*.cc", "datasets/hdf5_handle.h",
                                       "bench/chunk_filters_bench.cc"]),
    ("ISA-L", r"isa-l(/.*|\.h)|igzip_lib\.h", ["datasets/chunk_filters*.cc"]),
    ("blosc", r"blosc\.h", ["datasets/chunk_filters*.cc"]),
    ("LZ4", r"lz4\w*\.h", ["datasets/chunk_filters*.cc"]),
    ("libjpeg", r"(jpeglib|jerror|jmorecfg|turbojpeg)\.h", ["datasets/jpeg*.cc"]),
    ("OpenCV imgcodecs", r"opencv2/imgcodecs.*", ["datasets/*", "bench/*"]),
    ("OpenCV dnn", r"opencv2/dnn.*", ["models/*.cc"]),
    ("OpenCV as a whole (name the module instead)", r"opencv2/opencv\.hpp", []),
    ("nlohmann/json", r"nlohmann/.*", ["*.cc"]),
    ("CLI11", r"CLI/.*", ["cli/*"]),
    ("ONNX Runtime", r"(.*/)?onnxruntime\w*\.h", ["models/*onnx*.cc", "bench/onnxruntime_bench.cc"]),
    ("LibTorch", r"(torch|ATen|c10|caffe2)/.*", ["models/libtorch/*"]),
    ("pybind11", r"pybind11/.*", ["python/*"]),
]

# Their results differ between standard libraries, or they draw from a state that threads share.
RANDOM = [
    (r"\bstd::\w+_distribution\b", "std distributions"),
    (r"\bstd::(mt19937(_64)?|minstd_rand0?|ranlux\w+|knuth_b|default_random_engine)\b",
     "std random engines"),
    (r"\bstd::random_device\b", "std::random_device"),
    (r"\bstd::(random_)?shuffle\b", "std::shuffle"),
    (r"(?<![\w.>:])(std::|::)?s?rand\s*\(", "rand()"),
    (r"\bcv::(theRNG|RNG|RNG_MT19937|randu|randn|randShuffle|setRNGSeed)\b", "cv random numbers"),
]
RANDOM_ALLOWED = ["bench/kernels_bench.cc", "pipeline/rng.h", "tests/*"]

MAX_COLUMNS = 100
MAX_LINES = 500
# Files that may be longer: path pattern -> reason.
LONG_LINES_ALLOWED = {}
LONG_FILES_ALLOWED = {}

SKIPPED_DIRECTORIES = {".git", "build", "out", "__pycache__", ".cache", "node_modules"}
CXX = {".h", ".cc"}
CODE = CXX | {".py", ".cmake", ".sh"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)
LATER = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")
TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
LISTED = re.compile(r"(?:\$\{PROJECT_SOURCE_DIR\}/)?[\w./+-]+\.cc\b")
SOURCES_BLOCK = re.compile(r"\bSOURCES((?:\s+[\w./+-]+\.cc)+)")


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def blank(text, keep_strings):
    """Replaces comments, and strings unless kept, by spaces; line numbers stay."""
    def space(match):
        if keep_strings and not match[0].startswith(("//", "/*")):
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])
    return TOKEN.sub(space, text)


def files_below(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_DIRECTORIES)
        for name in sorted(names):
            yield pathlib.Path(folder, name).relative_to(root).as_posix()


def check_includes(path, text, exists):
    """Yields (line, message) for each include that breaks a rule."""
    module = path.split("/")[0]
    code = blank(text, keep_strings=True)
    for found in INCLUDE.finditer(code):
        target, line = found[1] or found[2], line_of(code, found.start())
        top = target.split("/")[0]
        if top in MODULES and "/" in target:
            if top != module and top not in MODULES[module]:
                allowed = ", ".join(f"{m}/" for m in MODULES[module]) or "no other module"
                yield line, f"{module}/ may not include {top}/ (only {allowed})"
        elif found[1] and exists(os.path.join(os.path.dirname(path), target)):
            yield line, f'"{target}": write includes from the top, "{module}/..."'
        if module == "tests":
            continue
        for name, header, doors in DOORS:
            if re.fullmatch(header, target) and not matches(path, doors):
                where = " or ".join(doors) or "no file"
                yield line, f"{name} may be included by {where} only"


def check_random(path, text):
    if matches(path, RANDOM_ALLOWED):
        return
    code = blank(text, keep_strings=False)
    for pattern, name in RANDOM:
        for found in re.finditer(pattern, code):
            yield line_of(code, found.start()), f"{name}: draw from pipeline/rng.h instead"


def check_lists(paths, read):
    """Yields (file, line, message) where sources and CMakeLists.txt disagree."""
    present = {p for p in paths if p.endswith(".cc") and p.split("/")[0] in MODULES}
    listed = set()
    for path in paths:
        if os.path.basename(path) != "CMakeLists.txt":
            continue
        text = re.sub(r"#[^\n]*", "", read(path))
        for found in LISTED.finditer(text):
            name = found[0]
            if name.startswith("${PROJECT_SOURCE_DIR}/"):
                name = name.split("/", 1)[1]
            else:
                name = os.path.normpath(os.path.join(os.path.dirname(path), name))
            listed.add(name)
            if name not in paths:
                yield path, line_of(text, found.start()), f"lists {name}, which does not exist"
        for block in SOURCES_BLOCK.finditer(text):
            names = block[1].split()
            for before, after in zip(names, names[1:]):
                if before > after:
                    yield (path, line_of(text, block.start()),
                           f"sources are not sorted: {after} comes before {before}")
    for path in sorted(present - listed):
        yield path, 1, "no CMakeLists.txt lists this file"


def check_size(path, text):
    """Yields (line, notice) for long lines and long files."""
    lines = text.split("\n")
    if not matches(path, LONG_LINES_ALLOWED):
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_COLUMNS:
                yield number, f"{len(line)} columns; {MAX_COLUMNS} are the rule"
    if len(lines) - 1 > MAX_LINES and not matches(path, LONG_FILES_ALLOWED):
        yield 1, f"{len(lines) - 1} lines; split files above {MAX_LINES}, or allow with a reason"


def check(root):
    """Returns (errors, notices), each a sorted list of texts."""
    paths = list(files_below(root))
    known = set(paths)
    errors, notices = [], []

    def read(path):
        return pathlib.Path(root, path).read_text(errors="replace")

    def note(into, path, found):
        into += [(path, line, message) for line, message in found]

    for path in paths:
        name, suffix = os.path.basename(path), os.path.splitext(path)[1]
        if suffix not in CODE and name not in {"CMakeLists.txt", "dev", "run"}:
            continue
        text = read(path)
        note(errors, path, ((line_of(text, m.start()), "finish it, or drop the note")
                            for m in LATER.finditer(text)))
        note(notices, path, check_size(path, text))
        if suffix not in CXX:
            continue
        if path.split("/")[0] not in MODULES or "/" not in path:
            note(errors, path, [(1, "belongs to no module; the table is in tools/check_layers.py")])
            continue
        note(errors, path, check_includes(path, text, lambda p: os.path.normpath(p) in known))
        note(errors, path, check_random(path, text))
    errors += check_lists(known, read)
    return [[f"{path}:{line}: {message}" for path, line, message in sorted(found)]
            for found in (errors, notices)]


def main(arguments):
    root = arguments[0] if arguments else pathlib.Path(__file__).resolve().parent.parent
    errors, notices = check(root)
    for text in notices:
        print(f"notice: {text}")
    for text in errors:
        print(f"error: {text}")
    print(f"check_layers: {len(errors)} errors, {len(notices)} notices")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
