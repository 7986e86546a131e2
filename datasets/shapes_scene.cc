// SPDX-License-Identifier: Apache-2.0
#include "datasets/shapes_scene.h"

#include <algorithm>
#include <cmath>

#include "pipeline/exact_math.h"

namespace pixloom::shapes {

namespace {

constexpr int kRoundSides = 48;  // a disc is a 48-gon, in the picture as in the labels
constexpr int kTries = 48;
constexpr int kRounds = 8;
constexpr double kEdgeMargin = 2;  // px between an object's frame and the border
constexpr double kGap = 3;         // px between objects that must not touch

using Ring = std::vector<Point>;

// Position on a circle, clockwise from the top, `turn` in whole turns.
Point OnCircle(double turn) {
  const double angle = 2 * exact::kPi * turn;
  return {exact::Sin(angle), -exact::Cos(angle)};
}

Ring Circle(double radius) {
  Ring ring;
  for (int i = 0; i < kRoundSides; ++i) ring.push_back(OnCircle(i / double{kRoundSides}) * radius);
  return ring;
}

// Outlines are mirror-symmetric about the vertical axis of the frame and touch all four sides of
// [-1,1]x[-1,1], wound clockwise on screen.
std::vector<Ring> UnitOutline(Kind kind, double detail) {
  switch (kind) {
    case Kind::kDisc:
      return {Circle(1)};
    case Kind::kSquare:
    case Kind::kRectangle:
      return {{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}}};
    case Kind::kTriangle:
      return {{{0, -1}, {1, 1}, {-1, 1}}};
    case Kind::kStar: {
      const double inner = 0.44 + 0.12 * detail;
      Ring ring;
      for (int i = 0; i < 10; ++i) ring.push_back(OnCircle(i / 10.0) * (i % 2 == 0 ? 1.0 : inner));
      // Five points reach less far down and sideways than up.
      const double side = ring[2].x;
      const double low = ring[4].y;
      for (Point& p : ring) p = {p.x / side, (p.y + 1) / (low + 1) * 2 - 1};
      return {ring};
    }
    case Kind::kRing: {
      Ring hole = Circle(0.5 + 0.15 * detail);
      std::reverse(hole.begin(), hole.end());
      return {Circle(1), hole};
    }
    case Kind::kCross: {
      const double a = 0.3 + 0.12 * detail;
      return {{{-a, -1},
               {a, -1},
               {a, -a},
               {1, -a},
               {1, a},
               {a, a},
               {a, 1},
               {-a, 1},
               {-a, a},
               {-1, a},
               {-1, -a},
               {-a, -a}}};
    }
    case Kind::kArrow: {
      const double shaft = 0.36 + 0.14 * detail;
      const double neck = -0.05 + 0.15 * detail;
      return {
          {{0, -1}, {1, neck}, {shaft, neck}, {shaft, 1}, {-shaft, 1}, {-shaft, neck}, {-1, neck}}};
    }
  }
  return {};
}

// Where left, right and top sit on that outline.
std::array<Point, kKeypoints> UnitKeypoints(Kind kind, const std::vector<Ring>& outline) {
  switch (kind) {
    case Kind::kTriangle:
      return {Point{0, 0}, {-1, 1}, {1, 1}, {0, -1}};
    case Kind::kStar:
      return {Point{0, 0}, outline[0][8], outline[0][2], {0, -1}};
    case Kind::kArrow:
      return {Point{0, 0}, outline[0][6], outline[0][1], {0, -1}};
    default:
      return {Point{0, 0}, {-1, 0}, {1, 0}, {0, -1}};
  }
}

double Snap(double v) { return std::floor(v * kUnitsPerPixel + 0.5) / kUnitsPerPixel; }

// Height of a frame over its width; arrows are taller than wide, so their width is what varies.
double Aspect(Kind kind, double unit) {
  switch (kind) {
    case Kind::kRectangle:
      return 0.42 + 0.28 * unit;
    case Kind::kTriangle:
      return 0.82 + 0.18 * unit;
    case Kind::kStar:
      return 0.951;  // regular
    case Kind::kArrow:
      return 1.2 + 0.3 * unit;
    default:
      return 1;
  }
}

}  // namespace

const char* KindName(Kind kind) {
  static constexpr std::array<const char*, kKinds> kNames{"disc", "square", "rectangle", "triangle",
                                                          "star", "ring",   "cross",     "arrow"};
  return kNames[static_cast<std::size_t>(kind)];
}

SceneStreams::SceneStreams(std::uint64_t seed, std::uint64_t scene)
    : key(DrawKey(seed, 0, {})), index(scene) {}

StreamKey SceneStreams::Layout() const { return {key, index, StreamId("shapes/layout")}; }

StreamKey SceneStreams::Mood() const { return {key, index, StreamId("shapes/mood")}; }

StreamKey SceneStreams::Backdrop() const { return {key, index, StreamId("shapes/backdrop")}; }

StreamKey SceneStreams::Look(int object) const {
  return {key, index, StreamId("shapes/look") + static_cast<std::uint32_t>(object)};
}

