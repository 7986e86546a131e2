// SPDX-License-Identifier: Apache-2.0
// Everything this module adds to a registry: enhance, reconstruct, latent_noise, sequence, score as
// steps, generate as a source.
#pragma once

#include "pipeline/registry.h"

namespace pixloom {

void RegisterModels(Registry& registry);

}  // namespace pixloom
