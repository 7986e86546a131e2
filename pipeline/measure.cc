// SPDX-License-Identifier: Apache-2.0
#include "pipeline/measure.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "pipeline/error.h"
#include "pipeline/exact_math.h"

namespace pixloom {

namespace {

constexpr int kSteps = 65535;  // that a float picture is measured in

std::size_t Count(int n) { return static_cast<std::size_t>(n); }

// Calls fn(T{}) with the type of the levels.
template <class Fn>
decltype(auto) WithLevels(const cv::Mat& levels, Fn&& fn) {
  if (levels.depth() == CV_8U) return fn(std::uint8_t{});
  return fn(std::uint16_t{});
}

cv::Mat Quantized(const cv::Mat& pixels, ValueRange range) {
  cv::Mat levels(pixels.rows, pixels.cols, CV_MAKETYPE(CV_16U, pixels.channels()));
  const double scale = kSteps / (static_cast<double>(range.hi) - range.lo);
  for (int y = 0; y < pixels.rows; ++y) {
    const auto* in = pixels.ptr<float>(y);
    auto* out = levels.ptr<std::uint16_t>(y);
    for (int i = 0; i < pixels.cols * pixels.channels(); ++i) {
      double level = (in[i] - static_cast<double>(range.lo)) * scale;
      level = level > 0 ? level : 0;  // NaN, too
      level = level < kSteps ? level : kSteps;
      out[i] = static_cast<std::uint16_t>(static_cast<int>(level + 0.5));
    }
  }
  return levels;
}

template <class T>
void LumaRow(const T* in, T* out, int pixels, int channels) {
  if (channels == 3 || channels == 4) {
    for (int x = 0; x < pixels; ++x, in += channels) {
      out[x] = static_cast<T>((299U * in[0] + 587U * in[1] + 114U * in[2] + 500U) / 1000U);
    }
    return;
  }
  const auto n = static_cast<std::uint32_t>(channels);
  for (int x = 0; x < pixels; ++x, in += channels) {
    std::uint32_t sum = 0;
    for (int c = 0; c < channels; ++c) sum += in[c];
    out[x] = static_cast<T>((sum + n / 2) / n);
  }
}

// Rows that a stencil reads around row `y`: dcb|abcd|cba.
int Reflected101(int i, int n) {
  if (n == 1) return 0;
  if (i < 0) return -i;
  return i < n ? i : 2 * n - 2 - i;
}

// dcba|abcd|dcba, any distance outside.
int Reflected(int i, int n) {
  const int period = 2 * n;
  i = (i % period + period) % period;
  return i < n ? i : period - 1 - i;
}

// Sums of whole rows are integers below 2^53; they are added up top to bottom.
template <class T>
double VarianceOfLaplacian(const cv::Mat& luma) {
  const int w = luma.cols;
  double sum = 0;
  double squares = 0;
  for (int y = 0; y < luma.rows; ++y) {
    const T* up = luma.ptr<T>(Reflected101(y - 1, luma.rows));
    const T* mid = luma.ptr<T>(y);
    const T* down = luma.ptr<T>(Reflected101(y + 1, luma.rows));
    std::int64_t row_sum = 0;
    std::uint64_t row_squares = 0;
    const auto add = [&](std::int32_t value) {
      row_sum += value;
      row_squares += static_cast<std::uint64_t>(std::int64_t{value} * value);
    };
    const auto at = [&](int x, int left, int right) {
      return up[x] + down[x] + mid[left] + mid[right] - 4 * mid[x];
    };
    add(at(0, Reflected101(-1, w), Reflected101(1, w)));
    for (int x = 1; x + 1 < w; ++x) add(at(x, x - 1, x + 1));
    if (w > 1) add(at(w - 1, w - 2, Reflected101(w, w)));
    sum += static_cast<double>(row_sum);
    squares += static_cast<double>(row_squares);
  }
  const double n = static_cast<double>(luma.total());
  return std::max(0.0, squares / n - (sum / n) * (sum / n));
}

// Edges as Sobel's operator sees them, and the part of them that is left when the picture is
// blurred by a mean over 11 pixels first; both times 11.
struct Edges {
  std::uint64_t all = 0;
  std::uint64_t lost = 0;

