// SPDX-License-Identifier: Apache-2.0
#include "pipeline/contracts.h"

namespace pixloom {

Size ImageHeader::UprightSize() const {
  return orientation >= 5 ? Size{size.height, size.width} : size;
}

}  // namespace pixloom
