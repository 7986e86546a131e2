// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "ops/common.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

template <class T>
void CopyColours(const T* in, int channels, T* out, int pixels) {
  const int second = channels == 1 ? 0 : 1;
  const int third = channels == 1 ? 0 : 2;
  for (int i = 0; i < pixels; ++i, in += channels, out += 3) {
    out[0] = in[0];
    out[1] = in[second];
    out[2] = in[third];
  }
}

struct ToRgb {
  static constexpr std::string_view kName = "to_rgb";
  static constexpr std::string_view kDoc =
      "Give every picture three channels: gray is repeated, alpha dropped.";
  static constexpr std::array<std::string_view, 2> kAliases{"ToRGB", "RGB"};
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() { return std::tuple{}; }

  Meta Out(const Meta& in) const {
    Meta out = in;
    out.channels = 3;
    return out;
  }

  ImageStep Draw(Rng&, const Facts&) const {
    return {[](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      const int channels = in.channels();
      if (channels == 3) return in;
      if (channels != 1 && channels != 4) {
        return DataError{"OP-TYPE",
                         fmt::format("to_rgb: a field has {} channels, of which none is known to "
                                     "be red, green or blue",
                                     channels),
                         "name the fields that are pictures with fields:", ""};
      }
      cv::Mat out(in.size(), CV_MAKETYPE(in.depth(), 3));
      WithDepth(in, [&](auto zero) {
        using T = decltype(zero);
        for (int y = 0; y < in.rows; ++y) {
          CopyColours(in.ptr<T>(y), channels, out.ptr<T>(y), in.cols);
        }
      });
      return out;
    }};
  }
};

}  // namespace

void RegisterToRgb(Registry& registry) { registry.AddOperator<ToRgb>(); }

}  // namespace pixloom
