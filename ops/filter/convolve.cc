// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <fmt/format.h>

#include "ops/common.h"
#include "ops/kernels/filter_2d.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Convolve {
  std::vector<double> kernel{1};
  Size size{0, 0};
  double bias = 0;
  bool normalize = false;

  static constexpr std::string_view kName = "convolve";
  static constexpr std::string_view kDoc =
      "Weigh the neighbours of each pixel with a kernel of your own.";
  static constexpr std::array<std::string_view, 1> kAliases{"Convolve2D"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("kernel", &Convolve::kernel)
            .In(-1e4, 1e4)
            .Unit("weight")
            .Required()
            .Primary()
            .Doc("Weights row by row as they lie on the picture; the kernel is not mirrored."),
        Param("size", &Convolve::size)
            .In(0, 29)
            .Unit("px")
            .Doc("Height and width, odd; 0 is what the number of weights leaves, or a square."),
        Param("bias", &Convolve::bias).In(-2, 2).Unit("full scale").Doc("Added to every value."),
        Param("normalize", &Convolve::normalize).Doc("Divide the weights by their sum.")};
  }

  std::string Check() const {
    const Size sides = Sides();
    if (static_cast<std::size_t>(sides.Area()) != kernel.size()) {
      return fmt::format("kernel: {} weights do not fill {}x{}; say the size, or give as many",
                         kernel.size(), sides.height, sides.width);
    }
    if (sides.width % 2 == 0 || sides.height % 2 == 0) {
      return fmt::format("size: {}x{} has no middle; take odd sides", sides.height, sides.width);
    }
    if (normalize && std::abs(Made().Sum()) < 1e-9) {
      return "normalize: the weights sum to 0 and cannot be made to sum to 1";
    }
    return "";
  }

  ImageStep Draw(Rng&, const Facts&) const {
    return {[made = normalize ? Made().Normalised() : Made(), offset = bias](
                const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      return FilterUnit(in, made, offset, context.range);
    }};
  }

 private:
  Size Sides() const {
    const auto count = static_cast<double>(kernel.size());
    const int side = static_cast<int>(std::lround(std::sqrt(count)));
    const auto other = [&](int known) { return static_cast<int>(std::ceil(count / known)); };
    if (size.width > 0 && size.height > 0) return size;
    if (size.width > 0) return {size.width, other(size.width)};
    if (size.height > 0) return {other(size.height), size.height};
    return {side, side};
  }
  Kernel2d Made() const { return {Sides().width, Sides().height, kernel}; }
};

}  // namespace

void RegisterConvolve(Registry& registry) { registry.AddOperator<Convolve>(); }

}  // namespace pixloom
