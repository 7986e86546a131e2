// SPDX-License-Identifier: Apache-2.0
// Planar pictures: one plane per channel, a matrix of three dimensions (channels, height, width).
// Pure functions.
#pragma once

#include <array>
#include <utility>

#include <opencv2/core.hpp>

#include "pipeline/schema.h"

namespace pixloom {

enum class Layout { kChw, kHwc };

template <>
struct EnumNames<Layout> {
  static constexpr std::array kAll{std::pair{Layout::kChw, "chw"}, std::pair{Layout::kHwc, "hwc"}};
};

// An empty planar picture.
cv::Mat MakePlanes(cv::Size size, int channels, int depth);

// The same levels, planar.
cv::Mat ToPlanes(const cv::Mat& interleaved);

}  // namespace pixloom
