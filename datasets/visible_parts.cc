// SPDX-License-Identifier: Apache-2.0
#include "datasets/visible_parts.h"

#include <algorithm>

#include <fmt/format.h>

#include "pipeline/labels.h"

namespace pixloom {

std::vector<const Instance*> VisibleInstances(const Sample& sample, Size size) {
  std::vector<const Instance*> visible;
  for (const Instance& instance : sample.instances) {
    // An object without any part is a statement about the whole picture.
    const bool has_part = instance.quad || !instance.polygons.empty() || instance.HasMask() ||
                          !instance.keypoints.empty();
    if (!has_part || IsVisible(instance, size)) visible.push_back(&instance);
  }
  return visible;
}

std::optional<Box> BoxAround(const std::vector<Point>& points) {
  if (points.empty()) return std::nullopt;
  Box box{points[0].x, points[0].y, points[0].x, points[0].y};
  for (const Point& p : points) {
    box = {std::min(box[0], p.x), std::min(box[1], p.y), std::max(box[2], p.x),
           std::max(box[3], p.y)};
  }
  return box;
}

std::vector<Polygon> VisiblePolygons(const Instance& instance, Size size) {
  std::vector<Polygon> visible;
  for (const Polygon& polygon : instance.polygons) {
    Polygon clipped = ClipToImage(polygon, size);
    if (!clipped.rings.empty()) visible.push_back(std::move(clipped));
  }
  return visible;
}

std::optional<Box> VisibleBox(const Instance& instance, const std::vector<Polygon>& visible,
                              Size size) {
  if (!instance.quad) return std::nullopt;
  // The outline, where there is one, gives a tighter box than the mapped corners.
  std::vector<Point> outline;
  for (const Polygon& polygon : visible) {
    outline.insert(outline.end(), polygon.rings[0].begin(), polygon.rings[0].end());
  }
  if (outline.empty()) {
    outline = ClipToImage(std::vector<Point>{instance.quad->begin(), instance.quad->end()}, size);
  }
  return BoxAround(outline);
}

int VisibilityIn(const Keypoint& keypoint, Size size) {
  const Point p = keypoint.at;
  const bool inside = p.x >= 0 && p.y >= 0 && p.x <= size.width && p.y <= size.height;
  return inside ? keypoint.visibility : 0;
}

Result<cv::Mat> InstanceMap(const std::vector<const Instance*>& visible, Size size) {
  if (visible.size() > 65535) {
    return DataError{"ENC-TYPE",
                     fmt::format("{} objects; a 16-bit instance map holds 65535", visible.size()),
                     "", ""};
  }
  cv::Mat map;
  for (std::size_t i = 0; i < visible.size(); ++i) {
    if (!visible[i]->HasMask()) continue;
    const cv::Mat mask = visible[i]->Bits();
    PIXLOOM_CHECK(mask.cols == size.width && mask.rows == size.height,
                  "instance mask of another size than the image");
    if (map.empty()) map = cv::Mat::zeros(size.height, size.width, CV_16UC1);
    map.setTo(static_cast<double>(i + 1), mask);
  }
  return map;
}

}  // namespace pixloom
