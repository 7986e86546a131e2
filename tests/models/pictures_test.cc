// SPDX-License-Identifier: Apache-2.0
// Every value against double arithmetic from the definition in the manifest.
#include "models/pictures.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "pipeline/rng.h"

namespace pixloom {
namespace {

using Color = PictureInput::Color;

double Level(const cv::Mat& m, int y, int x, int c) {
  const int at = x * m.channels() + c;
  if (m.depth() == CV_8U) return m.ptr<std::uint8_t>(y)[at];
  if (m.depth() == CV_16U) return m.ptr<std::uint16_t>(y)[at];
  return static_cast<double>(m.ptr<float>(y)[at]);
}

double Largest(const cv::Mat& m, const ValueRange& range) {
  return m.depth() == CV_8U ? 255 : m.depth() == CV_16U ? 65535 : static_cast<double>(range.hi);
}
double Least(const cv::Mat& m, const ValueRange& range) {
  return m.depth() == CV_32F ? static_cast<double>(range.lo) : 0;
}

cv::Mat Noise(int rows, int cols, int type, std::uint64_t seed, const ValueRange& range = {}) {
  cv::Mat m(rows, cols, type);
  const StreamKey key{seed, 1, 2};
  std::uint32_t n = 0;
  for (int y = 0; y < rows; ++y) {
    for (int i = 0; i < cols * m.channels(); ++i) {
      const std::uint32_t word = key.Block(n++)[0];
      if (m.depth() == CV_8U) m.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(word >> 24);
      if (m.depth() == CV_16U) m.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(word >> 16);
      if (m.depth() == CV_32F) {
        m.ptr<float>(y)[i] =
            range.lo + (range.hi - range.lo) * static_cast<float>(word >> 8) * 0x1p-24F;
      }
    }
  }
  return m;
}

// dcb|abcd|cba, a step at a time.
int Walk(int i, int n) {
  if (n == 1) return 0;
  while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (n - 1) - i;
  return i;
}

double Luma(const cv::Mat& m, int y, int x) {
  return 0.299 * Level(m, y, x, 0) + 0.587 * Level(m, y, x, 1) + 0.114 * Level(m, y, x, 2);
}

// What network channel `c` gets.
double Wanted(const cv::Mat& m, const ValueRange& range, const PictureInput& in, int y, int x,
              int c) {
  double level = 0;
  if (in.channels() == 1 && m.channels() > 1)
    level = Luma(m, y, x);
  else if (m.channels() == 1)
    level = Level(m, y, x, 0);
  else
    level = Level(m, y, x, in.color == Color::kBgr ? 2 - c : c);
  const double lo = Least(m, range), hi = Largest(m, range);
  double value = in.lo + (level - lo) / (hi - lo) * (in.hi - in.lo);
  if (!in.mean.empty()) value -= in.mean[static_cast<std::size_t>(c)];
  if (!in.deviation.empty()) value /= in.deviation[static_cast<std::size_t>(c)];
  return value;
}

TEST_CASE("pictures become tensors: all types, colours, ranges and places") {
  const ValueRange range{-0.5F, 2.0F};
  int checked = 0;
  for (const int depth : {CV_8U, CV_16U, CV_32F}) {
    for (const int channels : {1, 3, 4}) {
      const cv::Mat m = Noise(9, 13, CV_MAKETYPE(depth, channels), 3, range);
      for (const Color color : {Color::kRgb, Color::kBgr, Color::kGray, Color::kY}) {
        for (const auto& [lo, hi] : {std::pair{0.0, 1.0}, {-1.0, 1.0}, {0.0, 255.0}}) {
          PictureInput in;
          in.color = color, in.lo = lo, in.hi = hi;
          if (hi == 1 && lo == 0) {
            in.mean = in.channels() == 3 ? std::vector{0.485, 0.456, 0.406} : std::vector{0.5};
            in.deviation = in.channels() == 3 ? std::vector{0.229, 0.224, 0.225} : std::vector{0.3};
          }
          for (const cv::Rect& from :
               {cv::Rect(0, 0, 13, 9), cv::Rect(4, 2, 5, 3), cv::Rect(-3, -2, 8, 6),
                cv::Rect(10, 7, 9, 8), cv::Rect(-30, -20, 80, 60), cv::Rect(20, 1, 3, 3)}) {
            std::vector<float> item(static_cast<std::size_t>(in.channels() * from.area()));
            PackPicture(m, range, from, in, item);
            double worst = 0;
            std::size_t at = 0;
            for (int c = 0; c < in.channels(); ++c) {
              for (int y = 0; y < from.height; ++y) {
                for (int x = 0; x < from.width; ++x, ++at) {
                  const double want =
                      Wanted(m, range, in, Walk(from.y + y, 9), Walk(from.x + x, 13), c);
                  worst = std::max(worst, std::abs(want - static_cast<double>(item[at])));
                }
              }
            }
            CHECK(worst <= 2e-6 * std::max({1.0, std::abs(hi), 1 / 0.2}));
            ++checked;
          }
        }
      }
    }
  }
  CHECK(checked == 3 * 3 * 4 * 3 * 6);
}

TEST_CASE("a picture of one pixel is repeated") {
  const cv::Mat m(1, 1, CV_8UC3, cv::Scalar(51, 102, 255));
  std::vector<float> item(3 * 16);
  PackPicture(m, {}, {0, 0, 4, 4}, PictureInput{}, item);
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK(item[i] == doctest::Approx(0.2));
    CHECK(item[16 + i] == doctest::Approx(0.4));
    CHECK(item[32 + i] == 1);
  }
}

TEST_CASE("there and back is exact for integers") {
  for (const int depth : {CV_8U, CV_16U}) {
    cv::Mat m(256, depth == CV_8U ? 1 : 256, CV_MAKETYPE(depth, 1));
    for (int y = 0; y < m.rows; ++y) {
      for (int x = 0; x < m.cols; ++x) {
        if (depth == CV_8U)
          m.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(y);
        else
          m.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(y * 256 + x);
      }
    }
    for (const auto& [lo, hi] : {std::pair{0.0, 1.0}, {-1.0, 1.0}, {0.0, 255.0}, {-0.5, 0.5}}) {
      PictureInput in;
      in.color = Color::kGray, in.lo = lo, in.hi = hi;
      PictureOutput out;
      out.lo = lo, out.hi = hi;
      std::vector<float> item(m.total());
      const cv::Rect all(0, 0, m.cols, m.rows);
      PackPicture(m, {}, all, in, item);
      cv::Mat back(m.size(), m.type());
      UnpackPicture(item, {&in, &out, &m, {}, 1}, all, back);
      CHECK(cv::norm(m, back, cv::NORM_INF) == 0);
    }
  }
}

// What was before, where it is needed: as it is, or bilinear between pixel centres.
double Base(const cv::Mat& m, int y, int x, int c, int scale) {
  const double v = (y + 0.5) / scale - 0.5, u = (x + 0.5) / scale - 0.5;
  const int top = static_cast<int>(std::floor(v)), left = static_cast<int>(std::floor(u));
  double sum = 0;
  for (const int dy : {0, 1}) {
    for (const int dx : {0, 1}) {
      const double weight = (dy == 0 ? top + 1 - v : v - top) * (dx == 0 ? left + 1 - u : u - left);
      sum += weight *
             Level(m, std::clamp(top + dy, 0, m.rows - 1), std::clamp(left + dx, 0, m.cols - 1), c);
    }
  }
  return sum;
}

struct Case {
  int depth = CV_8U, channels = 3, scale = 1;
  Color color = Color::kRgb;
  bool residual = false, subtract = true;
  float strength = 1;
};

std::string Compare(const Case& one) {
  const ValueRange range{-0.5F, 2.0F};
  const cv::Mat before = Noise(7, 10, CV_MAKETYPE(one.depth, one.channels), 5, range);
  PictureInput in;
  in.color = one.color;
  PictureOutput out;
  out.kind = one.residual ? PictureOutput::Kind::kResidual : PictureOutput::Kind::kImage;
  out.subtract = one.subtract;
  out.scale = one.scale;
  out.lo = -1, out.hi = 1;
  const cv::Rect to(3 * one.scale, 2 * one.scale, 12 * one.scale, 9 * one.scale);  // sticks out
  std::vector<float> item(static_cast<std::size_t>(in.channels() * to.area()));
  const StreamKey key{9, 9, 9};
  for (std::size_t i = 0; i < item.size(); ++i) {
    const auto word = key.Block(static_cast<std::uint32_t>(i))[0];
    item[i] = (static_cast<float>(word >> 8) * 0x1p-24F - 0.5F) * (one.residual ? 0.5F : 2.4F);
  }
  const int w = 10 * one.scale, h = 7 * one.scale;
  cv::Mat made(h, w, before.type(), cv::Scalar::all(1));
  UnpackPicture(item, {&in, &out, &before, range, one.strength}, to, made);

  const double lo = Least(before, range), hi = Largest(before, range), span = hi - lo;
  const int colours = one.channels == 4 ? 3 : one.channels;
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const bool inside = x >= to.x && y >= to.y;
      for (int c = 0; c < one.channels; ++c) {
        const double got = Level(made, y, x, c);
        if (!inside) {
          if (got != 1) return "wrote outside of its region";
          continue;
        }
        if (c == 3) {
          if (got != Level(before, y / one.scale, x / one.scale, 3)) return "alpha";
          continue;
        }
        const auto value = [&](int channel) {
          const auto at = (static_cast<std::size_t>(channel) * static_cast<std::size_t>(to.height) +
                           static_cast<std::size_t>(y - to.y)) *
                              static_cast<std::size_t>(to.width) +
                          static_cast<std::size_t>(x - to.x);
          return static_cast<double>(item[at]);
        };
        const double base = Base(before, y, x, c, one.scale);
        double want = 0;
        const double sign = one.subtract ? -1 : 1;
        if (in.channels() == 1 && colours == 3) {
          const double luma = 0.299 * Base(before, y, x, 0, one.scale) +
                              0.587 * Base(before, y, x, 1, one.scale) +
                              0.114 * Base(before, y, x, 2, one.scale);
          want = one.residual ? base + sign * value(0) / 2 * span
                              : base + lo + (value(0) + 1) / 2 * span - luma;
        } else {
          const int channel = one.color == Color::kBgr && colours == 3 ? 2 - c : c;
          want = one.residual ? base + sign * value(channel) / 2 * span
                              : lo + (value(channel) + 1) / 2 * span;
        }
        want = std::clamp(want, lo, hi);
        want = base + (want - base) * static_cast<double>(one.strength);
        // Half a level, and what float arithmetic may do near a half.
        const double allowed = one.depth == CV_32F ? 2e-6 : 0.5 + span * 1e-6;
        if (std::abs(got - want) > allowed) {
          return "at " + std::to_string(x) + "," + std::to_string(y) + ": " + std::to_string(got) +
                 " instead of " + std::to_string(want);
        }
      }
    }
  }
  return "";
}

