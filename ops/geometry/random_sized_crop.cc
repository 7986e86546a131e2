// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct RandomSizedCrop {
  Size size;
  Range height;
  double w2h_ratio = 1;
  Resampling interpolation = Resampling::kLinear;

  static constexpr std::string_view kName = "random_sized_crop";
  static constexpr std::string_view kDoc =
      "Cut out a window of random height and given shape, and resize it to a fixed size.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomSizedCrop"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = RandomSizedCrop;
    return std::tuple{
        Param("size", &Op::size)
            .In(1, kMaxSide)
            .Unit("px")
            .Required()
            .Doc("Height and width of the result."),
        Param("height", &Op::height)
            .In(1, kMaxSide)
            .Unit("px")
            .Required()
            .Alias("min_max_height")
            .Doc("Height of the window, rounded to whole pixels; a window that does not fit "
                 "shrinks and keeps its shape."),
        Param("w2h_ratio", &Op::w2h_ratio)
            .In(0.01, 100)
            .Unit("width/height")
            .Doc("Shape of the window."),
        Param("interpolation", &Op::interpolation).Doc(kInterpolationDoc)};
  }

  Steps<AffineStep> Draw(Rng& rng, const Facts& facts) const {
    const Size window = Fitting(DrawHeight(rng), facts.size);
    const int x = RandomStart(rng, facts.size.width, window.width);
    const int y = RandomStart(rng, facts.size.height, window.height);
    const cv::Rect at(x, y, window.width, window.height);
    NoteWindow(rng, at);
    return CutAndStretch(at, facts.size, size, interpolation);
  }

  Meta Out(const Meta& in) const { return OfSize(in, size); }

 private:
  // Every whole number between the ends has equal chance.
  int DrawHeight(Rng& rng) const {
    if (!height.choice.empty()) return Rounded(rng.Draw("", height));
    return Whole(rng, Rounded(height.lo), Rounded(height.hi));
  }

  Size Fitting(int wanted, Size picture) const {
    Size window;
    window.height = std::min(wanted, picture.height);
    window.width = std::max(1, Rounded(window.height * w2h_ratio));
    if (window.width > picture.width) {
      window.width = picture.width;
      window.height = std::clamp(Rounded(window.width / w2h_ratio), 1, picture.height);
    }
    return window;
  }
};

}  // namespace

void RegisterRandomSizedCrop(Registry& registry) { registry.AddOperator<RandomSizedCrop>(); }

}  // namespace pixloom
