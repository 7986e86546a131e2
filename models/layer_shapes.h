// SPDX-License-Identifier: Apache-2.0
// What a layer makes of the shapes it reads. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/layer_list.h"
#include "pipeline/error.h"

namespace pixloom {

// The most that is taken on: beyond it a list is a mistake, or meant to do harm.
inline constexpr std::int64_t kMostElements = 1 << 28;  // numbers of one item in one layer
inline constexpr std::int64_t kMostMultiple = 1024;     // px that sides must be multiples of
inline constexpr std::int64_t kMostScale = 64;          // of an open side, up
inline constexpr std::int64_t kMostFeatures = 1 << 24;  // of a layer
inline constexpr std::int64_t kMostChannels = 1 << 16;  // of a layer

// The shape of `layer`'s output, or what is wrong, in words, naming the shapes. Of a reshape the
// target stands in layer.shape; none: flatten.
Result<Shape, std::string> ShapeOf(const Layer& layer, const std::vector<Shape>& inputs);

inline bool IsPicture(const Shape& shape) { return shape.size() == 3; }

// -1 when a side is open.
std::int64_t ShapeElements(const Shape& shape);

}  // namespace pixloom
