// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/simd.h"

#include <cstdint>

#include <hwy/targets.h>

namespace pixloom {

std::string_view DisableSimd(std::string_view names) {
  std::int64_t disabled = 0;
  while (!names.empty()) {
    const std::size_t comma = names.find(',');
    const std::string_view name = names.substr(0, comma);
    names = comma == std::string_view::npos ? "" : names.substr(comma + 1);
    if (name == "AVX3")
      disabled |= HWY_AVX3 | HWY_AVX3_DL;
    else if (name == "AVX2")
      disabled |= HWY_AVX2;
    else if (name == "SSE4")
      disabled |= HWY_SSE4;
    else
      return name;
  }
  hwy::DisableTargets(disabled);
  return "";
}

}  // namespace pixloom
