// SPDX-License-Identifier: Apache-2.0
// The symmetric beta distribution, by its quantiles: one draw gives one value, so that a stream
// moves on by the same number of words whatever comes out. The same bits on every machine. Pure
// functions.
#pragma once

namespace pixloom {

// The x in [0, 1] that Beta(alpha, alpha) stays below with chance `unit`; to 1e-13 of x.
// REQUIRES: 0 <= unit <= 1, 0.01 <= alpha <= 1000.
double SymmetricBetaQuantile(double unit, double alpha);

}  // namespace pixloom
