// SPDX-License-Identifier: Apache-2.0
// The objects of a sample as columns of a row, and back. Pure functions.
#pragma once

#include <optional>
#include <vector>

#include "datasets/row_builder.h"
#include "datasets/row_view.h"
#include "datasets/set_sample.h"

namespace pixloom {

// What is visible of each of them in a picture of this size.
std::optional<DataError> AddInstances(const std::vector<const Instance*>& instances, Size size,
                                      const SetLayoutSpec& spec, RowBuilder& row);

// The objects of a row of a picture of this size; masks as runs. What is wrong, `view` says.
void ReadInstances(RowView& view, Size size, std::vector<Instance>& instances);

}  // namespace pixloom
