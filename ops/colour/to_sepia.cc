// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ToSepia {
  Range amount{1};

  static constexpr std::string_view kName = "to_sepia";
  static constexpr std::string_view kDoc = "Tone the picture like an old brown print.";
  static constexpr std::array<std::string_view, 1> kAliases{"ToSepia"};
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("amount", &ToSepia::amount)
                          .In(0, 1)
                          .Unit("fraction")
                          .Primary()
                          .Doc("How far to go from the picture to the print.")};
  }

  ColorMatrix Draw(Rng& rng, const Facts&) const {
    const double part = rng.Draw("amount", amount);
    constexpr std::array kSepia{0.393, 0.769, 0.189, 0.349, 0.686, 0.168, 0.272, 0.534, 0.131};
    ColorMatrix matrix;
    for (std::size_t row = 0; row < 3; ++row) {
      for (std::size_t column = 0; column < 3; ++column) {
        matrix.m[row * 4 + column] =
            part * kSepia[row * 3 + column] + (row == column ? 1 - part : 0);
      }
    }
    return matrix;
  }
};

}  // namespace

void RegisterToSepia(Registry& registry) { registry.AddOperator<ToSepia>(); }

}  // namespace pixloom
