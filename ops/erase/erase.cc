// SPDX-License-Identifier: Apache-2.0
#include "ops/erase/erase.h"

#include <algorithm>
#include <cmath>

#include "ops/kernels/coverage.h"

namespace pixloom {

namespace {

// The columns and rows that something lies in.
struct Extent {
  int x0 = 1 << 30;
  int y0 = 1 << 30;
  int x1 = -1;
  int y1 = -1;

  bool Empty() const { return x1 < x0; }
  void Include(int x, int y) {
    x0 = std::min(x0, x), x1 = std::max(x1, x + 1);
    y0 = std::min(y0, y), y1 = std::max(y1, y + 1);
  }
};

// What holes leave of an object, or of a part of it.
struct Sight {
  bool outline = false;  // it has something with an area
  double full = 0;       // area of the outline, also outside the picture
  double seen = 0;       // px^2 of the picture
  bool touched = false;  // a hole takes some of it
  Extent before;         // what of it lies in the picture
  Extent after;          // what stays visible

  void Add(const Sight& part) {
    outline = outline || part.outline;
    full += part.full;
    seen += part.seen;
    touched = touched || part.touched;
    for (const auto& [whole, own] : {std::pair{&before, &part.before}, {&after, &part.after}}) {
      if (own->Empty()) continue;
      whole->Include(own->x0, own->y0);
      whole->Include(own->x1 - 1, own->y1 - 1);
    }
  }
};

// Bits of holes in the sizes that masks come in.
class HoleBits {
 public:
  explicit HoleBits(const Holes& holes) : holes_(holes) {}

  const cv::Mat& At(Size size) {
    for (const cv::Mat& bits : made_) {
      if (bits.cols == size.width && bits.rows == size.height) return bits;
    }
    made_.reserve(16);
    if (made_.size() == 16) made_.pop_back();
    return made_.emplace_back(holes_.Bits(size));
  }

 private:
  const Holes& holes_;
  std::vector<cv::Mat> made_;
};

Sight LookAtPolygon(const Polygon& polygon, const cv::Mat& holes) {
  Sight sight;
  sight.outline = true;
  sight.full = polygon.Area();
  const Coverage cover = CoverageOf(polygon, {holes.cols, holes.rows});
  const cv::Rect& window = cover.window;
  for (int y = window.y; y < window.y + window.height; ++y) {
    const double* share = cover.Row(y);
    const auto* hole = holes.ptr<std::uint8_t>(y) + window.x;
    for (int i = 0; i < window.width; ++i) {
      if (share[i] <= kLeastCoverage) continue;
      sight.before.Include(window.x + i, y);
      if (hole[i] != 0) {
        sight.touched = true;
        continue;
      }
      sight.seen += share[i];
      sight.after.Include(window.x + i, y);
    }
  }
  return sight;
}

// In pixels of the picture, whatever size the bits have.
Sight LookAtBits(const cv::Mat& bits, const cv::Mat& holes, Size picture) {
  Sight sight;
  sight.outline = true;
  std::int64_t all = 0;
  std::int64_t visible = 0;
  for (int y = 0; y < bits.rows; ++y) {
    const auto* bit = bits.ptr<std::uint8_t>(y);
    const auto* hole = holes.ptr<std::uint8_t>(y);
    for (int x = 0; x < bits.cols; ++x) {
      if (bit[x] == 0) continue;
      ++all;
      sight.before.Include(x, y);
      if (hole[x] != 0) continue;
      ++visible;
      sight.after.Include(x, y);
    }
  }
  const double pixel = static_cast<double>(picture.Area()) / static_cast<double>(bits.total());
  sight.full = pixel * static_cast<double>(all);
  sight.seen = pixel * static_cast<double>(visible);
  sight.touched = visible < all;
  const auto stretch = [&](Extent& e) {
    if (e.Empty() || (bits.cols == picture.width && bits.rows == picture.height)) return;
    const auto scale = [](int v, int from, int to, double round) {
      return static_cast<int>(std::floor(static_cast<double>(v) * to / from + round));
    };
    e = {scale(e.x0, bits.cols, picture.width, 0), scale(e.y0, bits.rows, picture.height, 0),
         scale(e.x1, bits.cols, picture.width, 0.999),
         scale(e.y1, bits.rows, picture.height, 0.999)};
  };
  stretch(sight.before);
  stretch(sight.after);
  return sight;
}

bool IsFinite(const Instance& instance) {
  const auto finite = [](Point p) { return std::isfinite(p.x) && std::isfinite(p.y); };
  if (instance.quad && !std::all_of(instance.quad->begin(), instance.quad->end(), finite)) {
    return false;
  }
  for (const Polygon& polygon : instance.polygons) {
    for (const auto& ring : polygon.rings) {
      if (!std::all_of(ring.begin(), ring.end(), finite)) return false;
    }
  }
  return true;
}

Polygon QuadOutline(const Quad& quad) { return {{{quad.begin(), quad.end()}}}; }

class LabelEraser {
 public:
  LabelEraser(const Holes& holes, const LabelRule& rule)
      : bits_(holes), picture_(holes.picture), rule_(rule) {}

