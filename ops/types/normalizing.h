// SPDX-License-Identifier: Apache-2.0
// What normalize and crop_mirror_normalize share: per channel, (v - mean) / std in unit scale.
// Values; pure functions.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <opencv2/core.hpp>

#include "ops/types/planes.h"
#include "pipeline/step.h"

namespace pixloom {

// A base class of operators, like Outside in ops/common.h.
struct Normalizing {
  std::vector<double> mean{0.485, 0.456, 0.406};
  std::vector<double> std{0.229, 0.224, 0.225};
  Layout layout = Layout::kHwc;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, std::vector<double>>("mean", &Op::mean)
            .In(-1000, 1000)
            .Unit("full scale")
            .Doc("Subtracted, one per channel; gray pictures take the average of several, further "
                 "channels the last, alpha 0 unless there are four."),
        Param<Op, std::vector<double>>("std", &Op::std)
            .In(1e-6, 1000)
            .Unit("full scale")
            .Doc("Divided by, likewise; alpha 1."),
        Param<Op, Layout>("layout", &Op::layout)
            .Doc("chw makes planes, as networks take them: only a sink may follow.")};
  }

  std::string Check() const;

  // (v - mean[c]) / std[c] of a picture whose black and full scale are `levels`.
  cv::Mat Apply(const cv::Mat& in, ValueRange levels) const;
  // Where black and full scale of all channels end up.
  ValueRange RangeFor(int channels) const;
};

// v * scale[c] + offset[c] as float32.
cv::Mat ScaleChannels(const cv::Mat& in, const std::vector<float>& scale,
                      const std::vector<float>& offset, Layout layout);

}  // namespace pixloom
