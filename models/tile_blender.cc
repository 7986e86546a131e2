// SPDX-License-Identifier: Apache-2.0
#include "models/tile_blender.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "pipeline/error.h"

namespace pixloom {

namespace {

std::size_t Count(int channels, int height, int width) {
  return static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) *
         static_cast<std::size_t>(width);
}

}  // namespace

TileBlender::TileBlender(const TilePlan& plan, int channels, int scale)
    : channels_(channels),
      scale_(scale),
      tile_width_(plan.tile.width * scale),
      tile_height_(plan.tile.height * scale),
      width_(plan.padded.width * scale),
      columns_(Parts(plan, true)),
      rows_(Parts(plan, false)) {}

std::vector<TileBlender::Part> TileBlender::Parts(const TilePlan& plan, bool horizontal) const {
  const std::vector<Seam> seams = Seams(plan, horizontal);
  const int end = (horizontal ? plan.padded.width : plan.padded.height) * scale_;
  std::vector<Part> parts(seams.size() + 1);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    const int index = static_cast<int>(i) * (horizontal ? 1 : plan.columns);
    const cv::Rect& rect = plan.tiles[static_cast<std::size_t>(index)];
    part.tile = (horizontal ? rect.x : rect.y) * scale_;
    part.from = i == 0 ? 0 : seams[i - 1].from * scale_;
    part.until = i == seams.size() ? end : seams[i].from * scale_;
    part.to = i == seams.size() ? end : seams[i].to * scale_;
    const std::vector<float> all = TileWeights(plan, index, horizontal, scale_);
    part.weights.assign(all.begin() + (part.from - part.tile), all.begin() + (part.to - part.tile));
  }
  return parts;
}

cv::Rect TileBlender::Add(std::span<const float> tile) {
  PIXLOOM_CHECK(next_ < columns_.size() * rows_.size(), "a tile too many");
  PIXLOOM_CHECK(tile.size() == Count(channels_, tile_height_, tile_width_), "another tile size");
  const std::size_t column_index = next_ % columns_.size();
  const Part& column = columns_[column_index];
  const Part& row = rows_[next_ / columns_.size()];
  ++next_;
  const int seam_width = column.to - column.until, seam_height = row.to - row.until;
  values_.resize(Count(channels_, row.until - row.from, column.until - column.from));
  line_.resize(static_cast<std::size_t>(column.to - column.from));
  next_left_.resize(Count(channels_, row.to - row.from, seam_width));
  if (column_index == 0) next_top_.resize(Count(channels_, seam_height, width_));
  for (int c = 0; c < channels_; ++c) {
    for (int y = row.from; y < row.to; ++y) {
      const std::ptrdiff_t in = std::ptrdiff_t{c} * tile_height_ + (y - row.tile);
      BlendRow(tile.data() + in * tile_width_ + (column.from - column.tile), c, y, column, row);
    }
  }
  std::swap(left_, next_left_);
  left_width_ = seam_width;
  if (column_index + 1 == columns_.size()) {
    left_width_ = 0;
    std::swap(top_, next_top_);
    top_height_ = seam_height;
  }
  return {column.from, row.from, column.until - column.from, row.until - row.from};
}

// First across, from the tile on the left to the one on the right, then down.
void TileBlender::BlendRow(const float* in, int channel, int y, const Part& column,
                           const Part& row) {
  const int width = column.to - column.from;
  const int finished = column.until - column.from;
  const float down = row.weights[static_cast<std::size_t>(y - row.from)];
  float* line = line_.data();
  for (int x = 0; x < width; ++x)
    line[x] = in[x] * column.weights[static_cast<std::size_t>(x)] * down;

  const std::ptrdiff_t row_in_part = std::ptrdiff_t{channel} * (row.to - row.from) + (y - row.from);
  const float* left = left_.data() + row_in_part * left_width_;
  for (int x = 0; x < left_width_; ++x) line[x] += left[x];
  std::copy(line + finished, line + width, next_left_.data() + row_in_part * (width - finished));

  if (y < row.from + top_height_) {
    const float* top = top_.data() + column.from +
                       (std::ptrdiff_t{channel} * top_height_ + (y - row.from)) * width_;
    for (int x = 0; x < finished; ++x) line[x] += top[x];
  }
  if (y >= row.until) {
    float* below = next_top_.data() + column.from +
                   (std::ptrdiff_t{channel} * (row.to - row.until) + (y - row.until)) * width_;
    std::copy(line, line + finished, below);
  } else {
    float* out = values_.data() +
                 (std::ptrdiff_t{channel} * (row.until - row.from) + (y - row.from)) * finished;
    std::copy(line, line + finished, out);
  }
}

}  // namespace pixloom
