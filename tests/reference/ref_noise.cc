// SPDX-License-Identifier: Apache-2.0
// Formulas of noise.
#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

void CheckNoise(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("std", args.Interval("std", {0.02, 0.1}), draws["std"], problems);
  CheckHolds("mean", args.Interval("mean", 0), draws["mean"], problems);
}

std::vector<RefStep> GaussianNoise(const Arguments& args, const Draws& draws, const OpState&) {
  const double deviation = draws["std"];
  const double mean = draws["mean"];
  const bool per_channel = args.Flag("per_channel", true);
  return {PictureStep{[=](Image64& image, const StreamKey& noise, std::string&) {
    const int drawn = per_channel ? image.channels : 1;
    for (int y = 0; y < image.size.height; ++y) {
      for (int x = 0; x < image.size.width; ++x) {
        const std::int64_t pixel = static_cast<std::int64_t>(y) * image.size.width + x;
        for (int c = 0; c < ColourChannels(image); ++c) {
          const std::int64_t value = pixel * drawn + (per_channel ? c : 0);
          const auto normals = Normals(noise.Block(static_cast<std::uint32_t>(value / 4)));
          image.At(x, y, c) +=
              (mean + deviation * normals[static_cast<std::size_t>(value % 4)]) * image.Span();
        }
      }
    }
  }}};
}

}  // namespace

const std::vector<OpRule>& NoiseRules() {
  static const std::vector<OpRule> rules{
      {"gaussian_noise", true, {"std", "mean"}, CheckNoise, GaussianNoise},
  };
  return rules;
}

}  // namespace pixloom::reference
