// SPDX-License-Identifier: Apache-2.0
// The inner loop of thin-plate splines. Vectorised in doubles and in a fixed order of operations:
// the same bits on every CPU. Pure functions.
#pragma once

#include <cstddef>

namespace pixloom {

// A plate serves four knots: by symmetry it is that of the mirrored knot at the mirrored pixel, in
// x, in y and in both; each knot has two weights.
inline constexpr int kPlateSums = 8;

// For each i with s = squares[i] + square: adds weights[k] * s log s to sums[k][i]. 0 log 0 = 0.
// The logarithm is good to 1e-12. `squares` and `square` are not negative.
void AddPlates(const double* squares, double square, const double* weights, double* const* sums,
               std::size_t count);

}  // namespace pixloom
