// SPDX-License-Identifier: Apache-2.0
// Own parser for the markers before the first scan, so that limits are checked and unsupported
// kinds named before libjpeg sees the file.
#include <fmt/format.h>

#include "datasets/bytes.h"
#include "datasets/jpeg.h"
#include "datasets/orientation.h"

namespace pixloom {

namespace {

using std::string_view_literals::operator""sv;

constexpr std::uint32_t kSoi = 0xD8;
constexpr std::uint32_t kEoi = 0xD9;
constexpr std::uint32_t kSos = 0xDA;
constexpr std::uint32_t kApp1 = 0xE1;

bool IsFrameHeader(std::uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// Baseline, extended, progressive; Huffman or arithmetic. The rest is lossless or hierarchical.
bool IsSupportedProcess(std::uint32_t marker) {
  return marker <= 0xC2 || marker == 0xC9 || marker == 0xCA;
}

bool HasNoLength(std::uint32_t marker) {
  return marker == kSoi || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7);
}

DataError EndsEarly() { return {"DEC-TRUNC", "JPEG ends early, inside its header", "", ""}; }

// Fills in size and channels from the frame header whose length field is at `at`.
std::optional<DataError> ParseFrame(const ByteView& view, std::uint64_t at, std::uint32_t marker,
                                    ImageHeader& header) {
  const std::uint32_t length = view.U16(at);
  const std::uint32_t precision = view.U8(at + 2);
  const std::uint32_t components = view.U8(at + 7);
  if (!IsSupportedProcess(marker)) {
    return DataError{"DEC-FORMAT",
                     fmt::format("JPEG of kind SOF{} (lossless or hierarchical) is not supported",
                                 marker - 0xC0),
                     "convert it to a baseline JPEG or to PNG", ""};
  }
  if (precision == 12) {
    return DataError{"DEC-FORMAT", "12-bit JPEG needs libjpeg-turbo 3; this build has 2.x",
                     "convert it to 8 bits", ""};
  }
  if (precision != 8) {
    return DataError{"DEC-DAMAGED",
                     fmt::format("JPEG claims {} bits per sample; 8 is the rule", precision), "",
                     ""};
  }
  if (components != 1 && components != 3 && components != 4) {
    return DataError{"DEC-FORMAT",
                     fmt::format("JPEG has {} components; 1, 3 or 4 are supported", components), "",
                     ""};
  }
  if (length != 8 + 3 * components) {
    return DataError{"DEC-DAMAGED", "JPEG frame header has the wrong length", "", ""};
  }
  header.size = {static_cast<int>(view.U16(at + 5)), static_cast<int>(view.U16(at + 3))};
  header.channels = components == 1 ? 1 : 3;
  if (header.size.Empty()) {
    return DataError{"DEC-DAMAGED",
                     fmt::format("JPEG claims to be {}x{}", header.size.width, header.size.height),
                     "", ""};
  }
  return std::nullopt;
}

}  // namespace

Result<ImageHeader> ReadJpegHeader(std::span<const std::uint8_t> bytes) {
  const ByteView view(bytes);
  ImageHeader header;
  header.format = ImageFormat::kJpeg;
  bool have_frame = false;
  bool have_exif = false;
  std::uint64_t at = 2;
  while (true) {
    // Bytes that are no marker are passed over, as libjpeg does.
    while (at < view.Size() && view.U8(at) != 0xFF) ++at;
    while (at < view.Size() && view.U8(at) == 0xFF) ++at;
    if (at >= view.Size()) return EndsEarly();
    const std::uint32_t marker = view.U8(at++);
    if (marker == 0 || HasNoLength(marker)) continue;
    if (marker == kEoi) {
      return DataError{"DEC-DAMAGED", "JPEG holds no picture", "", ""};
    }
    const std::uint32_t length = view.U16(at);
    if (!view.Has(at, 2) || !view.Has(at, length)) return EndsEarly();
    if (length < 2) {
      return DataError{"DEC-DAMAGED",
                       fmt::format("JPEG marker {:02X} has length {}", marker, length), "", ""};
    }
    if (marker == kSos) break;
    if (IsFrameHeader(marker) && !have_frame) {
      if (auto error = ParseFrame(view, at, marker, header)) return *error;
      have_frame = true;
    } else if (marker == kApp1 && !have_exif && view.StartsWith("Exif\0\0"sv, at + 2)) {
      header.orientation = ParseExifBlock(view.Part(at + 2, length - 2));
      have_exif = true;
    }
    at += length;
  }
  if (!have_frame) {
    return DataError{"DEC-DAMAGED", "JPEG has a scan but no frame header", "", ""};
  }
  return header;
}

}  // namespace pixloom
