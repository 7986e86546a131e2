// SPDX-License-Identifier: Apache-2.0
// Reads maps that NumPy wrote with np.save: a vector of two numbers for each pixel. Pure but for
// reading the file.
#pragma once

#include <string>

#include <opencv2/core.hpp>

#include "pipeline/error.h"

namespace pixloom {

// Longest side of a map.
inline constexpr int kMaxMapSide = 16'384;

// The array in the .npy file `path`: shape (height, width, 2), little-endian float32 or float64, C
// order, all numbers finite and within +-1,000,000. Returned as CV_32FC2 or CV_64FC2; or what is
// wrong and what to do about it.
Result<cv::Mat, std::string> ReadNpyMap(const std::string& path);

}  // namespace pixloom
