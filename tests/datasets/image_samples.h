// SPDX-License-Identifier: Apache-2.0
// Small PNG, BMP and TIFF files built byte by byte, for kinds that no encoder at hand writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pixloom::testing {

using Bytes = std::vector<std::uint8_t>;

struct PngSpec {
  int width = 3;
  int height = 2;
  int bits = 8;
  int colour = 2;      // PNG colour type
  Bytes rows;          // raw rows without filter bytes
  Bytes palette;       // PLTE
  Bytes transparency;  // tRNS
  int orientation = 0;
};

Bytes MakePng(const PngSpec& spec);

// A PNG header with nothing behind it.
Bytes PngClaiming(std::uint32_t width, std::uint32_t height, int bits = 8, int colour = 2);

struct TiffSpec {
  int width = 3;
  int height = 2;
  int bits = 8;
  int samples = 3;
  int photometric = 2;
  int orientation = 1;
  int sample_format = 1;
  bool big_endian = false;
  std::vector<std::uint16_t> values;  // all samples, row by row
};

Bytes MakeTiff(const TiffSpec& spec);

// 32 bits per pixel, bottom row first; `alpha_mask` chooses the header that declares masks.
Bytes MakeBmp32(int width, int height, const Bytes& bgra_top_first, bool alpha_mask);

// A WebP with a VP8X header, EXIF and the bitstream of a plain one.
Bytes WrapWebp(const Bytes& plain, int width, int height, unsigned flags, int orientation);

}  // namespace pixloom::testing
