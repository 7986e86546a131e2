// SPDX-License-Identifier: Apache-2.0
// How many results each sink gets of a part of the plan, if nothing is dropped on the way. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/graph.h"
#include "pipeline/plan.h"

namespace pixloom {

// Per node of the graph, of units [first, end): set for sinks whose number of results does not
// depend on pictures (the tiles of a picture of unknown size). Filters and bad samples make it
// less.
std::vector<std::optional<std::uint64_t>> ExpectedResults(const Graph& graph, const Plan& plan,
                                                          std::uint64_t first, std::uint64_t end);

}  // namespace pixloom
