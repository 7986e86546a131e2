// SPDX-License-Identifier: Apache-2.0
#include "datasets/palette_png.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace pixloom {

namespace {

using Bytes = std::vector<std::uint8_t>;

// As PNG has it: polynomial EDB88320, all bits inverted before and after.
std::uint32_t Crc(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xEDB88320 & (0 - (crc & 1)));
  }
  return ~crc;
}

void AppendU32(std::uint32_t value, Bytes& out) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

void AppendChunk(std::string_view type, std::span<const std::uint8_t> data, Bytes& out) {
  AppendU32(static_cast<std::uint32_t>(data.size()), out);
  const std::size_t start = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), data.begin(), data.end());
  AppendU32(Crc({out.data() + start, out.size() - start}), out);
}

constexpr std::size_t kSignature = 8;
constexpr std::size_t kHeaderData = kSignature + 8;  // behind length and type of IHDR
constexpr std::size_t kHeaderBytes = 13;
constexpr std::size_t kColourType = 9;  // of the header's data
constexpr std::size_t kAfterHeader = kHeaderData + kHeaderBytes + 4;

}  // namespace

std::array<std::uint8_t, 768> VocPalette() {
  std::array<std::uint8_t, 768> palette{};
  for (unsigned i = 0; i < 256; ++i) {
    unsigned rest = i;
    for (unsigned bit = 8; bit-- > 0; rest >>= 3) {
      for (unsigned c = 0; c < 3; ++c) {
        palette[3 * i + c] = static_cast<std::uint8_t>(palette[3 * i + c] | (rest >> c & 1) << bit);
      }
    }
  }
  return palette;
}

// Rows of 8-bit indices are stored as rows of 8-bit gray are: only the header says which it is, and
// the palette follows it.
Result<Bytes> EncodePalettePng(const cv::Mat& indices, const Codec& codec) {
  PIXLOOM_CHECK(indices.type() == CV_8UC1, "indices into a palette have 8 bits");
  const auto gray = codec.Encode(indices, {});
  if (!gray) return gray.Error();
  PIXLOOM_CHECK(gray->size() > kAfterHeader && (*gray)[kHeaderData + kColourType] == 0,
                "a gray PNG of 8 bits");
  Bytes png(gray->begin(), gray->begin() + kSignature);
  Bytes header(gray->begin() + kHeaderData, gray->begin() + kHeaderData + kHeaderBytes);
  header[kColourType] = 3;
  AppendChunk("IHDR", header, png);
  AppendChunk("PLTE", VocPalette(), png);
  png.insert(png.end(), gray->begin() + kAfterHeader, gray->end());
  return png;
}

}  // namespace pixloom
