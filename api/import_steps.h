// SPDX-License-Identifier: Apache-2.0
// From a peer's transforms to steps, and from steps to YAML. Internal to api/.
#pragma once

#include <string>
#include <vector>

#include "api/import_rules.h"

namespace pixloom::importing {

// A pipeline as steps: chains, and between them nodes that are no steps of a chain.
struct Draft {
  struct Segment {
    std::string name;
    bool node = false;  // its one step is a node by itself
    std::vector<ImportedStep> steps;
  };
  std::vector<Segment> files;         // what ends in a folder of pictures
  std::vector<ImportedStep> tensors;  // what follows in a training loader
  bool to_integers = false;           // the pictures are float and must become integers for files
  std::string title;
  std::vector<ImportedItem> items;
  std::vector<std::string> notes;
};

Draft BuildDraft(Peer peer, const PeerFile& file, const ImportOptions& options,
                 const Registry& registry);

// The pipeline as YAML; `lines[n]` is the item that line n + 1 comes from, or -1.
std::string WriteDraft(const Draft& draft, bool tensors, std::vector<int>& lines);

}  // namespace pixloom::importing
