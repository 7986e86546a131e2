// SPDX-License-Identifier: Apache-2.0
// What operators that work through a cloudy pattern let their user say about it, and its rows.
#pragma once

#include <functional>
#include <memory>

#include "ops/common.h"
#include "ops/kernels/light_field.h"

namespace pixloom {

// A base class, whose table follows the operator's own parameters.
struct Cloudy {
  Range roughness{0.4, 0.6};
  std::int64_t octaves = 6;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, Range>("roughness", &Op::roughness)
            .In(0, 1)
            .Unit("fraction")
            .Doc("Strength of each octave of the pattern as a part of the coarser one before it."),
        Param<Op, std::int64_t>("octaves", &Op::octaves)
            .In(1, kMostOctaves)
            .Unit("octaves")
            .Doc("The first has two cells along the longer side, each further one twice as "
                 "many.")};
  }

  // Calls light(pattern, gain, offset, columns) for every row; pattern goes from 0 to 1. The
  // pattern belongs to the step: all fields and all frames of a clip get the same.
  template <class Light>
  static cv::Mat Apply(const cv::Mat& in, ValueRange range, std::int64_t octaves, double roughness,
                       StreamKey key, Light light) {
    GridRows rows =
        MakePlasma({in.cols, in.rows}, static_cast<int>(octaves), roughness, key).Rows(in.cols);
    return Relight(in, range, [&](int y, float* gain, float* offset) {
      light(rows.Row(y), gain, offset, in.cols);
    });
  }
};

}  // namespace pixloom
