// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/box_facts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/geometry/window.h"

namespace pixloom {

namespace {

// A box that only touches the picture is not seen; rounding must not decide about it.
constexpr double kLeastSide = 1e-6;

class BoundsOfPoints {
 public:
  void Add(const Point& p) {
    finite_ = finite_ && std::isfinite(p.x) && std::isfinite(p.y);
    box_ = {std::min(box_.x1, p.x), std::min(box_.y1, p.y), std::max(box_.x2, p.x),
            std::max(box_.y2, p.y)};
  }
  std::optional<Box> Get() const {
    if (!finite_ || box_.x1 > box_.x2) return std::nullopt;
    return box_;
  }

 private:
  static constexpr double kFar = std::numeric_limits<double>::infinity();
  Box box_{kFar, kFar, -kFar, -kFar};
  bool finite_ = true;
};

cv::Rect Between(int x1, int y1, int x2, int y2) { return {x1, y1, x2 - x1, y2 - y1}; }

// One axis of a window that holds [lo, hi] of a side of `side` pixels: the last place where it may
// start, the first where it may end.
struct Hold {
  int start;
  int end;
};

Hold HoldInterval(double lo, double hi, int side) {
  const int start = std::clamp(static_cast<int>(std::floor(lo)), 0, side - 1);
  const int end = std::clamp(static_cast<int>(std::ceil(hi)), start + 1, side);
  return {start, end};
}

}  // namespace

Box Box::Eroded(double rate) const {
  const double x = Width() * rate / 2;
  const double y = Height() * rate / 2;
  return {x1 + x, y1 + y, x2 - x, y2 - y};
}

std::optional<Box> BoxOf(const Instance& instance) {
  BoundsOfPoints bounds;
  if (instance.quad) {
    for (const Point& p : *instance.quad) bounds.Add(p);
    return bounds.Get();
  }
  for (const Polygon& polygon : instance.polygons) {
    if (polygon.rings.empty()) continue;
    for (const Point& p : polygon.rings.front()) bounds.Add(p);
  }
  return bounds.Get();
}

std::vector<ObjectBox> VisibleBoxes(const Facts& facts) {
  std::vector<ObjectBox> boxes;
  if (facts.instances == nullptr) return boxes;
  for (std::size_t i = 0; i < facts.instances->size(); ++i) {
    const auto whole = BoxOf((*facts.instances)[i]);
    if (!whole) continue;
    const Box seen{std::max(whole->x1, 0.0), std::max(whole->y1, 0.0),
                   std::min(whole->x2, static_cast<double>(facts.size.width)),
                   std::min(whole->y2, static_cast<double>(facts.size.height))};
    if (seen.Width() > kLeastSide && seen.Height() > kLeastSide) boxes.push_back({i, seen});
  }
  return boxes;
}

cv::Rect BoxSafeWindow(Rng& rng, const Facts& facts, double erosion) {
  const Size picture = facts.size;
  const std::vector<ObjectBox> boxes = VisibleBoxes(facts);
  if (boxes.empty() || erosion >= 1) {
    const int least = std::max(1, static_cast<int>(std::floor(picture.height * (1 - erosion))));
    const int height = Whole(rng, least, picture.height);
    const double shape = static_cast<double>(picture.width) / picture.height;
    const int width = std::clamp(Rounded(height * shape), 1, picture.width);
    const int x = RandomStart(rng, picture.width, width);
    const int y = RandomStart(rng, picture.height, height);
    rng.Unit();
    return {x, y, width, height};
  }
  Box all = boxes.front().box;
  for (const ObjectBox& b : boxes) {
    all = {std::min(all.x1, b.box.x1), std::min(all.y1, b.box.y1), std::max(all.x2, b.box.x2),
           std::max(all.y2, b.box.y2)};
  }
  const Box kept = all.Eroded(erosion);
  const Hold across = HoldInterval(kept.x1, kept.x2, picture.width);
  const Hold down = HoldInterval(kept.y1, kept.y2, picture.height);
  const int x1 = Whole(rng, 0, across.start);
  const int y1 = Whole(rng, 0, down.start);
  const int x2 = Whole(rng, across.end, picture.width);
  const int y2 = Whole(rng, down.end, picture.height);
  return Between(x1, y1, x2, y2);
}

const ObjectBox* PickBox(Rng& rng, const std::vector<ObjectBox>& boxes) {
  const auto picked =
      rng.Below("", static_cast<std::uint32_t>(std::max<std::size_t>(boxes.size(), 1)));
  const ObjectBox* box = boxes.empty() ? nullptr : &boxes[picked];
  rng.Note("object", box == nullptr ? -1 : static_cast<double>(box->object));
  return box;
}

}  // namespace pixloom
