// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/hsv_kernel.h"
#include "ops/kernels/noise_words.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Two normal numbers per pixel: grey noise, and turns of the hue.
template <class T>
void AddIsoNoise(cv::Mat& image, float luminance, float turns, float black, float span,
                 StreamKey key) {
  const int channels = image.channels();
  const float unit = 1 / span;
  WalkNoise<float>(
      image.size(), 2, [key](auto... range) { FillNormals(key, range...); },
      [&](int x, int y, std::size_t pixels, const float* normals) {
        T* values = image.ptr<T>(y) + static_cast<std::ptrdiff_t>(x) * channels;
        for (std::size_t i = 0; i < pixels; ++i, values += channels, normals += 2) {
          const auto level = [&](int c) { return (static_cast<float>(values[c]) - black) * unit; };
          Hsv hsv = RgbToHsv({level(0), level(1), level(2)});
          const float grey = luminance * normals[0];
          const auto put = [&](int c, float v) {
            values[c] = RoundTo<T>((v + grey) * span + black);
          };
          if (hsv.s == 0) {  // no hue to turn
            for (int c = 0; c < 3; ++c) put(c, level(c));
            continue;
          }
          hsv.h = TurnHue(hsv.h, turns * normals[1]);
          const Rgb rgb = HsvToRgb(hsv);
          put(0, rgb.r);
          put(1, rgb.g);
          put(2, rgb.b);
        }
      });
}

struct IsoNoise {
  Range luminance{0.01, 0.05};
  Range hue{1, 10};

  static constexpr std::string_view kName = "iso_noise";
  static constexpr std::string_view kDoc =
      "Add the noise of a sensitive camera: grey noise in lightness and noise in the hue.";
  static constexpr std::array<std::string_view, 1> kAliases{"ISONoise"};
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("luminance", &IsoNoise::luminance)
                          .In(0, 1)
                          .Unit("full scale")
                          .Doc("Standard deviation of the grey noise, added to all channels."),
                      Param("hue", &IsoNoise::hue)
                          .In(0, 180)
                          .Unit("deg")
                          .Doc("Standard deviation of the hue (HSV); grey has none to change.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double grey = rng.Draw("luminance", luminance);
    const double turns = rng.Draw("hue", hue) / 360;
    return {[grey, turns](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      WithDepth(out, [&](auto zero) {
        AddIsoNoise<decltype(zero)>(out, static_cast<float>(grey), static_cast<float>(turns),
                                    BlackLevel(in, context.range), SpanLevels(in, context.range),
                                    context.noise);
      });
      return out;
    }};
  }
};

}  // namespace

void RegisterIsoNoise(Registry& registry) { registry.AddOperator<IsoNoise>(); }

}  // namespace pixloom
