// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/light_field.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "ops/kernels/light_rows.h"
#include "ops/kernels/noise_kernel.h"
#include "ops/kernels/pixel_math.h"
#include "pipeline/error.h"

namespace pixloom {
namespace {

template <class T>
void RelightRows(const cv::Mat& in, ValueRange range, const LightRow& light,
                 const std::array<float, 3>& colour, cv::Mat& out) {
  constexpr bool kFloat = std::is_floating_point_v<T>;
  const float low = kFloat ? range.lo : 0;
  const float span = kFloat ? range.hi - range.lo : static_cast<float>(kLevels<T>);
  const float scale[3] = {colour[0] * span, colour[1] * span, colour[2] * span};
  std::vector<float> gain(static_cast<std::size_t>(in.cols), 1.0F);
  std::vector<float> offset(static_cast<std::size_t>(in.cols), 0.0F);
  for (int y = 0; y < in.rows; ++y) {
    light(y, gain.data(), offset.data());
    RelightRow(in.ptr<T>(y), {gain.data(), offset.data(), scale, low}, in.channels(), out.ptr<T>(y),
               static_cast<std::size_t>(in.cols));
  }
}

}  // namespace

cv::Mat Relight(const cv::Mat& in, ValueRange range, const LightRow& light,
                const std::array<float, 3>& colour) {
  cv::Mat out(in.size(), in.type());
  WithDepth(in, [&](auto zero) { RelightRows<decltype(zero)>(in, range, light, colour, out); });
  return out;
}

GridRows::GridRows(const cv::Mat& nodes, double cell_width, double cell_height, int width)
    : nodes_(nodes), cell_height_(cell_height), row_(static_cast<std::size_t>(width)) {
  PIXLOOM_CHECK(nodes.type() == CV_32FC1 && nodes.cols >= 2 && nodes.rows >= 2,
                "a grid of light is 2 x 2 floats or more");
  for (auto& line : lines_) line.resize(row_.size());
  for (int x = 0; x < width; ++x) {
    const double position = (x + 0.5) / cell_width;
    cell_.push_back(std::min(static_cast<int>(position), nodes.cols - 2));
    at_.push_back(static_cast<float>(position - cell_.back()));
  }
}

const std::vector<float>& GridRows::Stretched(int row) {
  const auto slot = static_cast<std::size_t>(row % 2);
  std::vector<float>& line = lines_[slot];
  if (held_[slot] == row) return line;
  held_[slot] = row;
  const float* node = nodes_.ptr<float>(row);
  for (std::size_t x = 0; x < line.size(); ++x) {
    const float* left = node + cell_[x];
    line[x] = left[0] + at_[x] * (left[1] - left[0]);
  }
  return line;
}

const float* GridRows::Row(int y) {
  const double position = (y + 0.5) / cell_height_;
  const int row = std::min(static_cast<int>(position), nodes_.rows - 2);
  const auto t = static_cast<float>(position - row);
  const float* upper = Stretched(row).data();
  const float* lower = Stretched(row + 1).data();
  float* out = row_.data();
  for (std::size_t x = 0; x < row_.size(); ++x) out[x] = upper[x] + t * (lower[x] - upper[x]);
  return out;
}

namespace {

// Twice as many cells; the function stays the same.
cv::Mat Refined(const cv::Mat& nodes) {
  cv::Mat fine(2 * nodes.rows - 1, 2 * nodes.cols - 1, CV_32FC1);
  for (int y = 0; y < nodes.rows; ++y) {
    const float* in = nodes.ptr<float>(y);
    float* out = fine.ptr<float>(2 * y);
    for (int x = 0; x < nodes.cols; ++x) out[2 * x] = in[x];
    for (int x = 0; x + 1 < nodes.cols; ++x) out[2 * x + 1] = 0.5F * (in[x] + in[x + 1]);
  }
  for (int y = 1; y < fine.rows; y += 2) {
    const float* above = fine.ptr<float>(y - 1);
    const float* below = fine.ptr<float>(y + 1);
    float* out = fine.ptr<float>(y);
    for (int x = 0; x < fine.cols; ++x) out[x] = 0.5F * (above[x] + below[x]);
  }
  return fine;
}

void SpreadToUnit(cv::Mat nodes) {
  float low = nodes.at<float>(0, 0);
  float high = low;
  for (int y = 0; y < nodes.rows; ++y) {
    const auto [least, most] =
        std::minmax_element(nodes.ptr<float>(y), nodes.ptr<float>(y) + nodes.cols);
    low = std::min(low, *least);
    high = std::max(high, *most);
  }
  const float spread = high - low;
  for (int y = 0; y < nodes.rows; ++y) {
    float* row = nodes.ptr<float>(y);
    for (int x = 0; x < nodes.cols; ++x) row[x] = spread > 0 ? (row[x] - low) / spread : 0.5F;
  }
}

}  // namespace

Plasma MakePlasma(Size picture, int octaves, double roughness, StreamKey key) {
  PIXLOOM_CHECK(octaves >= 1 && octaves <= kMostOctaves, "octaves out of range");
  std::size_t values = 0;
  for (int k = 1; k <= octaves; ++k) {
    const std::size_t side = (std::size_t{1} << k) + 1;
    values += side * side;
  }
  std::vector<float> noise(values + kNormalPadding);
  FillSignedUniforms(key, 0, noise.data(), values);

  cv::Mat nodes(2, 2, CV_32FC1, cv::Scalar(0));
  const float* next = noise.data();
  float amplitude = 1;
  for (int k = 1; k <= octaves; ++k) {
    nodes = Refined(nodes);
    for (int y = 0; y < nodes.rows; ++y) {
      float* row = nodes.ptr<float>(y);
      for (int x = 0; x < nodes.cols; ++x) row[x] += amplitude * *next++;
    }
    amplitude *= static_cast<float>(roughness);
  }

  Plasma plasma;
  plasma.cell = static_cast<double>(std::max(picture.width, picture.height)) / (1 << octaves);
  // Cells up to the one that holds the centre of the last pixel.
  const auto seen = [&](int pixels) {
    return std::min(static_cast<int>((pixels - 0.5) / plasma.cell), nodes.cols - 2) + 2;
  };
  plasma.nodes = nodes(cv::Rect(0, 0, seen(picture.width), seen(picture.height))).clone();
  SpreadToUnit(plasma.nodes);
  return plasma;
}

}  // namespace pixloom
