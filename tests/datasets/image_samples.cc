// SPDX-License-Identifier: Apache-2.0
#include "tests/datasets/image_samples.h"

#include <string_view>

namespace pixloom::testing {

namespace {

class Writer {
 public:
  explicit Writer(bool big_endian) : big_endian_(big_endian) {}

  void Put(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) {
      const int shift = 8 * (big_endian_ ? count - 1 - i : i);
      bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  }
  void Text(std::string_view text) { bytes.insert(bytes.end(), text.begin(), text.end()); }
  void All(const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

  Bytes bytes;

 private:
  bool big_endian_;
};

std::uint32_t Crc(const Bytes& bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320U : 0);
  }
  return ~crc;
}

void Chunk(Writer& png, std::string_view type, const Bytes& data) {
  Writer body(true);
  body.Text(type);
  body.All(data);
  png.Put(data.size(), 4);
  png.All(body.bytes);
  png.Put(Crc(body.bytes), 4);
}

// zlib with one stored block.
Bytes Stored(const Bytes& raw) {
  Writer zlib(true);
  zlib.Put(0x7801, 2);
  zlib.Put(1, 1);
  const auto size = static_cast<std::uint16_t>(raw.size());
  for (const std::uint16_t v : {size, static_cast<std::uint16_t>(~size)}) {
    zlib.Put(v & 0xFF, 1);
    zlib.Put(v >> 8, 1);
  }
  zlib.All(raw);
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const std::uint8_t byte : raw) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  zlib.Put(b << 16 | a, 4);
  return zlib.bytes;
}

Bytes ExifTiff(int orientation) {
  Writer exif(true);
  exif.Text("MM");
  exif.Put(42, 2);
  exif.Put(8, 4);
  exif.Put(1, 2);
  exif.Put(0x0112, 2);
  exif.Put(3, 2);
  exif.Put(1, 4);
  exif.Put(static_cast<unsigned>(orientation), 2);
  exif.Put(0, 2);
  exif.Put(0, 4);
  return exif.bytes;
}

Bytes Ihdr(std::uint32_t width, std::uint32_t height, int bits, int colour) {
  Writer data(true);
  data.Put(width, 4);
  data.Put(height, 4);
  data.Put(static_cast<unsigned>(bits), 1);
  data.Put(static_cast<unsigned>(colour), 1);
  data.Put(0, 3);
  return data.bytes;
}

constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1A\n";

}  // namespace

Bytes MakePng(const PngSpec& spec) {
  Writer png(true);
  png.Text(kPngMagic);
  Chunk(png, "IHDR",
        Ihdr(static_cast<std::uint32_t>(spec.width), static_cast<std::uint32_t>(spec.height),
             spec.bits, spec.colour));
  if (!spec.palette.empty()) Chunk(png, "PLTE", spec.palette);
  if (!spec.transparency.empty()) Chunk(png, "tRNS", spec.transparency);
  if (spec.orientation != 0) Chunk(png, "eXIf", ExifTiff(spec.orientation));
  Bytes raw;
  const std::size_t row = spec.rows.size() / static_cast<std::size_t>(spec.height);
  for (std::size_t y = 0; y < static_cast<std::size_t>(spec.height); ++y) {
    raw.push_back(0);
    const auto at = spec.rows.begin() + static_cast<std::ptrdiff_t>(y * row);
    raw.insert(raw.end(), at, at + static_cast<std::ptrdiff_t>(row));
  }
  Chunk(png, "IDAT", Stored(raw));
  Chunk(png, "IEND", {});
  return png.bytes;
}

Bytes PngClaiming(std::uint32_t width, std::uint32_t height, int bits, int colour) {
  Writer png(true);
  png.Text(kPngMagic);
  Chunk(png, "IHDR", Ihdr(width, height, bits, colour));
  return png.bytes;
}

