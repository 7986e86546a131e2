// SPDX-License-Identifier: Apache-2.0
#include "models/tensor.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <new>

namespace pixloom {
namespace {

TEST_CASE("a tensor knows its items, and says when there is no memory") {
  Tensor tensor({2, 3, 4});
  CHECK(tensor.batch() == 2);
  CHECK(tensor.item_size() == 12);
  CHECK(tensor.item(1).data() == tensor.data() + 12);
  CHECK(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64 == 0);
  CHECK(DimsText(Dims{-1, 3, 8}) == "?x3x8");
  const FloatAllocator none = [](std::size_t) { return FloatMemory(nullptr, [](float*) {}); };
  CHECK_THROWS_AS(Tensor({1}, none), std::bad_alloc);
}

}  // namespace
}  // namespace pixloom
