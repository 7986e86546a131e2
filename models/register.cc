// SPDX-License-Identifier: Apache-2.0
#include "models/register.h"

#include "models/register_nodes.h"

namespace pixloom {

void RegisterModels(Registry& registry) {
  registry.BeginGroup("Networks");
  RegisterEnhance(registry);
  RegisterGenerate(registry);
  RegisterLatentNoise(registry);
  RegisterReconstruct(registry);
  RegisterScore(registry);
  RegisterSequence(registry);
}

}  // namespace pixloom
