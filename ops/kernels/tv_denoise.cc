// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/tv_denoise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "ops/kernels/pixel_math.h"

namespace pixloom {
namespace {

// One channel: the dual field and two rows of the estimate it stands for.
struct Channel {
  cv::Mat plane;
  cv::Mat across;  // dual of the difference to the right
  cv::Mat down;    // dual of the difference below
  std::array<std::vector<float>, 2> estimate;
};

// Row y of plane + divergence of the dual field.
void Estimate(const Channel& channel, int y, float* out) {
  const float* in = channel.plane.ptr<float>(y);
  const float* across = channel.across.ptr<float>(y);
  const float* down = channel.down.ptr<float>(y);
  const int width = channel.plane.cols;
  for (int x = 0; x < width; ++x) out[x] = in[x] - across[x] - down[x];
  for (int x = 1; x < width; ++x) out[x] += across[x - 1];
  if (y == 0) return;
  const float* above = channel.down.ptr<float>(y - 1);
  for (int x = 0; x < width; ++x) out[x] += above[x];
}

}  // namespace

std::vector<cv::Mat> TvDenoise(const std::vector<cv::Mat>& planes, double weight, int rounds) {
  PIXLOOM_CHECK(weight > 0, "a weight of nought changes nothing");
  constexpr float kStep = 0.25F;  // converges up to 1/4 in two dimensions
  const auto scale = static_cast<float>(kStep / weight);
  const int width = planes[0].cols;
  const int height = planes[0].rows;
  const auto columns = static_cast<std::size_t>(width);
  std::vector<Channel> channels;
  for (const cv::Mat& plane : planes) {
    Channel& channel = channels.emplace_back();
    channel.plane = plane;
    channel.across = cv::Mat::zeros(plane.size(), CV_32FC1);
    channel.down = cv::Mat::zeros(plane.size(), CV_32FC1);
    for (auto& row : channel.estimate) row.resize(columns);
  }
  std::vector<float> length(columns);
  std::vector<float> right(columns);
  std::vector<float> below(columns);
  const auto differences = [&](const Channel& channel, int y) {
    const float* own = channel.estimate[static_cast<std::size_t>(y % 2)].data();
    const float* next = channel.estimate[static_cast<std::size_t>((y + 1) % 2)].data();
    for (std::size_t x = 0; x + 1 < columns; ++x) right[x] = own[x + 1] - own[x];
    right[columns - 1] = 0;
    if (y + 1 < height) {
      for (std::size_t x = 0; x < columns; ++x) below[x] = next[x] - own[x];
    } else {
      std::fill(below.begin(), below.end(), 0.0F);
    }
  };
  for (int round = 0; round < rounds; ++round) {
    for (Channel& channel : channels) Estimate(channel, 0, channel.estimate[0].data());
    for (int y = 0; y < height; ++y) {
      // The next row still sees the field of the last round.
      for (Channel& channel : channels) {
        if (y + 1 < height) {
          Estimate(channel, y + 1, channel.estimate[static_cast<std::size_t>((y + 1) % 2)].data());
        }
      }
      std::fill(length.begin(), length.end(), 0.0F);
      for (const Channel& channel : channels) {
        differences(channel, y);
        for (std::size_t x = 0; x < columns; ++x) {
          length[x] += right[x] * right[x] + below[x] * below[x];
        }
      }
      for (std::size_t x = 0; x < columns; ++x) length[x] = 1 + scale * std::sqrt(length[x]);
      for (Channel& channel : channels) {
        differences(channel, y);
        float* across = channel.across.ptr<float>(y);
        float* down = channel.down.ptr<float>(y);
        for (std::size_t x = 0; x < columns; ++x) {
          across[x] = (across[x] - kStep * right[x]) / length[x];
          down[x] = (down[x] - kStep * below[x]) / length[x];
        }
      }
    }
  }
  std::vector<cv::Mat> out;
  for (const Channel& channel : channels) {
    cv::Mat& plane = out.emplace_back(planes[0].size(), CV_32FC1);
    for (int y = 0; y < height; ++y) Estimate(channel, y, plane.ptr<float>(y));
  }
  return out;
}

}  // namespace pixloom
