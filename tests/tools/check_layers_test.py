#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/check_layers.py against made-up trees, each with one violation."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
sys.dont_write_bytecode = True
import check_layers  # noqa: E402


class CheckLayersTest(unittest.TestCase):

    def check(self, files):
        """Errors and notices for a tree of {path: text}; its .cc files are listed unless given."""
        listed = {}
        for path in files:
            if path.endswith(".cc"):
                module, name = path.split("/", 1)
                listed.setdefault(f"{module}/CMakeLists.txt", []).append(name)
        lists = {path: "pixloom_module(m SOURCES\n" + "\n".join(sorted(names)) + ")\n"
                 for path, names in listed.items()}
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**lists, **files}.items():
                file = pathlib.Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            return check_layers.check(root)

    def accepts(self, path, text):
        self.assertEqual(self.check({path: text})[0], [])

    def refuses(self, path, text, message):
        errors = self.check({path: text})[0]
        self.assertEqual(len(errors), 1, errors)
        self.assertIn(message, errors[0])

    def test_modules_include_downwards_only(self):
        self.accepts("ops/colour/gamma.cc", '#include "pipeline/sample.h"\n#include "ops/family.h"\n')
        self.accepts("api/pixloom.cc", '#include "ops/register.h"\n#include "datasets/x.h"\n')
        self.accepts("tests/ops/gamma_test.cc", '#include "datasets/jpeg.h"\n')
        self.refuses("pipeline/graph.cc", '#include "ops/register.h"\n', "may not include ops/")
        self.refuses("pipeline/graph.cc", "#include <api/pixloom.h>\n", "may not include api/")
        self.refuses("ops/degrade/jpeg.cc", '\n#include "datasets/jpeg.h"\n',
                     "ops/degrade/jpeg.cc:2: ops/ may not include datasets/")
        self.refuses("cli/main.cc", '#include "ops/register.h"\n', "may not include ops/")
        self.refuses("ops/colour/gamma.cc", '#include "tests/support/x.h"\n', "may not include tests/")

    def test_includes_are_written_from_the_top(self):
        errors = self.check({"ops/a.h": "", "ops/b.h": '#include "a.h"\n',
                             "ops/c.h": '#include "../ops/a.h"\n'})[0]
        self.assertEqual(len(errors), 2, errors)
        self.assertIn("from the top", errors[0])

    def test_third_party_headers_have_one_door(self):
        doors = {
            "yaml-cpp/yaml.h": "pipeline/config_emit.cc",
            "tbb/flow_graph.h": "pipeline/executor_flow.cc",
            "oneapi/tbb/task_arena.h": "pipeline/executor.cc",
            "hdf5.h": "datasets/hdf5_sink.cc",
            "H5Cpp.h": "datasets/hdf5.cc",
            "jpeglib.h": "datasets/jpeg.cc",
            "opencv2/imgcodecs.hpp": "datasets/codec.cc",
            "CLI/CLI.hpp": "cli/main.cc",
            "nlohmann/json.hpp": "ops/colour/gamma.cc",
        }
        for header, door in doors.items():
            with self.subTest(header):
                self.accepts(door, f"#include <{header}>\n")
                self.accepts("tests/pipeline/x_test.cc", f"#include <{header}>\n")
                self.refuses("pipeline/sample.h", f"#include <{header}>\n", "may be included by")
        self.refuses("ops/colour/gamma.cc", "#include <opencv2/opencv.hpp>\n", "name the module")
        self.accepts("ops/colour/gamma.cc", "#include <opencv2/imgproc.hpp>\n")

    def test_comments_and_strings_are_not_code(self):
        self.accepts("ops/colour/gamma.cc", '// #include "api/pixloom.h"\n/*\n#include "cli/x.h"\n*/\n')
        self.accepts("ops/colour/gamma.cc", 'auto s = "rand()"; // std::mt19937\nR"(cv::theRNG)";\n')

    def test_every_source_is_listed_and_every_listed_source_exists(self):
        module = "pipeline/CMakeLists.txt"
        errors = self.check({"pipeline/a.cc": "", "pipeline/b.cc": "",
                             module: "SOURCES\n a.cc # b.cc\n c.cc\n"})[0]
        self.assertEqual(errors, [f"{module}:3: lists pipeline/c.cc, which does not exist",
                                  "pipeline/b.cc:1: no CMakeLists.txt lists this file"])
        self.assertEqual(self.check({
            "tests/ops/a_test.cc": "",
            "tests/CMakeLists.txt": "pixloom_test(a LABEL ops SOURCES ops/a_test.cc)"})[0], [])

    def test_lists_are_sorted(self):
        errors = self.check({"ops/a.cc": "", "ops/b.cc": "",
                             "ops/CMakeLists.txt": "SOURCES\n b.cc\n a.cc\n DEPENDS\n"})[0]
        self.assertEqual(len(errors), 1, errors)
        self.assertIn("not sorted", errors[0])

    def test_randomness_comes_from_one_place(self):
        for text in ["std::uniform_int_distribution<int> d;", "std::normal_distribution<> d;",
                     "std::mt19937 g;", "std::mt19937_64 g;", "std::random_device d;",
                     "int x = rand();", "int x = std::rand ();", "srand(1);",
                     "cv::theRNG().next();", "cv::randu(m, 0, 1);", "std::shuffle(a, b, g);"]:
            with self.subTest(text):
                self.refuses("ops/noise.cc", text + "\n", "pipeline/rng.h")
                self.accepts("tests/ops/noise_test.cc", text + "\n")
                self.accepts("pipeline/rng.h", text + "\n")
        self.accepts("ops/noise.cc", "rng.rand(); Operand(x); strand(x);\n")

    def test_notes_for_later_are_refused(self):
        later = "TO" + "DO"
        self.refuses("ops/colour/gamma.cc", f"// {later}: more\n", "finish it")
        self.refuses("tools/x.py", f"# FIX{'ME'} more\n", "finish it")
        self.accepts("ops/colour/gamma.cc", f"int {later}S;\n")

    def test_sources_outside_the_modules_are_refused(self):
        self.refuses("extra/a.h", "", "belongs to no module")

    def test_long_lines_and_files_are_notices(self):
        errors, notices = self.check({"ops/a.h": "x" * 101 + "\n", "ops/b.h": "\n" * 501,
                                      "ops/c.h": "é" * 100 + "\n" * 500})
        self.assertEqual(errors, [])
        self.assertEqual([n.split(":")[0] for n in notices], ["ops/a.h", "ops/b.h"])


if __name__ == "__main__":
    unittest.main()
