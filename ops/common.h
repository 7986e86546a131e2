// SPDX-License-Identifier: Apache-2.0
// What several operators share: names of enums, the border rule, readers of peers' spellings, and
// pixel kernels from one float function. Pure functions; kernels are immutable.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ops/kernels/pixel_math.h"
#include "ops/kernels/value_kernel.h"
#include "pipeline/exact_math.h"
#include "pipeline/schema.h"
#include "pipeline/step.h"

namespace pixloom {

template <>
struct EnumNames<Border> {
  static constexpr std::array kAll{
      std::pair{Border::kConstant, "constant"}, std::pair{Border::kReflect, "reflect"},
      std::pair{Border::kReflect101, "reflect101"}, std::pair{Border::kReplicate, "replicate"},
      std::pair{Border::kWrap, "wrap"}};
};

template <>
struct EnumNames<Resampling> {
  static constexpr std::array kAll{std::pair{Resampling::kLinear, "linear"},
                                   std::pair{Resampling::kNearest, "nearest"},
                                   std::pair{Resampling::kCubic, "cubic"},
                                   std::pair{Resampling::kArea, "area"},
                                   std::pair{Resampling::kAntialias, "antialias"},
                                   std::pair{Resampling::kAntialiasCubic, "antialias_cubic"},
                                   std::pair{Resampling::kLanczos, "lanczos"}};
};

enum class MirrorLabels { kIgnore, kDuplicate };

template <>
struct EnumNames<MirrorLabels> {
  static constexpr std::array kAll{std::pair{MirrorLabels::kIgnore, "ignore"},
                                   std::pair{MirrorLabels::kDuplicate, "duplicate"}};
};

inline constexpr std::string_view kInterpolationDoc = "How pixels between pixels are made.";

// Levels reach from 0 to 65535 on integer images; a float image may declare any range within this.
inline constexpr double kMinLevel = -65'535;
inline constexpr double kMaxLevel = 65'535;

// Longest side of a picture anything accepts.
inline constexpr double kMaxSide = 65'500;

// What an operator that looks outside the picture lets its user say about it: a base class, whose
// table follows the operator's own parameters:
//   struct Pad : Outside { static constexpr auto Params() {
//     return std::tuple_cat(std::tuple{...}, Outside::Table<Pad>()); } };
struct Outside {
  Border border = Border::kConstant;
  std::vector<double> fill{0};
  std::int64_t mask_fill = -1;
  MirrorLabels mirror_labels = MirrorLabels::kIgnore;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, Border>("border", &Op::border).Doc("What is seen outside the picture."),
        Param<Op, std::vector<double>>("fill", &Op::fill)
            .In(kMinLevel, kMaxLevel)
            .Unit("levels")
            .Doc("Levels of a constant border, one per channel; fewer repeat the last."),
        Param<Op, std::int64_t>("mask_fill", &Op::mask_fill)
            .In(-1, 65'535)
            .Unit("class")
            .Doc("Class index outside semantic masks; -1 is the mask's own ignore index."),
        Param<Op, MirrorLabels>("mirror_labels", &Op::mirror_labels)
            .Doc("Whether objects that a reflecting or wrapping border repeats are labelled too.")};
  }

  std::string Check() const {
    if (fill.size() <= BorderRule{}.fill.size()) return "";
    return "fill: takes at most 4 levels, got " + std::to_string(fill.size());
  }

  BorderRule Rule() const {
    BorderRule rule;
    rule.mode = border;
    for (std::size_t c = 0; c < rule.fill.size(); ++c) {
      rule.fill[c] = fill[std::min(c, fill.size() - 1)];
    }
    if (mask_fill >= 0) rule.mask_fill = static_cast<int>(mask_fill);
    rule.duplicate_labels = mirror_labels == MirrorLabels::kDuplicate && rule.Repeats();
    return rule;
  }
};

// The same for operators that also resample.
struct Warped : Outside {
  Resampling interpolation = Resampling::kLinear;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple_cat(
        std::tuple{
            Param<Op, Resampling>("interpolation", &Op::interpolation).Doc(kInterpolationDoc)},
        Outside::Table<Op>());
  }
};

