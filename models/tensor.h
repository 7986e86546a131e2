// SPDX-License-Identifier: Apache-2.0
// Tensor: float32 in host memory, NCHW or NC, the batch first. Move-only; used by one thread at a
// time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pixloom {

using Dims = std::vector<std::int64_t>;

// REQUIRES: no dimension is negative.
inline std::int64_t Elements(std::span<const std::int64_t> dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

std::string DimsText(std::span<const std::int64_t> dims);  // "3x256x256"; "?" for -1

// Where floats come from: memory that a device can copy from, or the heap.
using FloatMemory = std::unique_ptr<float[], std::function<void(float*)>>;
using FloatAllocator = std::function<FloatMemory(std::size_t count)>;  // null memory: none left
FloatMemory HeapFloats(std::size_t count);                             // 64-byte aligned

class Tensor {
 public:
  Tensor() = default;
  // Not filled. Throws std::bad_alloc.
  explicit Tensor(Dims dims, const FloatAllocator& allocate = HeapFloats);

  const Dims& dims() const { return dims_; }
  std::int64_t batch() const { return dims_.empty() ? 0 : dims_[0]; }
  std::int64_t item_size() const { return batch() == 0 ? 0 : size() / batch(); }  // floats
  std::int64_t size() const { return dims_.empty() ? 0 : Elements(dims_); }
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  std::span<float> item(std::int64_t n);
  std::span<const float> item(std::int64_t n) const;

 private:
  Dims dims_;
  FloatMemory data_{nullptr, [](float*) {}};
};

}  // namespace pixloom
