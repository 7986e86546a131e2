// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/blur_kernel.h"
#include "ops/kernels/noise_words.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Full width at half maximum of a Gaussian, in standard deviations.
constexpr double kWidthOfBell = 2.354820045030949;

// Grain of standard deviation 1: normal numbers, pixel by pixel and channel by channel of the
// picture with a rim, under a Gaussian that sees no border.
cv::Mat Grain(cv::Size size, int channels, double width, StreamKey key) {
  const std::vector<float> taps = GaussianKernel(width / kWidthOfBell);
  const int rim = static_cast<int>(taps.size() / 2);
  cv::Mat noise(size.height + 2 * rim, size.width + 2 * rim, CV_32FC(channels));
  WalkNoise<float>(
      noise.size(), channels, [key](auto... range) { FillNormals(key, range...); },
      [&](int x, int y, std::size_t pixels, const float* normals) {
        std::copy_n(normals, pixels * static_cast<std::size_t>(channels),
                    noise.ptr<float>(y) + static_cast<std::ptrdiff_t>(x) * channels);
      });
  if (rim == 0) return noise;
  double power = 0;
  for (const float tap : taps) power += static_cast<double>(tap) * tap;
  std::vector<float> stronger = taps;  // smoothing along one axis divides the variance by `power`
  for (float& tap : stronger) tap = static_cast<float>(tap / std::sqrt(power));
  const cv::Mat smooth = FilterSeparable(noise, stronger, stronger, Border::kReplicate);
  return smooth(cv::Rect(rim, rim, size.width, size.height));
}

// Luma of a colour pixel, otherwise the mean of its channels.
template <class T>
float Tone(const T* values, int channels) {
  if (channels == 3 || channels == 4) {
    return 0.299F * static_cast<float>(values[0]) + 0.587F * static_cast<float>(values[1]) +
           0.114F * static_cast<float>(values[2]);
  }
  float sum = 0;
  for (int c = 0; c < channels; ++c) sum += static_cast<float>(values[c]);
  return sum / static_cast<float>(channels);
}

template <class T>
void AddGrain(cv::Mat& image, const cv::Mat& grain, float strength, float black, float span) {
  const int channels = image.channels();
  const int touched = NoisyChannels(image);
  const int drawn = grain.channels();
  for (int y = 0; y < image.rows; ++y) {
    T* values = image.ptr<T>(y);
    const float* number = grain.ptr<float>(y);
    for (int x = 0; x < image.cols; ++x, values += channels, number += drawn) {
      const float tone =
          std::min(std::max((Tone(values, channels) - black) * (1 / span), 0.0F), 1.0F);
      const float weight = 4 * tone * (1 - tone) * (strength * span);
      for (int c = 0; c < touched; ++c) {
        values[c] = RoundTo<T>(static_cast<float>(values[c]) + weight * number[drawn == 1 ? 0 : c]);
      }
    }
  }
}

struct FilmGrain {
  Range intensity{0.04, 0.12};
  Range size{1, 3};
  bool per_channel = false;

  static constexpr std::string_view kName = "film_grain";
  static constexpr std::string_view kDoc =
      "Add the grain of film: clumps of noise, strongest in the mid-tones, none in black and "
      "white.";
  static constexpr std::array<std::string_view, 1> kAliases{"FilmGrain"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("intensity", &FilmGrain::intensity)
            .In(0, 1)
            .Unit("full scale")
            .Primary()
            .Alias("intensity_range")
            .Doc("Standard deviation in middle grey; at tone t (0 to 1) it is 4 t (1 - t) times "
                 "that."),
        Param("size", &FilmGrain::size)
            .In(0.5, 30)
            .Unit("px")
            .Alias("grain_size_range")
            .Doc("Width of a grain: of the bell that smooths the noise, at half its height."),
        Param("per_channel", &FilmGrain::per_channel)
            .Doc("Other grain in each channel, as colour film has it; false makes it gray.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double strength = rng.Draw("intensity", intensity);
    const double width = rng.Draw("size", size);
    return {[strength, width, own = per_channel](const cv::Mat& in,
                                                 const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      const cv::Mat grain = Grain(in.size(), own ? NoisyChannels(in) : 1, width, context.noise);
      WithDepth(out, [&](auto zero) {
        AddGrain<decltype(zero)>(out, grain, static_cast<float>(strength),
                                 BlackLevel(in, context.range), SpanLevels(in, context.range));
      });
      return out;
    }};
  }
};

}  // namespace

void RegisterFilmGrain(Registry& registry) { registry.AddOperator<FilmGrain>(); }

}  // namespace pixloom
