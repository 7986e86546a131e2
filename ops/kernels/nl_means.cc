// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/nl_means.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "ops/kernels/filter_rows.h"
#include "ops/kernels/pixel_math.h"

namespace pixloom {
namespace {

// Rows whose patches are compared before the next offset is taken: planes and sums of a band stay
// in the second-level cache.
constexpr int kBandRows = 48;

// e^-z for z >= 0 to about 2e-7, from operations that vectorise; NaN gives the least weight.
inline float ExpOfMinus(float z) {
  const float t = (z < 80.0F ? z : 80.0F) * 1.44269504F;
  const auto whole = static_cast<std::int32_t>(t + 0.5F);
  const float part = t - static_cast<float>(whole);
  float power = 0.000154035304F;  // 2^-part
  power = power * part - 0.00133335581F;
  power = power * part + 0.00961812911F;
  power = power * part - 0.0555041087F;
  power = power * part + 0.240226507F;
  power = power * part - 0.693147181F;
  power = power * part + 1.0F;
  return power * std::bit_cast<float>((127 - whole) << 23);
}

cv::Mat Mirrored(const cv::Mat& plane, int margin) {
  cv::Mat wide(plane.rows + 2 * margin, plane.cols + 2 * margin, CV_32FC1);
  std::vector<int> columns;
  for (int x = -margin; x < plane.cols + margin; ++x) {
    columns.push_back(BorderIndex(x, plane.cols, Border::kReflect101));
  }
  for (int y = 0; y < wide.rows; ++y) {
    const float* from = plane.ptr<float>(BorderIndex(y - margin, plane.rows, Border::kReflect101));
    float* to = wide.ptr<float>(y);
    for (std::size_t x = 0; x < columns.size(); ++x) to[x] = from[columns[x]];
  }
  return wide;
}

class Filter {
 public:
  Filter(const std::vector<cv::Mat>& planes, const NlMeansRule& rule)
      : size_(planes[0].size()),
        patch_(rule.patch),
        reach_(rule.search / 2),
        margin_(reach_ + rule.patch / 2),
        ones_(static_cast<std::size_t>(rule.patch), 1.0F),
        total_(cv::Mat::ones(size_, CV_32FC1)) {
    for (const cv::Mat& plane : planes) {
      wide_.push_back(Mirrored(plane, margin_));
      sums_.push_back(plane.clone());  // a pixel is as like itself as can be
    }
    const double deviation = rule.deviation * rule.full;
    const double h = 0.8 * deviation;
    const double values = double{1} * patch_ * patch_ * static_cast<double>(planes.size());
    scale_ = static_cast<float>(1 / (values * h * h));
    tolerated_ = static_cast<float>(2 * deviation * deviation / (h * h));
    const auto longest = static_cast<std::size_t>(size_.width + reach_ + patch_);
    ring_.assign(static_cast<std::size_t>(patch_), std::vector<float>(longest));
    column_.resize(longest);
    weights_.resize(longest);
  }

  std::vector<cv::Mat> Run() {
    for (int first = -reach_; first < size_.height; first += kBandRows) {
      for (int dy = 0; dy <= reach_; ++dy) {
        // Of each pair of opposite offsets one: weights go both ways.
        for (int dx = dy == 0 ? 1 : -reach_; dx <= reach_; ++dx) Compare(first, dx, dy);
      }
    }
    for (cv::Mat& sum : sums_) {
      for (int y = 0; y < sum.rows; ++y) {
        const float* by = total_.ptr<float>(y);
        float* row = sum.ptr<float>(y);
        for (int x = 0; x < sum.cols; ++x) row[x] /= by[x];
      }
    }
    return sums_;
  }

 private:
  // Pixel x of row y of a plane that goes on outside the picture.
  const float* At(const cv::Mat& wide, int x, int y) const {
    return wide.ptr<float>(y + margin_) + x + margin_;
  }

  // Pixels p of a band of rows with p + (dx, dy), where either of the two lies in the picture.
  void Compare(int first, int dx, int dy) {
    const int from = std::max(first, -dy);
    const int to = std::min(first + kBandRows, size_.height);
    if (from >= to) return;
    const int left = std::min(0, -dx);
    const int count = std::max(size_.width, size_.width - dx) - left;
    const int radius = patch_ / 2;
    for (int y = from - radius; y < from + radius; ++y) Differences(y, left, count, dx, dy);
    for (int y = from; y < to; ++y) {
      Differences(y + radius, left, count, dx, dy);
      Weights(static_cast<std::size_t>(count));
      if (y >= 0) Add(y, dx, dy, weights_.data() - left);
      if (y + dy < size_.height) Add(y + dy, -dx, -dy, weights_.data() - left - dx);
    }
  }

  // Squared differences of row y, as far to both sides as a patch asks for.
  void Differences(int y, int left, int count, int dx, int dy) {
    const int radius = patch_ / 2;
    float* row = ring_[static_cast<std::size_t>((y + margin_) % patch_)].data();
    const int wide = count + 2 * radius;
    for (std::size_t c = 0; c < wide_.size(); ++c) {
      const float* a = At(wide_[c], left - radius, y);
      const float* b = At(wide_[c], left - radius + dx, y + dy);
      if (c == 0) {
        for (int i = 0; i < wide; ++i) row[i] = (a[i] - b[i]) * (a[i] - b[i]);
      } else {
        for (int i = 0; i < wide; ++i) row[i] += (a[i] - b[i]) * (a[i] - b[i]);
      }
    }
  }

  void Weights(std::size_t count) {
    rows_.clear();
    for (const auto& row : ring_) rows_.push_back(row.data());
    const std::size_t wide = count + static_cast<std::size_t>(patch_) - 1;
    WeighRows(rows_.data(), ones_.data(), patch_, column_.data(), wide);
    rows_.clear();
    for (int i = 0; i < patch_; ++i) rows_.push_back(column_.data() + i);
    WeighRows(rows_.data(), ones_.data(), patch_, weights_.data(), count);
    float* weights = weights_.data();
    for (std::size_t i = 0; i < count; ++i) {
      const float beyond = weights[i] * scale_ - tolerated_;
      weights[i] = ExpOfMinus(beyond > 0.0F ? beyond : 0.0F);
    }
  }

  // Adds the neighbours at (dx, dy) to row y.
  void Add(int y, int dx, int dy, const float* weights) {
    for (std::size_t c = 0; c < wide_.size(); ++c) {
      const float* other = At(wide_[c], dx, y + dy);
      float* sum = sums_[c].ptr<float>(y);
      for (int x = 0; x < size_.width; ++x) sum[x] += weights[x] * other[x];
    }
    float* total = total_.ptr<float>(y);
    for (int x = 0; x < size_.width; ++x) total[x] += weights[x];
  }

  cv::Size size_;
  int patch_;
  int reach_;
  int margin_;
  float scale_ = 0;
  float tolerated_ = 0;
  std::vector<float> ones_;
  std::vector<cv::Mat> wide_;
  std::vector<cv::Mat> sums_;
  cv::Mat total_;
  std::vector<std::vector<float>> ring_;
  std::vector<float> column_;
  std::vector<float> weights_;
  std::vector<const float*> rows_;
};

}  // namespace

std::vector<cv::Mat> NlMeans(const std::vector<cv::Mat>& planes, const NlMeansRule& rule) {
  PIXLOOM_CHECK(rule.deviation > 0, "noise that is nought is not denoised");
  return Filter(planes, rule).Run();
}

}  // namespace pixloom
