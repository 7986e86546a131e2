// SPDX-License-Identifier: Apache-2.0
#include "datasets/codec.h"

#include <algorithm>
#include <limits>
#include <new>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "datasets/image_header.h"
#include "datasets/jpeg.h"
#include "datasets/orientation.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

using Bytes = std::span<const std::uint8_t>;

// Small pictures may compress extremely well; only large ones are worth a suspicion.
constexpr std::int64_t kRatioFloor = 64'000'000;

// Runs `work` and sorts what OpenCV throws: lack of memory is the machine's fault, the rest is
// handed to `failed` as text.
template <class Work, class Failed>
auto Guarded(Work work, Failed failed) -> decltype(work()) {
  try {
    return work();
  } catch (const cv::Exception& e) {
    if (e.code == cv::Error::StsNoMem) throw EnvironmentError("out of memory: " + e.err);
    return failed(e.err);
  } catch (const std::bad_alloc&) {
    throw EnvironmentError("out of memory while coding a picture");
  }
}

// From OpenCV's channel order to the order and number asked for.
cv::Mat ToChannels(const cv::Mat& bgr, int channels) {
  int code = -1;
  switch (bgr.channels() * 10 + channels) {
    case 11:
      return bgr;
    case 13:
      code = cv::COLOR_GRAY2RGB;
      break;
    case 14:
      code = cv::COLOR_GRAY2RGBA;
      break;
    case 31:
      code = cv::COLOR_BGR2GRAY;
      break;
    case 33:
      code = cv::COLOR_BGR2RGB;
      break;
    case 34:
      code = cv::COLOR_BGR2RGBA;
      break;
    case 41:
      code = cv::COLOR_BGRA2GRAY;
      break;
    case 43:
      code = cv::COLOR_BGRA2RGB;
      break;
    case 44:
      code = cv::COLOR_BGRA2RGBA;
      break;
    default:
      break;
  }
  PIXLOOM_CHECK(code >= 0, fmt::format("{} channels asked of {}", channels, bgr.channels()));
  cv::Mat converted;
  cv::cvtColor(bgr, converted, code);
  return converted;
}

cv::Mat Imdecode(Bytes bytes) {
  // The Mat is only read.
  const cv::Mat view(1, static_cast<int>(bytes.size()), CV_8UC1,
                     const_cast<std::uint8_t*>(bytes.data()));
  return cv::imdecode(view, cv::IMREAD_UNCHANGED);
}

// OpenCV turns TIFF pictures itself, depending on their type; with the tag blanked it leaves all
// of them as stored, like the other formats.
cv::Mat ImdecodeAsStored(Bytes bytes, const ImageHeader& header) {
  const std::uint64_t at = header.format == ImageFormat::kTiff && header.orientation != 1
                               ? TiffOrientationOffset(bytes)
                               : 0;
  if (at == 0 || at + 2 > bytes.size()) return Imdecode(bytes);
  std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  const bool little = copy[0] == 'I';
  copy[at] = little ? 1 : 0;
  copy[at + 1] = little ? 0 : 1;
  return Imdecode(copy);
}

class StandardCodec final : public Codec {
 public:
  explicit StandardCodec(CodecLimits limits) : limits_(limits) {}

  Result<ImageHeader> ReadHeader(Bytes bytes) const override {
    auto header = Parse(bytes);
    if (!header) return header;
    if (auto error = CheckLimits(*header, bytes.size())) return *error;
    return header;
  }

  Result<DecodedImage> Decode(Bytes bytes, const ImageHeader& header,
                              const DecodeRequest& request) const override {
    if (auto error = CheckLimits(header, bytes.size())) return *error;
    const auto failed = [&](const std::string& reason) -> Result<DecodedImage> {
      return Undecodable(header, reason);
    };
    if (header.format == ImageFormat::kJpeg) {
      return Guarded([&] { return DecodeJpeg(bytes, header, request, limits_.max_scans); }, failed);
    }
    return Guarded([&] { return DecodeByOpenCv(bytes, header, request); }, failed);
  }

  Result<std::vector<std::uint8_t>> Encode(const cv::Mat& pixels,
                                           const EncodeRequest& request) const override {
    if (pixels.dims > 2) {
      return DataError{
          "ENC-TYPE",
          fmt::format("{} holds interleaved pictures, not planar ones", FormatName(request.format)),
          "leave out the change of layout", ""};
    }
    if (request.format == ImageFormat::kJpeg) {
      return EncodeJpeg(pixels, request.quality, request.subsample);
    }
    const auto failed = [&](const std::string& reason) -> Result<std::vector<std::uint8_t>> {
      return DataError{"ENC-FAILED",
                       fmt::format("{}x{} cannot be written as {} ({})", pixels.cols, pixels.rows,
                                   FormatName(request.format), reason),
                       "", ""};
    };
    return Guarded([&] { return EncodeByOpenCv(pixels, request); }, failed);
  }

 private:
  static Result<ImageHeader> Parse(Bytes bytes) {
    switch (SniffFormat(bytes)) {
      case ImageFormat::kJpeg:
        return ReadJpegHeader(bytes);
      case ImageFormat::kPng:
        return ReadPngHeader(bytes);
      case ImageFormat::kBmp:
        return ReadBmpHeader(bytes);
      case ImageFormat::kWebp:
        return ReadWebpHeader(bytes);
      case ImageFormat::kTiff:
        return ReadTiffHeader(bytes);
      case ImageFormat::kUnknown:
        break;
    }
    if (bytes.empty()) return DataError{"DEC-FORMAT", "empty file", "", ""};
    return DataError{
        "DEC-FORMAT",
        fmt::format("{}; expected JPEG, PNG, BMP, WebP or TIFF", DescribeContent(bytes)), "", ""};
  }

