// SPDX-License-Identifier: Apache-2.0
#include "ops/types/normalizing.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "ops/kernels/normalize.h"

namespace pixloom {
namespace {

constexpr std::size_t kMostChannels = 512;

// The entry for one channel of `channels`; `alpha` where the picture has one and the list does not.
double For(const std::vector<double>& list, int channel, int channels, double alpha) {
  if (channels == 1) {
    return std::accumulate(list.begin(), list.end(), 0.0) / static_cast<double>(list.size());
  }
  if (channels == 4 && channel == 3 && list.size() < 4) return alpha;
  return list[std::min(static_cast<std::size_t>(channel), list.size() - 1)];
}

}  // namespace

std::string Normalizing::Check() const {
  for (const auto* list : {&mean, &std}) {
    if (list->size() > kMostChannels) {
      return fmt::format("{} numbers for at most {} channels", list->size(), kMostChannels);
    }
  }
  return "";
}

cv::Mat Normalizing::Apply(const cv::Mat& in, ValueRange levels) const {
  const double span = double{levels.hi} - levels.lo;
  std::vector<float> scale;
  std::vector<float> offset;
  for (int c = 0; c < in.channels(); ++c) {
    const double m = For(mean, c, in.channels(), 0);
    const double s = For(std, c, in.channels(), 1);
    scale.push_back(static_cast<float>(1 / (span * s)));
    offset.push_back(static_cast<float>((-levels.lo / span - m) / s));
  }
  return ScaleChannels(in, scale, offset, layout);
}

ValueRange Normalizing::RangeFor(int channels) const {
  double low = 1e300;
  double high = -1e300;
  for (int c = 0; c < channels; ++c) {
    const double m = For(mean, c, channels, 0);
    const double s = For(std, c, channels, 1);
    low = std::min(low, (0 - m) / s);
    high = std::max(high, (1 - m) / s);
  }
  return {static_cast<float>(low), static_cast<float>(high)};
}

cv::Mat ScaleChannels(const cv::Mat& in, const std::vector<float>& scale,
                      const std::vector<float>& offset, Layout layout) {
  if (layout == Layout::kHwc) {
    cv::Mat out;
    NormalizeInterleaved(in, scale, offset, out);
    return out;
  }
  cv::Mat planes = MakePlanes(in.size(), in.channels(), CV_32F);
  NormalizeToPlanar(in, scale, offset, /*mirror=*/false, planes.ptr<float>());
  return planes;
}

}  // namespace pixloom
