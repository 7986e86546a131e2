// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/common.h"
#include "ops/kernels/unit_image.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// What decides, in levels of the picture.
struct Thresholds {
  float step;
  float flat;
  float strength;
};

// Eight pixels across a border, four on each side: p3 p2 p1 p0 | q0 q1 q2 q3. All colours are
// filtered alike, or a border would turn into a fringe.
template <class T>
void FilterBorder(const std::array<T*, 8>& at, int colours, const Thresholds& t) {
  float step = 0;
  float near = 0;
  float far = 0;
  for (int c = 0; c < colours; ++c) {
    std::array<float, 8> v;
    for (std::size_t i = 0; i < 8; ++i) v[i] = static_cast<float>(at[i][c]);
    step = std::max(step, std::abs(v[3] - v[4]));
    near = std::max({near, std::abs(v[2] - v[3]), std::abs(v[5] - v[4])});
    far = std::max({far, std::abs(v[1] - v[3]), std::abs(v[0] - v[3]), std::abs(v[6] - v[4]),
                    std::abs(v[7] - v[4])});
  }
  if (!(step < t.step && near < t.flat)) return;  // an edge of the picture itself
  const auto put = [&](std::size_t i, int c, float was, float value) {
    at[i][c] = RoundTo<T>(was + t.strength * (value - was));
  };
  for (int c = 0; c < colours; ++c) {
    std::array<float, 8> v;
    for (std::size_t i = 0; i < 8; ++i) v[i] = static_cast<float>(at[i][c]);
    const auto [p3, p2, p1, p0, q0, q1, q2, q3] = v;
    if (far < t.flat) {
      put(1, c, p2, (2 * p3 + 3 * p2 + p1 + p0 + q0) / 8);
      put(2, c, p1, (p2 + p1 + p0 + q0) / 4);
      put(3, c, p0, (p2 + 2 * p1 + 2 * p0 + 2 * q0 + q1) / 8);
      put(4, c, q0, (p1 + 2 * p0 + 2 * q0 + 2 * q1 + q2) / 8);
      put(5, c, q1, (p0 + q0 + q1 + q2) / 4);
      put(6, c, q2, (p0 + q0 + q1 + 3 * q2 + 2 * q3) / 8);
    } else {
      const float change = std::clamp((4 * (q0 - p0) + p1 - q1) / 8, -t.flat, t.flat);
      put(3, c, p0, p0 + change);
      put(4, c, q0, q0 - change);
    }
  }
}

// Borders between columns, then between rows of the result. A border needs four pixels on either
// side: what is cut off at the picture's edge stays.
template <class T>
void FilterBorders(cv::Mat& pixels, int block, cv::Point first, const Thresholds& t) {
  const int channels = pixels.channels();
  const int colours = ColourCount(channels);
  std::array<T*, 8> at;
  for (int y = 0; y < pixels.rows; ++y) {
    T* row = pixels.ptr<T>(y);
    for (int x = first.x; x + 4 <= pixels.cols; x += block) {
      if (x < 4) continue;
      for (int i = 0; i < 8; ++i) {
        at[static_cast<std::size_t>(i)] = row + std::ptrdiff_t{x - 4 + i} * channels;
      }
      FilterBorder(at, colours, t);
    }
  }
  for (int y = first.y; y + 4 <= pixels.rows; y += block) {
    if (y < 4) continue;
    for (int i = 0; i < 8; ++i) at[static_cast<std::size_t>(i)] = pixels.ptr<T>(y - 4 + i);
    for (int x = 0; x < pixels.cols; ++x) {
      FilterBorder(at, colours, t);
      for (T*& pixel : at) pixel += channels;
    }
  }
}

struct Deblock {
  Range strength{0.7, 1};
  double step = 0.15;
  double flat = 0.04;
  std::int64_t block = 8;
  std::int64_t x = 0;
  std::int64_t y = 0;

  static constexpr std::string_view kName = "deblock";
  static constexpr std::string_view kDoc = "Smooth the borders of JPEG blocks.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("strength", &Deblock::strength)
            .In(0, 1)
            .Unit("fraction")
            .Primary()
            .Doc("Share of the smoothing that is applied."),
        Param("step", &Deblock::step)
            .In(0, 1)
            .Unit("full scale")
            .Doc("Steps across a border from this on are edges of the picture and stay."),
        Param("flat", &Deblock::flat)
            .In(0, 1)
            .Unit("full scale")
            .Doc("Differences within a block from this on are detail: little is smoothed."),
        Param("block", &Deblock::block)
            .In(8, 64)
            .Unit("px")
            .Doc("Side of a block: 8 for JPEG, 16 for its halved chroma."),
        Param("x", &Deblock::x)
            .In(0, 63)
            .Unit("px")
            .Doc("A column where a block begins, of a picture that was cropped after JPEG."),
        Param("y", &Deblock::y).In(0, 63).Unit("px").Doc("A row where a block begins.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const auto share = static_cast<float>(rng.Draw("strength", strength));
    return {[op = *this, share](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      WithDepth(out, [&](auto zero) {
        using T = decltype(zero);
        const double levels =
            std::is_integral_v<T> ? kLevels<T> : double{context.range.hi} - context.range.lo;
        const Thresholds t{static_cast<float>(op.step * levels),
                           static_cast<float>(op.flat * levels), share};
        const auto side = static_cast<int>(op.block);
        FilterBorders<T>(out, side, {static_cast<int>(op.x) % side, static_cast<int>(op.y) % side},
                         t);
      });
      return out;
    }};
  }
};

}  // namespace

void RegisterDeblock(Registry& registry) { registry.AddOperator<Deblock>(); }

}  // namespace pixloom
