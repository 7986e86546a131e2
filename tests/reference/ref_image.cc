// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/reference/parts.h"

namespace pixloom::reference {

Image64::Image64(Size s, int c, Depth d, ValueRange r) : size(s), channels(c), depth(d), range(r) {
  values.assign(static_cast<std::size_t>(s.Area()) * static_cast<std::size_t>(c), 0.0);
}

double Image64::Span() const {
  switch (depth) {
    case Depth::kU8:
      return 255;
    case Depth::kU16:
      return 65535;
    case Depth::kF32:
      return static_cast<double>(range.hi) - range.lo;
  }
  return 1;
}

namespace {

template <class T>
void Load(const cv::Mat& pixels, Image64& image) {
  std::size_t i = 0;
  for (int y = 0; y < pixels.rows; ++y) {
    const T* row = pixels.ptr<T>(y);
    for (int x = 0; x < pixels.cols * pixels.channels(); ++x) image.values[i++] = row[x];
  }
}

template <class T>
void Store(const Image64& image, cv::Mat& pixels) {
  std::size_t i = 0;
  for (int y = 0; y < pixels.rows; ++y) {
    T* row = pixels.ptr<T>(y);
    for (int x = 0; x < pixels.cols * pixels.channels(); ++x) {
      row[x] = static_cast<T>(image.values[i++]);
    }
  }
}

}  // namespace

Image64 FromMat(const cv::Mat& pixels, ValueRange range) {
  Image64 image({pixels.cols, pixels.rows}, pixels.channels(), DepthOf(pixels), range);
  switch (image.depth) {
    case Depth::kU8:
      Load<std::uint8_t>(pixels, image);
      break;
    case Depth::kU16:
      Load<std::uint16_t>(pixels, image);
      break;
    case Depth::kF32:
      Load<float>(pixels, image);
      break;
  }
  return image;
}

void RoundToDepth(Image64& image, double shift) {
  if (image.depth == Depth::kF32) return;
  for (double& v : image.values) {
    v = std::clamp(std::floor(v + shift * image.Span() + 0.5), 0.0, image.Span());
  }
}

cv::Mat ToMat(const Image64& image) {
  Image64 rounded = image;
  RoundToDepth(rounded);
  cv::Mat pixels(image.size.height, image.size.width,
                 CV_MAKETYPE(CvDepth(image.depth), image.channels));
  switch (image.depth) {
    case Depth::kU8:
      Store<std::uint8_t>(rounded, pixels);
      break;
    case Depth::kU16:
      Store<std::uint16_t>(rounded, pixels);
      break;
    case Depth::kF32:
      Store<float>(rounded, pixels);
      break;
  }
  return pixels;
}

namespace {
bool SameShape(const Image64& expected, const cv::Mat& actual) {
  return !actual.empty() && expected.size == Size{actual.cols, actual.rows} &&
         expected.channels == actual.channels() && CvDepth(expected.depth) == actual.depth();
}
}  // namespace

double MaxDifference(const Image64& expected, const cv::Mat& actual) {
  if (!SameShape(expected, actual)) return std::numeric_limits<double>::infinity();
  const Image64 other = FromMat(actual, expected.range);
  double worst = 0;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const double difference = std::abs(expected.values[i] - other.values[i]);
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, difference);
  }
  return worst;
}

std::size_t CountDifferences(const Image64& expected, const cv::Mat& actual, double tolerance) {
  if (!SameShape(expected, actual)) return std::numeric_limits<std::size_t>::max();
  const Image64 other = FromMat(actual, expected.range);
  std::size_t count = 0;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    if (!(std::abs(expected.values[i] - other.values[i]) <= tolerance)) ++count;
  }
  return count;
}

}  // namespace pixloom::reference
