// SPDX-License-Identifier: Apache-2.0
// The `hdf5` sink: results as rows of one HDF5 file, or of a folder of them. What happens to files
// is set_writer.h, what happens to samples set_sample.h; docs/hdf5.md says it to users.
//
// Thread safety: as said in pipeline/contracts.h. The codec must outlive the sink.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "datasets/set_sample.h"
#include "datasets/set_writer.h"
#include "pipeline/contracts.h"

namespace pixloom {

struct Hdf5SinkParams {
  SetOptions set;
  SetLayout layout = SetLayout::kAuto;
  SetProfile profile = SetProfile::kPixloom;
  std::string images, labels;         // "": as the profile has them
  std::optional<ChannelOrder> order;  // nothing: RGB, but for kCaffe
  std::optional<bool> planes;         // nothing: as the pictures come, but for kCaffe
  std::optional<int> channels;        // nothing: as the graph knows, else 3
  std::optional<Depth> depth;         // nothing: as the graph knows, else 8 bits
  ImageFormat format = ImageFormat::kPng;
  int quality = 95;
  bool recipe = false;
};

// What the parameters alone are wrong about; "" when nothing.
std::string ProblemOf(const Hdf5SinkParams& params);

// How samples like these are stored, but for names; or why they cannot be.
Result<SetLayoutSpec, std::string> LayoutFor(const Hdf5SinkParams& params, const Meta& meta);

std::unique_ptr<Sink> MakeHdf5Sink(Hdf5SinkParams params, const Codec& codec);

}  // namespace pixloom
