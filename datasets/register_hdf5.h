// SPDX-License-Identifier: Apache-2.0
// The verbs `hdf5`; called by RegisterDatasets.
#pragma once

#include "pipeline/registry.h"

namespace pixloom {

void RegisterHdf5(Registry& registry);

}  // namespace pixloom
