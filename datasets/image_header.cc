// SPDX-License-Identifier: Apache-2.0
#include "datasets/image_header.h"

#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "datasets/bytes.h"
#include "datasets/orientation.h"

namespace pixloom {

namespace {

using std::string_view_literals::operator""sv;

DataError Unsupported(std::string message) {
  return {"DEC-FORMAT", std::move(message), "convert it to PNG", ""};
}

DataError CutHeader(ImageFormat format) {
  return {"DEC-TRUNC", fmt::format("{} ends early, inside its header", FormatName(format)), "", ""};
}

DataError Damaged(ImageFormat format, std::string_view what) {
  return {"DEC-DAMAGED", fmt::format("{} header is damaged: {}", FormatName(format), what), "", ""};
}

// Sizes come as up to 32 bits; `int` is what the rest of the program counts in.
Result<ImageHeader> Checked(ImageHeader header, std::int64_t width, std::int64_t height) {
  if (width <= 0 || height <= 0 || width > std::numeric_limits<int>::max() ||
      height > std::numeric_limits<int>::max()) {
    return Damaged(header.format, fmt::format("it claims {}x{} pixels", width, height));
  }
  header.size = {static_cast<int>(width), static_cast<int>(height)};
  return header;
}

constexpr std::uint64_t kPngFirstChunk = 8;
constexpr int kMaxChunks = 100'000;

// Calls visit(type, data offset, length) for every whole chunk until it returns false; true when
// IEND was reached or the walk was stopped.
template <class Visit>
bool WalkPng(const ByteView& view, Visit visit) {
  std::uint64_t at = kPngFirstChunk;
  for (int i = 0; i < kMaxChunks && view.Has(at, 12); ++i) {
    const std::uint64_t length = view.U32(at);
    if (!view.Has(at, length + 12)) return false;
    if (!visit(view.U32(at + 4), at + 8, length)) return true;
    if (view.StartsWith("IEND", at + 4)) return true;
    at += length + 12;
  }
  return false;
}

constexpr std::uint32_t Tag(const char (&name)[5]) {
  return static_cast<std::uint32_t>(name[0]) << 24 | static_cast<std::uint32_t>(name[1]) << 16 |
         static_cast<std::uint32_t>(name[2]) << 8 | static_cast<std::uint32_t>(name[3]);
}

constexpr std::uint64_t kRiffFirstChunk = 12;

template <class Visit>
void WalkRiff(const ByteView& view, Visit visit) {
  std::uint64_t at = kRiffFirstChunk;
  for (int i = 0; i < kMaxChunks && view.Has(at, 8); ++i) {
    const std::uint64_t length = view.U32(at + 4);
    if (!visit(at, length)) return;
    at += 8 + length + length % 2;
  }
}

// The first directory of a TIFF file.
class TiffDirectory {
 public:
  explicit TiffDirectory(std::span<const std::uint8_t> bytes)
      : view_(bytes, ByteView(bytes).StartsWith("II")), at_(view_.U32(4)) {
    if (view_.Has(at_, 2)) count_ = view_.U16(at_);
    if (!view_.Has(at_ + 2, std::uint64_t{12} * count_)) count_ = 0;
  }

  bool Whole() const { return count_ > 0; }

  // Offset of the tag's first value; 0 when absent.
  std::uint64_t ValueOffset(std::uint32_t tag) const {
    const std::uint64_t entry = Find(tag);
    if (entry == 0) return 0;
    const std::uint64_t size = TypeSize(entry) * std::uint64_t{view_.U32(entry + 4)};
    return size <= 4 ? entry + 8 : view_.U32(entry + 8);
  }

  // The tag's first value; `fallback` when absent.
  std::uint32_t Value(std::uint32_t tag, std::uint32_t fallback) const {
    const std::uint64_t entry = Find(tag);
    if (entry == 0 || view_.U32(entry + 4) == 0) return fallback;
    const std::uint64_t value = ValueOffset(tag);
    switch (TypeSize(entry)) {
      case 1:
        return view_.U8(value);
      case 2:
        return view_.U16(value);
      default:
        return view_.U32(value);
    }
  }

 private:
  std::uint64_t Find(std::uint32_t tag) const {
    for (std::uint32_t i = 0; i < count_; ++i) {
      const std::uint64_t entry = at_ + 2 + std::uint64_t{12} * i;
      if (view_.U16(entry) == tag) return entry;
    }
    return 0;
  }

  int TypeSize(std::uint64_t entry) const {
    switch (view_.U16(entry + 2)) {
      case 1:
      case 2:
      case 6:
      case 7:
        return 1;  // bytes and text
      case 3:
      case 8:
        return 2;  // short
      default:
        return 4;
    }
  }

