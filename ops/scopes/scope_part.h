// SPDX-License-Identifier: Apache-2.0
// What scopes share that hand out the pictures of a sample in another form: the part they hand out,
// and walking through it to put it back. Pure functions.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/error.h"
#include "pipeline/sample.h"

namespace pixloom {

inline bool TakesField(const std::vector<std::string>& fields, const std::string& name) {
  return fields.empty() || std::find(fields.begin(), fields.end(), name) != fields.end();
}

// The sample with these fields alone, each picture as `change(pixels, range)` gives it; it may
// change the declared range. Labels stay, unless another picture than theirs now comes first.
template <class Change>
Result<Sample> PartOf(const Sample& whole, const std::vector<std::string>& fields, Change change) {
  Sample part = whole.Clone();
  std::erase_if(part.images, [&](const auto& image) { return !TakesField(fields, image.first); });
  if (part.images.empty() || part.images.front().second.frames.empty()) {
    return DataError{"OP-SCOPE", "the sample has none of the fields the steps inside work on",
                     "correct the names under fields", ""};
  }
  const Frame& first = whole.images.front().second.frames.front();
  if (!(part.images.front().second.frames.front().size() == first.size())) {
    part.instances.clear();
    part.masks.clear();
  }
  for (auto& [name, field] : part.images) {
    const ValueRange range = field.range;
    for (Frame& frame : field.frames) {
      if (frame.Planar()) {
        return DataError{"OP-TYPE", "the steps inside get a planar picture",
                         "change the layout last", ""};
      }
      field.range = range;
      Result<cv::Mat> changed = change(frame.pixels, field.range);
      if (!changed) return changed.Error();
      frame.pixels = std::move(*changed);
    }
  }
  return part;
}

// Calls back(pixels of the whole, pixels of the part, range of the whole) for every picture that
// was handed out; the former may be written to.
template <class Back>
void PutBack(Sample& whole, const Sample& part, Back back) {
  for (const auto& [name, field] : part.images) {
    ImageField& own = *whole.Image(name);
    for (std::size_t f = 0; f < own.frames.size(); ++f) {
      MakeUnique(own.frames[f].pixels);
      back(own.frames[f].pixels, field.frames[f].pixels, own.range);
    }
  }
}

}  // namespace pixloom
