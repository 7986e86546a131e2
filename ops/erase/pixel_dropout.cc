// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/erase/erase.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Which of the values 0, 1, 2 ... of a picture are dropped: word i % 4 of block i / 4 of a stream
// is below the rate.
class Chosen {
 public:
  Chosen(StreamKey key, double rate)
      : key_(key), below_(static_cast<std::uint64_t>(std::floor(rate * 0x1p32 + 0.5))) {}

  std::array<bool, 4> Block(std::uint64_t number) const {
    const PhiloxBlock words = key_.Block(static_cast<std::uint32_t>(number));
    return {words[0] < below_, words[1] < below_, words[2] < below_, words[3] < below_};
  }

 private:
  StreamKey key_;
  std::uint64_t below_;
};

Holes ChosenPixels(Size size, StreamKey key, double rate) {
  Holes holes(size);
  const Chosen chosen(key, rate);
  // Each pixel is a hole of its own, so that neighbours may differ in colour.
  const auto count = static_cast<std::uint64_t>(size.Area());
  for (std::uint64_t block = 0; 4 * block < count; ++block) {
    const std::array<bool, 4> drop = chosen.Block(block);
    for (std::uint64_t i = 4 * block; i < std::min(4 * block + 4, count); ++i) {
      if (!drop[i % 4]) continue;
      const auto y = static_cast<int>(i / static_cast<std::uint64_t>(size.width));
      const auto x = static_cast<int>(i % static_cast<std::uint64_t>(size.width));
      holes.runs.push_back({y, x, x + 1, static_cast<std::uint32_t>(i)});
    }
  }
  return holes;
}

// Each value on its own: what `filled` has there replaces what `out` has. Four values take one
// block, without a branch for each.
template <class T>
void DropValues(const cv::Mat& filled, StreamKey key, double rate, cv::Mat& out) {
  const Chosen chosen(key, rate);
  std::uint64_t index = 0;
  const int count = out.cols * out.channels();
  for (int y = 0; y < out.rows; ++y) {
    const T* from = filled.ptr<T>(y);
    T* to = out.ptr<T>(y);
    int i = 0;
    while (i < count) {
      const std::array<bool, 4> drop = chosen.Block(index / 4);
      for (std::size_t at = index % 4; at < 4 && i < count; ++at, ++i, ++index) {
        to[i] = drop[at] ? from[i] : to[i];
      }
    }
  }
}

struct PixelDropout : Fills {
  Range rate{0.01};
  bool per_channel = false;

  static constexpr std::string_view kName = "pixel_dropout";
  static constexpr std::string_view kDoc =
      "Erase single pixels, each with the same chance; scattered pixels hide no object, so objects "
      "stay.";
  static constexpr std::array<std::string_view, 2> kAliases{"PixelDropout", "Dropout"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("rate", &PixelDropout::rate)
                       .In(0, 1)
                       .Unit("share")
                       .Primary()
                       .Alias("dropout_prob")
                       .Doc("Chance of a pixel."),
                   Param("per_channel", &PixelDropout::per_channel)
                       .Doc("Decide for each channel of a pixel on its own; no pixel counts as "
                            "erased then, so masks stay.")},
        Fills::Table<PixelDropout>());
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts& facts) const {
    const double chance = rng.Draw("rate", rate);
    const StreamKey key = rng.Key().Pixels();
    if (chance == 0) return {};
    Steps<ImageStep, SampleStep> steps;
    if (per_channel) {
      steps.push_back(
          ImageStep{[chance, key, rule = Rule()](const cv::Mat& in,
                                                 const FrameContext& context) -> Result<cv::Mat> {
            std::vector<Run> everything;
            for (int y = 0; y < in.rows; ++y) everything.push_back({y, 0, in.cols, 0});
            const cv::Mat filled = FillHoles(in, everything, rule, context);
            cv::Mat out = in.clone();
            WithDepth(in, [&](auto zero) { DropValues<decltype(zero)>(filled, key, chance, out); });
            return out;
          }});
      return steps;
    }
    const auto holes = std::make_shared<const Holes>(ChosenPixels(facts.size, key, chance));
    steps.push_back(FillStep(holes, Rule()));
    if (erase_masks) {
      steps.push_back(SampleStep{kTargetMask, [holes, fill_class = MaskFill()](Sample& sample) {
                                   EraseMasks(sample, *holes, fill_class);
                                   return std::optional<DataError>();
                                 }});
    }
    return steps;
  }
};

}  // namespace

void RegisterPixelDropout(Registry& registry) { registry.AddOperator<PixelDropout>(); }

}  // namespace pixloom
