// SPDX-License-Identifier: Apache-2.0
// Chains that tests run over many inputs: each operator alone, neighbours that compose, choices.
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

inline const std::vector<ChainCase>& Chains() {
  using enum Closeness;
  static const std::vector<ChainCase> chains{
      // Each operator alone.
      {"hflip", "[hflip]", kSame},
      {"vflip", "[vflip: {p: 0.6}]", kSame},
      {"rotate", "[rotate: [-80, 80]]"},
      {"rotate_reflect", "[rotate: {angle: [-80, 80], border: reflect}]"},
      {"rotate_reflect101", "[rotate: {angle: [-80, 80], border: reflect101}]"},
      {"rotate_wrap", "[rotate: {angle: [-80, 80], border: wrap}]"},
      {"rotate_replicate_fill", "[rotate: {angle: 33, border: replicate, fill: [9, 8, 7]}]"},
      {"rotate_nearest", "[rotate: {angle: [-80, 80], interpolation: nearest, fill: [1, 2]}]",
       kSame},
      {"rotate_quarter", "[rotate: {angle: {choice: [-90, 90, 180, 270]}, fill: 77}]", kSampled},
      {"affine",
       "[affine: {scale: [0.6, 1.6], translate_x: [-0.2, 0.2], translate_y: [-0.1, 0.3],"
       " rotate: [-30, 30], shear_x: [-15, 15], shear_y: [-8, 8], fill: [200, 100, 50]}]"},
      {"affine_shrinks", "[affine: {scale: [0.1, 0.45], rotate: [0, 360], border: reflect}]"},
      {"affine_scales", "[affine: {scale: [0.3, 2.5], translate_x: [-0.4, 0.4]}]"},
      {"affine_scales_reflect",
       "[affine: {scale: [0.3, 0.9], border: reflect101, interpolation: antialias}]"},
      {"crop", "[crop: {x_min: 0, y_min: 0, x_max: 1, y_max: 1}]", kSame},
      {"crop_outside", "[crop: {x_min: -9, y_min: 3, x_max: 40, y_max: 130, fill: [5, 6, 7]}]",
       kSame},
      {"crop_outside_wrap",
       "[crop: {x_min: -70, y_min: -30, x_max: 140, y_max: 130, border: wrap}]", kSame},
      {"random_crop", "[random_crop: [41, 57]]", kSame},
      {"random_resized_crop", "[random_resized_crop: [48, 40]]"},
      {"random_resized_crop_small",
       "[random_resized_crop: {size: 24, scale: [0.7, 1], interpolation: antialias}]"},
      {"random_resized_crop_nearest",
       "[random_resized_crop: {size: [31, 47], interpolation: nearest}]", kSame},
      {"center_crop", "[center_crop: [50, 33]]", kSame},
      {"center_crop_outside", "[center_crop: {size: [64, 201], fill: [3, 4, 5], mask_fill: 7}]",
       kSame},
      {"random_sized_crop", "[random_sized_crop: {size: [40, 48], height: [20, 70]}]"},
      {"random_sized_crop_wide",
       "[random_sized_crop: {size: 32, height: {choice: [9, 60.5]}, w2h_ratio: 2.5,"
       " interpolation: nearest}]",
       kSame},
      {"crop_and_pad", "[crop_and_pad: {px: [-20, 20], fill: 99}]"},
      {"crop_and_pad_fraction",
       "[crop_and_pad: {fraction: [-0.3, 0.2], keep_size: false, sample_independently: false,"
       " border: replicate}]",
       kSame},
      {"crop_and_pad_antialias",
       "[crop_and_pad: {px: [0, 9], fraction: [-0.6, 0.6], border: reflect101,"
       " interpolation: antialias}]"},
      {"random_crop_from_borders", "[random_crop_from_borders: {left: 0.3, right: 0.9, bottom: 0}]",
       kSame},
      {"random_zoom_out", "[random_zoom_out: {side_range: [1, 2.5], fill: [123, 117, 104]}]",
       kSame},
      {"random_crop_near_box", "[random_crop_near_box]", kSame},
      {"random_crop_near_box_far", "[random_crop_near_box: 1]", kSame},
      {"box_safe_random_crop", "[box_safe_random_crop]", kSame},
      {"box_safe_random_crop_eroded", "[box_safe_random_crop: 0.4]", kSame},
      {"box_safe_random_crop_free", "[box_safe_random_crop: 1]", kSame},
      {"random_sized_box_safe_crop",
       "[random_sized_box_safe_crop: {size: [44, 52], erosion_rate: 0.2}]"},
      {"at_least_one_box_crop", "[at_least_one_box_crop: [31, 40]]", kSame},
      {"at_least_one_box_crop_eroded",
       "[at_least_one_box_crop: {size: [100, 40], erosion_factor: 1, fill: 8}]", kSame},
      {"random_iou_crop", "[random_iou_crop]", kSame},
      {"random_iou_crop_strict", "[random_iou_crop: {options: [0.3, 0.5], min_scale: 0.1}]", kSame},
      {"crop_non_empty_mask", "[crop_non_empty_mask: [12, 9]]", kSame},
      {"crop_non_empty_mask_objects",
       "[crop_non_empty_mask: {size: [99, 30], mask: nobody, fill: 1}]", kSame},
      {"resize", "[resize: [37, 61]]"},
      {"resize_up", "[resize: [251, 163]]"},
      {"resize_tiny", "[resize: {size: [16, 20]}]"},
      {"resize_antialias", "[resize: {size: [21, 29], interpolation: antialias}]"},
      {"resize_nearest", "[resize: {size: [45, 30], interpolation: nearest}]", kSame},

      // Maps of the whole picture.
      {"transpose", "[transpose: {p: 0.7}]", kSame},
      {"rotate90", "[rotate90]", kSame},
      {"rotate90_some", "[rotate90: {choice: [1, 3]}]", kSame},
      {"d4", "[d4]", kSame},
      {"rotate_expand", "[rotate: {angle: [-180, 180], expand: true, fill: [9, 200, 40]}]"},
      {"rotate_expand_quarter",
       "[rotate: {angle: {choice: [-90, 90, 180]}, expand: true, border: wrap}]"},
      {"rotate_crop_border", "[rotate: {angle: [-180, 180], crop_border: true, fill: 255}]"},
      {"rotate_crop_border_quarter",
       "[rotate: {angle: {choice: [-90, 0, 90, 180]}, crop_border: true}]"},
      {"safe_rotate", "[safe_rotate: {angle: [-180, 180], fill: 30}]"},
      {"safe_rotate_reflect", "[safe_rotate: {border: reflect101, interpolation: nearest}]", kSame},
      {"affine_fit_output",
       "[affine: {scale: [0.4, 1.3], rotate: [-60, 60], shear_x: [-20, 20], fit_output: true,"
       " translate: [0.2, 0.4]}]"},
      {"affine_balanced",
       "[affine: {scale: [0.8, 3], balanced_scale: true, keep_ratio: true,"
       " translate: [-0.2, 0.2], translate_y: 0.3, border: replicate}]"},
      {"shift_scale_rotate", "[shift_scale_rotate: {fill: [0, 255, 9]}]"},
      {"shear", "[shear: {x: [-40, 40], y: [-20, 20], border: reflect}]"},
      {"shear_corner", "[shear: {x: [-40, 40], anchor: top_left}]"},
      {"translate", "[translate: {x: [-0.5, 0.5], fill: 44}]"},
      {"translate_pixels", "[translate: {x: [-9, 9], y: [-40, 3], unit: px, border: wrap}]", kSame},
      {"perspective", "[perspective]"},
      {"perspective_strong", "[perspective: {scale: [0, 0.4], border: reflect}]"},
      {"perspective_free_size", "[perspective: {keep_size: false, interpolation: nearest}]", kSame},
      {"perspective_fit", "[perspective: {scale: 0.15, fit_output: true, fill: 200}]"},
      {"perspective_fit_free", "[perspective: {scale: 0.1, fit_output: true, keep_size: false}]"},
      {"perspective_distortion", "[perspective: {sampler: distortion, fill: [3, 4, 5]}]"},
      {"perspective_distortion_most",
       "[perspective: {sampler: distortion, distortion_scale: 1, border: wrap}]"},
      {"perspective_distortion_fit",
       "[perspective: {sampler: distortion, fit_output: true, keep_size: false}]"},
      {"longest_max_size", "[longest_max_size: [20, 130]]"},
      {"smallest_max_size",
       "[smallest_max_size: {size: {choice: [9, 50, 77]}, interpolation: antialias}]"},
      {"random_scale", "[random_scale: [0.3, 1.9]]"},
      {"random_scale_axes", "[random_scale: {scale: [0.2, 1.4], per_axis: true}]"},
      {"scale_jitter", "[scale_jitter: [90, 70]]"},
      {"random_shortest_size", "[random_shortest_size: {size: [40, 90], max_size: 100}]"},
      {"letter_box", "[letter_box: [100, 130]]"},
      {"letter_box_corner", "[letter_box: {size: [64, 48], position: bottom_right, fill: 0}]"},
      {"letter_box_random",
       "[letter_box: {size: [160, 170], upscale: false, position: random, border: reflect}]"},
      {"pad", "[pad: {all: 3, left: 0, bottom: 11, fill: [7, 8, 9]}]", kSame},
      {"pad_reflect", "[pad: {all: 30, border: reflect101}]", kSame},
      {"pad_if_needed", "[pad_if_needed: {min_height: 100, width_divisor: 32, border: wrap}]",
       kSame},
      {"pad_if_needed_random",
       "[pad_if_needed: {min_height: 131, min_width: 200, position: random, fill: 99}]", kSame},
      {"pad_to_square", "[pad_to_square: {position: top}]", kSame},
      {"pad_to_aspect", "[pad_to_aspect: {ratio: 1.7, position: right}]", kSame},
      {"pad_to_multiple", "[pad_to_multiple: {of: [16, 24], position: bottom_left}]", kSame},
      {"brightness_contrast", "[brightness_contrast]", kTable},
      {"brightness_contrast_middle", "[brightness_contrast: {contrast: 0.4, center: middle}]",
       kTable},
      {"brightness_contrast_mean", "[brightness_contrast: {contrast: [-0.5, 0.5], center: mean}]",
       kColour},
      {"gamma", "[gamma: [0.5, 2]]", kTable},
      {"color_jitter", "[color_jitter: {brightness: [0.5, 1.5], contrast: [0.5, 1.5]}]", kColour,
       2},
      {"color_jitter_parts",
       "[color_jitter: {brightness: 1, contrast: 1, saturation: [0, 2], hue: 0}]", kColour},
      {"hue_saturation", "[hue_saturation: {hue: [-180, 180], saturation: 30, value: -20}]",
       kColour},
      {"gaussian_blur", "[gaussian_blur]"},
      {"gaussian_blur_kernel", "[gaussian_blur: {sigma: 1.2, kernel: 3}]"},
      {"gaussian_noise", "[gaussian_noise]"},
      {"gaussian_noise_shared", "[gaussian_noise: {mean: [-0.1, 0.1], per_channel: false}]"},
      {"jpeg", "[jpeg]", kSame},
      {"elastic", "[elastic: {alpha: 30, sigma: 4}]", kSampled, 1, true},
      {"elastic_reflect", "[elastic: {alpha: [5, 60], sigma: [3, 9], border: reflect}]", kSampled,
       1, true},
      {"elastic_nearest", "[elastic: {alpha: 20, sigma: 5, interpolation: nearest}]", kSame, 0,
       true},

      // Each displacement field alone.
      {"grid_distortion", "[grid_distortion]", kSampled, 1, true},
      {"grid_distortion_free",
       "[grid_distortion: {num_steps: 3, distort: [-0.8, 0.8], normalized: false, border: wrap}]",
       kSampled, 1, true},
      {"grid_distortion_choice",
       "[grid_distortion: {num_steps: 7, distort: {choice: [-0.5, 0, 0.5]}, interpolation:"
       " nearest}]",
       kSame, 0, true},
      {"grid_elastic", "[grid_elastic: {num_grid: [5, 3], magnitude: [2, 9]}]", kSampled, 1, true},
      {"grid_elastic_limit", "[grid_elastic: {magnitude: 1000, interpolation: nearest}]", kSame, 0,
       true},
      {"optical_distortion", "[optical_distortion: [-0.3, 0.5]]", kSampled, 1, true},
      {"optical_fisheye",
       "[optical_distortion: {distort: [-0.3, 0.5], model: fisheye, border: reflect}]", kSampled, 1,
       true},
      {"piecewise_affine", "[piecewise_affine]", kSampled, 1, true},
      {"piecewise_affine_limit",
       "[piecewise_affine: {scale: 0.5, nb_rows: [2, 6], nb_cols: [2, 6]}]", kSampled, 1, true},
      {"thin_plate_spline", "[thin_plate_spline: {fill: [9, 90]}]", kSampled, 1, true},
      {"thin_plate_nearest",
       "[thin_plate_spline: {num_control_points: 3, scale: 0.3, interpolation: nearest}]", kSame, 0,
       true},
      {"remap", "[remap: tests/support/maps/swirl.npy]", kSampled, 1, true},
      {"remap_displacement",
       "[remap: {map: tests/support/maps/waves.npy, kind: displacement, border: replicate}]",
       kSampled, 1, true},
      {"water", "[water: {ampl_x: [1, 6], ampl_y: [1, 6]}]", kSampled, 1, true},
      {"water_nearest",
       "[water: {ampl_x: 3, ampl_y: 4, freq_x: [0.05, 0.15], interpolation: nearest}]", kSame, 0,
       true},
      {"pixel_spread", "[pixel_spread: [0, 4]]", kSame},

      // Cells trade places.
      {"grid_shuffle", "[grid_shuffle]", kSame},
      {"grid_shuffle_flat", "[grid_shuffle: [2, 5]]", kSame},

      // Neighbours that compose.
      {"flips", "[hflip, vflip, hflip: {p: 0.5}]", kSame},
      {"hflip_rotate", "[hflip: {p: 0.5}, rotate: [-40, 40], vflip]"},
      {"rotate_random_resized_crop", "[rotate: [-20, 20], random_resized_crop: [50, 60]]"},
      {"rotate_quarter_resized_crop",
       "[rotate: {angle: {choice: [90, 180]}}, random_resized_crop: [50, 60]]"},
      {"crop_resize", "[random_crop: [33, 45], resize: [61, 29]]"},
      {"crop_resize_antialias",
       "[hflip, random_crop: [50, 70], vflip, resize: {size: [15, 21], interpolation: antialias}]"},
      {"crop_crop", "[random_crop: [60, 60], random_crop: [30, 20], resize: 64]"},
      {"resize_crop", "[resize: [120, 130], random_crop: [64, 64]]"},
      {"center_crop_flip_resize", "[center_crop: [48, 56], hflip, resize: [30, 70]]"},
      {"crop_and_pad_rotate", "[crop_and_pad: {px: [-9, 9]}, rotate: [-20, 20]]"},
      {"crop_from_borders_resize",
       "[random_crop_from_borders, resize: {size: [20, 24], interpolation: antialias}]"},
      {"zoom_out_resize", "[random_zoom_out: {side_range: [1, 3], fill: 50}, resize: [60, 64]]"},
      {"zoom_out_iou_crop", "[random_zoom_out: {p: 0.5}, random_iou_crop, resize: 50, hflip]"},
      {"rotate_near_box", "[rotate: [-40, 40], random_crop_near_box, resize: 33]"},
      {"rotate_box_safe", "[rotate: [-40, 40], box_safe_random_crop: 0.1, resize: [40, 30]]"},
      {"shift_sized_box_safe",
       "[affine: {translate_x: [-0.6, 0.6], scale: [0.7, 2]}, random_sized_box_safe_crop: 40]"},
      {"rotate_at_least_one",
       "[rotate: [-40, 40], at_least_one_box_crop: {size: [30, 50], erosion_factor: 0.5}]"},
      {"rotate_iou_crop", "[rotate: [-40, 40], random_iou_crop: {trials: 5}, gamma: 1.2]", kSampled,
       2},
      {"iou_crop_twice", "[random_iou_crop, vflip, random_iou_crop]", kSame},
      {"rotate_non_empty_mask",
       "[rotate: [-40, 40], crop_non_empty_mask: {size: [16, 20], ignore_values: [1, 2]}]"},
      {"non_empty_mask_resize", "[hflip, crop_non_empty_mask: [30, 24], resize: 40]"},
      {"resize_crop_flip_resize", "[resize: [90, 80], random_crop: [44, 52], hflip, resize: 31]"},
      {"rotate_resize_small", "[rotate: [5, 85], resize: [18, 22]]"},
      {"rotate_resize_half", "[rotate: [5, 85], affine: {scale: 0.5}]"},
      {"rotate_rotate", "[rotate: [-40, 40], rotate: [-50, 50]]"},
      {"rotate_back", "[rotate: 30, rotate: -30]"},
      {"rotate_half_twice", "[rotate: 45, hflip, rotate: 45]"},
      {"rotate_unequal", "[rotate: 20, rotate: {angle: -35, border: reflect}]"},
      {"affine_resize_antialias",
       "[affine: {scale: [0.5, 1.2], fill: 90}, resize: {size: [30, 26],"
       " interpolation: antialias}]"},
      {"zoom_out_letter_box", "[affine: {scale: 0.5, fill: [10, 20, 30]}]"},
      {"zoom_in", "[affine: {scale: 2, border: wrap}]"},
      {"shift_by_halves", "[resize: 40, affine: {translate_x: 0.0125, fill: 255}]"},
      {"pad_resize",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, fill: 60}, resize: [60, 60]]"},
      {"pad_resize_reflect",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, border: reflect}, resize: 47]"},
      {"pad_resize_antialias",
       "[crop: {x_min: -8, y_min: -8, x_max: 112, y_max: 88, fill: 60},"
       " resize: {size: [24, 30], interpolation: antialias}]"},
      {"nearest_then_linear",
       "[rotate: {angle: 10, interpolation: nearest}, rotate: [-20, 20], resize: 40]"},
      {"symmetries_rotate", "[d4, rotate: [-30, 30], rotate90, transpose: {p: 0.5}]"},
      {"symmetries_resize", "[rotate90, resize: [40, 50], d4, vflip]"},
      {"symmetries_crop", "[transpose, random_crop: [40, 50], rotate90, resize: 33]"},
      {"rotate_expand_crop", "[rotate: {angle: [10, 80], expand: true}, random_crop: [50, 50]]"},
      {"rotate_expand_back",
       "[rotate: {angle: 30, expand: true}, rotate: {angle: -30, crop_border: true}]"},
      {"crop_border_resize",
       "[rotate: {angle: [-80, 80], crop_border: true}, resize: [120, 110], hflip]"},
      {"safe_rotate_resize", "[safe_rotate: [20, 60], resize: [30, 20]]"},
      {"shear_rotate", "[shear: [-20, 20], translate, shift_scale_rotate]"},
      {"translate_resize_nearest",
       "[translate: {x: 3, y: -4, unit: px, interpolation: nearest},"
       " resize: {size: 50, interpolation: nearest}]",
       kSame},
      {"perspective_rotate", "[hflip, perspective, rotate: [-20, 20], vflip]"},
      {"perspective_resize", "[perspective: {fit_output: true}, resize: [20, 30]]"},
      {"resize_perspective", "[longest_max_size: 60, perspective: {sampler: distortion}]"},
      {"letter_box_flip", "[letter_box: 96, hflip, resize: 48]"},
      {"rotate_letter_box", "[rotate: {angle: [-40, 40], fill: 114}, letter_box: [80, 99]]"},
      {"scale_pad_crop",
       "[scale_jitter: {size: 64, scale: [0.5, 1.5]}, pad_if_needed: {min_height: 64,"
       " min_width: 64, fill: 20}, random_crop: 64]"},
      {"pad_rotate", "[pad_to_square, rotate: [-45, 45], pad: 4]"},
      {"pad_shortest", "[pad_to_multiple: 32, smallest_max_size: 40]"},
      {"quarter_resize", "[rotate: {angle: {choice: [90, 270]}}, resize: [40, 50], vflip]"},

      // Colours.
      {"brightness_contrast_all",
       "[brightness_contrast, brightness_contrast: {center: middle}, gamma]", kTable},
      {"colours", "[gamma, color_jitter, hue_saturation]", kColour, 3},
      {"colours_clamp",
       "[brightness_contrast: {brightness: 0.4}, color_jitter: {saturation: 2},"
       " brightness_contrast: {brightness: -0.4, center: middle}]",
       kColour, 3},

      // Pictures and geometry in turn.
      {"warp_colours", "[rotate: [-20, 20], gamma: [0.9, 1.1], hflip, gaussian_blur: 1]", kSampled,
       2},
      {"crop_colours", "[random_crop: [40, 50], gamma, color_jitter, vflip]", kColour, 2},
      {"noise_blur", "[gaussian_noise: 0.05, gaussian_blur: [0.5, 1.5]]"},
      {"jpeg_crop_jpeg", "[jpeg: 80, crop: {x_min: 0, y_min: 0, x_max: 5, y_max: 5}, jpeg: 60]",
       kSame},
      {"elastic_rotate", "[elastic: {alpha: 20, sigma: 5}, rotate: [-30, 30]]", kSampled, 2, true},
      {"rotate_elastic", "[rotate: [-30, 30], elastic: {alpha: 20, sigma: 5, border: reflect101}]",
       kSampled, 2, true},
      {"fields_rotate", "[grid_distortion, rotate: [-30, 30], optical_distortion: 0.2]", kSampled,
       3, true},
      {"crop_grid_elastic", "[random_crop: [60, 50], grid_elastic: 5, hflip, piecewise_affine]",
       kSampled, 3, true},
      {"spread_rotate", "[pixel_spread: 2, rotate: [-30, 30]]"},
      {"rotate_grid_shuffle", "[rotate: [-30, 30], grid_shuffle: [4, 3], hflip]"},
      {"grid_shuffle_twice", "[grid_shuffle: 3, resize: [70, 50], grid_shuffle: [2, 3]]"},

      // Choices.
      {"one_of", "[one_of: [hflip, vflip, {rotate: 20, weight: 2}, {gamma: {p: 0.5}}], gamma: 1.1]",
       kSampled, 2},
      {"some_of",
       "[some_of: {n: [1, 3], steps: [hflip, {rotate: [-20, 20]}, {gaussian_blur: 1},"
       " {resize: [50, 44]}]}]",
       kSampled, 2},
      {"sometimes",
       "[sometimes: {p: 0.5, then: [hflip, {random_crop: 32}], else: [{rotate: 10}]},"
       " resize: 40]"},
      {"random_order", "[random_order: [{rotate: [-30, 30]}, hflip, {random_crop: [40, 40]}]]"},
      {"repeat", "[repeat: {times: 3, steps: [{rotate: [-10, 10]}, {hflip: {p: 0.5}}]}]"},
      {"resample_each",
       "[rotate: 10, {chain: [{rotate: [-20, 20]}, {resize: [50, 60]}], resample: each},"
       " rotate: [5, 9]]",
       kSampled, 2},

      // Borders that show objects again.
      {"rotate_duplicate",
       "[hflip, rotate: {angle: [-60, 60], border: reflect101, mirror_labels: duplicate}, hflip]"},
      {"crop_duplicate",
       "[crop: {x_min: -70, y_min: -30, x_max: 140, y_max: 130, border: reflect,"
       " mirror_labels: duplicate}]",
       kSame},
      {"affine_duplicate",
       "[affine: {scale: 0.4, rotate: [0, 90], border: wrap, mirror_labels: duplicate}]"},

      // Restricted steps.
      {"rotate_per_frame", "[gamma, {rotate: [-30, 30], scope: frame}, resize: 40]", kSampled, 2},
      {"per_frame",
       "[{gaussian_noise: 0.05, scope: frame}, {gamma: [0.5, 2], scope: frame}, hflip]", kSampled,
       4},
      {"main_field_only",
       "[{brightness_contrast: {brightness: [0.1, 0.3]}, fields: [image]}, hflip,"
       " {color_jitter: {p: 0.5}, fields: [image]}]",
       kColour, 2},
  };
  return chains;
}

}  // namespace pixloom::testing
