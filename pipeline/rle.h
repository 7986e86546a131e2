// SPDX-License-Identifier: Apache-2.0
// Run-length masks as COCO writes them: lengths of runs of 0 and 1 in turn, beginning with 0, down
// the columns from the left. A hundredth of the memory of bits for most objects.
//
// Values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/error.h"
#include "pipeline/geometry.h"

namespace pixloom {

struct Rle {
  Size size;
  std::vector<std::uint32_t> counts;  // sum = size.Area()
  bool operator==(const Rle&) const = default;
  std::int64_t Area() const;  // of the object
};

// Any pixel above 0 belongs to the object. REQUIRES: CV_8UC1.
Rle EncodeRle(const cv::Mat& mask);
// CV_8U, 0 or 255.
cv::Mat DecodeRle(const Rle& rle);

// COCO's "counts" string and back; the error says what is wrong with the text.
std::string RleText(const Rle& rle);
Result<Rle, std::string> RleFromText(std::string_view text, Size size);

}  // namespace pixloom
