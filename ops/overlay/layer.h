// SPDX-License-Identifier: Apache-2.0
// Layers: pictures with alpha that are laid over others, and what that does to labels.
//
// - A layer is scaled, turned about its centre and placed as a whole; at size 1 and angle 0 its
//   pixels are copied. Colours are interpolated with alpha multiplied in, so that what is
//   transparent bleeds into nothing.
// - Alpha of the picture below stays. One gray level per pixel goes to all channels of pictures
//   with neither 3 nor 4 of them.
// - Objects below lose the pixels of which a layer in blend mode normal covers at least half, by
//   the rules of erasing (ops/erase/erase.h).
// - The layer itself becomes an object when it gets a label: the pixels where it is at least half
//   opaque, whatever its opacity.
//
// Layers are immutable; functions are pure.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "ops/common.h"
#include "ops/erase/erase.h"
#include "pipeline/operator.h"

namespace pixloom {

enum class BlendMode { kNormal, kMultiply, kScreen, kDarken, kLighten };

template <>
struct EnumNames<BlendMode> {
  static constexpr std::array kAll{
      std::pair{BlendMode::kNormal, "normal"}, std::pair{BlendMode::kMultiply, "multiply"},
      std::pair{BlendMode::kScreen, "screen"}, std::pair{BlendMode::kDarken, "darken"},
      std::pair{BlendMode::kLighten, "lighten"}};
};

enum class OverlayBox { kUpright, kOriented };

template <>
struct EnumNames<OverlayBox> {
  static constexpr std::array kAll{std::pair{OverlayBox::kUpright, "upright"},
                                   std::pair{OverlayBox::kOriented, "oriented"}};
};

// CV_32FC4 in unit scale, colours multiplied by alpha.
struct Layer {
  cv::Mat pixels;
  cv::Point at;   // of its upper left pixel in the picture
  Quad quad;      // the tight box of what is half opaque, as it was turned
  double area{};  // px^2 of that, also outside the picture
};

// Where a layer goes: shares of the room that is left (0: left and upper edge, 1: right and lower),
// radians clockwise.
struct Placement {
  double scale = 1;
  double x = 0.5;
  double y = 0.5;
  double angle = 0;
};

// From RGBA in unit scale, colours not multiplied. A layer that would not fit is made smaller.
Layer PlaceLayer(const cv::Mat& rgba, const Placement& placement, Size picture);

// Lays `layer` over a picture. Pixels it does not reach keep their bits.
cv::Mat LayOver(const cv::Mat& picture, ValueRange range, const Layer& layer, double opacity,
                BlendMode mode);

// CV_8U of the picture's size: where alpha times opacity is at least one half.
cv::Mat CoveredBits(const Layer& layer, double opacity, Size picture);

// Parameters of operators that lay something over pictures: a base class, whose table follows the
// operator's own parameters.
struct Overlays : Covers {
  Range x{0, 1};
  Range y{0, 1};
  Range angle{0};
  Range opacity{1};
  BlendMode blend = BlendMode::kNormal;
  std::string label;
  OverlayBox box = OverlayBox::kUpright;
  bool occlude = true;
  bool erase_masks = false;
  std::int64_t mask_fill = -1;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple_cat(
        std::tuple{
            Param<Op, Range>("x", &Op::x)
                .In(-1, 2)
                .Unit("share")
                .Alias("x_pos")
                .Doc("Place: 0 at the left edge, 1 at the right edge, whole in between; beyond, a "
                     "part lies outside."),
            Param<Op, Range>("y", &Op::y)
                .In(-1, 2)
                .Unit("share")
                .Alias("y_pos")
                .Doc("The same from the upper edge to the lower."),
            Param<Op, Range>("angle", &Op::angle).In(-360, 360).Unit("deg").Doc("Turn."),
            Param<Op, Range>("opacity", &Op::opacity)
                .In(0, 1)
                .Unit("share")
                .Doc("0 changes nothing, 1 hides what is below opaque pixels."),
            Param<Op, BlendMode>("blend", &Op::blend)
                .Doc("How colours meet where the overlay is opaque: normal: its own; multiply, "
                     "screen, darken, lighten: of both."),
            Param<Op, std::string>("label", &Op::label)
                .Alias("class")
                .Doc("Makes the overlay an object of this class, by name or index, with box and "
                     "bits; empty: no object."),
            Param<Op, OverlayBox>("box", &Op::box)
                .Doc("Box of that object: upright around what is visible, or oriented and whole."),
            Param<Op, bool>("occlude", &Op::occlude)
                .Doc("Whether objects below lose what the overlay covers; in blend mode normal "
                     "only."),
            Param<Op, bool>("erase_masks", &Op::erase_masks)
                .Doc("Whether semantic masks are filled where it covers them; otherwise they "
                     "stay."),
            Param<Op, std::int64_t>("mask_fill", &Op::mask_fill)
                .In(-1, 65'535)
                .Unit("class")
                .Doc("Class index they are filled with; -1 is the mask's own ignore index.")},
        Covers::Table<Op>());
  }

 protected:
  struct Drawn {
    double x = 0, y = 0, angle = 0, opacity = 1;

    Placement At(double scale) const { return {scale, x, y, -Radians(angle)}; }
  };
  Drawn DrawPlace(Rng& rng) const;

  // Pixels, then labels. `make` gives the layer for a picture of some size; it is asked once per
  // size.
  using MakeLayer = std::function<Result<Layer>(Size picture)>;
  Steps<ImageStep, SampleStep> Lay(MakeLayer make, const Drawn& drawn, std::string_view verb,
                                   std::map<std::string, std::string> attributes = {}) const;
};

}  // namespace pixloom
