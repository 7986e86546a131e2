// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_instances.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/sidecar.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();

bool Any(const std::vector<const Instance*>& instances, bool (*has)(const Instance&)) {
  return std::any_of(instances.begin(), instances.end(),
                     [&](const Instance* instance) { return has(*instance); });
}

void AddNumbers(const std::vector<const Instance*>& instances, RowBuilder& row) {
  std::vector<std::int64_t> ids;
  std::vector<std::int32_t> classes;
  std::vector<double> areas;
  for (const Instance* instance : instances) {
    ids.push_back(instance->id);
    classes.push_back(instance->label.value_or(-1));
    areas.push_back(instance->original_area > 0 ? instance->original_area
                                                : std::numeric_limits<double>::quiet_NaN());
  }
  row.Add(parts::kId.Of(), ids);
  const auto labelled = [](const Instance& instance) { return instance.label.has_value(); };
  if (Any(instances, labelled)) row.Add(parts::kClass.Of(), classes);
  const auto measured = [](const Instance& instance) { return instance.original_area > 0; };
  if (Any(instances, measured)) row.Add(parts::kArea.Of(), areas);
}

void AddOutlines(const std::vector<const Instance*>& instances, Size size, RowBuilder& row) {
  std::vector<float> boxes, quads, points;
  std::vector<std::uint64_t> ring_counts, point_counts;
  std::vector<std::int32_t> ring_parts;
  bool any_box = false, any_quad = false;
  for (const Instance* instance : instances) {
    const std::vector<Polygon> polygons = VisiblePolygons(*instance, size);
    const auto box = VisibleBox(*instance, polygons, size);
    any_box |= box.has_value();
    for (std::size_t i = 0; i < 4; ++i) {
      boxes.push_back(box ? static_cast<float>((*box)[i]) : kNothing);
    }
    const bool turned = instance->quad && instance->oriented;
    any_quad |= turned;
    for (std::size_t i = 0; i < 4; ++i) {
      quads.push_back(turned ? static_cast<float>((*instance->quad)[i].x) : kNothing);
      quads.push_back(turned ? static_cast<float>((*instance->quad)[i].y) : kNothing);
    }
    std::uint64_t rings = 0;
    for (std::size_t part = 0; part < polygons.size(); ++part) {
      for (const std::vector<Point>& ring : polygons[part].rings) {
        ring_parts.push_back(static_cast<std::int32_t>(part));
        point_counts.push_back(ring.size());
        for (const Point& p : ring) {
          points.push_back(static_cast<float>(p.x));
          points.push_back(static_cast<float>(p.y));
        }
        ++rings;
      }
    }
    ring_counts.push_back(rings);
  }
  if (any_box) row.Add(parts::kBox.Of(), boxes);
  if (any_quad) row.Add(parts::kQuad.Of(), quads);
  row.AddGroup(parts::kRings, parts::kInstances, ring_counts);
  row.Add(parts::kRingPart.Of(), ring_parts);
  row.AddGroup(parts::kRingPoints, parts::kRings, point_counts);
  row.Add(parts::kRingXy.Of(), points);
}

std::array<float, 3> PointOf(const Keypoint& keypoint, Size size) {
  return {static_cast<float>(keypoint.at.x), static_cast<float>(keypoint.at.y),
          static_cast<float>(VisibilityIn(keypoint, size))};
}

std::optional<DataError> AddKeypoints(const std::vector<const Instance*>& instances, Size size,
                                      int named, RowBuilder& row) {
  if (!Any(instances, [](const Instance& instance) { return !instance.keypoints.empty(); })) {
    return std::nullopt;
  }
  std::vector<float> points;
  if (named == 0) {
    std::vector<std::uint64_t> counts;
    for (const Instance* instance : instances) {
      counts.push_back(instance->keypoints.size());
      for (const Keypoint& keypoint : instance->keypoints) {
        const auto point = PointOf(keypoint, size);
        points.insert(points.end(), point.begin(), point.end());
      }
    }
    row.AddGroup(parts::kPoints, parts::kInstances, counts);
    row.Add(parts::kPointXyv.Of(), points);
    return std::nullopt;
  }
  const auto each = static_cast<std::size_t>(named);
  for (const Instance* instance : instances) {
    if (instance->keypoints.size() > each) {
      return DataError{"LBL-POINTS",
                       fmt::format("object {} has {} keypoints; the data set names {}",
                                   instance->id, instance->keypoints.size(), each),
                       "", ""};
    }
    for (const Keypoint& keypoint : instance->keypoints) {
      const auto point = PointOf(keypoint, size);
      points.insert(points.end(), point.begin(), point.end());
    }
    points.insert(points.end(), 3 * (each - instance->keypoints.size()), kNothing);
  }
  row.Add(
      {std::string(parts::kKeypoints), std::string(parts::kInstances), Element::kF32, {each, 3}},
      points);
  return std::nullopt;
}

void AddMasks(const std::vector<const Instance*>& instances, RowBuilder& row) {
  if (!Any(instances, [](const Instance& instance) { return instance.HasMask(); })) return;
  std::vector<std::int32_t> sizes;
  std::vector<std::uint64_t> counts;
  std::vector<std::uint32_t> runs;
  for (const Instance* instance : instances) {
    if (!instance->HasMask()) {
      sizes.insert(sizes.end(), {-1, -1});
      counts.push_back(0);
      continue;
    }
    const Rle rle = instance->rle ? *instance->rle : EncodeRle(instance->mask);
    sizes.insert(sizes.end(), {rle.size.height, rle.size.width});
    counts.push_back(rle.counts.size());
    runs.insert(runs.end(), rle.counts.begin(), rle.counts.end());
  }
  row.Add(parts::kMaskSize.Of(), sizes);
  row.AddGroup(parts::kRuns, parts::kInstances, counts);
  row.Add(parts::kRunCounts.Of(), runs);
}

void AddAttributes(const std::vector<const Instance*>& instances, RowBuilder& row) {
  const auto text = [](std::string_view s) { return IsUtf8(s) ? std::string(s) : EscapeName(s); };
  std::vector<std::uint64_t> counts;
  std::vector<std::uint8_t> bytes;
  for (const Instance* instance : instances) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const auto& [name, value] : instance->attributes) json[text(name)] = text(value);
    const std::string dumped = json.empty() ? "" : json.dump();
    counts.push_back(dumped.size());
    bytes.insert(bytes.end(), dumped.begin(), dumped.end());
  }
  row.AddBytes(parts::kAttributes, parts::kInstances, counts, bytes);
}

}  // namespace

std::optional<DataError> AddInstances(const std::vector<const Instance*>& instances, Size size,
                                      const SetLayoutSpec& spec, RowBuilder& row) {
  if (instances.empty()) return std::nullopt;
  row.AddGroup(parts::kInstances, "", {instances.size()});
  AddNumbers(instances, row);
  AddOutlines(instances, size, row);
  AddMasks(instances, row);
  AddAttributes(instances, row);
  return AddKeypoints(instances, size, spec.keypoints, row);
}

}  // namespace pixloom
