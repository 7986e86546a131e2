// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include <fmt/format.h>

#include "ops/common.h"
#include "ops/kernels/bilateral_kernel.h"
#include "ops/kernels/nl_means.h"
#include "ops/kernels/tv_denoise.h"
#include "ops/kernels/unit_image.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class DenoiseMethod { kNlMeans, kBilateral, kTv };

}  // namespace

template <>
struct EnumNames<DenoiseMethod> {
  static constexpr std::array kAll{std::pair{DenoiseMethod::kNlMeans, "nlmeans"},
                                   std::pair{DenoiseMethod::kBilateral, "bilateral"},
                                   std::pair{DenoiseMethod::kTv, "tv"}};
};

namespace {

// uint8 in whole levels, whose squares float32 adds exactly.
cv::Mat Levels(const cv::Mat& pixels, ValueRange range) {
  if (pixels.depth() != CV_8U) return ToUnit(pixels, range);
  cv::Mat levels;
  pixels.convertTo(levels, CV_32F);
  return levels;
}

struct Denoise {
  DenoiseMethod method = DenoiseMethod::kNlMeans;
  Range strength{0.02, 0.06};
  std::int64_t patch = 5;
  std::int64_t search = 13;
  std::int64_t iterations = 30;

  static constexpr std::string_view kName = "denoise";
  static constexpr std::string_view kDoc = "Remove noise and keep edges.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("method", &Denoise::method)
            .Doc("Means of places that look alike, which keep texture; of near pixels of like "
                 "colour, "
                 "which is faster; or total variation, which leaves flat areas and sharp edges."),
        Param("strength", &Denoise::strength)
            .In(0, 1)
            .Unit("full scale")
            .Primary()
            .Doc("Standard deviation of the noise to remove; for tv the price of a slope."),
        Param("patch", &Denoise::patch)
            .In(1, 15)
            .Unit("px")
            .Doc("Side of the squares nlmeans compares, odd."),
        Param("search", &Denoise::search)
            .In(3, 41)
            .Unit("px")
            .Doc("Side of the square in which nlmeans looks for alike places, odd; the cost grows "
                 "with its area."),
        Param("iterations", &Denoise::iterations).In(1, 500).Unit("count").Doc("Rounds of tv.")};
  }
  std::string Check() const {
    if (patch % 2 == 0) return fmt::format("patch: {} is even; take an odd side", patch);
    if (search % 2 == 0) return fmt::format("search: {} is even; take an odd side", search);
    return "";
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double deviation = rng.Draw("strength", strength);
    if (deviation == 0) return {};
    return {ImageStep{
        [op = *this, deviation](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
          switch (op.method) {
            case DenoiseMethod::kNlMeans:
              return op.Alike(in, deviation, context.range);
            case DenoiseMethod::kBilateral:
              return Near(in, deviation, context.range);
            default:
              return op.Flat(in, deviation, context.range);
          }
        }}};
  }

 private:
  cv::Mat Alike(const cv::Mat& in, double deviation, ValueRange range) const {
    cv::Mat levels = Levels(in, range);
    const NlMeansRule rule{deviation, in.depth() == CV_8U ? kLevels<std::uint8_t> : 1.0,
                           static_cast<int>(patch), static_cast<int>(search)};
    PutColourPlanes(NlMeans(ColourPlanes(levels), rule), levels);
    if (in.depth() != CV_8U) return FromUnit(levels, in, range);
    cv::Mat out(in.size(), in.type());
    for (int y = 0; y < in.rows; ++y) {
      const float* from = levels.ptr<float>(y);
      auto* to = out.ptr<std::uint8_t>(y);
      for (int i = 0; i < in.cols * in.channels(); ++i) to[i] = RoundTo<std::uint8_t>(from[i]);
    }
    return out;
  }

  // Differences of noise alone, added up over the colours, should hardly count.
  static cv::Mat Near(const cv::Mat& in, double deviation, ValueRange range) {
    constexpr int kDiameter = 9;
    constexpr double kSpace = 2;
    const int colours = in.channels() == 4 ? 3 : in.channels();
    const double span = in.depth() == CV_32F   ? double{range.hi} - range.lo
                        : in.depth() == CV_16U ? kLevels<std::uint16_t>
                                               : kLevels<std::uint8_t>;
    cv::Mat out = BilateralFilter(in, kDiameter, 3 * deviation * colours * span, kSpace);
    if (in.channels() == 4) {
      cv::Mat alpha;
      cv::extractChannel(in, alpha, 3);
      cv::insertChannel(alpha, out, 3);
    }
    return out;
  }

  cv::Mat Flat(const cv::Mat& in, double deviation, ValueRange range) const {
    cv::Mat unit = ToUnit(in, range);
    PutColourPlanes(TvDenoise(ColourPlanes(unit), deviation, static_cast<int>(iterations)), unit);
    return FromUnit(unit, in, range);
  }
};

}  // namespace

void RegisterDenoise(Registry& registry) { registry.AddOperator<Denoise>(); }

}  // namespace pixloom
