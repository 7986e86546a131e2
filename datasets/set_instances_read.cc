// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/set_instances.h"

namespace pixloom {

namespace {

std::uint64_t Sum(const std::vector<std::uint64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

template <std::size_t N>
std::optional<std::array<double, N>> NumbersAt(const std::vector<float>& values, std::size_t i) {
  std::array<double, N> numbers{};
  for (std::size_t k = 0; k < N && !values.empty(); ++k) numbers[k] = values[i * N + k];
  const bool there = !values.empty() && std::none_of(numbers.begin(), numbers.end(),
                                                     [](double v) { return std::isnan(v); });
  return there ? std::optional(numbers) : std::nullopt;
}

void ReadBoxes(RowView& view, std::vector<Instance>& instances) {
  const auto boxes = view.Values<float>(parts::kBox, instances.size());
  const auto quads = view.Values<float>(parts::kQuad, instances.size());
  for (std::size_t i = 0; i < instances.size() && view.Fine(); ++i) {
    if (const auto q = NumbersAt<8>(quads, i)) {
      instances[i].oriented = true;
      instances[i].quad = Quad{Point{(*q)[0], (*q)[1]}, Point{(*q)[2], (*q)[3]},
                               Point{(*q)[4], (*q)[5]}, Point{(*q)[6], (*q)[7]}};
    } else if (const auto b = NumbersAt<4>(boxes, i)) {
      instances[i].quad = BoxQuad((*b)[0], (*b)[1], (*b)[2], (*b)[3]);
    }
  }
}

void ReadPolygons(RowView& view, std::vector<Instance>& instances) {
  const auto rings = view.Counts(parts::kRings, parts::kInstances, instances.size());
  const auto ring_parts = view.Needed<std::int32_t>(parts::kRingPart.Of(), Sum(rings));
  const auto points = view.Counts(parts::kRingPoints, parts::kRings, Sum(rings));
  const auto xy = view.Needed<float>(parts::kRingXy.Of(), Sum(points));
  if (!view.Fine()) return;
  std::size_t ring = 0, at = 0;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    std::optional<std::int32_t> part;
    for (std::uint64_t n = 0; n < rings[i]; ++n, ++ring) {
      if (part != ring_parts[ring]) instances[i].polygons.emplace_back();
      part = ring_parts[ring];
      auto& to = instances[i].polygons.back().rings.emplace_back();
      for (std::uint64_t p = 0; p < points[ring]; ++p, ++at) {
        to.push_back({xy[2 * at], xy[2 * at + 1]});
      }
    }
  }
}

// NaN among the three numbers: there is no such keypoint.
void AddPoint(const float* xyv, Instance& instance) {
  if (std::isnan(xyv[0]) || std::isnan(xyv[1]) || std::isnan(xyv[2])) return;
  const float visibility = std::clamp(xyv[2], 0.F, 2.F);
  instance.keypoints.push_back({{xyv[0], xyv[1]}, static_cast<int>(visibility), 0, 1});
}

void ReadKeypoints(RowView& view, std::vector<Instance>& instances) {
  const auto counts = view.Counts(parts::kPoints, parts::kInstances, instances.size());
  const auto points = view.Needed<float>(parts::kPointXyv.Of(), Sum(counts));
  const Cell* cell = view.Whole().Find(parts::kKeypoints);
  std::vector<float> named;
  std::uint64_t each = 0;
  if (cell != nullptr && cell->column.shape.size() == 2) {
    each = cell->column.shape[0];
    named = view.Values<float>(Column{std::string(parts::kKeypoints),
                                      std::string(parts::kInstances),
                                      Element::kF32,
                                      {each, 3}},
                               instances.size());
  } else if (cell != nullptr) {
    view.Fail("keypoints of another shape than they must have");
  }
  if (!view.Fine()) return;
  std::size_t at = 0;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    for (std::uint64_t p = 0; p < counts[i]; ++p, ++at) AddPoint(&points[3 * at], instances[i]);
    for (std::uint64_t p = 0; p < each && !named.empty(); ++p) {
      AddPoint(&named[3 * (i * each + p)], instances[i]);
    }
  }
}

// Runs must fill a mask of the picture's size before anybody makes bits of them.
void ReadMasks(RowView& view, Size size, std::vector<Instance>& instances) {
  const auto sizes = view.Values<std::int32_t>(parts::kMaskSize, instances.size());
  const auto counts = view.Counts(parts::kRuns, parts::kInstances, instances.size());
  const auto runs = view.Needed<std::uint32_t>(parts::kRunCounts.Of(), Sum(counts));
  if (!view.Fine() || sizes.empty()) return;
  auto run = runs.begin();
  for (std::size_t i = 0; i < instances.size(); ++i) {
    const auto end = run + static_cast<std::ptrdiff_t>(counts[i]);
    if (sizes[2 * i] < 0) {
      run = end;
      continue;
    }
    Rle rle{{sizes[2 * i + 1], sizes[2 * i]}, {run, end}};
    run = end;
    std::uint64_t filled = 0;
    for (const std::uint32_t n : rle.counts) filled += n;
    if (rle.size != size || filled != static_cast<std::uint64_t>(size.Area())) {
      view.Fail(fmt::format("mask of object {} does not fill the picture", i));
      return;
    }
    instances[i].rle = std::move(rle);
  }
}

void ReadAttributes(RowView& view, std::vector<Instance>& instances) {
  const auto counts = view.Counts(parts::kAttributes, parts::kInstances, instances.size());
  const auto bytes =
      view.Needed<std::uint8_t>(Column{parts::Below(parts::kAttributes, parts::kBytes),
                                       std::string(parts::kAttributes),
                                       Element::kU8,
                                       {}},
                                Sum(counts));
  if (!view.Fine()) return;
  auto at = bytes.begin();
  for (std::size_t i = 0; i < instances.size(); ++i) {
    const auto end = at + static_cast<std::ptrdiff_t>(counts[i]);
    const std::string text(at, end);
    at = end;
    if (text.empty()) continue;
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) {
      view.Fail(fmt::format("attributes of object {} are no JSON object", i));
      return;
    }
    for (const auto& [name, value] : json.items()) {
      instances[i].attributes[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
}

}  // namespace

void ReadInstances(RowView& view, Size size, std::vector<Instance>& instances) {
  const std::uint64_t count = view.Count(parts::kInstances);
  const auto ids = view.Needed<std::int64_t>(parts::kId.Of(), count);
  const auto classes = view.Values<std::int32_t>(parts::kClass, count);
  const auto areas = view.Values<double>(parts::kArea, count);
  if (!view.Fine() || count == 0) return;
  instances.resize(ids.size());
  for (std::size_t i = 0; i < instances.size(); ++i) {
    instances[i].id = ids[i];
    if (!classes.empty() && classes[i] >= 0) instances[i].label = classes[i];
    if (!areas.empty() && areas[i] > 0) instances[i].original_area = areas[i];
  }
  ReadBoxes(view, instances);
  ReadPolygons(view, instances);
  ReadKeypoints(view, instances);
  ReadMasks(view, size, instances);
  ReadAttributes(view, instances);
}

}  // namespace pixloom
