// SPDX-License-Identifier: Apache-2.0
// Labels follow pixels, under every operator that moves them. Objects are drawn into pictures of
// their own, which move as pixels do; then what arrived is compared with the labels that moved as
// labels do: a dot with its keypoint, a filled outline with its polygon, its bits, its box and its
// oriented box, an index in a semantic mask with the outline of its object.
//
// PIXLOOM_PROVE=1 draws more often; PIXLOOM_OP=WORD takes only operators with this word in them.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "api/pixloom.h"
#include "tests/ops/alignment_table.h"
#include "tests/support/drawn_objects.h"
#include "tests/support/run_chain.h"

namespace pixloom::testing {
namespace {

constexpr int kSide = 256;

// Object k has the polygon in field "pk", its box in "bk", its oriented box in "ok", dots in "dk".
// Polygons and boxes belong to instances of their own, so that one cannot stand in for the other.
Sample Scene() {
  const Size size{kSide, kSide};
  Sample sample;
  sample.images.emplace_back("image",
                             ImageField::Of(cv::Mat(kSide, kSide, CV_8UC3, cv::Scalar(90))));
  const auto add = [&](const std::string& name, const cv::Mat& pixels) {
    sample.images.emplace_back(name, ImageField::Of(pixels));
  };
  cv::Mat classes(kSide, kSide, CV_8U, cv::Scalar(0));
  const std::vector<Ring> places{{{66.3, 67.8}, 52, 40, 0.4},
                                 {{187.5, 66.2}, 42, 52, -0.7},
                                 {{68.7, 186.1}, 44, 46, 0.2},
                                 {{185.2, 184.6}, 54, 40, 1.1}};
  for (std::size_t k = 0; k < places.size(); ++k) {
    const Ring& place = places[k];
    Instance polygon;
    polygon.id = static_cast<std::int64_t>(sample.instances.size());
    std::vector<Point> outline = Corners(place, 7);
    std::vector<Point> hole = Corners({place.centre, place.radius_x / 4, place.radius_y / 4, 0}, 5);
    const cv::Mat covered = Coverage({outline, hole}, size);
    polygon.polygons.push_back({{outline, hole}});
    polygon.mask = covered > 0.5;
    if (k % 2 == 1) {
      polygon.rle = EncodeRle(polygon.mask);
      polygon.mask = cv::Mat();
    }
    classes.setTo(static_cast<int>(k) + 1, covered > 0.5);
    add(fmt::format("p{}", k), Levels(covered));
    sample.instances.push_back(std::move(polygon));

    Instance box;
    box.id = static_cast<std::int64_t>(sample.instances.size());
    box.quad = BoxQuad(place.centre.x - place.radius_x, place.centre.y - place.radius_y,
                       place.centre.x + place.radius_x, place.centre.y + place.radius_y);
    add(fmt::format("b{}", k), Levels(Coverage({{box.quad->begin(), box.quad->end()}}, size)));
    // Points along the middle of the box, and one a little further in the direction of each.
    for (int i = 0; i < 3; ++i) {
      const Point at = place.centre + Point(14.0 * (i - 1), 9.0 * (i - 1));
      const double angle = 0.9 * i - 0.5;
      box.keypoints.push_back({at, 2, angle, 1});
      box.keypoints.push_back({at + Point(std::cos(angle), std::sin(angle)) * 0.25, 2, angle, 1});
      add(fmt::format("d{}{}", k, i), Dot(at, size));
    }
    sample.instances.push_back(std::move(box));

    Instance oriented;
    oriented.id = static_cast<std::int64_t>(sample.instances.size());
    const std::vector<Point> corners = Corners(place, 4);
    oriented.quad = Quad{corners[2], corners[3], corners[0], corners[1]};
    oriented.oriented = true;
    add(fmt::format("o{}", k), Levels(Coverage({corners}, size)));
    sample.instances.push_back(std::move(oriented));
  }
  sample.masks["classes"] = {classes, 255};
  return sample;
}

// ---- Comparing ----------------------------------------------------------------------------------

struct Findings {
  double worst_dot = 0, worst_polygon = 1, worst_bits = 1, worst_class = 1, worst_box = 1,
         worst_oriented = 1, worst_angle = 0;
  int dots = 0, outlines = 0, boxes = 0;
};

// Large enough to be judged by its pixels, and not cut to a sliver.
bool Judged(const cv::Mat& set, double original) {
  const int area = cv::countNonZero(set);
  return area >= 32 * 32 && area >= 0.25 * original;
}

void Compare(const Sample& after, Findings& found) {
  const auto pixels = [&](const std::string& name) -> const cv::Mat& {
    return after.Image(name)->frames[0].pixels;
  };
  const auto bytes = [&](const std::string& name) {
    cv::Mat converted;
    pixels(name).convertTo(converted, CV_8U);
    return converted;
  };
  const Size size = after.Image()->frames[0].size();
  std::map<std::int64_t, const Instance*> objects;
  for (const Instance& instance : after.instances) objects[instance.id] = &instance;
  for (int k = 0; k < 4; ++k) {
    const auto find = [&](int part) {
      const auto it = objects.find(3 * k + part);
      return it == objects.end() ? nullptr : it->second;
    };
    const Instance* polygon = find(0);
    const cv::Mat outline = pixels(fmt::format("p{}", k)) > 127;
    const double grown =
        polygon != nullptr && polygon->original_area > 0 ? polygon->original_area : 0;
    if (polygon != nullptr && Judged(outline, grown)) {
      std::vector<std::vector<Point>> rings;
      for (const Polygon& p : polygon->polygons) {
        for (const auto& ring : p.rings) rings.push_back(ring);
      }
      found.worst_polygon =
          std::min(found.worst_polygon, Iou(outline, Coverage(rings, size) > 0.5));
      found.worst_bits = std::min(found.worst_bits, Iou(outline, polygon->Bits() > 0));
      found.worst_class =
          std::min(found.worst_class, Iou(outline, after.masks.at("classes").pixels == k + 1));
      ++found.outlines;
    }
    const Instance* box = find(1);
    const cv::Mat filled = bytes(fmt::format("b{}", k));
    if (box != nullptr && Judged(filled > 127, box->original_area)) {
      const auto own =
          BoundsAlong(ClipToImage({box->quad->begin(), box->quad->end()}, size), {1, 0});
      found.worst_box =
          std::min(found.worst_box, BoxIou(own, BoundsAlong(OutlineOf(filled), {1, 0})));
      ++found.boxes;
    }
    const Instance* oriented = find(2);
    const cv::Mat turned = bytes(fmt::format("o{}", k));
    if (oriented != nullptr && Judged(turned > 127, oriented->original_area)) {
      const Quad& q = *oriented->quad;
      const bool whole = std::all_of(q.begin(), q.end(), [&](Point p) {
        return p.x >= 1 && p.y >= 1 && p.x <= size.width - 1 && p.y <= size.height - 1;
      });
      const Point u = (q[1] - q[0]) / std::sqrt((q[1] - q[0]).dot(q[1] - q[0]));
      // A rectangle is compared along its own direction; other quads by what they cover.
      if (whole && std::abs((q[3] - q[0]).dot(u)) < 0.5) {
        found.worst_oriented = std::min(
            found.worst_oriented, BoxIou(BoundsAlong(q, u), BoundsAlong(OutlineOf(turned), u)));
      } else if (whole) {
        const cv::Mat own = Coverage({{q.begin(), q.end()}}, size) > 0.5;
        found.worst_oriented = std::min(found.worst_oriented, Iou(turned > 127, own));
      }
    }
    if (box == nullptr) continue;
    for (int i = 0; i < 3; ++i) {
      const Keypoint& point = box->keypoints[static_cast<std::size_t>(2 * i)];
      const Point ahead = box->keypoints[static_cast<std::size_t>(2 * i + 1)].at - point.at;
      constexpr double kMargin = 12;
      if (point.at.x < kMargin || point.at.y < kMargin || point.at.x > size.width - kMargin ||
          point.at.y > size.height - kMargin) {
        continue;
      }
      const cv::Mat& dot = pixels(fmt::format("d{}{}", k, i));
      // The core of the dot: under a field its tail already moves another way.
      double mass = 0;
      Point centre;
      for (int y = 0; y < dot.rows; ++y) {
        for (int x = 0; x < dot.cols; ++x) {
          const double w = std::max(0.0F, dot.at<float>(y, x) - 0.4F);
          mass += w;
          centre += Point(x + 0.5, y + 0.5) * w;
        }
      }
      if (mass < 2) continue;  // lies outside, or was shrunk to nothing
      centre /= mass;
      const Point off = centre - point.at;
      found.worst_dot = std::max(found.worst_dot, std::sqrt(off.dot(off)));
      const double angle = std::atan2(ahead.y, ahead.x);
      found.worst_angle =
          std::max(found.worst_angle, std::abs(std::remainder(angle - point.angle, 2 * kPi)));
      ++found.dots;
    }
  }
}

Findings MovedBy(const std::string& chain, const Sample& scene, int copies) {
  const ChainUnderTest look(chain);
  Findings found;
  for (int copy = 0; copy < copies; ++copy) {
    Sample moved = scene.Clone();
    for (Instance& instance : moved.instances) {
      instance.original_area =
          instance.quad ? std::abs(SignedArea({instance.quad->begin(), instance.quad->end()}))
                        : instance.polygons[0].Area();
    }
    Compare(look.Run(std::move(moved), static_cast<std::uint32_t>(copy)), found);
  }
  return found;
}

std::string Text(const Findings& found) {
  return fmt::format(
      "dots {:.3f} px, angles {:.3f}, outlines {:.4f}, bits {:.4f}, classes {:.4f}, boxes {:.4f}, "
      "oriented {:.4f}  ({} {} {})",
      found.worst_dot, found.worst_angle, found.worst_polygon, found.worst_bits, found.worst_class,
      found.worst_box, found.worst_oriented, found.dots, found.outlines, found.boxes);
}

}  // namespace

TEST_CASE("labels follow pixels under every geometric operator") {
  const bool prove = std::getenv("PIXLOOM_PROVE") != nullptr;
  const char* only = std::getenv("PIXLOOM_OP");
  const Sample scene = Scene();
  int operators = 0;
  for (const auto& [name, info] : BuiltIns().Operators()) {
    if (!info.IsGeometric()) continue;
    if (only != nullptr && name.find(only) == std::string::npos) continue;
    ++operators;
    const Exemption* exempt = FindExemption(name);
    for (const std::string& args : AlignmentArguments(info)) {
      const std::string chain = fmt::format("[{{{}: {}}}]", name, args);
      CAPTURE(chain);
      const Findings found = MovedBy(chain, scene, prove ? 60 : 4);
      MESSAGE(fmt::format("{:<24} {} {}", name, Text(found), args));
      CHECK(found.outlines + found.boxes >= 4);
      if (exempt != nullptr && !exempt->only_dots) continue;
      if (exempt == nullptr) CHECK(found.worst_dot < 0.5);
      // A field's slope jumps from pixel to pixel; the two points lie a quarter pixel apart.
      const bool field =
          std::find(info.classes.begin(), info.classes.end(), "field") != info.classes.end();
      CHECK(found.worst_angle < (field ? 0.25 : 1e-2));
      CHECK(found.worst_polygon > 0.97);
      CHECK(found.worst_bits > 0.97);
      CHECK(found.worst_class > 0.97);
      CHECK(found.worst_box > 0.97);
      CHECK(found.worst_oriented > 0.97);
    }
  }
  CHECK(operators > (only == nullptr ? 5 : 0));
}

// Their photometric steps keep to the picture; geometry moves the fields with the objects, too.
TEST_CASE("labels follow pixels under every policy") {
  const bool prove = std::getenv("PIXLOOM_PROVE") != nullptr;
  const Sample scene = Scene();
  for (const auto& [name, info] : BuiltIns().Policies()) {
    for (const std::string& args : PolicyArguments(name)) {
      const std::string chain = fmt::format("[{{{}: {}, fields: [image]}}]", name, args);
      CAPTURE(chain);
      const Findings found = MovedBy(chain, scene, prove ? 200 : 16);
      MESSAGE(fmt::format("{:<24} {} {}", name, Text(found), args));
      CHECK(found.outlines + found.boxes >= 16);
      CHECK(found.dots >= 16);
      CHECK(found.worst_dot < 0.5);
      CHECK(found.worst_angle < 1e-2);
      CHECK(found.worst_polygon > 0.97);
      CHECK(found.worst_bits > 0.97);
      CHECK(found.worst_class > 0.97);
      CHECK(found.worst_box > 0.97);
      CHECK(found.worst_oriented > 0.97);
    }
  }
}

}  // namespace pixloom::testing
