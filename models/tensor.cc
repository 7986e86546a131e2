// SPDX-License-Identifier: Apache-2.0
#include "models/tensor.h"

#include <cstdlib>
#include <new>

#include <fmt/format.h>

namespace pixloom {

std::string DimsText(std::span<const std::int64_t> dims) {
  std::string text;
  for (const std::int64_t d : dims) {
    text += fmt::format("{}{}", text.empty() ? "" : "x", d < 0 ? "?" : std::to_string(d));
  }
  return text.empty() ? "scalar" : text;
}

FloatMemory HeapFloats(std::size_t count) {
  constexpr std::size_t kAlign = 64;
  const std::size_t bytes = (count * sizeof(float) + kAlign - 1) / kAlign * kAlign;
  return {static_cast<float*>(std::aligned_alloc(kAlign, bytes == 0 ? kAlign : bytes)),
          [](float* memory) { std::free(memory); }};
}

Tensor::Tensor(Dims dims, const FloatAllocator& allocate) : dims_(std::move(dims)) {
  data_ = allocate(static_cast<std::size_t>(size()));
  if (data_ == nullptr) throw std::bad_alloc();
}

std::span<float> Tensor::item(std::int64_t n) {
  return {data() + n * item_size(), static_cast<std::size_t>(item_size())};
}

std::span<const float> Tensor::item(std::int64_t n) const {
  return {data() + n * item_size(), static_cast<std::size_t>(item_size())};
}

}  // namespace pixloom
