// SPDX-License-Identifier: Apache-2.0
// Formulas of erasing and of matching a reference.
#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

const std::vector<OpRule>& EraseRules() {
  static const std::vector<OpRule> rules{};
  return rules;
}

}  // namespace pixloom::reference
