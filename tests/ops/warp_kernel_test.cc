// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/warp_kernel.h"

#include <doctest/doctest.h>

#include "ops/families.h"
#include "ops/kernels/field_kernel.h"
#include "tests/support/image_reference.h"

namespace pixloom {
namespace {

using namespace testing;

AffineGroup Turned(int width, int height, double angle, double scale, Size out) {
  AffineGroup group;
  group.in = {width, height};
  group.out = out;
  group.map = Matrix::Translate(out.width / 2.0, out.height / 2.0) * Matrix::Rotate(angle) *
              Matrix::Scale(scale, scale * 1.1) * Matrix::Translate(-width / 2.0, -height / 2.0);
  return group;
}

AffineGroup Projective(int width, int height, Size out) {
  AffineGroup group = Turned(width, height, 0.2, 1.1, out);
  Matrix tilt;
  tilt.m = {1, 0.05, 0, -0.03, 1, 0, 0.3 / (width + out.width), 0.2 / (height + out.height), 1};
  group.map = tilt * group.map;
  return group;
}

std::vector<AffineGroup> WarpCases(int width, int height) {
  const Size out{width + 7, height + 5};
  return {Turned(width, height, 0.3, 1, out), Turned(width, height, -2.2, 0.7, out),
          Turned(width, height, 0.9, 3, out), Projective(width, height, out)};
}

TEST_CASE("warps stay within one level of float64 for every border, depth and channel count") {
  const auto families = MakeFamilies();
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (AffineGroup group : WarpCases(width, height)) {
      for (const Border border : kSweepBorders) {
        group.border = {border, {3, 2, 1, 0}};
        group.resampling = Resampling::kLinear;
        cv::Mat result = families->Affine(ImageView::Whole(image), group);
        REQUIRE(result.type() == image.type());
        REQUIRE(MaxDifference(result, WarpReference(image, group)) <= Tolerance(depth));
        group.resampling = Resampling::kCubic;
        result = families->Affine(ImageView::Whole(image), group);
        REQUIRE(MaxDifference(result, WarpReference(image, group)) <= Tolerance(depth));
        group.resampling = Resampling::kNearest;
        result = families->Affine(ImageView::Whole(image), group);
        REQUIRE(MaxDifference(result, WarpReference(image, group)) == 0);
      }
    }
  });
}

TEST_CASE("a large warp is within half a level and a hundredth of float64") {
  const cv::Mat image = RandomImage(400, 300, CV_8U, 3);
  for (AffineGroup group : WarpCases(400, 300)) {
    group.border.fill = {10, 200, 30, 0};
    for (const Resampling resampling : {Resampling::kLinear, Resampling::kCubic}) {
      group.resampling = resampling;
      CHECK(MaxDifference(Warp(ImageView::Whole(image), group), WarpReference(image, group)) <=
            0.55);
    }
  }
}

TEST_CASE("other kinds than nearest blend 2 x 2 or 4 x 4 pixels") {
  const cv::Mat image = RandomImage(64, 50, CV_8U, 3);
  AffineGroup group = Turned(64, 50, 0.3, 0.9, {70, 60});
  const auto warp = [&](Resampling resampling) {
    group.resampling = resampling;
    return Warp(ImageView::Whole(image), group);
  };
  const cv::Mat linear = warp(Resampling::kLinear);
  const cv::Mat cubic = warp(Resampling::kCubic);
  CHECK_FALSE(SamePixels(linear, cubic));
  CHECK(SamePixels(warp(Resampling::kArea), linear));
  CHECK(SamePixels(warp(Resampling::kAntialias), linear));
  CHECK(SamePixels(warp(Resampling::kAntialiasCubic), cubic));
  CHECK(SamePixels(warp(Resampling::kLanczos), cubic));
}

TEST_CASE("a decoded region gives the same bits as the whole picture") {
  const auto families = MakeFamilies();
  for (const int depth : kSweepDepths) {
    for (const int channels : kSweepChannels) {
      const cv::Mat image = RandomImage(301, 202, depth, channels);
      for (const double scale : {1.3, 0.22}) {
        AffineGroup group = Turned(301, 202, 0.4, scale, {300, 220});
        // An output that shows the middle of the picture only.
        const Size out{static_cast<int>(40 * scale) + 8, static_cast<int>(30 * scale) + 4};
        group.map = Matrix::Translate(out.width / 2.0 - 150, out.height / 2.0 - 110) * group.map;
        group.out = out;
        const cv::Rect region(100, 51, 110, 101);
        for (const Resampling resampling : {Resampling::kLinear, Resampling::kCubic}) {
          group.resampling = resampling;
          const cv::Mat whole = families->Affine(ImageView::Whole(image), group);
          const cv::Mat part =
              families->Affine({image(region).clone(), region.tl(), {301, 202}}, group);
          CHECK(SamePixels(whole, part));
        }
      }
    }
  }
}

