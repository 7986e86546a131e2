// SPDX-License-Identifier: Apache-2.0
// The source 'hdf5'.
#pragma once

#include "pipeline/registry.h"

namespace pixloom {

void RegisterHdf5Source(Registry& registry);

}  // namespace pixloom
