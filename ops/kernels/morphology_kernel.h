// SPDX-License-Identifier: Apache-2.0
// Erosion and dilation of pictures, class indices and bit masks. Copies of values that are there:
// the same bits on every CPU. Pure functions.
#pragma once

#include <opencv2/core.hpp>

namespace pixloom {

enum class ElementShape { kRect, kEllipse, kCross };
enum class MorphKind { kErode, kDilate };

// CV_8U of `side` x `side`, side odd: 1 where the element has a neighbour.
cv::Mat StructuringElement(ElementShape shape, int side);

// Least (erode) or greatest (dilate) value under the element, channel by channel; what lies outside
// the picture does not count.
cv::Mat Morph(const cv::Mat& image, MorphKind kind, const cv::Mat& element);

// Class 0 is the background. Eroding, it takes every pixel that has background under the element;
// dilating, its pixels take the class of the nearest pixel under the element that has another one
// (of equally near ones the lowest class). Pixels of `ignore_index` stay and count as neither.
cv::Mat MorphClasses(const cv::Mat& mask, MorphKind kind, const cv::Mat& element, int ignore_index);

}  // namespace pixloom
