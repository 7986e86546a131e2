// SPDX-License-Identifier: Apache-2.0
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Vflip {
  static constexpr std::string_view kName = "vflip";
  static constexpr std::string_view kDoc = "Mirror top and bottom.";
  static constexpr std::array<std::string_view, 4> kAliases{"vertical_flip", "VerticalFlip",
                                                            "RandomVerticalFlip", "Flipud"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() { return std::tuple{}; }

  AffineStep Draw(Rng&, const Facts& facts) const {
    return {Matrix::MirrorY(facts.size.height), facts.size, std::nullopt, std::nullopt};
  }
};

}  // namespace

void RegisterVflip(Registry& registry) { registry.AddOperator<Vflip>(); }

}  // namespace pixloom
