// SPDX-License-Identifier: Apache-2.0
// `coco`: OUT/images/NAME.jpg and OUT/annotations.json, as COCO's "instances" and
// "person_keypoints".
//
// - Image ids count from 1 in the order of the plan, annotation ids likewise; category ids are the
//   place of the class + 1. `file_name` is relative to OUT/images.
// - bbox is [x, y, width, height] of what is visible, in edges: the first pixel is [0, 0, 1, 1].
//   Numbers are rounded to 1/1000 px. `area` is that of the segmentation, or else of the box.
// - segmentation: polygons, one per part; where one has a hole, where there are only bits, and for
//   crowds (attribute iscrowd) the compressed run lengths; [] for an object with neither.
// - keypoints are [x, y, v] in the same coordinates; [0, 0, 0] where v is 0.
// - attributes stand under "attributes". Objects without a class, and those with nothing a box
// could
//   go around, are left out and counted.
// annotations.json is the mark of a complete set: it is written last, and removed first when a set
// is replaced.
//
// Memory does not grow with the set: annotations wait in a file.
#pragma once

#include <memory>
#include <string>

#include "datasets/export_common.h"

namespace pixloom {

struct CocoSinkParams {
  std::string path;
  ExportPictures pictures;
};

std::unique_ptr<Sink> MakeCocoSink(CocoSinkParams params, const Codec& codec);

}  // namespace pixloom
