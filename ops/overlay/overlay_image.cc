// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/unit_image.h"
#include "ops/match/reference.h"
#include "ops/overlay/layer.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct OverlayImage : Overlays {
  std::string path;
  Range size{0.2, 0.5};

  static constexpr std::string_view kName = "overlay_image";
  static constexpr std::string_view kDoc =
      "Lay a picture from a folder over the picture, with its alpha.";
  static constexpr std::array<std::string_view, 1> kAliases{"OverlayImage"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = OverlayImage;
    return std::tuple_cat(
        std::tuple{Param("path", &Op::path)
                       .Required()
                       .Primary()
                       .Alias("overlay")
                       .Doc("Folder of pictures; one is drawn for each sample."),
                   Param("size", &Op::size)
                       .In(0.001, 1)
                       .Unit("share")
                       .Alias("overlay_size")
                       .Doc("How large it is: at 1 it just fits into the picture, unturned; it "
                            "never gets larger than fits when it is turned.")},
        Overlays::Table<Op>());
  }

  std::string Check() const {
    const auto folder = ReferenceFolder::List(path);
    if (!folder) return "path: " + folder.Error();
    folder_ = *folder;
    return "";
  }
  void Use(const Services& services) { codec_ = services.codec; }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts&) const {
    PIXLOOM_CHECK(codec_ != nullptr, "overlay_image was built without a codec");
    const std::size_t index = rng.Below("picture", static_cast<std::uint32_t>(folder_->Count()));
    const double share = rng.Draw("size", size);
    const Drawn drawn = DrawPlace(rng);
    const auto make = [folder = folder_, codec = codec_, index, share,
                       drawn](Size picture) -> Result<Layer> {
      const auto read = folder->Read(index, 4, *codec);
      if (!read) return read.Error();
      const cv::Mat rgba = ToUnit(read->pixels, read->range);
      const double fit = std::min(static_cast<double>(picture.width) / rgba.cols,
                                  static_cast<double>(picture.height) / rgba.rows);
      return PlaceLayer(rgba, drawn.At(share * fit), picture);
    };
    return Lay(make, drawn, kName);
  }

 private:
  // Set by Check(), which runs once, when the operator is bound.
  mutable std::shared_ptr<const ReferenceFolder> folder_;
  const Codec* codec_ = nullptr;
};

}  // namespace

void RegisterOverlayImage(Registry& registry) { registry.AddOperator<OverlayImage>(); }

}  // namespace pixloom
