// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct RandomResizedCrop {
  Size size;
  Range scale{0.08, 1};
  Range ratio{0.75, 1.3333333333333333};
  Resampling interpolation = Resampling::kLinear;

  static constexpr std::string_view kName = "random_resized_crop";
  static constexpr std::string_view kDoc =
      "Cut out a window of random area and shape and resize it to a fixed size.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomResizedCrop"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("size", &RandomResizedCrop::size)
            .In(1, kMaxSide)
            .Unit("px")
            .Required()
            .Primary()
            .Doc("Height and width of the result."),
        Param("scale", &RandomResizedCrop::scale)
            .In(0.0001, 1)
            .Unit("areas")
            .Doc("Area of the window as a fraction of the picture."),
        Param("ratio", &RandomResizedCrop::ratio)
            .In(0.01, 100)
            .Unit("width/height")
            .Doc("Shape of the window; drawn on a logarithmic scale."),
        Param("interpolation", &RandomResizedCrop::interpolation).Doc(kInterpolationDoc)};
  }

  Steps<AffineStep> Draw(Rng& rng, const Facts& facts) const {
    const cv::Rect window = Window(rng, facts.size);
    NoteWindow(rng, window);
    return CutAndStretch(window, facts.size, size, interpolation);
  }

  Meta Out(const Meta& in) const { return OfSize(in, size); }

 private:
  cv::Rect Window(Rng& rng, Size picture) const {
    for (int tries = 0; tries < 10; ++tries) {
      const double area = static_cast<double>(picture.Area()) * rng.Draw("", scale);
      const double shape =
          ratio.choice.empty() ? rng.LogUniform("", ratio.lo, ratio.hi) : rng.Draw("", ratio);
      const int width = Rounded(std::sqrt(area * shape));
      const int height = Rounded(std::sqrt(area / shape));
      if (width < 1 || height < 1 || width > picture.width || height > picture.height) continue;
      const int x = RandomStart(rng, picture.width, width);
      const int y = RandomStart(rng, picture.height, height);
      return {x, y, width, height};
    }
    // The whole picture, or the largest centred part of it whose shape is allowed.
    const double shape = static_cast<double>(picture.width) / picture.height;
    int width = picture.width;
    int height = picture.height;
    if (shape < ratio.Min()) height = std::max(1, Rounded(width / ratio.Min()));
    if (shape > ratio.Max()) width = std::max(1, Rounded(height * ratio.Max()));
    return {CentredStart(picture.width, width), CentredStart(picture.height, height), width,
            height};
  }
};

}  // namespace

void RegisterRandomResizedCrop(Registry& registry) { registry.AddOperator<RandomResizedCrop>(); }

}  // namespace pixloom
