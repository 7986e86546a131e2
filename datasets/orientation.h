// SPDX-License-Identifier: Apache-2.0
// EXIF orientation: reading the tag and turning pictures upright.
//
// Orientation o takes the stored picture to the upright one: transpose when o >= 5, then mirror
// left-right for o in {2, 3, 6, 7} and top-bottom for o in {3, 4, 7, 8}. Pure functions.
#pragma once

#include <cstdint>
#include <span>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"

namespace pixloom {

// Orientation 1..8 from a TIFF structure (the EXIF block after "Exif\0\0"). Damage is not an
// error: 1 comes back, as if the tag were absent. Reads the first directory only.
int ParseExifOrientation(std::span<const std::uint8_t> tiff);

// The same for a block that may or may not start with "Exif\0\0".
int ParseExifBlock(std::span<const std::uint8_t> block);

// The rectangle of the stored picture (of size `stored`) that holds `upright`.
cv::Rect StoredRegion(cv::Rect upright, Size stored, int orientation);

// Turns stored pixels upright; may return a header on the same buffer.
cv::Mat TurnUpright(const cv::Mat& stored, int orientation);

}  // namespace pixloom
