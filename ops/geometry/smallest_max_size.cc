// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct SmallestMaxSize {
  Range size;
  Resampling interpolation = Resampling::kLinear;

  static constexpr std::string_view kName = "smallest_max_size";
  static constexpr std::string_view kDoc =
      "Resize so that the shorter side gets a given length; the shape stays.";
  static constexpr std::array<std::string_view, 1> kAliases{"SmallestMaxSize"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("size", &SmallestMaxSize::size)
            .In(1, kMaxSide)
            .Unit("px")
            .Required()
            .Primary()
            .Alias("max_size", ListAsChoice)
            .Doc("Length of the shorter side, rounded to a whole number."),
        Param("interpolation", &SmallestMaxSize::interpolation).Doc(kInterpolationDoc)};
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    return StretchTo(facts.size, Result(facts.size, rng.Draw("size", size)), interpolation);
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (in.size) out.size = Result(*in.size, size.Min());
    if (size.Min() != size.Max()) out.size.reset();
    return out;
  }

 private:
  static Size Result(Size picture, double length) {
    return ScaledSize(picture, RoundedSide(length), std::min(picture.width, picture.height));
  }
};

}  // namespace

void RegisterSmallestMaxSize(Registry& registry) { registry.AddOperator<SmallestMaxSize>(); }

}  // namespace pixloom
