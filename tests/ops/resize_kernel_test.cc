// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/resize_kernel.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "ops/families.h"
#include "ops/kernels/copy_kernel.h"
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

double Sinc(double x) { return x == 0 ? 1 : std::sin(M_PI * x) / (M_PI * x); }

// What a pixel `x` output pixels (of an enlarged picture: source pixels) off weighs.
double FilterAt(Resampling resampling, double x) {
  switch (resampling) {
    case Resampling::kCubic:
      return CubicAt(x, -0.75);
    case Resampling::kAntialiasCubic:
      return CubicAt(x, -0.5);
    case Resampling::kLanczos:
      return std::abs(x) < 3 ? Sinc(x) * Sinc(x / 3) : 0;
    default:
      return std::max(0.0, 1 - std::abs(x));
  }
}

// One axis over the pixels of a picture and none beyond.
std::vector<double> FilterRow(const std::vector<double>& in, double scale, double offset, int out,
                              Resampling resampling) {
  const bool widens = resampling != Resampling::kLinear && resampling != Resampling::kCubic;
  const double stretch = widens ? std::max(1.0, std::abs(scale)) : 1.0;
  const int n = static_cast<int>(in.size());
  std::vector<double> result;
  for (int i = 0; i < out; ++i) {
    const double centre = scale * (i + 0.5) + offset;
    double sum = 0;
    double total = 0;
    for (int k = -3; k < n + 3; ++k) {
      const bool inside = k >= 0 && k < n;
      // OpenCV's cubic repeats the edge pixels.
      if (!inside && resampling != Resampling::kCubic) continue;
      double weight = FilterAt(resampling, (k + 0.5 - centre) / stretch);
      if (resampling == Resampling::kArea && std::abs(scale) > 1) {
        const double half = std::abs(scale) / 2;
        weight = std::max(0.0, std::min(k + 1.0, centre + half) - std::max(k * 1.0, centre - half));
      }
      sum += weight * in[static_cast<std::size_t>(std::clamp(k, 0, n - 1))];
      total += weight;
    }
    result.push_back(sum / total);
  }
  return result;
}

// An upright axis-aligned map that shows nothing outside the picture.
cv::Mat FilterReference(const cv::Mat& image, const AffineGroup& group) {
  const Matrix inverse = group.map.Inverse();
  const int channels = image.channels();
  const double top = image.depth() == CV_8U ? 255 : image.depth() == CV_16U ? 65535 : 1e9;
  const double bottom = image.depth() == CV_32F ? -1e9 : 0;
  // Pillow saturates between its passes.
  const bool between =
      group.resampling == Resampling::kAntialiasCubic || group.resampling == Resampling::kLanczos;
  cv::Mat out(group.out.height, group.out.width, CV_MAKETYPE(CV_64F, channels));
  for (int c = 0; c < channels; ++c) {
    std::vector<std::vector<double>> rows;
    for (int y = 0; y < image.rows; ++y) {
      std::vector<double> row;
      for (int x = 0; x < image.cols; ++x) row.push_back(ValueAt(image, x, y, c));
      rows.push_back(FilterRow(row, inverse.m[0], inverse.m[2], group.out.width, group.resampling));
      for (double& v : rows.back()) v = between ? std::clamp(v, bottom, top) : v;
    }
    for (int x = 0; x < group.out.width; ++x) {
      std::vector<double> column;
      for (const auto& row : rows) column.push_back(row[static_cast<std::size_t>(x)]);
      column = FilterRow(column, inverse.m[4], inverse.m[5], group.out.height, group.resampling);
      for (int y = 0; y < group.out.height; ++y) {
        out.ptr<double>(y)[x * channels + c] =
            std::clamp(column[static_cast<std::size_t>(y)], bottom, top);
      }
    }
  }
  return out;
}

constexpr std::array kFiltered{Resampling::kLinear,         Resampling::kCubic,
                               Resampling::kArea,           Resampling::kAntialias,
                               Resampling::kAntialiasCubic, Resampling::kLanczos};

