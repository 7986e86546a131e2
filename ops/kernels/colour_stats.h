// SPDX-License-Identifier: Apache-2.0
// Statistics that pixel steps ask for. A meter belongs to one thread; it is fed whole rows, top to
// bottom, so that results do not depend on how the image was cut into strips.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "pipeline/sample.h"
#include "pipeline/step.h"

namespace pixloom {

// BT.601 luma as images store it: integers are rounded half up, by exact integer arithmetic.
template <class T>
inline T GrayLevel(T r, T g, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>((299u * r + 587u * g + 114u * b + 500u) / 1000u);
  } else {
    return r * T(0.299) + g * T(0.587) + b * T(0.114);
  }
}

template <class T>
class StatsMeter {
 public:
  StatsMeter(StatsKind kind, int channels, ValueRange range);

  void Add(const T* row, int pixels);
  Stats Finish() const;

 private:
  using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;

  void AddGray(const T* row, int pixels);
  void AddMeans(const T* row, int pixels);
  void AddHistogram(const T* row, int pixels);
  double Unit(double sum) const;

  StatsKind kind_;
  int channels_;
  ValueRange range_;
  std::int64_t pixels_ = 0;
  std::array<Sum, 4> sums_{};  // gray in the first
  std::vector<std::uint32_t> histogram_;
};

extern template class StatsMeter<std::uint8_t>;
extern template class StatsMeter<std::uint16_t>;
extern template class StatsMeter<float>;

}  // namespace pixloom
