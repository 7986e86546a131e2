// SPDX-License-Identifier: Apache-2.0
// Palettes of a few colours, made for a picture by k-means, and pictures painted with them. float32
// in a fixed order of operations: the same bits on every CPU. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/sample.h"

namespace pixloom {

struct Palette {
  int dimensions = 3;          // 1 or 3
  std::vector<float> colours;  // unit scale, `dimensions` values each

  int Size() const { return static_cast<int>(colours.size()) / dimensions; }
};

// At most `count` colours, fewer if the picture has fewer. Pixels are taken at the centres of a
// grid of at most `side` x `side` equal cells; the palette starts from the first different colours
// among them, in the order of KeyedPermutation(seed, pixels), and moves ten times to the means of
// what is nearest. REQUIRES: 1, 3 or 4 channels; alpha plays no part.
Palette MakePalette(const cv::Mat& in, ValueRange range, int count, int side, std::uint32_t seed);

// Every pixel in the nearest colour (the first of several); alpha stays.
cv::Mat PaintWithPalette(const cv::Mat& in, const Palette& palette, ValueRange range);

}  // namespace pixloom
