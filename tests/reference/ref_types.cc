// SPDX-License-Identifier: Apache-2.0
// Formulas of pixel types.
#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

const std::vector<OpRule>& TypeRules() {
  static const std::vector<OpRule> rules{};
  return rules;
}

}  // namespace pixloom::reference
