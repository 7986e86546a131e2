// SPDX-License-Identifier: Apache-2.0
// What stands where in a scene of the `shapes` source: classes, outlines, placement. No pixels.
//
// Pure functions of their arguments; plain values.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pipeline/geometry.h"
#include "pipeline/rng.h"

namespace pixloom::shapes {

enum class Kind { kDisc, kSquare, kRectangle, kTriangle, kStar, kRing, kCross, kArrow };
inline constexpr int kKinds = 8;

const char* KindName(Kind kind);

enum KeypointIndex { kCentre, kLeft, kRight, kTop };
inline constexpr int kKeypoints = 4;

// Coordinates of outlines are multiples of 1/256 px. That makes every raster test exact in
// integers, and shoelace sums and even-odd tests exact in doubles.
inline constexpr int kUnitsPerPixel = 256;

struct Object {
  Kind kind = Kind::kDisc;
  Point centre;       // of the frame
  double angle = 0;   // of the object's frame, radians, y down
  double length = 0;  // longest side of the object's frame, px
  double radius = 0;  // of the circle about `centre` that holds the outline
  Polygon polygon;    // ring 0 the outline, then holes, wound the other way
  Quad frame;         // smallest rectangle along the object's own axes, from its top left
  std::array<Point, kKeypoints> keypoints;
};

struct SceneSpec {
  Size size;
  int objects_min = 1;
  int objects_max = 5;
  int min_object = 32;
  bool overlap = false;
};

// Streams of one scene; each kind of decision has its own, so that none shifts another.
struct SceneStreams {
  std::uint64_t key = 0;
  std::uint64_t index = 0;

  SceneStreams(std::uint64_t seed, std::uint64_t scene);
  StreamKey Layout() const;
  StreamKey Mood() const;
  StreamKey Backdrop() const;
  StreamKey Look(int object) const;
};

// Objects from back to front.
std::vector<Object> PlanObjects(const SceneSpec& spec, const SceneStreams& streams);

// One object of the given frame: `half_width` x `half_height` about `centre`, turned by `angle`.
// `detail` in [0, 1] picks proportions within the class (thickness of a ring, depth of a star).
Object MakeObject(Kind kind, Point centre, double half_width, double half_height, double angle,
                  double detail);

}  // namespace pixloom::shapes
