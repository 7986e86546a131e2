// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/tone_kernel.h"

#include <algorithm>
#include <array>

#include "ops/kernels/colour_stats.h"
#include "ops/kernels/pixel_math.h"
#include "pipeline/error.h"

namespace pixloom {
namespace {

using Histogram = std::vector<std::uint32_t>;

constexpr double kFloatSteps = 65535;

bool HasColour(const cv::Mat& image) { return image.channels() == 3 || image.channels() == 4; }
int CurvedChannels(const cv::Mat& image) { return image.channels() == 4 ? 3 : image.channels(); }

// The type whose levels stand for those of T.
template <class T>
using LevelOf = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint8_t, std::uint16_t>;

template <class T>
constexpr std::size_t kBins = std::size_t{1} << (8 * sizeof(LevelOf<T>));

// Whole levels of a value and back.
template <class T>
class Scale {
 public:
  explicit Scale(ValueRange range) : lo_(range.lo), width_(double{range.hi} - lo_) {}

  LevelOf<T> Level(double value) const {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(value);
    } else {
      const double unit = std::clamp((value - lo_) / width_, 0.0, 1.0);
      return static_cast<std::uint16_t>(unit * kFloatSteps + 0.5);
    }
  }
  // `value` moved by `levels`.
  T Moved(T value, int levels) const {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(std::clamp(value + levels, 0, int{std::numeric_limits<T>::max()}));
    } else {
      return static_cast<T>(value + levels * (width_ / kFloatSteps));
    }
  }

 private:
  double lo_;
  double width_;
};

template <class T>
LevelOf<T> Luma(const T* rgb, const Scale<T>& scale) {
  if constexpr (std::is_integral_v<T>) {
    return GrayLevel<T>(rgb[0], rgb[1], rgb[2]);
  } else {
    return scale.Level(GrayLevel<double>(rgb[0], rgb[1], rgb[2]));
  }
}

// Calls fn(level) for every value of a channel. Four counters take turns, since a count that waits
// for the one before it is slow where neighbours are alike.
template <class Row>
Histogram Count(int rows, int pixels, std::size_t bins, Row level_of_row) {
  const std::size_t ways = bins == 256 ? 4 : 1;
  Histogram counts(ways * bins);
  for (int y = 0; y < rows; ++y) {
    const auto level = level_of_row(y);
    int x = 0;
    if (ways == 4) {
      for (; x + 4 <= pixels; x += 4) {
        ++counts[level(x)];
        ++counts[256 + level(x + 1)];
        ++counts[512 + level(x + 2)];
        ++counts[768 + level(x + 3)];
      }
    }
    for (; x < pixels; ++x) ++counts[level(x)];
  }
  for (std::size_t way = 1; way < ways; ++way) {
    for (std::size_t i = 0; i < bins; ++i) counts[i] += counts[way * bins + i];
  }
  counts.resize(bins);
  return counts;
}

template <class T>
Histogram OfChannel(const cv::Mat& image, const Scale<T>& scale, int channel) {
  const int channels = image.channels();
  return Count(image.rows, image.cols, kBins<T>, [&, channels, channel](int y) {
    return [row = image.ptr<T>(y) + channel, channels, &scale](int x) {
      return std::size_t{scale.Level(row[std::ptrdiff_t{x} * channels])};
    };
  });
}

template <class T>
Histogram OfPlane(const cv::Mat& plane) {
  return Count(plane.rows, plane.cols, std::size_t{1} << (8 * sizeof(T)), [&](int y) {
    return [row = plane.ptr<T>(y)](int x) { return std::size_t{row[x]}; };
  });
}

Histogram OfPlane(const cv::Mat& plane) {
  return plane.depth() == CV_8U ? OfPlane<std::uint8_t>(plane) : OfPlane<std::uint16_t>(plane);
}

template <class T>
cv::Mat LumaOf(const cv::Mat& image, ValueRange range) {
  using Level = LevelOf<T>;
  const Scale<T> scale(range);
  const int channels = image.channels();
  cv::Mat plane(image.size(), cv::traits::Type<Level>::value);
  for (int y = 0; y < image.rows; ++y) {
    const T* in = image.ptr<T>(y);
    auto* out = plane.ptr<Level>(y);
    for (int x = 0; x < image.cols; ++x, in += channels) out[x] = Luma(in, scale);
  }
  return plane;
}

template <class T>
cv::Mat WithTables(const cv::Mat& image, ValueRange range, const std::vector<LevelTable>& tables) {
  const Scale<T> scale(range);
  const auto channels = static_cast<std::size_t>(image.channels());
  const auto curved = static_cast<std::size_t>(CurvedChannels(image));
  cv::Mat result(image.size(), image.type());
  for (int y = 0; y < image.rows; ++y) {
    const T* in = image.ptr<T>(y);
    T* out = result.ptr<T>(y);
    for (int x = 0; x < image.cols; ++x, in += channels, out += channels) {
      for (std::size_t c = 0; c < curved; ++c) {
        const LevelTable& table = tables[c % tables.size()];
        if constexpr (std::is_integral_v<T>) {
          out[c] = static_cast<T>(table[in[c]]);
        } else {
          const int level = scale.Level(in[c]);
          out[c] = scale.Moved(in[c], table[static_cast<std::size_t>(level)] - level);
        }
      }
      for (std::size_t c = curved; c < channels; ++c) out[c] = in[c];
    }
  }
  return result;
}

