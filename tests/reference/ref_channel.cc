// SPDX-License-Identifier: Apache-2.0
// Formulas of channels, colour spaces and fields of light.
#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

const std::vector<OpRule>& ChannelRules() {
  static const std::vector<OpRule> rules{};
  return rules;
}

}  // namespace pixloom::reference
