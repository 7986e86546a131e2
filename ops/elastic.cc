// SPDX-License-Identifier: Apache-2.0
#include "ops/blur_kernel.h"
#include "ops/common.h"
#include "ops/register.h"

namespace pixloom {
namespace {

// Uniform in [-1, 1) from the upper 24 bits: every value is a float.
float SignedUnit(std::uint32_t word) { return 2 * (static_cast<float>(word >> 8) * 0x1p-24F) - 1; }

struct Elastic : Warped {
  Range alpha{50};
  Range sigma{5};

  static constexpr std::string_view kName = "elastic";
  static constexpr std::string_view kDoc =
      "Move every pixel by a smooth random field; strong fields fold the picture.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("alpha", &Elastic::alpha)
                       .In(0, 10'000)
                       .Unit("px")
                       .Doc("Strength: the smoothed noise is multiplied by it."),
                   Param("sigma", &Elastic::sigma)
                       .In(0.1, 200)
                       .Unit("px")
                       .Doc("Smoothness: standard deviation of the Gaussian over the noise.")},
        Warped::Table<Elastic>());
  }

  WarpField Draw(Rng& rng, const Facts& facts) const {
    const auto strength = static_cast<float>(rng.Draw("alpha", alpha));
    const double smooth = rng.Draw("sigma", sigma);
    const StreamKey noise_key = rng.Key().Pixels();
    cv::Mat noise(facts.size.height, facts.size.width, CV_32FC2);
    std::uint32_t index = 0;
    for (int y = 0; y < noise.rows; ++y) {
      auto* row = noise.ptr<cv::Vec2f>(y);
      for (int x = 0; x < noise.cols; ++x) {
        const PhiloxBlock words = noise_key.Block(index++);
        row[x] = {SignedUnit(words[0]), SignedUnit(words[1])};
      }
    }
    const int side = 2 * static_cast<int>(3.5 * smooth) + 1;
    WarpField field{GaussianBlur(noise, smooth, smooth, side, Border::kReflect101), Rule(),
                    interpolation};
    for (cv::Vec2f& shift : cv::Mat_<cv::Vec2f>(field.displacement)) shift *= strength;
    return field;
  }
};

}  // namespace

void RegisterElastic(Registry& registry) { registry.AddOperator<Elastic>(); }

}  // namespace pixloom
