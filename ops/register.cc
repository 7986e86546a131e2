// SPDX-License-Identifier: Apache-2.0
#include "ops/register.h"

namespace pixloom {

void RegisterOps(Registry& registry) {
#define PIXLOOM_REGISTER(NAME) Register##NAME(registry);
  PIXLOOM_OPS(PIXLOOM_REGISTER)
#undef PIXLOOM_REGISTER
}

}  // namespace pixloom
