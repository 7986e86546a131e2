// SPDX-License-Identifier: Apache-2.0
// The inner loop of thin-plate splines. Vectorised in doubles and in a fixed order of operations:
// the same bits on every CPU. Pure functions.
#pragma once

#include <cstddef>

namespace pixloom {

// For each s = squares[i] + square, adds weight_x * s log s to x[i] and weight_y * s log s to y[i];
// 0 log 0 = 0. The logarithm is good to 1e-12. `squares` and `square` are not negative.
void AddPlates(const double* squares, double square, double weight_x, double weight_y, double* x,
               double* y, std::size_t count);

}  // namespace pixloom