  ByteView view_;
  std::uint64_t at_;
  std::uint32_t count_ = 0;
};

enum TiffTag : std::uint32_t {
  kWidth = 256,
  kHeight = 257,
  kBitsPerSample = 258,
  kPhotometric = 262,
  kOrientation = 274,
  kSamplesPerPixel = 277,
  kPlanar = 284,
  kTileWidth = 322,
  kTileHeight = 323,
  kSampleFormat = 339,
};

bool GreyPalette(const ByteView& view, std::uint64_t at, std::uint64_t count, int entry_size) {
  for (std::uint64_t i = 0; i < count; ++i, at += static_cast<std::uint64_t>(entry_size)) {
    if (view.U8(at) != view.U8(at + 1) || view.U8(at) != view.U8(at + 2)) return false;
  }
  return true;
}

}  // namespace

Result<ImageHeader> ReadPngHeader(std::span<const std::uint8_t> bytes) {
  const ByteView view(bytes);
  if (!view.Has(kPngFirstChunk, 25)) return CutHeader(ImageFormat::kPng);
  if (view.U32(8) != 13 || !view.StartsWith("IHDR", 12)) {
    return Damaged(ImageFormat::kPng, "IHDR is not the first chunk");
  }
  const std::uint32_t bits = view.U8(24);
  const std::uint32_t colour = view.U8(25);
  const bool palette = colour == 3;
  const bool valid =
      (colour == 0 && (bits == 1 || bits == 2 || bits == 4)) ||
      (palette && (bits == 1 || bits == 2 || bits == 4 || bits == 8)) ||
      ((colour == 0 || colour == 2 || colour == 4 || colour == 6) && (bits == 8 || bits == 16));
  if (!valid) {
    return Damaged(ImageFormat::kPng, fmt::format("colour type {} with {} bits", colour, bits));
  }
  ImageHeader header;
  header.format = ImageFormat::kPng;
  header.bits = bits == 16 ? 16 : 8;
  bool transparent = false;
  WalkPng(view, [&](std::uint32_t type, std::uint64_t data, std::uint64_t length) {
    if (type == Tag("tRNS")) transparent = true;
    if (type == Tag("eXIf")) header.orientation = ParseExifBlock(view.Part(data, length));
    return true;
  });
  if (colour == 0) {
    header.channels = 1;
  } else {
    header.channels = colour == 4 || colour == 6 || transparent ? 4 : 3;
  }
  return Checked(header, view.U32(16), view.U32(20));
}

Result<ImageHeader> ReadBmpHeader(std::span<const std::uint8_t> bytes) {
  const ByteView view(bytes, true);
  const std::uint32_t info = view.U32(14);
  if (!view.Has(14, info)) return CutHeader(ImageFormat::kBmp);
  ImageHeader header;
  header.format = ImageFormat::kBmp;
  const bool core = info == 12;
  const std::uint32_t bits = core ? view.U16(24) : view.U16(28);
  const std::uint32_t compression = core ? 0 : view.U32(30);
  switch (bits) {
    case 1:
    case 4:
    case 8: {
      const std::uint32_t used = core ? 0 : view.U32(46);
      const std::uint32_t colours = used == 0 || used > 256 ? 1U << bits : used;
      header.channels = GreyPalette(view, 14 + std::uint64_t{info}, colours, core ? 3 : 4) ? 1 : 3;
      break;
    }
    case 16:
    case 24:
      header.channels = 3;
      break;
    case 32: {
      const bool masks = compression == 3 || compression == 6;
      header.channels = masks && info >= 56 && view.U32(66) != 0 ? 4 : 3;
      break;
    }
    default:
      return Damaged(ImageFormat::kBmp, fmt::format("{} bits per pixel", bits));
  }
  if (compression == 4 || compression == 5) {
    return Unsupported("BMP that wraps a JPEG or PNG is not supported");
  }
  const std::int64_t width =
      core ? view.U16(18) : std::int64_t{static_cast<std::int32_t>(view.U32(18))};
  const std::int64_t height =
      core ? view.U16(20) : std::int64_t{static_cast<std::int32_t>(view.U32(22))};
  return Checked(header, width, height < 0 ? -height : height);  // negative: top row first
}

Result<ImageHeader> ReadWebpHeader(std::span<const std::uint8_t> bytes) {
  const ByteView view(bytes, true);
  ImageHeader header;
  header.format = ImageFormat::kWebp;
  header.channels = 3;
  if (!view.Has(kRiffFirstChunk, 18)) return CutHeader(ImageFormat::kWebp);
  constexpr std::uint64_t kData = kRiffFirstChunk + 8;
  if (view.StartsWith("VP8 ", kRiffFirstChunk)) {
    if (!view.StartsWith("\x9D\x01\x2A"sv, kData + 3)) {
      return Damaged(ImageFormat::kWebp, "no key frame");
    }
    return Checked(header, view.U16(kData + 6) & 0x3FFF, view.U16(kData + 8) & 0x3FFF);
  }
  if (view.StartsWith("VP8L", kRiffFirstChunk)) {
    if (view.U8(kData) != 0x2F) return Damaged(ImageFormat::kWebp, "no lossless signature");
    const std::uint32_t packed = view.U32(kData + 1);
    if ((packed >> 28 & 1) != 0) header.channels = 4;
    return Checked(header, 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF));
  }
  if (view.StartsWith("VP8X", kRiffFirstChunk)) {
    const std::uint32_t flags = view.U8(kData);
    if ((flags & 0x02) != 0) return Unsupported("animated WebP is not supported");
    if ((flags & 0x10) != 0) header.channels = 4;
    if ((flags & 0x08) != 0) {
      WalkRiff(view, [&](std::uint64_t at, std::uint64_t length) {
        if (!view.StartsWith("EXIF", at)) return true;
        header.orientation = ParseExifBlock(view.Part(at + 8, length));
        return false;
      });
    }
    return Checked(header, std::int64_t{1} + view.U24(kData + 4),
                   std::int64_t{1} + view.U24(kData + 7));
  }
  return Damaged(ImageFormat::kWebp, "no VP8 chunk");
}

