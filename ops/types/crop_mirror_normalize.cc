// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/window.h"
#include "ops/types/levels.h"
#include "ops/types/normalizing.h"
#include "pipeline/registry.h"

namespace pixloom {

enum class CropPlace { kCentre, kRandom };

template <>
struct EnumNames<CropPlace> {
  static constexpr std::array kAll{std::pair{CropPlace::kCentre, "center"},
                                   std::pair{CropPlace::kRandom, "random"}};
};

namespace {

// One step for what nearly every training pipeline ends with. Being an affine step first, the crop
// and the mirror join the geometry before them.
struct CropMirrorNormalize : Outside, Normalizing {
  Size size;
  CropPlace place = CropPlace::kCentre;
  double mirror = 0;

  CropMirrorNormalize() { layout = Layout::kChw; }

  static constexpr std::string_view kName = "crop_mirror_normalize";
  static constexpr std::string_view kDoc =
      "Cut out a window, mirror it by chance, and normalize it into float32 planes.";
  static constexpr std::array<std::string_view, 1> kAliases{"CropMirrorNormalize"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{
            Param("size", &CropMirrorNormalize::size)
                .In(1, kMaxSide)
                .Unit("px")
                .Required()
                .Primary()
                .Doc("Height and width of the window; a smaller picture is centred in it and "
                     "filled around."),
            Param("place", &CropMirrorNormalize::place).Doc("Where the window lies."),
            Param("mirror", &CropMirrorNormalize::mirror)
                .In(0, 1)
                .Unit("probability")
                .Doc("Chance that left and right are mirrored.")},
        Normalizing::Table<CropMirrorNormalize>(), Outside::Table<CropMirrorNormalize>());
  }

  std::string Check() const {
    const std::string problem = Outside::Check();
    return problem.empty() ? Normalizing::Check() : problem;
  }

  Steps<AffineStep, ImageStep> Draw(Rng& rng, const Facts& facts) const {
    int x = RandomStart(rng, facts.size.width, size.width);
    int y = RandomStart(rng, facts.size.height, size.height);
    if (place == CropPlace::kCentre) {
      x = CentredStart(facts.size.width, size.width);
      y = CentredStart(facts.size.height, size.height);
    }
    rng.Note("x", x);
    rng.Note("y", y);
    Steps<AffineStep, ImageStep> steps{CutWindow(x, y, size, facts.size, Rule())};
    if (rng.Chance("mirrored", mirror)) {
      steps.push_back(AffineStep{Matrix::MirrorX(size.width), size, std::nullopt, std::nullopt});
    }
    ImageStep normalized{[own = Normalizing(*this)](
                             const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      return own.Apply(in, LevelsOf(DepthOf(in), context.range));
    }};
    normalized.range = RangeFor(facts.channels);
    steps.push_back(std::move(normalized));
    return steps;
  }

  Meta Out(const Meta& in) const {
    Meta meta = OfSize(in, size);
    meta.depth = Depth::kF32;
    meta.planar = layout == Layout::kChw;
    return meta;
  }
};

}  // namespace

void RegisterCropMirrorNormalize(Registry& registry) {
  registry.AddOperator<CropMirrorNormalize>();
}

}  // namespace pixloom
