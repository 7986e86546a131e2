// SPDX-License-Identifier: Apache-2.0
// The columns and groups that samples become, as docs/hdf5.md lists them: one table for those who
// write rows and those who read them. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "datasets/set_row.h"

namespace pixloom::parts {

// One entry is a number, or a list of `each` numbers.
struct Part {
  std::string_view path;
  std::string_view per;
  Element element;
  std::uint64_t each = 0;

  Column Of() const {
    Column column{std::string(path), std::string(per), element, {}};
    if (each > 0) column.shape = {each};
    return column;
  }
};

inline constexpr std::string_view kEncoded = "encoded";
inline constexpr std::string_view kInstances = "instances";
inline constexpr std::string_view kAttributes = "instances/attributes";  // JSON, per object
inline constexpr std::string_view kRings = "instances/rings";
inline constexpr std::string_view kRingPoints = "instances/rings/points";
inline constexpr std::string_view kPoints = "instances/points";  // where keypoints have no names
inline constexpr std::string_view kRuns = "instances/runs";
inline constexpr std::string_view kKey = "meta/key";
inline constexpr std::string_view kSource = "meta/source";
inline constexpr std::string_view kBranch = "meta/branch";
inline constexpr std::string_view kRecipe = "recipe";

inline constexpr Part kSampleId{"meta/id", "", Element::kU64};
inline constexpr Part kSeq{"meta/seq", "", Element::kU64};

inline constexpr Part kId{"instances/id", kInstances, Element::kI64};
inline constexpr Part kClass{"instances/class", kInstances, Element::kI32};
inline constexpr Part kBox{"instances/box", kInstances, Element::kF32, 4};
inline constexpr Part kQuad{"instances/quad", kInstances, Element::kF32, 8};
inline constexpr Part kArea{"instances/area", kInstances, Element::kF64};
inline constexpr Part kMaskSize{"instances/mask_size", kInstances, Element::kI32, 2};
inline constexpr Part kRunCounts{"instances/runs/counts", kRuns, Element::kU32};
inline constexpr Part kRingPart{"instances/rings/part", kRings, Element::kI32};
inline constexpr Part kRingXy{"instances/rings/points/xy", kRingPoints, Element::kF32, 2};
inline constexpr Part kPointXyv{"instances/points/xyv", kPoints, Element::kF32, 3};
inline constexpr std::string_view kKeypoints = "instances/keypoints";  // f32 [K,3] per object

inline constexpr std::string_view kSoft = "labels_soft";
inline constexpr std::string_view kMulti = "labels_multi";

// Per name; what follows is a PathPart.
inline constexpr std::string_view kFields = "fields/";
inline constexpr std::string_view kMasks = "masks/";
inline constexpr std::string_view kIgnore = "ignore_index/";  // i32: of the mask of this name
inline constexpr std::string_view kRange = "range/";  // f32 [2]: of the float picture of this name
inline constexpr std::string_view kScalars = "attributes/";
inline constexpr std::string_view kText = "text/";

// What groups of encoded pictures and of text have.
inline constexpr std::string_view kBytes = "bytes";  // u8, per entry of the group
inline constexpr std::string_view kShape = "shape";  // i32 [3], per row: height, width, channels

inline std::string Below(std::string_view group, std::string_view name) {
  return std::string(group) + "/" + std::string(name);
}

template <class T>
constexpr Element ElementOf() {
  if constexpr (std::is_same_v<T, std::uint8_t>) return Element::kU8;
  if constexpr (std::is_same_v<T, std::uint16_t>) return Element::kU16;
  if constexpr (std::is_same_v<T, std::uint32_t>) return Element::kU32;
  if constexpr (std::is_same_v<T, std::uint64_t>) return Element::kU64;
  if constexpr (std::is_same_v<T, std::int32_t>) return Element::kI32;
  if constexpr (std::is_same_v<T, std::int64_t>) return Element::kI64;
  if constexpr (std::is_same_v<T, float>) return Element::kF32;
  if constexpr (std::is_same_v<T, double>) return Element::kF64;
}

}  // namespace pixloom::parts
