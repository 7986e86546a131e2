// SPDX-License-Identifier: Apache-2.0
// Sides of kernels: whole numbers drawn from a range. Pure functions.
#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "pipeline/rng.h"

namespace pixloom {

// The whole numbers first, first + step, ... of a range.
struct WholeNumbers {
  int first = 0;
  int step = 1;
  int count = 0;
};

inline WholeNumbers OddIn(const Range& range) {
  const int first = 2 * static_cast<int>(std::ceil((range.lo - 1) / 2)) + 1;
  return {first, 2, static_cast<int>(std::floor((range.hi - first) / 2)) + 1};
}

inline WholeNumbers WholeIn(const Range& range) {
  const int first = static_cast<int>(std::ceil(range.lo));
  return {first, 1, static_cast<int>(std::floor(range.hi)) - first + 1};
}

// "" or what is wrong: a side is odd, a set holds nothing else.
inline std::string CheckOdd(std::string_view name, const Range& range) {
  for (const double side : range.choice) {
    if (std::remainder(side - 1, 2) != 0) {
      return fmt::format("{}: {} is no odd number; a kernel has a middle", name, side);
    }
  }
  if (!range.choice.empty() || OddIn(range).count > 0) return "";
  return fmt::format("{}: no odd number lies in [{}, {}]; a kernel has a middle", name, range.lo,
                     range.hi);
}

inline std::string CheckWhole(std::string_view name, const Range& range) {
  for (const double value : range.choice) {
    if (value != std::floor(value)) {
      return fmt::format("{}: {} is no whole number", name, value);
    }
  }
  if (!range.choice.empty() || WholeIn(range).count > 0) return "";
  return fmt::format("{}: no whole number lies in [{}, {}]", name, range.lo, range.hi);
}

// One of the numbers, with equal chance. REQUIRES: the check found nothing.
inline int DrawFrom(Rng& rng, std::string_view name, const Range& range, WholeNumbers numbers) {
  int value = 0;
  if (range.choice.empty()) {
    value = numbers.first + numbers.step * static_cast<int>(rng.Unit() * numbers.count);
  } else {
    value = static_cast<int>(rng.Draw("", range));
  }
  rng.Note(name, value);
  return value;
}

inline int DrawOdd(Rng& rng, std::string_view name, const Range& range) {
  return DrawFrom(rng, name, range, OddIn(range));
}

inline int DrawWhole(Rng& rng, std::string_view name, const Range& range) {
  return DrawFrom(rng, name, range, WholeIn(range));
}

}  // namespace pixloom
