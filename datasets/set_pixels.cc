// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_pixels.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pixloom {

namespace {

// Each channel as a picture of its own.
std::vector<cv::Mat> Planes(const cv::Mat& pixels) {
  std::vector<cv::Mat> planes;
  if (pixels.dims == 2) {
    cv::split(pixels, planes);
    return planes;
  }
  for (int c = 0; c < pixels.size[0]; ++c) {
    // A view; the planes of a picture are continuous by themselves.
    planes.emplace_back(pixels.size[1], pixels.size[2], CV_MAKETYPE(pixels.depth(), 1),
                        const_cast<std::uint8_t*>(pixels.ptr(c)), pixels.step[1]);
  }
  return planes;
}

cv::Mat Stacked(const std::vector<cv::Mat>& planes) {
  const std::array sides{static_cast<int>(planes.size()), planes[0].rows, planes[0].cols};
  cv::Mat stacked(3, sides.data(), CV_MAKETYPE(planes[0].depth(), 1));
  for (std::size_t c = 0; c < planes.size(); ++c) {
    cv::Mat plane(planes[c].rows, planes[c].cols, planes[c].type(),
                  stacked.ptr(static_cast<int>(c)));
    planes[c].copyTo(plane);
  }
  return stacked;
}

}  // namespace

cv::Mat Arranged(const cv::Mat& pixels, const PixelOrder& order) {
  const bool planar = pixels.dims == 3;
  const int channels = planar ? pixels.size[0] : pixels.channels();
  const bool widen = order.widen && channels == 1;
  const bool swap = order.bgr && (channels >= 3);
  if (planar == order.planar && !widen && !swap) {
    return pixels.isContinuous() ? pixels : pixels.clone();
  }
  std::vector<cv::Mat> planes = Planes(pixels);
  if (widen) planes.resize(3, planes[0]);
  if (swap) std::swap(planes[0], planes[2]);
  if (order.planar) return Stacked(planes);
  cv::Mat merged;
  cv::merge(planes, merged);
  return merged;
}

std::vector<std::uint64_t> ShapeOf(const cv::Mat& pixels) {
  const auto side = [](int n) { return static_cast<std::uint64_t>(n); };
  if (pixels.dims == 3) return {side(pixels.size[0]), side(pixels.size[1]), side(pixels.size[2])};
  return {side(pixels.rows), side(pixels.cols), side(pixels.channels())};
}

Element ElementOfDepth(Depth depth) {
  switch (depth) {
    case Depth::kU8:
      return Element::kU8;
    case Depth::kU16:
      return Element::kU16;
    case Depth::kF32:
      return Element::kF32;
  }
  return Element::kU8;
}

}  // namespace pixloom
