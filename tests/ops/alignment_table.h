// SPDX-License-Identifier: Apache-2.0
// What the alignment test knows about single operators: arguments under which there is something to
// see on a picture of 256 px, and the exemptions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/operator.h"

namespace pixloom::testing {

// An operator whose labels cannot follow its pixels in all they are compared in, and why. This is
// the only such list.
struct Exemption {
  std::string_view op;
  std::string_view why;
  bool only_dots = false;  // the rest is compared
};

inline const Exemption* FindExemption(std::string_view op) {
  static const std::vector<Exemption> exemptions{
      {"close", "changes what a pixel shows; labels follow as masks"},
      {"dilate", "changes what a pixel shows; labels follow as masks"},
      {"erode", "changes what a pixel shows; labels follow as masks"},
      {"grid_shuffle", "cells trade places: a dot on a border lies in pieces", true},
      {"open", "changes what a pixel shows; labels follow as masks"},
      {"pixel_spread", "every pixel jumps on its own: labels stay"},
  };
  for (const Exemption& e : exemptions) {
    if (e.op == op) return &e;
  }
  return nullptr;
}

struct AlignmentRow {
  std::string_view op;
  std::vector<std::string> args;
};

// Empty: the operator's defaults.
inline std::vector<std::string> AlignmentArguments(const OpInfo& op) {
  static const std::vector<AlignmentRow> rows{
      {"affine",
       {"{scale: [0.8, 1.3], translate_x: [-0.1, 0.1], translate_y: [-0.1, 0.1], rotate: [-30, 30],"
        " shear_x: [-15, 15], shear_y: [-8, 8]}",
        "{scale: [0.7, 1.5], rotate: [-180, 180], fit_output: true}"}},
      {"at_least_one_box_crop", {"[200, 210]"}},
      {"center_crop", {"[211, 230]", "[300, 280]"}},
      {"crop_mirror_normalize",
       {"{size: [211, 230], place: random, mirror: 0.5, mean: 0, std: 0.00392156862745098, layout: "
        "hwc}"}},
      {"color_space", {"lab"}},
      {"convolve", {"[0, -1, 0, -1, 5, -1, 0, -1, 0]"}},
      {"crop",
       {"{x_min: 21, y_min: 13, x_max: 240, y_max: 250}",
        "{x_min: -21, y_min: -13, x_max: 300, y_max: 250}"}},
      {"crop_and_pad", {"{px: [-20, 30]}", "{fraction: [-0.1, 0.1], keep_size: false}"}},
      {"crop_non_empty_mask", {"[190, 220]"}},
      {"dilate", {"{masks: true}"}},
      {"elastic", {"{alpha: 200, sigma: 12}", "{alpha: 60, sigma: 7}"}},
      {"erode", {"{masks: true}"}},
      {"fda", {"tests/support/references"}},
      {"grid_elastic", {"{}", "{magnitude: 12, num_grid: [4, 6]}"}},
      {"histogram_matching", {"tests/support/references"}},
      {"layout", {"hwc"}},  // nothing may follow planes
      {"lut", {"{levels: [0, 0.7, 1]}"}},
      {"letter_box",
       {"{size: [300, 260], fill: 0}", "{size: [260, 300], position: top_left, fill: 0}"}},
      {"longest_max_size", {"300"}},
      {"optical_distortion", {"[-0.2, 0.3]", "{distort: [-0.2, 0.3], model: fisheye}"}},
      {"overlay_image", {"{path: tests/support/references, label: 0}"}},
      {"pad", {"{left: 7, top: 3, right: 21, bottom: 30}"}},
      {"pad_if_needed", {"{min_height: 300, min_width: 290, position: random}"}},
      {"pad_to_aspect", {"1.4"}},
      {"pad_to_multiple", {"[96, 100]"}},
      {"perspective",
       {"{}", "{sampler: distortion, distortion_scale: 0.4}", "{scale: 0.1, fit_output: true}"}},
      {"pixel_distribution", {"tests/support/references"}},
      {"random_crop", {"[200, 216]"}},
      {"random_resized_crop", {"{size: [224, 256], scale: [0.4, 1]}"}},
      {"random_shortest_size", {"{min_size: [220, 300]}"}},
      {"random_sized_box_safe_crop", {"[240, 250]"}},
      {"random_sized_crop", {"{size: [230, 240], height: [160, 250]}"}},
      {"random_zoom_out", {"{side_range: [1, 1.6]}"}},
      {"remap", {"tests/support/maps/swirl.npy"}},
      {"resize", {"[200, 300]", "{size: [180, 210], interpolation: antialias}"}},
      {"rotate",
       {"[-40, 40]", "{angle: [-180, 180], border: replicate}", "{angle: [-90, 90], expand: true}",
        "{angle: [-20, 20], crop_border: true}"}},
      {"scale_jitter", {"{target_size: 300, scale_range: [0.6, 1.2]}"}},
      {"shear", {"{x: [-25, 25], y: [-15, 15]}"}},
      {"smallest_max_size", {"210"}},
      {"thin_plate_spline", {"0.1", "{}"}},
      {"translate", {"{x: [-0.1, 0.1], y: [-0.1, 0.1]}"}},
      {"upscale", {"{factor: [1.1, 1.7]}", "{factor: 1.5, interpolation: cubic}"}},
      {"water", {"{ampl_x: 4, ampl_y: 5, freq_x: 0.05, freq_y: 0.04}"}},
  };
  for (const AlignmentRow& row : rows) {
    if (row.op == op.name) return row.args;
  }
  return {"{}"};
}

// Of a policy: its defaults, and those under which it moves pixels most. Left out are
// borders that show objects again, and a third operation: it may push back into the picture what a
// photometric one has seen cut off, and labels become whole again where pixels do not.
inline std::vector<std::string> PolicyArguments(std::string_view policy) {
  static const std::vector<AlignmentRow> rows{
      {"auto_augment", {"imagenet", "cifar10", "svhn"}},
      {"rand_augment", {"{}", "{magnitude: 20}", "{n: 1, magnitude: 30}"}},
      {"trivial_augment_wide", {"{}", "{bins: 3}"}},
  };
  for (const AlignmentRow& row : rows) {
    if (row.op == policy) return row.args;
  }
  return {"{}"};
}

}  // namespace pixloom::testing