Object MakeObject(Kind kind, Point centre, double half_width, double half_height, double angle,
                  double detail) {
  const Point across{exact::Cos(angle), exact::Sin(angle)};
  const Point down{-across.y, across.x};
  const auto place = [&](Point unit) {
    const Point p = centre + across * (unit.x * half_width) + down * (unit.y * half_height);
    return Point{Snap(p.x), Snap(p.y)};
  };

  const std::vector<Ring> outline = UnitOutline(kind, detail);
  Object object;
  object.kind = kind;
  object.centre = centre;
  object.angle = angle;
  object.length = 2 * std::max(half_width, half_height);
  for (const Ring& unit : outline) {
    Ring& ring = object.polygon.rings.emplace_back();
    for (Point p : unit) ring.push_back(place(p));
  }
  const auto keypoints = UnitKeypoints(kind, outline);
  std::transform(keypoints.begin(), keypoints.end(), object.keypoints.begin(), place);

  // The frame is measured on the snapped outline, so that it holds every vertex.
  double u0 = 0, u1 = 0, v0 = 0, v1 = 0, radius2 = 0;
  for (Point p : object.polygon.rings[0]) {
    const Point d = p - centre;
    u0 = std::min(u0, d.dot(across));
    u1 = std::max(u1, d.dot(across));
    v0 = std::min(v0, d.dot(down));
    v1 = std::max(v1, d.dot(down));
    radius2 = std::max(radius2, d.dot(d));
  }
  const auto corner = [&](double u, double v) { return centre + across * u + down * v; };
  object.frame = {corner(u0, v0), corner(u1, v0), corner(u1, v1), corner(u0, v1)};
  object.radius = std::sqrt(radius2);
  return object;
}

namespace {

// Everything about an object but its place and size.
struct Wish {
  Kind kind;
  double size;  // 0..1 between smallest and largest
  double aspect;
  double detail;
  double angle;
};

Wish DrawWish(Rng& rng) {
  Wish wish;
  wish.kind = static_cast<Kind>(rng.Below({}, kKinds));
  wish.size = rng.Uniform({}, 0.1, 1);
  wish.aspect = Aspect(wish.kind, rng.Unit());
  wish.detail = rng.Unit();
  wish.angle = rng.Uniform({}, 0, 2 * exact::kPi);
  return wish;
}

bool Near(const Object& a, const Object& b) {
  const Point d = a.centre - b.centre;
  const double apart = a.radius + b.radius + kGap;
  return d.dot(d) < apart * apart;
}

// Adds the object where there is room. Later tries settle for less, down to the smallest size.
bool Place(const SceneSpec& spec, const Wish& wish, double largest, Rng& rng,
           std::vector<Object>& objects) {
  const double c = std::fabs(exact::Cos(wish.angle));
  const double s = std::fabs(exact::Sin(wish.angle));
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const double patience = 1 - static_cast<double>(attempt) / (kTries - 1);
    const double extra = (largest - spec.min_object) * wish.size * patience;
    const double half = (spec.min_object + extra) / 2;
    const double half_width = wish.aspect > 1 ? half / wish.aspect : half;
    const double half_height = wish.aspect > 1 ? half : half * wish.aspect;
    const double reach_x = half_width * c + half_height * s + kEdgeMargin;
    const double reach_y = half_width * s + half_height * c + kEdgeMargin;
    const Point centre{rng.Uniform({}, reach_x, std::max(reach_x, spec.size.width - reach_x)),
                       rng.Uniform({}, reach_y, std::max(reach_y, spec.size.height - reach_y))};
    if (2 * reach_x > spec.size.width || 2 * reach_y > spec.size.height) continue;

    Object object = MakeObject(wish.kind, centre, half_width, half_height, wish.angle, wish.detail);
    const auto blocks = [&](const Object& other) { return Near(object, other); };
    if (!spec.overlap && std::any_of(objects.begin(), objects.end(), blocks)) continue;
    objects.push_back(std::move(object));
    return true;
  }
  return false;
}

}  // namespace

std::vector<Object> PlanObjects(const SceneSpec& spec, const SceneStreams& streams) {
  Rng rng(streams.Layout());
  const int spread = spec.objects_max - spec.objects_min + 1;
  const int wanted =
      spec.objects_min + static_cast<int>(rng.Below({}, static_cast<std::uint32_t>(spread)));

  // A lone object may be large; a crowd shares the space.
  const double shorter = std::min(spec.size.width, spec.size.height);
  double share = std::min(0.74 / std::sqrt(std::max(wanted, 1)), 0.56);
  std::vector<Object> best;
  for (int round = 0; round < kRounds && static_cast<int>(best.size()) < wanted; ++round) {
    // What could not be placed may fit when all start again a little smaller.
    const double largest = std::max<double>(spec.min_object, shorter * share);
    share *= 0.85;
    std::vector<Object> objects;
    for (int i = 0; i < wanted; ++i) {
      if (!Place(spec, DrawWish(rng), largest, rng, objects)) break;
    }
    if (objects.size() > best.size()) best = std::move(objects);
  }
  return best;
}

}  // namespace pixloom::shapes
