// SPDX-License-Identifier: Apache-2.0
// `voc`: the folders of Pascal VOC. OUT/JPEGImages/NAME.jpg, OUT/Annotations/NAME.xml,
// OUT/ImageSets/Main/all.txt, and where objects have masks or polygons
// OUT/SegmentationClass/NAME.png, OUT/SegmentationObject/NAME.png,
// OUT/ImageSets/Segmentation/all.txt and OUT/labelmap.txt, the colours of the classes.
//
// - bndbox is counted from 1, both ends inside: the pixels that the visible box touches by more
// than
//   1/1000 px, so a box [x1, x2] becomes floor(x1) + 1 .. ceil(x2).
// - difficult, truncated, occluded (0 or 1) and pose are the attributes of these names; all others
//   stand under <attributes>.
// - SegmentationClass: class + 1, 0 for background; with `mask` the values of that semantic mask
//   instead, 255 where it ignores. SegmentationObject: the place of the object in the XML, from 1.
//   Later objects cover earlier ones. No borders are drawn around objects.
// Objects without a class, and those with nothing a box could go around, are left out and counted.
// Names are flat ("/" becomes "_"). The lists under ImageSets are written last, and removed first
// when a set is replaced.
#pragma once

#include <memory>
#include <string>

#include "datasets/export_common.h"

namespace pixloom {

struct VocSinkParams {
  std::string path;
  std::string mask;  // semantic mask for SegmentationClass; "": from the objects
  ExportPictures pictures;
};

std::unique_ptr<Sink> MakeVocSink(VocSinkParams params, const Codec& codec);

}  // namespace pixloom
