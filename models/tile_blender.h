// SPDX-License-Identifier: Apache-2.0
// Puts tiles together again. Only what lies on seams waits for the next tile or the next row of
// tiles, so that a large picture never exists in float: memory is a strip as high as a seam, twice,
// and one tile.
//
// Not thread-safe; tiles come in the order of the plan.
#pragma once

#include <span>
#include <vector>

#include <opencv2/core.hpp>

#include "models/tiling.h"

namespace pixloom {

class TileBlender {
 public:
  // Results are `channels` planes, `scale` times as large as the tiles. `plan` is only looked at.
  TileBlender(const TilePlan& plan, int channels, int scale);

  // Takes the next tile's result. Afterwards Values() holds the rectangle that is returned (of the
  // enlarged picture), plane by plane, finished. The rectangles of all tiles cover it exactly.
  cv::Rect Add(std::span<const float> tile);
  std::span<const float> Values() const { return values_; }

 private:
  struct Part {                       // of a column or row of tiles, in the enlarged picture
    int tile = 0;                     // where its tiles begin
    int from = 0, until = 0, to = 0;  // what counts; from `until` on it is shared with the next
    std::vector<float> weights;       // from `from` on
  };
  std::vector<Part> Parts(const TilePlan& plan, bool horizontal) const;
  void BlendRow(const float* in, int channel, int y, const Part& column, const Part& row);

  const int channels_, scale_;
  const int tile_width_, tile_height_, width_;
  std::vector<Part> columns_, rows_;
  std::size_t next_ = 0;
  std::vector<float> values_, line_;
  // Right seam of the tile before, bottom seams of the row before; and what becomes of this one's.
  std::vector<float> left_, next_left_, top_, next_top_;
  int left_width_ = 0, top_height_ = 0;
};

}  // namespace pixloom