TEST_CASE("tensors become pictures: images, residuals, luma, strengths, scales") {
  int checked = 0;
  for (const int depth : {CV_8U, CV_16U, CV_32F}) {
    for (const int channels : {1, 3, 4}) {
      for (const Color color : {Color::kRgb, Color::kBgr, Color::kY}) {
        if (channels == 1 && color != Color::kY) continue;
        for (const int kind : {0, 1, 2}) {
          for (const float strength : {1.0F, 0.0F, 0.3F}) {
            for (const int scale : {1, 2, 3}) {
              if (kind > 0 && scale > 1) continue;
              const Case one{depth, channels, scale, color, kind > 0, kind == 1, strength};
              INFO("depth ", depth, " channels ", channels, " color ", static_cast<int>(color),
                   " kind ", kind, " strength ", strength, " scale ", scale);
              CHECK(Compare(one) == "");
              ++checked;
            }
          }
        }
      }
    }
  }
  CHECK(checked == 3 * 7 * 3 * 5);
}

TEST_CASE("halves are rounded up, what is too much is clamped") {
  PictureInput in;
  in.color = Color::kGray;
  PictureOutput out;
  out.lo = 0, out.hi = 255;
  const cv::Mat before(1, 6, CV_8UC1, cv::Scalar(7));
  cv::Mat made(1, 6, CV_8UC1);
  const std::vector<float> item{0.5F, 1.5F, 2.4999F, -3, 300, std::nanf("")};
  UnpackPicture(item, {&in, &out, &before, {}, 1}, {0, 0, 6, 1}, made);
  const std::vector<std::uint8_t> got(made.ptr<std::uint8_t>(0), made.ptr<std::uint8_t>(0) + 6);
  CHECK(got == std::vector<std::uint8_t>{1, 2, 2, 0, 255, 0});
}

