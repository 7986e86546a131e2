// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/kernels/sampler.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Fringe { kGreenPurple, kRedBlue, kRandom };

}  // namespace

template <>
struct EnumNames<Fringe> {
  static constexpr std::array kAll{std::pair{Fringe::kGreenPurple, "green_purple"},
                                   std::pair{Fringe::kRedBlue, "red_blue"},
                                   std::pair{Fringe::kRandom, "random"}};
};

namespace {

// A lens: x, y from the centre, in widths and heights, are read 1 + k r^2 + l r^4 as far away.
struct Lens {
  double primary = 0;
  double secondary = 0;

  bool Bends() const { return primary != 0 || secondary != 0; }
};

class LensPositions : public PositionMap {
 public:
  LensPositions(Lens lens, Size size) : lens_(lens), width_(size.width), height_(size.height) {}

  void Block(int x, int y, int /*count*/, double* source_x, double* source_y) const override {
    const double down = y + 0.5 - height_ / 2;
    const double square = down * down / (height_ * height_);
    const double first = x + 0.5 - width_ / 2;
    const double unit = 1 / (width_ * width_);
    for (int i = 0; i < 64; ++i) {
      const double across = first + i;
      const double r2 = across * across * unit + square;
      const double growth = 1 + r2 * (lens_.primary + lens_.secondary * r2);
      source_x[i] = across * growth + width_ / 2;
      source_y[i] = down * growth + height_ / 2;
    }
  }

 private:
  Lens lens_;
  double width_;
  double height_;
};

// Channel `channel` of `out` becomes that of `in` seen through the lens. Whole pixels are sampled,
// for which the sampler has its fast loops.
void BendChannel(const cv::Mat& in, Lens lens, int channel, cv::Mat& out) {
  if (!lens.Bends()) return;
  BorderRule edge;
  edge.mode = Border::kReplicate;
  const Size size{in.cols, in.rows};
  const cv::Mat bent = SampleAt(ImageView::Whole(in), LensPositions(lens, size), size, in.depth(),
                                edge, Resampling::kLinear);
  const int channels = in.channels();
  WithDepth(in, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < in.rows; ++y) {
      const T* from = bent.ptr<T>(y) + channel;
      T* to = out.ptr<T>(y) + channel;
      for (int x = 0; x < in.cols; ++x) to[x * channels] = from[x * channels];
    }
  });
}

struct ChromaticAberration {
  Range primary{-0.02, 0.02};
  Range secondary{-0.05, 0.05};
  Fringe mode = Fringe::kGreenPurple;

  static constexpr std::string_view kName = "chromatic_aberration";
  static constexpr std::string_view kDoc =
      "Bend red and blue as a simple lens does, which gives edges coloured fringes; green and the "
      "labels stay.";
  static constexpr std::array<std::string_view, 1> kAliases{"ChromaticAberration"};
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("primary", &ChromaticAberration::primary)
            .In(-1, 1)
            .Unit("k")
            .Primary()
            .Alias("primary_distortion_limit", Symmetric)
            .Doc(
                "Coefficient k of the lens: x, y in widths and heights grow by 1 + k r^2 + l r^4."),
        Param("secondary", &ChromaticAberration::secondary)
            .In(-1, 1)
            .Unit("l")
            .Alias("secondary_distortion_limit", Symmetric)
            .Doc("Coefficient l of the lens."),
        Param("mode", &ChromaticAberration::mode)
            .Doc(
                "green_purple: red and blue bend the same way; red_blue: in opposite ways; random: "
                "each in a way of its own.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    Lens red;
    Lens blue;
    red.primary = rng.Draw("primary_red", primary);
    red.secondary = rng.Draw("secondary_red", secondary);
    blue.primary = rng.Draw("primary_blue", primary);
    blue.secondary = rng.Draw("secondary_blue", secondary);
    // Blue keeps its own strength and takes the side of red, or the other one.
    const double side = mode == Fringe::kRedBlue ? -1 : 1;
    if (mode != Fringe::kRandom) {
      if (blue.primary * red.primary * side < 0) blue.primary = -blue.primary;
      if (blue.secondary * red.secondary * side < 0) blue.secondary = -blue.secondary;
    }
    return {[red, blue](const cv::Mat& in, const FrameContext&) -> Result<cv::Mat> {
      if (in.channels() < 3) return in;
      cv::Mat out = in.clone();
      BendChannel(in, red, 0, out);
      BendChannel(in, blue, 2, out);
      return out;
    }};
  }
};

}  // namespace

void RegisterChromaticAberration(Registry& registry) {
  registry.AddOperator<ChromaticAberration>();
}

}  // namespace pixloom
