// SPDX-License-Identifier: Apache-2.0
#include "ops/register.h"

#include "ops/operators.h"

namespace pixloom {

#define PIXLOOM_GROUPS(X)                   \
  X("Geometry", GEOMETRY)                   \
  X("Colour", COLOUR)                       \
  X("Blur, sharpen, morphology", FILTER)    \
  X("Noise", NOISE)                         \
  X("Compression and degradation", DEGRADE) \
  X("Weather and light", WEATHER)           \
  X("Erasing", ERASE)                       \
  X("Matching a reference", MATCH)          \
  X("Enhancement", ENHANCE)                 \
  X("Pixel types", TYPES)                   \
  X("Pictures and text on top", OVERLAY)    \
  X("Labels", LABELS)                       \
  X("Which entries take part", PLAN)        \
  X("Several pictures of one", VIEWS)       \
  X("Several samples at once", MIX)         \
  X("Parts and versions", SCOPES)           \
  X("Policies", POLICIES)

#define PIXLOOM_DECLARE(NAME) void Register##NAME(Registry& registry);
#define PIXLOOM_DECLARE_GROUP(TITLE, GROUP) PIXLOOM_OPS_##GROUP(PIXLOOM_DECLARE)
PIXLOOM_GROUPS(PIXLOOM_DECLARE_GROUP)

void RegisterOps(Registry& registry) {
#define PIXLOOM_REGISTER(NAME) Register##NAME(registry);
#define PIXLOOM_REGISTER_GROUP(TITLE, GROUP) \
  registry.BeginGroup(TITLE);                \
  PIXLOOM_OPS_##GROUP(PIXLOOM_REGISTER)
  PIXLOOM_GROUPS(PIXLOOM_REGISTER_GROUP)
}

}  // namespace pixloom
