// SPDX-License-Identifier: Apache-2.0
#include "ops/erase/erase.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct CoarseDropout : Erases {
  Range holes{1, 2};
  Range hole_height{0.1, 0.2};
  Range hole_width{0.1, 0.2};
  HoleUnit unit = HoleUnit::kFraction;

  static constexpr std::string_view kName = "coarse_dropout";
  static constexpr std::string_view kDoc = "Erase rectangles anywhere in the picture.";
  static constexpr std::array<std::string_view, 2> kAliases{"CoarseDropout", "Cutout"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = CoarseDropout;
    return std::tuple_cat(
        std::tuple{Param("holes", &Op::holes)
                       .In(0, 10'000)
                       .Unit("holes")
                       .Primary()
                       .Alias("num_holes_range")
                       .Doc("How many; whole numbers, with equal chance."),
                   Param("hole_height", &Op::hole_height)
                       .In(0, kMaxSide)
                       .Unit("heights or px")
                       .Alias("hole_height_range")
                       .Doc("Height of each, at least one pixel."),
                   Param("hole_width", &Op::hole_width)
                       .In(0, kMaxSide)
                       .Unit("widths or px")
                       .Alias("hole_width_range")
                       .Doc("Width of each, at least one pixel."),
                   Param("unit", &Op::unit).Doc("Fractions of the side, or pixels.")},
        Erases::Table<Op>());
  }
  std::string Check() const {
    std::string problem = CheckWhole("holes", holes);
    if (problem.empty()) problem = CheckLength("hole_height", hole_height, unit);
    if (problem.empty()) problem = CheckLength("hole_width", hole_width, unit);
    return problem.empty() ? Erases::Check() : problem;
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts& facts) const {
    const int count = DrawWhole(rng, "holes", holes);
    const NodeNoise noise(rng);
    Holes made(facts.size);
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(count); ++i) {
      const Point sides = noise.Unit(2 * i);
      const Point place = noise.Unit(2 * i + 1);
      const int width = LengthOf(FromUnit(hole_width, sides.x), unit, facts.size.width);
      const int height = LengthOf(FromUnit(hole_height, sides.y), unit, facts.size.height);
      const cv::Rect hole(StartOf(place.x, facts.size.width, width),
                          StartOf(place.y, facts.size.height, height), width, height);
      NoteWindow(rng, hole);
      made.Add(hole, i);
    }
    return Erase(std::move(made));
  }
};

}  // namespace

void RegisterCoarseDropout(Registry& registry) { registry.AddOperator<CoarseDropout>(); }

}  // namespace pixloom
