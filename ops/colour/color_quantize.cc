// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "ops/kernels/palette.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Quantizer { kKmeans, kUniform, kBits };

}  // namespace

template <>
struct EnumNames<Quantizer> {
  static constexpr std::array kAll{std::pair{Quantizer::kKmeans, "kmeans"},
                                   std::pair{Quantizer::kUniform, "uniform"},
                                   std::pair{Quantizer::kBits, "bits"}};
};

namespace {

struct ColorQuantize {
  Quantizer method = Quantizer::kKmeans;
  Range colors{4, 16};
  Range bits{2, 5};
  std::int64_t max_size = 128;

  static constexpr std::string_view kName = "color_quantize";
  static constexpr std::string_view kDoc = "Paint the picture with few colours.";
  static constexpr std::array<std::string_view, 3> kAliases{
      "KMeansColorQuantization", "UniformColorQuantization", "ColorQuantization"};
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("method", &ColorQuantize::method)
            .Primary()
            .Doc(
                "kmeans: colours of a palette made for the picture; uniform: equally spaced levels "
                "in each channel, black and full scale among them; bits: the middles of 2^bits "
                "equal parts of each channel's range."),
        Param("colors", &ColorQuantize::colors)
            .In(2, 256)
            .Unit("colours")
            .Alias("n_colors")
            .Doc("kmeans: size of the palette; uniform: levels per channel; rounded."),
        Param("bits", &ColorQuantize::bits)
            .In(1, 8)
            .Unit("bits")
            .Alias("nb_bits")
            .Doc("bits: per channel; rounded."),
        Param("max_size", &ColorQuantize::max_size)
            .In(8, 1024)
            .Unit("px")
            .Doc("kmeans: the palette is made from a grid of pixels no longer than this.")};
  }

  Steps<Lut, ImageStep> Draw(Rng& rng, const Facts&) const {
    const int count = static_cast<int>(std::floor(rng.Draw("colors", colors) + 0.5));
    const int depth = static_cast<int>(std::floor(rng.Draw("bits", bits) + 0.5));
    const std::uint32_t seed = rng.Below("seed", 0xFFFF'FFFFu);
    if (method == Quantizer::kUniform) {
      return {Lut{[top = count - 1.0](int, double x) {
        return std::floor(std::clamp(x, 0.0, 1.0) * top + 0.5) / top;
      }}};
    }
    if (method == Quantizer::kBits) {
      return {Lut{[parts = static_cast<double>(1 << depth)](int, double x) {
        return (std::clamp(std::floor(x * parts), 0.0, parts - 1) + 0.5) / parts;
      }}};
    }
    return {ImageStep{[count, seed, side = static_cast<int>(max_size)](
                          const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      if (in.channels() > 4 || in.channels() == 2) return in;  // another field
      return PaintWithPalette(in, MakePalette(in, context.range, count, side, seed), context.range);
    }}};
  }
};

}  // namespace

void RegisterColorQuantize(Registry& registry) { registry.AddOperator<ColorQuantize>(); }

}  // namespace pixloom
