// SPDX-License-Identifier: Apache-2.0
// Formulas of compression and other losses.
#include <cmath>

#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

void CheckJpeg(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("quality", args.Interval("quality", {60, 95}), draws["quality"], problems);
}

std::vector<RefStep> Jpeg(const Arguments& args, const Draws& draws, const OpState& state) {
  EncodeRequest request;
  request.format = ImageFormat::kJpeg;
  request.quality = static_cast<int>(std::floor(draws["quality"] + 0.5));
  request.subsample = args.Flag("subsampling", true);
  return {PictureStep{
      [request, codec = state.codec](Image64& image, const StreamKey&, std::string& problem) {
        if (codec == nullptr) {
          problem = "the jpeg operator needs a codec";
          return;
        }
        const auto bytes = codec->Encode(ToMat(image), request);
        if (!bytes) {
          problem = bytes.Error().message;
          return;
        }
        const auto header = codec->ReadHeader(*bytes);
        if (!header) {
          problem = header.Error().message;
          return;
        }
        DecodeRequest decode;
        decode.channels = image.channels;
        const auto decoded = codec->Decode(*bytes, *header, decode);
        if (!decoded) {
          problem = decoded.Error().message;
          return;
        }
        image = FromMat(decoded->pixels, image.range);
      }}};
}

}  // namespace

const std::vector<OpRule>& DegradeRules() {
  static const std::vector<OpRule> rules{
      {"jpeg", true, {"quality"}, CheckJpeg, Jpeg},
  };
  return rules;
}

}  // namespace pixloom::reference
