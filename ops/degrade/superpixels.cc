// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/superpixels.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "ops/common.h"
#include "ops/kernels/noise_words.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Segments whose word is below `limit` get their mean colour.
template <class T>
void Replace(cv::Mat& image, const Superpixels& segments, std::uint64_t limit, StreamKey key) {
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;
  const auto count = static_cast<std::size_t>(segments.count);
  std::vector<std::uint32_t> words(count + kNormalPadding);
  FillWords(key, 0, words.data(), count);
  const int channels = image.channels();
  const auto touched = static_cast<std::size_t>(NoisyChannels(image));
  std::vector<Sum> sums(count * touched);
  std::vector<std::uint64_t> sizes(count);
  for (int y = 0; y < image.rows; ++y) {
    const T* values = image.ptr<T>(y);
    const int* labels = segments.labels.ptr<int>(y);
    for (int x = 0; x < image.cols; ++x, values += channels) {
      const auto segment = static_cast<std::size_t>(labels[x]);
      ++sizes[segment];
      for (std::size_t c = 0; c < touched; ++c) {
        sums[segment * touched + c] += static_cast<Sum>(values[c]);
      }
    }
  }
  std::vector<T> means(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const std::uint64_t size = std::max<std::uint64_t>(sizes[i / touched], 1);
    if constexpr (std::is_floating_point_v<T>) {
      means[i] = static_cast<T>(sums[i] / static_cast<double>(size));
    } else {
      means[i] = static_cast<T>((2 * sums[i] + size) / (2 * size));  // half up
    }
  }
  for (int y = 0; y < image.rows; ++y) {
    T* values = image.ptr<T>(y);
    const int* labels = segments.labels.ptr<int>(y);
    for (int x = 0; x < image.cols; ++x, values += channels) {
      const auto segment = static_cast<std::size_t>(labels[x]);
      if (words[segment] >= limit) continue;
      for (std::size_t c = 0; c < touched; ++c) values[c] = means[segment * touched + c];
    }
  }
}

struct SuperpixelsOp {
  Range p_replace{0.5, 1};
  Range n_segments{100, 300};
  std::int64_t max_size = 192;
  double compactness = 0.1;

  static constexpr std::string_view kName = "superpixels";
  static constexpr std::string_view kDoc =
      "Paint segments of similar colour (SLIC) with their mean colour.";
  static constexpr std::array<std::string_view, 1> kAliases{"Superpixels"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("p_replace", &SuperpixelsOp::p_replace)
            .In(0, 1)
            .Unit("chance")
            .Primary()
            .Doc("Chance of each segment to be painted."),
        Param("n_segments", &SuperpixelsOp::n_segments)
            .In(1, 5000)
            .Unit("segments")
            .Doc("About how many segments there are, rounded to a whole number."),
        Param("max_size", &SuperpixelsOp::max_size)
            .In(8, 1024)
            .Unit("px")
            .Doc("Segments are sought in a copy with this longer side; boundaries are refined at "
                 "full size."),
        Param("compactness", &SuperpixelsOp::compactness)
            .In(0.001, 10)
            .Unit("full scale")
            .Doc("Colour difference that weighs as much as the distance of one segment's side; "
                 "more makes segments square.")};
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double chance = rng.Draw("p_replace", p_replace);
    SuperpixelRequest request;
    request.segments = static_cast<int>(std::floor(rng.Draw("n_segments", n_segments) + 0.5));
    request.max_size = static_cast<int>(max_size);
    request.compactness = compactness;
    if (chance == 0) return {};
    const auto limit = static_cast<std::uint64_t>(chance * 0x1p32 + 0.5);
    return {ImageStep{[request, limit](const cv::Mat& in,
                                       const FrameContext& context) -> Result<cv::Mat> {
      const Superpixels segments = FindSuperpixels(in, context.range, request);
      cv::Mat out = in.clone();
      WithDepth(out,
                [&](auto zero) { Replace<decltype(zero)>(out, segments, limit, context.noise); });
      return out;
    }}};
  }
};

}  // namespace

void RegisterSuperpixels(Registry& registry) { registry.AddOperator<SuperpixelsOp>(); }

}  // namespace pixloom
