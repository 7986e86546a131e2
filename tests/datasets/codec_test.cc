// SPDX-License-Identifier: Apache-2.0
#include "datasets/codec.h"

#include <doctest/doctest.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "datasets/image_header.h"
#include "tests/datasets/image_samples.h"
#include "tests/datasets/jpeg_samples.h"

namespace pixloom {
namespace {

using testing::Bytes;
using testing::PngSpec;
using testing::TestPicture;
using testing::TiffSpec;

Bytes Text(std::string_view text) { return {text.begin(), text.end()}; }

bool Equal(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

cv::Mat Swapped(const cv::Mat& m) {
  if (m.channels() == 1) return m;
  cv::Mat out;
  cv::cvtColor(m, out, m.channels() == 3 ? cv::COLOR_BGR2RGB : cv::COLOR_BGRA2RGBA);
  return out;
}

Bytes ByOpenCv(const std::string& extension, const cv::Mat& rgb, std::vector<int> options = {}) {
  Bytes bytes;
  REQUIRE(cv::imencode(extension, Swapped(rgb), bytes, options));
  return bytes;
}

cv::Mat To16(const cv::Mat& m) {
  cv::Mat out;
  m.convertTo(out, CV_16U, 257, 3);
  return out;
}

Result<DecodedImage> Decode(const Bytes& bytes, DecodeRequest request = {},
                            CodecLimits limits = {}) {
  const auto codec = MakeCodec(limits);
  auto header = codec->ReadHeader(bytes);
  if (!header) return header.Error();
  return codec->Decode(bytes, *header, request);
}

// The error that a file must give.
DataError Refused(const Bytes& bytes, CodecLimits limits = {}) {
  auto image = Decode(bytes, {}, limits);
  REQUIRE(!image.Ok());
  return image.Error();
}

template <class Check>
void WithHeader(const Bytes& bytes, Check check) {
  auto header = MakeCodec()->ReadHeader(bytes);
  REQUIRE(header.Ok());
  check(*header);
}

TEST_CASE("lossless formats come back exactly, 8 and 16 bit, grey, RGB, RGBA") {
  for (const char* extension : {".png", ".tiff", ".bmp"}) {
    for (const int channels : {1, 3, 4}) {
      for (const bool deep : {false, true}) {
        const bool bmp = extension == std::string(".bmp");
        if (bmp && (deep || channels == 4)) continue;
        CAPTURE(extension);
        CAPTURE(channels);
        CAPTURE(deep);
        cv::Mat picture = TestPicture(31, 17, channels, 3);
        if (deep) picture = To16(picture);
        const Bytes bytes = ByOpenCv(extension, picture);
        WithHeader(bytes, [&](const ImageHeader& header) {
          CHECK(header.size == Size{31, 17});
          CHECK(header.channels == channels);
          CHECK(header.bits == (deep ? 16 : 8));
          CHECK(header.orientation == 1);
        });
        auto image = Decode(bytes);
        REQUIRE(image.Ok());
        CHECK(Equal(image->pixels, picture));

        DecodeRequest request;
        request.region = {5, 3, 20, 9};
        auto crop = Decode(bytes, request);
        REQUIRE(crop.Ok());
        CHECK(Equal(crop->pixels, picture(request.region)));
        CHECK(crop->pixels.isContinuous());
        for (const int want : {1, 3, 4}) {
          request.channels = want;
          auto other = Decode(bytes, request);
          REQUIRE(other.Ok());
          CHECK(other->pixels.channels() == want);
          if (want == 3 && channels == 4) {
            cv::Mat opaque;
            cv::cvtColor(picture(request.region), opaque, cv::COLOR_RGBA2RGB);
            CHECK(Equal(other->pixels, opaque));
          }
        }
      }
    }
  }
}

TEST_CASE("WebP, lossy and lossless") {
  const cv::Mat picture = TestPicture(40, 30, 3, 5);
  auto image = Decode(ByOpenCv(".webp", picture, {cv::IMWRITE_WEBP_QUALITY, 101}));
  REQUIRE(image.Ok());
  CHECK(Equal(image->pixels, picture));
  const Bytes lossy = ByOpenCv(".webp", picture, {cv::IMWRITE_WEBP_QUALITY, 80});
  WithHeader(lossy, [](const ImageHeader& header) {
    CHECK(header.format == ImageFormat::kWebp);
    CHECK(header.size == Size{40, 30});
    CHECK(header.channels == 3);
  });
  CHECK(Decode(lossy).Ok());

  cv::Mat alpha = TestPicture(40, 30, 4, 5);
  const Bytes with_alpha = ByOpenCv(".webp", alpha, {cv::IMWRITE_WEBP_QUALITY, 101});
  WithHeader(with_alpha, [](const ImageHeader& header) { CHECK(header.channels == 4); });
  auto rgba = Decode(with_alpha);
  REQUIRE(rgba.Ok());
  CHECK(rgba->pixels.channels() == 4);

  const Bytes turned = testing::WrapWebp(lossy, 40, 30, 0x08, 6);
  WithHeader(turned, [](const ImageHeader& header) {
    CHECK(header.orientation == 6);
    CHECK(header.UprightSize() == Size{30, 40});
  });
  auto upright = Decode(turned);
  REQUIRE(upright.Ok());
  CHECK(Equal(upright->pixels, testing::OracleUpright(Decode(lossy)->pixels, 6)));

  const DataError animated = Refused(testing::WrapWebp(lossy, 40, 30, 0x02, 1));
  CHECK(animated.code == "DEC-FORMAT");
  CHECK(animated.message == "animated WebP is not supported");
}

TEST_CASE("PNG kinds become the channels that the header promises") {
  struct Kind {
    const char* name;
    PngSpec spec;
    int channels;
    int type;
    cv::Scalar first;
  };
  const Bytes palette{10, 20, 30, 40, 50, 60};
  const Kind kinds[] = {
      {"palette", {4, 1, 8, 3, {1, 0, 1, 0}, palette, {}, 0}, 3, CV_8UC3, {40, 50, 60}},
      {"palette, 1 bit", {8, 1, 1, 3, {0x80}, palette, {}, 0}, 3, CV_8UC3, {40, 50, 60}},
      {"palette + tRNS",
       {4, 1, 8, 3, {1, 0, 1, 0}, palette, {255, 7}, 0},
       4,
       CV_8UC4,
       {40, 50, 60, 7}},
      {"grey, 1 bit", {8, 1, 1, 0, {0x80}, {}, {}, 0}, 1, CV_8UC1, {255}},
      {"grey, 2 bit", {4, 1, 2, 0, {0x40}, {}, {}, 0}, 1, CV_8UC1, {85}},
      {"grey, 4 bit", {2, 1, 4, 0, {0x30}, {}, {}, 0}, 1, CV_8UC1, {51}},
      {"grey + tRNS", {2, 1, 8, 0, {9, 8}, {}, {0, 9}, 0}, 1, CV_8UC1, {9}},
      {"grey + alpha", {2, 1, 8, 4, {9, 100, 8, 50}, {}, {}, 0}, 4, CV_8UC4, {9, 9, 9, 100}},
      {"RGB + tRNS",
       {2, 1, 8, 2, {1, 2, 3, 4, 5, 6}, {}, {0, 1, 0, 2, 0, 3}, 0},
       4,
       CV_8UC4,
       {1, 2, 3, 0}},
      {"grey, 16 bit", {2, 1, 16, 0, {1, 2, 3, 4}, {}, {}, 0}, 1, CV_16UC1, {258}},
      {"grey + alpha, 16 bit",
       {1, 1, 16, 4, {1, 2, 3, 4}, {}, {}, 0},
       4,
       CV_16UC4,
       {258, 258, 258, 772}},
      {"RGB, 16 bit", {1, 1, 16, 2, {1, 2, 3, 4, 5, 6}, {}, {}, 0}, 3, CV_16UC3, {258, 772, 1286}},
  };
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    const Bytes bytes = testing::MakePng(kind.spec);
    WithHeader(bytes, [&](const ImageHeader& header) { CHECK(header.channels == kind.channels); });
    auto image = Decode(bytes);
    REQUIRE(image.Ok());
    REQUIRE(image->pixels.type() == kind.type);
    const cv::Mat first(1, 1, kind.type, kind.first);
    CHECK(Equal(image->pixels(cv::Rect(0, 0, 1, 1)), first));
  }
}

TEST_CASE("orientation is applied in PNG and TIFF") {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const cv::Mat picture = TestPicture(5, 3, 3, 2);
    PngSpec png{5, 3, 8, 2, Bytes(picture.data, picture.data + 45), {}, {}, orientation};
    const Bytes bytes = testing::MakePng(png);
    const cv::Mat want = testing::OracleUpright(picture, orientation);
    auto image = Decode(bytes);
    REQUIRE(image.Ok());
    CHECK(Equal(image->pixels, want));
    DecodeRequest request;
    request.region = {1, 0, 2, 3};
    auto crop = Decode(bytes, request);
    REQUIRE(crop.Ok());
    CHECK(Equal(crop->pixels, want(request.region)));

    for (const int bits : {8, 16}) {
      for (const int samples : {1, 3, 4}) {
        for (const bool big : {false, true}) {
          CAPTURE(bits);
          CAPTURE(samples);
          const cv::Mat base = TestPicture(5, 3, samples, 2);
          const cv::Mat stored = bits == 16 ? To16(base) : base;
          TiffSpec tiff;
          tiff.width = 5;
          tiff.height = 3;
          tiff.bits = bits;
          tiff.samples = samples;
          tiff.photometric = samples == 1 ? 1 : 2;
          tiff.orientation = orientation;
          tiff.big_endian = big;
          for (std::size_t i = 0; i < stored.total() * static_cast<std::size_t>(samples); ++i) {
            tiff.values.push_back(bits == 16 ? stored.ptr<std::uint16_t>()[i] : stored.data[i]);
          }
          auto turned = Decode(testing::MakeTiff(tiff));
          REQUIRE(turned.Ok());
          CHECK(Equal(turned->pixels, testing::OracleUpright(stored, orientation)));
        }
      }
    }
  }
}

TEST_CASE("TIFF kinds that are refused say so") {
  TiffSpec spec;
  spec.values.assign(18, 1);
  spec.bits = 16;
  spec.sample_format = 3;
  CHECK(Refused(testing::MakeTiff(spec)).message.find("16-bit float") != std::string::npos);
  spec.sample_format = 1;
  spec.photometric = 5;
  CHECK(Refused(testing::MakeTiff(spec)).code == "DEC-FORMAT");
  CHECK(Refused(Text(std::string_view("II+\0\10\0\0\0\20\0\0\0\0\0\0\0", 16))).message ==
        "BigTIFF is not supported");
  Bytes cut = ByOpenCv(".tiff", TestPicture(60, 50, 3, 1));
  cut.resize(cut.size() / 2);
  CHECK(Refused(cut).code.starts_with("DEC-"));
}

TEST_CASE("the fourth byte of a BMP is alpha only when a mask says so") {
  const Bytes bgra{1, 2, 3, 40, 5, 6, 7, 80};
  auto plain = Decode(testing::MakeBmp32(2, 1, bgra, false));
  REQUIRE(plain.Ok());
  REQUIRE(plain->pixels.type() == CV_8UC3);
  CHECK(plain->pixels.at<cv::Vec3b>(0, 1) == cv::Vec3b(7, 6, 5));
  auto masked = Decode(testing::MakeBmp32(2, 1, bgra, true));
  REQUIRE(masked.Ok());
  REQUIRE(masked->pixels.type() == CV_8UC4);
  CHECK(masked->pixels.at<cv::Vec4b>(0, 0) == cv::Vec4b(3, 2, 1, 40));
}

TEST_CASE("JPEG goes to libjpeg, by region and scale") {
  testing::JpegSpec spec;
  spec.width = 120;
  spec.height = 90;
  const Bytes bytes = testing::MakeJpeg(spec);
  DecodeRequest request;
  request.denominator = 2;
  auto whole = Decode(bytes, request);
  REQUIRE(whole.Ok());
  CHECK(whole->pixels.size() == cv::Size(60, 45));
  request.region = {20, 30, 41, 21};
  auto part = Decode(bytes, request);
  REQUIRE(part.Ok());
  CHECK(Equal(part->pixels, whole->pixels(cv::Rect(10, 15, 21, 11))));
}

TEST_CASE("what is no picture is named") {
  const auto message = [](const Bytes& bytes) {
    const DataError error = Refused(bytes);
    CHECK(error.code == "DEC-FORMAT");
    return error.message.substr(0, error.message.find(';'));
  };
  CHECK(message({}) == "empty file");
  std::string html = "\n <!DOCTYPE html><html>";
  html.resize(1234, 'x');
  CHECK(message(Text(html)) == "text/html, 1.2 KB");
  CHECK(message(Text("GIF89a....")) == "image/gif, 10 bytes");
  CHECK(message(Text("<?xml version='1.0'?><svg/>")) == "image/svg+xml, 27 bytes");
  CHECK(message(Text("{\"error\": 404}")) == "application/json, 14 bytes");
  CHECK(message(Text("not found")) == "text/plain, 9 bytes");
  CHECK(message(Text("version https://git-lfs.github.com/spec/v1\n")) ==
        "Git LFS pointer, 43 bytes");
  CHECK(message(Text(std::string_view("\0\0\0\x18"
                                      "ftypavif....",
                                      16))) == "image/avif, 16 bytes");
  CHECK(message(Bytes(5000, 0)) == "zero bytes, 5.0 KB");
  CHECK(message(Text("BMW is a make of car")) == "text/plain, 20 bytes");
  CHECK(message({0x12, 0x01, 0x02}) == "unknown binary data, 3 bytes");
}

TEST_CASE("limits are checked on the header, before decoding") {
  DataError error = Refused(testing::PngClaiming(20000, 20000));
  CHECK(error.code == "DEC-LIMIT");
  CHECK(error.message == "PNG is 20000x20000 = 400000000 pixels; limits.max_pixels is 134217728");
  CHECK(error.remedy == "raise limits.max_pixels to read it");

  error = Refused(testing::PngClaiming(70000, 2));
  CHECK(error.code == "DEC-LIMIT");
  CHECK(error.remedy.find("limits.max_side") != std::string::npos);

  CodecLimits limits;
  limits.max_pixels = std::int64_t{1} << 40;
  error = Refused(testing::PngClaiming(20000, 20000), limits);
  CHECK(error.code == "DEC-LIMIT");
  CHECK(error.remedy.find("limits.max_ratio") != std::string::npos);

  limits.max_side = 1 << 30;
  limits.max_pixels = std::int64_t{1} << 62;
  error = Refused(testing::PngClaiming(1U << 30, 1U << 30), limits);  // overflows 32 bits twice
  CHECK(error.code == "DEC-LIMIT");

  CHECK(Refused(testing::PngClaiming(0xFFFFFFFF, 5)).code == "DEC-DAMAGED");
  CHECK(Refused(testing::PngClaiming(0, 5)).code == "DEC-DAMAGED");
  CHECK(Refused(testing::PngClaiming(5, 5, 7)).code == "DEC-DAMAGED");

  // Limits hold for a header from elsewhere too.
  const Bytes png = testing::PngClaiming(9, 9);
  ImageHeader header;
  header.format = ImageFormat::kPng;
  header.size = {30000, 30000};
  header.channels = 3;
  auto image = MakeCodec()->Decode(png, header, {});
  REQUIRE(!image.Ok());
  CHECK(image.Error().code == "DEC-LIMIT");

  limits = {};
  limits.max_scans = 3;
  testing::JpegSpec spec;
  spec.process = testing::Process::kProgressive;
  CHECK(Refused(testing::MakeJpeg(spec), limits).code == "DEC-LIMIT");
}

TEST_CASE("damaged and cut files are refused") {
  const cv::Mat picture = TestPicture(60, 50, 3, 9);
  for (const char* extension : {".png", ".webp", ".bmp"}) {
    CAPTURE(extension);
    const Bytes whole = ByOpenCv(extension, picture);
    for (const std::size_t size : {whole.size() / 2, whole.size() - 9, std::size_t{20}}) {
      Bytes cut = whole;
      cut.resize(size);
      CHECK(Refused(cut).code == "DEC-TRUNC");
    }
  }
  Bytes png = ByOpenCv(".png", picture);
  png[png.size() / 2] ^= 0x10;
  const DataError error = Refused(png);
  CHECK(error.code == "DEC-DAMAGED");
  CHECK(error.message.starts_with("PNG cannot be decoded"));
}

TEST_CASE("random damage gives an answer, never a crash") {
  std::uint32_t state = 5;
  auto next = [&state] { return (state = state * 1664525U + 1013904223U) >> 8; };
  CodecLimits limits;
  limits.max_pixels = 1 << 20;
  for (const char* extension : {".png", ".webp", ".bmp", ".tiff"}) {
    const Bytes whole = ByOpenCv(extension, TestPicture(33, 21, 3, 9));
    for (int i = 0; i < 150; ++i) {
      Bytes bad = whole;
      for (int k = 0; k < 3; ++k) {
        const std::size_t span = i % 2 == 0 ? std::min<std::size_t>(64, bad.size()) : bad.size();
        bad[next() % span] = static_cast<std::uint8_t>(next());
      }
      if (i % 4 == 0) bad.resize(next() % bad.size());
      auto image = Decode(bad, {}, limits);
      if (!image) CHECK(image.Error().code.starts_with("DEC-"));
    }
  }
}

TEST_CASE("encoding") {
  const auto codec = MakeCodec();
  for (const int channels : {1, 3, 4}) {
    for (const bool deep : {false, true}) {
      cv::Mat picture = TestPicture(37, 19, channels, 4);
      if (deep) picture = To16(picture);
      for (const int compression : {0, 1, 9}) {
        EncodeRequest request;
        request.png_compression = compression;
        auto first = codec->Encode(picture, request);
        auto second = codec->Encode(picture.clone(), request);
        REQUIRE(first.Ok());
        CHECK(*first == *second);
        auto back = Decode(*first);
        REQUIRE(back.Ok());
        CHECK(Equal(back->pixels, picture));
      }
      EncodeRequest tiff;
      tiff.format = ImageFormat::kTiff;
      auto bytes = codec->Encode(picture, tiff);
      REQUIRE(bytes.Ok());
      CHECK(Equal(Decode(*bytes)->pixels, picture));
    }
  }
  EncodeRequest request;
  const cv::Mat floats(4, 4, CV_32FC3, cv::Scalar::all(0.5));
  CHECK(codec->Encode(floats, request).Error().code == "ENC-TYPE");
  CHECK(codec->Encode(cv::Mat(4, 4, CV_8UC2, cv::Scalar::all(1)), request).Error().code ==
        "ENC-TYPE");
  request.format = ImageFormat::kJpeg;
  CHECK(codec->Encode(TestPicture(9, 9, 3, 1), request).Ok());
  CHECK(codec->Encode(TestPicture(9, 9, 4, 1), request).Error().code == "ENC-TYPE");
  request.format = ImageFormat::kWebp;
  CHECK(codec->Encode(TestPicture(9, 9, 3, 1), request).Ok());
}

}  // namespace
}  // namespace pixloom
