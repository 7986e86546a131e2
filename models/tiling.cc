// SPDX-License-Identifier: Apache-2.0
#include "models/tiling.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "pipeline/error.h"

namespace pixloom {

namespace {

constexpr double kParts = 1 << 20;

int CeilDiv(std::int64_t a, std::int64_t b) { return static_cast<int>((a + b - 1) / b); }

struct Axis {
  int padded = 0, tile = 0;
  std::vector<int> starts;
};

// In units of multiple_of, so that a network with strides sees the grid of the whole picture.
Axis PlanAxis(int length, int most, int overlap, int unit, int fixed) {
  const int margin = CeilDiv(overlap, unit);
  int picture = CeilDiv(length, unit);
  int tile = most == 0 ? picture : std::max({most / unit, 3 * margin, 1});
  if (fixed > 0) {
    PIXLOOM_CHECK(fixed % unit == 0 && fixed > 2 * overlap, "a fixed tile that does not fit");
    tile = fixed / unit;
    picture = std::max(picture, tile);
  }
  tile = std::min(tile, picture);
  Axis axis{picture * unit, tile * unit, {0}};
  if (tile == picture) return axis;
  const int trusted = tile - 2 * margin;
  const int shared = std::min(CeilDiv(margin, 2), trusted / 4);
  const std::int64_t rest = picture - tile;
  const int steps = CeilDiv(rest, trusted - shared);
  for (int i = 1; i <= steps; ++i) axis.starts.push_back(static_cast<int>(rest * i / steps) * unit);
  return axis;
}

}  // namespace

TilePlan PlanTiles(Size picture, int most, int overlap, int multiple_of, Size fixed) {
  const int unit = std::max(multiple_of, 1);
  const Axis x = PlanAxis(picture.width, most, overlap, unit, fixed.width);
  const Axis y = PlanAxis(picture.height, most, overlap, unit, fixed.height);
  TilePlan plan;
  plan.tile = {x.tile, y.tile};
  plan.overlap = overlap;
  plan.padded = {x.padded, y.padded};
  plan.columns = static_cast<int>(x.starts.size());
  plan.rows = static_cast<int>(y.starts.size());
  for (const int top : y.starts) {
    for (const int left : x.starts) plan.tiles.emplace_back(left, top, x.tile, y.tile);
  }
  return plan;
}

std::vector<Seam> Seams(const TilePlan& plan, bool horizontal) {
  const int count = horizontal ? plan.columns : plan.rows;
  const int tile = horizontal ? plan.tile.width : plan.tile.height;
  std::vector<int> starts;
  for (int i = 0; i < count; ++i) {
    const cv::Rect& rect = plan.tiles[static_cast<std::size_t>(horizontal ? i : i * plan.columns)];
    starts.push_back(horizontal ? rect.x : rect.y);
  }
  // No wider than what keeps a seam away from the next one, nor than a blend needs to be.
  int widest = std::max(2 * plan.overlap, 8);
  for (std::size_t i = 1; count > 2 && i < starts.size(); ++i) {
    widest = std::min(widest, starts[i] - starts[i - 1] - 1);
  }
  std::vector<Seam> seams;
  for (std::size_t i = 1; i < starts.size(); ++i) {
    const int from = starts[i] + plan.overlap;
    const int shared = starts[i - 1] + tile - plan.overlap - from;
    const int width = std::min(shared, widest);
    const int begin = from + (shared - width) / 2;
    seams.push_back({begin, begin + width});
  }
  return seams;
}

std::vector<float> TileWeights(const TilePlan& plan, int index, bool horizontal, int scale) {
  const auto i = static_cast<std::size_t>(horizontal ? index % plan.columns : index / plan.columns);
  const cv::Rect& rect = plan.tiles[static_cast<std::size_t>(index)];
  const int start = (horizontal ? rect.x : rect.y) * scale;
  const int length = (horizontal ? rect.width : rect.height) * scale;
  const std::vector<Seam> seams = Seams(plan, horizontal);
  // What the later tile counts at pixel `at` of a seam; the earlier one counts the rest.
  const auto rise = [scale](const Seam& seam, int at) {
    if (at < seam.from * scale) return 0.0f;
    if (at >= seam.to * scale) return 1.0f;
    const double t = (at - seam.from * scale + 0.5) / (seam.width() * scale);
    // Whole parts of 2^20, so that what is left for the other tile is exact.
    const double share = 0.5 - 0.5 * std::cos(std::numbers::pi * t);
    return static_cast<float>(std::round(share * kParts) / kParts);
  };
  std::vector<float> weights(static_cast<std::size_t>(length), 1.0f);
  for (int p = 0; p < length; ++p) {
    float& weight = weights[static_cast<std::size_t>(p)];
    if (i > 0) weight = rise(seams[i - 1], start + p);
    if (i < seams.size()) weight = std::min(weight, 1 - rise(seams[i], start + p));
  }
  return weights;
}

}  // namespace pixloom
