// SPDX-License-Identifier: Apache-2.0
// The numbers that tell whether a backend runs a graph rightly: drawn inputs, expected outputs.
//
// The check runs batch A, batch B, and A again: a backend that is wrong only after the batch size
// changed (OpenCV's transposed convolution) is caught. An item's inputs depend on the seed and its
// index alone, so items of both batches must come out equal.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/manifest.h"
#include "models/network.h"

namespace pixloom {

inline constexpr int kCheckedValues = 16;

// Inputs of item `item`, uniform in [-1, 1): keyed by seed, input, item and place.
void DrawCheckInput(std::uint64_t seed, const std::string& input, std::int64_t item,
                    std::span<float> out);
// Where in an output of `size` values the expected ones are taken.
std::vector<std::int64_t> CheckedPlaces(std::uint64_t seed, const std::string& output,
                                        std::int64_t size);
// Mean, standard deviation and the values at the places, of a whole output.
GraphCheck::Expected Summarise(std::uint64_t seed, const std::string& output,
                               std::span<const double> values);

// "" when the network is right for batches check.batch, 1 and check.batch again (a fixed batch:
// that one twice); else what is wrong. `tolerance` is relative to the larger of 1 and the size of
// values. Without a check in the graph only what can be said all the same is checked: batches
// agree, all is finite, shapes are those of the manifest.
std::string CheckNetwork(Network& network, const GraphFile& graph, bool fixed_batch,
                         std::int64_t batch, double tolerance);

}  // namespace pixloom
