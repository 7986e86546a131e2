// SPDX-License-Identifier: Apache-2.0
// Formulas of blurs, sharpening and morphology.
#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

void CheckBlur(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("sigma", args.Interval("sigma", {0.5, 3}), draws["sigma"], problems);
}

std::vector<RefStep> GaussianBlur(const Arguments& args, const Draws& draws, const OpState&) {
  const double sigma = draws["sigma"];
  int kernel = static_cast<int>(args.Number("kernel", 0));
  if (kernel == 0) kernel = 2 * static_cast<int>(3.5 * sigma) + 1;
  const std::vector<double> taps = GaussianTaps(sigma, kernel);
  return {Picture(
      [=](Image64& image) { image = Convolved(Convolved(image, taps, true), taps, false); })};
}

}  // namespace

const std::vector<OpRule>& FilterRules() {
  static const std::vector<OpRule> rules{
      {"gaussian_blur", true, {"sigma"}, CheckBlur, GaussianBlur},
  };
  return rules;
}

}  // namespace pixloom::reference