// Means of f x f blocks in float64.
cv::Mat BlockMeans(const cv::Mat& image, int f) {
  cv::Mat out((image.rows + f - 1) / f, (image.cols + f - 1) / f,
              CV_MAKETYPE(CV_64F, image.channels()));
  for (int by = 0; by < out.rows; ++by) {
    for (int bx = 0; bx < out.cols; ++bx) {
      for (int c = 0; c < image.channels(); ++c) {
        double sum = 0;
        int count = 0;
        for (int y = by * f; y < std::min((by + 1) * f, image.rows); ++y) {
          for (int x = bx * f; x < std::min((bx + 1) * f, image.cols); ++x, ++count) {
            sum += ValueAt(image, x, y, c);
          }
        }
        out.ptr<double>(by)[bx * image.channels() + c] = sum / count;
      }
    }
  }
  return out;
}

TEST_CASE("a map that shrinks below one half samples block means") {
  for (const int depth : kSweepDepths) {
    for (const int channels : kSweepChannels) {
      const cv::Mat image = RandomImage(101, 99, depth, channels);
      AffineGroup group = Turned(101, 99, 0.5, 0.3, {40, 40});
      REQUIRE(PrefilterFactor(group) == 3);
      AffineGroup coarse = group;
      coarse.map = group.map * Matrix::Scale(3, 3);
      const cv::Mat expected = WarpReference(BlockMeans(image, 3), coarse);
      CHECK(MaxDifference(Warp(ImageView::Whole(image), group), expected) <= Tolerance(depth));
    }
  }
}

TEST_CASE("the prefilter follows the largest singular value") {
  AffineGroup group;
  group.in = {400, 400};
  group.out = {100, 100};
  group.map = Matrix::Rotate(0.3) * Matrix::Scale(0.25, 0.25);
  CHECK(PrefilterFactor(group) == 4);
  group.map = Matrix::Rotate(0.3) * Matrix::Scale(1.0 / 3, 0.01);
  CHECK(PrefilterFactor(group) == 3);
  group.map = Matrix::Rotate(0.3) * Matrix::Scale(0.5, 0.5);
  CHECK(PrefilterFactor(group) <= 2);
  group.map = Matrix::Rotate(0.3) * Matrix::Scale(0.8, 0.1);
  CHECK(PrefilterFactor(group) == 1);
  group.map = Matrix::Rotate(0.3) * Matrix::Scale(0.1, 0.1);
  group.resampling = Resampling::kNearest;
  CHECK(PrefilterFactor(group) == 1);
}

TEST_CASE("a horizon inside the output is not a crash") {
  const cv::Mat image = RandomImage(20, 20, CV_8U, 3);
  AffineGroup group;
  group.in = group.out = {20, 20};
  group.map.m = {1, 0, 0, 0, 1, 0, 0.3, -0.2, -1};
  for (const Border border : kSweepBorders) {
    group.border.mode = border;
    for (const Resampling resampling :
         {Resampling::kNearest, Resampling::kLinear, Resampling::kCubic}) {
      group.resampling = resampling;
      CHECK(Warp(ImageView::Whole(image), group).cols == 20);
    }
  }
}

TEST_CASE("a displacement field samples at position plus displacement") {
  const auto families = MakeFamilies();
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    WarpField field;
    field.displacement = RandomImage(width, height, CV_32F, 2, 5) * 12;
    for (const Border border : kSweepBorders) {
      field.border = {border, {3, 2, 1, 0}};
      for (const Resampling resampling :
           {Resampling::kNearest, Resampling::kLinear, Resampling::kCubic}) {
        field.resampling = resampling;
        const cv::Mat expected =
            SampleReference(image, {width, height}, field.border, resampling, [&](int x, int y) {
              const auto d = field.displacement.at<cv::Vec2f>(y, x);
              return Point(x + 0.5 + double{d[0]}, y + 0.5 + double{d[1]});
            });
        REQUIRE(MaxDifference(families->Field(image, field), expected) <= Tolerance(depth));
      }
    }
  });
}

TEST_CASE("every instruction set gives the same bits") {
  for (const int channels : kSweepChannels) {
    const cv::Mat image = RandomImage(150, 130, CV_8U, channels);
    for (AffineGroup group : WarpCases(150, 130)) {
      for (const Border border : kSweepBorders) {
        group.border.mode = border;
        for (const Resampling resampling :
             {Resampling::kNearest, Resampling::kLinear, Resampling::kCubic}) {
          group.resampling = resampling;
          const std::uint64_t expected = HashPixels(Warp(ImageView::Whole(image), group));
          ForEachTarget([&](const char* target) {
            CAPTURE(target);
            CHECK(HashPixels(Warp(ImageView::Whole(image), group)) == expected);
          });
        }
      }
    }
  }
}

}  // namespace
}  // namespace pixloom
