// SPDX-License-Identifier: Apache-2.0
#include "ops/types/levels.h"

#include "ops/kernels/pixel_math.h"
#include "pipeline/error.h"

namespace pixloom {
namespace {

template <class From, class To>
void MapRow(const From* in, To* out, std::ptrdiff_t count, float gain, float offset) {
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    out[i] = RoundTo<To>(static_cast<float>(in[i]) * gain + offset);
  }
}

template <class From, class To>
void MapAll(const cv::Mat& in, cv::Mat& out, double gain, double offset) {
  const std::ptrdiff_t count = std::ptrdiff_t{in.cols} * in.channels();
  for (int y = 0; y < in.rows; ++y) {
    if constexpr (std::is_same_v<From, std::uint16_t> && std::is_same_v<To, std::uint8_t>) {
      // In float32 a level next to a half may fall on it.
      const auto* from = in.ptr<From>(y);
      auto* to = out.ptr<To>(y);
      for (std::ptrdiff_t i = 0; i < count; ++i) to[i] = RoundTo<To>(from[i] * gain + offset);
    } else {
      MapRow(in.ptr<From>(y), out.ptr<To>(y), count, static_cast<float>(gain),
             static_cast<float>(offset));
    }
  }
}

template <class From>
void MapTo(const cv::Mat& in, cv::Mat& out, double gain, double offset) {
  switch (out.depth()) {
    case CV_8U:
      return MapAll<From, std::uint8_t>(in, out, gain, offset);
    case CV_16U:
      return MapAll<From, std::uint16_t>(in, out, gain, offset);
    default:
      return MapAll<From, float>(in, out, gain, offset);
  }
}

}  // namespace

cv::Mat MapLevels(const cv::Mat& in, Depth to, double gain, double offset) {
  cv::Mat out(in.rows, in.cols, CV_MAKETYPE(CvDepth(to), in.channels()));
  switch (in.depth()) {
    case CV_8U:
      MapTo<std::uint8_t>(in, out, gain, offset);
      break;
    case CV_16U:
      MapTo<std::uint16_t>(in, out, gain, offset);
      break;
    default:
      MapTo<float>(in, out, gain, offset);
  }
  return out;
}

}  // namespace pixloom
