// SPDX-License-Identifier: Apache-2.0
// What the engine and networks have in common: a network inside a chain, labels that follow a
// network that changes the size.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/contracts.h"

namespace pixloom {

// One picture of a block.
struct BlockPicture {
  std::size_t item = 0;
  Frame* frame = nullptr;
};

// The pictures that the items are about, frame by frame, in the order of the block: those of one
// size and type together, `most` at a time.
std::vector<std::vector<BlockPicture>> GroupPictures(std::span<ModelOperator::Item> block,
                                                     std::size_t most);

// Runs the network on one sample by itself, as where it stands inside a scope or a drawn order.
std::optional<DataError> RunModelAlone(ModelOperator& model, std::span<const std::string> fields,
                                       Sample& sample, Rng rng);

// Adds what a network drew to the step that the sample's recipe ends with.
void RecordDraws(const Rng::Record& draws, Sample& sample);

// The picture became `factor` times as large, every pixel a square of new ones: objects, masks and
// label maps become so too.
void EnlargeLabels(Sample& sample, int factor);

}  // namespace pixloom
