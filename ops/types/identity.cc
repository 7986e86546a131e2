// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct IdentityOp {
  static constexpr std::string_view kName = "identity";
  static constexpr std::string_view kDoc =
      "Leave everything as it is: what a choice may also come to.";
  static constexpr std::array<std::string_view, 3> kAliases{"Identity", "NoOp", "Noop"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() { return std::tuple{}; }

  Steps<LabelStep> Draw(Rng&, const Facts&) const { return {}; }
};

}  // namespace

void RegisterIdentity(Registry& registry) { registry.AddOperator<IdentityOp>(); }

}  // namespace pixloom
