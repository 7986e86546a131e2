// SPDX-License-Identifier: Apache-2.0
// What nodes that make several pictures of one share. Pure functions.
#pragma once

#include "ops/common.h"
#include "pipeline/contracts.h"

namespace pixloom {

// A views node whose results all have `op.size`; which they are says op.Views(picture).
template <class Op>
class SizedViews final : public ViewOperator {
 public:
  explicit SizedViews(Op op) : op_(std::move(op)) {}
  std::vector<View> Views(Size picture) const override { return op_.Views(picture); }
  Meta OutputMeta(const Meta& in) const override {
    Meta out = in;
    out.size = op_.size;
    return out;
  }

 private:
  Op op_;
};

// A window of the picture as a view; its place is known by its facts.
inline View WindowView(int x, int y, Size window, Size picture, const BorderRule& border) {
  return {{CutWindow(x, y, window, picture, border)},
          {{"x", static_cast<double>(x)}, {"y", static_cast<double>(y)}}};
}

// The four corners and the centre; a picture smaller than the window is centred in it.
inline std::vector<View> CornerViews(Size window, Size picture, const BorderRule& border) {
  const int room_x = picture.width - window.width;
  const int room_y = picture.height - window.height;
  const auto low = [](int room) { return room < 0 ? room >> 1 : 0; };
  const auto high = [](int room) { return room < 0 ? room >> 1 : room; };
  const auto at = [&](int x, int y) { return WindowView(x, y, window, picture, border); };
  return {at(low(room_x), low(room_y)), at(high(room_x), low(room_y)),
          at(low(room_x), high(room_y)), at(high(room_x), high(room_y)),
          at(room_x >> 1, room_y >> 1)};
}

}  // namespace pixloom
