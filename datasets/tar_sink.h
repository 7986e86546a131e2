// SPDX-License-Identifier: Apache-2.0
// `tar`: shards as WebDataset reads them. OUT-000000.tar, OUT-000001.tar, ... of `rows` samples
// each, then OUT.json, which names them, and the classes: the mark of a complete set.
//
// A sample is the members NAME.cls (the number of its class, when it has one), NAME.jpg or .png,
// NAME.FIELD.jpg or .png (further fields), NAME.instances.png and NAME.mask.MASK.png (as the sink
// image_folder writes them), NAME.json (its sidecar), one behind the other, sorted by name. Names
// have no dot in their last part: there it becomes "_". Members have no times and no owners, so
// equal samples make equal shards.
//
// A shard gets its name when it is full. With overwrite the shards of the set before are removed
// first.
#pragma once

#include <memory>
#include <string>

#include "datasets/export_common.h"

namespace pixloom {

struct TarSinkParams {
  std::string path;  // without number and extension
  std::uint64_t rows = 10'000;
  bool recipe = true;
  ExportPictures pictures;
};

std::unique_ptr<Sink> MakeTarSink(TarSinkParams params, const Codec& codec);

}  // namespace pixloom
