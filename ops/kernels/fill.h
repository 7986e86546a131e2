// SPDX-License-Identifier: Apache-2.0
// What holes in a picture are filled with. A hole is a set of pieces of rows. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/schema.h"
#include "pipeline/step.h"

namespace pixloom {

// Pixels x0 to x1 - 1 of a row, and which hole they belong to.
struct Run {
  int y = 0;
  int x0 = 0;
  int x1 = 0;
  std::uint32_t hole = 0;
};

enum class FillKind { kConstant, kRandom, kRandomUniform, kMean, kInpaint };

template <>
struct EnumNames<FillKind> {
  static constexpr std::array kAll{
      std::pair{FillKind::kConstant, "constant"}, std::pair{FillKind::kRandom, "random"},
      std::pair{FillKind::kRandomUniform, "random_uniform"}, std::pair{FillKind::kMean, "mean"},
      std::pair{FillKind::kInpaint, "inpaint"}};
};

struct FillRule {
  FillKind kind = FillKind::kConstant;
  // Levels of the image, one per channel; fewer repeat the last. Alpha (the fourth of four
  // channels) stays, but for a constant with four levels.
  std::vector<double> level{0};
};

// How many channels a fill changes.
int FilledChannels(const cv::Mat& image, const FillRule& rule);

// One pixel of the constant or of the mean of `image`; as many values as channels, in levels.
std::vector<double> FillColour(const cv::Mat& image, const FillRule& rule);

// Value number `index` of a stream of random levels with equal chance: whole levels on integers,
// multiples of 2^-24 of the range on floats.
template <class T>
T RandomLevel(const StreamKey& key, std::uint64_t index, ValueRange range);

// The stream that fills use; apart from the one that places holes.
StreamKey FillStream(const FrameContext& context);

// A copy of the picture with its holes filled. Noise is keyed by position, the colour of a hole by
// its number. Nothing outside of the runs changes. REQUIRES: runs lie inside the picture.
cv::Mat FillHoles(const cv::Mat& image, const std::vector<Run>& runs, const FillRule& rule,
                  const FrameContext& context);

}  // namespace pixloom
