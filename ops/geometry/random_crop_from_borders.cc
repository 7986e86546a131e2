// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct RandomCropFromBorders {
  double left = 0.1;
  double right = 0.1;
  double top = 0.1;
  double bottom = 0.1;

  static constexpr std::string_view kName = "random_crop_from_borders";
  static constexpr std::string_view kDoc = "Cut a random strip away from each side of the picture.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomCropFromBorders"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = RandomCropFromBorders;
    return std::tuple{Param("left", &Op::left)
                          .In(0, 1)
                          .Unit("widths")
                          .Alias("crop_left")
                          .Doc("Widest strip on the left, as a fraction of the picture."),
                      Param("right", &Op::right)
                          .In(0, 1)
                          .Unit("widths")
                          .Alias("crop_right")
                          .Doc("Widest strip on the right; one column always stays."),
                      Param("top", &Op::top)
                          .In(0, 1)
                          .Unit("heights")
                          .Alias("crop_top")
                          .Doc("Highest strip at the top, as a fraction of the picture."),
                      Param("bottom", &Op::bottom)
                          .In(0, 1)
                          .Unit("heights")
                          .Alias("crop_bottom")
                          .Doc("Highest strip at the bottom; one row always stays.")};
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const Part across = Remainder(rng, left, right, facts.size.width);
    const Part down = Remainder(rng, top, bottom, facts.size.height);
    const cv::Rect window(across.start, down.start, across.length, down.length);
    NoteWindow(rng, window);
    return Cut(window, facts.size);
  }

  Meta Out(const Meta& in) const { return OfSize(in, std::nullopt); }

 private:
  struct Part {
    int start;
    int length;
  };

  static Part Remainder(Rng& rng, double before, double after, int side) {
    const auto widest = [&](double fraction) { return static_cast<int>(fraction * side); };
    const int start = Whole(rng, 0, std::min(widest(before), side - 1));
    const int end = side - Whole(rng, 0, std::min(widest(after), side - 1 - start));
    return {start, end - start};
  }
};

}  // namespace

void RegisterRandomCropFromBorders(Registry& registry) {
  registry.AddOperator<RandomCropFromBorders>();
}

}  // namespace pixloom
