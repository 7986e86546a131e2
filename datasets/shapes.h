// SPDX-License-Identifier: Apache-2.0
// The `shapes` source: procedural, textured scenes with exact labels. It needs no data, so it is
// what the demo shows and what tests measure label rules against.
//
// Scene i is a pure function of (seed, i, size, object settings): `count` only says how many there
// are, and what is switched on or off among labels and encodings never moves an object. All
// arithmetic is our own (integers, IEEE + - * / sqrt, exact_math), so pixels are the same bits on
// every machine.
//
// The returned source owns everything but the codec, which must outlive it. Read() may be called
// from any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "pipeline/contracts.h"
#include "pipeline/geometry.h"

namespace pixloom {

enum class ShapesEncode { kNone, kJpeg, kPng };

struct ShapesParams {
  std::int64_t count = 100;
  Size size{256, 256};
  // Objects per scene, both ends included. A scene holds fewer than drawn where there is no room
  // left; the first object always fits.
  std::array<int, 2> objects{1, 5};
  std::uint64_t seed = 1;  // of the contents; independent of the run's seed
  int min_object = 32;     // px, longest side of the smallest object in its own frame
  bool overlap = false;    // objects may cover each other; their labels stay whole (amodal)
  bool oriented = false;   // quads are oriented rectangles instead of axis-aligned boxes
  bool masks = true;       // instance masks and the semantic mask "classes"
  bool keypoints = true;   // centre, left, right, top
  ShapesEncode encode = ShapesEncode::kNone;  // pictures arrive encoded, as files would
  int quality = 90;                           // jpeg
};

// Parameters out of range are reported by List(). REQUIRES: codec, unless encode is kNone.
std::unique_ptr<Source> MakeShapesSource(const ShapesParams& params, const Codec* codec);

}  // namespace pixloom
