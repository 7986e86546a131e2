// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/channel_map.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ChannelShuffle {
  static constexpr std::string_view kName = "channel_shuffle";
  static constexpr std::string_view kDoc = "Put the channels into a random order; alpha stays.";
  static constexpr std::array<std::string_view, 3> kAliases{
      "ChannelShuffle", "RandomChannelShuffle", "RandomChannelPermutation"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() { return std::tuple{}; }

  ImageStep Draw(Rng& rng, const Facts&) const {
    // One number for any count of channels: it names a permutation of as many as a field has.
    const std::uint32_t order = rng.Below("order", 0xFFFF'FFFFu);
    return {[order](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      const int colours = in.channels() == 4 ? 3 : in.channels();
      const KeyedPermutation permutation(order, static_cast<std::uint64_t>(colours));
      std::vector<int> from;
      for (int c = 0; c < colours; ++c) {
        from.push_back(static_cast<int>(permutation(static_cast<std::uint64_t>(c))));
      }
      return MapChannels(in, from);
    }};
  }
};

}  // namespace

void RegisterChannelShuffle(Registry& registry) { registry.AddOperator<ChannelShuffle>(); }

}  // namespace pixloom
