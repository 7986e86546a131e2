// SPDX-License-Identifier: Apache-2.0
// The codec of Pixloom: JPEG by libjpeg-turbo, PNG, BMP, WebP and TIFF by OpenCV behind own header
// checks.
//
// Formats are told by their first bytes, never by a name. Limits are checked in 64 bits on the
// header, before anything is decoded, by ReadHeader and again by Decode. Errors:
//   DEC-FORMAT   not a picture we read, and what it is instead; or a kind that is not supported
//   DEC-LIMIT    too large; names the limit and the key that raises it
//   DEC-TRUNC    the file ends early
//   DEC-DAMAGED  anything else wrong with the bytes
//
// Pixels come out in RGB order. 16 bits stay 16 bits. Alpha stays a fourth channel unless 1 or 3
// channels are asked, which drop it (no blending). Grey asked of colour is BT.601 in fixed point
// (for JPEG: the stored luma). Orientation is applied in every format. ICC profiles are ignored.
// Only JPEG decodes regions and scales natively; the others decode everything and crop, and take
// no denominator but 1. Damaged files other than JPEG are refused even when truncation is accepted.
//
// Running out of memory throws EnvironmentError; bad bytes never throw.
#pragma once

#include <memory>
#include <string>

#include "pipeline/contracts.h"

namespace pixloom {

// Stateless and thread-safe; the caller owns it.
std::unique_ptr<Codec> MakeCodec(CodecLimits limits = {});

// Libraries, beside OpenCV, whose versions may change pixels.
std::string CodecVersions();

}  // namespace pixloom
