// SPDX-License-Identifier: Apache-2.0
// Separable filters on images of any depth and any number of channels: float32 sums in a fixed
// order, rounded once at the end. The same bits on every CPU. Pure functions.
#pragma once

#include <span>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/step.h"

namespace pixloom {

// Samples of a Gaussian that sum to 1. `size` 0: 2 * int(3.5 sigma) + 1; otherwise odd.
std::vector<float> GaussianKernel(double sigma, int size = 0);

// Correlates rows with `across` and columns with `down`; both have odd lengths. The border is one
// that needs no fill.
cv::Mat FilterSeparable(const cv::Mat& image, std::span<const float> across,
                        std::span<const float> down, Border border = Border::kReflect101);

// A sigma of 0 leaves its axis alone.
cv::Mat GaussianBlur(const cv::Mat& image, double sigma_x, double sigma_y, int kernel_size = 0,
                     Border border = Border::kReflect101);

}  // namespace pixloom
