// SPDX-License-Identifier: Apache-2.0
// Formulas of compression and other losses.
#include <algorithm>
#include <cmath>

#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

int RoundedHalfUp(double v) { return static_cast<int>(std::floor(v + 0.5)); }

// ---- jpeg, webp ---------------------------------------------------------------------------------

void CheckQuality(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("quality", args.Interval("quality", {60, 95}), draws["quality"], problems);
}

PictureStep ThroughCodec(const EncodeRequest& request, const Codec* codec) {
  return {[request, codec](Image64& image, const StreamKey&, std::string& problem) {
    if (codec == nullptr) {
      problem = "needs a codec";
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
  }};
}

std::vector<RefStep> Jpeg(const Arguments& args, const Draws& draws, const OpState& state) {
  EncodeRequest request;
  request.format = ImageFormat::kJpeg;
  request.quality = RoundedHalfUp(draws["quality"]);
  request.subsample = args.Flag("subsampling", true);
  return {ThroughCodec(request, state.codec)};
}

std::vector<RefStep> Webp(const Arguments&, const Draws& draws, const OpState& state) {
  EncodeRequest request;
  request.format = ImageFormat::kWebp;
  request.quality = RoundedHalfUp(draws["quality"]);
  return {ThroughCodec(request, state.codec)};
}

// ---- downscale ----------------------------------------------------------------------------------

void CheckDownscale(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("scale", args.Interval("scale", {0.25, 0.5}), draws["scale"], problems);
}

Resampling Named(const std::string& name) {
  return name == "nearest"           ? Resampling::kNearest
         : name == "area"            ? Resampling::kArea
         : name == "cubic"           ? Resampling::kCubic
         : name == "antialias"       ? Resampling::kAntialias
         : name == "antialias_cubic" ? Resampling::kAntialiasCubic
         : name == "lanczos"         ? Resampling::kLanczos
                                     : Resampling::kLinear;
}

std::vector<RefStep> Downscale(const Arguments& args, const Draws& draws, const OpState&) {
  const double scale = draws["scale"];
  const Resampling down = Named(args.Text("down", "area"));
  const Resampling up = Named(args.Text("up", "nearest"));
  return {Picture([=](Image64& image) {
    const auto resize = [&](Size out, Resampling how) {
      Sampling sampling;
      sampling.map = Stretch(static_cast<double>(out.width) / image.size.width,
                             static_cast<double>(out.height) / image.size.height);
      sampling.out = out;
      sampling.resampling = how;
      // A centre on the border of two pixels is the right or lower one's.
      sampling.nearest_shift = {1e-6, 1e-6};
      image = Resample(image, sampling);
      RoundToDepth(image);
    };
    const Size full = image.size;
    resize({std::max(1, RoundedHalfUp(full.width * scale)),
            std::max(1, RoundedHalfUp(full.height * scale))},
           down);
    resize(full, up);
  })};
}

// ---- pixelate -----------------------------------------------------------------------------------

void CheckPixelate(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("block", args.Interval("block", {4, 16}), draws["block"], problems);
}

std::vector<RefStep> Pixelate(const Arguments& args, const Draws& draws, const OpState& state) {
  const bool fraction = args.Text("unit", "px") == "fraction";
  const int shorter = std::min(state.size.width, state.size.height);
  const int side = RoundedHalfUp(draws["block"] * (fraction ? shorter : 1));
  if (side <= 1) return {};
  return {Picture([=](Image64& image) {
    const Image64 in = image;
    for (int y = 0; y < in.size.height; ++y) {
      for (int x = 0; x < in.size.width; ++x) {
        const int left = x / side * side;
        const int top = y / side * side;
        const int right = std::min(left + side, in.size.width);
        const int bottom = std::min(top + side, in.size.height);
        for (int c = 0; c < in.channels; ++c) {
          double sum = 0;
          for (int v = top; v < bottom; ++v) {
            for (int u = left; u < right; ++u) sum += in.At(u, v, c);
          }
          image.At(x, y, c) = sum / ((right - left) * (bottom - top));
        }
      }
    }
  })};
}

}  // namespace

const std::vector<OpRule>& DegradeRules() {
  static const std::vector<OpRule> rules{
      {"jpeg", true, {"quality"}, CheckQuality, Jpeg},
      {"downscale", true, {"scale"}, CheckDownscale, Downscale},
      {"pixelate", true, {"block"}, CheckPixelate, Pixelate},
      {"webp", true, {"quality"}, CheckQuality, Webp},
  };
  return rules;
}

}  // namespace pixloom::reference
