// SPDX-License-Identifier: Apache-2.0
// Pictures of any HDF5 file, to be looked at: found by their shape, turned into RGB. Pure functions
// of files.
#pragma once

#include <string>
#include <vector>

#include "datasets/set_reader.h"
#include "datasets/set_sheet.h"
#include "pipeline/contracts.h"

namespace pixloom {

// The dataset that the source hdf5 would read; where it would ask, the one that looks most like a
// list of pictures; nullptr when none does.
const Hdf5Dataset* LikeliestPictures(const Hdf5File& file);

// One of them; the error says why it cannot be shown.
Result<cv::Mat, std::string> PictureIn(const Hdf5File& file, const Hdf5Dataset& dataset,
                                       std::uint64_t index);

// A row of a set of ours with its name, class and objects.
SheetPicture PictureOfRow(const SetReader& set, std::uint64_t row,
                          const std::vector<std::string>& classes, const Codec& codec);

}  // namespace pixloom
