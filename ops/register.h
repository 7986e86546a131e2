// SPDX-License-Identifier: Apache-2.0
// The one list of operators. A new operator is one file, one name here and one line in
// ops/CMakeLists.txt.
//
// RegisterOps is called once, before anything reads the registry.
#pragma once

#include "pipeline/registry.h"

// Sorted. X(Name) stands for `void RegisterName(Registry&)`, defined in the operator's file.
#define PIXLOOM_OPS(X)      \
  X(Affine)                 \
  X(AtLeastOneBoxCrop)      \
  X(BoxSafeRandomCrop)      \
  X(BrightnessContrast)     \
  X(CenterCrop)             \
  X(ColorJitter)            \
  X(Crop)                   \
  X(CropAndPad)             \
  X(CropNonEmptyMask)       \
  X(D4)                     \
  X(Elastic)                \
  X(FiveCrop)               \
  X(Gamma)                  \
  X(GaussianBlur)           \
  X(GaussianNoise)          \
  X(GridDistortion)         \
  X(GridElastic)            \
  X(GridShuffle)            \
  X(Hflip)                  \
  X(HueSaturation)          \
  X(Jpeg)                   \
  X(LetterBox)              \
  X(LongestMaxSize)         \
  X(OpticalDistortion)      \
  X(Pad)                    \
  X(PadIfNeeded)            \
  X(PadToAspect)            \
  X(PadToMultiple)          \
  X(PadToSquare)            \
  X(Perspective)            \
  X(PiecewiseAffine)        \
  X(PixelSpread)            \
  X(RandomCrop)             \
  X(RandomCropFromBorders)  \
  X(RandomCropNearBox)      \
  X(RandomIouCrop)          \
  X(RandomResizedCrop)      \
  X(RandomScale)            \
  X(RandomShortestSize)     \
  X(RandomSizedBoxSafeCrop) \
  X(RandomSizedCrop)        \
  X(RandomZoomOut)          \
  X(Remap)                  \
  X(Resize)                 \
  X(Rotate)                 \
  X(Rotate90)               \
  X(SafeRotate)             \
  X(Sanitize)               \
  X(ScaleJitter)            \
  X(Shear)                  \
  X(ShiftScaleRotate)       \
  X(SmallestMaxSize)        \
  X(TenCrop)                \
  X(ThinPlateSpline)        \
  X(Tile)                   \
  X(Translate)              \
  X(Transpose)              \
  X(Vflip)                  \
  X(Water)

namespace pixloom {

#define PIXLOOM_DECLARE(NAME) void Register##NAME(Registry& registry);
PIXLOOM_OPS(PIXLOOM_DECLARE)
#undef PIXLOOM_DECLARE

void RegisterOps(Registry& registry);

}  // namespace pixloom
