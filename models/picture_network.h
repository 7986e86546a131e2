// SPDX-License-Identifier: Apache-2.0
// Pictures through the graph "main" and back, whole or in tiles: what enhance and reconstruct have
// in common.
//
// Any thread; what was found out about memory is shared.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include "models/network.h"
#include "models/pictures.h"
#include "models/run_items.h"
#include "models/tiling.h"
#include "pipeline/contracts.h"

namespace pixloom {

struct PictureSettings {
  int batch = 0;         // as the user wrote it; 0: automatic
  int tile = 0;          // px; 0: automatic
  int overlap = 0;       // px; 0: the manifest's
  bool whole = false;    // never in tiles
  bool resize = false;   // pictures of other sizes are resampled to the network's, and back
  bool measure = false;  // how far what comes back is from what went in
};

// What became of one sample of a block.
struct PictureOutcome {
  std::optional<DataError> error;
  double squared_error = 0;  // mean over all values, in the network's range; when it is measured
};

class PictureNetwork {
 public:
  // Throws ModelRejectedError: the graph's inputs and outputs are not one picture each, or the
  // settings contradict the manifest. `verb` opens its messages.
  PictureNetwork(std::shared_ptr<const Model> model, std::string_view verb,
                 const PictureSettings& settings);

  std::string Refuses(Meta meta) const;
  int scale() const { return manifest().output.scale; }
  // On a processor, where the network takes any size: batches gain nothing there, and would have to
  // be filled up wherever sizes differ.
  bool OneByOne() const;
  std::uint64_t padding() const { return padding_; }

  // All pictures that the items are about, equal ones together, each blended with the network's by
  // its item's strength. Throws as RunItems does; with `may_shrink` tiles are halved, down to 64
  // px, before it gives up.
  std::vector<PictureOutcome> Run(std::span<ModelOperator::Item> block,
                                  std::span<const float> strengths, bool may_shrink);

 private:
  struct Job;
  class Work;
  const Manifest& manifest() const { return model_->manifest; }
  int Overlap() const;
  // What the network sees of a picture: all of it, or what it is resampled to.
  Size Seen(Size picture) const;
  TilePlan PlanFor(Size seen) const;
  int BatchFor(const TilePlan& plan) const;
  // Halves the tile, where there may be tiles.
  void Shrink(const TilePlan& plan);
  void RunEqual(std::span<Job> jobs, bool may_shrink);
  void RunPlan(const TilePlan& plan, std::span<Job> jobs, bool may_shrink);

  const std::shared_ptr<const Model> model_;
  const std::string verb_;
  const PictureSettings settings_;
  std::atomic<int> tile_;  // the most that fits, as far as known; 0: automatic
  std::atomic<int> most_;  // items of one run
  std::atomic<std::uint64_t> padding_{0};
};

}  // namespace pixloom
