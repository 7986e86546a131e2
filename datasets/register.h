// SPDX-License-Identifier: Apache-2.0
// The list of sources and sinks.
#pragma once

#include "pipeline/registry.h"

namespace pixloom {

void RegisterDatasets(Registry& registry);
// Part of it: sinks for data sets of other tools.
void RegisterExport(Registry& registry);

}  // namespace pixloom
