// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/filter_2d.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <numeric>
#include <type_traits>
#include <utility>

#include "ops/kernels/filter_rows.h"
#include "ops/kernels/pixel_math.h"

namespace pixloom {
namespace {

// Shorter runs are cheaper tap by tap.
constexpr int kShortestRun = 4;

// One weight for 2^level neighbours in a row.
struct Tap {
  int row = 0;
  int level = 0;
  std::ptrdiff_t column = 0;  // of the first, in values from the left end of the kernel
  float weight = 0;
};

std::vector<Tap> PlanTaps(const Kernel2d& kernel, int channels) {
  std::vector<Tap> taps;
  for (int y = 0; y < kernel.height; ++y) {
    const auto weight = [&](int x) {
      return static_cast<float>(kernel.weights[static_cast<std::size_t>(y * kernel.width + x)]);
    };
    for (int x = 0; x < kernel.width;) {
      const float w = weight(x);
      int run = 1;
      while (x + run < kernel.width && weight(x + run) == w) ++run;
      const int end = x + run;
      while (x < end && w != 0) {
        const int left = end - x;
        const int level = run < kShortestRun ? 0 : std::bit_width(static_cast<unsigned>(left)) - 1;
        taps.push_back({y, level, std::ptrdiff_t{x} * channels, w});
        x += 1 << level;
      }
      x = end;
    }
  }
  return taps;
}

// The last rows as floats with what lies beside them, each once, in a ring; and of each the sums of
// 2, 4, 8, ... neighbours.
template <class T>
class WideRows {
 public:
  WideRows(const cv::Mat& image, int radius, int ring, int levels)
      : image_(image),
        channels_(static_cast<std::size_t>(image.channels())),
        values_(static_cast<std::size_t>(image.cols) * channels_),
        margin_(static_cast<std::size_t>(radius) * channels_),
        wide_(values_ + 2 * margin_),
        levels_(static_cast<std::size_t>(levels)),
        buffer_(static_cast<std::size_t>(ring) * (levels_ + 1) * wide_),
        held_(static_cast<std::size_t>(ring), -1) {
    for (int i = 1; i <= radius; ++i) {
      left_.push_back(BorderIndex(-i, image.cols, Border::kReflect101));
      right_.push_back(BorderIndex(image.cols - 1 + i, image.cols, Border::kReflect101));
    }
  }

  std::size_t Values() const { return values_; }

  const float* Row(int y, int level) {
    const std::size_t slot = static_cast<std::size_t>(y) % held_.size();
    float* row = buffer_.data() + slot * (levels_ + 1) * wide_;
    if (held_[slot] != y) {
      held_[slot] = y;
      Fill(image_.ptr<T>(y), row);
    }
    return row + static_cast<std::size_t>(level) * wide_;
  }

 private:
  void Fill(const T* in, float* row) const {
    float* picture = row + margin_;
    if constexpr (std::is_same_v<T, float>) {
      std::copy_n(in, values_, picture);
    } else {
      ToFloat(in, picture, values_);
    }
    const auto channels = static_cast<std::ptrdiff_t>(channels_);
    float* before = picture;
    float* after = picture + values_;
    for (std::size_t i = 0; i < left_.size(); ++i) {
      before -= channels;
      for (std::ptrdiff_t c = 0; c < channels; ++c) {
        before[c] = picture[left_[i] * channels + c];
        *after++ = picture[right_[i] * channels + c];
      }
    }
    constexpr float kOnes[2] = {1, 1};
    for (std::size_t level = 1; level <= levels_; ++level) {
      const std::size_t shift = channels_ << (level - 1);
      const std::size_t reach = 2 * shift - channels_;  // values that a sum looks ahead
      const float* pair[2] = {row, row + shift};
      row += wide_;
      if (reach < wide_) WeighRows(pair, kOnes, 2, row, wide_ - reach);
    }
  }

  const cv::Mat& image_;
  std::size_t channels_;
  std::size_t values_;
  std::size_t margin_;
  std::size_t wide_;
  std::size_t levels_;
  std::vector<float> buffer_;
  std::vector<int> held_;
  std::vector<int> left_;  // pixel that stands for the first, second, ... one outside
  std::vector<int> right_;
};

template <class In, class Out>
void Correlate(const cv::Mat& image, const Kernel2d& kernel, float offset, cv::Mat& out) {
  const std::vector<Tap> taps = PlanTaps(kernel, image.channels());
  int levels = 0;
  for (const Tap& tap : taps) levels = std::max(levels, tap.level);
  WideRows<In> rows(image, kernel.width / 2, std::min(kernel.height, image.rows), levels);
  std::vector<const float*> seen(taps.size());
  std::vector<float> weights;
  for (const Tap& tap : taps) weights.push_back(tap.weight);
  // The offset is the weight of a row of ones.
  const std::vector<float> ones(offset != 0 || taps.empty() ? rows.Values() : 0, 1.0F);
  if (!ones.empty()) {
    weights.push_back(offset);
    seen.push_back(ones.data());
  }
  for (int y = 0; y < image.rows; ++y) {
    for (std::size_t i = 0; i < taps.size(); ++i) {
      const int from = BorderIndex(y - kernel.height / 2 + taps[i].row, image.rows,  //
                                   Border::kReflect101);
      seen[i] = rows.Row(from, taps[i].level) + taps[i].column;
    }
    WeighRows(seen.data(), weights.data(), static_cast<int>(weights.size()), out.ptr<Out>(y),
              rows.Values());
  }
}

}  // namespace

Kernel2d::Kernel2d(int w, int h) : Kernel2d(w, h, {}) {}

Kernel2d::Kernel2d(int w, int h, std::vector<double> values)
    : width(w), height(h), weights(std::move(values)) {
  PIXLOOM_CHECK(w % 2 == 1 && h % 2 == 1, "a kernel has a middle");
  weights.resize(static_cast<std::size_t>(w) * static_cast<std::size_t>(h));
}

double& Kernel2d::At(int x, int y) {
  return weights[static_cast<std::size_t>((y + height / 2) * width + x + width / 2)];
}

double Kernel2d::Sum() const { return std::accumulate(weights.begin(), weights.end(), 0.0); }

Kernel2d Kernel2d::Normalised() const {
  Kernel2d kernel = *this;
  const double sum = Sum();
  PIXLOOM_CHECK(sum != 0, "weights that cancel cannot sum to 1");
  for (double& weight : kernel.weights) weight /= sum;
  return kernel;
}

cv::Mat Filter2d(const cv::Mat& image, const Kernel2d& kernel, double offset, int depth) {
  if (image.empty()) return image;
  cv::Mat out(image.size(), CV_MAKETYPE(depth < 0 ? image.depth() : depth, image.channels()));
  WithDepth(image, [&](auto in) {
    WithDepth(out, [&](auto made) {
      Correlate<decltype(in), decltype(made)>(image, kernel, static_cast<float>(offset), out);
    });
  });
  return out;
}

cv::Mat FilterUnit(const cv::Mat& image, const Kernel2d& kernel, double bias, ValueRange range) {
  const double black = image.depth() == CV_32F ? range.lo : 0;
  return Filter2d(image, kernel, black * (1 - kernel.Sum()) + bias * FullScale(image, range));
}

double FullScale(const cv::Mat& image, ValueRange range) {
  if (image.depth() == CV_32F) return static_cast<double>(range.hi) - range.lo;
  return image.depth() == CV_8U ? kLevels<std::uint8_t> : kLevels<std::uint16_t>;
}

}  // namespace pixloom
