// SPDX-License-Identifier: Apache-2.0
// Tables made from the histogram of a picture, for its channels or for its luma: the common part of
// auto_contrast, equalize and clahe. Integer levels are counted as they are, float pictures in
// 65535 steps of their range. Alpha is left alone. The same bits on every CPU. Pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/sample.h"

namespace pixloom {

// What is measured and what is changed; pictures without colour always go channel by channel.
enum class ToneBy {
  kChannel,    // each channel by itself
  kLumaCurve,  // the histogram of the luma makes one table for all channels
  kLuma,       // the luma is changed, and all three channels move by as much as it does
};

// BT.601 luma in whole levels: uint8 of uint8, uint16 of uint16 and float. REQUIRES: 3 or 4
// channels.
cv::Mat LumaPlane(const cv::Mat& image, ValueRange range);

// histogram: 256 or 65536 counts; the table returned has as many levels, none above the last.
using LevelTable = std::vector<std::uint16_t>;
using MakeTable = std::function<LevelTable(std::span<const std::uint32_t> histogram)>;
cv::Mat ThroughTables(const cv::Mat& image, ValueRange range, ToneBy by, const MakeTable& make);

// plane -> plane of its size and type (uint8 or uint16, one channel).
using ChangePlane = std::function<cv::Mat(const cv::Mat& plane)>;
// `by`: kChannel or kLuma.
cv::Mat ThroughPlanes(const cv::Mat& image, ValueRange range, ToneBy by, const ChangePlane& change);

// Contrast-limited adaptive histogram equalisation of one plane as cv::CLAHE does it: `grid.width`
// times `grid.height` tiles; `clip_limit` in multiples of the mean count of a level, 0 for none.
cv::Mat Clahe(const cv::Mat& plane, double clip_limit, cv::Size grid);

}  // namespace pixloom
