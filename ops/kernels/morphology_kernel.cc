// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/morphology_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <tuple>
#include <vector>

#include <opencv2/imgproc.hpp>

#include "pipeline/error.h"

namespace pixloom {
namespace {

struct Neighbour {
  int square = 0;  // of the distance
  int x = 0;
  int y = 0;
};

std::vector<Neighbour> NearestFirst(const cv::Mat& element) {
  std::vector<Neighbour> neighbours;
  const int radius = element.rows / 2;
  for (int y = -radius; y <= radius; ++y) {
    for (int x = -radius; x <= radius; ++x) {
      if (element.at<std::uint8_t>(y + radius, x + radius) == 0) continue;
      neighbours.push_back({x * x + y * y, x, y});
    }
  }
  std::sort(neighbours.begin(), neighbours.end(), [](const Neighbour& a, const Neighbour& b) {
    return std::tuple(a.square, a.y, a.x) < std::tuple(b.square, b.y, b.x);
  });
  return neighbours;
}

template <class T>
void Grow(const cv::Mat& mask, const cv::Mat& reached, const cv::Mat& element, int ignore_index,
          cv::Mat& out) {
  const std::vector<Neighbour> neighbours = NearestFirst(element);
  for (int y = 0; y < mask.rows; ++y) {
    const T* row = mask.ptr<T>(y);
    const std::uint8_t* near = reached.ptr(y);
    for (int x = 0; x < mask.cols; ++x) {
      if (near[x] == 0 || row[x] != 0) continue;
      int best = 0;
      int distance = 0;
      for (const Neighbour& n : neighbours) {
        if (best != 0 && n.square > distance) break;
        const int at_x = x + n.x;
        const int at_y = y + n.y;
        if (at_x < 0 || at_y < 0 || at_x >= mask.cols || at_y >= mask.rows) continue;
        const int other = mask.ptr<T>(at_y)[at_x];
        if (other == 0 || other == ignore_index || (best != 0 && other >= best)) continue;
        best = other;
        distance = n.square;
      }
      out.ptr<T>(y)[x] = static_cast<T>(best);
    }
  }
}

}  // namespace

cv::Mat StructuringElement(ElementShape shape, int side) {
  PIXLOOM_CHECK(side % 2 == 1, "an element has a middle");
  const int radius = side / 2;
  cv::Mat element = cv::Mat::zeros(side, side, CV_8U);
  for (int y = -radius; y <= radius; ++y) {
    int reach = radius;
    if (shape == ElementShape::kCross && y != 0) reach = 0;
    if (shape == ElementShape::kEllipse) {
      reach = static_cast<int>(std::sqrt(static_cast<double>(radius * radius - y * y)) + 0.5);
    }
    element.row(y + radius).colRange(radius - reach, radius + reach + 1).setTo(1);
  }
  return element;
}

cv::Mat Morph(const cv::Mat& image, MorphKind kind, const cv::Mat& element) {
  cv::Mat source = image;
  if (image.depth() == CV_32F) {
    // Zeros of both signs are one value; which of them a minimum returns would depend on the CPU.
    source = cv::Mat(image.size(), image.type());
    const int values = image.cols * image.channels();
    for (int y = 0; y < image.rows; ++y) {
      const float* in = image.ptr<float>(y);
      float* to = source.ptr<float>(y);
      for (int i = 0; i < values; ++i) to[i] = in[i] + 0.0F;
    }
  }
  cv::Mat out;
  if (kind == MorphKind::kErode) {
    cv::erode(source, out, element);
  } else {
    cv::dilate(source, out, element);
  }
  return out;
}

cv::Mat MorphClasses(const cv::Mat& mask, MorphKind kind, const cv::Mat& element,
                     int ignore_index) {
  cv::Mat out = mask.clone();
  if (ignore_index == 0) return out;  // there is no background
  const cv::Mat background = mask == 0;
  cv::Mat reached;
  if (kind == MorphKind::kErode) {
    cv::dilate(background, reached, element);
    reached.setTo(0, mask == ignore_index);
    out.setTo(0, reached);
    return out;
  }
  cv::Mat foreground = ~background;
  foreground.setTo(0, mask == ignore_index);
  cv::dilate(foreground, reached, element);
  if (mask.depth() == CV_16U) {
    Grow<std::uint16_t>(mask, reached, element, ignore_index, out);
  } else {
    Grow<std::uint8_t>(mask, reached, element, ignore_index, out);
  }
  return out;
}

}  // namespace pixloom
