// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/box_facts.h"
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct BoxSafeRandomCrop {
  double erosion_rate = 0;

  static constexpr std::string_view kName = "box_safe_random_crop";
  static constexpr std::string_view kDoc =
      "Cut out a random window that holds the boxes of all objects.";
  static constexpr std::array<std::string_view, 2> kAliases{"BBoxSafeRandomCrop",
                                                            "bbox_safe_random_crop"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("erosion_rate", &BoxSafeRandomCrop::erosion_rate)
                          .In(0, 1)
                          .Unit("sides")
                          .Primary()
                          .Doc(kErosionDoc)};
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const cv::Rect window = BoxSafeWindow(rng, facts, erosion_rate);
    NoteWindow(rng, window);
    return Cut(window, facts.size);
  }

  Meta Out(const Meta& in) const { return OfSize(in, std::nullopt); }
};

}  // namespace

void RegisterBoxSafeRandomCrop(Registry& registry) { registry.AddOperator<BoxSafeRandomCrop>(); }

}  // namespace pixloom
