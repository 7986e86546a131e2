// SPDX-License-Identifier: Apache-2.0
// The verbs of this module, one function for each file that has one; models/register.cc calls all.
#pragma once

#include "pipeline/registry.h"

namespace pixloom {

void RegisterEnhance(Registry& registry);
void RegisterGenerate(Registry& registry);
void RegisterLatentNoise(Registry& registry);
void RegisterReconstruct(Registry& registry);
void RegisterScore(Registry& registry);
void RegisterSequence(Registry& registry);

}  // namespace pixloom