// uint8: OpenCV reads one table of all channels.
cv::Mat WithByteTables(const cv::Mat& image, const std::vector<LevelTable>& tables) {
  const auto channels = static_cast<std::size_t>(image.channels());
  const auto curved = static_cast<std::size_t>(CurvedChannels(image));
  const bool shared = tables.size() == 1 && curved == channels;
  const std::size_t width = shared ? 1 : channels;
  cv::Mat all(1, 256, CV_MAKETYPE(CV_8U, static_cast<int>(width)));
  for (std::size_t i = 0; i < 256; ++i) {
    for (std::size_t c = 0; c < width; ++c) {
      all.ptr()[i * width + c] =
          static_cast<std::uint8_t>(c < curved ? tables[c % tables.size()][i] : i);
    }
  }
  cv::Mat result;
  cv::LUT(image, all, result);
  return result;
}

template <class T>
cv::Mat Tabled(const cv::Mat& image, ValueRange range, ToneBy by, const MakeTable& make) {
  std::vector<LevelTable> tables;
  if (by == ToneBy::kLumaCurve && HasColour(image)) {
    tables.push_back(make(OfPlane(LumaOf<T>(image, range))));
  } else {
    const Scale<T> scale(range);
    for (int c = 0; c < CurvedChannels(image); ++c) {
      tables.push_back(make(OfChannel<T>(image, scale, c)));
    }
  }
  if constexpr (sizeof(T) == 1) {
    return WithByteTables(image, tables);
  } else {
    return WithTables<T>(image, range, tables);
  }
}

// All three channels move as far as the luma does.
template <class T>
cv::Mat MovedByLuma(const cv::Mat& image, ValueRange range, const cv::Mat& before,
                    const cv::Mat& after) {
  using Level = LevelOf<T>;
  const Scale<T> scale(range);
  const int channels = image.channels();
  cv::Mat result(image.size(), image.type());
  for (int y = 0; y < image.rows; ++y) {
    const T* in = image.ptr<T>(y);
    T* out = result.ptr<T>(y);
    const auto* from = before.ptr<Level>(y);
    const auto* to = after.ptr<Level>(y);
    for (int x = 0; x < image.cols; ++x, in += channels, out += channels) {
      const int levels = int{to[x]} - int{from[x]};
      for (int c = 0; c < 3; ++c) out[c] = scale.Moved(in[c], levels);
      if (channels == 4) out[3] = in[3];
    }
  }
  return result;
}

template <class T>
cv::Mat Planes(const cv::Mat& image, ValueRange range, ToneBy by, const ChangePlane& change) {
  using Level = LevelOf<T>;
  if (by == ToneBy::kLuma && HasColour(image)) {
    const cv::Mat luma = LumaOf<T>(image, range);
    return MovedByLuma<T>(image, range, luma, change(luma));
  }
  const Scale<T> scale(range);
  const int channels = image.channels();
  cv::Mat result = image.clone();
  cv::Mat plane(image.size(), cv::traits::Type<Level>::value);
  for (int c = 0; c < CurvedChannels(image); ++c) {
    for (int y = 0; y < image.rows; ++y) {
      const T* in = image.ptr<T>(y) + c;
      auto* out = plane.ptr<Level>(y);
      for (int x = 0; x < image.cols; ++x, in += channels) out[x] = scale.Level(*in);
    }
    const cv::Mat changed = change(plane);
    for (int y = 0; y < image.rows; ++y) {
      const auto* from = plane.ptr<Level>(y);
      const auto* to = changed.ptr<Level>(y);
      T* out = result.ptr<T>(y) + c;
      for (int x = 0; x < image.cols; ++x, out += channels) {
        *out = scale.Moved(*out, int{to[x]} - int{from[x]});
      }
    }
  }
  return result;
}

cv::Mat OnPlane(const cv::Mat& plane, const MakeTable& make) {
  const std::vector<LevelTable> tables{make(OfPlane(plane))};
  return plane.depth() == CV_8U ? WithByteTables(plane, tables)
                                : WithTables<std::uint16_t>(plane, {}, tables);
}

}  // namespace

cv::Mat LumaPlane(const cv::Mat& image, ValueRange range) {
  PIXLOOM_CHECK(HasColour(image), "luma needs three channels");
  return WithDepth(image, [&](auto zero) { return LumaOf<decltype(zero)>(image, range); });
}

cv::Mat ThroughTables(const cv::Mat& image, ValueRange range, ToneBy by, const MakeTable& make) {
  if (by == ToneBy::kLuma && HasColour(image)) {
    return ThroughPlanes(image, range, by,
                         [&](const cv::Mat& plane) { return OnPlane(plane, make); });
  }
  return WithDepth(image, [&](auto zero) {  //
    return Tabled<decltype(zero)>(image, range, by, make);
  });
}

cv::Mat ThroughPlanes(const cv::Mat& image, ValueRange range, ToneBy by,
                      const ChangePlane& change) {
  PIXLOOM_CHECK(by != ToneBy::kLumaCurve, "a plane has no curve for other planes");
  return WithDepth(image, [&](auto zero) {  //
    return Planes<decltype(zero)>(image, range, by, change);
  });
}

}  // namespace pixloom
