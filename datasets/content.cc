// SPDX-License-Identifier: Apache-2.0
// Which format a file is, and what it is when it is no picture at all.
#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

#include "datasets/bytes.h"
#include "datasets/image_header.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

using std::string_view_literals::operator""sv;

struct Magic {
  std::string_view bytes;
  const char* type;
};

constexpr Magic kMagics[] = {
    {"GIF87a"sv, "image/gif"},
    {"GIF89a"sv, "image/gif"},
    {"%PDF"sv, "application/pdf"},
    {"PK\x03\x04"sv, "application/zip"},
    {"\x1F\x8B"sv, "application/gzip"},
    {"\xFD"
     "7zXZ"sv,
     "application/x-xz"},
    {"\x28\xB5\x2F\xFD"sv, "application/zstd"},
    {"\xFF\x0A"sv, "image/jxl"},
    {"\0\0\0\x0CJXL "sv, "image/jxl"},
    {"\0\0\0\x0CjP  "sv, "image/jp2"},
    {"8BPS"sv, "image/vnd.adobe.photoshop"},
    {"\x89HDF\r\n\x1A\n"sv, "application/x-hdf5"},
    {"\x93NUMPY"sv, "NumPy array"},
    {"\x76\x2F\x31\x01"sv, "image/x-exr"},
    {"#?RADIANCE"sv, "image/vnd.radiance"},
    {"\0\0\1\0"sv, "image/x-icon"},
    {"\x7F"
     "ELF"sv,
     "application/x-executable"},
    {"version https://git-lfs"sv, "Git LFS pointer"},
};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// The type of an ISO base media file (HEIF and friends) by its major brand.
const char* MediaType(std::string_view brand) {
  if (brand == "avif" || brand == "avis") return "image/avif";
  if (brand == "heic" || brand == "heix" || brand == "mif1" || brand == "msf1") return "image/heic";
  return "video/mp4";
}

bool IsText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c >= 0x20 || c == '\n' || c == '\r' || c == '\t' || c == '\f';
  });
}

std::string ContentType(std::span<const std::uint8_t> bytes) {
  const ByteView view(bytes);
  for (const Magic& magic : kMagics) {
    if (view.StartsWith(magic.bytes)) return magic.type;
  }
  if (view.StartsWith("ftyp", 4)) {
    return MediaType({reinterpret_cast<const char*>(bytes.data()) + 8,
                      std::min<std::size_t>(4, bytes.size() - 8)});
  }
  if (view.StartsWith("RIFF")) return "RIFF container";
  const auto head = view.Part(0, 1024);
  if (std::all_of(head.begin(), head.end(), [](std::uint8_t b) { return b == 0; })) {
    return "zero bytes";
  }
  std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (!IsText(text)) return "unknown binary data";
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0]))) text.remove_prefix(1);
  const std::string lower = Lower(text);
  if (lower.starts_with("<!doctype html") || lower.starts_with("<html") ||
      lower.starts_with("<head")) {
    return "text/html";
  }
  if (lower.find("<svg") != std::string::npos) return "image/svg+xml";
  if (lower.starts_with("<?xml")) {
    return lower.find("<html") != std::string::npos ? "text/html" : "text/xml";
  }
  if (lower.starts_with("{") || lower.starts_with("[")) return "application/json";
  return "text/plain";
}

}  // namespace

ImageFormat SniffFormat(std::span<const std::uint8_t> bytes) {
  const ByteView view(bytes);
  if (view.StartsWith("\xFF\xD8"sv) && (view.U8(2) == 0xFF || view.Size() == 2)) {
    return ImageFormat::kJpeg;
  }
  if (view.StartsWith("\x89PNG\r\n\x1A\n"sv)) return ImageFormat::kPng;
  if (view.StartsWith("RIFF"sv) && view.StartsWith("WEBP"sv, 8)) return ImageFormat::kWebp;
  if (view.StartsWith("II*\0"sv) || view.StartsWith("MM\0*"sv) || view.StartsWith("II+\0"sv) ||
      view.StartsWith("MM\0+"sv)) {
    return ImageFormat::kTiff;
  }
  // Two letters are a weak sign, so the size of the second header has to fit too.
  const std::uint32_t info = ByteView(bytes, true).U32(14);
  if (view.StartsWith("BM"sv) && (info == 12 || (info >= 40 && info <= 124))) {
    return ImageFormat::kBmp;
  }
  return ImageFormat::kUnknown;
}

const char* FormatName(ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return "JPEG";
    case ImageFormat::kPng:
      return "PNG";
    case ImageFormat::kBmp:
      return "BMP";
    case ImageFormat::kWebp:
      return "WebP";
    case ImageFormat::kTiff:
      return "TIFF";
    case ImageFormat::kUnknown:
      break;
  }
  return "unknown format";
}

std::string DescribeContent(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return "empty file";
  return fmt::format("{}, {}", ContentType(bytes), SizeText(bytes.size()));
}

}  // namespace pixloom
