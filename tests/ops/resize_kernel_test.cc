// SPDX-License-Identifier: Apache-2.0
#include "ops/resize_kernel.h"

#include <doctest/doctest.h>

#include <opencv2/imgproc.hpp>

#include "ops/copy_kernel.h"
#include "ops/families.h"
#include "tests/support/image_reference.h"

namespace pixloom {
namespace {

using namespace testing;

AffineGroup Group(const Matrix& map, Size in, Size out, Resampling resampling) {
  AffineGroup group;
  group.map = map;
  group.in = in;
  group.out = out;
  group.resampling = resampling;
  return group;
}

Matrix ScaleTo(Size in, Size out) {
  return Matrix::Scale(static_cast<double>(out.width) / in.width,
                       static_cast<double>(out.height) / in.height);
}

// Triangle filter along one axis over the pixels of a picture and none beyond.
std::vector<double> TriangleRow(const std::vector<double>& in, double scale, double offset, int out,
                                bool antialias) {
  const double support = antialias ? std::max(1.0, std::abs(scale)) : 1.0;
  std::vector<double> result;
  for (int i = 0; i < out; ++i) {
    const double centre = scale * (i + 0.5) + offset;
    double sum = 0;
    double total = 0;
    for (std::size_t k = 0; k < in.size(); ++k) {
      const double weight =
          std::max(0.0, 1 - std::abs(static_cast<double>(k) + 0.5 - centre) / support);
      sum += weight * in[k];
      total += weight;
    }
    result.push_back(sum / total);
  }
  return result;
}

// An upright axis-aligned map that shows nothing outside the picture.
cv::Mat TriangleReference(const cv::Mat& image, const AffineGroup& group) {
  const Matrix inverse = group.map.Inverse();
  const bool antialias = group.resampling == Resampling::kAntialias;
  const int channels = image.channels();
  cv::Mat out(group.out.height, group.out.width, CV_MAKETYPE(CV_64F, channels));
  for (int c = 0; c < channels; ++c) {
    std::vector<std::vector<double>> rows;
    for (int y = 0; y < image.rows; ++y) {
      std::vector<double> row;
      for (int x = 0; x < image.cols; ++x) row.push_back(ValueAt(image, x, y, c));
      rows.push_back(TriangleRow(row, inverse.m[0], inverse.m[2], group.out.width, antialias));
    }
    for (int x = 0; x < group.out.width; ++x) {
      std::vector<double> column;
      for (const auto& row : rows) column.push_back(row[static_cast<std::size_t>(x)]);
      column = TriangleRow(column, inverse.m[4], inverse.m[5], group.out.height, antialias);
      for (int y = 0; y < group.out.height; ++y) {
        out.ptr<double>(y)[x * channels + c] = column[static_cast<std::size_t>(y)];
      }
    }
  }
  return out;
}

TEST_CASE("a plain linear resize is OpenCV's") {
  const auto families = MakeFamilies();
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (const Size out : {Size{50, 49}, Size{3, 11}, Size{128, 1}, Size{202, 198}}) {
      const Size in{width, height};
      if (out == in) continue;
      const AffineGroup group = Group(ScaleTo(in, out), in, out, Resampling::kLinear);
      cv::Mat expected;
      cv::resize(image, expected, {out.width, out.height}, 0, 0, cv::INTER_LINEAR);
      REQUIRE(SamePixels(families->Affine(ImageView::Whole(image), group), expected));
    }
  });
}

TEST_CASE("crop, flip, transpose and resize in one group are OpenCV's resize of the crop, turned") {
  const auto families = MakeFamilies();
  const cv::Mat image = RandomImage(101, 99, CV_8U, 3);
  const cv::Rect window(10, 20, 60, 40);
  const Size out{32, 24};
  cv::Mat expected;
  cv::resize(image(window), expected, {out.width, out.height}, 0, 0, cv::INTER_LINEAR);
  const Matrix crop = Matrix::Translate(-window.x, -window.y);
  AffineGroup group = Group(ScaleTo({60, 40}, out) * crop, {101, 99}, out, Resampling::kLinear);
  group.window = window;
  CHECK(SamePixels(families->Affine(ImageView::Whole(image), group), expected));
  const ImageView part{image(window), window.tl(), {101, 99}};
  CHECK(SamePixels(families->Affine(part, group), expected));

  group.map = Matrix::MirrorX(out.width) * group.map;
  CHECK(SamePixels(families->Affine(part, group), FlipTranspose(expected, true, false, false)));
}

