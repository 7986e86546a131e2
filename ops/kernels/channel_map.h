// SPDX-License-Identifier: Apache-2.0
// Channels in another order, bit by bit. Pure functions.
#pragma once

#include <cstddef>
#include <vector>

#include <opencv2/core.hpp>

#include "ops/kernels/pixel_math.h"

namespace pixloom {

// Channel c of the result is channel from[c] of `in`; channels behind the last of `from` stay.
// REQUIRES: all numbers are channels of `in`.
inline cv::Mat MapChannels(const cv::Mat& in, const std::vector<int>& from) {
  const int channels = in.channels();
  std::vector<int> source(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < source.size(); ++c) {
    source[c] = c < from.size() ? from[c] : static_cast<int>(c);
  }
  cv::Mat out(in.size(), in.type());
  WithDepth(in, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < in.rows; ++y) {
      const T* row = in.ptr<T>(y);
      T* to = out.ptr<T>(y);
      if (channels == 3) {
        const int a = source[0], b = source[1], c = source[2];
        for (int x = 0; x < in.cols; ++x, row += 3, to += 3) {
          to[0] = row[a];
          to[1] = row[b];
          to[2] = row[c];
        }
        continue;
      }
      for (int x = 0; x < in.cols; ++x, row += channels, to += channels) {
        for (std::size_t c = 0; c < source.size(); ++c) to[c] = row[source[c]];
      }
    }
  });
  return out;
}

}  // namespace pixloom
