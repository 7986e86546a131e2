// SPDX-License-Identifier: Apache-2.0
// Draws from an erasing operator and runs its steps on pictures and labels, without an engine. The
// pictures have no level 0, so that a hole filled with 0 can be seen.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "tests/support/draw_op.h"

namespace pixloom::testing {

// Repeatable numbers in [0, 1) for inputs.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : rng_({seed, 0, StreamId("test")}) {}
  double Unit() { return rng_.Unit(); }
  double Between(double lo, double hi) { return lo + (hi - lo) * Unit(); }
  int Below(int n) { return static_cast<int>(Unit() * n); }

 private:
  Rng rng_;
};

inline cv::Mat NoZeros(Size size, int type, std::uint64_t seed = 3) {
  Numbers numbers(seed);
  cv::Mat picture(size.height, size.width, type);
  for (int y = 0; y < picture.rows; ++y) {
    for (int i = 0; i < picture.cols * picture.channels(); ++i) {
      const double unit = numbers.Between(0.1, 1);
      switch (picture.depth()) {
        case CV_8U:
          picture.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(unit * 255);
          break;
        case CV_16U:
          picture.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(unit * 65535);
          break;
        default:
          picture.ptr<float>(y)[i] = static_cast<float>(unit);
      }
    }
  }
  return picture;
}

// 255 where the first channel is 0.
inline cv::Mat ZeroPixels(const cv::Mat& picture) {
  cv::Mat first;
  cv::extractChannel(picture, first, 0);
  return first == 0;
}

inline Drawn DrawFor(const Operator& op, const Sample& sample, Size size, std::uint64_t id) {
  Facts facts = Picture(size.width, size.height);
  facts.instances = &sample.instances;
  facts.masks = &sample.masks;
  facts.names = sample.names.get();
  return Draw(op, facts, id);
}

// The picture after every image step; a missing step changes nothing.
inline cv::Mat Erased(const Drawn& drawn, const cv::Mat& picture, ValueRange range = {}) {
  cv::Mat out = picture;
  for (const Step& step : drawn.steps) {
    if (const auto* image = std::get_if<ImageStep>(&step)) {
      auto result = image->run(out, {range, StreamKey{5, 6, 7}});
      REQUIRE(result.Ok());
      out = *result;
    }
  }
  return out;
}

inline void EraseIn(const Drawn& drawn, Sample& sample) {
  for (const Step& step : drawn.steps) {
    if (const auto* labels = std::get_if<SampleStep>(&step)) REQUIRE(!labels->run(sample));
  }
}

inline bool Same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

// Equal but for what `holes` covers.
inline bool SameOutside(const cv::Mat& a, const cv::Mat& b, const cv::Mat& holes) {
  cv::Mat x = a.clone();
  cv::Mat y = b.clone();
  x.setTo(0, holes);
  y.setTo(0, holes);
  return Same(x, y);
}

}  // namespace pixloom::testing
