// SPDX-License-Identifier: Apache-2.0
// Which pixels, with which weights, make one output pixel of an axis-aligned map. Values and pure
// functions.
#pragma once

#include <cstddef>
#include <vector>

#include "ops/geometry/axis_map.h"
#include "pipeline/step.h"

namespace pixloom {

// Taps of every output pixel of one axis: pixel i reads index[first[i] .. first[i+1]).
struct Taps {
  std::vector<std::size_t> first{0};
  std::vector<int> index;
  std::vector<float> weight;
  std::vector<float> outside;  // weight that falls on the fill

  int Count(int i) const {
    const auto at = static_cast<std::size_t>(i);
    return static_cast<int>(first[at + 1] - first[at]);
  }
};

// `inside`: there is nothing beyond the picture. As the libraries do, its edge pixels repeat for
// kCubic, and taps outside are dropped and the rest normalised for everything else. Otherwise
// `border` places them. REQUIRES: `kind` is not nearest.
Taps MakeTaps(const AxisMap& axis, Resampling kind, bool inside, Border border);

// Pillow resamples along rows first and saturates before it does so along columns; filters with
// negative weights let that show.
inline bool SaturatesBetweenPasses(Resampling kind) {
  return kind == Resampling::kAntialiasCubic || kind == Resampling::kLanczos;
}

}  // namespace pixloom
