// SPDX-License-Identifier: Apache-2.0
// Random shares that add up to 1. Built from Rng and exact arithmetic, so that they are the same on
// every machine. Pure functions of the stream.
#pragma once

#include <vector>

#include "pipeline/rng.h"

namespace pixloom {

// The natural logarithm of a gamma variate: for a small shape the variate itself is no number that
// differs from 0. Takes a varying number of draws. REQUIRES: shape > 0.
double DrawLogGamma(Rng& rng, double shape);

// `n` shares that follow Dirichlet(alpha, ..., alpha); two of them follow Beta(alpha, alpha).
// REQUIRES: alpha > 0, n > 0.
std::vector<double> DrawDirichlet(Rng& rng, double alpha, std::size_t n);

}  // namespace pixloom
