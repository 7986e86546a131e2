// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <vector>

#include <opencv2/imgproc.hpp>

#include "ops/common.h"
#include "ops/kernels/guided_filter.h"
#include "ops/kernels/unit_image.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

using Air = std::array<float, 3>;

// The least value in a square window that ends at the picture's edges.
cv::Mat WindowMinimum(const cv::Mat& plane, int radius) {
  cv::Mat out;
  const int side = 2 * radius + 1;
  cv::erode(plane, out, cv::getStructuringElement(cv::MORPH_RECT, {side, side}));
  return out;
}

struct Dehaze {
  Range strength{0.8, 0.95};
  double window = 0.03;
  double air = 0.001;
  double least_transmission = 0.1;

  static constexpr std::string_view kName = "dehaze";
  static constexpr std::string_view kDoc = "Take haze out by the dark channel prior.";
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("strength", &Dehaze::strength)
            .In(0, 1)
            .Unit("fraction")
            .Primary()
            .Doc("Share of the haze that goes (omega); a little of it keeps distance visible."),
        Param("window", &Dehaze::window)
            .In(0.002, 0.5)
            .Unit("short side")
            .Doc("Side of the window that is expected to hold something dark or saturated."),
        Param("air", &Dehaze::air)
            .In(0, 0.5)
            .Unit("fraction")
            .Doc("Share of the pixels, the haziest, whose mean is the colour of the haze."),
        Param("least_transmission", &Dehaze::least_transmission)
            .In(0.01, 1)
            .Unit("fraction")
            .Doc("Transmission below which haze is not followed, or noise would be all there is.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double omega = rng.Draw("strength", strength);
    return {[op = *this, omega](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      return op.Run(in, omega, context.range);
    }};
  }

 private:
  cv::Mat Run(const cv::Mat& in, double omega, ValueRange range) const {
    const cv::Mat unit = ToUnit(in, range);
    const cv::Mat seen = Clamped(unit);
    const int radius = WindowRadius(window, in);
    const Air haze = ColourOfHaze(seen, WindowMinimum(LeastColour(seen), radius));
    const cv::Mat rough = WindowMinimum(Relative(seen, haze), radius);
    // The window is a block; the guided filter follows the picture's edges within a few of them.
    const cv::Mat thick = GuidedFilter(UnitLuma(seen), rough, 4 * radius, 1e-3);
    const int channels = unit.channels();
    const auto share = static_cast<float>(omega);
    const auto least = static_cast<float>(least_transmission);
    cv::Mat out = unit.clone();
    for (int y = 0; y < out.rows; ++y) {
      const float* haziness = thick.ptr<float>(y);
      float* to = out.ptr<float>(y);
      for (int x = 0; x < out.cols; ++x, to += channels) {
        const float passes = std::min(std::max(1 - share * haziness[x], least), 1.0F);
        for (std::size_t c = 0; c < 3; ++c) to[c] = (to[c] - haze[c]) / passes + haze[c];
      }
    }
    return FromUnit(out, in, range);
  }

  // Mean colour of the pixels with the brightest dark channel.
  Air ColourOfHaze(const cv::Mat& seen, const cv::Mat& dark) const {
    std::vector<float> sorted;
    sorted.reserve(dark.total());
    for (int y = 0; y < dark.rows; ++y) {
      sorted.insert(sorted.end(), dark.ptr<float>(y), dark.ptr<float>(y) + dark.cols);
    }
    const auto rank = static_cast<std::ptrdiff_t>(air * static_cast<double>(dark.total() - 1));
    std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.end(), std::greater<>());
    const float least = sorted[static_cast<std::size_t>(rank)];
    std::array<double, 3> sum{};
    double count = 0;
    const int channels = seen.channels();
    for (int y = 0; y < dark.rows; ++y) {
      const float* level = dark.ptr<float>(y);
      const float* pixel = seen.ptr<float>(y);
      for (int x = 0; x < dark.cols; ++x, pixel += channels) {
        if (level[x] < least) continue;
        for (std::size_t c = 0; c < 3; ++c) sum[c] += pixel[c];
        ++count;
      }
    }
    Air haze{};
    // Haze is bright; a black picture has none.
    for (std::size_t c = 0; c < 3; ++c) {
      haze[c] = std::max(static_cast<float>(sum[c] / count), 0.1F);
    }
    return haze;
  }

  static cv::Mat Relative(const cv::Mat& seen, const Air& haze) {
    cv::Mat plane(seen.size(), CV_32FC1);
    const int channels = seen.channels();
    for (int y = 0; y < seen.rows; ++y) {
      const float* v = seen.ptr<float>(y);
      float* out = plane.ptr<float>(y);
      for (int x = 0; x < seen.cols; ++x, v += channels) {
        out[x] = std::min({v[0] / haze[0], v[1] / haze[1], v[2] / haze[2]});
      }
    }
    return plane;
  }
};

}  // namespace

void RegisterDehaze(Registry& registry) { registry.AddOperator<Dehaze>(); }

}  // namespace pixloom
