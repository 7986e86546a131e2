// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/colour_stats.h"

#include <algorithm>

#include "ops/kernels/colour_rows.h"
#include "ops/kernels/pixel_math.h"

namespace pixloom {

template <class T>
StatsMeter<T>::StatsMeter(StatsKind kind, int channels, ValueRange range)
    : kind_(kind), channels_(channels), range_(range) {
  if (kind == StatsKind::kHistogram) {
    if constexpr (std::is_integral_v<T>) {
      histogram_.resize(static_cast<std::size_t>(channels) * (std::size_t{1} << (8 * sizeof(T))));
    } else {
      PIXLOOM_CHECK(false, "histograms are defined for integer images");
    }
  }
}

template <class T>
void StatsMeter<T>::Add(const T* row, int pixels) {
  switch (kind_) {
    case StatsKind::kNone:
      return;
    case StatsKind::kGrayMean:
      AddGray(row, pixels);
      break;
    case StatsKind::kChannelMean:
      AddMeans(row, pixels);
      break;
    case StatsKind::kHistogram:
      AddHistogram(row, pixels);
      break;
  }
  pixels_ += pixels;
}

template <class T>
void StatsMeter<T>::AddGray(const T* row, int pixels) {
  Sum sum = 0;
  if (channels_ != 3 && channels_ != 4) {
    // Channels without colour count alike.
    for (int i = 0; i < pixels * channels_; ++i) sum += row[i];
  } else if constexpr (sizeof(T) == 1) {
    sum += SumGray(row, static_cast<std::size_t>(pixels), channels_);
  } else if constexpr (std::is_integral_v<T>) {
    for (int i = 0; i < pixels; ++i, row += channels_) sum += GrayLevel<T>(row[0], row[1], row[2]);
  } else {
    for (int i = 0; i < pixels; ++i, row += channels_) {
      sum += GrayLevel<double>(row[0], row[1], row[2]);
    }
  }
  sums_[0] += sum;
}

template <class T>
void StatsMeter<T>::AddMeans(const T* row, int pixels) {
  for (int c = 0; c < std::min(channels_, 4); ++c) {
    Sum sum = 0;
    for (int i = 0; i < pixels; ++i) sum += row[i * channels_ + c];
    sums_[static_cast<std::size_t>(c)] += sum;
  }
}

template <class T>
void StatsMeter<T>::AddHistogram(const T* row, int pixels) {
  if constexpr (std::is_integral_v<T>) {
    constexpr std::size_t kBins = std::size_t{1} << (8 * sizeof(T));
    for (int i = 0; i < pixels; ++i, row += channels_) {
      for (int c = 0; c < channels_; ++c) {
        ++histogram_[static_cast<std::size_t>(c) * kBins + row[c]];
      }
    }
  }
}

template <class T>
double StatsMeter<T>::Unit(double sum) const {
  const double mean = sum / static_cast<double>(std::max<std::int64_t>(pixels_, 1));
  if constexpr (std::is_integral_v<T>) {
    return mean / kLevels<T>;
  } else {
    return (mean - double{range_.lo}) / (double{range_.hi} - double{range_.lo});
  }
}

template <class T>
Stats StatsMeter<T>::Finish() const {
  Stats stats;
  if (kind_ == StatsKind::kGrayMean) {
    const int summed = channels_ == 3 || channels_ == 4 ? 1 : channels_;
    stats.gray_mean = Unit(static_cast<double>(sums_[0]) / summed);
  }
  if (kind_ == StatsKind::kChannelMean) {
    for (std::size_t c = 0; c < sums_.size(); ++c) {
      if (static_cast<int>(c) < channels_) stats.mean[c] = Unit(static_cast<double>(sums_[c]));
    }
  }
  stats.histogram = histogram_;
  return stats;
}

template class StatsMeter<std::uint8_t>;
template class StatsMeter<std::uint16_t>;
template class StatsMeter<float>;

}  // namespace pixloom
