// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/common.h"
#include "ops/degrade/codec_trip.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Jpeg {
  Range quality{60, 95};
  bool subsampling = true;

  static constexpr std::string_view kName = "jpeg";
  static constexpr std::string_view kDoc = "Leave the traces of JPEG compression.";
  static constexpr std::array<std::string_view, 1> kAliases{"JPEG"};
  static constexpr Support kSupport{.u16 = false, .f32 = false, .four = false, .many = false};
  // The codec's integer transforms give the same bits with and without vector instructions.
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("quality", &Jpeg::quality)
            .In(1, 100)
            .Unit("libjpeg scale")
            .Primary()
            .Alias("quality_range")
            .Doc("JPEG quality, rounded to a whole number."),
        Param("subsampling", &Jpeg::subsampling)
            .Doc("Store colour at half the resolution (4:2:0); false stores it in full (4:4:4).")};
  }
  void Use(const Services& services) { codec_ = services.codec; }

  ImageStep Draw(Rng& rng, const Facts&) const {
    PIXLOOM_CHECK(codec_ != nullptr, "the jpeg operator was built without a codec");
    EncodeRequest request;
    request.format = ImageFormat::kJpeg;
    request.quality = static_cast<int>(std::floor(rng.Draw("quality", quality) + 0.5));
    request.subsample = subsampling;
    return {[codec = codec_, request](const cv::Mat& in, const FrameContext&) {
      return ThroughCodec(*codec, in, request);
    }};
  }

 private:
  const Codec* codec_ = nullptr;
};

}  // namespace

void RegisterJpeg(Registry& registry) { registry.AddOperator<Jpeg>(); }

}  // namespace pixloom
