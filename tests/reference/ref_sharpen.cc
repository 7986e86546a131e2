// SPDX-License-Identifier: Apache-2.0
// Formulas of sharpening, of kernels that users give, and of morphology.
#include <algorithm>
#include <cmath>
#include <string>

#include "tests/reference/ref_weights.h"

namespace pixloom::reference {

namespace {

// ---- Sharpening ---------------------------------------------------------------------------------

void CheckSharpen(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("alpha", args.Interval("alpha", {0.2, 0.5}), draws["alpha"], problems);
  CheckHolds("lightness", args.Interval("lightness", 1), draws["lightness"], problems);
}

std::vector<RefStep> Sharpen(const Arguments&, const Draws& draws, const OpState&) {
  Weights weights(1);
  for (double& v : weights.values) v = -draws["alpha"];
  weights.At(0, 0) = 1 + draws["alpha"] * (7 + draws["lightness"]);
  return CorrelateWith(weights);
}

void CheckSharpness(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("factor", args.Interval("factor", {0.5, 2}), draws["factor"], problems);
}

std::vector<RefStep> Sharpness(const Arguments&, const Draws& draws, const OpState&) {
  const double factor = draws["factor"];
  if (factor == 1) return {};
  return {Picture([=](Image64& image) {
    Image64 smooth = image;
    Weights weights(1);
    for (double& v : weights.values) v = 1.0 / 13;
    weights.At(0, 0) = 5.0 / 13;
    Correlate(smooth, weights);
    RoundToDepth(smooth);
    Replace(image, [&](int x, int y, int c) {
      const bool edge = x == 0 || y == 0 || x == image.size.width - 1 || y == image.size.height - 1;
      const double own = image.At(x, y, c);
      if (edge || c >= ColourChannels(image)) return own;
      return factor * own + (1 - factor) * smooth.At(x, y, c);
    });
  })};
}

void CheckUnsharp(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("sigma", args.Interval("sigma", {0.5, 2}), draws["sigma"], problems);
  CheckHolds("amount", args.Interval("amount", {0.2, 1}), draws["amount"], problems);
}

std::vector<RefStep> Unsharp(const Arguments& args, const Draws& draws, const OpState&) {
  const double sigma = draws["sigma"];
  const double amount = draws["amount"];
  const double threshold = args.Number("threshold", 0.02);
  if (sigma == 0 || amount == 0) return {};
  return {Picture([=](Image64& image) {
    const Image64 soft = Blurred(image, sigma);
    Replace(image, [&](int x, int y, int c) {
      const double difference = image.At(x, y, c) - soft.At(x, y, c);
      const double size = std::abs(difference) / image.Span();
      const double share =
          threshold == 0 ? 1 : std::clamp((size - threshold) / threshold, 0.0, 1.0);
      return image.At(x, y, c) + amount * share * difference;
    });
  })};
}

void CheckEmboss(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("alpha", args.Interval("alpha", {0.2, 0.5}), draws["alpha"], problems);
  CheckHolds("strength", args.Interval("strength", {0.2, 0.7}), draws["strength"], problems);
}

std::vector<RefStep> Emboss(const Arguments&, const Draws& draws, const OpState&) {
  const double s = draws["strength"];
  Weights relief(1);
  relief.At(-1, -1) = -1 - s;
  relief.At(0, -1) = relief.At(-1, 0) = -s;
  relief.At(1, 0) = relief.At(0, 1) = s;
  relief.At(1, 1) = 1 + s;
  relief.At(0, 0) = 1;
  for (double& v : relief.values) v *= draws["alpha"];
  relief.At(0, 0) += 1 - draws["alpha"];
  return CorrelateWith(relief);
}

void CheckNothing(const Arguments&, const Draws&, const OpState&, Problems&) {}

std::vector<RefStep> Convolve(const Arguments& args, const Draws&, const OpState&) {
  const std::vector<double> numbers = args.Numbers("kernel", {});
  int width = args.Sides("size").width;
  int height = args.Sides("size").height;
  const int side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(numbers.size()))));
  if (width == 0) width = side;
  if (height == 0) height = side;
  Weights weights(std::max(width, height) / 2);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const int at = static_cast<int>(i);
    weights.At(at % width - width / 2, at / width - height / 2) = numbers[i];
  }
  if (args.Flag("normalize", false)) weights.Normalise();
  const double bias = args.Number("bias", 0);
  return {Picture([=](Image64& image) { Correlate(image, weights, bias); })};
}

// ---- Morphology ---------------------------------------------------------------------------------

void CheckMorph(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckOdd("kernel", args.Interval("kernel", {3, 5}), draws["kernel"], problems);
}

void Extreme(Image64& image, int radius, const std::string& shape, bool greatest) {
  const auto covers = [&](int x, int y) {
    if (shape == "cross") return x == 0 || y == 0;
    // Half a pixel more than the circle across.
    if (shape == "ellipse") return std::abs(x) <= std::sqrt(radius * radius - y * y) + 0.5;
    return true;
  };
  Replace(image, [&](int x, int y, int c) {
    double best = image.At(x, y, c);
    for (int j = -radius; j <= radius; ++j) {
      for (int i = -radius; i <= radius; ++i) {
        const bool inside =
            x + i >= 0 && y + j >= 0 && x + i < image.size.width && y + j < image.size.height;
        if (!inside || !covers(i, j)) continue;
        const double value = image.At(x + i, y + j, c);
        best = greatest ? std::max(best, value) : std::min(best, value);
      }
    }
    return best;
  });
}

// 'e' erodes, 'd' dilates.
std::vector<RefStep> Morph(const Arguments& args, const Draws& draws, std::string_view order) {
  const int radius = static_cast<int>(draws["kernel"]) / 2;
  const std::string shape = args.Text("shape", "rect");
  return {Picture([=](Image64& image) {
    for (const char kind : order) Extreme(image, radius, shape, kind == 'd');
  })};
}

template <char... kKinds>
std::vector<RefStep> MorphAs(const Arguments& args, const Draws& draws, const OpState&) {
  static constexpr char kOrder[] = {kKinds..., 0};
  return Morph(args, draws, kOrder);
}

}  // namespace

const std::vector<OpRule>& SharpenRules() {
  static const std::vector<OpRule> rules{
      {"close", true, {"kernel"}, CheckMorph, MorphAs<'d', 'e'>},
      {"convolve", true, {}, CheckNothing, Convolve},
      {"dilate", true, {"kernel"}, CheckMorph, MorphAs<'d'>},
      {"emboss", true, {"alpha", "strength"}, CheckEmboss, Emboss},
      {"erode", true, {"kernel"}, CheckMorph, MorphAs<'e'>},
      {"open", true, {"kernel"}, CheckMorph, MorphAs<'e', 'd'>},
      {"sharpen", true, {"alpha", "lightness"}, CheckSharpen, Sharpen},
      {"sharpness", true, {"factor"}, CheckSharpness, Sharpness},
      {"unsharp_mask", true, {"sigma", "amount"}, CheckUnsharp, Unsharp},
  };
  return rules;
}

}  // namespace pixloom::reference