  // "" or why the object goes.
  std::string Erase(Instance& instance, std::map<std::string, std::uint64_t>& counts) {
    const cv::Mat& holes = bits_.At(picture_);
    const bool hidden = HideKeypoints(instance, holes, counts);
    if (!IsFinite(instance)) return "";
    std::vector<Sight> parts;
    Sight sight;
    for (const Polygon& polygon : instance.polygons) {
      sight.Add(parts.emplace_back(LookAtPolygon(polygon, holes)));
    }
    if (instance.HasMask()) {
      cv::Mat bits = instance.Bits();
      const cv::Mat& own = bits_.At({bits.cols, bits.rows});
      const Sight mask = LookAtBits(bits, own, picture_);
      if (!sight.outline) sight = mask;
      if (mask.touched) {
        bits = bits.clone();
        bits.setTo(0, own);
        instance.SetBits(bits);
      }
    }
    if (!sight.outline && instance.quad) sight = LookAtPolygon(QuadOutline(*instance.quad), holes);
    if (!sight.outline) {
      const bool labelled = std::any_of(instance.keypoints.begin(), instance.keypoints.end(),
                                        [](const Keypoint& k) { return k.visibility > 0; });
      return hidden && !labelled && rule_.drop ? "erased" : "";
    }
    if (!sight.touched) return "";
    if (const std::string reason = Reason(instance, sight); !reason.empty()) {
      return rule_.drop ? reason : "";
    }
    if (!sight.after.Empty()) DropErasedPolygons(instance, parts, counts);
    if (rule_.shrink && instance.quad && !instance.oriented) Shrink(*instance.quad, sight);
    return "";
  }

 private:
  std::string Reason(const Instance& instance, const Sight& sight) const {
    constexpr double kSlack = 1 - 1e-6;
    if (sight.after.Empty()) return "erased";
    if (sight.seen < rule_.min_area * kSlack) return "below min_area";
    const double original = instance.original_area > 0 ? instance.original_area : sight.full;
    if (sight.seen < rule_.min_visibility * original * kSlack) return "below min_visibility";
    return "";
  }

  // Whether a labelled one was hidden.
  bool HideKeypoints(Instance& instance, const cv::Mat& holes,
                     std::map<std::string, std::uint64_t>& counts) const {
    const auto erased = [&](const Keypoint& k) {
      const bool inside = k.at.x >= 0 && k.at.y >= 0 && k.at.x < holes.cols && k.at.y < holes.rows;
      return inside &&
             holes.at<std::uint8_t>(static_cast<int>(k.at.y), static_cast<int>(k.at.x)) != 0;
    };
    bool hidden = false;
    for (Keypoint& k : instance.keypoints) {
      if (k.visibility <= 0 || !erased(k)) continue;
      k.visibility = 0;
      hidden = true;
      ++counts["keypoints erased"];
    }
    if (rule_.remove_keypoints) std::erase_if(instance.keypoints, erased);
    return hidden;
  }

