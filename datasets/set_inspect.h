// SPDX-License-Identifier: Apache-2.0
// What is in an HDF5 file, ours or anyone's, for people to look at. Reads files only.
#pragma once

#include <string>

#include "pipeline/contracts.h"
#include "pipeline/set_report.h"

namespace pixloom {

struct InspectOptions {
  std::string sheet;  // PNG to write; "": none
  int pictures = 24;  // on the sheet, evenly spaced
};

// Throws ConfigError when `path` is no HDF5 that can be read, EnvironmentError when the sheet
// cannot be written.
InspectReport InspectFile(const std::string& path, const Codec& codec,
                          const InspectOptions& options = {});

}  // namespace pixloom