TEST_CASE("a plain linear, cubic or area resize is OpenCV's") {
  const auto families = MakeFamilies();
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (const Size out : {Size{50, 49}, Size{3, 11}, Size{128, 1}, Size{202, 198}}) {
      const Size in{width, height};
      if (out == in) continue;
      for (const auto& [resampling, flag] : {std::pair{Resampling::kLinear, cv::INTER_LINEAR},
                                             std::pair{Resampling::kCubic, cv::INTER_CUBIC},
                                             std::pair{Resampling::kArea, cv::INTER_AREA}}) {
        const bool shrinks = out.width <= in.width && out.height <= in.height;
        if (resampling == Resampling::kArea && !shrinks) continue;
        const AffineGroup group = Group(ScaleTo(in, out), in, out, resampling);
        const cv::Mat expected = families->Affine(ImageView::Whole(image), group);
        // OpenCV's means take no more than four channels.
        if (resampling != Resampling::kArea || channels <= 4) {
          cv::Mat theirs;
          cv::resize(image, theirs, {out.width, out.height}, 0, 0, flag);
          REQUIRE(SamePixels(expected, theirs));
        }
        // The float64 definition agrees, as far as OpenCV's weights of 11 bits and float32 go.
        REQUIRE(MaxDifference(expected, FilterReference(image, group)) <=
                (depth == CV_32F ? 1e-4 : 2.0));
      }
    }
  });
}

TEST_CASE("area means where an axis shrinks, linear where it grows") {
  const auto families = MakeFamilies();
  const cv::Mat image = RandomImage(60, 40, CV_8U, 3);
  const AffineGroup mixed =
      Group(ScaleTo({60, 40}, {25, 90}), {60, 40}, {25, 90}, Resampling::kArea);
  CHECK(MaxDifference(families->Affine(ImageView::Whole(image), mixed),
                      FilterReference(image, mixed)) <= 1);
  AffineGroup grows = Group(ScaleTo({60, 40}, {77, 90}), {60, 40}, {77, 90}, Resampling::kArea);
  const cv::Mat area = families->Affine(ImageView::Whole(image), grows);
  grows.resampling = Resampling::kLinear;
  CHECK(SamePixels(area, families->Affine(ImageView::Whole(image), grows)));
}

TEST_CASE("crop, flip, transpose and resize in one group are OpenCV's resize of the crop, turned") {
  const auto families = MakeFamilies();
  const cv::Mat image = RandomImage(101, 99, CV_8U, 3);
  const cv::Rect window(10, 20, 60, 40);
  const Size out{32, 24};
  for (const auto& [resampling, flag] : {std::pair{Resampling::kLinear, cv::INTER_LINEAR},
                                         std::pair{Resampling::kCubic, cv::INTER_CUBIC},
                                         std::pair{Resampling::kArea, cv::INTER_AREA}}) {
    cv::Mat expected;
    cv::resize(image(window), expected, {out.width, out.height}, 0, 0, flag);
    const Matrix crop = Matrix::Translate(-window.x, -window.y);
    AffineGroup group = Group(ScaleTo({60, 40}, out) * crop, {101, 99}, out, resampling);
    group.window = window;
    CHECK(SamePixels(families->Affine(ImageView::Whole(image), group), expected));
    const ImageView part{image(window), window.tl(), {101, 99}};
    CHECK(SamePixels(families->Affine(part, group), expected));

    group.map = Matrix::MirrorX(out.width) * group.map;
    CHECK(SamePixels(families->Affine(part, group), FlipTranspose(expected, true, false, false)));
  }
}

