// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/inner_distance.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace pixloom {

namespace {

// Distance along each column to the nearest pixel that is not set; `far` where there is none.
cv::Mat ColumnDistance(const cv::Mat& bits, int far) {
  cv::Mat distance(bits.size(), CV_32S);
  for (int y = 0; y < bits.rows; ++y) {
    const auto* bit = bits.ptr<std::uint8_t>(y);
    int* here = distance.ptr<int>(y);
    for (int x = 0; x < bits.cols; ++x) {
      const int above = y == 0 ? far : distance.at<int>(y - 1, x);
      here[x] = bit[x] == 0 ? 0 : std::min(above + 1, far);
    }
  }
  for (int y = bits.rows - 2; y >= 0; --y) {
    int* here = distance.ptr<int>(y);
    const int* below = distance.ptr<int>(y + 1);
    for (int x = 0; x < bits.cols; ++x) here[x] = std::min(here[x], below[x] + 1);
  }
  return distance;
}

// Along a row: the lower envelope of the parabolas (x - i)^2 + g(i)^2, in integers (Meijster,
// Roerdink and Hesselink, A general algorithm for computing distance transforms in linear time).
void RowDistance(const int* g, int width, std::vector<int>& vertex, std::vector<std::int64_t>& from,
                 int* out) {
  const auto value = [&](std::int64_t x, int i) {
    return (x - i) * (x - i) + std::int64_t{g[i]} * g[i];
  };
  // The first x at which the parabola of u > i is no higher than the one of i, less one.
  const auto meet = [&](int i, int u) {
    const std::int64_t top = std::int64_t{u} * u - std::int64_t{i} * i + std::int64_t{g[u]} * g[u] -
                             std::int64_t{g[i]} * g[i];
    const std::int64_t twice = 2 * std::int64_t{u - i};
    return top >= 0 ? top / twice : -((-top + twice - 1) / twice);
  };
  int last = 0;
  vertex[0] = 0;
  from[0] = 0;
  for (int u = 1; u < width; ++u) {
    while (last >= 0 &&
           value(from[static_cast<std::size_t>(last)], vertex[static_cast<std::size_t>(last)]) >
               value(from[static_cast<std::size_t>(last)], u)) {
      --last;
    }
    if (last < 0) {
      last = 0;
      vertex[0] = u;
      from[0] = 0;
      continue;
    }
    const std::int64_t start = 1 + meet(vertex[static_cast<std::size_t>(last)], u);
    if (start >= width) continue;
    ++last;
    vertex[static_cast<std::size_t>(last)] = u;
    from[static_cast<std::size_t>(last)] = start;
  }
  for (int x = width - 1; x >= 0; --x) {
    const auto at = static_cast<std::size_t>(last);
    out[x] = static_cast<int>(
        std::min<std::int64_t>(value(x, vertex[at]), std::numeric_limits<std::int32_t>::max()));
    if (x == from[at]) --last;
  }
}

}  // namespace

cv::Mat SquaredInnerDistance(const cv::Mat& bits) {
  const int far = bits.rows + bits.cols;
  const cv::Mat columns = ColumnDistance(bits, far);
  cv::Mat squared(bits.size(), CV_32S);
  std::vector<int> vertex(static_cast<std::size_t>(bits.cols));
  std::vector<std::int64_t> from(static_cast<std::size_t>(bits.cols));
  for (int y = 0; y < bits.rows; ++y) {
    RowDistance(columns.ptr<int>(y), bits.cols, vertex, from, squared.ptr<int>(y));
  }
  return squared;
}

}  // namespace pixloom
