// SPDX-License-Identifier: Apache-2.0
// Formulas of operators whose window depends on objects or masks.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "tests/reference/ref_geometry.h"

namespace pixloom::reference {

namespace {

// Positions of labels agree to this many pixels.
constexpr double kSlack = 1e-6;

struct Seen {
  int object = 0;
  double left = 0, top = 0, right = 0, bottom = 0;
  double Width() const { return right - left; }
  double Height() const { return bottom - top; }
  Point Centre() const { return {(left + right) / 2, (top + bottom) / 2}; }
  Seen Shrunk(double rate) const {
    const Point c = Centre();
    const double x = (1 - rate) * Width() / 2;
    const double y = (1 - rate) * Height() / 2;
    return {object, c.x - x, c.y - y, c.x + x, c.y + y};
  }
};

std::vector<Point> Outline(const Instance& instance) {
  if (instance.quad) return {instance.quad->begin(), instance.quad->end()};
  std::vector<Point> points;
  for (const Polygon& polygon : instance.polygons) {
    if (polygon.rings.empty()) continue;
    points.insert(points.end(), polygon.rings[0].begin(), polygon.rings[0].end());
  }
  return points;
}

bool HasBox(const Instance& instance) {
  const std::vector<Point> points = Outline(instance);
  return !points.empty() && std::all_of(points.begin(), points.end(), [](const Point& p) {
    return std::isfinite(p.x) && std::isfinite(p.y);
  });
}

std::vector<Seen> SeenBoxes(const OpState& state) {
  std::vector<Seen> boxes;
  for (std::size_t i = 0; i < state.instances->size(); ++i) {
    const Instance& instance = (*state.instances)[i];
    if (!HasBox(instance)) continue;
    std::vector<double> xs, ys;
    for (const Point& p : Outline(instance)) {
      xs.push_back(std::clamp(p.x, 0.0, 1.0 * state.size.width));
      ys.push_back(std::clamp(p.y, 0.0, 1.0 * state.size.height));
    }
    const auto [x1, x2] = std::minmax_element(xs.begin(), xs.end());
    const auto [y1, y2] = std::minmax_element(ys.begin(), ys.end());
    if (*x2 - *x1 <= kSlack || *y2 - *y1 <= kSlack) continue;
    boxes.push_back({static_cast<int>(i), *x1, *y1, *x2, *y2});
  }
  return boxes;
}

Seen WindowOf(const Draws& draws) {
  return {0, draws["x"], draws["y"], draws["x"] + draws["width"], draws["y"] + draws["height"]};
}

// The box the draw says it picked; nullptr: none. Complains when there is no such box, or when none
// was picked although there are some.
const Seen* Picked(const std::vector<Seen>& boxes, const Draws& draws, Problems& problems) {
  const double object = draws["object"];
  if (boxes.empty() && object == -1) return nullptr;
  for (const Seen& box : boxes) {
    if (box.object == object) return &box;
  }
  problems.push_back(fmt::format("object {} has no visible box", object));
  return nullptr;
}

void CheckUncut(const Draws& draws, const OpState& state, Problems& problems) {
  if (draws["width"] == state.size.width && draws["height"] == state.size.height) return;
  problems.push_back("the picture should have stayed whole");
}

// ---- Around boxes -------------------------------------------------------------------------------

void CheckNearBox(const Arguments& args, const Draws& draws, const OpState& state,
                  Problems& problems) {
  CheckInside(draws, state, problems);
  const std::vector<Seen> boxes = SeenBoxes(state);
  const Seen* box = Picked(boxes, draws, problems);
  if (box == nullptr) {
    if (boxes.empty()) CheckUncut(draws, state, problems);
    return;
  }
  const Seen window = WindowOf(draws);
  const double most = args.Interval("shift", {0, 0.3}).Max();
  const auto side = [&](std::string_view name, double at, double of, double length) {
    // Half a pixel of rounding, and one so that a pixel stays.
    if (std::abs(at - of) <= most * length + 1 + kSlack) return;
    problems.push_back(fmt::format("the {} side is {} px away from the box", name, at - of));
  };
  side("left", window.left, box->left, box->Width());
  side("right", window.right, box->right, box->Width());
  side("top", window.top, box->top, box->Height());
  side("bottom", window.bottom, box->bottom, box->Height());
}

void CheckBoxSafe(const Arguments& args, const Draws& draws, const OpState& state,
                  Problems& problems) {
  CheckInside(draws, state, problems);
  const double erosion = args.Number("erosion_rate", 0);
  const std::vector<Seen> boxes = SeenBoxes(state);
  const Seen window = WindowOf(draws);
  if (boxes.empty() || erosion >= 1) {
    const double least = std::max(1.0, std::floor(state.size.height * (1 - erosion)));
    CheckHolds("height", {least, 1.0 * state.size.height}, window.Height(), problems);
    const double width = window.Height() * state.size.width / state.size.height;
    if (std::abs(window.Width() - std::max(1.0, width)) > 0.5 + kSlack) {
      problems.push_back("the window has another shape than the picture");
    }
    return;
  }
  Seen all = boxes[0];
  for (const Seen& b : boxes) {
    all.left = std::min(all.left, b.left);
    all.top = std::min(all.top, b.top);
    all.right = std::max(all.right, b.right);
    all.bottom = std::max(all.bottom, b.bottom);
  }
  const Seen kept = all.Shrunk(erosion);
  if (window.left > kept.left + kSlack || window.right < kept.right - kSlack ||
      window.top > kept.top + kSlack || window.bottom < kept.bottom - kSlack) {
    problems.push_back("the window cuts a box");
  }
}

void CheckAtLeastOne(const Arguments& args, const Draws& draws, const OpState& state,
                     Problems& problems) {
  CheckWhole("x", draws["x"], problems);
  CheckWhole("y", draws["y"], problems);
  const std::vector<Seen> boxes = SeenBoxes(state);
  const Seen* box = Picked(boxes, draws, problems);
  const Size size = args.Sides("size");
  const auto axis = [&](std::string_view name, double start, int picture, int window) {
    if (picture < window) {
      CheckHolds(name, std::floor((picture - window) / 2.0), start, problems);
    } else {
      CheckHolds(name, {0, 1.0 * picture - window}, start, problems);
    }
  };
  axis("x", draws["x"], state.size.width, size.width);
  axis("y", draws["y"], state.size.height, size.height);
  if (box == nullptr) return;
  const Seen kept = box->Shrunk(args.Number("erosion_factor", 0));
  if (kept.left > draws["x"] + size.width + kSlack || kept.right < draws["x"] - kSlack ||
      kept.top > draws["y"] + size.height + kSlack || kept.bottom < draws["y"] - kSlack) {
    problems.push_back("the window shows nothing of the box");
  }
}

std::vector<RefStep> CutOfSize(const Arguments& args, const Draws& draws, const OpState& state) {
  return {CutOut(draws["x"], draws["y"], args.Sides("size"), state.size, args)};
}

// ---- IoU ----------------------------------------------------------------------------------------

bool HoldsCentre(const Seen& window, const Seen& box) {
  const Point c = box.Centre();
  return c.x > window.left && c.x < window.right && c.y > window.top && c.y < window.bottom;
}

double Overlap(const Seen& a, const Seen& b) {
  const double w = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double h = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (w <= 0 || h <= 0) return 0;
  return w * h / (a.Width() * a.Height() + b.Width() * b.Height() - w * h);
}

void CheckIouCrop(const Arguments& args, const Draws& draws, const OpState& state,
                  Problems& problems) {
  CheckInside(draws, state, problems);
  const double least = draws["min_iou"];
  const std::vector<Seen> boxes = SeenBoxes(state);
  if (least >= 1 || boxes.empty()) {
    if (least < 1) problems.push_back("an IoU was asked for, of no box");
    CheckUncut(draws, state, problems);
    return;
  }
  const Seen window = WindowOf(draws);
  const bool good = std::any_of(boxes.begin(), boxes.end(), [&](const Seen& b) {
    return HoldsCentre(window, b) && Overlap(window, b) >= least - kSlack;
  });
  if (!good) problems.push_back(fmt::format("no box has an IoU of {}", least));
  const double shape = window.Width() / window.Height();
  CheckHolds("aspect ratio",
             {args.Number("min_aspect_ratio", 0.5), args.Number("max_aspect_ratio", 2)}, shape,
             problems);
  const auto scaled = [&](std::string_view name, double length, int side) {
    const double lo = std::floor(args.Number("min_scale", 0.3) * side);
    CheckHolds(name, {std::max(1.0, lo), std::max(1.0, args.Number("max_scale", 1) * side)}, length,
               problems);
  };
  scaled("width", window.Width(), state.size.width);
  scaled("height", window.Height(), state.size.height);
}

std::vector<RefStep> IouCrop(const Arguments& args, const Draws& draws, const OpState& state) {
  if (draws["min_iou"] >= 1) return {};
  std::vector<RefStep> steps = CutDrawn(args, draws, state);
  std::vector<char> keep;
  for (const Instance& instance : *state.instances) keep.push_back(HasBox(instance) ? 0 : 1);
  for (const Seen& box : SeenBoxes(state)) {
    if (HoldsCentre(WindowOf(draws), box)) keep[static_cast<std::size_t>(box.object)] = 1;
  }
  steps.emplace_back(ObjectStep{[keep](std::vector<Instance>& instances) {
    for (std::size_t i = instances.size(); i-- > 0;) {
      if (keep.at(i) == 0) instances.erase(instances.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }});
  return steps;
}

// ---- Masks --------------------------------------------------------------------------------------

// Where the mask shows something: one flag per pixel; empty without a mask.
cv::Mat Something(const Arguments& args, const OpState& state) {
  const std::string name = args.Text("mask", "");
  const SemanticMask* mask = nullptr;
  for (const auto& [key, m] : *state.masks) {
    if (mask == nullptr && (name.empty() || key == name)) mask = &m;
  }
  cv::Mat flags;
  if (mask == nullptr) {
    for (const Instance& instance : *state.instances) {
      if (instance.mask.empty()) continue;
      const cv::Mat own = instance.mask != 0;
      flags = flags.empty() ? own.clone() : cv::Mat(flags | own);
    }
    return flags;
  }
  const std::vector<double> ignored = args.Numbers("ignore_values", {0});
  mask->pixels.convertTo(flags, CV_64F);
  for (int y = 0; y < flags.rows; ++y) {
    for (int x = 0; x < flags.cols; ++x) {
      double& v = flags.at<double>(y, x);
      const bool listed = std::find(ignored.begin(), ignored.end(), v) != ignored.end();
      v = v == 0 || v == mask->ignore_index || listed ? 0 : 1;
    }
  }
  return flags;
}

void CheckNonEmptyMask(const Arguments& args, const Draws& draws, const OpState& state,
                       Problems& problems) {
  const cv::Mat flags = Something(args, state);
  const double x = draws["pixel_x"];
  const double y = draws["pixel_y"];
  const Size size = args.Sides("size");
  if (x < 0) {
    if (!flags.empty() && cv::countNonZero(flags) > 0) {
      problems.push_back("the mask is not empty");
    }
  } else if (flags.cols == state.size.width && flags.rows == state.size.height) {
    const cv::Mat one = flags(cv::Rect(static_cast<int>(x), static_cast<int>(y), 1, 1));
    if (cv::countNonZero(one) != 1) problems.push_back("the pixel is background");
  }
  const auto axis = [&](std::string_view name, double start, double pixel, int picture,
                        int window) {
    CheckWhole(name, start, problems);
    if (picture < window) {
      CheckHolds(name, std::floor((picture - window) / 2.0), start, problems);
      return;
    }
    CheckHolds(name, {0, 1.0 * picture - window}, start, problems);
    if (pixel >= 0) CheckHolds(name, {pixel - window + 1, pixel}, start, problems);
  };
  axis("x", draws["x"], x, state.size.width, size.width);
  axis("y", draws["y"], y, state.size.height, size.height);
}

}  // namespace

const std::vector<OpRule>& BoxCropRules() {
  static const std::vector<std::string_view> window{"x", "y", "width", "height"};
  static const std::vector<OpRule> rules{
      {"at_least_one_box_crop", false, {"object", "x", "y"}, CheckAtLeastOne, CutOfSize},
      {"box_safe_random_crop", false, window, CheckBoxSafe, CutDrawn},
      {"crop_non_empty_mask",
       false,
       {"pixel_x", "pixel_y", "x", "y"},
       CheckNonEmptyMask,
       CutOfSize,
       true},
      {"random_crop_near_box",
       false,
       {"object", "x", "y", "width", "height"},
       CheckNearBox,
       CutDrawn},
      {"random_iou_crop", false, {"min_iou", "x", "y", "width", "height"}, CheckIouCrop, IouCrop},
      {"random_sized_box_safe_crop", false, window, CheckBoxSafe, CutDrawnAndResize},
  };
  return rules;
}

}  // namespace pixloom::reference
