// SPDX-License-Identifier: Apache-2.0
// .cube files: what is read, what is refused and where, and what looking up in them gives.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "ops/kernels/cube.h"
#include "tests/support/run_chain.h"

namespace pixloom::testing {
namespace {

std::string Problem(std::string_view text) {
  const auto parsed = ParseCube(text);
  return parsed ? "" : parsed.Error();
}

TEST_CASE("curves, cubes and both are read") {
  const auto curves = ParseCube(
      "\xEF\xBB\xBF# made by hand\r\nTITLE \"a # b\"\r\n\r\nLUT_1D_SIZE 2\r\n"
      "DOMAIN_MIN -1 0 0\r\nDOMAIN_MAX 1 2 1\r\n0 0 1\r\n  1 +.5 0\r\n");
  REQUIRE(curves.Ok());
  REQUIRE(curves->curves.has_value());
  CHECK(!curves->cube.has_value());
  CHECK(curves->curves->At(0, -1) == 0);
  CHECK(curves->curves->At(0, 0) == 0.5);
  CHECK(curves->curves->At(1, 1) == 0.25);
  CHECK(curves->curves->At(2, 0.25) == 0.75);
  CHECK(curves->curves->At(2, 9) == 0);
  CHECK(curves->curves->At(2, -9) == 1);

  std::string text =
      "LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE 0 4\nLUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE 0 1\n"
      "0 0 0\n1 1 1\n";
  for (int i = 0; i < 8; ++i) text += fmt::format("{} {} {}\n", i & 1, i >> 1 & 1, i >> 2);
  const auto both = ParseCube(text);
  REQUIRE(both.Ok());
  CHECK(both->curves->At(0, 2) == 0.5);
  CHECK(both->cube->size == 2);
  CHECK(both->cube->values[3] == 1);  // red runs fastest
}

TEST_CASE("what is no .cube file is refused with its line") {
  const std::string head = "LUT_3D_SIZE 2\n";
  CHECK(Problem("").find("holds no entries") == 0);
  CHECK(Problem("\n\n# nothing\n").find("holds no entries") == 0);
  CHECK(Problem(head).find("holds no entries") == 0);
  CHECK(Problem("0 0 0\n") == "line 1: an entry before LUT_1D_SIZE or LUT_3D_SIZE");
  CHECK(Problem(head + "0 0\n") == "line 2: 2 numbers where there must be 3");
  CHECK(Problem(head + "0 0 0 0\n") == "line 2: '0' behind the 3 numbers");
  CHECK(Problem(head + "0 0 x\n") == "line 2: 'x' is no number between -65,536 and 65,536");
  CHECK(Problem(head + "0 0 nan\n").find("line 2: 'nan' is no number") == 0);
  CHECK(Problem(head + "0 0 1e9\n").find("line 2: '1e9' is no number") == 0);
  CHECK(Problem(head + "0 0 1e999\n").find("line 2: '1e999' is no number") == 0);
  CHECK(Problem(head + "0 0 0\n\n1 1 1\n") == "line 4: ends after 2 of 8 entries");
  std::string more = head;
  for (int i = 0; i < 9; ++i) more += "0 0 0\n";
  CHECK(Problem(more) == "line 10: more entries than the 8 that the size asks for");
  CHECK(Problem(head + head) == "line 2: the size stands twice");
  CHECK(Problem("LUT_3D_SIZE 1\n").find("line 1: a size of 1; whole numbers from 2") == 0);
  CHECK(Problem("LUT_3D_SIZE 2.5\n").find("line 1: a size of 2.5") == 0);
  CHECK(Problem("LUT_3D_SIZE 60000\n").find("line 1: a size of 60000") == 0);
  CHECK(Problem("LUT_3D_SIZE\n") == "line 1: 0 numbers where there must be 1");
  CHECK(Problem("LUT_1D_SIZE 2\nDOMAIN_MIN 0 1 0\n0 0 0\n") ==
        "line 3: the domain above ends where it begins, or before");
  CHECK(Problem("LUT_4D_SIZE 2\n") == "line 1: 'LUT_4D_SIZE' is no keyword of .cube files");
  CHECK(Problem(head + "0 0 0\nDOMAIN_MIN 0 0 0\n").find("line 3: 'DOMAIN_MIN' behind") == 0);
  const std::string bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  CHECK(Problem(bytes).find("line 1: ") == 0);
  CHECK(Problem(std::string(100'000, 'A')).size() < 200);
  CHECK(Problem(std::string(5, '\0')).find("line 1: ") == 0);
  CHECK(ReadCube("tests/support/maps").Error().find("is no file") != std::string::npos);
  CHECK(ReadCube("no/such.cube").Error().find("'no/such.cube' is not there") == 0);
}

TEST_CASE("a file that cannot be used is refused when bound") {
  LoadOptions options;
  options.registry = &RegistryWithInputs();
  for (const char* args :
       {"{}", "{levels: [0.5]}", "no/such.cube", "{file: tests/support/maps/swirl.npy}"}) {
    CAPTURE(args);
    CHECK_THROWS(Pipeline::Parse(
        fmt::format("version: 1\nnodes:\n  in: {{given: scene}}\n  look: [lut: {}]\n"
                    "  out: {{nowhere: {{}}}}\n",
                    args),
        "t.yaml", options));
  }
}

// ---- looking up ---------------------------------------------------------------------------------

ColourCube RandomCube(int size) {
  ColourCube cube;
  cube.size = size;
  cube.low = {0, -0.5, 0.1};
  cube.high = {1, 1.5, 0.9};
  Rng rng(StreamKey{3, 1, 4});
  for (int i = 0; i < 3 * size * size * size; ++i) {
    cube.values.push_back(static_cast<float>(rng.Unit()));
  }
  return cube;
}

double Node(const ColourCube& cube, int r, int g, int b, int channel) {
  return cube.values[static_cast<std::size_t>(((b * cube.size + g) * cube.size + r) * 3 + channel)];
}

// Weights of the corners of the cell: products of distances, or those of the one tetrahedron of six
// that holds the point.
double Expected(const ColourCube& cube, const double* rgb, int channel, bool tetrahedral) {
  int cell[3];
  double t[3];
  for (std::size_t c = 0; c < 3; ++c) {
    const double unit = std::clamp((rgb[c] - cube.low[c]) / (cube.high[c] - cube.low[c]), 0.0, 1.0);
    cell[c] = std::min(static_cast<int>(unit * (cube.size - 1)), cube.size - 2);
    t[c] = unit * (cube.size - 1) - cell[c];
  }
  const auto at = [&](int r, int g, int b) {
    return Node(cube, cell[0] + r, cell[1] + g, cell[2] + b, channel);
  };
  if (!tetrahedral) {
    double sum = 0;
    for (int i = 0; i < 8; ++i) {
      const int r = i & 1, g = i >> 1 & 1, b = i >> 2;
      sum += (r ? t[0] : 1 - t[0]) * (g ? t[1] : 1 - t[1]) * (b ? t[2] : 1 - t[2]) * at(r, g, b);
    }
    return sum;
  }
  const double r = t[0], g = t[1], b = t[2], n = at(0, 0, 0), f = at(1, 1, 1);
  if (r >= g && g >= b)
    return n + r * (at(1, 0, 0) - n) + g * (at(1, 1, 0) - at(1, 0, 0)) + b * (f - at(1, 1, 0));
  if (r >= b && b >= g)
    return n + r * (at(1, 0, 0) - n) + b * (at(1, 0, 1) - at(1, 0, 0)) + g * (f - at(1, 0, 1));
  if (b >= r && r >= g)
    return n + b * (at(0, 0, 1) - n) + r * (at(1, 0, 1) - at(0, 0, 1)) + g * (f - at(1, 0, 1));
  if (g >= r && r >= b)
    return n + g * (at(0, 1, 0) - n) + r * (at(1, 1, 0) - at(0, 1, 0)) + b * (f - at(1, 1, 0));
  if (g >= b && b >= r)
    return n + g * (at(0, 1, 0) - n) + b * (at(0, 1, 1) - at(0, 1, 0)) + r * (f - at(0, 1, 1));
  return n + b * (at(0, 0, 1) - n) + g * (at(0, 1, 1) - at(0, 0, 1)) + r * (f - at(0, 1, 1));
}

TEST_CASE("colours between nodes are blended as the kind says") {
  Rng rng(StreamKey{9, 2, 6});
  for (const int size : {2, 3, 17}) {
    const ColourCube cube = RandomCube(size);
    double worst = 0;
    for (int i = 0; i < 3000; ++i) {
      float pixel[3];
      double rgb[3];
      for (int c = 0; c < 3; ++c) {
        pixel[c] = static_cast<float>(rng.Unit() * 1.4 - 0.2);
        if (i % 7 == 0) pixel[c] = pixel[0];  // on the edges between tetrahedra
        rgb[c] = double{pixel[c]};
      }
      for (const bool tetrahedral : {false, true}) {
        float out[4] = {pixel[0], pixel[1], pixel[2], 7};
        cube.Apply(out, 1, 4, tetrahedral);
        CHECK(out[3] == 7);
        for (int c = 0; c < 3; ++c) {
          worst = std::max(worst, std::abs(out[c] - Expected(cube, rgb, c, tetrahedral)));
        }
      }
    }
    CHECK(worst < 2e-5);
  }
}

TEST_CASE("an affine grade comes out of a cube exactly, curves come before it") {
  const cv::Mat in = (cv::Mat_<cv::Vec3b>(1, 3) << cv::Vec3b(0, 0, 0), cv::Vec3b(255, 255, 255),
                      cv::Vec3b(10, 200, 77));
  const cv::Mat black =
      PixelsOf(ChainUnderTest("[lut: {file: tests/support/maps/warm.cube, levels: [0, 0]}]")
                   .Run(PictureSample(in)));
  // Black of the grade: 0.06, 0.02, 0.
  for (int x = 0; x < 3; ++x) CHECK(black.at<cv::Vec3b>(0, x) == cv::Vec3b(15, 5, 0));
  const cv::Mat warm =
      PixelsOf(ChainUnderTest("[lut: tests/support/maps/warm.cube]").Run(PictureSample(in)));
  CHECK(warm.at<cv::Vec3b>(0, 0) == cv::Vec3b(15, 5, 0));
  CHECK(warm.at<cv::Vec3b>(0, 1) == cv::Vec3b(235, 250, 255));
}

}  // namespace
}  // namespace pixloom::testing
