// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Illuminant { kBlackbody, kCied };

}  // namespace

template <>
struct EnumNames<Illuminant> {
  static constexpr std::array kAll{std::pair{Illuminant::kBlackbody, "blackbody"},
                                   std::pair{Illuminant::kCied, "cied"}};
};

namespace {

struct White {
  double r, g, b;
};

// White of a lamp of 3000, 3500, ... 15,000 K on a camera that sees sRGB, as tabulated by Zini et
// al., "Planckian jitter" (ICLR 2023); daylight (CIE D) from 4000 K.
constexpr double kTableStep = 500;
constexpr double kFirstBlackbody = 3000;
constexpr double kFirstCied = 4000;
constexpr std::array kBlackbody{
    White{0.6743, 0.4029, 0.0013}, White{0.6281, 0.4241, 0.1665}, White{0.5919, 0.4372, 0.2513},
    White{0.5623, 0.4457, 0.3154}, White{0.5376, 0.4515, 0.3672}, White{0.5163, 0.4555, 0.4103},
    White{0.4979, 0.4584, 0.4468}, White{0.4816, 0.4604, 0.4782}, White{0.4672, 0.4619, 0.5053},
    White{0.4542, 0.4630, 0.5289}, White{0.4426, 0.4638, 0.5497}, White{0.4320, 0.4644, 0.5681},
    White{0.4223, 0.4648, 0.5844}, White{0.4135, 0.4651, 0.5990}, White{0.4054, 0.4653, 0.6121},
    White{0.3980, 0.4654, 0.6239}, White{0.3911, 0.4655, 0.6346}, White{0.3847, 0.4656, 0.6444},
    White{0.3787, 0.4656, 0.6532}, White{0.3732, 0.4656, 0.6613}, White{0.3680, 0.4655, 0.6688},
    White{0.3632, 0.4655, 0.6756}, White{0.3586, 0.4655, 0.6820}, White{0.3544, 0.4654, 0.6878},
    White{0.3503, 0.4653, 0.6933}};
constexpr std::array kCied{
    White{0.5829, 0.4421, 0.2288}, White{0.5510, 0.4514, 0.2948}, White{0.5246, 0.4576, 0.3488},
    White{0.5021, 0.4618, 0.3941}, White{0.4826, 0.4646, 0.4325}, White{0.4654, 0.4667, 0.4654},
    White{0.4502, 0.4681, 0.4938}, White{0.4364, 0.4692, 0.5186}, White{0.4240, 0.4700, 0.5403},
    White{0.4127, 0.4705, 0.5594}, White{0.4023, 0.4709, 0.5763}, White{0.3928, 0.4713, 0.5914},
    White{0.3839, 0.4715, 0.6049}, White{0.3757, 0.4716, 0.6171}, White{0.3681, 0.4717, 0.6281},
    White{0.3609, 0.4718, 0.6380}, White{0.3543, 0.4719, 0.6472}, White{0.3480, 0.4719, 0.6555},
    White{0.3421, 0.4719, 0.6631}, White{0.3365, 0.4719, 0.6702}, White{0.3313, 0.4719, 0.6766},
    White{0.3263, 0.4719, 0.6826}, White{0.3217, 0.4719, 0.6882}};

template <std::size_t kCount>
White Between(const std::array<White, kCount>& table, double first, double kelvin) {
  const double position =
      std::clamp((kelvin - first) / kTableStep, 0.0, static_cast<double>(kCount - 1));
  const std::size_t below = std::min(static_cast<std::size_t>(position), kCount - 2);
  const double t = position - static_cast<double>(below);
  const White& a = table[below];
  const White& b = table[below + 1];
  return {a.r + t * (b.r - a.r), a.g + t * (b.g - a.g), a.b + t * (b.b - a.b)};
}

struct PlanckianJitter {
  Range temperature{4000, 15000};
  Illuminant mode = Illuminant::kBlackbody;

  static constexpr std::string_view kName = "planckian_jitter";
  static constexpr std::string_view kDoc =
      "Light the picture by a lamp of another colour temperature; green stays as it is.";
  static constexpr std::array<std::string_view, 2> kAliases{"PlanckianJitter",
                                                            "RandomPlanckianJitter"};
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("temperature", &PlanckianJitter::temperature)
            .In(3000, 15000)
            .Unit("K")
            .Primary()
            .Alias("temperature_limit")
            .Doc("Colour temperature of the lamp: low is red, high is blue, about 6500 changes "
                 "little."),
        Param("mode", &PlanckianJitter::mode)
            .Doc("The lamp: a glowing black body, or CIE daylight, which begins at 4000 K.")};
  }
  std::string Check() const {
    if (mode == Illuminant::kBlackbody || temperature.Min() >= kFirstCied) return "";
    return "temperature: daylight (cied) begins at 4000 K; take warmer lamps from blackbody";
  }

  Lut Draw(Rng& rng, const Facts&) const {
    const double kelvin = rng.Draw("temperature", temperature);
    const White white = mode == Illuminant::kCied ? Between(kCied, kFirstCied, kelvin)
                                                  : Between(kBlackbody, kFirstBlackbody, kelvin);
    Lut lut;
    lut.per_channel = true;
    lut.curve = [red = white.r / white.g, blue = white.b / white.g](int channel, double x) {
      return channel == 0 ? red * x : channel == 2 ? blue * x : x;
    };
    return lut;
  }
};

}  // namespace

void RegisterPlanckianJitter(Registry& registry) { registry.AddOperator<PlanckianJitter>(); }

}  // namespace pixloom
