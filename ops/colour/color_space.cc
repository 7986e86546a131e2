// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/common.h"
#include "ops/kernels/colour_space.h"
#include "pipeline/registry.h"

namespace pixloom {

template <>
struct EnumNames<ColourSpace> {
  static constexpr std::array kAll{
      std::pair{ColourSpace::kRgb, "rgb"},   std::pair{ColourSpace::kBgr, "bgr"},
      std::pair{ColourSpace::kGray, "gray"}, std::pair{ColourSpace::kHsv, "hsv"},
      std::pair{ColourSpace::kHls, "hls"},   std::pair{ColourSpace::kLab, "lab"},
      std::pair{ColourSpace::kLuv, "luv"},   std::pair{ColourSpace::kYCrCb, "ycrcb"}};
};

namespace {

struct ColorSpace {
  ColourSpace from = ColourSpace::kRgb;
  ColourSpace to = ColourSpace::kRgb;

  static constexpr std::string_view kName = "color_space";
  static constexpr std::string_view kDoc =
      "Write colours in another colour space, each of its channels spread over the full range.";
  static constexpr std::array<std::string_view, 2> kAliases{"ChangeColorspace",
                                                            "ColorSpaceConversion"};
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("to", &ColorSpace::to)
            .Required()
            .Primary()
            .Doc("What the channels mean afterwards. Hue: a turn over the full range; L of lab and "
                 "luv: 100; a and b: from -128 to 127; u: -134 to 220; v: -140 to 122; Cr and Cb: "
                 "128 of 255 is neutral; gray: three equal channels."),
        Param("from", &ColorSpace::from).Doc("What they mean before.")};
  }

  Steps<PixelStep> Draw(Rng&, const Facts&) const {
    if (from == to) return {};
    return {MakePixelStep(
        StatsKind::kNone,
        [before = from, after = to](float* values, int pixels, int channels, const Stats&) {
          if (channels != 3 && channels != 4) return;
          ColourStrip strip;
          for (int done = 0; done < pixels; done += ColourStrip::kPixels) {
            const int now = std::min(ColourStrip::kPixels, pixels - done);
            float* first = values + std::ptrdiff_t{done} * channels;
            float* v = first;
            for (int i = 0; i < now; ++i, v += channels) {
              strip.a[i] = v[0], strip.b[i] = v[1], strip.c[i] = v[2];
            }
            ToRgb(before, strip, now);
            FromRgb(after, strip, now);
            v = first;
            for (int i = 0; i < now; ++i, v += channels) {
              v[0] = strip.a[i], v[1] = strip.b[i], v[2] = strip.c[i];
            }
          }
        })};
  }
};

}  // namespace

void RegisterColorSpace(Registry& registry) { registry.AddOperator<ColorSpace>(); }

}  // namespace pixloom
