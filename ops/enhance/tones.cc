// SPDX-License-Identifier: Apache-2.0
#include "ops/enhance/tones.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>

#include "ops/kernels/colour_kernel.h"
#include "ops/kernels/colour_stats.h"
#include "ops/kernels/pixel_math.h"
#include "ops/kernels/unit_image.h"
#include "pipeline/exact_math.h"

namespace pixloom {
namespace {

double LumaShare(int channel, int channels) {
  static constexpr std::array<double, 3> kLuma{0.299, 0.587, 0.114};
  if (channels == 3 || channels == 4) return kLuma[static_cast<std::size_t>(channel)];
  return 1.0 / channels;
}

struct Group {
  double sum = 0;
  std::int64_t count = 0;
};

constexpr std::size_t kGroups = 4096;

// Narrow where a power is steep.
std::size_t GroupOf(double level) {
  return static_cast<std::size_t>(std::sqrt(level) * (kGroups - 1) + 0.5);
}

// Levels of uint8 as they are, otherwise groups of neighbours.
template <class T>
std::vector<Group> Grouped(const cv::Mat& pixels, int channel, ValueRange range) {
  std::vector<Group> groups(std::is_same_v<T, std::uint8_t> ? 256 : kGroups);
  const int channels = pixels.channels();
  for (int y = 0; y < pixels.rows; ++y) {
    const T* row = pixels.ptr<T>(y) + channel;
    for (int x = 0; x < pixels.cols; ++x, row += channels) {
      double level = 0;
      if constexpr (std::is_integral_v<T>) {
        level = *row / kLevels<T>;
      } else {
        const double unit = (double{*row} - range.lo) / (double{range.hi} - range.lo);
        level = std::clamp(unit, 0.0, 1.0);
      }
      Group& group = groups[sizeof(T) == 1 ? static_cast<std::size_t>(*row) : GroupOf(level)];
      group.sum += level;
      ++group.count;
    }
  }
  return groups;
}

// The root of a function that rises from least to most, or the end that is nearer.
template <class Fn>
double Bisect(double least, double most, Fn rises) {
  for (int i = 0; i < 40; ++i) {
    const double middle = (least + most) / 2;
    (rises(middle) < 0 ? least : most) = middle;
  }
  return (least + most) / 2;
}

}  // namespace

std::vector<Tone> MeasureTones(const cv::Mat& pixels, ValueRange range) {
  std::vector<Tone> tones;
  const auto total = static_cast<double>(pixels.total());
  const int colours = ColourCount(pixels.channels());
  for (int c = 0; c < colours; ++c) {
    const double weight = LumaShare(c, pixels.channels()) / total;
    const std::vector<Group> groups =
        WithDepth(pixels, [&](auto zero) { return Grouped<decltype(zero)>(pixels, c, range); });
    for (const Group& group : groups) {
      if (group.count == 0) continue;
      const auto count = static_cast<double>(group.count);
      tones.push_back({c, group.sum / count, weight * count});
    }
  }
  return tones;
}

double ExponentFor(const std::vector<Tone>& tones, double target, double least, double most) {
  std::vector<double> logs;
  for (const Tone& tone : tones) logs.push_back(tone.level > 0 ? exact::Log(tone.level) : -1e3);
  return Bisect(least, most, [&](double exponent) {
    double mean = 0;
    for (std::size_t i = 0; i < tones.size(); ++i) {
      mean += tones[i].share * exact::Exp(std::max(exponent * logs[i], -700.0));
    }
    return target - mean;
  });
}

double FactorFor(const std::vector<Tone>& tones, double target, double least, double most) {
  return Bisect(least, most, [&](double factor) {
    return MeanTone(tones, [&](int, double level) { return std::min(factor * level, 1.0); }) -
           target;
  });
}

SortedLevels::SortedLevels(const cv::Mat& pixels, int channel, ValueRange range) {
  count_ = static_cast<std::int64_t>(pixels.total());
  const int channels = pixels.channels();
  const bool colours = channels == 3 || channels == 4;
  // Channels without colour are sorted together.
  if (channel == kLuma && !colours) count_ *= channels;
  WithDepth(pixels, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      width_ = kLevels<T>;
      histogram_.resize(std::size_t{1} << (8 * sizeof(T)));
    } else {
      lo_ = range.lo;
      width_ = double{range.hi} - range.lo;
      values_.reserve(static_cast<std::size_t>(count_));
    }
    const auto keep = [&](T level) {
      if constexpr (std::is_integral_v<T>) {
        ++histogram_[level];
      } else {
        values_.push_back(level);
      }
    };
    for (int y = 0; y < pixels.rows; ++y) {
      const T* row = pixels.ptr<T>(y);
      if (channel != kLuma) {
        for (int x = 0; x < pixels.cols; ++x, row += channels) keep(row[channel]);
      } else if (colours) {
        for (int x = 0; x < pixels.cols; ++x, row += channels) {
          keep(GrayLevel<T>(row[0], row[1], row[2]));
        }
      } else {
        for (int i = 0; i < pixels.cols * channels; ++i) keep(row[i]);
      }
    }
  });
}

double SortedLevels::At(std::int64_t rank) {
  if (!values_.empty()) {
    std::nth_element(values_.begin(), values_.begin() + rank, values_.end());
    return (double{values_[static_cast<std::size_t>(rank)]} - lo_) / width_;
  }
  std::int64_t below = 0;
  std::size_t level = 0;
  while (below + histogram_[level] <= rank) below += histogram_[level++];
  return static_cast<double>(level) / width_;
}

cv::Mat WithCurve(const cv::Mat& pixels, const Lut& lut, ValueRange range) {
  cv::Mat out = pixels.clone();
  const ColourStep step = lut;
  ApplyColour(out, std::span(&step, 1), range, /*fused=*/true);
  return out;
}

}  // namespace pixloom
