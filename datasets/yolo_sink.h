// SPDX-License-Identifier: Apache-2.0
// `yolo`: OUT/images/NAME.jpg, OUT/labels/NAME.txt and OUT/data.yaml, as Ultralytics reads them.
//
// One line per object: the class, then numbers in shares of width and height with 6 digits, put
// into [0, 1]:
//   detect   cx cy w h, of what is visible
//   segment  x1 y1 x2 y2 ... around polygons, or else the mask, or else the box. Parts and holes
//   are
//            joined to one outline by bridges, crossed there and back; of more than 64 the smallest
//            are left out and counted
//   obb      the four corners of the oriented box in their order; of an object without one, the box
//            from its top left. Corners outside the picture are put onto its edge
//   pose     cx cy w h, then x y v of every keypoint the source names
// A picture without objects has an empty file. Objects without a class, or too small to have an
// area in 6 digits, are left out and counted. Names are flat ("/" becomes "_"), so that no part of
// a path can be taken for the folder of labels. data.yaml has paths relative to itself (no `path`),
// the same pictures as train and val, and is written last, and removed first when a set is
// replaced.
#pragma once

#include <memory>
#include <string>

#include "datasets/export_common.h"

namespace pixloom {

enum class YoloTask { kDetect, kSegment, kPose, kObb };

struct YoloSinkParams {
  std::string path;
  YoloTask task = YoloTask::kDetect;
  ExportPictures pictures;
};

std::unique_ptr<Sink> MakeYoloSink(YoloSinkParams params, const Codec& codec);

}  // namespace pixloom
