// SPDX-License-Identifier: Apache-2.0
#include "ops/types/levels.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Cast {
  Depth to = Depth::kF32;
  bool scale = true;

  static constexpr std::string_view kName = "cast";
  static constexpr std::string_view kDoc =
      "Turn pixels into another type: black stays black and full scale full scale.";
  static constexpr std::array<std::string_view, 1> kAliases{"ToDtype"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("to", &Cast::to).Primary().Doc("The type; float32 gets the range 0 to 1."),
        Param("scale", &Cast::scale)
            .Doc(
                "False keeps the numbers instead: what does not fit saturates, and a float picture "
                "has the range of the integers it was.")};
  }

  ImageStep Draw(Rng&, const Facts& facts) const {
    ImageStep step{[to = to, scale = scale](const cv::Mat& in,
                                            const FrameContext& context) -> Result<cv::Mat> {
      const Depth from = DepthOf(in);
      if (from == to) return in;
      const ValueRange a = LevelsOf(from, context.range);
      const ValueRange b = LevelsOf(to, {0, 1});
      const double gain = scale ? (double{b.hi} - b.lo) / (double{a.hi} - a.lo) : 1;
      return MapLevels(in, to, gain, scale ? b.lo - gain * a.lo : 0);
    }};
    if (to == Depth::kF32 && facts.depth != Depth::kF32) {
      step.range = scale ? ValueRange{0, 1} : LevelsOf(facts.depth, {});
    }
    return step;
  }

  Meta Out(Meta meta) const {
    meta.depth = to;
    return meta;
  }
};

}  // namespace

void RegisterCast(Registry& registry) { registry.AddOperator<Cast>(); }

}  // namespace pixloom
