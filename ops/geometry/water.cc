// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Water : Warped {
  Range ampl_x{10};
  Range ampl_y{10};
  Range freq_x{0.049087385212};  // one wave in 128 px
  Range freq_y{0.049087385212};
  Range phase_x{0, 6.283185307179586};
  Range phase_y{0, 6.283185307179586};

  static constexpr std::string_view kName = "water";
  static constexpr std::string_view kDoc =
      "Show the picture through waves; ampl_x * freq_x * ampl_y * freq_y from 1 on folds.";
  static constexpr std::array<std::string_view, 1> kAliases{"WaterRefraction"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("ampl_x", &Water::ampl_x)
                       .In(0, 10'000)
                       .Unit("px")
                       .Doc("Height of the waves that move pixels sideways."),
                   Param("ampl_y", &Water::ampl_y)
                       .In(0, 10'000)
                       .Unit("px")
                       .Doc("Height of the waves that move pixels up and down."),
                   Param("freq_x", &Water::freq_x)
                       .In(0, 3.2)
                       .Unit("rad/px")
                       .Doc("Frequency of the sideways waves, which run down the picture."),
                   Param("freq_y", &Water::freq_y)
                       .In(0, 3.2)
                       .Unit("rad/px")
                       .Doc("Frequency of the upward waves, which run across the picture."),
                   Param("phase_x", &Water::phase_x)
                       .In(-1000, 1000)
                       .Unit("rad")
                       .Doc("Where the sideways waves start: dx = ampl_x sin(freq_x y + phase_x)."),
                   Param("phase_y", &Water::phase_y)
                       .In(-1000, 1000)
                       .Unit("rad")
                       .Doc("Where the upward waves start: dy = ampl_y cos(freq_y x + phase_y).")},
        Warped::Table<Water>());
  }

  WarpField Draw(Rng& rng, const Facts& facts) const {
    const double height_x = rng.Draw("ampl_x", ampl_x);
    const double height_y = rng.Draw("ampl_y", ampl_y);
    const double rate_x = rng.Draw("freq_x", freq_x);
    const double rate_y = rng.Draw("freq_y", freq_y);
    const double start_x = rng.Draw("phase_x", phase_x);
    const double start_y = rng.Draw("phase_y", phase_y);
    std::vector<float> dy;
    for (int x = 0; x < facts.size.width; ++x) {
      dy.push_back(static_cast<float>(height_y * exact::Cos(rate_y * (x + 0.5) + start_y)));
    }
    cv::Mat field(facts.size.height, facts.size.width, CV_32FC2);
    for (int y = 0; y < field.rows; ++y) {
      const auto dx = static_cast<float>(height_x * exact::Sin(rate_x * (y + 0.5) + start_x));
      auto* row = field.ptr<float>(y);
      for (std::size_t x = 0; x < dy.size(); ++x) {
        row[2 * x] = dx;
        row[2 * x + 1] = dy[x];
      }
    }
    return {field, Rule(), interpolation};
  }
};

}  // namespace

void RegisterWater(Registry& registry) { registry.AddOperator<Water>(); }

}  // namespace pixloom
