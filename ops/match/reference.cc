// SPDX-License-Identifier: Apache-2.0
#include "ops/match/reference.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

namespace pixloom {

namespace {

namespace fs = std::filesystem;

bool IsPicture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array kKnown{".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"};
  return std::find(kKnown.begin(), kKnown.end(), extension) != kKnown.end();
}

DataError Problem(const std::string& file, const std::string& text) {
  return {"OP-REFERENCE", fmt::format("reference picture '{}': {}", file, text),
          "mend the file or take it out of the folder", ""};
}

}  // namespace

double LowOf(const cv::Mat& pixels, ValueRange range) {
  return pixels.depth() == CV_32F ? range.lo : 0;
}

double SpanOf(const cv::Mat& pixels, ValueRange range) {
  if (pixels.depth() == CV_32F) return static_cast<double>(range.hi) - range.lo;
  return pixels.depth() == CV_8U ? kLevels<std::uint8_t> : kLevels<std::uint16_t>;
}

double ReferencePicture::Span() const { return SpanOf(pixels, range); }

Result<std::shared_ptr<ReferenceFolder>, std::string> ReferenceFolder::List(
    const std::string& path) {
  std::error_code failed;
  fs::directory_iterator entries(path, failed);
  if (failed) return fmt::format("'{}' is no folder that can be read ({})", path, failed.message());
  auto folder = std::make_shared<ReferenceFolder>();
  for (const fs::directory_entry& entry : entries) {
    if (entry.is_regular_file(failed) && IsPicture(entry.path())) {
      folder->files_.push_back(entry.path().string());
    }
  }
  if (folder->files_.empty()) return fmt::format("no pictures in the folder '{}'", path);
  std::sort(folder->files_.begin(), folder->files_.end());
  folder->slots_.resize(folder->files_.size());
  return folder;
}

Result<ReferencePicture> ReferenceFolder::Read(std::size_t index, int channels,
                                               const Codec& codec) const {
  const std::string& file = files_[index];
  std::ifstream in(file, std::ios::binary);
  if (!in) return Problem(file, "cannot be opened");
  const std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return Problem(file, "cannot be read");
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  const auto header = codec.ReadHeader(bytes);
  if (!header) return Problem(file, header.Error().message);
  DecodeRequest request;
  request.channels = channels;
  auto decoded = codec.Decode(bytes, *header, request);
  if (!decoded) return Problem(file, decoded.Error().message);
  return ReferencePicture{std::move(decoded->pixels), {}};
}

Result<ReferencePicture> ReferenceInField(const Sample& sample, const std::string& field,
                                          std::size_t index, const cv::Mat& like) {
  const ImageField* found = sample.Image(field);
  if (found == nullptr || found->frames.empty()) {
    return DataError{"OP-REFERENCE", fmt::format("the sample has no image field '{}'", field),
                     "join a stream of references under this name, or name a folder", ""};
  }
  const cv::Mat& pixels = found->frames[std::min(index, found->frames.size() - 1)].pixels;
  if (Colours(pixels) != Colours(like)) {
    return DataError{"OP-REFERENCE",
                     fmt::format("the field '{}' has {} channels, the picture {}", field,
                                 pixels.channels(), like.channels()),
                     "set channels on the source of the references", ""};
  }
  if (pixels.channels() != 4) return ReferencePicture{pixels, found->range};
  cv::Mat colours(pixels.size(), CV_MAKETYPE(pixels.depth(), 3));
  cv::mixChannels({pixels}, {colours}, {0, 0, 1, 1, 2, 2});
  return ReferencePicture{colours, found->range};
}

std::string Matches::Check() const {
  if (reference.empty() == field.empty()) {
    return reference.empty() ? "reference: name a folder of pictures, or field: another field"
                             : "reference and field: take one of both";
  }
  if (!field.empty()) return "";
  const auto folder = ReferenceFolder::List(reference);
  if (!folder) return "reference: " + folder.Error();
  folder_ = *folder;
  return "";
}

}  // namespace pixloom