TEST_CASE("no strength gives back what was there, bit by bit") {
  PictureInput in;
  PictureOutput out;
  const cv::Mat before = Noise(5, 4, CV_16UC3, 8);
  cv::Mat made(5, 4, CV_16UC3);
  const std::vector<float> item(3 * 20, 0.77F);
  UnpackPicture(item, {&in, &out, &before, {}, 0}, {0, 0, 4, 5}, made);
  CHECK(cv::norm(before, made, cv::NORM_INF) == 0);
}

TEST_CASE("pictures that are refused") {
  PictureInput rgb;
  PictureInput gray;
  gray.color = Color::kGray;
  PictureInput luma;
  luma.color = Color::kY;
  PictureInput fixed;
  fixed.size = Size{28, 28};
  Meta meta;
  CHECK(RefusesPicture(rgb, meta) == "");
  meta.size = Size{30, 28};
  meta.channels = 3;
  CHECK(RefusesPicture(rgb, meta) == "");
  CHECK(RefusesPicture(luma, meta) == "");
  CHECK(RefusesPicture(gray, meta).find("to_gray") != std::string::npos);
  CHECK(RefusesPicture(gray, meta, PictureUse::kInputOnly) == "");
  CHECK(RefusesPicture(fixed, meta) ==
        "a picture of 30x28, but the network takes 28x28 only; resize it before");
  meta.channels = 1;
  CHECK(RefusesPicture(rgb, meta).find("to_rgb") != std::string::npos);
  CHECK(RefusesPicture(rgb, meta, PictureUse::kInputOnly) == "");
  CHECK(RefusesPicture(luma, meta) == "");
  meta.channels = 5;
  CHECK(RefusesPicture(luma, meta).find("5 channels") != std::string::npos);
  meta.channels = 3;
  meta.planar = true;
  CHECK(RefusesPicture(rgb, meta).find("planar") != std::string::npos);
}

TEST_CASE("what is added so that the network takes it") {
  PictureInput in;
  CHECK(PaddedSize(in, {5, 7}) == Size{5, 7});
  in.multiple_of = 8;
  CHECK(PaddedSize(in, {1, 17}) == Size{8, 24});
  CHECK(PaddedSize(in, {16, 8}) == Size{16, 8});
  in.least = 20;
  CHECK(PaddedSize(in, {16, 8}) == Size{24, 24});
}

}  // namespace
}  // namespace pixloom
