// SPDX-License-Identifier: Apache-2.0
#include "ops/types/levels.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ToFloat32 {
  double max_value = 0;

  static constexpr std::string_view kName = "to_float";
  static constexpr std::string_view kDoc =
      "Divide levels by the largest one, so that integers become float32 from 0 to 1.";
  static constexpr std::array<std::string_view, 1> kAliases{"ToFloat"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("max_value", &ToFloat32::max_value)
                          .In(0, 4'294'967'295.0)
                          .Unit("levels")
                          .Primary()
                          .Doc("The level that becomes 1; 0 is full scale of the type, or of the "
                               "declared range of float pictures.")};
  }

  ImageStep Draw(Rng&, const Facts& facts) const {
    const ValueRange levels = LevelsOf(facts.depth, facts.range);
    ImageStep step{
        [max = max_value](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
          const ValueRange from = LevelsOf(DepthOf(in), context.range);
          const double low = max > 0 ? 0 : from.lo;
          const double span = max > 0 ? max : double{from.hi} - from.lo;
          return MapLevels(in, Depth::kF32, 1 / span, -low / span);
        }};
    step.range = ValueRange{0, 1};
    if (max_value > 0) {
      step.range = {static_cast<float>(levels.lo / max_value),
                    static_cast<float>(levels.hi / max_value)};
    }
    return step;
  }

  Meta Out(Meta meta) const {
    meta.depth = Depth::kF32;
    return meta;
  }
};

}  // namespace

void RegisterToFloat(Registry& registry) { registry.AddOperator<ToFloat32>(); }

}  // namespace pixloom
