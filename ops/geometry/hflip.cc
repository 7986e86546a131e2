// SPDX-License-Identifier: Apache-2.0
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Hflip {
  static constexpr std::string_view kName = "hflip";
  static constexpr std::string_view kDoc = "Mirror left and right.";
  static constexpr std::array<std::string_view, 4> kAliases{"horizontal_flip", "HorizontalFlip",
                                                            "RandomHorizontalFlip", "Fliplr"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() { return std::tuple{}; }

  AffineStep Draw(Rng&, const Facts& facts) const {
    return {Matrix::MirrorX(facts.size.width), facts.size, std::nullopt, std::nullopt};
  }
};

}  // namespace

void RegisterHflip(Registry& registry) { registry.AddOperator<Hflip>(); }

}  // namespace pixloom
