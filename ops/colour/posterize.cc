// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Integers lose their low bits. Float pictures are posterized as if they had 256 levels, so that a
// uint8 picture gives the same before and after its conversion; a level that rounding of the
// conversion has missed counts as reached.
class PosterizeKernel final : public PixelKernel {
 public:
  explicit PosterizeKernel(int bits) : bits_(bits) {}

  void Row(const std::uint8_t* in, std::uint8_t* out, int pixels, int channels,
           const Stats&) const override {
    Masked(in, out, pixels, channels);
  }
  void Row(const std::uint16_t* in, std::uint16_t* out, int pixels, int channels,
           const Stats&) const override {
    Masked(in, out, pixels, channels);
  }
  void Row(const float* in, float* out, int pixels, int channels, const Stats&) const override {
    constexpr float kReached = 1.0F / 1024;
    const auto step = static_cast<float>(1 << (8 - bits_));
    ForColours(in, out, pixels, channels,
               [=](float v) { return std::floor((v * 255.0F + kReached) / step) * step / 255.0F; });
  }

 private:
  template <class T>
  void Masked(const T* in, T* out, int pixels, int channels) const {
    const auto mask = static_cast<T>(~((1U << (8 * sizeof(T) - static_cast<unsigned>(bits_))) - 1));
    ForColours(in, out, pixels, channels, [mask](T v) { return static_cast<T>(v & mask); });
  }

  template <class T, class Fn>
  static void ForColours(const T* in, T* out, int pixels, int channels, Fn fn) {
    if (channels != 4) {
      for (int i = 0; i < pixels * channels; ++i) out[i] = fn(in[i]);
      return;
    }
    for (int i = 0; i < 4 * pixels; i += 4) {
      for (int c = 0; c < 3; ++c) out[i + c] = fn(in[i + c]);
      out[i + 3] = in[i + 3];
    }
  }

  int bits_;
};

struct Posterize {
  Range bits{4};

  static constexpr std::string_view kName = "posterize";
  static constexpr std::string_view kDoc = "Keep only the highest bits of every level.";
  static constexpr std::array<std::string_view, 2> kAliases{"Posterize", "RandomPosterize"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("bits", &Posterize::bits)
            .In(0, 8)
            .Unit("bits")
            .Primary()
            .Alias("num_bits")
            .Doc("Bits kept, a whole number; 8 leaves a uint8 picture as it is, 0 is black.")};
  }

  PixelStep Draw(Rng& rng, const Facts&) const {
    const int kept = DrawBits(rng);
    rng.Note("bits", kept);
    return {std::make_shared<PosterizeKernel>(kept)};
  }

 private:
  // Every whole number between the ends has equal chance.
  int DrawBits(Rng& rng) const {
    const auto rounded = [](double v) { return static_cast<int>(std::floor(v + 0.5)); };
    if (!bits.choice.empty()) return rounded(rng.Draw("", bits));
    const int lo = rounded(bits.lo);
    return lo +
           static_cast<int>(rng.Below("", static_cast<std::uint32_t>(rounded(bits.hi) - lo + 1)));
  }
};

}  // namespace

void RegisterPosterize(Registry& registry) { registry.AddOperator<Posterize>(); }

}  // namespace pixloom
