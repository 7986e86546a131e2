// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

bool IsFinite(Point p) { return std::isfinite(p.x) && std::isfinite(p.y); }

// What of an object lies inside the picture.
struct Visible {
  bool valid = true;     // every coordinate is a number
  bool outline = false;  // it has something with an area
  double area = 0;
  double full_area = 0;  // of the outline, also outside
  std::array<double, 4> box{0, 0, 0, 0};
  bool point = false;  // some keypoint inside
};

void Include(std::array<double, 4>& box, bool first, Point p) {
  if (first) box = {p.x, p.y, p.x, p.y};
  box = {std::min(box[0], p.x), std::min(box[1], p.y), std::max(box[2], p.x),
         std::max(box[3], p.y)};
}

void LookAtBits(const cv::Mat& bits, Visible& seen) {
  seen.outline = true;
  seen.area = cv::countNonZero(bits);
  seen.full_area = seen.area;
  if (seen.area == 0) return;
  const auto any = [](const cv::Mat& line) { return cv::countNonZero(line) > 0; };
  int x0 = 0, y0 = 0, x1 = bits.cols, y1 = bits.rows;
  while (!any(bits.row(y0))) ++y0;
  while (!any(bits.row(y1 - 1))) --y1;
  while (!any(bits.col(x0))) ++x0;
  while (!any(bits.col(x1 - 1))) --x1;
  seen.box = {1.0 * x0, 1.0 * y0, 1.0 * x1, 1.0 * y1};
}

// An outline is tighter than bits, bits than a quad whose corners went through a turn.
Visible LookAt(const Instance& instance, Size size) {
  Visible seen;
  for (const Keypoint& k : instance.keypoints) {
    const bool inside = k.at.x >= 0 && k.at.y >= 0 && k.at.x <= size.width && k.at.y <= size.height;
    seen.point = seen.point || (inside && k.visibility > 0);
  }
  if (instance.quad) {
    seen.valid = std::all_of(instance.quad->begin(), instance.quad->end(), IsFinite);
  }
  bool first = true;
  for (const Polygon& polygon : instance.polygons) {
    seen.outline = true;
    for (const auto& ring : polygon.rings) {
      seen.valid = seen.valid && std::all_of(ring.begin(), ring.end(), IsFinite);
    }
    if (!seen.valid) return seen;
    const Polygon inside = ClipToImage(polygon, size);
    seen.area += inside.Area();
    seen.full_area += polygon.Area();
    if (inside.rings.empty()) continue;
    for (const Point& p : inside.rings[0]) {
      Include(seen.box, first, p);
      first = false;
    }
  }
  if (!seen.valid || seen.outline) return seen;
  if (instance.HasMask()) {
    LookAtBits(instance.Bits(), seen);
    return seen;
  }
  if (!instance.quad) return seen;
  seen.outline = true;
  const std::vector<Point> corners(instance.quad->begin(), instance.quad->end());
  const std::vector<Point> inside = ClipToImage(corners, size);
  seen.area = std::abs(SignedArea(inside));
  seen.full_area = std::abs(SignedArea(corners));
  for (const Point& p : inside) {
    Include(seen.box, first, p);
    first = false;
  }
  return seen;
}

struct Sanitize {
  double min_area = 0;
  double min_visibility = 0;
  double min_size = 1;
  bool clip = true;
  bool drop_empty = false;

  static constexpr std::string_view kName = "sanitize";
  static constexpr std::string_view kDoc =
      "Drop objects that geometry cut away or made too small, and clip the rest to the picture.";
  static constexpr std::array<std::string_view, 2> kAliases{"SanitizeBoundingBoxes",
                                                            "SanitizeBoundingBox"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("min_area", &Sanitize::min_area)
            .In(0, 1e10)
            .Unit("px^2")
            .Doc("Least area inside the picture."),
        Param("min_visibility", &Sanitize::min_visibility)
            .In(0, 1)
            .Unit("share")
            .Doc("Least share of the original area, at the present scale, that must be left."),
        Param("min_size", &Sanitize::min_size)
            .In(0, kMaxSide)
            .Unit("px")
            .Doc("Least width and height of what is inside the picture."),
        Param("clip", &Sanitize::clip)
            .Doc("Cut outlines and boxes at the edges of the picture; oriented boxes stay whole."),
        Param("drop_empty", &Sanitize::drop_empty)
            .Doc("Filter out pictures that have lost their last object.")};
  }

  SampleStep Draw(Rng&, const Facts& facts) const {
    return {kTargetInstance, [rule = *this, size = facts.size](Sample& sample) {
              rule.Apply(sample, size);
              return std::optional<DataError>();
            }};
  }

 private:
  // "" or why the object goes. Thresholds count as reached when they are missed by rounding only.
  std::string Reason(const Instance& instance, const Visible& seen) const {
    constexpr double kSlack = 1 - 1e-6;
    if (!seen.valid) return "invalid";
    if (!seen.outline) return instance.keypoints.empty() || seen.point ? "" : "outside";
    if (!(seen.area > 0)) return seen.full_area > 0 || instance.HasMask() ? "outside" : "no area";
    if (seen.area < min_area * kSlack) return "below min_area";
    const double original = instance.original_area > 0 ? instance.original_area : seen.full_area;
    if (seen.area < min_visibility * original * kSlack) return "below min_visibility";
    const double side = std::min(seen.box[2] - seen.box[0], seen.box[3] - seen.box[1]);
    if (side < min_size * kSlack) return "below min_size";
    return "";
  }

  void Apply(Sample& sample, Size size) const {
    std::vector<Instance> kept;
    const bool had_objects = !sample.instances.empty();
    for (Instance& instance : sample.instances) {
      const Visible seen = LookAt(instance, size);
      if (const std::string reason = Reason(instance, seen); !reason.empty()) {
        ++sample.counts["objects dropped (" + reason + ")"];
        continue;
      }
      if (clip && seen.outline) Clip(instance, seen, size);
      for (Keypoint& k : instance.keypoints) {
        const bool inside =
            k.at.x >= 0 && k.at.y >= 0 && k.at.x <= size.width && k.at.y <= size.height;
        if (!inside) k.visibility = 0;
      }
      ++sample.counts["objects kept"];
      kept.push_back(std::move(instance));
    }
    sample.instances = std::move(kept);
    if (drop_empty && had_objects && sample.instances.empty()) {
      sample.filtered = true;
      ++sample.counts["pictures without objects"];
    }
  }

  static void Clip(Instance& instance, const Visible& seen, Size size) {
    if (instance.quad && !instance.oriented) {
      instance.quad = BoxQuad(seen.box[0], seen.box[1], seen.box[2], seen.box[3]);
    }
    std::vector<Polygon> inside;
    for (const Polygon& polygon : instance.polygons) {
      Polygon clipped = ClipToImage(polygon, size);
      if (!clipped.rings.empty()) inside.push_back(std::move(clipped));
    }
    instance.polygons = std::move(inside);
  }
};

}  // namespace

void RegisterSanitize(Registry& registry) { registry.AddOperator<Sanitize>(); }

}  // namespace pixloom
