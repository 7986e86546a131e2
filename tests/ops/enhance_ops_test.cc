// SPDX-License-Identifier: Apache-2.0
// What casts, haze and darkness do to a picture, and how much of it the enhancers of light and
// colour bring back. Pictures are generated.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ops/kernels/box_sums.h"
#include "tests/ops/enhance_pictures.h"

namespace pixloom::testing {
namespace {

cv::Mat After(const std::string& chain, const cv::Mat& picture) {
  return PixelsOf(ChainUnderTest(chain).Run(PictureSample(picture))).clone();
}

double MeanError(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total() * a.channels());
}

// Degrees between a colour and gray.
double AngleToGray(const cv::Vec3d& rgb) {
  const double cosine = rgb.dot({1, 1, 1}) / (cv::norm(rgb) * std::sqrt(3.0));
  return std::acos(std::min(cosine, 1.0)) * 180 / std::numbers::pi;
}

TEST_CASE("white_balance takes a cast out") {
  const cv::Mat clean = SceneryUnit({160, 120});
  for (const cv::Vec3d& cast : {cv::Vec3d(1, 0.75, 0.5), {0.6, 0.8, 1}, {0.7, 1, 0.75}}) {
    std::vector<cv::Mat> planes;
    cv::split(clean, planes);
    for (std::size_t c = 0; c < 3; ++c) planes[c] *= cast[static_cast<int>(c)];
    cv::Mat tinted;
    cv::merge(planes, tinted);
    const cv::Mat seen = Stored(tinted);
    // White bars tell the light: gray when balanced.
    const cv::Rect white(80, 110, 5, 5);
    const double before = AngleToGray(cv::Vec3d(cv::mean(seen(white)).val));
    for (const std::string method : {"gray_world", "shades_of_gray", "white_patch"}) {
      const cv::Mat balanced = After(fmt::format("[white_balance: {}]", method), seen);
      const double after = AngleToGray(cv::Vec3d(cv::mean(balanced(white)).val));
      CAPTURE(method);
      CHECK(after < 0.5 * before);
      MESSAGE(fmt::format("{}: {:.2f} to {:.2f} degrees", method, before, after));
    }
  }
}

TEST_CASE("white_balance: strength, gains and highlights") {
  const cv::Mat tinted(6, 8, CV_8UC3, cv::Scalar(200, 100, 50));
  const cv::Mat gray = After("[white_balance: {method: gray_world, max_gain: 10}]", tinted);
  const double luma = 0.299 * 200 + 0.587 * 100 + 0.114 * 50;
  CHECK(cv::norm(gray, cv::Mat(6, 8, CV_8UC3, cv::Scalar::all(std::round(luma))), cv::NORM_INF) ==
        0);
  CHECK(SamePixels(After("[white_balance: {strength: 0}]", tinted), tinted));
  // The gain for blue would be 4; it may be 2.
  const cv::Mat limited =
      After("[white_balance: {method: gray_world, keep: highlights, max_gain: 2}]", tinted);
  CHECK(cv::norm(limited, cv::Mat(6, 8, CV_8UC3, cv::Scalar(200, 200, 100)), cv::NORM_INF) == 0);
  const cv::Mat black(5, 5, CV_8UC3, cv::Scalar::all(0));
  CHECK(SamePixels(After("[white_balance]", black), black));
  CHECK(SamePixels(After("[white_balance: white_patch]", black), black));
}

TEST_CASE("auto_levels uses the full scale") {
  cv::Mat dull;
  Scenery({160, 120}).convertTo(dull, CV_8U, 0.3, 90);
  const cv::Mat after = After("[auto_levels]", dull);
  double least = 0;
  double most = 0;
  cv::minMaxLoc(after.reshape(1), &least, &most);
  CHECK(least == 0);
  CHECK(most == 255);
  const cv::Mat clean = Scenery({160, 120});
  CHECK(MeanError(after, clean) < 0.5 * MeanError(dull, clean));
  const cv::Mat flat(7, 9, CV_8UC3, cv::Scalar(100, 110, 120));
  const cv::Mat same = After("[auto_levels: {max_gain: 1}]", flat);
  CHECK(SamePixels(same, flat));
  CHECK(std::abs(MeanLuma(After("[auto_levels: {target_mean: 0.3}]", dull)) - 0.3) < 0.01);
}

TEST_CASE("auto_exposure hits the target") {
  const cv::Mat clean = Scenery({160, 120});
  for (const double factor : {0.25, 0.6, 1.0}) {
    cv::Mat seen;
    clean.convertTo(seen, CV_8U, factor);
    for (const double target : {0.35, 0.45, 0.55}) {
      for (const std::string method : {"gamma", "gain"}) {
        const cv::Mat after = After(
            fmt::format("[auto_exposure: {{target: {}, method: {}, limit: 8}}]", target, method),
            seen);
        CAPTURE(factor);
        CAPTURE(method);
        CHECK(std::abs(MeanLuma(after) - target) < 0.01);
      }
    }
  }
  // As far as the limit lets it.
  const cv::Mat dark(5, 5, CV_8UC1, cv::Scalar(10));
  CHECK(After("[auto_exposure: {target: 0.9, method: gain, limit: 2}]", dark)
            .at<std::uint8_t>(2, 2) == 20);
}

TEST_CASE("low_light brightens what is dark") {
  const cv::Mat clean = SceneryUnit({160, 120});
  // Light that falls off to one side.
  cv::Mat dark = clean.clone();
  for (int y = 0; y < dark.rows; ++y) {
    for (int x = 0; x < dark.cols; ++x) {
      dark.at<cv::Vec3f>(y, x) *= static_cast<float>(0.08 + 0.25 * x / dark.cols);
    }
  }
  const cv::Mat seen = Stored(dark);
  const cv::Mat wanted = Stored(clean);
  const double before = MeanError(seen, wanted);
  const cv::Mat lime = After("[low_light: {strength: 0.8}]", seen);
  const cv::Mat raised = After("[low_light: {method: histogram, strength: 1}]", seen);
  MESSAGE(
      fmt::format("luma {:.3f}, lime {:.3f}, histogram {:.3f}, clean {:.3f}; error {:.1f}, {:.1f}, "
                  "{:.1f}",
                  MeanLuma(seen), MeanLuma(lime), MeanLuma(raised), MeanLuma(wanted), before,
                  MeanError(lime, wanted), MeanError(raised, wanted)));
  CHECK(MeanLuma(lime) > 3 * MeanLuma(seen));
  CHECK(MeanError(lime, wanted) < 0.5 * before);
  CHECK(std::abs(MeanLuma(raised) - 0.45) < 0.02);
  CHECK(MeanError(raised, wanted) < 0.5 * before);
  // What is bright stays.
  const cv::Mat bright(20, 20, CV_8UC3, cv::Scalar::all(255));
  CHECK(SamePixels(After("[low_light]", bright), bright));
  CHECK(SamePixels(After("[low_light: histogram]", bright), bright));
}

TEST_CASE("dehaze lowers the error of a hazy picture") {
  const cv::Mat clean = SceneryUnit({200, 150});
  const cv::Vec3f air(0.85F, 0.87F, 0.9F);
  for (const auto& [density, left] : {std::pair{0.8F, 0.8}, {1.5F, 0.5}}) {
    cv::Mat hazy = clean.clone();
    for (int y = 0; y < hazy.rows; ++y) {
      // The farther up, the farther away.
      const float passes = std::exp(-density * (1 - 0.8F * y / hazy.rows));
      for (int x = 0; x < hazy.cols; ++x) {
        auto& pixel = hazy.at<cv::Vec3f>(y, x);
        pixel = pixel * passes + air * (1 - passes);
      }
    }
    const double before = MeanError(Stored(hazy), Stored(clean));
    const double after = MeanError(After("[dehaze: 0.9]", Stored(hazy)), Stored(clean));
    MESSAGE(fmt::format("density {}: error {:.1f} to {:.1f} levels", density, before, after));
    CHECK(after < left * before);
  }
  const cv::Mat seen = Stored(clean);
  CHECK(cv::norm(After("[dehaze: 0]", seen), seen, cv::NORM_INF) <= 1);
}

TEST_CASE("local_contrast changes detail and keeps means and strong edges") {
  cv::Mat picture(80, 120, CV_8UC3, cv::Scalar::all(60));
  picture(cv::Rect(60, 0, 60, 80)) = cv::Scalar::all(190);
  for (int y = 0; y < picture.rows; ++y) {
    for (int x = 0; x < picture.cols; ++x) {
      picture.at<cv::Vec3b>(y, x) += cv::Vec3b::all((x / 2 + y / 2) % 2 == 0 ? 8 : 0);
    }
  }
  const cv::Rect inside(10, 10, 30, 60);
  const auto deviation = [&](const cv::Mat& m) {
    cv::Scalar mean;
    cv::Scalar off;
    cv::meanStdDev(m(inside), mean, off);
    return off[0];
  };
  const cv::Mat more = After("[local_contrast: 1]", picture);
  CHECK(deviation(more) > 1.8 * deviation(picture));
  CHECK(std::abs(cv::mean(more)[0] - cv::mean(picture)[0]) < 0.5);
  CHECK(deviation(After("[local_contrast: -1]", picture)) < 0.3 * deviation(picture));
  // No halo: beside the edge nothing gets much darker than the rest of its side.
  double least = 0;
  cv::minMaxLoc(more(cv::Rect(40, 10, 20, 60)).clone().reshape(1), &least);
  CHECK(least > 60 - 14);
}

TEST_CASE("retinex evens out light that falls off") {
  cv::Mat shaded = SceneryUnit({160, 120});
  for (int y = 0; y < shaded.rows; ++y) {
    for (int x = 0; x < shaded.cols; ++x) {
      shaded.at<cv::Vec3f>(y, x) *= static_cast<float>(1 - 0.85 * x / shaded.cols);
    }
  }
  const cv::Mat seen = Stored(shaded);
  const auto tilt = [](const cv::Mat& m) {
    return MeanLuma(m(cv::Rect(0, 0, 40, 120))) / MeanLuma(m(cv::Rect(120, 0, 40, 120)));
  };
  for (const char* of : {"intensity", "channels"}) {
    const cv::Mat after = After(fmt::format("[retinex: {{of: {}, strength: 1}}]", of), seen);
    MESSAGE(fmt::format("{}: left over right {:.2f} to {:.2f}", of, tilt(seen), tilt(after)));
    CHECK(tilt(after) < 0.55 * tilt(seen));
  }
  CHECK(SamePixels(After("[retinex: 0]", seen), seen));
}

TEST_CASE("WideGaussian is nearly a Gaussian") {
  cv::Mat point = cv::Mat::zeros(201, 201, CV_32FC1);
  point.at<float>(100, 100) = 1;
  for (const double sigma : {3.0, 7.3, 20.0}) {
    const cv::Mat blurred = WideGaussian(point, sigma);
    const double peak = 1 / (2 * std::numbers::pi * sigma * sigma);
    double worst = 0;
    double total = 0;
    for (int y = 0; y < 201; ++y) {
      for (int x = 0; x < 201; ++x) {
        const double r2 = (x - 100) * (x - 100) + (y - 100) * (y - 100);
        const double expected = peak * std::exp(-r2 / (2 * sigma * sigma));
        worst = std::max(worst, std::abs(blurred.at<float>(y, x) - expected) / peak);
        total += blurred.at<float>(y, x);
      }
    }
    CAPTURE(sigma);
    CHECK(worst < 0.11);
    CHECK(total == doctest::Approx(1).epsilon(1e-4));
  }
  const cv::Mat flat(9, 13, CV_32FC1, cv::Scalar(0.3));
  CHECK(cv::norm(WideGaussian(flat, 40), flat, cv::NORM_INF) < 1e-7);
}

TEST_CASE("upscale takes labels along") {
  Sample sample = PictureSample(Scenery({40, 30}));
  Instance box;
  box.quad = Quad{{{4, 5}, {20, 5}, {20, 25}, {4, 25}}};
  sample.instances.push_back(box);
  const Sample out = ChainUnderTest("[upscale: 2.5]").Run(std::move(sample));
  CHECK(PixelsOf(out).size() == cv::Size(100, 75));
  REQUIRE(out.instances.size() == 1);
  const Quad expected{{{10, 12.5}, {50, 12.5}, {50, 62.5}, {10, 62.5}}};
  REQUIRE(out.instances[0].quad.has_value());
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK((*out.instances[0].quad)[i].x == doctest::Approx(expected[i].x));
    CHECK((*out.instances[0].quad)[i].y == doctest::Approx(expected[i].y));
  }
}

}  // namespace
}  // namespace pixloom::testing
