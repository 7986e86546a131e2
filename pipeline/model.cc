// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "pipeline/labels.h"

namespace pixloom {

namespace {

cv::Mat Repeated(const cv::Mat& mask, int factor) {
  if (mask.empty()) return mask;
  cv::Mat large(mask.rows * factor, mask.cols * factor, mask.type());
  const std::size_t bytes = mask.elemSize();
  for (int y = 0; y < large.rows; ++y) {
    const std::uint8_t* from = mask.ptr(y / factor);
    std::uint8_t* to = large.ptr(y);
    for (int x = 0; x < large.cols; ++x) {
      const std::size_t at = static_cast<std::size_t>(x / factor) * bytes;
      std::copy(from + at, from + at + bytes, to + static_cast<std::size_t>(x) * bytes);
    }
  }
  return large;
}

}  // namespace

std::vector<std::vector<BlockPicture>> GroupPictures(std::span<ModelOperator::Item> block,
                                                     std::size_t most) {
  std::vector<std::vector<BlockPicture>> groups;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const auto fields = block[i].fields;
    for (auto& [name, field] : block[i].sample->images) {
      if (!fields.empty() && std::find(fields.begin(), fields.end(), name) == fields.end())
        continue;
      for (Frame& frame : field.frames) {
        const auto fits = [&](const std::vector<BlockPicture>& group) {
          const cv::Mat& first = group.front().frame->pixels;
          return group.size() < most && first.size() == frame.pixels.size() &&
                 first.type() == frame.pixels.type();
        };
        auto group = std::find_if(groups.begin(), groups.end(), fits);
        if (group == groups.end()) group = groups.emplace(groups.end());
        group->push_back({i, &frame});
      }
    }
  }
  return groups;
}

std::optional<DataError> RunModelAlone(ModelOperator& model, std::span<const std::string> fields,
                                       Sample& sample, Rng rng) {
  ModelOperator::Item item{&sample, fields, std::move(rng)};
  return model.Run({&item, 1}, false).front();
}

void RecordDraws(const Rng::Record& draws, Sample& sample) {
  auto& known = sample.recipe.entries.back().draws;
  known.insert(known.end(), draws.begin(), draws.end());
}

void EnlargeLabels(Sample& sample, int factor) {
  if (factor == 1) return;
  const double f = factor;
  MoveLabels(Matrix::Scale(f, f), sample);
  for (Instance& instance : sample.instances) {
    if (instance.HasMask()) instance.SetBits(Repeated(instance.Bits(), factor));
  }
  for (auto& [name, mask] : sample.masks) mask.pixels = Repeated(mask.pixels, factor);
}

}  // namespace pixloom
