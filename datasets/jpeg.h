// SPDX-License-Identifier: Apache-2.0
// JPEG through libjpeg-turbo: header, decode by region and scale, encode.
//
// A region decode gives the same bytes as a full decode followed by a crop, for every offset, size,
// subsampling, scale and coding process. Decoding always uses the accurate integer DCT and smooth
// ("fancy") chroma upsampling. Smoothing between blocks of incomplete progressive files is off,
// since it would depend on the region.
//
// Colour: grey stays grey and YCbCr becomes RGB. Four-component files (CMYK, YCCK) become RGB by
// R = round(C'K'/255), G = round(M'K'/255), B = round(Y'K'/255), where a primed value is 255 minus
// the amount of ink. Files with an Adobe marker store the primed values, all others store ink. ICC
// profiles are ignored. One channel asked of a colour file: the luma as stored (CMYK: BT.601 of
// the RGB above).
//
// Thread-safe: functions share no state.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/contracts.h"

namespace pixloom {

// Size, channels and orientation from the markers before the first scan. Does not check limits.
Result<ImageHeader> ReadJpegHeader(std::span<const std::uint8_t> bytes);

// Decodes `request.region` of a file whose header says `header`; header.orientation is the one
// applied, so that a caller may overrule the file. Reading stops after the last row needed, hence
// damage below the region of a sequential file goes unseen.
//
// DEC-TRUNC and DEC-DAMAGED report what libjpeg warns of in the rows read; with kAccept such rows
// are kept and the warnings counted. More than 100 warnings are an error in any case, and so are
// more scans than `max_scans` (DEC-LIMIT). Throws EnvironmentError when memory runs out.
// REQUIRES: region inside the upright picture, its corner on a multiple of the denominator.
Result<DecodedImage> DecodeJpeg(std::span<const std::uint8_t> bytes, const ImageHeader& header,
                                const DecodeRequest& request, int max_scans);

// Baseline JFIF without further metadata; the bytes depend on pixels and arguments only. `pixels`
// is CV_8UC1 or CV_8UC3 (RGB); anything else is ENC-TYPE. quality is 1..100.
Result<std::vector<std::uint8_t>> EncodeJpeg(const cv::Mat& pixels, int quality, bool subsample);

// "libjpeg-turbo 2.1.5": whose results these are.
std::string JpegVersion();

}  // namespace pixloom
