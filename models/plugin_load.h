// SPDX-License-Identifier: Apache-2.0
// Loads the library of one plugin and checks what it gives. One call at a time.
#pragma once

#include <memory>
#include <string>

#include "models/backends.h"

namespace pixloom {

// The library stays loaded, also when it is refused. REQUIRES: info.problem is empty.
Result<std::shared_ptr<const Backend>, std::string> LoadPlugin(const BackendInfo& info);

// A copy of the table that is valid for ever, with every function that this version knows: what
// may be missing does nothing.
const pixloom_backend* CompleteTable(const pixloom_backend& table);

}  // namespace pixloom
