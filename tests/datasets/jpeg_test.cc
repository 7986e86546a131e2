// SPDX-License-Identifier: Apache-2.0
#include "datasets/jpeg.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <doctest/doctest.h>
#include <opencv2/imgproc.hpp>

#include "tests/datasets/jpeg_samples.h"

namespace pixloom {
namespace {

using testing::Ink;
using testing::JpegSpec;
using testing::MakeJpeg;
using testing::Process;
using Bytes = std::vector<std::uint8_t>;

Result<DecodedImage> Decode(const Bytes& bytes, DecodeRequest request = {}, int max_scans = 100) {
  auto header = ReadJpegHeader(bytes);
  if (!header) return header.Error();
  return DecodeJpeg(bytes, *header, request, max_scans);
}

DecodeRequest Accept() {
  DecodeRequest request;
  request.truncated = TruncatedPolicy::kAccept;
  return request;
}

bool Equal(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

Bytes Cut(Bytes bytes, double part) {
  bytes.resize(static_cast<std::size_t>(static_cast<double>(bytes.size()) * part));
  return bytes;
}

// Offset just behind the n-th marker segment of this kind (its scan data, for SOS).
std::size_t Behind(const Bytes& bytes, std::uint8_t marker, int n = 1) {
  for (std::size_t i = 2; i + 4 < bytes.size(); ++i) {
    if (bytes[i] == 0xFF && bytes[i + 1] == marker && --n == 0) {
      return i + 2 + static_cast<std::size_t>(bytes[i + 2] << 8 | bytes[i + 3]);
    }
  }
  FAIL("no such marker");
  return 0;
}

JpegSpec Spec(int width, int height, Process process = Process::kBaseline) {
  JpegSpec spec;
  spec.width = width;
  spec.height = height;
  spec.process = process;
  return spec;
}

TEST_CASE("the header tells size, channels and orientation") {
  JpegSpec spec = Spec(33, 21);
  spec.orientation = 6;
  auto header = ReadJpegHeader(MakeJpeg(spec));
  REQUIRE(header.Ok());
  CHECK(header->size == Size{33, 21});
  CHECK(header->UprightSize() == Size{21, 33});
  CHECK(header->channels == 3);
  CHECK(header->bits == 8);
  CHECK(header->orientation == 6);

  spec.factors = {{1, 1}};
  spec.big_endian = true;
  spec.orientation = 3;
  header = ReadJpegHeader(MakeJpeg(spec));
  REQUIRE(header.Ok());
  CHECK(header->channels == 1);
  CHECK(header->orientation == 3);
}

TEST_CASE("a damaged EXIF block counts as none") {
  JpegSpec spec = Spec(16, 16);
  spec.orientation = 6;
  const Bytes good = MakeJpeg(spec);
  const std::uint8_t tag[] = {0x12, 0x01};
  const auto at = std::search(good.begin(), good.end(), std::begin(tag), std::end(tag));
  REQUIRE(at != good.end());
  const auto entry = static_cast<std::size_t>(at - good.begin());
  for (auto [offset, value] : {std::pair{8, 9}, {8, 0}, {2, 4}, {4, 2}}) {
    Bytes bad = good;
    bad[entry + static_cast<std::size_t>(offset)] = static_cast<std::uint8_t>(value);
    auto header = ReadJpegHeader(bad);
    REQUIRE(header.Ok());
    CHECK(header->orientation == 1);
  }
  Bytes far = good;  // the directory lies outside the block
  far[entry - 18] = 0xFF;
  far[entry - 17] = 0xFF;
  auto header = ReadJpegHeader(far);
  REQUIRE(header.Ok());
  CHECK(header->orientation == 1);
}

TEST_CASE("a truncated JPEG names the missing rows") {
  const Bytes whole = MakeJpeg(Spec(640, 480));
  auto image = Decode(Cut(whole, 0.25));
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-TRUNC");
  CHECK(image.Error().message.starts_with("JPEG ends early; rows 1"));
  CHECK(image.Error().message.ends_with("..479 of 480 missing"));
  CHECK(image.Error().remedy == "set truncated: accept at the source to keep it");
}

TEST_CASE("an accepted truncated JPEG keeps the rows that are there") {
  const Bytes whole = MakeJpeg(Spec(640, 480));
  auto full = Decode(whole);
  REQUIRE(full.Ok());
  CHECK(full->warnings == 0);
  auto cut = Decode(Cut(whole, 0.5), Accept());
  REQUIRE(cut.Ok());
  CHECK(cut->warnings > 0);
  CHECK(cut->pixels.size() == full->pixels.size());
  CHECK(Equal(cut->pixels.rowRange(0, 190), full->pixels.rowRange(0, 190)));
  CHECK(!Equal(cut->pixels, full->pixels));
}

TEST_CASE("accepted damage is the same in a region as in the whole") {
  for (const Process process :
       {Process::kBaseline, Process::kProgressive, Process::kRestarts, Process::kSeparateScans}) {
    const Bytes whole = MakeJpeg(Spec(200, 160, process));
    for (const double part : {0.3, 0.6, 0.9}) {
      Bytes bad = Cut(whole, part);
      for (const bool flip : {false, true}) {
        if (flip) bad[bad.size() * 9 / 10] ^= 0x5A;
        auto full = Decode(bad, Accept());
        if (!full) continue;  // too many warnings
        DecodeRequest request = Accept();
        for (const cv::Rect region : {cv::Rect(0, 0, 50, 50),
                                      {77, 31, 60, 99},
                                      {150, 120, 50, 40},
                                      {3, 90, 197, 1},
                                      {199, 159, 1, 1}}) {
          request.region = region;
          auto crop = Decode(bad, request);
          REQUIRE(crop.Ok());
          CHECK(Equal(crop->pixels, full->pixels(region)));
        }
      }
    }
  }
}

TEST_CASE("a region above the cut is whole") {
  const Bytes cut = Cut(MakeJpeg(Spec(640, 480)), 0.5);
  DecodeRequest request;
  request.region = {100, 20, 64, 64};
  CHECK(Decode(cut, request).Ok());
  request.region = {100, 400, 64, 64};
  auto below = Decode(cut, request);
  REQUIRE(!below.Ok());
  CHECK(below.Error().code == "DEC-TRUNC");
}

TEST_CASE("a missing end marker alone is no damage") {
  for (const Process process : {Process::kBaseline, Process::kProgressive, Process::kRestarts}) {
    Bytes bytes = MakeJpeg(Spec(100, 80, process));
    auto whole = Decode(bytes);
    REQUIRE(whole.Ok());
    bytes.resize(bytes.size() - 2);
    auto cut = Decode(bytes);
    REQUIRE(cut.Ok());
    CHECK(Equal(whole->pixels, cut->pixels));
  }
}

TEST_CASE("a file cut between two scans is truncated") {
  for (const Process process : {Process::kProgressive, Process::kSeparateScans}) {
    Bytes bytes = MakeJpeg(Spec(100, 80, process));
    bytes.resize(Behind(bytes, 0xDA, 2) - 2);
    while (!(bytes[bytes.size() - 2] == 0xFF && bytes.back() >= 0xC0)) bytes.pop_back();
    bytes.resize(bytes.size() - 2);
    auto image = Decode(bytes);
    REQUIRE(!image.Ok());
    CHECK(image.Error().code == "DEC-TRUNC");
    CHECK(image.Error().message.find("JPEG ends early") == 0);
    auto kept = Decode(bytes, Accept());
    REQUIRE(kept.Ok());
    CHECK(kept->warnings > 0);
  }
}

TEST_CASE("a progressive JPEG cut inside a scan names the scan") {
  auto image = Decode(Cut(MakeJpeg(Spec(320, 240, Process::kProgressive)), 0.5));
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-TRUNC");
  CHECK(image.Error().message.find("JPEG ends early; scan ") == 0);
}

TEST_CASE("cut inside the header") {
  const Bytes whole = MakeJpeg(Spec(64, 48));
  const std::size_t scan = Behind(whole, 0xDA);
  for (std::size_t size = 2; size < scan; size += 7) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    auto image = Decode(cut, Accept());
    REQUIRE(!image.Ok());
    CHECK(image.Error().code == "DEC-TRUNC");
    CHECK(image.Error().message == "JPEG ends early, inside its header");
  }
}

TEST_CASE("damage in the data is reported with its row") {
  Bytes bytes = MakeJpeg(Spec(640, 480, Process::kRestarts));
  const std::size_t middle = bytes.size() / 2;
  for (std::size_t i = 0; i < 1000; ++i)
    bytes[middle + i] = static_cast<std::uint8_t>(0xA5 + 7 * i);
  auto image = Decode(bytes);
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-DAMAGED");
  CHECK(image.Error().message.find("JPEG data damaged near row 2") == 0);
  CHECK(image.Error().message.find("of 480") != std::string::npos);
  auto kept = Decode(bytes, Accept());
  REQUIRE(kept.Ok());
  CHECK(kept->warnings > 0);
}

TEST_CASE("more than 100 warnings stop decoding even when damage is accepted") {
  Bytes bytes = MakeJpeg(Spec(640, 480, Process::kRestarts));
  const std::size_t data = Behind(bytes, 0xDA);
  std::uint32_t state = 1;
  for (std::size_t i = data; i + 2 < bytes.size(); ++i) {
    state = state * 1664525U + 1013904223U;
    const bool marker = bytes[i] == 0xFF || bytes[i - 1] == 0xFF;
    if (!marker) bytes[i] = static_cast<std::uint8_t>((state >> 24) % 255);
  }
  auto image = Decode(bytes, Accept());
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-DAMAGED");
  CHECK(image.Error().message.find("more than 100 warnings") != std::string::npos);
}

TEST_CASE("any flipped or cut file is an answer, never a crash") {
  std::uint32_t state = 99;
  auto next = [&state] { return (state = state * 1664525U + 1013904223U) >> 8; };
  int answers = 0;
  for (const Process process : {Process::kBaseline, Process::kProgressive, Process::kRestarts,
                                Process::kSeparateScans, Process::kArithmetic}) {
    const Bytes whole = MakeJpeg(Spec(90, 70, process));
    for (int i = 0; i < 300; ++i) {
      Bytes bad = whole;
      for (int k = 0; k < 1 + i % 4; ++k) {
        bad[next() % bad.size()] = static_cast<std::uint8_t>(next());
      }
      if (i % 3 == 0) bad.resize(2 + next() % (bad.size() - 2));
      auto header = ReadJpegHeader(bad);
      if (!header || header->size.Area() > 1 << 20) continue;
      for (const TruncatedPolicy policy :
           {TruncatedPolicy::kAccept, TruncatedPolicy::kQuarantine}) {
        DecodeRequest request;
        request.truncated = policy;
        if (i % 2 == 0) request.denominator = 1 << next() % 4;
        auto image = DecodeJpeg(bad, *header, request, 100);
        if (!image) CHECK(image.Error().code.starts_with("DEC-"));
        ++answers;
        const Size size = header->UprightSize();
        if (size.width < 32 || size.height < 32) continue;
        request.region = {16, 16, 9, 11};
        (void)DecodeJpeg(bad, *header, request, 100).Ok();
      }
    }
  }
  CHECK(answers > 1000);
}

TEST_CASE("unsupported kinds are named") {
  const Bytes good = MakeJpeg(Spec(16, 16));
  std::size_t sof = 2;
  while (!(good[sof] == 0xFF && good[sof + 1] == 0xC0)) ++sof;

  Bytes twelve = good;
  twelve[sof + 4] = 12;
  auto image = Decode(twelve);
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-FORMAT");
  CHECK(image.Error().message.find("needs libjpeg-turbo 3") != std::string::npos);

  Bytes lossless = good;
  lossless[sof + 1] = 0xC3;
  image = Decode(lossless);
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-FORMAT");
  CHECK(image.Error().message.find("SOF3") != std::string::npos);

  Bytes flat = good;  // height 0
  flat[sof + 5] = flat[sof + 6] = 0;
  image = Decode(flat);
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-DAMAGED");

  Bytes fraction = good;  // 3x1 luma over 2x1 chroma is no whole ratio
  fraction[sof + 11] = 0x31;
  fraction[sof + 14] = 0x21;
  image = Decode(fraction);
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-FORMAT");
}

TEST_CASE("too many scans are refused") {
  const Bytes bytes = MakeJpeg(Spec(64, 48, Process::kProgressive));
  CHECK(Decode(bytes, {}, 10).Ok());
  auto image = Decode(bytes, {}, 9);
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-LIMIT");
  CHECK(image.Error().message == "JPEG has more than 9 scans");
  CHECK(image.Error().remedy.find("limits.max_scans") != std::string::npos);
}

TEST_CASE("channels asked for") {
  JpegSpec spec = Spec(50, 40);
  const Bytes colour = MakeJpeg(spec);
  spec.factors = {{1, 1}};
  const Bytes grey = MakeJpeg(spec);
  for (const int channels : {1, 3, 4}) {
    DecodeRequest request;
    request.channels = channels;
    auto a = Decode(colour, request);
    auto b = Decode(grey, request);
    REQUIRE(a.Ok());
    REQUIRE(b.Ok());
    CHECK(a->pixels.type() == CV_8UC(channels));
    CHECK(b->pixels.type() == CV_8UC(channels));
    if (channels == 4) CHECK(a->pixels.at<cv::Vec4b>(3, 3)[3] == 255);
    if (channels == 3) {
      const auto pixel = b->pixels.at<cv::Vec3b>(3, 3);
      CHECK(pixel[0] == pixel[1]);
      CHECK(pixel[1] == pixel[2]);
    }
  }
}

// Ink amounts for a colour, as a printer would think of them.
TEST_CASE("CMYK and YCCK become RGB by the documented formula") {
  const int kInk[4] = {30, 100, 200, 60};
  for (const Ink ink : {Ink::kCmyk, Ink::kYcck}) {
    for (const bool adobe : {true, false}) {
      if (ink == Ink::kYcck && !adobe) continue;  // nothing but the marker tells YCCK
      JpegSpec spec = Spec(32, 32);
      spec.factors = {{1, 1}, {1, 1}, {1, 1}, {1, 1}};
      spec.ink = ink;
      spec.adobe = adobe;
      spec.quality = 100;
      cv::Mat picture(32, 32, CV_8UC4);
      for (int i = 0; i < 32 * 32 * 4; ++i) {
        picture.data[i] = static_cast<std::uint8_t>(adobe ? 255 - kInk[i % 4] : kInk[i % 4]);
      }
      const Bytes bytes = MakeJpeg(spec, picture);
      auto image = Decode(bytes);
      REQUIRE(image.Ok());
      REQUIRE(image->pixels.type() == CV_8UC3);
      const auto pixel = image->pixels.at<cv::Vec3b>(16, 16);
      for (int c = 0; c < 3; ++c) {
        const double want = (255.0 - kInk[c]) * (255.0 - kInk[3]) / 255.0;
        CHECK(std::abs(pixel[c] - want) <= 2);
      }
      // Exactly the formula, applied to what libjpeg stores.
      const cv::Mat raw = testing::OracleDecode(bytes, 1, 4);
      const auto stored = raw.at<cv::Vec4b>(16, 16);
      for (int c = 0; c < 3; ++c) {
        const int a = adobe ? stored[c] : 255 - stored[c];
        const int k = adobe ? stored[3] : 255 - stored[3];
        CHECK(pixel[c] == std::lround(a * k / 255.0));
      }
      DecodeRequest request;
      request.region = {5, 9, 20, 13};
      auto crop = Decode(bytes, request);
      REQUIRE(crop.Ok());
      CHECK(Equal(crop->pixels, image->pixels(request.region)));
      request.channels = 1;
      auto grey = Decode(bytes, request);
      REQUIRE(grey.Ok());
      CHECK(grey->pixels.type() == CV_8UC1);
    }
  }
}

TEST_CASE("a header from elsewhere is not believed") {
  const Bytes bytes = MakeJpeg(Spec(64, 48));
  auto header = ReadJpegHeader(bytes);
  REQUIRE(header.Ok());
  header->size.width = 65;
  auto image = DecodeJpeg(bytes, *header, {}, 100);
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-DAMAGED");
}

TEST_CASE("encoding is deterministic and decodes close to the original") {
  cv::Mat smooth(70, 90, CV_8UC3);
  for (int y = 0; y < smooth.rows; ++y) {
    for (int x = 0; x < smooth.cols; ++x) {
      smooth.at<cv::Vec3b>(y, x) = {static_cast<std::uint8_t>(2 * x),
                                    static_cast<std::uint8_t>(3 * y),
                                    static_cast<std::uint8_t>(x + y)};
    }
  }
  for (const bool subsample : {true, false}) {
    auto first = EncodeJpeg(smooth, 95, subsample);
    auto second = EncodeJpeg(smooth.clone(), 95, subsample);
    REQUIRE(first.Ok());
    CHECK(*first == *second);
    auto image = Decode(*first);
    REQUIRE(image.Ok());
    CHECK(cv::norm(image->pixels, smooth, cv::NORM_L1) / static_cast<double>(smooth.total() * 3) <
          2);
  }
  CHECK(EncodeJpeg(smooth, 95, true)->size() < EncodeJpeg(smooth, 95, false)->size());
  // A view with gaps between its rows.
  const cv::Mat view = smooth(cv::Rect(10, 10, 33, 21));
  CHECK(*EncodeJpeg(view, 90, true) == *EncodeJpeg(view.clone(), 90, true));

  cv::Mat grey;
  cv::extractChannel(smooth, grey, 0);
  auto bytes = EncodeJpeg(grey, 95, true);
  REQUIRE(bytes.Ok());
  auto header = ReadJpegHeader(*bytes);
  REQUIRE(header.Ok());
  CHECK(header->channels == 1);
  // JFIF and nothing else before the tables.
  CHECK((*bytes)[3] == 0xE0);
  CHECK((*bytes)[21] == 0xDB);
}

TEST_CASE("encoding refuses what JPEG cannot hold") {
  CHECK(EncodeJpeg(cv::Mat(4, 4, CV_16UC3, cv::Scalar(1)), 90, true).Error().code == "ENC-TYPE");
  CHECK(EncodeJpeg(cv::Mat(4, 4, CV_8UC4, cv::Scalar(1)), 90, true).Error().code == "ENC-TYPE");
  CHECK(EncodeJpeg(cv::Mat(1, 65501, CV_8UC1, cv::Scalar(1)), 90, true).Error().code == "ENC-SIZE");
  CHECK(EncodeJpeg(cv::Mat(1, 65500, CV_8UC1, cv::Scalar(1)), 90, true).Ok());
  // Noise at full quality outgrows the first guess of the buffer.
  CHECK(EncodeJpeg(testing::TestPicture(300, 300, 3, 5), 100, false).Ok());
}

}  // namespace
}  // namespace pixloom
