// SPDX-License-Identifier: Apache-2.0
// An operator of your own: declare it, register it beside the built-ins, name it in YAML.
#include <cmath>
#include <cstdio>
#include <string_view>
#include <tuple>

#include "api/pixloom.h"

namespace {

using namespace pixloom;

// Draws how many levels are left; what Draw returns (a Lut) says what kind of operator this is.
struct FewerLevels {
  Range levels{4, 16};

  static constexpr std::string_view kName = "fewer_levels";
  static constexpr std::string_view kDoc = "Leave only some levels of every channel.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("levels", &FewerLevels::levels)
                          .In(2, 256)
                          .Unit("levels")
                          .Primary()
                          .Doc("Levels that are left.")};
  }

  Lut Draw(Rng& rng, const Facts&) const {
    const double last = std::floor(rng.Draw("levels", levels)) - 1;
    return {[last](int, double x) { return std::floor(x * last + 0.5) / last; }};
  }
};

constexpr const char* kPipeline = R"(
version: 1
seed: 1
nodes:
  scenes: {shapes: {count: 8, size: [128, 128]}}
  look: [hflip, {fewer_levels: [3, 6]}]
  out: {discard: {}}
)";

}  // namespace

int main() {
  static Registry registry;  // bound operators point into it
  RegisterBuiltIns(registry);
  registry.AddOperator<FewerLevels>();
  LoadOptions options;
  options.registry = &registry;
  Pipeline pipeline = Pipeline::Parse(kPipeline, "example", options);
  std::printf("%s\n%s", OpsText(registry, "fewer_levels").c_str(), pipeline.Run().ToText().c_str());
  return 0;
}
