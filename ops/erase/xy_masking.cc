// SPDX-License-Identifier: Apache-2.0
#include "ops/erase/erase.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct XyMasking : Erases {
  Range count_x{0, 2};
  Range count_y{0, 2};
  Range length_x{0.02, 0.1};
  Range length_y{0.02, 0.1};
  HoleUnit unit = HoleUnit::kFraction;

  static constexpr std::string_view kName = "xy_masking";
  static constexpr std::string_view kDoc =
      "Erase upright and level stripes across the whole picture, as on spectrograms.";
  static constexpr std::array<std::string_view, 1> kAliases{"XYMasking"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = XyMasking;
    return std::tuple_cat(
        std::tuple{Param("count_x", &Op::count_x)
                       .In(0, 10'000)
                       .Unit("stripes")
                       .Alias("num_masks_x")
                       .Doc("How many upright stripes; whole numbers, with equal chance."),
                   Param("count_y", &Op::count_y)
                       .In(0, 10'000)
                       .Unit("stripes")
                       .Alias("num_masks_y")
                       .Doc("How many level stripes."),
                   Param("length_x", &Op::length_x)
                       .In(0, kMaxSide)
                       .Unit("widths or px")
                       .Alias("mask_x_length")
                       .Doc("Width of an upright stripe, at least one pixel."),
                   Param("length_y", &Op::length_y)
                       .In(0, kMaxSide)
                       .Unit("heights or px")
                       .Alias("mask_y_length")
                       .Doc("Height of a level stripe, at least one pixel."),
                   Param("unit", &Op::unit).Doc("Fractions of the side, or pixels.")},
        Erases::Table<Op>());
  }
  std::string Check() const {
    std::string problem = CheckWhole("count_x", count_x);
    if (problem.empty()) problem = CheckWhole("count_y", count_y);
    if (problem.empty()) problem = CheckLength("length_x", length_x, unit);
    if (problem.empty()) problem = CheckLength("length_y", length_y, unit);
    return problem.empty() ? Erases::Check() : problem;
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts& facts) const {
    const Size size = facts.size;
    const auto upright = static_cast<std::uint32_t>(DrawWhole(rng, "count_x", count_x));
    const auto level_stripes = static_cast<std::uint32_t>(DrawWhole(rng, "count_y", count_y));
    const NodeNoise noise(rng);
    Holes made(size);
    const auto add = [&](const cv::Rect& stripe, std::uint32_t number) {
      NoteWindow(rng, stripe);
      made.Add(stripe, number);
    };
    // Even numbers stand upright, odd ones lie.
    for (std::uint32_t i = 0; i < upright; ++i) {
      const Point unit_numbers = noise.Unit(2 * i);
      const int width = LengthOf(FromUnit(length_x, unit_numbers.x), unit, size.width);
      add({StartOf(unit_numbers.y, size.width, width), 0, width, size.height}, 2 * i);
    }
    for (std::uint32_t i = 0; i < level_stripes; ++i) {
      const Point unit_numbers = noise.Unit(2 * i + 1);
      const int height = LengthOf(FromUnit(length_y, unit_numbers.x), unit, size.height);
      add({0, StartOf(unit_numbers.y, size.height, height), size.width, height}, 2 * i + 1);
    }
    return Erase(std::move(made));
  }
};

}  // namespace

void RegisterXyMasking(Registry& registry) { registry.AddOperator<XyMasking>(); }

}  // namespace pixloom
