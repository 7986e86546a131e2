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
#include "tests/support/run_chain.h"

namespace pixloom::testing {
namespace {

constexpr int kSide = 256;
constexpr double kPi = 3.14159265358979323846;

// Share of each pixel inside the rings (even-odd): exact along rows, 8 rows per pixel.
cv::Mat Coverage(const std::vector<std::vector<Point>>& rings, Size size) {
  constexpr int kRows = 8;
  cv::Mat covered = cv::Mat::zeros(size.height, size.width, CV_32F);
  for (int line = 0; line < size.height * kRows; ++line) {
    const double y = (line + 0.5) / kRows;
    std::vector<double> crossings;
    for (const auto& ring : rings) {
      for (std::size_t i = 0; i < ring.size(); ++i) {
        const Point a = ring[i];
        const Point b = ring[(i + 1) % ring.size()];
        if ((a.y <= y) != (b.y <= y)) {
          crossings.push_back(a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y));
        }
      }
    }
    std::sort(crossings.begin(), crossings.end());
    auto* row = covered.ptr<float>(line / kRows);
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const double from = std::clamp<double>(crossings[i], 0, size.width);
      const double to = std::clamp<double>(crossings[i + 1], 0, size.width);
      for (int x = static_cast<int>(from); x < to; ++x) {
        const double share = std::min<double>(to, x + 1) - std::max<double>(from, x);
        row[x] += static_cast<float>(share / kRows);
      }
    }
  }
  return covered;
}

cv::Mat Levels(const cv::Mat& covered) {
  cv::Mat levels;
  covered.convertTo(levels, CV_8U, 255);
  return levels;
}

cv::Mat Dot(Point at, Size size) {
  cv::Mat dot(size.height, size.width, CV_32F);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const double dx = x + 0.5 - at.x, dy = y + 0.5 - at.y;
      dot.at<float>(y, x) = static_cast<float>(std::exp(-(dx * dx + dy * dy) / 8));
    }
  }
  return dot;
}

struct Ring {
  Point centre;
  double radius_x, radius_y, turn;
};

std::vector<Point> Corners(const Ring& r, int count) {
  std::vector<Point> ring;
  for (int i = 0; i < count; ++i) {
    const double angle = 2 * kPi * (i + 0.5) / count;
    const double scale = count == 4 ? std::sqrt(2.0) : 1;
    const double x = r.radius_x * scale * std::cos(angle), y = r.radius_y * scale * std::sin(angle);
    ring.emplace_back(r.centre.x + x * std::cos(r.turn) - y * std::sin(r.turn),
                      r.centre.y + x * std::sin(r.turn) + y * std::cos(r.turn));
  }
  return ring;
}

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

double Iou(const cv::Mat& a, const cv::Mat& b) {
  const double both = cv::countNonZero(a & b);
  const double either = cv::countNonZero(a | b);
  return either > 0 ? both / either : 1;
}

// Where the levels of neighbouring pixels pass the half: the outline of what is drawn, to a
// fraction of a pixel; the edge of the picture counts where it cuts.
std::vector<Point> OutlineOf(const cv::Mat& levels) {
  constexpr double kHalf = 127.5;
  std::vector<Point> points;
  const auto at = [&](int x, int y) -> double { return levels.at<std::uint8_t>(y, x); };
  for (int y = 0; y < levels.rows; ++y) {
    for (int x = 0; x < levels.cols; ++x) {
      const double here = at(x, y);
      const Point centre(x + 0.5, y + 0.5);
      if (x + 1 < levels.cols && (here > kHalf) != (at(x + 1, y) > kHalf)) {
        points.push_back(centre + Point((kHalf - here) / (at(x + 1, y) - here), 0));
      }
      if (y + 1 < levels.rows && (here > kHalf) != (at(x, y + 1) > kHalf)) {
        points.push_back(centre + Point(0, (kHalf - here) / (at(x, y + 1) - here)));
      }
      if (here <= kHalf) continue;
      if (x == 0) points.emplace_back(0, centre.y);
      if (y == 0) points.emplace_back(centre.x, 0);
      if (x + 1 == levels.cols) points.emplace_back(levels.cols, centre.y);
      if (y + 1 == levels.rows) points.emplace_back(centre.x, levels.rows);
    }
  }
  return points;
}

// The rectangle around the points with sides along `u` and across.
template <class Points>
std::array<double, 4> BoundsAlong(const Points& points, Point u) {
  std::array<double, 4> b{1e9, 1e9, -1e9, -1e9};
  const Point v(-u.y, u.x);
  for (const Point& p : points) {
    b = {std::min(b[0], p.dot(u)), std::min(b[1], p.dot(v)), std::max(b[2], p.dot(u)),
         std::max(b[3], p.dot(v))};
  }
  return b;
}

double BoxIou(const std::array<double, 4>& a, const std::array<double, 4>& b) {
  const auto area = [](const std::array<double, 4>& r) {
    return std::max(0.0, r[2] - r[0]) * std::max(0.0, r[3] - r[1]);
  };
  const std::array<double, 4> both{std::max(a[0], b[0]), std::max(a[1], b[1]), std::min(a[2], b[2]),
                                   std::min(a[3], b[3])};
  const double shared = area(both);
  return shared / (area(a) + area(b) - shared);
}

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
      const ChainUnderTest look(chain);
      Findings found;
      for (int copy = 0; copy < (prove ? 60 : 4); ++copy) {
        Sample moved = scene.Clone();
        for (Instance& instance : moved.instances) {
          instance.original_area =
              instance.quad ? std::abs(SignedArea({instance.quad->begin(), instance.quad->end()}))
                            : instance.polygons[0].Area();
        }
        Compare(look.Run(std::move(moved), static_cast<std::uint32_t>(copy)), found);
      }
      MESSAGE(
          fmt::format("{:<24} dots {:.3f} px, angles {:.3f}, outlines {:.4f}, bits {:.4f}, "
                      "classes {:.4f}, boxes {:.4f}, oriented {:.4f}  ({} {} {}) {}",
                      name, found.worst_dot, found.worst_angle, found.worst_polygon,
                      found.worst_bits, found.worst_class, found.worst_box, found.worst_oriented,
                      found.dots, found.outlines, found.boxes, args));
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

}  // namespace pixloom::testing
