// SPDX-License-Identifier: Apache-2.0
// Smooth random fields over a picture, and layers of colour that are blended over it row by row.
// Sizes are fractions of the picture's longer side, so that a field looks the same at any size.
// float32 in a fixed order: the same bits on every CPU.
//
// A SoftField is immutable and may be shared; the rest are pure functions.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"
#include "pipeline/rng.h"
#include "pipeline/sample.h"

namespace pixloom {

// Noise on a square lattice, smoothed by cubic B-splines.
struct Octave {
  double cell = 0.1;     // distance of nodes, fraction of the longer side
  double deviation = 1;  // root mean square of what it adds
};

// Octaves of half the cell and `falloff` of the deviation each, together of deviation 1.
std::vector<Octave> HalvingOctaves(double cell, int count, double falloff);

// The sum of octaves of normal noise with mean 0. The nodes of octave k, row by row from the one
// above and left of the picture's corner, are the normals from block k * 2^22 on
// (ops/kernels/noise_kernel.h); a row of nodes is as long as the longer side needs, rounded up to a
// multiple of four.
class SoftField {
 public:
  SoftField(Size picture, std::span<const Octave> octaves, StreamKey key);

  // Values at the centres of the pixels of row y.
  void Row(int y, float* out) const;

 private:
  struct Layer {
    double cell;               // px
    std::vector<float> lines;  // rows of nodes, stretched to the width of the picture
  };
  std::size_t width_;
  std::vector<Layer> layers_;
};

// What a normal variate exceeds with probability `share` in (0, 1).
double NormalQuantileAbove(double share);

// A colour on a picture of so many channels: a gray picture takes the luma of three, channels past
// the last take that one.
std::vector<float> OnChannels(std::span<const double> colour, int channels);

// Fills how much of the colour covers each pixel of row y, 0 to 1.
using ShareRow = std::function<void(int y, float* share)>;

// v + share * (colour - v), the colour in unit scale; the fourth of four channels stays. A new
// picture.
cv::Mat BlendTowards(const cv::Mat& in, ValueRange range, std::span<const double> colour,
                     const ShareRow& share_of);

// The same with shares that were drawn: `layer` is CV_8UC1, 255 covers all.
cv::Mat BlendLayerTowards(const cv::Mat& in, ValueRange range, std::span<const double> colour,
                          const cv::Mat& layer);

// Fills share and target of each value of row y, the target in unit scale. Both are 0 and the white
// level, or what the call before left there; shares of alpha must be 0.
using LayerRow = std::function<void(int y, float* share, float* target)>;

// The same where shares or targets differ between channels.
cv::Mat BlendValues(const cv::Mat& in, ValueRange range, const LayerRow& layer_of);

}  // namespace pixloom
