// SPDX-License-Identifier: Apache-2.0
// Settings of a whole pipeline: seed, on_error, memory, limits. Part of reading the graph language.
#pragma once

#include <optional>

#include "pipeline/language.h"

namespace pixloom {

// Reads the settings that `document` has into `spec`.
void ReadSettings(const Value& document, GraphSpec& spec, Diagnostics& diagnostics);

// "quarantine" or "fail".
std::optional<OnError::Policy> ReadPolicy(const Value& value, Diagnostics& diagnostics);

}  // namespace pixloom
