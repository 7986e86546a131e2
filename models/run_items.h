// SPDX-License-Identifier: Apache-2.0
// Any number of equal items through a network, a batch at a time: filling up, finite numbers, and
// what happens when memory runs out, in one place for all nodes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "models/network.h"
#include "pipeline/error.h"

namespace pixloom {

// The device has no memory for even one item; whoever can cuts it into smaller tiles.
class ItemTooLarge : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ItemRun {
  Network* network = nullptr;
  // Items of one run. Runs are always full, so that an item's result does not depend on how many
  // came: the last one is filled up with its last item. Halved, and kept so, when `may_shrink` and
  // memory runs out.
  std::atomic<int>* batch = nullptr;
  bool may_shrink = false;
  std::vector<Dims> input_dims;  // of one item, the batch apart, in the order of the inputs
  std::atomic<std::uint64_t>* padding = nullptr;  // counts what filled up; may be null
  bool tiles = true;  // the step can cut its items into tiles: what it says may advise that
};

// Fills the parts of item i in every input; reads them from every output. Called for every item
// once, in order, on the calling thread.
using PackItem = std::function<void(std::size_t i, std::span<const std::span<float>> inputs)>;
using UnpackItem =
    std::function<void(std::size_t i, std::span<const std::span<const float>> outputs,
                       std::span<const Dims> output_dims)>;  // dims of one item

// What is wrong with each item, or nothing: MOD-NAN (a value that is not finite; not unpacked),
// MOD-SHAPE (the network does not take this size). Throws EnvironmentError for faults of the device
// and, unless `may_shrink`, when memory runs out, naming the batch to set; ItemTooLarge when it may
// shrink and one item alone does not fit.
std::vector<std::optional<DataError>> RunItems(const ItemRun& run, std::size_t count,
                                               const PackItem& pack, const UnpackItem& unpack);

}  // namespace pixloom
