// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/noise_words.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct SaltAndPepper {
  Range amount{0.01, 0.06};
  Range salt{0.4, 0.6};
  bool per_channel = false;

  static constexpr std::string_view kName = "salt_and_pepper";
  static constexpr std::string_view kDoc =
      "Turn pixels white or black, each with the same chance, whatever becomes of the others.";
  static constexpr std::array<std::string_view, 1> kAliases{"SaltAndPepper"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("amount", &SaltAndPepper::amount)
                          .In(0, 1)
                          .Unit("chance")
                          .Primary()
                          .Alias("amount_range")
                          .Doc("Chance of a pixel to turn; how many do is not fixed."),
                      Param("salt", &SaltAndPepper::salt)
                          .In(0, 1)
                          .Unit("share")
                          .Alias("salt_vs_pepper")
                          .Doc("Share of white among the pixels that turn."),
                      Param("per_channel", &SaltAndPepper::per_channel)
                          .Doc("Every channel turns on its own; false turns whole pixels.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double chance = rng.Draw("amount", amount);
    const double white = rng.Draw("salt", salt);
    // A word below the first limit is salt, below the second one pepper.
    const auto limit = [](double p) { return static_cast<std::uint64_t>(p * 0x1p32 + 0.5); };
    const std::uint64_t salted = limit(chance * white);
    const std::uint64_t turned = std::max(limit(chance), salted);
    return {[salted, turned, own = per_channel](const cv::Mat& in,
                                                const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      WithDepth(out, [&](auto zero) {
        using T = decltype(zero);
        const float black = BlackLevel(in, context.range);
        const float white_level = black + SpanLevels(in, context.range);
        Sprinkle<T>(out, own, salted, turned, static_cast<T>(white_level), static_cast<T>(black),
                    context.noise);
      });
      return out;
    }};
  }

 private:
  template <class T>
  static void Sprinkle(cv::Mat& image, bool per_channel, std::uint64_t salted, std::uint64_t turned,
                       T white, T black, StreamKey key) {
    if (turned == 0) return;
    const int channels = image.channels();
    const int touched = NoisyChannels(image);
    const auto last = static_cast<std::uint32_t>(turned - 1);  // words up to here turn
    WalkNoise<std::uint32_t>(
        image.size(), per_channel ? channels : 1,
        [key](auto... range) { FillWords(key, range...); },
        [&](int x, int y, std::size_t pixels, const std::uint32_t* words) {
          T* values = image.ptr<T>(y) + static_cast<std::ptrdiff_t>(x) * channels;
          for (std::size_t i = 0; i < pixels; ++i, values += channels) {
            if (!per_channel) {
              if (words[i] <= last) std::fill_n(values, touched, words[i] < salted ? white : black);
              continue;
            }
            for (int c = 0; c < touched; ++c) {
              if (words[c] <= last) values[c] = words[c] < salted ? white : black;
            }
            words += channels;
          }
        });
  }
};

}  // namespace

void RegisterSaltAndPepper(Registry& registry) { registry.AddOperator<SaltAndPepper>(); }

}  // namespace pixloom
