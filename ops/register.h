// SPDX-License-Identifier: Apache-2.0
// RegisterOps is called once, before anything reads the registry.
#pragma once

#include "pipeline/registry.h"

namespace pixloom {

void RegisterOps(Registry& registry);

}  // namespace pixloom
