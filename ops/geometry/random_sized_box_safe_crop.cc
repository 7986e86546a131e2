// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/box_facts.h"
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct RandomSizedBoxSafeCrop {
  Size size;
  double erosion_rate = 0;
  Resampling interpolation = Resampling::kLinear;

  static constexpr std::string_view kName = "random_sized_box_safe_crop";
  static constexpr std::string_view kDoc =
      "Cut out a random window that holds the boxes of all objects, and resize it to a fixed size.";
  static constexpr std::array<std::string_view, 2> kAliases{"RandomSizedBBoxSafeCrop",
                                                            "random_sized_bbox_safe_crop"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = RandomSizedBoxSafeCrop;
    return std::tuple{
        Param("size", &Op::size)
            .In(1, kMaxSide)
            .Unit("px")
            .Required()
            .Primary()
            .Doc("Height and width of the result."),
        Param("erosion_rate", &Op::erosion_rate).In(0, 1).Unit("sides").Doc(kErosionDoc),
        Param("interpolation", &Op::interpolation).Doc(kInterpolationDoc)};
  }

  Steps<AffineStep> Draw(Rng& rng, const Facts& facts) const {
    const cv::Rect window = BoxSafeWindow(rng, facts, erosion_rate);
    NoteWindow(rng, window);
    return CutAndStretch(window, facts.size, size, interpolation);
  }

  Meta Out(const Meta& in) const { return OfSize(in, size); }
};

}  // namespace

void RegisterRandomSizedBoxSafeCrop(Registry& registry) {
  registry.AddOperator<RandomSizedBoxSafeCrop>();
}

}  // namespace pixloom
