// SPDX-License-Identifier: Apache-2.0
// Samples as rows and back. Names of columns are those of docs/hdf5.md. Pure.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datasets/set_row.h"
#include "pipeline/contracts.h"

namespace pixloom {

enum class SetLayout { kAuto, kDense, kEncoded };
enum class SetProfile { kPixloom, kKeras, kPcam, kCaffe };
enum class ChannelOrder { kRgb, kBgr };

// How samples become rows; fixed before the first one.
struct SetLayoutSpec {
  SetProfile profile = SetProfile::kPixloom;
  bool encoded = false;  // bytes of PNG or JPEG instead of pixels
  ImageFormat format = ImageFormat::kPng;
  int quality = 95;
  bool planar = false;  // [C,H,W]
  ChannelOrder order = ChannelOrder::kRgb;
  std::string images = "images", labels = "labels";  // dataset names
  bool recipe = false;
  // Dense pictures: what every one of them must be. Gray ones become RGB where 3 channels are
  // asked; nothing else is converted.
  Size size;
  Depth depth = Depth::kU8;
  int channels = 3;  // encoded pictures: 0 keeps what each one has
  std::vector<std::string> fields{"image"};
  int keypoints = 0;  // per object
  std::shared_ptr<const LabelNames> names;
};

// The sample as it is to be stored: objects of which something is visible, what is visible of them.
// The error names what does not fit the set: ENC-SIZE, ENC-TYPE, ENC-FRAMES, LBL-CLASS, LBL-POINTS,
// LBL-SIZE, LBL-VALUE.
Result<Row> RowOf(Sample sample, const SetLayoutSpec& spec, const Codec& codec);

// What such a set says about itself, at the root and at its pictures: names of classes and
// keypoints, colour order, layout.
Attributes AttributesOf(const SetLayoutSpec& spec);
// What AttributesOf said at the root, as far as reading needs it. Trusts nothing.
SetLayoutSpec LayoutIn(const std::vector<Attribute>& root);

// The column that every row has: the pictures, or the bytes of encoded ones; and its groups.
Column FirstColumn(const SetLayoutSpec& spec);
std::vector<Group> FirstGroups(const SetLayoutSpec& spec);

// The names of classes and keypoints that stand in attributes.
std::shared_ptr<const LabelNames> NamesIn(const std::vector<Attribute>& root);

// From a row of a set with the columns of RowOf. Pictures come back in RGB order, one channel
// beside the other; encoded ones stay encoded. Identity, source and recipe are not restored, key
// and text are; masks of objects come back as runs. Trusts no number of the row; the error is
// DEC-DAMAGED.
Result<Sample> SampleOf(const Row& row, const SetLayoutSpec& spec,
                        std::shared_ptr<const LabelNames> names, const Codec& codec);

}  // namespace pixloom
