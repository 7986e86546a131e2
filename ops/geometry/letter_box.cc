// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/geometry/canvas.h"
#include "ops/geometry/placement.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct LetterBox : Warped {
  Size size;
  bool upscale = true;
  Spot position = Spot::kCenter;

  LetterBox() { fill = {114}; }

  static constexpr std::string_view kName = "letter_box";
  static constexpr std::string_view kDoc =
      "Resize both axes alike until the picture fits a canvas of fixed size, and fill the rest.";
  static constexpr std::array<std::string_view, 1> kAliases{"LetterBox"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(std::tuple{Param("size", &LetterBox::size)
                                         .In(1, kMaxSide)
                                         .Unit("px")
                                         .Required()
                                         .Primary()
                                         .Doc("Height and width of the canvas."),
                                     Param("upscale", &LetterBox::upscale)
                                         .Doc("Enlarge pictures that are smaller than the canvas."),
                                     Param("position", &LetterBox::position).Doc(kSpotDoc)},
                          Warped::Table<LetterBox>());
  }

  // The recipe says how to get back: x = (x' - left) / scale_x, y = (y' - top) / scale_y.
  Steps<AffineStep> Draw(Rng& rng, const Facts& facts) const {
    const Size inner = Inner(facts.size);
    rng.Note("scale_x", static_cast<double>(inner.width) / facts.size.width);
    rng.Note("scale_y", static_cast<double>(inner.height) / facts.size.height);
    return {StretchTo(facts.size, inner, interpolation), LayOn(rng, position, inner, size, Rule())};
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    out.size = size;
    return out;
  }

 private:
  Size Inner(Size picture) const {
    if (!upscale && picture.width <= size.width && picture.height <= size.height) return picture;
    const bool wide = std::int64_t{picture.width} * size.height >=  //
                      std::int64_t{picture.height} * size.width;
    return wide ? ScaledSize(picture, size.width, picture.width)
                : ScaledSize(picture, size.height, picture.height);
  }
};

}  // namespace

void RegisterLetterBox(Registry& registry) { registry.AddOperator<LetterBox>(); }

}  // namespace pixloom
