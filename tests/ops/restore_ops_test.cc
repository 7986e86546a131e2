// SPDX-License-Identifier: Apache-2.0
// What noise, blur and blocks cost a picture, and how much of it denoise, deconvolve and deblock
// bring back. Pictures are generated; figures are PSNR over the colours.
#include <doctest/doctest.h>

#include <string>

#include "tests/ops/enhance_pictures.h"

namespace pixloom::testing {
namespace {

// What `chain` makes of it.
cv::Mat After(const std::string& chain, const cv::Mat& picture) {
  return PixelsOf(ChainUnderTest(chain).Run(PictureSample(picture))).clone();
}

TEST_CASE("denoise raises the PSNR of a noisy picture") {
  const cv::Mat clean = Scenery({160, 120});
  for (const double deviation : {0.03, 0.08}) {
    const cv::Mat noisy = After(fmt::format("[gaussian_noise: {}]", deviation), clean);
    const double before = Psnr(clean, noisy);
    for (const auto& [name, gain] : {std::pair{"nlmeans", 5.0}, {"bilateral", 3.0}, {"tv", 5.0}}) {
      const std::string method = name;
      const cv::Mat after =
          After(fmt::format("[denoise: {{method: {}, strength: {}}}]", method, deviation), noisy);
      CAPTURE(method);
      CAPTURE(deviation);
      CHECK(Psnr(clean, after) > before + gain);
      MESSAGE(
          fmt::format("{} {}: {:.2f} to {:.2f} dB", method, deviation, before, Psnr(clean, after)));
    }
  }
}

TEST_CASE("denoise leaves a clean picture nearly as it is") {
  const cv::Mat clean = Scenery({160, 120});
  CHECK(Psnr(clean, After("[denoise: 0.02]", clean)) > 36);
  const cv::Mat flat(9, 21, CV_8UC3, cv::Scalar(7, 130, 255));
  CHECK(SamePixels(After("[denoise: 0.1]", flat), flat));
  CHECK(SamePixels(After("[denoise: {method: tv, strength: 0.1}]", flat), flat));
  CHECK(SamePixels(After("[denoise: 0]", clean), clean));
}

TEST_CASE("denoise gives 16 bits and floats what it gives 8 bits") {
  const cv::Mat noisy = After("[gaussian_noise: 0.05]", Scenery({60, 40}));
  for (const char* method : {"nlmeans", "tv"}) {
    const std::string chain = fmt::format("[denoise: {{method: {}, strength: 0.05}}]", method);
    cv::Mat wide;
    cv::Mat real;
    noisy.convertTo(wide, CV_16U, 257);
    noisy.convertTo(real, CV_32F, 1 / 255.0);
    cv::Mat from_wide;
    cv::Mat from_real;
    After(chain, wide).convertTo(from_wide, CV_8U, 1 / 257.0);
    After(chain, real).convertTo(from_real, CV_8U, 255);
    const cv::Mat expected = After(chain, noisy);
    CHECK(cv::norm(expected, from_wide, cv::NORM_INF) <= 1);
    CHECK(cv::norm(expected, from_real, cv::NORM_INF) <= 1);
  }
}

TEST_CASE("deconvolve brings back what a known blur took") {
  const cv::Mat clean = Scenery({160, 120});
  struct Case {
    const char* psf;
    double size;
    double angle;
  };
  for (const Case& c : {Case{"gaussian", 1.5, 0}, Case{"disk", 2.5, 0}, Case{"motion", 7, 30}}) {
    const cv::Mat blurred = BlurredBy(clean, c.psf, c.size, c.angle);
    const double before = Psnr(clean, blurred);
    for (const std::string method : {"richardson_lucy", "wiener"}) {
      const cv::Mat after = After(
          fmt::format("[deconvolve: {{method: {}, psf: {}, size: {}, angle: {}, iterations: 20, "
                      "balance: 0.001}}]",
                      method, c.psf, c.size, c.angle),
          blurred);
      CAPTURE(method);
      const std::string psf = c.psf;
      CAPTURE(psf);
      CHECK(Psnr(clean, after) > before + 2);
      MESSAGE(fmt::format("{} {}: {:.2f} to {:.2f} dB", method, c.psf, before, Psnr(clean, after)));
    }
  }
}

TEST_CASE("deconvolve with a point changes nothing") {
  const cv::Mat clean = Scenery({50, 40});
  for (const char* psf : {"gaussian", "disk", "motion"}) {
    const std::string chain = fmt::format("[deconvolve: {{psf: {}, size: 0.1}}]", psf);
    CHECK(cv::norm(After(chain, clean), clean, cv::NORM_INF) <= 1);
  }
}

TEST_CASE("deblock smooths what JPEG left at the borders of blocks") {
  const cv::Mat clean = Scenery({200, 152});
  for (const int quality : {10, 20, 40}) {
    const cv::Mat coded = After(fmt::format("[jpeg: {}]", quality), clean);
    const cv::Mat after = After("[deblock: 1]", coded);
    CAPTURE(quality);
    CHECK(Blockiness(after) < 0.8 * Blockiness(coded));
    CHECK(Psnr(clean, after) > Psnr(clean, coded) - (quality > 20 ? 0.1 : 0));
    MESSAGE(fmt::format("q{}: blockiness {:.2f} to {:.2f} (clean {:.2f}), {:.2f} to {:.2f} dB",
                        quality, Blockiness(coded), Blockiness(after), Blockiness(clean),
                        Psnr(clean, coded), Psnr(clean, after)));
  }
}

TEST_CASE("deblock leaves edges, detail and what is off the grid alone") {
  // A step of the picture itself that lies on a border of blocks.
  cv::Mat step(24, 32, CV_8UC1, cv::Scalar(60));
  step(cv::Rect(16, 0, 16, 24)) = 120;
  CHECK(SamePixels(After("[deblock: 1]", step), step));
  // A weak one goes, but only where a block begins.
  cv::Mat weak(24, 32, CV_8UC1, cv::Scalar(60));
  weak(cv::Rect(16, 0, 16, 24)) = 72;
  const cv::Mat smooth = After("[deblock: 1]", weak);
  CHECK(smooth.at<std::uint8_t>(5, 15) == 65);  // (4 * 60 + 2 * 72 + 60 + 72) / 8 = 64.5
  CHECK(smooth.at<std::uint8_t>(5, 12) == 60);
  CHECK(SamePixels(After("[deblock: {strength: 1, x: 3}]", weak), weak));
  CHECK(SamePixels(After("[deblock: 0]", weak), weak));
}

}  // namespace
}  // namespace pixloom::testing
