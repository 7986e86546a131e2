// SPDX-License-Identifier: Apache-2.0
#include "ops/mix/place.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "ops/erase/holes.h"
#include "ops/families.h"
#include "ops/mix/block.h"
#include "pipeline/labels.h"
#include "pipeline/lower.h"

namespace pixloom {

namespace {

const Families& PixelLoops() {
  static const std::unique_ptr<Families> families = MakeFamilies();
  return *families;
}

Matrix Between(Size from, Size to) {
  return Matrix::Scale(static_cast<double>(to.width) / from.width,
                       static_cast<double>(to.height) / from.height);
}

cv::Mat Place(const cv::Mat& source, const Placement& placement, Size canvas, Resampling resampling,
              const std::optional<std::array<double, 4>>& fill) {
  const Size size = SizeOf(source);
  const cv::Rect cell = CellOf(placement, canvas);
  AffineStep step;
  step.map = Matrix::Translate(-cell.x, -cell.y) * Between(placement.canvas, canvas) *
             placement.map * Between(size, placement.picture);
  step.out = {cell.width, cell.height};
  step.resampling = resampling;
  if (fill) {
    step.border.emplace();
    step.border->fill = *fill;
  }
  const Matrix& m = step.map;
  const bool shift = m.IsAffine() && m.m[0] == 1 && m.m[1] == 0 && m.m[3] == 0 && m.m[4] == 1;
  if (shift && m.m[2] == std::floor(m.m[2]) && m.m[5] == std::floor(m.m[5])) {
    const cv::Rect seen(static_cast<int>(-m.m[2]), static_cast<int>(-m.m[5]), cell.width,
                        cell.height);
    if ((seen & Whole(size)) == seen) return source(seen);
  }
  return PixelLoops().Affine(ImageView::Whole(source), MakeGroup(step, size));
}

std::array<double, 4> AllOf(double level) { return {level, level, level, level}; }

}  // namespace

Placement Stretched(Size picture, Size canvas) {
  return {Between(picture, canvas), picture, canvas, Whole(canvas), std::nullopt};
}

cv::Rect CellOf(const Placement& placement, Size canvas) {
  return Rescaled(placement.cell, placement.canvas, canvas);
}

cv::Mat PlacePixels(const cv::Mat& source, const Placement& placement, Size canvas) {
  return Place(source, placement, canvas, Resampling::kAntialias, placement.fill);
}

cv::Mat PlaceMask(const cv::Mat& source, const Placement& placement, Size canvas, int outside) {
  return Place(source, placement, canvas, Resampling::kNearest, AllOf(outside));
}

void PutPixels(const cv::Mat& source, const Placement& placement, const cv::Mat& where,
               cv::Mat& out) {
  const cv::Rect cell = CellOf(placement, SizeOf(out));
  if (cell.empty()) return;
  cv::Mat target = out(cell);
  const cv::Mat shown = PlacePixels(source, placement, SizeOf(out));
  if (where.empty()) {
    shown.copyTo(target);
  } else {
    shown.copyTo(target, where(cell));
  }
}

void PutMask(const SemanticMask* source, const Placement& placement, const cv::Mat& where,
             SemanticMask& out) {
  const Size canvas = SizeOf(out.pixels);
  const cv::Rect cell = CellOf(placement, canvas);
  if (cell.empty()) return;
  cv::Mat target = out.pixels(cell);
  const cv::Mat there = where.empty() ? cv::Mat() : where(cell);
  if (source == nullptr) {
    target.setTo(out.ignore_index, there);
    return;
  }
  cv::Mat shown = PlaceMask(source->pixels, placement, canvas, source->ignore_index);
  if (source->ignore_index != out.ignore_index) {
    const cv::Mat ignored = shown == source->ignore_index;
    shown = shown.clone();
    shown.setTo(out.ignore_index, ignored);
  }
  there.empty() ? shown.copyTo(target) : shown.copyTo(target, there);
}

Sample PlacedLabels(const Sample& sample, const Placement& placement) {
  Sample placed;
  placed.instances = sample.instances;
  placed.masks = sample.masks;
  placed.names = sample.names;
  for (Instance& instance : placed.instances) {
    if (instance.original_area > 0) continue;
    // Once it is cut, nobody can tell any more.
    const Visible all = LookAt(instance, Whole(placement.picture));
    if (all.valid && std::isfinite(all.full_area)) instance.original_area = all.full_area;
  }
  MoveLabels(placement.map, placed);
  const Size canvas = placement.canvas;
  for (Instance& instance : placed.instances) {
    if (!instance.HasMask()) continue;
    const cv::Mat own = instance.Bits();
    if (placement.map == Matrix::Identity() && placement.cell == Whole(canvas) &&
        SizeOf(own) == canvas) {
      continue;
    }
    cv::Mat bits = cv::Mat::zeros(canvas.height, canvas.width, CV_8U);
    PlaceMask(own, placement, canvas, 0).copyTo(bits(placement.cell));
    instance.SetBits(std::move(bits));
  }
  return placed;
}

void CutObjects(std::vector<Instance>& instances, const cv::Rect& view, const VisibleRule& rule,
                std::map<std::string, std::uint64_t>& counts) {
  std::vector<Instance> kept;
  kept.reserve(instances.size());
  for (Instance& instance : instances) {
    const Visible seen = LookAt(instance, view);
    const std::string reason = ReasonToDrop(instance, seen, rule);
    if (!reason.empty()) {
      ++counts["objects dropped (" + reason + ")"];
      continue;
    }
    if (seen.outline && !seen.whole) CutOutlines(instance, seen, view, true);
    HideKeypoints(instance, view);
    if (instance.HasMask()) {
      const cv::Mat bits = instance.Bits();
      const cv::Rect shown = view & Whole(SizeOf(bits));
      if (shown != Whole(SizeOf(bits))) {
        cv::Mat inside = cv::Mat::zeros(bits.size(), bits.type());
        if (!shown.empty()) bits(shown).copyTo(inside(shown));
        instance.SetBits(std::move(inside));
      }
    }
    kept.push_back(std::move(instance));
  }
  instances = std::move(kept);
}

}  // namespace pixloom
