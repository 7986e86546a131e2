// SPDX-License-Identifier: Apache-2.0
// The release this is. Other releases may make other pixels, so what outlives a run names it.
#pragma once

namespace pixloom {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace pixloom
