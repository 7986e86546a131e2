// SPDX-License-Identifier: Apache-2.0
// Chains that tests run over many inputs: each operator alone, neighbours that compose, choices.
#pragma once

#include "tests/support/chains_geometry.h"
#include "tests/support/chains_pixels.h"

namespace pixloom::testing {

inline const std::vector<ChainCase>& Chains() {
  static const std::vector<ChainCase> chains = [] {
    std::vector<ChainCase> all = GeometryChains();
    all.insert(all.end(), PixelChains().begin(), PixelChains().end());
    return all;
  }();
  return chains;
}

}  // namespace pixloom::testing
