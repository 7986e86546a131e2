// SPDX-License-Identifier: Apache-2.0
// What the alignment test knows about single operators: arguments under which there is something to
// see on a picture of 256 px, and the exemptions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/operator.h"

namespace pixloom::testing {

// An operator whose labels cannot follow its pixels, and why. This is the only such list.
struct Exemption {
  std::string_view op;
  std::string_view why;
  bool all = true;
};

inline const Exemption* FindExemption(std::string_view op) {
  static const std::vector<Exemption> exemptions{
      {"grid_shuffle", "cells trade places: an object may lie in several pieces", true},
      {"pixel_spread", "every pixel jumps on its own: labels stay", true},
  };
  for (const Exemption& e : exemptions) {
    if (e.op == op) return &e;
  }
  return nullptr;
}

// Moves labels without being a map or a field.
inline bool AlsoGeometric(std::string_view op) { return op == "grid_shuffle"; }

struct AlignmentRow {
  std::string_view op;
  std::vector<std::string> args;
};

// Empty: the operator's defaults.
inline std::vector<std::string> AlignmentArguments(const OpInfo& op) {
  static const std::vector<AlignmentRow> rows{
      {"affine",
       {"{scale: [0.8, 1.3], translate_x: [-0.1, 0.1], translate_y: [-0.1, 0.1], rotate: [-30, 30],"
        " shear_x: [-15, 15], shear_y: [-8, 8]}"}},
      {"crop",
       {"{x_min: 21, y_min: 13, x_max: 240, y_max: 250}",
        "{x_min: -21, y_min: -13, x_max: 300, y_max: 250}"}},
      {"elastic", {"{alpha: 200, sigma: 12}", "{alpha: 60, sigma: 7}"}},
      {"random_crop", {"[200, 216]"}},
      {"random_resized_crop", {"{size: [224, 256], scale: [0.4, 1]}"}},
      {"resize", {"[200, 300]", "{size: [180, 210], interpolation: antialias}"}},
      {"rotate", {"[-40, 40]", "{angle: [-180, 180], border: replicate}"}},
  };
  for (const AlignmentRow& row : rows) {
    if (row.op == op.name) return row.args;
  }
  return {"{}"};
}

}  // namespace pixloom::testing
