// SPDX-License-Identifier: Apache-2.0
// Which datasets of a file of others are read, and how: by the parameters, else by names and shapes
// that are known. Reads nothing but what is said about the datasets.
#pragma once

#include <string>

#include "datasets/hdf5_source.h"

namespace pixloom {

struct ForeignPlan {
  const Hdf5Dataset* images = nullptr;
  const Hdf5Dataset* labels = nullptr;
  const Hdf5Dataset* mask = nullptr;
  bool planar = false;
  Size size;
  int channels = 1;
  Depth depth = Depth::kU8;
  std::uint64_t classes = 1;  // numbers per label
};

// `label_file`: the one that params.labels_path names, or null. The error says what is there, and
// what to set.
Result<ForeignPlan, std::string> PlanForeign(const Hdf5SourceParams& params, const Hdf5File& file,
                                             const Hdf5File* label_file);

}  // namespace pixloom
