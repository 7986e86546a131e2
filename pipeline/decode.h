// SPDX-License-Identifier: Apache-2.0
// Decoding as late and as little as possible: the first affine group of a chain decides which part
// of a picture is decoded, and at which scale. Pure functions over immutable bytes.
#pragma once

#include <optional>

#include "pipeline/contracts.h"
#include "pipeline/families.h"
#include "pipeline/sample.h"

namespace pixloom {

// What was decoded for a group, and the group rewritten for it.
struct DecodedView {
  ImageView view;
  AffineGroup group;
  int warnings = 0;
};

// Decodes what `group` reads. The scale is part of the language (lower.h); the region is not: with
// `push_down` off the whole picture is decoded and the result is the same, bit for bit.
Result<DecodedView> DecodeFor(const EncodedImage& encoded, const AffineGroup& group,
                              const Codec& codec, bool push_down);

// Decodes a frame whole and at full scale unless it is decoded already.
std::optional<DataError> DecodeFrame(Frame& frame, const Codec& codec, int* warnings);

}  // namespace pixloom
