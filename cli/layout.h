// SPDX-License-Identifier: Apache-2.0
// Draws a graph as SVG, with no other program needed. Pure.
#pragma once

#include <string>

#include "pipeline/graph.h"

namespace pixloom::cli {

// Nodes stand in columns by their distance from the sources; edges run left to right.
std::string ToSvg(const Graph& graph);

}  // namespace pixloom::cli
