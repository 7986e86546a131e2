// SPDX-License-Identifier: Apache-2.0
#include "datasets/orientation.h"

#include <string_view>

#include "datasets/bytes.h"

namespace pixloom {

namespace {

using std::string_view_literals::operator""sv;

constexpr std::uint32_t kTagOrientation = 0x0112;
constexpr std::uint32_t kTypeShort = 3;

bool MirrorsX(int o) { return o == 2 || o == 3 || o == 6 || o == 7; }
bool MirrorsY(int o) { return o == 3 || o == 4 || o == 7 || o == 8; }

}  // namespace

int ParseExifOrientation(std::span<const std::uint8_t> tiff) {
  const ByteView magic(tiff);
  const bool little = magic.StartsWith("II*\0"sv);
  if (!little && !magic.StartsWith("MM\0*"sv)) return 1;
  const ByteView view(tiff, little);
  const std::uint64_t directory = view.U32(4);
  if (!view.Has(directory, 2)) return 1;
  const std::uint32_t count = view.U16(directory);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t entry = directory + 2 + std::uint64_t{12} * i;
    if (!view.Has(entry, 12)) return 1;
    if (view.U16(entry) != kTagOrientation) continue;
    if (view.U16(entry + 2) != kTypeShort || view.U32(entry + 4) != 1) return 1;
    const std::uint32_t value = view.U16(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

int ParseExifBlock(std::span<const std::uint8_t> block) {
  constexpr std::string_view kPrefix = "Exif\0\0"sv;
  if (ByteView(block).StartsWith(kPrefix)) block = block.subspan(kPrefix.size());
  return ParseExifOrientation(block);
}

cv::Rect StoredRegion(cv::Rect upright, Size stored, int orientation) {
  const bool transposed = orientation >= 5;
  const int width = transposed ? stored.height : stored.width;
  const int height = transposed ? stored.width : stored.height;
  cv::Rect r = upright;
  if (MirrorsX(orientation)) r.x = width - r.x - r.width;
  if (MirrorsY(orientation)) r.y = height - r.y - r.height;
  return transposed ? cv::Rect(r.y, r.x, r.height, r.width) : r;
}

cv::Mat TurnUpright(const cv::Mat& stored, int orientation) {
  if (orientation <= 1) return stored;
  cv::Mat turned = stored;
  if (orientation >= 5) {
    cv::Mat transposed;
    cv::transpose(turned, transposed);
    turned = transposed;
  }
  const bool x = MirrorsX(orientation);
  const bool y = MirrorsY(orientation);
  if (!x && !y) return turned;
  cv::Mat mirrored;
  cv::flip(turned, mirrored, x && y ? -1 : (x ? 1 : 0));
  return mirrored;
}

}  // namespace pixloom
