// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <map>

#include "ops/common.h"
#include "ops/filter/sides.h"
#include "ops/kernels/filter_2d.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Bessel function of the first kind and first order. The integrand is periodic, so the trapezoid
// rule is exact to rounding once its points outnumber the argument.
double BesselJ1(double x) {
  const int points = static_cast<int>(x) + 40;
  double sum = 0;
  for (int i = 0; i < points; ++i) {
    const double t = 2 * exact::kPi * i / points;
    sum += exact::Cos(t - x * exact::Sin(t));
  }
  return sum / points;
}

// The impulse response of an ideal low pass that lets through a disk of frequencies.
Kernel2d SincKernel(int side, double cutoff) {
  const double w = cutoff * exact::kPi;
  Kernel2d kernel(side, side);
  std::map<int, double> known;  // by squared distance
  for (int y = -side / 2; y <= side / 2; ++y) {
    for (int x = -side / 2; x <= side / 2; ++x) {
      const auto [at, added] = known.try_emplace(x * x + y * y, 0);
      if (added) {
        const double r = std::sqrt(static_cast<double>(at->first));
        at->second = r == 0 ? w * w / (4 * exact::kPi) : w * BesselJ1(w * r) / (2 * exact::kPi * r);
      }
      kernel.At(x, y) = at->second;
    }
  }
  return kernel.Normalised();
}

struct Ringing {
  Range kernel{7, 15};
  Range cutoff{0.25, 0.5};

  static constexpr std::string_view kName = "ringing";
  static constexpr std::string_view kDoc =
      "Cut off high frequencies sharply, which leaves ripples beside edges.";
  static constexpr std::array<std::string_view, 1> kAliases{"RingingOvershoot"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("kernel", &Ringing::kernel)
            .In(3, 41)
            .Unit("px")
            .Alias("blur_limit")
            .Doc("Side of the kernel, one of the odd numbers in the range: how far ripples reach."),
        Param("cutoff", &Ringing::cutoff)
            .In(0.05, 1)
            .Unit("half the sampling rate")
            .Primary()
            .Doc("Highest frequency that stays; lower is more blurred, with wider ripples.")};
  }
  std::string Check() const { return CheckOdd("kernel", kernel); }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const int side = DrawOdd(rng, "kernel", kernel);
    const double frequency = rng.Draw("cutoff", cutoff);
    return {[made = SincKernel(side, frequency)](const cv::Mat& in,
                                                 const FrameContext&) -> Result<cv::Mat> {
      return Filter2d(in, made);
    }};
  }
};

}  // namespace

void RegisterRinging(Registry& registry) { registry.AddOperator<Ringing>(); }

}  // namespace pixloom