TEST_CASE("every other axis-aligned map is its filter within one level") {
  const auto families = MakeFamilies();
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    const Size in{width, height};
    for (const Resampling resampling : kFiltered) {
      for (const Size out : {Size{37, 20}, Size{2, 3}, Size{120, 7}}) {
        // Whole picture (if it is not OpenCV's), and a fractional box out of it.
        std::vector<AffineGroup> groups;
        if (resampling >= Resampling::kAntialias) {
          groups.push_back(Group(ScaleTo(in, out), in, out, resampling));
        }
        const double x = 0.13 * width, y = 0.21 * height;
        const Matrix zoom = Matrix::Scale(out.width / (0.6 * width), out.height / (0.5 * height)) *
                            Matrix::Translate(-x, -y);
        groups.push_back(Group(zoom, in, out, resampling));
        for (AffineGroup& group : groups) {
          const cv::Mat result = families->Affine(ImageView::Whole(image), group);
          // Lanczos cancels large terms.
          REQUIRE(MaxDifference(result, FilterReference(image, group)) <= 2 * Tolerance(depth));
          if (depth == CV_8U) {
            REQUIRE(MaxDifference(result, FilterReference(image, group)) <= 0.55);
          }
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
      group.border = {border, {0.1, 0.2, 0.3, 0.4}};
      for (const Resampling resampling : {Resampling::kLinear, Resampling::kCubic}) {
        group.resampling = resampling;
        const cv::Mat result = families->Affine(ImageView::Whole(image), group);
        REQUIRE(MaxDifference(result, WarpReference(image, group)) <= Tolerance(depth));
      }
    }
  });
}

TEST_CASE("a resize padded by whole pixels is the resize, then the pad") {
  const auto families = MakeFamilies();
  const cv::Mat image = RandomImage(100, 60, CV_8U, 3);
  for (const Resampling resampling : kFiltered) {
    const AffineGroup resize = Group(Matrix::Scale(0.4, 0.4), {100, 60}, {40, 24}, resampling);
    const cv::Mat picture = families->Affine(ImageView::Whole(image), resize);
    AffineGroup letterbox =
        Group(Matrix::Translate(0, 8) * resize.map, {100, 60}, {40, 40}, resampling);
    letterbox.border = {Border::kConstant, {114, 114, 114, 114}};
    cv::Mat expected(40, 40, CV_8UC3, cv::Scalar::all(114));
    picture.copyTo(expected(cv::Rect(0, 8, 40, 24)));
    CHECK(SamePixels(families->Affine(ImageView::Whole(image), letterbox), expected));
  }
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
       {Resampling::kNearest, Resampling::kLinear, Resampling::kCubic, Resampling::kArea,
        Resampling::kAntialias, Resampling::kAntialiasCubic, Resampling::kLanczos}) {
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

TEST_CASE("a picture shrinks by any factor without losing its mean") {
  const cv::Mat image = RandomImage(3001, 9, CV_8U, 3);
  for (const Resampling resampling : kFiltered) {
    if (resampling < Resampling::kArea) continue;
    for (const Size out : {Size{1, 1}, Size{7, 2}}) {
      const AffineGroup group = Group(ScaleTo({3001, 9}, out), {3001, 9}, out, resampling);
      CHECK(MaxDifference(MakeFamilies()->Affine(ImageView::Whole(image), group),
                          FilterReference(image, group)) <= 0.6);
      const cv::Mat grey(9, 3001, CV_8UC3, cv::Scalar::all(77));
      CHECK(MaxDifference(MakeFamilies()->Affine(ImageView::Whole(grey), group),
                          cv::Mat(out.height, out.width, CV_8UC3, cv::Scalar::all(77))) == 0);
    }
  }
}

TEST_CASE("every instruction set resizes to the same bits") {
  const auto families = MakeFamilies();
  for (const int channels : kSweepChannels) {
    const cv::Mat image = RandomImage(150, 130, CV_8U, channels);
    for (const Resampling resampling : kFiltered) {
      for (const double scale : {0.3, 1.7}) {
        const AffineGroup group = Group(Matrix::Scale(scale, scale) * Matrix::Translate(-3.3, -2.1),
                                        {150, 130}, {40, 35}, resampling);
        const std::uint64_t expected = HashPixels(families->Affine(ImageView::Whole(image), group));
        ForEachTarget([&](const char* target) {
          CAPTURE(target);
          CHECK(HashPixels(families->Affine(ImageView::Whole(image), group)) == expected);
        });
      }
    }
  }
}

}  // namespace
}  // namespace pixloom
