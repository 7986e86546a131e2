// SPDX-License-Identifier: Apache-2.0
// Between pictures (cv::Mat, HWC, RGB, u8/u16/float) and tensors (NCHW, as the manifest wants
// them). Every value is worked out in float from its pixel alone; back, it is clamped to the range
// of the picture and, for integers, rounded half up. Alpha never meets a network: it is kept, and
// repeated where the picture grows.
//
// Pure functions; any thread.
#pragma once

#include <span>
#include <string>

#include <opencv2/core.hpp>

#include "models/manifest.h"
#include "models/tensor.h"
#include "pipeline/sample.h"

namespace pixloom {

// Whether what comes out of the network is to be a picture again: then a gray network does not take
// colour, nor a colour network gray.
enum class PictureUse { kThereAndBack, kInputOnly };

// Why a picture of this size and type cannot be an input; "" when it can. `size` is what it will be
// after padding.
std::string RefusesPicture(const PictureInput& input, const Meta& meta,
                           PictureUse use = PictureUse::kThereAndBack);

// The size that a picture gets by adding to its right and below, by reflection, so that the network
// takes it: at least `least`, and a multiple.
Size PaddedSize(const PictureInput& input, Size size);

// What black and white are: 0 and the largest level of integers, the declared range of floats.
ValueRange PictureLevels(const cv::Mat& pixels, const ValueRange& range);

// Writes region `from` of a picture as one item (channels x height x width). Outside of the picture
// it is reflected (reflect101). A gray network gets the luma of colours (Rec. 601), a colour
// network gray in all channels.
void PackPicture(const cv::Mat& pixels, const ValueRange& range, const cv::Rect& from,
                 const PictureInput& input, std::span<float> item);

// What UnpackPicture needs beside the values.
struct Unpacking {
  const PictureInput* input = nullptr;
  const PictureOutput* output = nullptr;
  const cv::Mat* before = nullptr;  // the picture that went in
  ValueRange range;                 // of `before`
  float strength = 1;  // 0: the picture as it was (enlarged: bilinearly), 1: the network's
};

// Values of one item, channels x rows x cols, into region `to` of `pixels`, which is of the type of
// `before` and `scale` times as large. Of the region, what sticks out is left away. A residual is
// added to what was before; a luma network changes the luma and keeps the colour differences.
void UnpackPicture(std::span<const float> item, const Unpacking& how, const cv::Rect& to,
                   cv::Mat& pixels);

}  // namespace pixloom