  static void DropErasedPolygons(Instance& instance, const std::vector<Sight>& parts,
                                 std::map<std::string, std::uint64_t>& counts) {
    std::vector<Polygon> kept;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].touched && parts[i].after.Empty()) {
        ++counts["polygons erased"];
      } else {
        kept.push_back(std::move(instance.polygons[i]));
      }
    }
    instance.polygons = std::move(kept);
  }

  static void Shrink(Quad& quad, const Sight& sight) {
    const Extent& before = sight.before;
    const Extent& after = sight.after;
    const auto old = Bounds(quad);
    auto box = old;
    if (after.x0 > before.x0) box[0] = std::max(box[0], 1.0 * after.x0);
    if (after.y0 > before.y0) box[1] = std::max(box[1], 1.0 * after.y0);
    if (after.x1 < before.x1) box[2] = std::min(box[2], 1.0 * after.x1);
    if (after.y1 < before.y1) box[3] = std::min(box[3], 1.0 * after.y1);
    if (box == old || box[0] >= box[2] || box[1] >= box[3]) return;
    quad = BoxQuad(box[0], box[1], box[2], box[3]);
  }

  HoleBits bits_;
  Size picture_;
  const LabelRule& rule_;
};

}  // namespace

void EraseMasks(Sample& sample, const Holes& holes, std::optional<int> mask_fill) {
  HoleBits bits(holes);
  for (auto& [name, mask] : sample.masks) {
    const cv::Mat& own = bits.At({mask.pixels.cols, mask.pixels.rows});
    mask.pixels = mask.pixels.clone();
    mask.pixels.setTo(mask_fill.value_or(mask.ignore_index), own);
  }
}

void EraseLabels(Sample& sample, const Holes& holes, const LabelRule& rule) {
  if (rule.erase_masks) EraseMasks(sample, holes, rule.mask_fill);
  LabelEraser eraser(holes, rule);
  std::vector<Instance> kept;
  kept.reserve(sample.instances.size());
  for (Instance& instance : sample.instances) {
    const std::string reason = eraser.Erase(instance, sample.counts);
    if (reason.empty()) {
      kept.push_back(std::move(instance));
    } else {
      ++sample.counts["objects dropped (" + reason + ")"];
    }
  }
  sample.instances = std::move(kept);
}

cv::Mat BitsOfObject(const Instance& instance, Size picture) {
  cv::Mat bits = cv::Mat::zeros(picture.height, picture.width, CV_8U);
  if (!IsFinite(instance)) return bits;
  std::vector<Polygon> outlines = instance.polygons;
  if (outlines.empty() && instance.HasMask()) {
    Holes shape(picture);
    shape.Add(instance.Bits(), 0);
    return shape.Bits(picture);
  }
  if (outlines.empty() && instance.quad) outlines.push_back(QuadOutline(*instance.quad));
  for (const Polygon& outline : outlines) {
    const Coverage cover = CoverageOf(outline, picture);
    const cv::Rect& window = cover.window;
    for (int y = window.y; y < window.y + window.height; ++y) {
      const double* share = cover.Row(y);
      auto* row = bits.ptr<std::uint8_t>(y) + window.x;
      for (int i = 0; i < window.width; ++i) {
        if (share[i] > 0.5) row[i] = 255;
      }
    }
  }
  return bits;
}

ImageStep FillStep(std::shared_ptr<const Holes> holes, const FillRule& rule) {
  return {[holes = std::move(holes), rule](const cv::Mat& in,
                                           const FrameContext& context) -> Result<cv::Mat> {
    const Size size{in.cols, in.rows};
    if (size == holes->picture) return FillHoles(in, holes->runs, rule, context);
    return FillHoles(in, holes->RunsFor(size), rule, context);
  }};
}

Steps<ImageStep, SampleStep> Erases::Erase(Holes made) const {
  if (made.runs.empty()) return {};
  const auto holes = std::make_shared<const Holes>(std::move(made));
  SampleStep labels;
  labels.touches = kTargetInstance | (erase_masks ? kTargetMask : kTargetNone);
  labels.run = [holes, rule = Labels()](Sample& sample) -> std::optional<DataError> {
    EraseLabels(sample, *holes, rule);
    return std::nullopt;
  };
  Steps<ImageStep, SampleStep> steps;
  steps.push_back(FillStep(holes, Rule()));
  steps.push_back(std::move(labels));
  return steps;
}

}  // namespace pixloom
