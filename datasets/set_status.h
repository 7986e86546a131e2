// SPDX-License-Identifier: Apache-2.0
// Where a set stands that is finished, or is being made. Reads files only.
#pragma once

#include <string>

#include "pipeline/set_report.h"

namespace pixloom {

// `path` is the set, or its TARGET.partial. Throws ConfigError when there is neither.
StatusReport StatusOf(const std::string& path);

}  // namespace pixloom
