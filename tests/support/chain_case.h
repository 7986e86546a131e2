// SPDX-License-Identifier: Apache-2.0
// One chain that a test runs over many inputs.
#pragma once

#include <vector>

namespace pixloom::testing {

// How closely a fast path must follow arithmetic in float64.
enum class Closeness {
  kSame,     // copies of pixels, codecs: the same bits; nearest but for ties
  kTable,    // curves: the same on integers; float32 rounding on floats
  kColour,   // float32 colour: values next to a half may go either way, later steps amplify that
  kSampled,  // resampling: `levels` of the type; on floats ten-thousandths of the range
};

struct ChainCase {
  const char* name;
  const char* yaml;  // the node's value
  Closeness closeness = Closeness::kSampled;
  // Allowed difference. More than 1 where a later step has a gain above 1: it amplifies the one
  // level that resampling may be off.
  double levels = 1;
  // Points go through a displacement field, which both sides invert numerically.
  bool field = false;
};

}  // namespace pixloom::testing
