// SPDX-License-Identifier: Apache-2.0
// Reads NAME.plugin, the text beside a plugin's library. Loads nothing; pure but for the file.
#pragma once

#include <cstdint>
#include <string>

#include "models/backends.h"

namespace pixloom {

// Whatever the text says. `problem` tells what is wrong with it, that the library is not there, or
// that it was made for another version of the border; the id is then as good as it could be found.
BackendInfo ReadSidecar(const std::string& path);

// "" when a plugin of this version of the border (major << 16 | minor) works here, or why not.
std::string AbiDifference(std::uint32_t version);

}  // namespace pixloom