TEST_CASE("every other axis-aligned map is the triangle filter within one level") {
  const auto families = MakeFamilies();
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    const Size in{width, height};
    for (const Resampling resampling : {Resampling::kLinear, Resampling::kAntialias}) {
      for (const Size out : {Size{37, 20}, Size{2, 3}, Size{120, 7}}) {
        // Whole picture (antialiased), and a fractional box out of it.
        std::vector<AffineGroup> groups;
        if (resampling == Resampling::kAntialias) {
          groups.push_back(Group(ScaleTo(in, out), in, out, resampling));
        }
        const double x = 0.13 * width, y = 0.21 * height;
        const Matrix zoom = Matrix::Scale(out.width / (0.6 * width), out.height / (0.5 * height)) *
                            Matrix::Translate(-x, -y);
        groups.push_back(Group(zoom, in, out, resampling));
        for (AffineGroup& group : groups) {
          const cv::Mat result = families->Affine(ImageView::Whole(image), group);
          REQUIRE(MaxDifference(result, TriangleReference(image, group)) <= Tolerance(depth));
          // Transposing the output transposes the result.
          const Matrix transpose{{0, 1, 0, 1, 0, 0, 0, 0, 1}};
          AffineGroup turned = group;
          turned.map = transpose * group.map;
          turned.out = {out.height, out.width};
          REQUIRE(SamePixels(families->Affine(ImageView::Whole(image), turned),
                             FlipTranspose(result, false, false, true)));
        }
      }
    }
  });
}

TEST_CASE("an antialiased resize equals Pillow within one level") {
  // Pillow 9.4: Image.fromarray(a).resize((3, 4), BILINEAR, box=(1.5, 0.25, 10.25, 7.5)) of
  // a[y][x] = (37 x + 91 y + 11 x y) % 256, 12 x 8.
  cv::Mat image(8, 12, CV_8U);
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 12; ++x) {
      image.at<std::uint8_t>(y, x) =
          static_cast<std::uint8_t>((37 * x + 91 * y + 11 * x * y) % 256);
    }
  }
  const cv::Mat expected =
      (cv::Mat_<std::uint8_t>(4, 3) << 128, 127, 102, 132, 129, 132, 116, 122, 136, 147, 130, 125);
  const double sx = 3 / 8.75, sy = 4 / 7.25;
  const AffineGroup group = Group(Matrix::Scale(sx, sy) * Matrix::Translate(-1.5, -0.25), {12, 8},
                                  {3, 4}, Resampling::kAntialias);
  CHECK(MaxDifference(MakeFamilies()->Affine(ImageView::Whole(image), group), expected) <= 1);
}

TEST_CASE("taps outside follow the border rule when the output shows the outside") {
  const auto families = MakeFamilies();
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (const Border border : kSweepBorders) {
      AffineGroup group =
          Group(Matrix::Translate(2.3, 1.7) * Matrix::Scale(1.4, 1.2), {width, height},
                {2 * width + 5, 2 * height + 6}, Resampling::kLinear);
      group.border = {border, {3, 2, 1, 0}};
      group.has_border = true;
      const cv::Mat result = families->Affine(ImageView::Whole(image), group);
      REQUIRE(MaxDifference(result, WarpReference(image, group)) <= Tolerance(depth));
    }
  });
}

TEST_CASE("a group with a border blends with it even where it shows the picture only") {
  const auto families = MakeFamilies();
  const cv::Mat image = RandomImage(20, 10, CV_8U, 3);
  AffineGroup group = Group(Matrix::Scale(2, 2), {20, 10}, {40, 20}, Resampling::kLinear);
  group.border = {Border::kConstant, {255, 0, 0, 0}};
  group.has_border = true;
  const cv::Mat with_border = families->Affine(ImageView::Whole(image), group);
  CHECK(MaxDifference(with_border, WarpReference(image, group)) <= 1);
  group.has_border = false;
  CHECK_FALSE(SamePixels(families->Affine(ImageView::Whole(image), group), with_border));
}

TEST_CASE("nearest shows the pixel that contains the mapped centre") {
  const auto families = MakeFamilies();
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (const Border border : kSweepBorders) {
      for (const double scale : {0.3, 0.5, 1.5, 3.0}) {
        AffineGroup group = Group(Matrix::Translate(1.25, -0.5) * Matrix::Scale(scale, 1 / scale),
                                  {width, height}, {width + 3, height + 2}, Resampling::kNearest);
        group.border = {border, {7, 8, 9, 10}};
        group.has_border = true;
        REQUIRE(MaxDifference(families->Affine(ImageView::Whole(image), group),
                              WarpReference(image, group)) == 0);
      }
    }
  });
}

TEST_CASE("a window is a picture of its own") {
  const auto families = MakeFamilies();
  const cv::Mat image = RandomImage(101, 99, CV_16U, 3);
  const cv::Rect window(13, 17, 55, 44);
  for (const Resampling resampling :
       {Resampling::kNearest, Resampling::kLinear, Resampling::kAntialias}) {
    const Matrix resize = Matrix::Translate(-1.5, 0.75) * Matrix::Scale(0.35, 1.2);
    AffineGroup group =
        Group(resize * Matrix::Translate(-13, -17), {101, 99}, {16, 50}, resampling);
    group.window = window;
    AffineGroup inner = Group(resize, {55, 44}, {16, 50}, resampling);
    inner.border.mode = Border::kReplicate;
    const cv::Mat expected = families->Affine(ImageView::Whole(image(window).clone()), inner);
    CHECK(SamePixels(families->Affine(ImageView::Whole(image), group), expected));
    const ImageView part{image(window), window.tl(), {101, 99}};
    CHECK(SamePixels(families->Affine(part, group), expected));
  }
}

}  // namespace
}  // namespace pixloom
