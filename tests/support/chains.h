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
      {"resize", "[resize: [37, 61]]"},
      {"resize_up", "[resize: [251, 163]]"},
      {"resize_tiny", "[resize: {size: [16, 20]}]"},
      {"resize_antialias", "[resize: {size: [21, 29], interpolation: antialias}]"},
      {"resize_nearest", "[resize: {size: [45, 30], interpolation: nearest}]", kSame},
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
      {"elastic_diagonal", "[elastic: {alpha: 40, sigma: 6, same_dxdy: true}]", kSampled, 1, true},
      {"elastic_wide", "[elastic: {alpha: 300, sigma: 40, border: reflect101}]", kSampled, 1, true},
      {"elastic_nearest", "[elastic: {alpha: 20, sigma: 5, interpolation: nearest}]", kSame, 0,
       true},

      // Every way to resample, alone and composed.
      {"resize_cubic", "[resize: {size: [37, 61], interpolation: cubic}]"},
      {"resize_up_cubic", "[resize: {size: [151, 263], interpolation: cubic}]"},
      {"resize_mixed_cubic", "[resize: {size: [240, 19], interpolation: cubic}]"},
      {"random_resized_crop_cubic",
       "[random_resized_crop: {size: [48, 40], interpolation: cubic}]"},
      {"crop_flip_resize_cubic",
       "[random_crop: [50, 70], hflip, resize: {size: [21, 33], interpolation: cubic}, vflip]"},
      {"pad_resize_cubic",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, fill: 60},"
       " resize: {size: [60, 60], interpolation: cubic}]"},
      {"pad_resize_reflect_cubic",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, border: reflect},"
       " resize: {size: 47, interpolation: cubic}]"},
      {"letter_box_cubic", "[affine: {scale: 0.5, fill: [10, 20, 30], interpolation: cubic}]"},
      {"rotate_cubic", "[rotate: {angle: [-80, 80], interpolation: cubic}]"},
      {"elastic_cubic",
       "[elastic: {alpha: 20, sigma: 4, border: reflect101, interpolation: cubic}]", kSampled, 1,
       true},
      {"resize_area", "[resize: {size: [37, 61], interpolation: area}]"},
      {"resize_up_area", "[resize: {size: [151, 263], interpolation: area}]"},
      {"resize_mixed_area", "[resize: {size: [240, 19], interpolation: area}]"},
      {"random_resized_crop_area", "[random_resized_crop: {size: [48, 40], interpolation: area}]"},
      {"crop_flip_resize_area",
       "[random_crop: [50, 70], hflip, resize: {size: [21, 33], interpolation: area}, vflip]"},
      {"pad_resize_area",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, fill: 60},"
       " resize: {size: [60, 60], interpolation: area}]"},
      {"pad_resize_reflect_area",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, border: reflect},"
       " resize: {size: 47, interpolation: area}]"},
      {"letter_box_area", "[affine: {scale: 0.5, fill: [10, 20, 30], interpolation: area}]"},
      {"rotate_area", "[rotate: {angle: [-80, 80], interpolation: area}]"},
      {"elastic_area", "[elastic: {alpha: 20, sigma: 4, border: reflect101, interpolation: area}]",
       kSampled, 1, true},
      {"resize_up_antialias", "[resize: {size: [151, 263], interpolation: antialias}]"},
      {"resize_mixed_antialias", "[resize: {size: [240, 19], interpolation: antialias}]"},
      {"random_resized_crop_antialias",
       "[random_resized_crop: {size: [48, 40], interpolation: antialias}]"},
      {"crop_flip_resize_antialias",
       "[random_crop: [50, 70], hflip, resize: {size: [21, 33], interpolation: antialias}, vflip]"},
      {"pad_resize_antialias",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, fill: 60},"
       " resize: {size: [60, 60], interpolation: antialias}]"},
      {"pad_resize_reflect_antialias",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, border: reflect},"
       " resize: {size: 47, interpolation: antialias}]"},
      {"letter_box_antialias",
       "[affine: {scale: 0.5, fill: [10, 20, 30], interpolation: antialias}]"},
      {"rotate_antialias", "[rotate: {angle: [-80, 80], interpolation: antialias}]"},
      {"elastic_antialias",
       "[elastic: {alpha: 20, sigma: 4, border: reflect101, interpolation: antialias}]", kSampled,
       1, true},
      {"resize_antialias_cubic", "[resize: {size: [37, 61], interpolation: antialias_cubic}]"},
      {"resize_up_antialias_cubic", "[resize: {size: [151, 263], interpolation: antialias_cubic}]"},
      {"resize_mixed_antialias_cubic",
       "[resize: {size: [240, 19], interpolation: antialias_cubic}]"},
      {"random_resized_crop_antialias_cubic",
       "[random_resized_crop: {size: [48, 40], interpolation: antialias_cubic}]"},
      {"crop_flip_resize_antialias_cubic",
       "[random_crop: [50, 70], hflip, resize: {size: [21, 33], interpolation: antialias_cubic}, "
       "vflip]"},
      {"pad_resize_antialias_cubic",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, fill: 60},"
       " resize: {size: [60, 60], interpolation: antialias_cubic}]"},
      {"pad_resize_reflect_antialias_cubic",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, border: reflect},"
       " resize: {size: 47, interpolation: antialias_cubic}]"},
      {"letter_box_antialias_cubic",
       "[affine: {scale: 0.5, fill: [10, 20, 30], interpolation: antialias_cubic}]"},
      {"rotate_antialias_cubic", "[rotate: {angle: [-80, 80], interpolation: antialias_cubic}]"},
      {"elastic_antialias_cubic",
       "[elastic: {alpha: 20, sigma: 4, border: reflect101, interpolation: antialias_cubic}]",
       kSampled, 1, true},
      {"resize_lanczos", "[resize: {size: [37, 61], interpolation: lanczos}]"},
      {"resize_up_lanczos", "[resize: {size: [151, 263], interpolation: lanczos}]"},
      {"resize_mixed_lanczos", "[resize: {size: [240, 19], interpolation: lanczos}]"},
      {"random_resized_crop_lanczos",
       "[random_resized_crop: {size: [48, 40], interpolation: lanczos}]"},
      {"crop_flip_resize_lanczos",
       "[random_crop: [50, 70], hflip, resize: {size: [21, 33], interpolation: lanczos}, vflip]"},
      {"pad_resize_lanczos",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, fill: 60},"
       " resize: {size: [60, 60], interpolation: lanczos}]"},
      {"pad_resize_reflect_lanczos",
       "[crop: {x_min: -10, y_min: -20, x_max: 110, y_max: 100, border: reflect},"
       " resize: {size: 47, interpolation: lanczos}]"},
      {"letter_box_lanczos", "[affine: {scale: 0.5, fill: [10, 20, 30], interpolation: lanczos}]"},
      {"rotate_lanczos", "[rotate: {angle: [-80, 80], interpolation: lanczos}]"},
      {"elastic_lanczos",
       "[elastic: {alpha: 20, sigma: 4, border: reflect101, interpolation: lanczos}]", kSampled, 1,
       true},
      {"affine_shrinks_cubic",
       "[affine: {scale: [0.1, 0.45], rotate: [0, 360], border: wrap, interpolation: cubic}]"},
      {"rotate_resize_lanczos",
       "[rotate: [5, 85], resize: {size: [60, 52], interpolation: lanczos}]"},
      {"quarter_resize_antialias_cubic",
       "[rotate: {angle: {choice: [90, 270]}},"
       " resize: {size: [40, 50], interpolation: antialias_cubic}, vflip]"},
      {"rotate_crop_cubic",
       "[rotate: {angle: [-20, 20], interpolation: cubic}, random_crop: [30, 34]]"},

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

      // Restricted steps.
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
