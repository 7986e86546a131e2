// SPDX-License-Identifier: Apache-2.0
#include "ops/types/planes.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ChangeLayout {
  Layout to = Layout::kChw;

  static constexpr std::string_view kName = "layout";
  static constexpr std::string_view kDoc =
      "Store channels as planes, as networks take them; only a sink may follow.";
  static constexpr std::array<std::string_view, 2> kAliases{"ToTensorV2", "to_tensor"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("to", &ChangeLayout::to)
            .Primary()
            .Doc("Planes one after the other, or channels side by side as they are.")};
  }

  Steps<ImageStep> Draw(Rng&, const Facts&) const {
    if (to == Layout::kHwc) return {};
    return {ImageStep{
        [](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> { return ToPlanes(in); }}};
  }

  Meta Out(Meta meta) const {
    meta.planar = to == Layout::kChw;
    return meta;
  }
};

}  // namespace

void RegisterLayout(Registry& registry) { registry.AddOperator<ChangeLayout>(); }

}  // namespace pixloom
