// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ChannelDropout {
  Range count{1};
  double fill = 0;

  static constexpr std::string_view kName = "channel_dropout";
  static constexpr std::string_view kDoc =
      "Fill some channels with one level; at least one keeps what it shows, and alpha stays.";
  static constexpr std::array<std::string_view, 1> kAliases{"ChannelDropout"};
  static constexpr Support kSupport{.one = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("count", &ChannelDropout::count)
                          .In(0, 511)
                          .Unit("channels")
                          .Primary()
                          .Alias("channel_drop_range")
                          .Doc("How many; rounded, and fewer than there are."),
                      Param("fill", &ChannelDropout::fill)
                          .In(0, 1)
                          .Unit("full scale")
                          .Doc("The level they get.")};
  }

  Lut Draw(Rng& rng, const Facts& facts) const {
    const double wanted = std::floor(rng.Draw("count", count) + 0.5);
    const std::uint32_t which = rng.Below("which", 0xFFFF'FFFFu);
    const int colours = facts.channels == 4 ? 3 : facts.channels;
    const int dropped = std::min(static_cast<int>(wanted), colours - 1);
    const KeyedPermutation permutation(which, static_cast<std::uint64_t>(colours));
    std::vector<bool> gone(static_cast<std::size_t>(colours), false);
    for (int i = 0; i < dropped; ++i) gone[permutation(static_cast<std::uint64_t>(i))] = true;
    Lut lut;
    lut.per_channel = true;
    lut.curve = [gone, level = fill](int channel, double x) {
      const auto c = static_cast<std::size_t>(channel);
      return c < gone.size() && gone[c] ? level : x;
    };
    return lut;
  }
};

}  // namespace

void RegisterChannelDropout(Registry& registry) { registry.AddOperator<ChannelDropout>(); }

}  // namespace pixloom
