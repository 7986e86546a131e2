// SPDX-License-Identifier: Apache-2.0
#include "models/resample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "pipeline/error.h"

namespace pixloom {

namespace {

// What one output value is made of: weights of neighbours from `first` on.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Taps> TapsOf(int from, int to) {
  const double step = static_cast<double>(from) / to;
  const double reach = std::max(step, 1.0);
  std::vector<Taps> all;
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * step - 0.5;
    const int low = static_cast<int>(std::ceil(centre - reach));
    const int high = static_cast<int>(std::floor(centre + reach));
    Taps taps{std::clamp(low, 0, from - 1), {}};
    const int last = std::clamp(high, 0, from - 1);
    std::vector<double> weights(static_cast<std::size_t>(last - taps.first + 1));
    double sum = 0;
    for (int p = low; p <= high; ++p) {
      const double weight = std::max(0.0, 1 - std::abs(p - centre) / reach);
      weights[static_cast<std::size_t>(std::clamp(p, 0, from - 1) - taps.first)] += weight;
      sum += weight;
    }
    for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / sum));
    all.push_back(std::move(taps));
  }
  return all;
}

}  // namespace

void ResamplePlanes(std::span<const float> in, Size from, std::span<float> out, Size to) {
  const auto in_plane = static_cast<std::size_t>(from.Area());
  const auto out_plane = static_cast<std::size_t>(to.Area());
  PIXLOOM_CHECK(in.size() / in_plane == out.size() / out_plane, "another number of planes");
  const std::vector<Taps> across = TapsOf(from.width, to.width);
  const std::vector<Taps> down = TapsOf(from.height, to.height);
  std::vector<float> column(static_cast<std::size_t>(from.width));
  for (std::size_t plane = 0; plane < in.size() / in_plane; ++plane) {
    for (int y = 0; y < to.height; ++y) {
      std::fill(column.begin(), column.end(), 0.0f);
      const Taps& rows = down[static_cast<std::size_t>(y)];
      for (std::size_t k = 0; k < rows.weights.size(); ++k) {
        const float* row =
            in.data() + plane * in_plane +
            (static_cast<std::size_t>(rows.first) + k) * static_cast<std::size_t>(from.width);
        const float weight = rows.weights[k];
        for (std::size_t x = 0; x < column.size(); ++x) column[x] += row[x] * weight;
      }
      float* result = out.data() + plane * out_plane + static_cast<std::size_t>(y) * across.size();
      for (std::size_t x = 0; x < across.size(); ++x) {
        const float* values = column.data() + across[x].first;
        float sum = 0;
        for (std::size_t k = 0; k < across[x].weights.size(); ++k) {
          sum += values[k] * across[x].weights[k];
        }
        result[x] = sum;
      }
    }
  }
}

}  // namespace pixloom
