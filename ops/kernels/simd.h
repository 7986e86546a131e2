// SPDX-License-Identifier: Apache-2.0
// Which vector instructions the kernels may use. For tests and for finding problems: results are
// the same bits with any of them. Call before the first kernel runs, from one thread.
#pragma once

#include <string_view>

namespace pixloom {

// `names`: what to leave out, as "AVX3" or "AVX3,AVX2,SSE4", in the words of Highway's targets.
// Unknown names are returned, the first of them; "" when all are known.
std::string_view DisableSimd(std::string_view names);

}  // namespace pixloom
