// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct RandomShortestSize {
  Range size;
  std::int64_t max_size = 0;
  Resampling interpolation = Resampling::kLinear;

  static constexpr std::string_view kName = "random_shortest_size";
  static constexpr std::string_view kDoc =
      "Resize so that the shorter side gets a random length and the longer side none above a "
      "limit; the shape stays.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomShortestSize"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("size", &RandomShortestSize::size)
            .In(1, kMaxSide)
            .Unit("px")
            .Required()
            .Primary()
            .Alias("min_size", ListAsChoice)
            .Doc("Length of the shorter side, rounded to a whole number."),
        Param("max_size", &RandomShortestSize::max_size)
            .In(0, kMaxSide)
            .Unit("px")
            .Doc("Greatest length of the longer side, which then decides; 0 sets no limit."),
        Param("interpolation", &RandomShortestSize::interpolation).Doc(kInterpolationDoc)};
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
  Size Result(Size picture, double length) const {
    const double shorter = std::min(picture.width, picture.height);
    const double longer = std::max(picture.width, picture.height);
    const double wanted = RoundedSide(length);
    const auto limit = static_cast<double>(max_size);
    if (max_size > 0 && wanted / shorter > limit / longer) {
      return ScaledSize(picture, limit, longer);
    }
    return ScaledSize(picture, wanted, shorter);
  }
};

}  // namespace

void RegisterRandomShortestSize(Registry& registry) { registry.AddOperator<RandomShortestSize>(); }

}  // namespace pixloom
