// SPDX-License-Identifier: Apache-2.0
#include "ops/noise_field.h"

#include <cstddef>
#include <vector>

#include "ops/blur_kernel.h"
#include "ops/noise_kernel.h"

namespace pixloom {

cv::Mat SmoothNoise(Size size, double sigma, double strength, bool same, StreamKey key) {
  // Rounded up to what FillSignedUniforms may write.
  const std::size_t values = 2 * static_cast<std::size_t>(size.Area());
  const std::size_t padded = (values + kNormalPadding - 1) / kNormalPadding * kNormalPadding;
  cv::Mat buffer(1, static_cast<int>(padded), CV_32F);
  FillSignedUniforms(key, buffer.ptr<float>(), values);
  cv::Mat noise(size.height, size.width, CV_32FC2, buffer.data);
  if (same) {
    for (cv::Vec2f& v : cv::Mat_<cv::Vec2f>(noise)) v[1] = v[0];
  }
  const int side = 2 * static_cast<int>(3.5 * sigma) + 1;
  const std::vector<float> across = GaussianKernel(sigma, side);
  std::vector<float> down = across;
  for (float& weight : down) weight *= static_cast<float>(strength);
  return FilterSeparable(noise, across, down, Border::kReflect101);
}

}  // namespace pixloom