  std::optional<DataError> CheckLimits(const ImageHeader& header, std::size_t bytes) const {
    const auto limit = [](std::string message, const char* key) {
      return DataError{"DEC-LIMIT", std::move(message), fmt::format("raise {} to read it", key),
                       ""};
    };
    const char* name = FormatName(header.format);
    const int side = std::max(header.size.width, header.size.height);
    if (side > limits_.max_side) {
      return limit(fmt::format("{} is {}x{}; limits.max_side is {}", name, header.size.width,
                               header.size.height, limits_.max_side),
                   "limits.max_side");
    }
    if (header.size.Area() > limits_.max_pixels) {
      return limit(
          fmt::format("{} is {}x{} = {} pixels; limits.max_pixels is {}", name, header.size.width,
                      header.size.height, header.size.Area(), limits_.max_pixels),
          "limits.max_pixels");
    }
    // Dividing instead of multiplying: max_ratio is the user's and may be huge.
    const std::int64_t decoded = header.size.Area() * header.channels * (header.bits / 8);
    const auto encoded = static_cast<std::int64_t>(std::max<std::size_t>(bytes, 1));
    if (decoded > kRatioFloor && decoded / encoded > limits_.max_ratio) {
      return limit(fmt::format("{} of {} would decode to {}, {} times as much; limits.max_ratio "
                               "is {}",
                               name, SizeText(bytes), SizeText(static_cast<std::uint64_t>(decoded)),
                               decoded / encoded, limits_.max_ratio),
                   "limits.max_ratio");
    }
    if (bytes > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      return DataError{"DEC-LIMIT",
                       fmt::format("{} of {}; files up to 2.1 GB are read", name, SizeText(bytes)),
                       "", ""};
    }
    return std::nullopt;
  }

  static DataError Undecodable(const ImageHeader& header, const std::string& reason) {
    return {"DEC-DAMAGED",
            fmt::format("{} cannot be decoded{}", FormatName(header.format),
                        reason.empty() ? "" : fmt::format(" ({})", reason)),
            "", ""};
  }

  static Result<DecodedImage> DecodeByOpenCv(Bytes bytes, const ImageHeader& header,
                                             const DecodeRequest& request) {
    PIXLOOM_CHECK(request.denominator == 1, "only JPEG decodes at reduced scale");
    const Size upright = header.UprightSize();
    const cv::Rect whole(0, 0, upright.width, upright.height);
    const cv::Rect region = request.region.empty() ? whole : request.region;
    PIXLOOM_CHECK((region & whole) == region, "region outside the picture");

    // OpenCV and its libraries complain to stderr, so the commonest fault is found without them.
    if (EndsEarly(bytes, header)) {
      return DataError{"DEC-TRUNC", fmt::format("{} ends early", FormatName(header.format)), "",
                       ""};
    }
    const cv::Mat stored = ImdecodeAsStored(bytes, header);
    if (stored.empty()) return Undecodable(header, "");
    if (stored.cols != header.size.width || stored.rows != header.size.height ||
        stored.depth() != (header.bits == 16 ? CV_16U : CV_8U)) {
      return Undecodable(header, "the picture is not what its header says");
    }
    const int channels = request.channels != 0 ? request.channels : header.channels;
    const cv::Rect part = StoredRegion(region, header.size, header.orientation);
    cv::Mat pixels = TurnUpright(ToChannels(stored(part), channels), header.orientation);
    // A view would keep the whole picture in memory.
    if (pixels.u == stored.u && part.size() != stored.size()) pixels = pixels.clone();
    return DecodedImage{pixels, 0};
  }

  static Result<std::vector<std::uint8_t>> EncodeByOpenCv(const cv::Mat& pixels,
                                                          const EncodeRequest& request) {
    const bool deep = request.format == ImageFormat::kPng || request.format == ImageFormat::kTiff;
    const int channels = pixels.channels();
    if (pixels.empty() || !(pixels.depth() == CV_8U || (deep && pixels.depth() == CV_16U)) ||
        !(channels == 1 || channels == 3 || channels == 4)) {
      return DataError{
          "ENC-TYPE",
          fmt::format("{} holds {} of 1, 3 or 4 channels, not {} channels of {}",
                      FormatName(request.format), deep ? "8 or 16 bit integers" : "8-bit integers",
                      channels, cv::depthToString(pixels.depth())),
          "convert before the sink", ""};
    }
    std::vector<int> options;
    const char* extension = nullptr;
    switch (request.format) {
      case ImageFormat::kPng:
        extension = ".png";
        options = {cv::IMWRITE_PNG_COMPRESSION, request.png_compression};
        break;
      case ImageFormat::kWebp:
        extension = ".webp";
        options = {cv::IMWRITE_WEBP_QUALITY, request.quality};
        break;
      case ImageFormat::kBmp:
        extension = ".bmp";
        break;
      case ImageFormat::kTiff:
        extension = ".tiff";
        break;
      default:
        break;
    }
    PIXLOOM_CHECK(extension != nullptr, "no such output format");
    // The conversion from RGB is the same swap as the one to it.
    const cv::Mat bgr = ToChannels(pixels, channels);
    std::vector<std::uint8_t> bytes;
    if (!cv::imencode(extension, bgr, bytes, options)) {
      return DataError{"ENC-FAILED",
                       fmt::format("{}x{} cannot be written as {}", pixels.cols, pixels.rows,
                                   FormatName(request.format)),
                       "", ""};
    }
    return bytes;
  }

  CodecLimits limits_;
};

}  // namespace

std::unique_ptr<Codec> MakeCodec(CodecLimits limits) {
  return std::make_unique<StandardCodec>(limits);
}

std::string CodecVersions() { return JpegVersion(); }

}  // namespace pixloom