  void Add(std::int32_t sharp, std::int32_t blurred) {
    const std::int32_t edge = 11 * std::abs(sharp);
    all += static_cast<std::uint32_t>(edge);
    lost += static_cast<std::uint32_t>(std::max(0, edge - std::abs(blurred)));
  }
  double Blur() const {
    return all == 0 ? 1 : static_cast<double>(all - lost) / static_cast<double>(all);
  }
};

constexpr int kReach = 6;  // of a difference of means over 11 pixels

// Across: rows are weighted 1 2 1 first. The difference of two means over 11 pixels that lie two
// apart is four of their pixels.
template <class T>
Edges EdgesAcross(const cv::Mat& luma) {
  const int w = luma.cols;
  std::vector<std::int32_t> row(Count(w) + 2 * kReach);
  std::int32_t* v = row.data() + kReach;
  Edges edges;
  for (int y = 2; y + 1 < luma.rows; ++y) {
    const T* up = luma.ptr<T>(y - 1);
    const T* mid = luma.ptr<T>(y);
    const T* down = luma.ptr<T>(y + 1);
    for (int x = 0; x < w; ++x) v[x] = up[x] + 2 * mid[x] + down[x];
    for (int i = 1; i <= kReach; ++i) {
      v[-i] = v[Reflected(-i, w)];
      v[w - 1 + i] = v[Reflected(w - 1 + i, w)];
    }
    for (int x = 2; x + 1 < w; ++x) {
      edges.Add(v[x + 1] - v[x - 1], v[x + 6] + v[x + 5] - v[x - 5] - v[x - 6]);
    }
  }
  return edges;
}

template <class T>
Edges EdgesDown(const cv::Mat& luma) {
  const int w = luma.cols;
  std::vector<std::int32_t> sharp(Count(w));
  std::vector<std::int32_t> blurred(Count(w));
  Edges edges;
  for (int y = 2; y + 1 < luma.rows; ++y) {
    const auto line = [&](int offset) { return luma.ptr<T>(Reflected(y + offset, luma.rows)); };
    const T *up = line(-1), *down = line(1);
    const T *a = line(6), *b = line(5), *c = line(-5), *d = line(-6);
    for (int x = 0; x < w; ++x) {
      sharp[Count(x)] = down[x] - up[x];
      blurred[Count(x)] = a[x] + b[x] - c[x] - d[x];
    }
    const std::int32_t* s = sharp.data();
    const std::int32_t* m = blurred.data();
    for (int x = 2; x + 1 < w; ++x) {
      edges.Add(s[x - 1] + 2 * s[x] + s[x + 1], m[x - 1] + 2 * m[x] + m[x + 1]);
    }
  }
  return edges;
}

// Sum of |mask| over the colour channels of all inner pixels, mask = [1 -2 1]' [1 -2 1].
template <class T>
double SumOfNoiseMask(const cv::Mat& levels, int colours) {
  const int channels = levels.channels();
  const int values = levels.cols * channels;
  std::vector<std::int32_t> row(Count(values));
  double sum = 0;
  for (int y = 1; y + 1 < levels.rows; ++y) {
    const T* up = levels.ptr<T>(y - 1);
    const T* mid = levels.ptr<T>(y);
    const T* down = levels.ptr<T>(y + 1);
    std::int32_t* v = row.data();
    for (int i = 0; i < values; ++i) v[i] = up[i] - 2 * mid[i] + down[i];
    const auto mask = [&](int i) {
      return static_cast<std::uint32_t>(std::abs(v[i - channels] - 2 * v[i] + v[i + channels]));
    };
    std::uint64_t row_sum = 0;
    for (int i = channels; i < values - channels; ++i) row_sum += mask(i);
    for (int i = channels + colours; colours < channels && i < values - channels; i += channels) {
      row_sum -= mask(i);  // alpha
    }
    sum += static_cast<double>(row_sum);
  }
  return sum;
}

// Sum of (max - min) / max. Differences are gathered by their divisor, which keeps them integers.
template <class T>
double SumOfSaturation(const cv::Mat& levels) {
  const int channels = levels.channels();
  std::vector<std::uint64_t> by_value(std::size_t{1} << (8 * sizeof(T)));
  for (int y = 0; y < levels.rows; ++y) {
    const T* in = levels.ptr<T>(y);
    for (int x = 0; x < levels.cols; ++x, in += channels) {
      const T high = std::max({in[0], in[1], in[2]});
      const T low = std::min({in[0], in[1], in[2]});
      by_value[high] += static_cast<std::uint64_t>(high - low);
    }
  }
  double sum = 0;
  for (std::size_t v = 1; v < by_value.size(); ++v) {
    sum += static_cast<double>(by_value[v]) / static_cast<double>(v);
  }
  return sum;
}

template <class T>
std::vector<std::uint32_t> HistogramOf(const cv::Mat& luma) {
  constexpr std::size_t kBins = std::size_t{1} << (8 * sizeof(T));
  // Two counters per level: neighbours are often equal and would wait for each other.
  std::vector<std::uint32_t> counts(2 * kBins);
  std::uint32_t* even = counts.data();
  std::uint32_t* odd = even + kBins;
  for (int y = 0; y < luma.rows; ++y) {
    const T* in = luma.ptr<T>(y);
    int x = 0;
    for (; x + 1 < luma.cols; x += 2) {
      ++even[in[x]];
      ++odd[in[x + 1]];
    }
    if (x < luma.cols) ++even[in[x]];
  }
  for (std::size_t i = 0; i < kBins; ++i) even[i] += odd[i];
  counts.resize(kBins);
  return counts;
}

}  // namespace

Measurements::Measurements(const cv::Mat& pixels, ValueRange range) {
  PIXLOOM_CHECK(pixels.dims == 2 && !pixels.empty(), "measured pixels are HWC");
  levels_ = pixels.depth() == CV_32F ? Quantized(pixels, range) : pixels;
  full_ = levels_.depth() == CV_8U ? 255 : kSteps;
  pixels_ = static_cast<double>(levels_.total());
}

const cv::Mat& Measurements::Luma() {
  if (!luma_.empty()) return luma_;
  const int channels = levels_.channels();
  if (channels == 1) {
    luma_ = levels_;
    return luma_;
  }
  luma_.create(levels_.rows, levels_.cols, levels_.depth());
  WithLevels(levels_, [&](auto t) {
    using T = decltype(t);
    for (int y = 0; y < levels_.rows; ++y) {
      LumaRow(levels_.ptr<T>(y), luma_.ptr<T>(y), levels_.cols, channels);
    }
  });
  return luma_;
}

const std::vector<std::uint32_t>& Measurements::Histogram() {
  if (histogram_.empty()) {
    histogram_ = WithLevels(Luma(), [&](auto t) { return HistogramOf<decltype(t)>(luma_); });
  }
  return histogram_;
}

double Measurements::Brightness() {
  if (brightness_) return *brightness_;
  std::uint64_t sum = 0;
  const auto& histogram = Histogram();
  for (std::size_t i = 0; i < histogram.size(); ++i) sum += i * histogram[i];
  brightness_ = static_cast<double>(sum) / pixels_ / full_;
  return *brightness_;
}

double Measurements::Contrast() {
  if (contrast_) return *contrast_;
  const double mean = Brightness() * full_;
  double sum = 0;
  const auto& histogram = Histogram();
  for (std::size_t i = 0; i < histogram.size(); ++i) {
    const double off = static_cast<double>(i) - mean;
    sum += histogram[i] * (off * off);
  }
  contrast_ = std::sqrt(sum / pixels_) / full_;
  return *contrast_;
}

double Measurements::Quantile(double share) {
  const auto& histogram = Histogram();
  const double rank = std::clamp(std::ceil(share * pixels_), 1.0, pixels_);
  double seen = 0;
  for (std::size_t i = 0; i < histogram.size(); ++i) {
    seen += histogram[i];
    if (seen >= rank) return LevelOf(i);
  }
  return 1;
}

double Measurements::Darker(double level) {
  const auto& histogram = Histogram();
  double count = 0;
  for (std::size_t i = 0; i < histogram.size() && LevelOf(i) < level; ++i) count += histogram[i];
  return count / pixels_;
}

double Measurements::Brighter(double level) {
  const auto& histogram = Histogram();
  double count = 0;
  for (std::size_t i = histogram.size(); i-- > 0 && LevelOf(i) > level;) count += histogram[i];
  return count / pixels_;
}

double Measurements::Entropy() {
  if (entropy_) return *entropy_;
  const auto& histogram = Histogram();
  const std::size_t per_bin = histogram.size() / 256;
  double bits = 0;
  for (std::size_t bin = 0; bin < 256; ++bin) {
    double count = 0;
    for (std::size_t i = 0; i < per_bin; ++i) count += histogram[bin * per_bin + i];
    if (count == 0) continue;
    const double share = count / pixels_;
    bits -= share * exact::Log(share);
  }
  entropy_ = std::max(0.0, bits / exact::Log(2));
  return *entropy_;
}

double Measurements::Sharpness() {
  if (!sharpness_) {
    const double variance =
        WithLevels(Luma(), [&](auto t) { return VarianceOfLaplacian<decltype(t)>(luma_); });
    sharpness_ = variance / (full_ * full_);
  }
  return *sharpness_;
}

double Measurements::Blur() {
  if (!blur_) {
    blur_ = WithLevels(Luma(), [&](auto t) {
      using T = decltype(t);
      const Edges across = EdgesAcross<T>(luma_);
      const Edges down = EdgesDown<T>(luma_);
      // A picture of bars has edges one way only; the other way says nothing.
      if (across.all == 0) return down.Blur();
      if (down.all == 0) return across.Blur();
      return std::max(across.Blur(), down.Blur());
    });
  }
  return *blur_;
}

double Measurements::Noise() {
  if (noise_) return *noise_;
  if (levels_.rows < 3 || levels_.cols < 3) return noise_.emplace(0);
  const int colours = levels_.channels() == 4 ? 3 : levels_.channels();
  const double sum =
      WithLevels(levels_, [&](auto t) { return SumOfNoiseMask<decltype(t)>(levels_, colours); });
  const double inner = static_cast<double>(levels_.rows - 2) * (levels_.cols - 2) * colours;
  constexpr double kMeanToDeviation = 1.2533141373155003;  // sqrt(pi / 2)
  constexpr double kGain = 6;                              // root of the mask's sum of squares
  return noise_.emplace(kMeanToDeviation * sum / (kGain * inner) / full_);
}

double Measurements::Saturation() {
  if (saturation_) return *saturation_;
  const int channels = levels_.channels();
  if (channels != 3 && channels != 4) return saturation_.emplace(0);
  const double sum =
      WithLevels(levels_, [&](auto t) { return SumOfSaturation<decltype(t)>(levels_); });
  return saturation_.emplace(sum / pixels_);
}

}  // namespace pixloom
