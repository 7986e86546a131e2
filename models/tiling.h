// SPDX-License-Identifier: Apache-2.0
// Large pictures piece by piece: equal tiles that overlap, blended by half cosines so that no seam
// shows. Where the overlap is at least the radius of what a pixel depends on, the result is that of
// the whole picture.
//
// Plain values; pure functions.
#pragma once

#include <vector>

#include <opencv2/core.hpp>

#include "pipeline/geometry.h"

namespace pixloom {

struct TilePlan {
  Size tile;        // of every tile, overlap included; sides are multiples of multiple_of
  int overlap = 0;  // px of each inner edge that are not to be trusted
  int columns = 1, rows = 1;
  std::vector<cv::Rect> tiles;  // in the padded picture, row by row, at multiples of multiple_of
  Size padded;                  // the picture with what was added right and below
};

// A side of a tile is at most `most`, unless three overlaps are more than that. The whole picture
// as one tile when `most` is 0 or the picture is no larger than that. Tiles of a `fixed` size (not
// empty) whatever `most` says.
TilePlan PlanTiles(Size picture, int most, int overlap, int multiple_of, Size fixed = {});

// Where the tiles of one column (row) hand over to those of the next: the pixels from..to-1, of the
// padded picture. Seams do not meet: every pixel has at most two columns (rows).
struct Seam {
  int from = 0, to = 0;
  int width() const { return to - from; }
};
std::vector<Seam> Seams(const TilePlan& plan, bool horizontal);

// How much tile `index` counts at its pixel x (or y), of its result that is `scale` times as large:
// 0 beyond the seams at its inner edges, rising by a half cosine over a seam; the weights of all
// tiles add up to 1.
std::vector<float> TileWeights(const TilePlan& plan, int index, bool horizontal, int scale);

}  // namespace pixloom