// A window of the picture, cut out by whole pixels. Only a window that leaves the picture looks
// outside it.
inline AffineStep CutWindow(int x, int y, Size window, Size picture, const BorderRule& border) {
  AffineStep step{Matrix::Translate(-x, -y), window, std::nullopt, std::nullopt};
  const bool inside = x >= 0 && y >= 0 && std::int64_t{x} + window.width <= picture.width &&
                      std::int64_t{y} + window.height <= picture.height;
  if (!inside) step.border = border;
  return step;
}

// `map` about the centre of the picture.
inline Matrix AboutCentre(const Matrix& map, Size size) {
  const double x = size.width / 2.0;
  const double y = size.height / 2.0;
  return Matrix::Translate(x, y) * map * Matrix::Translate(-x, -y);
}

// YAML angles are degrees, counter-clockwise positive; inside, radians and clockwise on screen.
constexpr double Radians(double degrees) { return degrees * exact::kPi / 180; }

// Peers read a lone number n as the interval [-n, n].
inline Value Symmetric(const Value& value) {
  if (!value.IsNumber()) return value;
  const double n = value.number < 0 ? -value.number : value.number;
  return Value::List({schema::To(-n), schema::To(n)});
}

// Calls fn(float* values, int pixels, int channels, const Stats&) on strips in unit scale, which it
// changes in place. Integer rows are rounded half up and saturated; fn leaves a fourth channel
// alone.
template <class Fn, class Base = PixelKernel>
class FloatKernel final : public Base {
 public:
  FloatKernel(StatsKind needs, Fn fn) : needs_(needs), fn_(std::move(fn)) {}

  StatsKind Needs() const override { return needs_; }
  void Row(const std::uint8_t* in, std::uint8_t* out, int pixels, int channels,
           const Stats& stats) const override {
    Integers(in, out, pixels, channels, stats);
  }
  void Row(const std::uint16_t* in, std::uint16_t* out, int pixels, int channels,
           const Stats& stats) const override {
    Integers(in, out, pixels, channels, stats);
  }
  void Row(const float* in, float* out, int pixels, int channels,
           const Stats& stats) const override {
    if (in != out) std::copy_n(in, static_cast<std::size_t>(pixels) * channels, out);
    fn_(out, pixels, channels, stats);
  }

 private:
  template <class T>
  void Integers(const T* in, T* out, int pixels, int channels, const Stats& stats) const {
    constexpr auto kMax = static_cast<float>(kLevels<T>);
    std::array<float, 1024> strip;  // at least one pixel of as many channels as OpenCV has
    const int step = static_cast<int>(strip.size()) / channels;
    for (int done = 0; done < pixels; done += step) {
      const int now = std::min(step, pixels - done);
      const std::ptrdiff_t count = std::ptrdiff_t{now} * channels;
      const std::ptrdiff_t offset = std::ptrdiff_t{done} * channels;
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        strip[static_cast<std::size_t>(i)] = static_cast<float>(in[offset + i]) / kMax;
      }
      fn_(strip.data(), now, channels, stats);
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        out[offset + i] = RoundTo<T>(strip[static_cast<std::size_t>(i)] * kMax);
      }
    }
  }

  StatsKind needs_;
  Fn fn_;
};

template <class Fn>
PixelStep MakePixelStep(StatsKind needs, Fn fn) {
  return {std::make_shared<FloatKernel<Fn>>(needs, std::move(fn))};
}

// The same where `fn` changes every value by itself: a table on integers.
template <class Fn>
PixelStep MakeValueStep(StatsKind needs, Fn fn) {
  return {std::make_shared<FloatKernel<Fn, ValueKernel>>(needs, std::move(fn))};
}

// v = gain * v + offset(stats) on every channel but alpha.
template <class Offset>
PixelStep MakeGainStep(double gain, Offset offset) {
  return MakeValueStep(StatsKind::kGrayMean,
                       [gain, offset](float* values, int pixels, int channels, const Stats& stats) {
                         const auto a = static_cast<float>(gain);
                         const auto b = static_cast<float>(offset(stats.gray_mean));
                         const int colours = channels == 4 ? 3 : channels;
                         for (int i = 0; i < pixels; ++i, values += channels) {
                           for (int c = 0; c < colours; ++c) values[c] = a * values[c] + b;
                         }
                       });
}

}  // namespace pixloom
