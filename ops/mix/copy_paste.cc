// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <opencv2/imgproc.hpp>

#include "ops/geometry/window.h"
#include "ops/kernels/blend_rows.h"
#include "ops/kernels/blur_kernel.h"
#include "ops/labels/class_choice.h"
#include "ops/mix/block.h"
#include "ops/mix/covered.h"
#include "ops/mix/place.h"

namespace pixloom {

enum class PastePosition { kSame, kRandom };
enum class PasteBlend { kHard, kFeather };

template <>
struct EnumNames<PastePosition> {
  static constexpr std::array kAll{std::pair{PastePosition::kSame, "same"},
                                   std::pair{PastePosition::kRandom, "random"}};
};
template <>
struct EnumNames<PasteBlend> {
  static constexpr std::array kAll{std::pair{PasteBlend::kHard, "hard"},
                                   std::pair{PasteBlend::kFeather, "feather"}};
};

namespace {

// What was drawn for one object, whether or not it can be pasted.
struct Drawn {
  std::size_t object = 0;
  double scale = 1;
  bool flip = false;
  double sigma = 0;
  Point place;
};

// The rectangle around bits, as far as a blur of them reaches.
cv::Rect Around(const cv::Mat& bits, double sigma) {
  const cv::Rect box = cv::boundingRect(bits);
  const int reach = sigma > 0 ? static_cast<int>(std::ceil(3.5 * sigma)) + 1 : 0;
  return cv::Rect(box.x - reach, box.y - reach, box.width + 2 * reach, box.height + 2 * reach) &
         Whole(SizeOf(bits));
}

// The pixels of the canvas that a rectangle with these corners may touch.
cv::Rect Reach(Point a, Point b, Size canvas) {
  const auto low = [](double v, int side) {
    return static_cast<int>(std::clamp(std::floor(v) - 1, 0.0, 1.0 * side));
  };
  const auto high = [](double v, int side) {
    return static_cast<int>(std::clamp(std::ceil(v) + 1, 0.0, 1.0 * side));
  };
  return {
      cv::Point(low(std::min(a.x, b.x), canvas.width), low(std::min(a.y, b.y), canvas.height)),
      cv::Point(high(std::max(a.x, b.x), canvas.width), high(std::max(a.y, b.y), canvas.height))};
}

// Pixels of the cell, each as much as the blurred bits say.
void Blend(const cv::Mat& source, const Placement& placement, const cv::Mat& bits, double sigma,
           cv::Mat& out) {
  const cv::Rect cell = CellOf(placement, SizeOf(out));
  if (cell.empty()) return;
  cv::Mat share;
  bits(cell).convertTo(share, CV_32F, 1.0 / 255);
  share = GaussianBlur(share, sigma, sigma, 0, Border::kReplicate);
  cv::Mat target;
  PlacePixels(source, placement, SizeOf(out)).convertTo(target, CV_32F);
  const auto channels = static_cast<std::size_t>(out.channels());
  const std::size_t values = static_cast<std::size_t>(cell.width) * channels;
  std::vector<float> each(values);
  WithDepth(out, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < cell.height; ++y) {
      const auto* of_pixel = share.ptr<float>(y);
      for (std::size_t i = 0; i < values; ++i) each[i] = of_pixel[i / channels];
      T* row = out.ptr<T>(cell.y + y) + static_cast<std::size_t>(cell.x) * channels;
      BlendRow(row, each.data(), target.ptr<float>(y), row, values);
    }
  });
}

struct CopyPaste : Block, Covered {
  Range objects{1, 3};
  std::vector<std::string> classes;
  Range scale{1};
  double flip = 0;
  PastePosition position = PastePosition::kSame;
  PasteBlend blend = PasteBlend::kHard;
  Range sigma{1, 3};
  bool boxes = false;
  double min_paste_area = 1;

  CopyPaste() { min_visibility = 0.05; }

