// SPDX-License-Identifier: Apache-2.0
#include "ops/noise_field.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "ops/blur_kernel.h"
#include "ops/filter_rows.h"
#include "ops/noise_kernel.h"
#include "ops/pixel_math.h"

namespace pixloom {
namespace {

constexpr Border kEdge = Border::kReflect101;

// Correlates every row of two-channel floats with `weights`.
cv::Mat Across(const cv::Mat& noise, const std::vector<float>& weights) {
  const int radius = static_cast<int>(weights.size() / 2);
  std::vector<cv::Vec2f> wide(static_cast<std::size_t>(noise.cols + 2 * radius));
  std::vector<const float*> shifted(weights.size());
  for (std::size_t k = 0; k < shifted.size(); ++k) shifted[k] = wide[k].val;
  cv::Mat out(noise.size(), noise.type());
  for (int y = 0; y < noise.rows; ++y) {
    const auto* row = noise.ptr<cv::Vec2f>(y);
    std::copy_n(row, noise.cols, wide.begin() + radius);
    for (int i = 1; i <= radius; ++i) {
      wide[static_cast<std::size_t>(radius - i)] = row[BorderIndex(-i, noise.cols, kEdge)];
      wide[static_cast<std::size_t>(radius + noise.cols - 1 + i)] =
          row[BorderIndex(noise.cols - 1 + i, noise.cols, kEdge)];
    }
    WeighRows(shifted.data(), weights.data(), static_cast<int>(weights.size()), out.ptr<float>(y),
              2 * static_cast<std::size_t>(noise.cols));
  }
  return out;
}

// The same down every column.
cv::Mat Down(const cv::Mat& rows, const std::vector<float>& weights) {
  const int taps = static_cast<int>(weights.size());
  const auto count = 2 * static_cast<std::size_t>(rows.cols);
  std::vector<const float*> inputs(weights.size() + kRowsTogether - 1);
  std::vector<float> spare(count);  // results below the picture
  cv::Mat out(rows.size(), rows.type());
  for (int y = 0; y < rows.rows; y += kRowsTogether) {
    for (int k = 0; k < static_cast<int>(inputs.size()); ++k) {
      inputs[static_cast<std::size_t>(k)] =
          rows.ptr<float>(BorderIndex(y - taps / 2 + k, rows.rows, kEdge));
    }
    float* results[kRowsTogether];
    for (int j = 0; j < kRowsTogether; ++j) {
      results[j] = y + j < rows.rows ? out.ptr<float>(y + j) : spare.data();
    }
    if (taps >= kRowsTogether) {
      WeighRowsTogether(inputs.data(), weights.data(), taps, results, count);
    } else {
      for (int j = 0; j < kRowsTogether; ++j) {
        WeighRows(&inputs[static_cast<std::size_t>(j)], weights.data(), taps, results[j], count);
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
  FillSignedUniforms(key, buffer.ptr<float>(), values);
  cv::Mat noise(size.height, size.width, CV_32FC2, buffer.data);
  if (same) {
    for (cv::Vec2f& v : cv::Mat_<cv::Vec2f>(noise)) v[1] = v[0];
  }
  const std::vector<float> across = GaussianKernel(sigma, 2 * static_cast<int>(3.5 * sigma) + 1);
  std::vector<float> down = across;
  for (float& weight : down) weight *= static_cast<float>(strength);
  return Down(Across(noise, across), down);
}

}  // namespace pixloom
