// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/common.h"
#include "ops/filter/sides.h"
#include "ops/kernels/blur_kernel.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Every pixel, row by row, trades places with one at most `reach` away, the edge at the farthest.
// Word i of the stream belongs to turn i / pixels and pixel i % pixels; its halves choose x and y.
template <class T>
void SwapNeighbours(cv::Mat& image, int reach, int turns, StreamKey key) {
  const std::ptrdiff_t channels = image.channels();
  const auto span = static_cast<std::uint32_t>(2 * reach + 1);
  const auto offset = [&](std::uint32_t half) {
    return static_cast<int>((half * span) >> 16) - reach;
  };
  PhiloxBlock words{};
  std::uint32_t i = 0;
  for (int turn = 0; turn < turns; ++turn) {
    for (int y = 0; y < image.rows; ++y) {
      T* row = image.ptr<T>(y);
      for (int x = 0; x < image.cols; ++x, ++i) {
        if (i % 4 == 0) words = key.Block(i / 4);
        const std::uint32_t word = words[i % 4];
        const int other_x = std::clamp(x + offset(word >> 16), 0, image.cols - 1);
        const int other_y = std::clamp(y + offset(word & 0xFFFF), 0, image.rows - 1);
        T* a = row + x * channels;
        T* b = image.ptr<T>(other_y) + other_x * channels;
        for (std::ptrdiff_t c = 0; c < channels; ++c) std::swap(a[c], b[c]);
      }
    }
  }
}

struct GlassBlur {
  Range sigma{0.5, 1};
  Range max_delta{2, 4};
  std::int64_t iterations = 2;

  static constexpr std::string_view kName = "glass_blur";
  static constexpr std::string_view kDoc =
      "Look through frosted glass: blur, let pixels trade places with neighbours, blur again.";
  static constexpr std::array<std::string_view, 1> kAliases{"GlassBlur"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("sigma", &GlassBlur::sigma)
            .In(0, 20)
            .Unit("px")
            .Primary()
            .Doc("Standard deviation of the Gaussian before and after; 0 does not blur."),
        Param("max_delta", &GlassBlur::max_delta)
            .In(0, 64)
            .Unit("px")
            .Doc("Farthest neighbour across and down, one of the whole numbers in the range; what "
                 "would lie outside trades with the edge."),
        Param("iterations", &GlassBlur::iterations)
            .In(0, 10)
            .Unit("times")
            .Doc("How often every pixel trades. Which one it takes depends on its place and the "
                 "seed only.")};
  }
  std::string Check() const { return CheckWhole("max_delta", max_delta); }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double s = rng.Draw("sigma", sigma);
    const int reach = DrawWhole(rng, "max_delta", max_delta);
    const int turns = reach > 0 ? static_cast<int>(iterations) : 0;
    if (s == 0 && turns == 0) return {};
    return {ImageStep{
        [s, reach, turns](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
          cv::Mat out = s > 0 ? GaussianBlur(in, s, s) : in.clone();
          WithDepth(out, [&](auto zero) {
            SwapNeighbours<decltype(zero)>(out, reach, turns, context.noise);
          });
          return s > 0 ? GaussianBlur(out, s, s) : out;
        }}};
  }
};

}  // namespace

void RegisterGlassBlur(Registry& registry) { registry.AddOperator<GlassBlur>(); }

}  // namespace pixloom
