// SPDX-License-Identifier: Apache-2.0
// What was stored and flushed is no longer there: going on would only hide it.
#pragma once

#include <string>

#include <fmt/format.h>

#include "datasets/text.h"
#include "pipeline/error.h"

namespace pixloom {

class SetDamageError : public EnvironmentError {
 public:
  SetDamageError(const std::string& path, const std::string& what)
      : EnvironmentError(fmt::format(
            "'{}' {}; the disk or the memory may be failing, or somebody changed it: start again "
            "with --overwrite",
            EscapeName(path), what)) {}
};

}  // namespace pixloom
