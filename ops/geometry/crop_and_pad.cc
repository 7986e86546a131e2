// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct CropAndPad : Warped {
  Range px;
  Range fraction;
  bool keep_size = true;
  bool sample_independently = true;

  static constexpr std::string_view kName = "crop_and_pad";
  static constexpr std::string_view kDoc =
      "Add to each side of the picture, or cut away from it where the amount is negative.";
  static constexpr std::array<std::string_view, 1> kAliases{"CropAndPad"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    using Op = CropAndPad;
    return std::tuple_cat(
        std::tuple{Param("px", &Op::px)
                       .In(-kMaxSide, kMaxSide)
                       .Unit("px")
                       .Doc("Pixels added to each side; negative ones are cut away, but never the "
                            "last row or column."),
                   Param("fraction", &Op::fraction)
                       .In(-1, 10)
                       .Unit("sides")
                       .Alias("percent")
                       .Doc("As px, in parts of the height for top and bottom and of the width for "
                            "left and right; added to px."),
                   Param("keep_size", &Op::keep_size)
                       .Doc("Resize the result to the size the picture had."),
                   Param("sample_independently", &Op::sample_independently)
                       .Doc("Draw an amount for each side; false draws one for all four.")},
        Warped::Table<Op>());
  }

  Steps<AffineStep> Draw(Rng& rng, const Facts& facts) const {
    std::array<Amount, 4> amounts;  // top, right, bottom, left
    for (Amount& amount : amounts) {
      amount.px = rng.Draw("", px);
      amount.fraction = rng.Draw("", fraction);
    }
    if (!sample_independently) amounts.fill(amounts[0]);
    const Size size = facts.size;
    const Ends down = Grow(amounts[0], amounts[2], size.height);
    const Ends across = Grow(amounts[3], amounts[1], size.width);
    rng.Note("top", down.before);
    rng.Note("right", across.after);
    rng.Note("bottom", down.after);
    rng.Note("left", across.before);
    const Size grown{size.width + across.before + across.after,
                     size.height + down.before + down.after};
    Steps<AffineStep> steps{CutWindow(-across.before, -down.before, grown, size, Rule())};
    if (keep_size) steps.emplace_back(Stretch(grown, size, interpolation));
    return steps;
  }

  Meta Out(const Meta& in) const { return keep_size ? in : OfSize(in, std::nullopt); }

 private:
  struct Amount {
    double px;
    double fraction;
    int Pixels(int side) const { return Rounded(px + fraction * side); }
  };
  struct Ends {
    int before;
    int after;
  };

  static Ends Grow(const Amount& first, const Amount& second, int side) {
    Ends ends{first.Pixels(side), second.Pixels(side)};
    const std::int64_t before = std::max(0, -ends.before);
    const std::int64_t after = std::max(0, -ends.after);
    if (before + after < side) return ends;
    // One pixel of the picture stays; both sides give back in proportion.
    const std::int64_t kept = before * (side - 1) / (before + after);
    if (before > 0) ends.before = static_cast<int>(-kept);
    if (after > 0) ends.after = static_cast<int>(-(side - 1 - kept));
    return ends;
  }
};

}  // namespace

void RegisterCropAndPad(Registry& registry) { registry.AddOperator<CropAndPad>(); }

}  // namespace pixloom
