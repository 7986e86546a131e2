// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ops/common.h"
#include "ops/kernels/channel_map.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct ChannelSwap {
  std::vector<double> order{2, 1, 0};

  static constexpr std::string_view kName = "channel_swap";
  static constexpr std::string_view kDoc = "Put the channels into a given order.";
  static constexpr std::array<std::string_view, 1> kAliases{"ChannelSwap"};
  static constexpr Support kSupport{.one = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("order", &ChannelSwap::order)
            .In(0, 511)
            .Unit("channel")
            .Primary()
            .Doc("Which channel each one becomes, counted from 0; the default trades red and blue. "
                 "Channels that are not named stay.")};
  }
  std::string Check() const {
    for (const double c : order) {
      if (c != std::floor(c)) return fmt::format("order: {} is no whole number", c);
      if (std::count(order.begin(), order.end(), c) > 1) {
        return fmt::format("order: {} stands twice; name each channel once", c);
      }
      if (c >= static_cast<double>(order.size())) {
        return fmt::format(
            "order: {} channels are put in order, but one of them is {}; take the "
            "numbers from 0 to {}",
            order.size(), c, order.size() - 1);
      }
    }
    return "";
  }

  ImageStep Draw(Rng&, const Facts&) const {
    std::vector<int> from(order.begin(), order.end());
    return {[from](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      if (static_cast<std::size_t>(in.channels()) < from.size()) {
        return DataError{"OP-TYPE",
                         fmt::format("channel_swap: a picture with {} channels, an order of {}",
                                     in.channels(), from.size()),
                         "name only channels that all pictures have", ""};
      }
      return MapChannels(in, from);
    }};
  }
};

}  // namespace

void RegisterChannelSwap(Registry& registry) { registry.AddOperator<ChannelSwap>(); }

}  // namespace pixloom
