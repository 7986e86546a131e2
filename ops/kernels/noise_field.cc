// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/noise_field.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "ops/kernels/blur_kernel.h"
#include "ops/kernels/filter_rows.h"
#include "ops/kernels/noise_kernel.h"
#include "ops/kernels/pixel_math.h"

namespace pixloom {
namespace {

constexpr Border kEdge = Border::kReflect101;

// Correlates rows of two-channel floats with weights, one row after the other.
class Across {
 public:
  Across(const cv::Mat& noise, const std::vector<float>& weights)
      : noise_(noise),
        weights_(weights),
        radius_(static_cast<int>(weights.size() / 2)),
        wide_(static_cast<std::size_t>(noise.cols + 2 * radius_)),
        shifted_(weights.size()) {
    for (std::size_t k = 0; k < shifted_.size(); ++k) shifted_[k] = wide_[k].val;
  }

  void Row(int y, float* out) {
    const auto* row = noise_.ptr<cv::Vec2f>(y);
    const int columns = noise_.cols;
    std::copy_n(row, columns, wide_.begin() + radius_);
    for (int i = 1; i <= radius_; ++i) {
      wide_[static_cast<std::size_t>(radius_ - i)] = row[BorderIndex(-i, columns, kEdge)];
      wide_[static_cast<std::size_t>(radius_ + columns - 1 + i)] =
          row[BorderIndex(columns - 1 + i, columns, kEdge)];
    }
    WeighMirroredRows(shifted_.data(), weights_.data(), static_cast<int>(weights_.size()), out,
                      2 * static_cast<std::size_t>(columns));
  }

 private:
  const cv::Mat& noise_;
  const std::vector<float>& weights_;
  int radius_;
  std::vector<cv::Vec2f> wide_;
  std::vector<const float*> shifted_;
};

// Smooths across, then down. Rows between the two are kept only as long as they are read: that is
// what fits into the cache.
cv::Mat Smooth(const cv::Mat& noise, const std::vector<float>& across,
               const std::vector<float>& down) {
  const int taps = static_cast<int>(down.size());
  const int radius = taps / 2;
  const auto count = 2 * static_cast<std::size_t>(noise.cols);
  // A mirrored row below the edge lies at most a radius above it, so the ring has it still.
  cv::Mat ring(std::min(noise.rows, taps + kRowsTogether), noise.cols, CV_32FC2);
  std::vector<const float*> inputs(down.size() + kRowsTogether - 1);
  std::vector<float> spare(count);  // results below the picture
  Across rows(noise, across);
  cv::Mat out(noise.size(), noise.type());
  int ready = 0;
  for (int y = 0; y < noise.rows; y += kRowsTogether) {
    for (; ready < std::min(noise.rows, y + radius + kRowsTogether); ++ready) {
      rows.Row(ready, ring.ptr<float>(ready % ring.rows));
    }
    for (int k = 0; k < static_cast<int>(inputs.size()); ++k) {
      // Results below the picture may point to any row.
      const int row = std::min(BorderIndex(y - radius + k, noise.rows, kEdge), ready - 1);
      inputs[static_cast<std::size_t>(k)] = ring.ptr<float>(row % ring.rows);
    }
    float* results[kRowsTogether];
    for (int j = 0; j < kRowsTogether; ++j) {
      results[j] = y + j < noise.rows ? out.ptr<float>(y + j) : spare.data();
    }
    if (taps >= kRowsTogether) {
      WeighRowsTogether(inputs.data(), down.data(), taps, results, count);
    } else {
      for (int j = 0; j < kRowsTogether; ++j) {
        WeighRows(&inputs[static_cast<std::size_t>(j)], down.data(), taps, results[j], count);
      }
    }
  }
  return out;
}

}  // namespace

cv::Mat SmoothNoise(Size size, double sigma, double strength, bool same, StreamKey key) {
  // Rounded up to what FillSignedUniforms may write.
  const std::size_t values = 2 * static_cast<std::size_t>(size.Area());
  const std::size_t padded = (values + kNormalPadding - 1) / kNormalPadding * kNormalPadding;
  cv::Mat buffer(static_cast<int>(padded / kNormalPadding), static_cast<int>(kNormalPadding),
                 CV_32F);
  FillSignedUniforms(key, 0, buffer.ptr<float>(), values);
  cv::Mat noise(size.height, size.width, CV_32FC2, buffer.data);
  if (same) {
    for (cv::Vec2f& v : cv::Mat_<cv::Vec2f>(noise)) v[1] = v[0];
  }
  const std::vector<float> across = GaussianKernel(sigma, 2 * static_cast<int>(3.5 * sigma) + 1);
  std::vector<float> down = across;
  for (float& weight : down) weight *= static_cast<float>(strength);
  return Smooth(noise, across, down);
}

}  // namespace pixloom
