// SPDX-License-Identifier: Apache-2.0
// Latents: normal deviates that are a function of their place, and ways between two latents. The
// same bits on every machine. Pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/rng.h"

namespace pixloom {

double NormalShare(double z);     // of a normal distribution below z; |z| <= 10
double NormalQuantile(double p);  // its inverse; 0 < p < 1

// The stream for the latent of the n-th picture of a sample, beside the step's own draws.
StreamKey LatentStream(const StreamKey& step, std::size_t picture);

// Deviates of the standard normal distribution, or of what is left of it within -limit..limit;
// limit 0: all of it. Each takes half a block of the stream, whatever the limit.
void DrawNormals(const StreamKey& stream, double limit, std::span<double> out);

enum class LatentPath {
  kLinear,
  kSlerp,  // along the arc between the directions; lengths in proportion
};
// `share` of the way from one to the other.
std::vector<double> BetweenLatents(std::span<const double> from, std::span<const double> to,
                                   double share, LatentPath path);

}  // namespace pixloom
