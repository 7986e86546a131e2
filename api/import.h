// SPDX-License-Identifier: Apache-2.0
// Pipelines of other libraries, read and written again as Pixloom's: the saved files of
// albumentations, and torchvision transforms as they are printed or written in Python. A pipeline
// that comes out passes `validate`; what it cannot say as the peer did is in the report.
//
// Everything is pure and may be called from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/geometry.h"
#include "pipeline/registry.h"

namespace pixloom {

enum class Peer { kAlbumentations, kTorchvision };

// How near a step comes to what the peer does.
enum class Likeness {
  kExact,   // the same operation, its parameters drawn alike
  kClose,   // something differs, and the report says what
  kMissing  // left out; it stands in the YAML as a comment
};

struct ImportOptions {
  // Of the pictures: for parameters that the peer counts in pixels and Pixloom in parts of a side.
  std::optional<Size> size{};
  // Keep what makes float planes, for a training loader, instead of a folder of pictures.
  bool tensors = false;
  const Registry* registry = nullptr;  // null: BuiltIns()
};

// What became of one transform.
struct ImportedItem {
  std::string path;  // "transform.transforms[2]"
  std::string name;  // as the peer calls it
  std::string verb;  // what it became; "" when missing
  Likeness likeness = Likeness::kExact;
  std::vector<std::string> notes;  // what differs, why it is missing, what to use instead
};

struct ImportedPipeline {
  std::string yaml;
  std::vector<ImportedItem> items;  // in file order
  std::vector<std::string> notes;   // about the file as a whole

  int Count(Likeness likeness) const;
  std::string ToText() const;
  std::string ToJson() const;
};

// `text` is the content of a file; `name` stands in messages. Throws ConfigError when it cannot be
// read as what it should be; a transform that has no equivalent is no error but an item.
ImportedPipeline Import(Peer peer, std::string_view text, const std::string& name,
                        const ImportOptions& options = {});

// The table behind it, for documents and tests.
struct ImportTableRow {
  std::string name;
  std::string verb;
  Likeness likeness = Likeness::kExact;  // at best
  std::string note;
};
std::vector<ImportTableRow> ImportTable(Peer peer);

}  // namespace pixloom
