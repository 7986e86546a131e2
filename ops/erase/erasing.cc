// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/erase/erase.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Erasing : Erases {
  Range scale{0.02, 0.33};
  Range ratio{0.3, 3.3};

  static constexpr std::string_view kName = "erasing";
  static constexpr std::string_view kDoc =
      "Erase one rectangle of random area and shape, drawn so that it always fits.";
  static constexpr std::array<std::string_view, 2> kAliases{"RandomErasing", "Erasing"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("scale", &Erasing::scale)
                       .In(0, 1)
                       .Unit("share")
                       .Primary()
                       .Doc("Area of the rectangle, as a share of the picture."),
                   Param("ratio", &Erasing::ratio)
                       .In(0.01, 100)
                       .Unit("height / width")
                       .Doc("Shape, uniform in its logarithm; of an interval only what fits the "
                            "picture is drawn from, and where nothing does the nearest is taken.")},
        Erases::Table<Erasing>());
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts& facts) const {
    const double width = facts.size.width;
    const double height = facts.size.height;
    const double share = rng.Draw("scale", scale);
    // A rectangle of area A and shape r is sqrt(A r) high and sqrt(A / r) wide.
    const double area = share * width * height;
    const double least = share * height / width;
    const double most = share > 0 ? height / (share * width) : ratio.Max();
    const auto fitting = [&](double r) { return std::min(std::max(r, least), most); };
    double shape = 1;
    if (ratio.choice.empty()) {
      shape = rng.LogUniform("ratio", fitting(ratio.lo), fitting(ratio.hi));
    } else {
      shape = fitting(rng.Draw("ratio", ratio));
    }
    const double u = rng.Unit();
    const double v = rng.Unit();
    const int h = LengthOf(std::sqrt(area * shape), HoleUnit::kPixels, facts.size.height);
    const int w = LengthOf(std::sqrt(area / shape), HoleUnit::kPixels, facts.size.width);
    const cv::Rect hole(StartOf(u, facts.size.width, w), StartOf(v, facts.size.height, h), w, h);
    NoteWindow(rng, hole);
    Holes made(facts.size);
    if (share > 0) made.Add(hole, 0);
    return Erase(std::move(made));
  }
};

}  // namespace

void RegisterErasing(Registry& registry) { registry.AddOperator<Erasing>(); }

}  // namespace pixloom
