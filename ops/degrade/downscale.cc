// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/common.h"
#include "ops/kernels/resize_kernel.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Downscale {
  Range scale{0.25, 0.5};
  Resampling down = Resampling::kArea;
  Resampling up = Resampling::kNearest;

  static constexpr std::string_view kName = "downscale";
  static constexpr std::string_view kDoc =
      "Shrink the picture and enlarge it again, so that detail is lost and the size stays.";
  static constexpr std::array<std::string_view, 1> kAliases{"Downscale"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("scale", &Downscale::scale)
                          .In(0.01, 1)
                          .Unit("factor")
                          .Primary()
                          .Alias("scale_range")
                          .Doc("Sides of the small picture, as parts of the full ones."),
                      Param("down", &Downscale::down).Doc("How it shrinks."),
                      Param("up", &Downscale::up).Doc("How it grows again.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double factor = rng.Draw("scale", scale);
    return {[factor, shrink = down, grow = up](const cv::Mat& in,
                                               const FrameContext&) -> Result<cv::Mat> {
      const Size full{in.cols, in.rows};
      const auto side = [&](int n) {
        return std::max(1, static_cast<int>(std::floor(n * factor + 0.5)));
      };
      const cv::Mat small = Resized(in, {side(full.width), side(full.height)}, shrink);
      return Resized(small, full, grow);
    }};
  }

 private:
  static cv::Mat Resized(const cv::Mat& in, Size out, Resampling how) {
    const Size size{in.cols, in.rows};
    if (size == out) return in.clone();
    AffineGroup group;
    group.map = Matrix::Scale(static_cast<double>(out.width) / size.width,
                              static_cast<double>(out.height) / size.height);
    group.in = size;
    group.out = out;
    group.border.mode = Border::kReplicate;
    group.resampling = how;
    group.resampled = true;
    return ResizeAxisAligned(ImageView::Whole(in), group);
  }
};

}  // namespace

void RegisterDownscale(Registry& registry) { registry.AddOperator<Downscale>(); }

}  // namespace pixloom
