// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/dirichlet.h"

#include <algorithm>
#include <cmath>

#include "pipeline/exact_math.h"

namespace pixloom {

// Marsaglia and Tsang (2000); a shape below 1 is drawn one higher and scaled by a power of a
// uniform variate.
double DrawLogGamma(Rng& rng, double shape) {
  const double boost = shape < 1 ? exact::Log(1 - rng.Unit()) / shape : 0;
  const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = rng.Normal("", 0, 1);
    const double root = 1 + c * x;
    const double u = 1 - rng.Unit();
    if (root <= 0) continue;
    const double v = root * root * root;
    const double log_v = exact::Log(v);
    if (exact::Log(u) < 0.5 * x * x + d - d * v + d * log_v) return boost + exact::Log(d) + log_v;
  }
}

std::vector<double> DrawDirichlet(Rng& rng, double alpha, std::size_t n) {
  std::vector<double> shares(n);
  for (double& share : shares) share = DrawLogGamma(rng, alpha);
  const double most = *std::max_element(shares.begin(), shares.end());
  double sum = 0;
  for (double& share : shares) {
    share = exact::Exp(share - most);
    sum += share;
  }
  for (double& share : shares) share /= sum;
  return shares;
}

}  // namespace pixloom
