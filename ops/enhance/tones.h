// SPDX-License-Identifier: Apache-2.0
// How a picture's levels are distributed, and the curves that follow from it. Unit scale. Pure
// functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/sample.h"
#include "pipeline/step.h"

namespace pixloom {

// Values of one channel that lie close together: their mean, clamped to [0, 1], and their share.
struct Tone {
  int channel = 0;
  double level = 0;
  double share = 0;
};

// Weighted so that the mean of the levels is the mean luma (BT.601 of three or four channels, the
// plain mean of all others). uint8 keeps every level; others fall into 4096 groups.
std::vector<Tone> MeasureTones(const cv::Mat& pixels, ValueRange range);

// Mean luma after curve(channel, level).
template <class Curve>
double MeanTone(const std::vector<Tone>& tones, Curve curve) {
  double sum = 0;
  for (const Tone& tone : tones) sum += tone.share * curve(tone.channel, tone.level);
  return sum;
}

// The exponent in [least, most] that brings the mean luma nearest to `target`.
double ExponentFor(const std::vector<Tone>& tones, double target, double least, double most);
// The factor in [least, most] that does, with values clamped at full scale.
double FactorFor(const std::vector<Tone>& tones, double target, double least, double most);

// Sorted values of one channel, or of the luma (rounded on integer images), in unit scale.
class SortedLevels {
 public:
  static constexpr int kLuma = -1;
  SortedLevels(const cv::Mat& pixels, int channel, ValueRange range);

  // The value that `share` of the others lie below: at rank floor(share * (count - 1)).
  double Low(double share) { return At(Rank(share)); }
  // The value that `share` of the others lie above.
  double High(double share) { return At(count_ - 1 - Rank(share)); }

 private:
  std::int64_t Rank(double share) const {
    return static_cast<std::int64_t>(share * static_cast<double>(count_ - 1));
  }
  double At(std::int64_t rank);

  std::int64_t count_ = 0;
  double lo_ = 0;
  double width_ = 1;
  std::vector<std::uint32_t> histogram_;  // integers
  std::vector<float> values_;             // floats
};

// A copy with the curve applied as a Lut step would.
cv::Mat WithCurve(const cv::Mat& pixels, const Lut& lut, ValueRange range);

}  // namespace pixloom
