// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ops/common.h"
#include "ops/kernels/colour_space.h"
#include "ops/kernels/colour_stats.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class GrayMethod { kWeightedAverage, kBt709, kAverage, kDesaturation, kMax, kLab };

}  // namespace

template <>
struct EnumNames<GrayMethod> {
  static constexpr std::array kAll{std::pair{GrayMethod::kWeightedAverage, "weighted_average"},
                                   std::pair{GrayMethod::kBt709, "bt709"},
                                   std::pair{GrayMethod::kAverage, "average"},
                                   std::pair{GrayMethod::kDesaturation, "desaturation"},
                                   std::pair{GrayMethod::kMax, "max"},
                                   std::pair{GrayMethod::kLab, "lab"}};
};

namespace {

// Halves of integers are rounded up, by integer arithmetic.
template <class T>
T Gray(GrayMethod method, const T* rgb) {
  const T r = rgb[0], g = rgb[1], b = rgb[2];
  constexpr bool kInteger = std::is_integral_v<T>;
  switch (method) {
    case GrayMethod::kBt709:
      if constexpr (kInteger)
        return static_cast<T>((2126u * r + 7152u * g + 722u * b + 5000u) / 10000u);
      else
        return r * T(0.2126) + g * T(0.7152) + b * T(0.0722);
    case GrayMethod::kAverage:
      if constexpr (kInteger)
        return static_cast<T>((2u * (0u + r + g + b) + 3u) / 6u);
      else
        return (r + g + b) / T(3);
    case GrayMethod::kDesaturation: {
      const T low = std::min({r, g, b});
      const T high = std::max({r, g, b});
      if constexpr (kInteger)
        return static_cast<T>((0u + low + high + 1u) / 2u);
      else
        return (low + high) / T(2);
    }
    case GrayMethod::kMax:
      return std::max({r, g, b});
    default:
      return GrayLevel(r, g, b);
  }
}

// Rows of the lightness, which is no function of levels alone: the range of floats matters.
template <class T>
void LightnessRow(const T* in, int pixels, int channels, ValueRange range, T* gray) {
  constexpr bool kFloat = std::is_floating_point_v<T>;
  const float low = kFloat ? range.lo : 0;
  const float span = kFloat ? range.hi - range.lo : static_cast<float>(kLevels<T>);
  ColourStrip strip;
  for (int done = 0; done < pixels; done += ColourStrip::kPixels) {
    const int now = std::min(ColourStrip::kPixels, pixels - done);
    for (int i = 0; i < now; ++i) {
      const T* rgb = in + std::ptrdiff_t{done + i} * channels;
      strip.a[i] = (static_cast<float>(rgb[0]) - low) / span;
      strip.b[i] = (static_cast<float>(rgb[1]) - low) / span;
      strip.c[i] = (static_cast<float>(rgb[2]) - low) / span;
    }
    FromRgb(ColourSpace::kLab, strip, now);
    for (int i = 0; i < now; ++i) gray[done + i] = RoundTo<T>(strip.a[i] * span + low);
  }
}

cv::Mat MakeGray(const cv::Mat& in, ValueRange range, GrayMethod method, bool single) {
  const int channels = in.channels();
  if (channels != 3 && channels != 4) return in;
  cv::Mat out(in.size(), single ? CV_MAKETYPE(in.depth(), 1) : in.type());
  WithDepth(in, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> gray(static_cast<std::size_t>(in.cols));
    for (int y = 0; y < in.rows; ++y) {
      const T* from = in.ptr<T>(y);
      T* to = out.ptr<T>(y);
      T* levels = single ? to : gray.data();
      if (method == GrayMethod::kLab) {
        LightnessRow(from, in.cols, channels, range, levels);
      } else {
        for (int x = 0; x < in.cols; ++x) levels[x] = Gray(method, from + x * channels);
      }
      if (single) continue;
      for (int x = 0; x < in.cols; ++x, from += channels, to += channels) {
        to[0] = to[1] = to[2] = levels[x];
        if (channels == 4) to[3] = from[3];
      }
    }
  });
  return out;
}

struct ToGray {
  GrayMethod method = GrayMethod::kWeightedAverage;
  bool single = false;

  static constexpr std::string_view kName = "to_gray";
  static constexpr std::string_view kDoc = "Take out all colour.";
  static constexpr std::array<std::string_view, 2> kAliases{"ToGray", "Grayscale"};
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("method", &ToGray::method)
            .Primary()
            .Doc("weighted_average: BT.601 luma; bt709: luma of high definition; average: mean of "
                 "the channels; desaturation: middle of the largest and the smallest; max: the "
                 "largest; lab: lightness of CIE Lab."),
        Param("single", &ToGray::single)
            .Doc("Give one channel instead of three equal ones; alpha is dropped then.")};
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (single) out.channels = 1;
    return out;
  }

  Steps<ImageStep> Draw(Rng&, const Facts&) const {
    return {ImageStep{[how = method, one = single](const cv::Mat& in, const FrameContext& context)
                          -> Result<cv::Mat> { return MakeGray(in, context.range, how, one); }}};
  }
};

}  // namespace

void RegisterToGray(Registry& registry) { registry.AddOperator<ToGray>(); }

}  // namespace pixloom