Bytes MakeTiff(const TiffSpec& spec) {
  Writer tiff(spec.big_endian);
  tiff.Text(spec.big_endian ? "MM" : "II");
  tiff.Put(42, 2);
  const std::size_t data = spec.values.size() * static_cast<std::size_t>(spec.bits) / 8;
  const std::size_t padded = data + data % 2;
  tiff.Put(8 + padded, 4);
  for (const std::uint16_t v : spec.values) tiff.Put(v, spec.bits / 8);
  if (data % 2 != 0) tiff.Put(0, 1);
  struct Entry {
    unsigned tag, type;
    std::uint64_t count, value;
  };
  const std::uint64_t entries = 11;
  const std::uint64_t bits_at = 8 + padded + 2 + 12 * entries + 4;
  const auto samples = static_cast<std::uint64_t>(spec.samples);
  const auto bits = static_cast<std::uint64_t>(spec.bits);
  const Entry list[] = {
      {256, 4, 1, static_cast<std::uint64_t>(spec.width)},
      {257, 4, 1, static_cast<std::uint64_t>(spec.height)},
      {258, 3, samples, samples <= 2 ? bits : bits_at},
      {259, 3, 1, 1},
      {262, 3, 1, static_cast<std::uint64_t>(spec.photometric)},
      {273, 4, 1, 8},
      {274, 3, 1, static_cast<std::uint64_t>(spec.orientation)},
      {277, 3, 1, samples},
      {278, 4, 1, static_cast<std::uint64_t>(spec.height)},
      {279, 4, 1, data},
      {339, 3, 1, static_cast<std::uint64_t>(spec.sample_format)},
  };
  tiff.Put(entries, 2);
  for (const Entry& e : list) {
    tiff.Put(e.tag, 2);
    tiff.Put(e.type, 2);
    tiff.Put(e.count, 4);
    if (e.type == 3 && e.count <= 2) {
      tiff.Put(e.value, 2);
      tiff.Put(e.count == 2 ? e.value : 0, 2);
    } else {
      tiff.Put(e.value, 4);
    }
  }
  tiff.Put(0, 4);
  for (int i = 0; i < spec.samples; ++i) tiff.Put(bits, 2);
  return tiff.bytes;
}

Bytes MakeBmp32(int width, int height, const Bytes& bgra_top_first, bool alpha_mask) {
  Writer bmp(false);
  const std::uint64_t info = alpha_mask ? 108 : 40;
  bmp.Text("BM");
  bmp.Put(14 + info + bgra_top_first.size(), 4);
  bmp.Put(0, 4);
  bmp.Put(14 + info, 4);
  bmp.Put(info, 4);
  bmp.Put(static_cast<unsigned>(width), 4);
  bmp.Put(static_cast<unsigned>(height), 4);
  bmp.Put(1, 2);
  bmp.Put(32, 2);
  bmp.Put(alpha_mask ? 3 : 0, 4);
  bmp.Put(bgra_top_first.size(), 4);
  for (int i = 0; i < 4; ++i) bmp.Put(0, 4);
  if (alpha_mask) {
    bmp.Put(0x00FF0000, 4);
    bmp.Put(0x0000FF00, 4);
    bmp.Put(0x000000FF, 4);
    bmp.Put(0xFF000000, 4);
    bmp.Put(0x73524742, 4);
    for (int i = 0; i < 12; ++i) bmp.Put(0, 4);
  }
  const std::size_t row = static_cast<std::size_t>(width) * 4;
  for (std::size_t y = static_cast<std::size_t>(height); y-- > 0;) {
    const auto at = bgra_top_first.begin() + static_cast<std::ptrdiff_t>(y * row);
    bmp.bytes.insert(bmp.bytes.end(), at, at + static_cast<std::ptrdiff_t>(row));
  }
  return bmp.bytes;
}

Bytes WrapWebp(const Bytes& plain, int width, int height, unsigned flags, int orientation) {
  const Bytes exif = ExifTiff(orientation);
  const Bytes stream(plain.begin() + 12, plain.end());
  Writer webp(false);
  webp.Text("RIFF");
  webp.Put(4 + 18 + stream.size() + 8 + exif.size() + exif.size() % 2, 4);
  webp.Text("WEBPVP8X");
  webp.Put(10, 4);
  webp.Put(flags, 4);
  webp.Put(static_cast<unsigned>(width - 1), 3);
  webp.Put(static_cast<unsigned>(height - 1), 3);
  webp.All(stream);
  webp.Text("EXIF");
  webp.Put(exif.size(), 4);
  webp.All(exif);
  if (exif.size() % 2 != 0) webp.Put(0, 1);
  return webp.bytes;
}

}  // namespace pixloom::testing
