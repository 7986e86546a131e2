// SPDX-License-Identifier: Apache-2.0
// What a picture looks like, in numbers: brightness, contrast, sharpness, noise and the like.
//
// Every pixel counts, in integers: uint8 and uint16 as they are, float32 in 65535 steps over its
// declared range (what lies outside counts as its ends, NaN as its low end). So results are the
// same bits on every machine. Unit scale throughout: 1 is the full range of the type.
//
// Luma is BT.601 of three and four channels and the mean of all channels otherwise, rounded to
// whole levels; alpha is left out of everything.
//
// Measurements works out what it is asked for and keeps it. It shares the pixels, which must not
// change meanwhile, and belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/sample.h"

namespace pixloom {

class Measurements {
 public:
  // REQUIRES: HWC pixels, at least one.
  Measurements(const cv::Mat& pixels, ValueRange range);

  // Of the luma: its mean and standard deviation, the level that a share of the pixels does not
  // exceed, the shares of pixels below and above a level, and bits per pixel of its histogram of
  // 256 levels.
  double Brightness();
  double Contrast();
  double Quantile(double share);
  double Darker(double level);
  double Brighter(double level);
  double Entropy();

  // Variance of the Laplacian of the luma (cross of five pixels, borders reflected). Grows with
  // detail, and with noise. Times 255^2 it is what cv2.Laplacian(gray, CV_64F).var() gives.
  double Sharpness();

  // How little of the luma's edges another blur over 11 pixels takes away, along the axis where
  // that is least, from 0 (sharp) to 1 (Crete et al. 2007). Hardly depends on contrast. A picture
  // without an edge has 1.
  double Blur();

  // Standard deviation of noise by Immerkaer's mask (1996), mean over the colour channels. Fine
  // texture counts as noise. 0 below 3 x 3 pixels.
  double Noise();

  // Mean saturation of HSV; 0 without colour.
  double Saturation();

 private:
  const cv::Mat& Luma();
  const std::vector<std::uint32_t>& Histogram();
  double LevelOf(std::size_t bin) const { return static_cast<double>(bin) / full_; }

  cv::Mat levels_;     // CV_8U or CV_16U
  double full_ = 255;  // the highest level
  double pixels_ = 0;  // how many
  cv::Mat luma_;       // one channel of the same type
  std::vector<std::uint32_t> histogram_;
  std::optional<double> brightness_, contrast_, entropy_, sharpness_, blur_, noise_, saturation_;
};

}  // namespace pixloom
