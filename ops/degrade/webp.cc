// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "ops/common.h"
#include "ops/degrade/codec_trip.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Webp {
  Range quality{60, 95};

  static constexpr std::string_view kName = "webp";
  static constexpr std::string_view kDoc = "Leave the traces of lossy WebP compression.";
  static constexpr Support kSupport{.u16 = false, .f32 = false, .four = false, .many = false};
  // Quality is turned into quantizers by the C library's pow, rounded down to one of 128 steps;
  // everything behind that is integer arithmetic.
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{Param("quality", &Webp::quality)
                          .In(1, 100)
                          .Unit("libwebp scale")
                          .Primary()
                          .Alias("quality_range")
                          .Doc("WebP quality, rounded to a whole number; colour is stored at half "
                               "the resolution even at 100.")};
  }
  void Use(const Services& services) { codec_ = services.codec; }

  ImageStep Draw(Rng& rng, const Facts&) const {
    PIXLOOM_CHECK(codec_ != nullptr, "the webp operator was built without a codec");
    EncodeRequest request;
    request.format = ImageFormat::kWebp;
    request.quality = static_cast<int>(std::floor(rng.Draw("quality", quality) + 0.5));
    return {[codec = codec_, request](const cv::Mat& in, const FrameContext&) {
      return ThroughCodec(*codec, in, request);
    }};
  }

 private:
  const Codec* codec_ = nullptr;
};

}  // namespace

void RegisterWebp(Registry& registry) { registry.AddOperator<Webp>(); }

}  // namespace pixloom
