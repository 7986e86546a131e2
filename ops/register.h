// SPDX-License-Identifier: Apache-2.0
// The one list of operators. A new operator is one file, one name here and one line in
// ops/CMakeLists.txt.
//
// RegisterOps is called once, before anything reads the registry.
#pragma once

#include "pipeline/registry.h"

// Sorted. X(Name) stands for `void RegisterName(Registry&)`, defined in the operator's file.
#define PIXLOOM_OPS(X)  \
  X(Affine)             \
  X(BrightnessContrast) \
  X(ColorJitter)        \
  X(Crop)               \
  X(Elastic)            \
  X(Gamma)              \
  X(GaussianBlur)       \
  X(GaussianNoise)      \
  X(GridDistortion)     \
  X(GridElastic)        \
  X(GridShuffle)        \
  X(Hflip)              \
  X(HueSaturation)      \
  X(Jpeg)               \
  X(OpticalDistortion)  \
  X(PiecewiseAffine)    \
  X(PixelSpread)        \
  X(RandomCrop)         \
  X(RandomResizedCrop)  \
  X(Remap)              \
  X(Resize)             \
  X(Rotate)             \
  X(ThinPlateSpline)    \
  X(Vflip)              \
  X(Water)

namespace pixloom {

#define PIXLOOM_DECLARE(NAME) void Register##NAME(Registry& registry);
PIXLOOM_OPS(PIXLOOM_DECLARE)
#undef PIXLOOM_DECLARE

void RegisterOps(Registry& registry);

}  // namespace pixloom
