// SPDX-License-Identifier: Apache-2.0
// A picture in 64 bits that hardly change when it is compressed again or made smaller: whether each
// of 8 by 8 places is brighter than its left neighbour ("dHash").
//
// Integers only, so equal pixels give equal bits on every machine. Pure; any thread.
#pragma once

#include <cstdint>

#include <opencv2/core.hpp>

#include "pipeline/contracts.h"
#include "pipeline/sample.h"

namespace pixloom {

// REQUIRES: pixels as a Frame holds them, not planar; `range` is read for float pictures only.
std::uint64_t DifferenceHash(const cv::Mat& pixels, const ValueRange& range);

// Of a frame that may still be encoded: a JPEG is then decoded no larger than needed.
Result<std::uint64_t> PerceptualHash(const Frame& frame, const ValueRange& range,
                                     const Codec& codec);

}  // namespace pixloom
