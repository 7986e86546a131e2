// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/hsv_rows.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "ops/families.h"
#include "tests/support/image_reference.h"

namespace pixloom {
namespace {

using namespace testing;

struct Shift {
  double turns = 0, saturation = 0, value = 0;
  bool shifts = false;

  std::shared_ptr<const PixelKernel> Kernel() const {
    return shifts ? ShiftHsvKernel(turns, saturation, value) : TurnHueKernel(turns);
  }
};

const std::vector<Shift>& Shifts() {
  static const std::vector<Shift> shifts{{0},
                                         {1.0 / 3},
                                         {-0.21},
                                         {0.9999},
                                         {-7.4},
                                         {0.5},
                                         {0, 0, 0, true},
                                         {0.3, 0.2, -0.1, true},
                                         {-0.1, -0.5, 0.3, true},
                                         {0.7, 1, 1, true},
                                         {0, -1, -1, true}};
  return shifts;
}

// A colour by its angle on the hexcone, in float64: value less chroma where the angle is more than
// a sixth of a turn from the channel's own.
std::array<double, 3> Shifted(std::array<double, 3> rgb, const Shift& shift, double top) {
  const double high = std::max({rgb[0], rgb[1], rgb[2]});
  const double low = std::min({rgb[0], rgb[1], rgb[2]});
  double chroma = high > 0 ? high - low : 0;
  double hue = 0;
  if (chroma > 0) {
    if (high == rgb[0]) {
      hue = (rgb[1] - rgb[2]) / chroma;
    } else if (high == rgb[1]) {
      hue = 2 + (rgb[2] - rgb[0]) / chroma;
    } else {
      hue = 4 + (rgb[0] - rgb[1]) / chroma;
    }
  }
  hue = hue / 6 + shift.turns;
  hue -= std::floor(hue);
  double value = high;
  if (shift.shifts) {
    const double saturation =
        chroma > 0 ? std::clamp(chroma / high + shift.saturation, 0.0, 1.0) : 0;
    value = std::clamp(high + shift.value, 0.0, top);
    chroma = saturation * value;
  }
  std::array<double, 3> out{};
  for (std::size_t c = 0; c < 3; ++c) {
    double distance = std::abs(hue - static_cast<double>(c) / 3);
    distance = std::min(distance, 1 - distance);
    out[c] = value - chroma * std::clamp(6 * distance - 1, 0.0, 1.0);
  }
  return out;
}

cv::Mat Changed(const cv::Mat& image, const Shift& shift) {
  cv::Mat out = image.clone();
  const ColourStep steps[] = {PixelStep{shift.Kernel()}};
  MakeFamilies()->Colour(out, steps, {}, true);
  return out;
}

double Top(int depth) { return depth == CV_8U ? 255 : depth == CV_16U ? 65535 : 1; }

// Half a level, and what float32 may be off.
double Allowed(int depth) { return depth == CV_8U ? 0.5002 : depth == CV_16U ? 0.56 : 3e-6; }

void CheckPixels(const cv::Mat& image, const Shift& shift) {
  const cv::Mat out = Changed(image, shift);
  const double top = Top(image.depth());
  const bool is_float = image.depth() == CV_32F;
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      std::array<double, 3> rgb{};
      for (int c = 0; c < 3; ++c) {
        rgb[static_cast<std::size_t>(c)] = ValueAt(image, x, y, c) / top;
      }
      const auto expected = Shifted(rgb, shift, is_float ? INFINITY : 1);
      for (int c = 0; c < 3; ++c) {
        const double level = expected[static_cast<std::size_t>(c)] * top;
        REQUIRE(std::abs(ValueAt(out, x, y, c) - level) <= Allowed(image.depth()));
      }
      if (image.channels() == 4) REQUIRE(ValueAt(out, x, y, 3) == ValueAt(image, x, y, 3));
    }
  }
}

TEST_CASE("rows are turned and shifted as the hexcone is") {
  SweepImages([&](int width, int height, int depth, int channels) {
    const cv::Mat image = RandomImage(width, height, depth, channels);
    for (const Shift& shift : Shifts()) {
      if (channels == 3 || channels == 4) {
        CheckPixels(image, shift);
      } else {
        REQUIRE(SamePixels(Changed(image, shift), image));
      }
    }
  });
}

TEST_CASE("colours at the corners and edges of the cube, and grays") {
  cv::Mat image(27, 27, CV_8UC3);
  for (int i = 0; i < 729; ++i) {
    image.ptr<cv::Vec3b>()[i] = {static_cast<std::uint8_t>(i / 81 * 255 / 8),
                                 static_cast<std::uint8_t>(i / 9 % 9 * 255 / 8),
                                 static_cast<std::uint8_t>(i % 9 * 255 / 8)};
  }
  for (const Shift& shift : Shifts()) CheckPixels(image, shift);
  cv::Mat same = Changed(image, {});
  CHECK(SamePixels(same, image));
  cv::Mat gray(1, 256, CV_8UC3);
  for (int i = 0; i < 256; ++i) {
    const auto level = static_cast<std::uint8_t>(i);
    gray.ptr<cv::Vec3b>()[i] = {level, level, level};
  }
  CHECK(SamePixels(Changed(gray, {0.4}), gray));
  CHECK(SamePixels(Changed(gray, {0.4, 0.5, 0, true}), gray));
}

TEST_CASE("every instruction set gives the same bits, at every width") {
  for (const int depth : kSweepDepths) {
    for (const int channels : {3, 4}) {
      for (int width = 1; width < 90; ++width) {
        const cv::Mat image = RandomImage(width, 2, depth, channels);
        for (const std::size_t k : {1, 7}) {
          const cv::Mat expected = Changed(image, Shifts()[k]);
          ForEachTarget([&](const char* target) {
            CAPTURE(target);
            CAPTURE(width);
            REQUIRE(SamePixels(Changed(image, Shifts()[k]), expected));
          });
        }
      }
    }
  }
}

TEST_CASE("from one row into another") {
  const cv::Mat image = RandomImage(45, 1, CV_8U, 3);
  for (const int channels : {1, 3}) {
    cv::Mat out = cv::Mat::zeros(1, 45, CV_8UC3);
    const int pixels = 135 / channels;
    Shifts()[7].Kernel()->Row(image.ptr(), out.ptr(), pixels, channels, {});
    CHECK(SamePixels(out, channels == 1 ? image : Changed(image, Shifts()[7])));
  }
}

}  // namespace
}  // namespace pixloom
