// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/geometry/symmetry.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Rotate90 {
  Range k{0, 3};

  static constexpr std::string_view kName = "rotate90";
  static constexpr std::string_view kDoc = "Turn counter-clockwise by quarter turns.";
  static constexpr std::array<std::string_view, 2> kAliases{"RandomRotate90", "RandomRotation90"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("k", &Rotate90::k)
                          .In(0, 3)
                          .Unit("quarter turns")
                          .Primary()
                          .Alias("times")
                          .Doc("How many, with equal chance for every whole number allowed.")};
  }

  std::string Check() const {
    for (const double turns : Allowed()) {
      if (turns != std::floor(turns)) {
        return "k: " + schema::Number(turns) + " is no whole number of quarter turns";
      }
    }
    return "";
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    Range whole;
    whole.choice = Allowed();
    const double turns = rng.Draw("k", whole);
    return SymmetryStep(static_cast<Symmetry>(static_cast<int>(turns)), facts.size);
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (!in.size || in.size->width == in.size->height) return out;
    bool odd = false;
    bool even = false;
    for (const double turns : Allowed()) (static_cast<int>(turns) % 2 == 1 ? odd : even) = true;
    if (odd) out.size = Size{in.size->height, in.size->width};
    if (odd && even) out.size.reset();
    return out;
  }

 private:
  std::vector<double> Allowed() const {
    if (!k.choice.empty()) return k.choice;
    std::vector<double> all;
    for (double turns = k.lo; turns < k.hi; ++turns) all.push_back(turns);
    all.push_back(k.hi);
    return all;
  }
};

}  // namespace

void RegisterRotate90(Registry& registry) { registry.AddOperator<Rotate90>(); }

}  // namespace pixloom
