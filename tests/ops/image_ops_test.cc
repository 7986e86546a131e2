// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/exact_math.h"
#include "tests/support/draw_op.h"

namespace pixloom {
namespace {

using Bytes = std::vector<std::uint8_t>;

Result<cv::Mat> RunImage(const Drawn& drawn, const cv::Mat& in, ValueRange range = {}) {
  return std::get<ImageStep>(drawn.steps.at(0)).run(in, {range, StreamKey{1, 2, 3}});
}

TEST_CASE("gaussian_blur") {
  const cv::Mat flat(9, 9, CV_8UC3, cv::Scalar(10, 20, 30));
  const auto same = RunImage(Draw("gaussian_blur", "2", Picture(9, 9)), flat);
  REQUIRE(same.Ok());
  CHECK(cv::norm(*same, flat, cv::NORM_INF) == 0);

  cv::Mat spike(1, 9, CV_32FC1, cv::Scalar(0));
  spike.at<float>(0, 4) = 1;
  const auto blurred =
      RunImage(Draw("gaussian_blur", "{sigma: 1, kernel: 3}", Picture(9, 1, 1)), spike);
  REQUIRE(blurred.Ok());
  const double side = exact::Exp(-0.5);
  CHECK(blurred->at<float>(0, 4) == doctest::Approx(1 / (1 + 2 * side)));
  CHECK(blurred->at<float>(0, 5) == doctest::Approx(side / (1 + 2 * side)));
  CHECK(blurred->at<float>(0, 6) == 0);
  CHECK(Draw("gaussian_blur", "0", Picture(9, 9)).steps.empty());
}

TEST_CASE("gaussian_noise") {
  const cv::Mat flat(64, 64, CV_8UC1, cv::Scalar(100));
  const auto shifted =
      RunImage(Draw("gaussian_noise", "{std: 0, mean: 0.2}", Picture(64, 64)), flat);
  REQUIRE(shifted.Ok());
  CHECK(cv::norm(*shifted, cv::Mat(64, 64, CV_8UC1, cv::Scalar(151)), cv::NORM_INF) == 0);
  CHECK(flat.at<std::uint8_t>(0, 0) == 100);  // the input is not written to

  const cv::Mat middle(64, 64, CV_32FC3, cv::Scalar(5, 5, 5));
  const auto noisy =
      RunImage(Draw("gaussian_noise", "0.1", Picture(64, 64)), middle, ValueRange{0, 10});
  REQUIRE(noisy.Ok());
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::meanStdDev(*noisy, mean, deviation);
  for (int c = 0; c < 3; ++c) {
    CHECK(std::abs(mean[c] - 5) < 4.0 / 64);  // four standard errors
    CHECK(std::abs(deviation[c] - 1) < 4 / std::sqrt(2.0 * 4096));
  }
  const auto gray =
      RunImage(Draw("gaussian_noise", "{std: 0.1, per_channel: false}", Picture(64, 64)), middle,
               ValueRange{0, 10});
  REQUIRE(gray.Ok());
  const auto pixel = gray->at<cv::Vec3f>(3, 5);
  CHECK(pixel[0] == pixel[1]);
  CHECK(pixel[0] == pixel[2]);
}

// Keeps what it was asked; "decodes" to black.
class FakeCodec final : public Codec {
 public:
  Result<ImageHeader> ReadHeader(std::span<const std::uint8_t> bytes) const override {
    ImageHeader header;
    header.size = {bytes[0], bytes[1]};
    return header;
  }
  Result<DecodedImage> Decode(std::span<const std::uint8_t>, const ImageHeader& header,
                              const DecodeRequest& request) const override {
    return DecodedImage{
        cv::Mat(header.size.height, header.size.width, CV_8UC(request.channels), cv::Scalar()), 0};
  }
  Result<std::vector<std::uint8_t>> Encode(const cv::Mat& pixels,
                                           const EncodeRequest& request) const override {
    asked = request;
    if (pixels.cols > 255) return DataError{"ENC-TEST", "too wide", "", ""};
    return Bytes{static_cast<std::uint8_t>(pixels.cols), static_cast<std::uint8_t>(pixels.rows)};
  }
  mutable EncodeRequest asked;
};

TEST_CASE("jpeg goes through the injected codec") {
  const FakeCodec codec;
  const auto op = Bind("jpeg", "{quality: 49.5, subsampling: false}", Services{&codec});
  const Drawn drawn = Draw(*op, Picture(4, 3, 1));
  CHECK(drawn.RecordedNames() == Names{"quality"});
  const auto out = RunImage(drawn, cv::Mat(3, 4, CV_8UC1, cv::Scalar(9)));
  REQUIRE(out.Ok());
  CHECK(out->size() == cv::Size(4, 3));
  CHECK(out->type() == CV_8UC1);
  CHECK(codec.asked.format == ImageFormat::kJpeg);
  CHECK(codec.asked.quality == 50);
  CHECK(!codec.asked.subsample);
  CHECK(RunImage(drawn, cv::Mat(3, 400, CV_8UC1, cv::Scalar(9))).Error().code == "ENC-TEST");
  CHECK(!op->Info().support.Accepts(Depth::kU16, 3));
  CHECK(!op->Info().support.Accepts(Depth::kU8, 4));
}

}  // namespace
}  // namespace pixloom