  static constexpr std::string_view kName = "copy_paste";
  static constexpr std::string_view kDoc =
      "Cut objects out of another sample of the block along their masks and paste them over each, "
      "labels and all. Objects below are treated as erased; semantic masks show the pasted pixels' "
      "classes; the label of the picture stays.";
  static constexpr auto Params() {
    using Op = CopyPaste;
    return std::tuple_cat(
        std::tuple{
            Param("objects", &Op::objects)
                .In(0, 10'000)
                .Unit("objects")
                .Primary()
                .Doc("How many, at most all of one partner; whole numbers, with equal chance. The "
                     "partner is drawn among the members that have some."),
            Param("classes", &Op::classes)
                .Doc("Names or indices of the classes whose objects are pasted; none takes all."),
            Param("scale", &Op::scale)
                .In(0.01, 100)
                .Unit("factor")
                .Alias("scale_range")
                .Doc("Each object's size relative to its picture's, about its centre."),
            Param("flip", &Op::flip)
                .In(0, 1)
                .Unit("chance")
                .Doc("How often an object is mirrored left to right."),
            Param("position", &Op::position)
                .Doc("same: where it lies in its picture; random: anywhere inside."),
            Param("blend", &Op::blend)
                .Alias("blend_mode")
                .Doc("hard: its pixels; feather: mixed across its edge. Labels are the same."),
            Param("sigma", &Op::sigma)
                .In(0.1, 100)
                .Unit("px")
                .Alias("blend_sigma_range")
                .Doc("Deviation of the Gaussian that feathers."),
            Param("boxes", &Op::boxes)
                .Doc("Paste objects that have neither polygons nor a mask as their boxes."),
            Param("min_paste_area", &Op::min_paste_area)
                .In(0, 1e10)
                .Unit("px^2")
                .Doc("Least area inside the picture of an object that is pasted.")},
        Covered::Table<Op>(), Block::Table<Op>());
  }
  std::string Check() const { return CheckWhole("objects", objects); }
  std::shared_ptr<const WindowOperator> Make(const Services&) const {
    return std::make_shared<BlockWindow<CopyPaste>>(*this);
  }

  Result<Mixed> Mix(Members members, std::size_t anchor, Rng& rng) const {
    const Sample& own = *members[anchor];
    const int wanted = DrawWhole(rng, "objects", objects);
    const double pick = rng.Unit();
    std::vector<std::pair<std::size_t, std::vector<std::size_t>>> donors;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i == anchor) continue;
      auto found = Candidates(*members[i]);
      if (!found) return found.Error();
      if (!found->empty()) donors.emplace_back(i, std::move(*found));
    }
    if (donors.empty() || wanted == 0) return Mixed{own.Clone(), {}};
    auto& [chosen, left] =
        donors[static_cast<std::size_t>(pick * static_cast<double>(donors.size()))];
    const Sample& partner = *members[chosen];
    rng.Note("partner", static_cast<double>(chosen));
    if (auto error = Mismatch(own, partner)) return *error;
    const Sample* const both[] = {&own, &partner};
    const auto names = CommonNames(both);
    if (!names) return names.Error();

