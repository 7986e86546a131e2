// SPDX-License-Identifier: Apache-2.0
// What the loader checks on raw YAML text before the YAML library sees it.
//
// The library keeps every token of the outermost flow collection in memory before it reports the
// first (1 MiB of "[" takes 250 MB), reads byte 0x04 as the end of the file, and takes tabs for
// part of a value. Here such text is refused with a position. Internal to pipeline/config.cc.
#pragma once

#include <string>
#include <string_view>

#include "pipeline/config.h"
#include "pipeline/error.h"

namespace pixloom {

// The innermost quote or bracket that is open when the text ends; line 0 when there is none. The
// library notices only at the end of the text, far from the place to repair.
struct Unclosed {
  char opener = 0;
  Position at;
};

// Adds errors for text that is too large, not UTF-8, holds control characters, is indented with
// tabs, or has more flow nesting or flow tokens than the limits allow. Returns whether the text may
// be parsed. Linear in the text.
bool ScanYaml(std::string_view text, const std::string& file, const ConfigLimits& limits,
              Diagnostics& diagnostics, Unclosed& unclosed);

}  // namespace pixloom
