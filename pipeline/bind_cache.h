// SPDX-License-Identifier: Apache-2.0
// Binds a `cache` node: where it keeps what its steps make, and that they always make the same.
// Part of pass bind.
#pragma once

#include <memory>
#include <vector>

#include "pipeline/graph.h"
#include "pipeline/language.h"
#include "pipeline/sample_cache.h"

namespace pixloom {

// `steps` are those of the node, bound. Null exactly when it added errors.
std::shared_ptr<SampleCache> BindCache(const NodeSpec& spec, const std::vector<ChainStep>& steps,
                                       const CodecLimits& limits, Diagnostics& diagnostics);

// The steps as YAML, as the graph's own ToYaml writes them (graph.cc).
std::string StepsText(const std::vector<ChainStep>& steps);

}  // namespace pixloom
