// SPDX-License-Identifier: Apache-2.0
// Binds an operator to YAML and draws from it, as a chain does. For tests on one thread.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ops/register.h"
#include "pipeline/config.h"
#include "pipeline/registry.h"

namespace pixloom {

using Names = std::vector<std::string>;

inline const Registry& Ops() {
  static const auto* registry = [] {
    auto* r = new Registry;
    RegisterOps(*r);
    return r;
  }();
  return *registry;
}

// Binds `verb` to arguments in YAML ("" for none).
inline std::shared_ptr<const Operator> Bind(std::string_view verb, const std::string& yaml,
                                            Diagnostics& diagnostics,
                                            const Services& services = {}) {
  const OpInfo* info = Ops().FindOperator(verb);
  REQUIRE(info != nullptr);
  Variables variables;
  Value args;
  if (!yaml.empty()) {
    const auto parsed = ParseYaml(yaml, "t.yaml", variables, diagnostics);
    REQUIRE(parsed.has_value());
    args = *parsed;
  }
  return info->bind(args, services, "look (" + info->name + ")", diagnostics);
}

inline std::shared_ptr<const Operator> Bind(std::string_view verb, const std::string& yaml,
                                            const Services& services = {}) {
  Diagnostics diagnostics;
  auto op = Bind(verb, yaml, diagnostics, services);
  for (const Diagnostic& d : diagnostics.All()) MESSAGE(d.Text());
  REQUIRE(!diagnostics.HasErrors());
  return op;
}

struct Drawn {
  std::vector<Step> steps;
  Rng::Record record;

  double At(std::string_view name) const {
    for (const auto& [key, value] : record) {
      if (key == name) return value;
    }
    FAIL("nothing recorded as " << std::string(name));
    return 0;
  }
  Names RecordedNames() const {
    Names names;
    for (const auto& entry : record) names.push_back(entry.first);
    return names;
  }
  const AffineStep& Affine(std::size_t i = 0) const { return std::get<AffineStep>(steps.at(i)); }
};

inline Facts Picture(int width, int height, int channels = 3, Depth depth = Depth::kU8) {
  Facts facts;
  facts.size = {width, height};
  facts.channels = channels;
  facts.depth = depth;
  return facts;
}

inline Drawn Draw(const Operator& op, const Facts& facts, std::uint64_t id = 1) {
  Drawn drawn;
  Rng rng({DrawKey(7, 0, {}), id, StreamId("look/op")}, &drawn.record);
  drawn.steps = op.Draw(rng, facts);
  return drawn;
}

inline Drawn Draw(std::string_view verb, const std::string& yaml, const Facts& facts) {
  return Draw(*Bind(verb, yaml), facts);
}

}  // namespace pixloom
