// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "ops/policies/space.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ThreeAugment {
  double color_jitter = 0.3;
  std::int64_t crop = 0;

  static constexpr std::string_view kName = "three_augment";
  static constexpr std::string_view kDoc =
      "3-Augment of DeiT III: mirror, one of gray, solarized and blurred, then colour jitter.";
  static constexpr auto Params() {
    return std::tuple{
        Param("color_jitter", &ThreeAugment::color_jitter)
            .In(0, 1)
            .Unit("factor")
            .Doc("How far brightness, contrast and saturation may be from 1; 0 leaves it out."),
        Param("crop", &ThreeAugment::crop)
            .In(0, 65'500)
            .Unit("px")
            .Doc("Side of the simple random crop that comes first: the shorter side is resized to "
                 "it, 4 px are added all around, a square is cut out; 0 leaves it out.")};
  }

  std::string Steps() const {
    std::vector<std::string> steps;
    if (crop > 0) {
      steps.push_back(
          fmt::format("smallest_max_size: {{size: {}, interpolation: antialias_cubic}}", crop));
      steps.push_back("pad: {all: 4, border: reflect101}");
      steps.push_back(fmt::format("random_crop: [{}, {}]", crop, crop));
    }
    steps.push_back("hflip: {p: 0.5}");
    // Levels from 128 on, which a threshold of 0.5 means for any type.
    steps.push_back("one_of: [to_gray, solarize: 0.5, gaussian_blur: {sigma: [0.1, 2]}]");
    if (color_jitter > 0) {
      const std::string around = fmt::format("[{}, {}]", 1 - color_jitter, 1 + color_jitter);
      steps.push_back(fmt::format(
          "color_jitter: {{brightness: {0}, contrast: {0}, saturation: {0}, hue: 0}}", around));
    }
    return StepList(steps);
  }
};

}  // namespace

void RegisterThreeAugment(Registry& registry) { registry.AddPolicy<ThreeAugment>(); }

}  // namespace pixloom
