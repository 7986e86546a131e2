// SPDX-License-Identifier: Apache-2.0
// Copies move pixels and change none.
#include "ops/kernels/copy_kernel.h"

#include <doctest/doctest.h>

#include "ops/families.h"
#include "tests/support/image_reference.h"

namespace pixloom {
namespace {

using namespace testing;

struct CopyCase {
  Matrix map;
  Size out;
};

// The eight symmetries, a crop and an uneven pad of each.
std::vector<CopyCase> CopyCases(Size in) {
  std::vector<CopyCase> cases;
  const Matrix transpose{{0, 1, 0, 1, 0, 0, 0, 0, 1}};
  for (int symmetry = 0; symmetry < 8; ++symmetry) {
    Matrix map;
    Size out = in;
    if (symmetry & 1) map = Matrix::MirrorX(in.width) * map;
    if (symmetry & 2) map = Matrix::MirrorY(in.height) * map;
    if (symmetry & 4) {
      map = transpose * map;
      out = {in.height, in.width};
    }
    cases.push_back({map, out});
    cases.push_back({Matrix::Translate(3, 5) * map, {out.width + 4, out.height + 17}});
    cases.push_back({Matrix::Translate(-2, -1) * map,
                     {std::max(1, out.width - 3), std::max(1, out.height - 2)}});
    cases.push_back({Matrix::Translate(-200, 300) * map, {9, 5}});
  }
  return cases;
}

TEST_CASE("copies equal the definition for every symmetry, border, depth and channel count") {
  const auto families = MakeFamilies();
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (const CopyCase& copy : CopyCases({width, height})) {
      for (const Border border : kSweepBorders) {
        AffineGroup group;
        group.map = copy.map;
        group.in = {width, height};
        group.out = copy.out;
        group.border = {border, {1, 2, 3, 4}};
        REQUIRE(group.IsExactCopy());
        const cv::Mat out = families->Affine(ImageView::Whole(image), group);
        REQUIRE(out.type() == image.type());
        REQUIRE(MaxDifference(out, WarpReference(image, group)) == 0);
      }
    }
  });
}

TEST_CASE("a map that is a copy but for rounding noise is a copy") {
  AffineGroup group;
  group.in = group.out = {640, 480};
  group.map = Matrix::Rotate(M_PI / 2);
  CHECK(group.IsExactCopy());
  group.map = Matrix::Scale(224.0 / 500, 1) * Matrix::Scale(500.0 / 224, 1);
  CHECK(group.IsExactCopy());
  group.map = Matrix::Translate(0.25, 0);
  CHECK_FALSE(group.IsExactCopy());
  CHECK(group.IsAxisAligned());
  group.map = Matrix::Rotate(1e-4);
  CHECK_FALSE(group.IsAxisAligned());
  group.map.m = {1, 0, 0, 0, 1, 0, 1e-4, 0, 1};
  CHECK_FALSE(group.IsAxisAligned());
  CHECK_FALSE(group.IsExactCopy());
}

TEST_CASE("a copy out of a decoded region equals the copy out of the whole picture") {
  const auto families = MakeFamilies();
  const cv::Mat image = RandomImage(101, 99, CV_8U, 3);
  const cv::Rect region(20, 30, 50, 40);
  const ImageView part{image(region), region.tl(), {101, 99}};
  for (const bool mirrored : {false, true}) {
    AffineGroup group;
    group.in = {101, 99};
    group.out = {50, 40};
    group.map = Matrix::Translate(-20, -30);
    if (mirrored) group.map = Matrix::MirrorX(50) * group.map;
    group.window = region;
    CHECK(SamePixels(families->Affine(part, group),
                     families->Affine(ImageView::Whole(image), group)));
  }
}

TEST_CASE("nothing to do shares the pixels") {
  const cv::Mat image = RandomImage(5, 3, CV_8U, 3);
  AffineGroup group;
  group.in = group.out = {5, 3};
  CHECK(MakeFamilies()->Affine(ImageView::Whole(image), group).data == image.data);
}

TEST_CASE("flips and turns are the same on every instruction set") {
  for (const int width : {1, 5, 6, 21, 22, 43, 64, 150}) {
    const cv::Mat image = RandomImage(width, 37, CV_8U, 3);
    for (int symmetry = 1; symmetry < 8; ++symmetry) {
      const auto turned = [&] {
        return FlipTranspose(image, symmetry & 1, symmetry & 2, symmetry & 4);
      };
      const cv::Mat expected = turned();
      for (int y = 0; y < expected.rows; ++y) {
        for (int x = 0; x < expected.cols; ++x) {
          int column = symmetry & 4 ? y : x;
          int row = symmetry & 4 ? x : y;
          if (symmetry & 1) column = image.cols - 1 - column;
          if (symmetry & 2) row = image.rows - 1 - row;
          REQUIRE(expected.at<cv::Vec3b>(y, x) == image.at<cv::Vec3b>(row, column));
        }
      }
      ForEachTarget([&](const char* target) {
        CAPTURE(target);
        REQUIRE(SamePixels(turned(), expected));
      });
    }
  }
}

}  // namespace
}  // namespace pixloom
