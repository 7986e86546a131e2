// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/filter/sides.h"
#include "ops/kernels/blur_kernel.h"
#include "ops/kernels/filter_2d.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

Kernel2d Disk(int radius) {
  Kernel2d disk(2 * radius + 1, 2 * radius + 1);
  for (int y = -radius; y <= radius; ++y) {
    for (int x = -radius; x <= radius; ++x) {
      if (x * x + y * y <= radius * radius) disk.At(x, y) = 1;
    }
  }
  return disk.Normalised();
}

Kernel2d SmallGaussian(double sigma, int side) {
  const std::vector<float> line = GaussianKernel(sigma, side);
  const int width = static_cast<int>(line.size());
  std::vector<double> weights;
  for (const float a : line) {
    for (const float b : line) weights.push_back(static_cast<double>(a) * b);
  }
  return {width, width, std::move(weights)};
}

struct Defocus {
  Range radius{3, 10};
  Range alias_blur{0.1, 0.5};

  static constexpr std::string_view kName = "defocus";
  static constexpr std::string_view kDoc =
      "Blur as a lens out of focus does: each point becomes a disk.";
  static constexpr std::array<std::string_view, 2> kAliases{"Defocus", "DefocusBlur"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("radius", &Defocus::radius)
            .In(0, 50)
            .Unit("px")
            .Primary()
            .Doc("Of the disk, one of the whole numbers in the range; 0 is a point."),
        Param("alias_blur", &Defocus::alias_blur)
            .In(0, 10)
            .Unit("px")
            .Doc("Standard deviation of the Gaussian that softens the rim, over 3 px or, from a "
                 "radius of 9 px on, 5 px.")};
  }
  std::string Check() const { return CheckWhole("radius", radius); }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const int r = DrawWhole(rng, "radius", radius);
    const double sigma = rng.Draw("alias_blur", alias_blur);
    if (r == 0 && sigma == 0) return {};
    // A disk has long runs of one weight, what the Gaussian makes of it has not: one after the
    // other is cheaper, and the same, since both are symmetric and so is the border.
    return {ImageStep{[disk = Disk(r), rim = SmallGaussian(sigma, r <= 8 ? 3 : 5)](
                          const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      if (rim.width == 1) return Filter2d(in, disk);
      return Filter2d(Filter2d(in, disk, 0, CV_32F), rim, 0, in.depth());
    }}};
  }
};

}  // namespace

void RegisterDefocus(Registry& registry) { registry.AddOperator<Defocus>(); }

}  // namespace pixloom
