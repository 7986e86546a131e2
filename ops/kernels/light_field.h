// SPDX-License-Identifier: Apache-2.0
// Fields of light over a picture: a gain and an offset for every pixel, made row by row, and coarse
// grids of values that are stretched over it. What light, shadow, haze and clouds have in common.
// float32 in a fixed order of operations: the same bits on every CPU. GridRows belongs to one
// thread; the rest are pure functions.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"
#include "pipeline/rng.h"
#include "pipeline/sample.h"

namespace pixloom {

// Fills the gain and the offset of row `y`, one value per pixel. They hold 1 and 0, or what the
// call before left there.
using LightRow = std::function<void(int y, float* gain, float* offset)>;

// v = v * gain + offset * colour[channel] in unit scale, in a new picture; integers are rounded
// half up and saturated, floats are not clamped. The fourth of four channels is alpha and stays;
// channels past the colour's last take that one.
cv::Mat Relight(const cv::Mat& in, ValueRange range, const LightRow& light,
                const std::array<float, 3>& colour = {1, 1, 1});

// Node (column, row) of a grid lies at (column, row) * cell px from the top left corner of the
// picture; between nodes values are bilinear, at the centres of pixels.
class GridRows {
 public:
  // `nodes`: CV_32FC1, at least 2 x 2. Pixels behind the last node see the last cell go on.
  GridRows(const cv::Mat& nodes, double cell_width, double cell_height, int width);

  // Values of row `y` of the picture, valid until the next call. Cheapest from top to bottom.
  const float* Row(int y);

 private:
  const std::vector<float>& Stretched(int row);

  cv::Mat nodes_;
  double cell_height_;
  std::vector<int> cell_;  // of each column of pixels
  std::vector<float> at_;  // 0 at the left end of its cell, 1 at its right end
  std::array<std::vector<float>, 2> lines_;
  std::array<int, 2> held_{-1, -1};  // rows of nodes that lines_ are stretched from
  std::vector<float> row_;
};

// A cloudy pattern between 0 and 1, both of which it reaches at its nodes.
struct Plasma {
  cv::Mat nodes;
  double cell = 1;  // px, square

  GridRows Rows(int width) const { return {nodes, cell, cell, width}; }
};

inline constexpr int kMostOctaves = 8;

// The sum of `octaves` grids of uniform noise in [-1, 1). The first one has two cells along the
// longer side of the picture, each further one twice as many and `roughness` times the amplitude.
// Values are numbered from 0 in the order they are drawn: grid by grid, row by row, each grid a
// square of 2^k + 1 nodes to a side (ops/kernels/noise_kernel.h, FillSignedUniforms). The part that
// lies over the picture is then spread to [0, 1].
Plasma MakePlasma(Size picture, int octaves, double roughness, StreamKey key);

}  // namespace pixloom
