// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "ops/weather/weather.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Peers' snow point p stands for a lightness of (127.5 p + 85) / 255.
Value FromSnowPoint(const Value& value) {
  const auto lightness = [](double p) { return schema::To((127.5 * p + 85) / 255); };
  if (value.IsNumber()) return lightness(value.number);
  if (value.kind != Value::Kind::kList) return value;
  std::vector<Value> points;
  for (const Value& v : value.items) points.push_back(v.IsNumber() ? lightness(v.number) : v);
  return Value::List(std::move(points));
}

// What happens to a lightness in HLS, and to the distance of the channels from it: saturation
// stays, so that they keep to the same share of what is possible at that lightness.
struct Bleach {
  float point;
  float gain;
  float softness;

  struct Change {
    float lightness;
    float chroma;
  };
  Change At(float lightness) const {
    if (!(lightness > 0) || lightness >= 1) return {lightness, 1};
    const float half = softness / 2;
    float share = lightness < point ? 1.0F : 0.0F;
    if (softness > 0) share = 1 - SmoothStep(point - half, point + half, lightness);
    const float lit = std::min(gain * lightness, 1.0F);
    const float now = lightness + share * (lit - lightness);
    const auto room = [](float l) { return l < 0.5F ? l : 1 - l; };
    return {now, room(now) / room(lightness)};
  }
};

class BleachKernel final : public PixelKernel {
 public:
  explicit BleachKernel(const Bleach& bleach) : bleach_(bleach) {
    // Bytes have 511 lightnesses. Kept as level = offset + factor * level before.
    for (std::size_t sum = 0; sum < table_.size(); ++sum) {
      const float lightness = static_cast<float>(sum) / 510;
      const Bleach::Change change = bleach.At(lightness);
      table_[sum] = {255 * (change.lightness - change.chroma * lightness), change.chroma};
    }
  }

  void Row(const std::uint8_t* in, std::uint8_t* out, int pixels, int channels,
           const Stats&) const override {
    Each(in, out, pixels, channels, [this](std::uint8_t low, std::uint8_t high) {
      return table_[static_cast<std::size_t>(low) + high];
    });
  }
  void Row(const std::uint16_t* in, std::uint16_t* out, int pixels, int channels,
           const Stats&) const override {
    Each(in, out, pixels, channels, [this](std::uint16_t low, std::uint16_t high) {
      const float lightness = static_cast<float>(low + high) / 131'070;
      const Bleach::Change change = bleach_.At(lightness);
      return Line{65'535 * (change.lightness - change.chroma * lightness), change.chroma};
    });
  }
  void Row(const float* in, float* out, int pixels, int channels, const Stats&) const override {
    Each(in, out, pixels, channels, [this](float low, float high) {
      const float lightness = (low + high) / 2;
      const Bleach::Change change = bleach_.At(lightness);
      return Line{change.lightness - change.chroma * lightness, change.chroma};
    });
  }

 private:
  struct Line {
    float offset = 0;
    float factor = 1;
  };

  template <class T, class LineFor>
  static void Each(const T* in, T* out, int pixels, int channels, LineFor line_for) {
    const int coloured = channels == 1 ? 1 : 3;
    if (channels == 2 || channels > 4) {  // another field of the sample: nothing known of colours
      if (in != out) std::copy_n(in, static_cast<std::ptrdiff_t>(pixels) * channels, out);
      return;
    }
    for (int i = 0; i < pixels; ++i, in += channels, out += channels) {
      T low = in[0];
      T high = in[0];
      if (coloured == 3) {
        low = std::min(in[0], std::min(in[1], in[2]));
        high = std::max(in[0], std::max(in[1], in[2]));
      }
      const Line line = line_for(low, high);
      for (int c = 0; c < coloured; ++c) {
        out[c] = RoundTo<T>(line.offset + line.factor * static_cast<float>(in[c]));
      }
      if (channels == 4) out[3] = in[3];
    }
  }

  Bleach bleach_;
  std::array<Line, 511> table_;
};

struct Snow {
  Range snow_point{0.38, 0.48};
  Range gain{2.5};
  double softness = 0.15;

  static constexpr std::string_view kName = "snow";
  static constexpr std::string_view kDoc = "Cover the ground in snow by bleaching what is dark.";
  static constexpr std::array<std::string_view, 2> kAliases{"RandomSnow", "FastSnowyLandscape"};
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("snow_point", &Snow::snow_point)
                          .In(0, 1)
                          .Unit("full scale")
                          .Primary()
                          .Alias("snow_point_range", FromSnowPoint)
                          .Doc("Lightness in HLS below which there is snow."),
                      Param("gain", &Snow::gain)
                          .In(1, 20)
                          .Unit("factor")
                          .Alias("brightness_coeff")
                          .Doc("Lightness under snow is multiplied by this."),
                      Param("softness", &Snow::softness)
                          .In(0, 1)
                          .Unit("full scale")
                          .Doc("Lightnesses over which snow gives way; 0 cuts, as peers do.")};
  }

  PixelStep Draw(Rng& rng, const Facts&) const {
    Bleach bleach;
    bleach.point = static_cast<float>(rng.Draw("snow_point", snow_point));
    bleach.gain = static_cast<float>(rng.Draw("gain", gain));
    bleach.softness = static_cast<float>(softness);
    return {std::make_shared<BleachKernel>(bleach)};
  }
};

}  // namespace

void RegisterSnow(Registry& registry) { registry.AddOperator<Snow>(); }

}  // namespace pixloom