Result<ImageHeader> ReadTiffHeader(std::span<const std::uint8_t> bytes) {
  if (ByteView(bytes).U8(2) == '+' || ByteView(bytes).U8(3) == '+') {
    return Unsupported("BigTIFF is not supported");
  }
  const TiffDirectory directory(bytes);
  // Many writers put the directory behind the pixels, so a cut file loses it first.
  if (!directory.Whole()) return CutHeader(ImageFormat::kTiff);
  ImageHeader header;
  header.format = ImageFormat::kTiff;
  const std::uint32_t bits = directory.Value(kBitsPerSample, 1);
  const std::uint32_t samples = directory.Value(kSamplesPerPixel, 1);
  const std::uint32_t photometric = directory.Value(kPhotometric, 1);
  const std::uint32_t format = directory.Value(kSampleFormat, 1);
  if (format != 1 || (bits != 8 && bits != 16 && !(bits == 1 && samples == 1))) {
    return Unsupported(
        fmt::format("TIFF with {}-bit {} samples is not supported; 8 and 16 bit "
                    "unsigned integers are",
                    bits, format == 3 ? "float" : (format == 2 ? "signed" : "")));
  }
  const bool colour = photometric == 2 || photometric == 6;
  const bool known = (photometric <= 1 && samples == 1) || (photometric == 3 && samples == 1) ||
                     (colour && (samples == 3 || samples == 4));
  if (!known) {
    return Unsupported(fmt::format("TIFF with {} samples and colour kind {} is not supported",
                                   samples, photometric));
  }
  if (bits == 16 && (directory.Value(kPlanar, 1) == 2 || photometric == 6 || photometric == 3)) {
    return Unsupported("16-bit TIFF in planes, YCbCr or palette is not supported");
  }
  header.bits = bits == 16 ? 16 : 8;
  header.channels = photometric <= 1 ? 1 : (samples == 4 ? 4 : 3);
  const std::uint32_t orientation = directory.Value(kOrientation, 1);
  if (orientation >= 1 && orientation <= 8) header.orientation = static_cast<int>(orientation);
  // A tile is decoded whole, however small the picture.
  const std::uint64_t tile =
      std::uint64_t{directory.Value(kTileWidth, 0)} * directory.Value(kTileHeight, 0);
  if (tile > std::uint64_t{1} << 26) {
    return Damaged(ImageFormat::kTiff, fmt::format("tiles of {} pixels", tile));
  }
  return Checked(header, directory.Value(kWidth, 0), directory.Value(kHeight, 0));
}

std::uint64_t TiffOrientationOffset(std::span<const std::uint8_t> bytes) {
  return TiffDirectory(bytes).ValueOffset(kOrientation);
}

bool EndsEarly(std::span<const std::uint8_t> bytes, const ImageHeader& header) {
  const ByteView view(bytes, true);
  switch (header.format) {
    case ImageFormat::kPng:
      return !WalkPng(ByteView(bytes),
                      [](std::uint32_t, std::uint64_t, std::uint64_t) { return true; });
    case ImageFormat::kWebp:
      return std::uint64_t{view.U32(4)} + 8 > view.Size();
    case ImageFormat::kBmp: {
      // The size field is often wrong, so the rows are counted. Packed rows have no known length.
      const bool core = view.U32(14) == 12;
      const bool packed = !core && (view.U32(30) == 1 || view.U32(30) == 2);
      const std::uint64_t bits = core ? view.U16(24) : view.U16(28);
      const auto width = static_cast<std::uint64_t>(header.size.width);
      const auto height = static_cast<std::uint64_t>(header.size.height);
      const std::uint64_t row = (width * bits + 31) / 32 * 4;
      return !packed && view.U32(10) + row * height > view.Size();
    }
    default:
      return false;
  }
}

}  // namespace pixloom
