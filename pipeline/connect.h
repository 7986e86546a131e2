// SPDX-License-Identifier: Apache-2.0
// The edges of a graph: what each node reads, whether all of it makes sense. Part of pass bind.
#pragma once

#include "pipeline/graph.h"
#include "pipeline/language.h"

namespace pixloom {

// Fills in the inputs of `graph`, whose nodes are those of `spec` in the same order, and marks
// copies that belong to the plan. Reports dangling, unused and cyclic edges, and samples that would
// meet themselves.
void ConnectNodes(const GraphSpec& spec, Graph& graph, Diagnostics& diagnostics);

// What plan nodes and stratified splits ask of the graph above them. REQUIRES: edges are connected
// and there is no cycle.
void CheckPlanNodes(const Graph& graph, Diagnostics& diagnostics);

}  // namespace pixloom
