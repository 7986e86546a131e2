// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Dither { kFloydSteinberg, kBayer };

// Floats are dithered in as many steps as 16 bits have.
template <class T>
inline constexpr int kSteps = std::is_integral_v<T> ? static_cast<int>(kLevels<T>) : 65'535;

template <class T>
int ToStep(T level, ValueRange range) {
  if constexpr (std::is_integral_v<T>) {
    return level;
  } else {
    return RoundTo<std::uint16_t>((level - range.lo) / (range.hi - range.lo) * 65'535.0F);
  }
}

// What each of `count` levels is in the picture's own values, and in steps.
template <class T>
struct LevelTable {
  std::vector<T> values;
  std::vector<int> steps;

  LevelTable(int count, ValueRange range) {
    for (int i = 0; i < count; ++i) {
      const double unit = static_cast<double>(i) / (count - 1);
      steps.push_back(static_cast<int>(std::floor(unit * kSteps<T> + 0.5)));
      const double low = std::is_integral_v<T> ? 0 : double{range.lo};
      const double span = std::is_integral_v<T> ? double{kSteps<T>} : double{range.hi} - range.lo;
      values.push_back(RoundTo<T>(low + unit * span));
    }
  }
};

// Floyd and Steinberg in Pillow's integers: errors are kept times 16 and divided towards zero, and
// the middle between two levels goes down.
template <class T>
void DiffuseErrors(const cv::Mat& in, ValueRange range, int count, cv::Mat& out) {
  const LevelTable<T> table(count, range);
  constexpr int kMost = kSteps<T>;
  const int channels = in.channels();
  const int colours = channels == 4 ? 3 : channels;
  std::vector<int> errors;
  for (int c = 0; c < colours; ++c) {
    errors.assign(static_cast<std::size_t>(in.cols) + 1, 0);
    for (int y = 0; y < in.rows; ++y) {
      const T* from = in.ptr<T>(y) + c;
      T* to = out.ptr<T>(y) + c;
      int right = 0;        // 7/16 of the pixel before
      int below = 0;        // what the pixel below the one before has got so far
      int below_right = 0;  // 1/16 of the pixel before
      for (int x = 0; x < in.cols; ++x, from += channels, to += channels) {
        const auto at = static_cast<std::size_t>(x);
        const int wanted =
            std::clamp(ToStep(*from, range) + (right + errors[at + 1]) / 16, 0, kMost);
        const auto level = static_cast<std::size_t>((wanted * (count - 1) + kMost / 2 - 1) / kMost);
        *to = table.values[level];
        const int error = wanted - table.steps[level];
        errors[at] = 3 * error + below;
        below = 5 * error + below_right;
        below_right = error;
        right = 7 * error;
      }
      errors[static_cast<std::size_t>(in.cols)] = below;
    }
  }
}

// The matrix of side 2, 4 or 8: each quarter of a matrix twice as large repeats the smaller one.
std::vector<int> BayerMatrix(int side) {
  std::vector<int> matrix{0};
  for (int n = 1; n < side; n *= 2) {
    std::vector<int> larger(static_cast<std::size_t>(4 * n * n));
    constexpr std::array kQuarters{0, 2, 3, 1};
    for (int y = 0; y < 2 * n; ++y) {
      for (int x = 0; x < 2 * n; ++x) {
        const auto quarter = static_cast<std::size_t>(y / n * 2 + x / n);
        larger[static_cast<std::size_t>(y * 2 * n + x)] =
            4 * matrix[static_cast<std::size_t>(y % n * n + x % n)] + kQuarters[quarter];
      }
    }
    matrix = larger;
  }
  return matrix;
}

template <class T>
void Screen(const cv::Mat& in, ValueRange range, int count, int side, cv::Mat& out) {
  const LevelTable<T> table(count, range);
  const std::vector<int> matrix = BayerMatrix(side);
  constexpr std::int64_t kMost = kSteps<T>;
  const int channels = in.channels();
  const int colours = channels == 4 ? 3 : channels;
  const std::int64_t parts = 2 * side * side;
  for (int y = 0; y < in.rows; ++y) {
    const T* from = in.ptr<T>(y);
    T* to = out.ptr<T>(y);
    for (int x = 0; x < in.cols; ++x, from += channels, to += channels) {
      const std::int64_t threshold =
          (2 * matrix[static_cast<std::size_t>(y % side * side + x % side)] + 1) * kMost;
      for (int c = 0; c < colours; ++c) {
        const std::int64_t scaled = ToStep(from[c], range) * (count - 1) * parts + threshold;
        to[c] = table.values[static_cast<std::size_t>(scaled / (parts * kMost))];
      }
    }
  }
}

}  // namespace

template <>
struct EnumNames<Dither> {
  static constexpr std::array kAll{std::pair{Dither::kFloydSteinberg, "floyd_steinberg"},
                                   std::pair{Dither::kBayer, "bayer"}};
};

namespace {

struct Dithering {
  Dither method = Dither::kFloydSteinberg;
  Range levels{2};
  std::int64_t matrix = 4;

  static constexpr std::string_view kName = "dithering";
  static constexpr std::string_view kDoc =
      "Show each channel in few levels, whose mixture gives the tones between.";
  static constexpr std::array<std::string_view, 1> kAliases{"Dithering"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("method", &Dithering::method)
            .Primary()
            .Doc("floyd_steinberg: what a pixel is off by goes to its neighbours; bayer: a "
                 "repeated matrix of thresholds."),
        Param("levels", &Dithering::levels)
            .In(2, 64)
            .Unit("levels")
            .Doc("Per channel, equally spaced; rounded."),
        Param("matrix", &Dithering::matrix)
            .In(2, 8)
            .Unit("px")
            .Doc("bayer: side of the matrix: 2, 4 or 8.")};
  }
  std::string Check() const {
    return matrix == 2 || matrix == 4 || matrix == 8
               ? ""
               : "matrix: " + std::to_string(matrix) + " is not 2, 4 or 8";
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const int count = static_cast<int>(std::floor(rng.Draw("levels", levels) + 0.5));
    return {[count, how = method, side = static_cast<int>(matrix)](
                const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      WithDepth(in, [&](auto zero) {
        using T = decltype(zero);
        if (how == Dither::kBayer) {
          Screen<T>(in, context.range, count, side, out);
        } else {
          DiffuseErrors<T>(in, context.range, count, out);
        }
      });
      return out;
    }};
  }
};

}  // namespace

void RegisterDithering(Registry& registry) { registry.AddOperator<Dithering>(); }

}  // namespace pixloom
