// SPDX-License-Identifier: Apache-2.0
// What a file is, by its first bytes, and what its header promises: own bounded parsers, so that
// sizes are known before any decoder runs. JPEG headers are in datasets/jpeg.h. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "pipeline/contracts.h"

namespace pixloom {

// By magic bytes; the file's name plays no part.
ImageFormat SniffFormat(std::span<const std::uint8_t> bytes);

const char* FormatName(ImageFormat format);  // "PNG"

// What a file that is none of our formats looks like: "text/html, 1.2 KB", "empty file".
std::string DescribeContent(std::span<const std::uint8_t> bytes);

// Each takes a file that SniffFormat has recognised. Sizes are positive and fit an int; limits are
// checked by the caller.
//   PNG   palettes count as RGB, RGBA with a tRNS chunk; grey with tRNS stays grey (the key is
//         ignored); grey + alpha counts as RGBA; 1, 2 and 4 bits become 8; eXIf gives orientation
//   BMP   grey palettes count as grey; the fourth byte of 32 bits is alpha only if a mask says so
//   WebP  still pictures only; EXIF gives orientation
//   TIFF  first page; 8 or 16 bit integers, grey, RGB(A), palette, YCbCr; no BigTIFF
Result<ImageHeader> ReadPngHeader(std::span<const std::uint8_t> bytes);
Result<ImageHeader> ReadBmpHeader(std::span<const std::uint8_t> bytes);
Result<ImageHeader> ReadWebpHeader(std::span<const std::uint8_t> bytes);
Result<ImageHeader> ReadTiffHeader(std::span<const std::uint8_t> bytes);

// Where a TIFF keeps the value of its orientation tag; 0 when it has none.
std::uint64_t TiffOrientationOffset(std::span<const std::uint8_t> bytes);

// True when the file is shorter than its own structure says (a cut-off download). Never for
// JPEG and TIFF, whose structure does not tell.
bool EndsEarly(std::span<const std::uint8_t> bytes, const ImageHeader& header);

}  // namespace pixloom
