// SPDX-License-Identifier: Apache-2.0
// The one list of operators, one group per folder. A new operator is one file, one name here and
// one line in ops/CMakeLists.txt. Only ops/register.cc includes this, so that a new name compiles
// little.
#pragma once

// Sorted. X(Name) stands for `void RegisterName(Registry&)`, defined in the operator's file.

// Geometry
#define PIXLOOM_OPS_GEOMETRY(X) \
  X(Affine)                     \
  X(AtLeastOneBoxCrop)          \
  X(BoxSafeRandomCrop)          \
  X(CenterCrop)                 \
  X(Crop)                       \
  X(CropAndPad)                 \
  X(CropNonEmptyMask)           \
  X(D4)                         \
  X(Elastic)                    \
  X(GridDistortion)             \
  X(GridElastic)                \
  X(GridShuffle)                \
  X(Hflip)                      \
  X(LetterBox)                  \
  X(LongestMaxSize)             \
  X(OpticalDistortion)          \
  X(Pad)                        \
  X(PadIfNeeded)                \
  X(PadToAspect)                \
  X(PadToMultiple)              \
  X(PadToSquare)                \
  X(Perspective)                \
  X(PiecewiseAffine)            \
  X(PixelSpread)                \
  X(RandomCrop)                 \
  X(RandomCropFromBorders)      \
  X(RandomCropNearBox)          \
  X(RandomIouCrop)              \
  X(RandomResizedCrop)          \
  X(RandomScale)                \
  X(RandomShortestSize)         \
  X(RandomSizedBoxSafeCrop)     \
  X(RandomSizedCrop)            \
  X(RandomZoomOut)              \
  X(Remap)                      \
  X(Resize)                     \
  X(Rotate)                     \
  X(Rotate90)                   \
  X(SafeRotate)                 \
  X(ScaleJitter)                \
  X(Shear)                      \
  X(ShiftScaleRotate)           \
  X(SmallestMaxSize)            \
  X(ThinPlateSpline)            \
  X(Translate)                  \
  X(Transpose)                  \
  X(Vflip)                      \
  X(Water)

// Colour
#define PIXLOOM_OPS_COLOUR(X) \
  X(AutoContrast)             \
  X(Brightness)               \
  X(BrightnessContrast)       \
  X(ChannelDropout)           \
  X(ChannelShuffle)           \
  X(ChannelSwap)              \
  X(Clahe)                    \
  X(ColorJitter)              \
  X(ColorQuantize)            \
  X(ColorSpace)               \
  X(Colorize)                 \
  X(Contrast)                 \
  X(Dithering)                \
  X(Equalize)                 \
  X(FancyPca)                 \
  X(Gamma)                    \
  X(Hue)                      \
  X(HueSaturation)            \
  X(Invert)                   \
  X(LogContrast)              \
  X(LookUp)                   \
  X(PhotometricDistort)       \
  X(PlanckianJitter)          \
  X(Posterize)                \
  X(RandomGrayscale)          \
  X(RgbShift)                 \
  X(Saturation)               \
  X(SigmoidContrast)          \
  X(Solarize)                 \
  X(SolarizeAdd)              \
  X(ToGray)                   \
  X(ToRgb)                    \
  X(ToSepia)                  \
  X(ToneCurve)

// Blur, sharpen, morphology
#define PIXLOOM_OPS_FILTER(X) \
  X(AdvancedBlur)             \
  X(Bilateral)                \
  X(BoxBlur)                  \
  X(Close)                    \
  X(Convolve)                 \
  X(Defocus)                  \
  X(Dilate)                   \
  X(Emboss)                   \
  X(Erode)                    \
  X(GaussianBlur)             \
  X(GlassBlur)                \
  X(MedianBlur)               \
  X(MotionBlur)               \
  X(Open)                     \
  X(Ringing)                  \
  X(Sharpen)                  \
  X(Sharpness)                \
  X(UnsharpMask)              \
  X(ZoomBlur)

// Noise
#define PIXLOOM_OPS_NOISE(X) \
  X(AdditiveNoise)           \
  X(FilmGrain)               \
  X(GaussianNoise)           \
  X(IsoNoise)                \
  X(MultiplicativeNoise)     \
  X(SaltAndPepper)           \
  X(ShotNoise)               \
  X(Speckle)

// Compression and degradation
#define PIXLOOM_OPS_DEGRADE(X) \
  X(Downscale)                 \
  X(Jpeg)                      \
  X(Pixelate)                  \
  X(Superpixels)               \
  X(Webp)

// Weather and light
#define PIXLOOM_OPS_WEATHER(X) \
  X(ChromaticAberration)       \
  X(Clouds)                    \
  X(Fog)                       \
  X(Frost)                     \
  X(Gravel)                    \
  X(Illumination)              \
  X(PlasmaBrightness)          \
  X(PlasmaContrast)            \
  X(PlasmaShadow)              \
  X(Rain)                      \
  X(Shadow)                    \
  X(Snow)                      \
  X(Snowfall)                  \
  X(Spatter)                   \
  X(SunFlare)                  \
  X(Vignetting)

// Erasing
#define PIXLOOM_OPS_ERASE(X) \
  X(CoarseDropout)           \
  X(ConstrainedDropout)      \
  X(Erasing)                 \
  X(GridDropout)             \
  X(MaskDropout)             \
  X(PixelDropout)            \
  X(XyMasking)

// Matching a reference
#define PIXLOOM_OPS_MATCH(X) \
  X(Fda)                     \
  X(HistogramMatching)       \
  X(PixelDistribution)

// Enhancement
#define PIXLOOM_OPS_ENHANCE(X) \
  X(AutoExposure)              \
  X(AutoLevels)                \
  X(Deblock)                   \
  X(Deconvolve)                \
  X(Dehaze)                    \
  X(Denoise)                   \
  X(LocalContrast)             \
  X(LowLight)                  \
  X(Retinex)                   \
  X(Upscale)                   \
  X(WhiteBalance)

// Pixel types
#define PIXLOOM_OPS_TYPES(X) \
  X(Cast)                    \
  X(CropMirrorNormalize)     \
  X(FromFloat)               \
  X(Identity)                \
  X(Layout)                  \
  X(Normalize)               \
  X(ToFloat)

// Pictures and text on top
#define PIXLOOM_OPS_OVERLAY(X) \
  X(OverlayImage)              \
  X(OverlayText)

// Labels
#define PIXLOOM_OPS_LABELS(X) X(Sanitize)

// Several pictures of one
#define PIXLOOM_OPS_VIEWS(X) \
  X(FiveCrop)                \
  X(TenCrop)                 \
  X(Tile)

// Several samples at once
#define PIXLOOM_OPS_MIX(X) \
  X(CopyPaste)             \
  X(Cutmix)                \
  X(Mixup)                 \
  X(Mosaic)

// Steps on parts and versions of a sample
#define PIXLOOM_OPS_SCOPES(X) \
  X(Blend)                    \
  X(InRegion)                 \
  X(WithChannels)             \
  X(WithColorSpace)

// Policies
#define PIXLOOM_OPS_POLICIES(X) \
  X(AugMix)                     \
  X(AutoAugment)                \
  X(RandAugment)                \
  X(ThreeAugment)               \
  X(TrivialAugmentWide)

// Which entries take part
#define PIXLOOM_OPS_PLAN(X) \
  X(Balance)                \
  X(Dedupe)                 \
  X(Sample)                 \
  X(Shuffle)
