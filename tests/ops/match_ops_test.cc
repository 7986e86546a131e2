// SPDX-License-Identifier: Apache-2.0
// Operators that match a reference: where it comes from, and pixel types that files do not have.
// match_libraries_test.py compares with Python libraries.
#include <unistd.h>

#include <cmath>
#include <complex>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "api/pixloom.h"
#include "ops/kernels/fft.h"
#include "tests/ops/erase_support.h"

namespace pixloom::testing {
namespace {

namespace fs = std::filesystem;

const Services& WithCodec() {
  static const Services services{&BuiltInCodec()};
  return services;
}

std::string Refused(const std::string& args) {
  Diagnostics diagnostics;
  Bind("histogram_matching", args, diagnostics, WithCodec());
  return diagnostics.HasErrors() ? diagnostics.All().front().text : "";
}

TEST_CASE("transforms of any length are the sums they stand for") {
  Numbers numbers(4);
  for (const int n :
       {1, 2, 3, 4, 5, 7, 8, 12, 13, 16, 17, 26, 30, 37, 60, 64, 97, 101, 120, 143, 289}) {
    for (const int side_by_side : {1, 3}) {
      const auto count = static_cast<std::size_t>(n * side_by_side);
      ComplexRows data(count);
      for (std::size_t i = 0; i < count; ++i) {
        data.re[i] = numbers.Between(-1, 1);
        data.im[i] = numbers.Between(-1, 1);
      }
      const ComplexRows before = data;
      const Fft fft(n);
      fft.Forward(data, side_by_side);
      double worst = 0;
      for (int s = 0; s < side_by_side; ++s) {
        for (int k = 0; k < n; ++k) {
          std::complex<double> sum;
          for (int i = 0; i < n; ++i) {
            const auto at = static_cast<std::size_t>(i * side_by_side + s);
            const double turn = -2 * 3.14159265358979323846 * (k * i % n) / n;
            sum += std::complex(before.re[at], before.im[at]) * std::polar(1.0, turn);
          }
          const auto at = static_cast<std::size_t>(k * side_by_side + s);
          worst = std::max(worst, std::abs(sum - std::complex(data.re[at], data.im[at])));
        }
      }
      CAPTURE(n);
      CHECK(worst < 1e-12 * n);
      fft.Inverse(data, side_by_side);
      for (std::size_t i = 0; i < count; ++i) {
        CHECK(std::abs(data.re[i] - before.re[i]) < 1e-13 * n);
        CHECK(std::abs(data.im[i] - before.im[i]) < 1e-13 * n);
      }
    }
  }
}

TEST_CASE("a reference is a folder or a field, and the folder is looked at when bound") {
  CHECK(Refused("{}").find("name a folder") != std::string::npos);
  CHECK(Refused("{reference: tests/support/references, field: target}").find("one of both") !=
        std::string::npos);
  CHECK(Refused("{reference: no/such/folder}").find("no folder that can be read") !=
        std::string::npos);
  CHECK(Refused("{reference: tests/support/maps}").find("no pictures") != std::string::npos);
  CHECK(Refused("{reference: tests/support/references}").empty());
  CHECK(Refused("{field: target}").empty());
}

TEST_CASE("each picture of the folder is drawn; one that cannot be read is a data error") {
  const fs::path folder = fs::temp_directory_path() / ("pixloom_refs_" + std::to_string(getpid()));
  fs::create_directories(folder);
  fs::copy("tests/support/references/dusk.png", folder / "a.png");
  fs::copy("tests/support/references/sand.png", folder / "b.PNG");
  std::ofstream(folder / "c.jpg") << "no picture";
  std::ofstream(folder / "notes.txt") << "no picture either";
  const auto op = Bind("pixel_distribution",
                       fmt::format("{{reference: {}, blend: 1}}", folder.string()), WithCodec());
  std::vector<int> drawn(3);
  const cv::Mat picture = NoZeros({20, 20}, CV_8UC3);
  for (std::uint64_t id = 0; id < 60; ++id) {
    const Drawn d = Draw(*op, Picture(20, 20), id);
    const auto index = static_cast<std::size_t>(d.At("reference"));
    ++drawn.at(index);
    const auto out = std::get<ImageStep>(d.steps.at(0)).run(picture, {});
    REQUIRE(out.Ok() == (index < 2));
    if (!out) {
      CHECK(out.Error().code == "OP-REFERENCE");
      CHECK(out.Error().message.find("c.jpg") != std::string::npos);
    }
  }
  for (const int n : drawn) CHECK(n > 5);
  fs::remove_all(folder);
}

double MeanOf(const cv::Mat& picture, int channel) {
  cv::Mat one;
  cv::extractChannel(picture, one, channel);
  return cv::mean(one)[0];
}

TEST_CASE("another field as reference, in every pixel type") {
  for (const char* verb : {"histogram_matching", "fda", "pixel_distribution"}) {
    for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC3, CV_32FC1, CV_32FC3}) {
      CAPTURE(verb);
      CAPTURE(type);
      const bool is_float = CV_MAT_DEPTH(type) == CV_32F;
      const int channels = CV_MAT_CN(type);
      Sample sample;
      sample.images.emplace_back("image", ImageField::Of(NoZeros({30, 30}, type, 1)));
      sample.images[0].second.range = is_float ? ValueRange{-0.5F, 1.5F} : ValueRange{};
      // A dark 16-bit reference with little contrast: unit levels 0.2 to 0.3.
      cv::Mat dark = NoZeros({30, 30}, CV_MAKETYPE(CV_16U, channels == 1 ? 1 : 3), 2);
      dark.convertTo(dark, -1, 0.1, 13'107 - 655);
      sample.images.emplace_back("target", ImageField::Of(dark));
      const cv::Mat before = sample.images[0].second.frames[0].pixels.clone();
      // All frequencies, and spreads that leave nothing to saturate.
      const char* full = std::string(verb) == "fda" ? "beta: 0.5"
                         : std::string(verb) == "pixel_distribution"
                             ? "transform: standard, blend: 1"
                             : "blend: 1";
      const auto op = Bind(verb, fmt::format("{{field: target, {}}}", full), WithCodec());
      const Drawn drawn = DrawFor(*op, sample, {30, 30}, 1);
      EraseIn(drawn, sample);
      const cv::Mat& out = sample.images[0].second.frames[0].pixels;
      REQUIRE(out.type() == type);
      for (int c = 0; c < channels; ++c) {
        if (c == 3) {
          cv::Mat a, b;
          cv::extractChannel(out, a, 3);
          cv::extractChannel(before, b, 3);
          CHECK(Same(a, b));
          continue;
        }
        const double unit = MeanOf(dark, c) / 65'535;
        const double span = is_float ? 2 : type == CV_16UC3 ? 65'535 : 255;
        const double expected = unit * span - (is_float ? 0.5 : 0);
        CHECK(std::abs(MeanOf(out, c) - expected) < 0.004 * span);
      }
      CHECK(Same(sample.images[1].second.frames[0].pixels, dark));
      Sample without;
      without.images.emplace_back("image", ImageField::Of(before.clone()));
      const auto error = std::get<SampleStep>(drawn.steps.at(0)).run(without);
      REQUIRE(error);
      CHECK(error->code == "OP-REFERENCE");
    }
  }
}

TEST_CASE("flat pictures and references give finite, sensible results") {
  for (const char* verb : {"histogram_matching", "fda", "pixel_distribution"}) {
    for (const char* more : {"", ", transform: standard", ", transform: minmax"}) {
      if (more[0] != 0 && std::string(verb) != "pixel_distribution") continue;
      const auto op = Bind(verb, fmt::format("{{field: target{}}}", more), WithCodec());
      for (const Size size : {Size{1, 1}, Size{1, 7}, Size{9, 1}, Size{31, 17}}) {
        Sample sample;
        const cv::Mat flat(size.height, size.width, CV_32FC3, cv::Scalar(0.25, 0.5, 0.75));
        sample.images.emplace_back("image", ImageField::Of(flat));
        sample.images.emplace_back("target", ImageField::Of(flat.clone()));
        EraseIn(DrawFor(*op, sample, size, 1), sample);
        // A picture that is its own reference stays.
        CHECK(cv::norm(sample.images[0].second.frames[0].pixels, flat, cv::NORM_INF) < 1e-6);
      }
    }
  }
}

}  // namespace
}  // namespace pixloom::testing
