// SPDX-License-Identifier: Apache-2.0
// Sources of HDF5: sets that pixloom wrote, and files of others with an array of pictures.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datasets/set_reader.h"
#include "datasets/set_sample.h"
#include "pipeline/contracts.h"

namespace pixloom {

enum class Hdf5Layout { kAuto, kInterleaved, kPlanar };
enum class Hdf5Labels { kIndex, kSoft, kMulti };

struct Hdf5SourceParams {
  std::string path;
  // Of files of others; "" is guessed, labels "none" are not read.
  std::string images, labels, labels_path, mask;
  Hdf5Labels labels_as = Hdf5Labels::kIndex;
  Hdf5Layout layout = Hdf5Layout::kAuto;
  ChannelOrder order = ChannelOrder::kRgb;
  ValueRange range;   // of pictures of floats
  bool check = true;  // rows of our own sets against their checksums
};

// Finds out what is in the file when it is first asked; the answer to OutputMeta says less where
// the file cannot be read yet.
std::unique_ptr<Source> MakeHdf5Source(Hdf5SourceParams params, const Codec& codec);

// ---- For the two kinds
// ---------------------------------------------------------------------------

// What a source of either kind reads from. Const after it was made; thread-safe.
class Hdf5Content {
 public:
  virtual ~Hdf5Content() = default;
  virtual std::uint64_t Rows() const = 0;
  virtual std::uint64_t RowBytes() const = 0;  // for the fingerprint: of a typical row
  virtual Meta OutputMeta() const = 0;
  // One per row; empty: their numbers. A text that several rows have is made unique.
  virtual Result<std::vector<std::string>, std::string> Keys() const = 0;
  // Without key and names.
  virtual Result<Sample> Read(std::uint64_t row) const = 0;
  // What was found out, for people.
  virtual std::string Notice() const = 0;
  virtual std::shared_ptr<const LabelNames> Names() const = 0;
};

using Hdf5ContentResult = Result<std::unique_ptr<Hdf5Content>, std::string>;
Hdf5ContentResult OpenOwnSet(const Hdf5SourceParams& params, const Codec& codec);
Hdf5ContentResult OpenForeignFile(const Hdf5SourceParams& params, std::unique_ptr<Hdf5File> file);

}  // namespace pixloom
