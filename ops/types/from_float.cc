// SPDX-License-Identifier: Apache-2.0
#include "ops/types/levels.h"
#include "pipeline/registry.h"

namespace pixloom {

enum class IntegerType { kU8, kU16 };

template <>
struct EnumNames<IntegerType> {
  static constexpr std::array kAll{std::pair{IntegerType::kU8, "uint8"},
                                   std::pair{IntegerType::kU16, "uint16"}};
};

namespace {

struct FromFloat32 {
  IntegerType to = IntegerType::kU8;
  double max_value = 0;

  static constexpr std::string_view kName = "from_float";
  static constexpr std::string_view kDoc =
      "Spread float32 levels over an integer type, rounded half up and saturated.";
  static constexpr std::array<std::string_view, 1> kAliases{"FromFloat"};
  static constexpr Support kSupport{.u8 = false, .u16 = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("to", &FromFloat32::to).Primary().Alias("dtype").Doc("The integer type."),
        Param("max_value", &FromFloat32::max_value)
            .In(0, 65'535)
            .Unit("levels")
            .Doc("What 1 becomes; 0 spreads the declared range over full scale.")};
  }

  ImageStep Draw(Rng&, const Facts&) const {
    const Depth depth = to == IntegerType::kU8 ? Depth::kU8 : Depth::kU16;
    return {[depth, max = max_value](const cv::Mat& in,
                                     const FrameContext& context) -> Result<cv::Mat> {
      const ValueRange from = LevelsOf(Depth::kF32, context.range);
      const double gain = max > 0 ? max : LevelsOf(depth, {}).hi / (double{from.hi} - from.lo);
      return MapLevels(in, depth, gain, max > 0 ? 0 : -gain * from.lo);
    }};
  }

  Meta Out(Meta meta) const {
    meta.depth = to == IntegerType::kU8 ? Depth::kU8 : Depth::kU16;
    return meta;
  }
};

}  // namespace

void RegisterFromFloat(Registry& registry) { registry.AddOperator<FromFloat32>(); }

}  // namespace pixloom