    Sample result = own.Clone();
    result.names = *names;
    FreshIds ids(own.instances);
    int pasted = 0;
    for (int i = 0; i < wanted && !left.empty(); ++i) {
      const auto at = left.begin() + rng.Below("", static_cast<std::uint32_t>(left.size()));
      Drawn drawn;
      drawn.object = *at;
      left.erase(at);
      rng.Note("object", static_cast<double>(drawn.object));
      drawn.scale = rng.Draw("scale", scale);
      drawn.flip = rng.Chance("flip", flip);
      drawn.sigma = rng.Draw(blend == PasteBlend::kFeather ? "sigma" : "", sigma);
      if (blend == PasteBlend::kHard) drawn.sigma = 0;
      drawn.place = {rng.Unit(), rng.Unit()};
      const bool done = Paste(partner, drawn, pasted == 0, ids, rng, result);
      if (done) ++pasted;
      ++result.counts[done ? "objects pasted" : "objects not pasted (too little inside)"];
    }
    rng.Note("pasted", pasted);
    if (pasted == 0) return Mixed{std::move(result), {}};
    return Mixed{std::move(result), {chosen}};
  }

 private:
  // Objects that have a shape to cut out.
  Result<std::vector<std::size_t>> Candidates(const Sample& sample) const {
    std::vector<std::size_t> found;
    const auto chosen = ClassIndices(classes, sample.names.get(), kName, "classes");
    for (std::size_t i = 0; i < sample.instances.size(); ++i) {
      const Instance& instance = sample.instances[i];
      // Pictures without objects need not know the names.
      if (!chosen) return chosen.Error();
      if (!chosen->empty() && (!instance.label || chosen->count(*instance.label) == 0)) continue;
      const bool shape = !instance.polygons.empty() || instance.HasMask();
      if (shape || (boxes && instance.quad)) found.push_back(i);
    }
    return found;
  }

  // False when too little of it would be seen; then nothing has changed.
  bool Paste(const Sample& partner, const Drawn& drawn, bool first, FreshIds& ids, Rng& rng,
             Sample& result) const {
    const Size canvas = PictureSize(result);
    const Size picture = PictureSize(partner);
    std::map<std::string, std::uint64_t> uncounted;
    Sample one;
    one.names = partner.names;
    one.masks = partner.masks;
    one.instances.push_back(partner.instances[drawn.object]);
    // Pixels end at the edges of the partner's picture, whatever its labels say.
    CutObjects(one.instances, Whole(picture), {}, uncounted);
    if (one.instances.empty()) return false;
    Placement placement = Stretched(picture, canvas);
    const auto box = LookAt(one.instances[0], Whole(picture)).box;
    placement.map = Moved(box, drawn, placement.map, canvas, rng);
    placement.cell =
        Reach(placement.map({box[0], box[1]}), placement.map({box[2], box[3]}), canvas);
    if (placement.cell.empty()) return false;

    Sample placed = PlacedLabels(one, placement);
    CutObjects(placed.instances, Whole(canvas), {min_paste_area, min_visibility, 0}, uncounted);
    if (placed.instances.empty()) return false;
    Instance& instance = placed.instances[0];
    const cv::Mat bits = BitsOfObject(instance, canvas);
    const int area = cv::countNonZero(bits);
    if (area == 0 || area < min_paste_area) return false;
    if (instance.HasMask()) instance.SetBits(bits);
    placement.cell = Around(bits, drawn.sigma);

    Holes shape(canvas);
    shape.Add(bits, 0);
    const auto bits_for = [&](const cv::Mat& pixels) {
      return SizeOf(pixels) == canvas ? bits : shape.Bits(SizeOf(pixels));
    };
    for (auto& [name, field] : result.images) {
      const ImageField& other = *partner.Image(name);
      for (std::size_t f = 0; f < field.frames.size(); ++f) {
        cv::Mat& pixels = field.frames[f].pixels;
        if (first) pixels = pixels.clone();
        const cv::Mat& source = other.frames[f].pixels;
        if (drawn.sigma > 0) {
          const double zoom = static_cast<double>(pixels.cols) / canvas.width;
          Blend(source, placement, bits_for(pixels), drawn.sigma * zoom, pixels);
        } else {
          PutPixels(source, placement, bits_for(pixels), pixels);
        }
      }
    }
    for (auto& [name, mask] : result.masks) {
      if (first) mask.pixels = mask.pixels.clone();
      const auto other = placed.masks.find(name);
      PutMask(other != placed.masks.end() ? &other->second : nullptr, placement,
              bits_for(mask.pixels), mask);
    }
    EraseLabels(result, shape, Labels());
    ids.Renumber(placed.instances);
    result.instances.push_back(std::move(instance));
    return true;
  }

  // `base` takes the partner's picture onto the canvas; the object is scaled and mirrored about its
  // centre, then moved by whole pixels, so that without scaling every pixel is a copy.
  Matrix Moved(const std::array<double, 4>& box, const Drawn& drawn, const Matrix& base,
               Size canvas, Rng& rng) const {
    const Point low = base({box[0], box[1]});
    const Point high = base({box[2], box[3]});
    const Point centre(std::floor(low.x + high.x + 0.5) / 2, std::floor(low.y + high.y + 0.5) / 2);
    Matrix map = Matrix::Translate(centre.x, centre.y) *
                 Matrix::Scale(drawn.flip ? -drawn.scale : drawn.scale, drawn.scale) *
                 Matrix::Translate(-centre.x, -centre.y) * base;
    if (position == PastePosition::kSame) return map;
    const auto moved = [](double start, double length, double unit, int side) {
      const double room = side - length;
      return std::floor((room > 0 ? unit * room : room / 2) - start + 0.5);
    };
    const Point a = map({box[0], box[1]});
    const Point b = map({box[2], box[3]});
    const double x = moved(std::min(a.x, b.x), std::abs(b.x - a.x), drawn.place.x, canvas.width);
    const double y = moved(a.y, b.y - a.y, drawn.place.y, canvas.height);
    rng.Note("x", x);
    rng.Note("y", y);
    return Matrix::Translate(x, y) * map;
  }
};

}  // namespace

void RegisterCopyPaste(Registry& registry) { registry.AddWindow<CopyPaste>(); }

}  // namespace pixloom
