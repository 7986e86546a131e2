// SPDX-License-Identifier: Apache-2.0
// Lowering: from drawn steps to groups. This is the part of the language that decides pixels.
//
// Groups form per sample over the steps that were drawn and applied, inside one node:
// - Neighbouring affine steps compose into one map and resample once. Composition stops where
//   borders are unequal, at nearest next to smooth resampling, and after a crop, except for steps
//   that keep the window (flip, transpose, resize).
// - A crop that follows only exact copies sets the group's window: taps of a later resize stay
//   inside it.
// - Neighbouring colour steps form a group; each keeps its rounding and clamping.
// - Warp fields and general steps stand alone.
//
// Labels move step by step, whatever is composed (pipeline/labels.h). Values; one thread at a time.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "pipeline/families.h"
#include "pipeline/graph.h"
#include "pipeline/sample.h"
#include "pipeline/step.h"

namespace pixloom {

// Which frames a photometric group works on.
struct Selection {
  std::vector<std::string> fields;  // empty: all
  int frame = -1;                   // -1: every frame of the clip
  bool operator==(const Selection&) const = default;
  bool Takes(std::string_view field) const;
};

struct ColourGroup {
  std::vector<ColourStep> steps;
  Selection selection;
};

struct FieldGroup {
  WarpField field;
};

struct ImageGroup {
  ImageStep step;
  Selection selection;
  StreamKey stream;  // of the step that was drawn
};

struct SampleGroup {
  SampleStep step;
};

using Group = std::variant<AffineGroup, ColourGroup, FieldGroup, ImageGroup, SampleGroup>;

// True when the step only cuts away: a translation by whole pixels onto a part of the source.
bool IsCrop(const AffineStep& step, Size in);
// True when the step takes the source's rectangle exactly onto the output's: flip, transpose,
// resize.
bool KeepsWindow(const AffineStep& step, Size in);

// A group of one step.
AffineGroup MakeGroup(const AffineStep& step, Size in);
// Composes `step` into `group` when the rules allow it.
bool Compose(AffineGroup& group, const AffineStep& step);

// The denominator (1, 2, 4 or 8) at which a JPEG of this size may be decoded for `group`: at least
// the final size remains in every direction.
int DecodeDenominator(const AffineGroup& group);

}  // namespace pixloom
