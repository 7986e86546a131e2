// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <vector>

#include "ops/common.h"
#include "ops/kernels/noise_words.h"
#include "ops/kernels/quantile_table.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class NoiseShape { kUniform, kNormal, kLaplace, kBeta };
enum class NoisePlace { kConstant, kPerPixel, kShared };

}  // namespace

template <>
struct EnumNames<NoiseShape> {
  static constexpr std::array kAll{
      std::pair{NoiseShape::kUniform, "uniform"}, std::pair{NoiseShape::kNormal, "normal"},
      std::pair{NoiseShape::kLaplace, "laplace"}, std::pair{NoiseShape::kBeta, "beta"}};
};

template <>
struct EnumNames<NoisePlace> {
  static constexpr std::array kAll{std::pair{NoisePlace::kPerPixel, "per_pixel"},
                                   std::pair{NoisePlace::kShared, "shared"},
                                   std::pair{NoisePlace::kConstant, "constant"}};
};

namespace {

struct AdditiveNoise {
  NoiseShape distribution = NoiseShape::kUniform;
  NoisePlace mode = NoisePlace::kPerPixel;
  Range std{0.02, 0.1};
  Range mean{0};
  double alpha = 2;
  double beta = 5;

  static constexpr std::string_view kName = "additive_noise";
  static constexpr std::string_view kDoc =
      "Add noise of one of four distributions, all of the same mean and standard deviation.";
  static constexpr std::array<std::string_view, 1> kAliases{"AdditiveNoise"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("distribution", &AdditiveNoise::distribution)
            .Primary()
            .Alias("noise_type")
            .Doc("Shape of the distribution: flat, bell, two exponentials back to back, or a Beta "
                 "distribution, which may be skewed."),
        Param("mode", &AdditiveNoise::mode)
            .Alias("spatial_mode")
            .Doc("One number for every value, for every pixel and shared by its channels, or for "
                 "every channel of the whole picture."),
        Param("std", &AdditiveNoise::std).In(0, 1).Unit("full scale").Doc("Standard deviation."),
        Param("mean", &AdditiveNoise::mean).In(-1, 1).Unit("full scale").Doc("Mean."),
        Param("alpha", &AdditiveNoise::alpha)
            .In(0.5, 50)
            .Unit("shape")
            .Doc("First shape of beta; below the second one the long tail is bright."),
        Param("beta", &AdditiveNoise::beta).In(0.5, 50).Unit("shape").Doc("Second shape of beta.")};
  }

  Steps<Lut, ImageStep> Draw(Rng& rng, const Facts& facts) const {
    const double deviation = rng.Draw("std", std);
    const double offset = rng.Draw("mean", mean);
    const Numbers numbers(*this);
    if (mode == NoisePlace::kConstant) {
      const auto channels = static_cast<std::size_t>(facts.channels);
      std::vector<float> added(channels + kNormalPadding);
      numbers.Fill(rng.Key().Pixels(), 0, added.data(), channels);
      return {Lut{[=, added = std::move(added)](int channel, double x) {
                    return x + offset + deviation * added[static_cast<std::size_t>(channel)];
                  },
                  true}};
    }
    return {ImageStep{[=, own = mode == NoisePlace::kPerPixel](
                          const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      const float span = SpanLevels(in, context.range);
      const float a = static_cast<float>(deviation) * span;
      const float b = static_cast<float>(offset) * span;
      ChangeByNoise(
          out, own, [&](auto... range) { numbers.Fill(context.noise, range...); },
          [a, b](float v, float number) { return v + (a * number + b); });
      return out;
    }}};
  }

 private:
  // Numbers of mean 0 and standard deviation 1.
  class Numbers {
   public:
    explicit Numbers(const AdditiveNoise& op) : shape_(op.distribution) {
      if (shape_ == NoiseShape::kLaplace) {
        table_ = std::make_shared<QuantileTable>(QuantileTable::Laplace());
      } else if (shape_ == NoiseShape::kBeta) {
        table_ = std::make_shared<QuantileTable>(QuantileTable::Beta(op.alpha, op.beta));
      }
    }

    void Fill(StreamKey key, std::uint32_t block, float* out, std::size_t count) const {
      if (shape_ == NoiseShape::kNormal) {
        FillNormals(key, block, out, count);
      } else if (shape_ == NoiseShape::kUniform) {
        FillSignedUniforms(key, block, out, count);
        for (std::size_t i = 0; i < count; ++i) out[i] *= 1.7320508F;
      } else {
        std::array<std::uint32_t, 256 + kNormalPadding> words;
        for (std::size_t i = 0; i < count; i += 256) {
          const std::size_t now = std::min<std::size_t>(256, count - i);
          FillWords(key, block + static_cast<std::uint32_t>(i / 4), words.data(), now);
          for (std::size_t k = 0; k < now; ++k) out[i + k] = (*table_)(words[k]);
        }
      }
    }

   private:
    NoiseShape shape_;
    std::shared_ptr<const QuantileTable> table_;
  };
};

}  // namespace

void RegisterAdditiveNoise(Registry& registry) { registry.AddOperator<AdditiveNoise>(); }

}  // namespace pixloom
