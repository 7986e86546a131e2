// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include <opencv2/imgproc.hpp>

#include "ops/erase/erase.h"
#include "ops/geometry/box_facts.h"
#include "ops/labels/class_choice.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Inside { kBox, kMask, kSemantic };

}  // namespace

template <>
struct EnumNames<Inside> {
  static constexpr std::array kAll{std::pair{Inside::kBox, "box"}, std::pair{Inside::kMask, "mask"},
                                   std::pair{Inside::kSemantic, "semantic"}};
};

namespace {

// Where holes of one object may lie: anywhere in a box, or on set bits of it.
struct Region {
  cv::Rect box;
  cv::Mat bits;  // of the box; empty: all of it
};

// The smallest box around set bits; nothing where there are none.
std::optional<Region> RegionOf(const cv::Mat& bits) {
  const cv::Rect box = cv::boundingRect(bits);
  if (box.empty()) return std::nullopt;
  return Region{box, bits(box)};
}

// Set bit number `index`, row by row.
cv::Point SetBit(const cv::Mat& bits, int index) {
  for (int y = 0; y < bits.rows; ++y) {
    const int here = cv::countNonZero(bits.row(y));
    if (index >= here) {
      index -= here;
      continue;
    }
    const auto* row = bits.ptr<std::uint8_t>(y);
    for (int x = 0; x < bits.cols; ++x) {
      if (row[x] != 0 && index-- == 0) return {x, y};
    }
  }
  return {};
}

struct ConstrainedDropout : Erases {
  Range holes{1};
  Range hole_height{0.2, 0.5};
  Range hole_width{0.2, 0.5};
  HoleUnit unit = HoleUnit::kFraction;
  std::vector<std::string> classes;
  Inside inside = Inside::kBox;
  std::string mask;

  static constexpr std::string_view kName = "constrained_dropout";
  static constexpr std::string_view kDoc = "Erase rectangles inside chosen objects.";
  static constexpr std::array<std::string_view, 1> kAliases{"ConstrainedCoarseDropout"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kNeedsMasks = true;
  static constexpr auto Params() {
    using Op = ConstrainedDropout;
    return std::tuple_cat(
        std::tuple{
            Param("holes", &Op::holes)
                .In(0, 1000)
                .Unit("holes")
                .Alias("num_holes_range")
                .Doc("How many in each object; whole numbers, with equal chance."),
            Param("hole_height", &Op::hole_height)
                .In(0, kMaxSide)
                .Unit("heights or px")
                .Alias("hole_height_range")
                .Doc("Height of each, at least one pixel, at most the object's."),
            Param("hole_width", &Op::hole_width)
                .In(0, kMaxSide)
                .Unit("widths or px")
                .Alias("hole_width_range")
                .Doc("Width of each, at least one pixel, at most the object's."),
            Param("unit", &Op::unit).Doc("Fractions of the object's box, or pixels."),
            Param("classes", &Op::classes)
                .Primary()
                .Alias("bbox_labels")
                .Alias("mask_indices")
                .Doc("Names or indices of the classes whose objects are chosen; none chooses "
                     "all."),
            Param("inside", &Op::inside)
                .Doc("box: anywhere in the object's box; mask: on the pixels of the object alone, "
                     "about one of them; semantic: the same for connected parts of a semantic "
                     "mask."),
            Param("mask", &Op::mask)
                .Doc("Name of the semantic mask; empty is the first. Without a choice of classes "
                     "all but 0 and its ignore index count.")},
        Erases::Table<Op>());
  }
  std::string Check() const {
    std::string problem = CheckWhole("holes", holes);
    if (problem.empty()) problem = CheckLength("hole_height", hole_height, unit);
    if (problem.empty()) problem = CheckLength("hole_width", hole_width, unit);
    return problem.empty() ? Erases::Check() : problem;
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts& facts) const {
    const auto count = static_cast<std::uint32_t>(DrawWhole(rng, "holes", holes));
    const NodeNoise noise(rng);
    const auto chosen = ClassIndices(classes, facts.names, kName, "classes");
    if (!chosen) {
      return {
          ImageStep{[error = chosen.Error()](
                        const cv::Mat&, const FrameContext&) -> Result<cv::Mat> { return error; }}};
    }
    Holes made(facts.size);
    const std::vector<Region> regions = Regions(facts, *chosen);
    rng.Note("objects", static_cast<double>(regions.size()));
    for (std::uint32_t r = 0; r < regions.size(); ++r) {
      for (std::uint32_t i = 0; i < count; ++i) {
        // Two blocks per hole, apart from those of any other object.
        const std::uint32_t block = 2 * (r * 1000 + i);
        AddHole(regions[r], noise.Unit(block), noise.Unit(block + 1), r * 1000 + i, rng, made);
      }
    }
    return Erase(std::move(made));
  }

 private:
  std::vector<Region> Regions(const Facts& facts, const std::set<int>& chosen) const {
    if (inside == Inside::kSemantic) return SemanticRegions(facts, chosen);
    std::vector<Region> regions;
    const cv::Rect picture(0, 0, facts.size.width, facts.size.height);
    for (std::size_t i = 0; facts.instances != nullptr && i < facts.instances->size(); ++i) {
      const Instance& instance = (*facts.instances)[i];
      if (!chosen.empty() && (!instance.label || !chosen.contains(*instance.label))) continue;
      if (inside == Inside::kMask) {
        if (auto region = RegionOf(BitsOfObject(instance, facts.size))) regions.push_back(*region);
        continue;
      }
      const std::optional<Box> box = BoxOf(instance);
      if (!box) continue;
      const auto whole = [](double v) { return Rounded(std::clamp(v, -1e6, 1e6)); };
      const cv::Point low(whole(box->x1), whole(box->y1));
      const cv::Point high(whole(box->x2), whole(box->y2));
      const cv::Rect region = cv::Rect(low, high) & picture;
      if (!region.empty()) regions.push_back({region, {}});
    }
    return regions;
  }

  std::vector<Region> SemanticRegions(const Facts& facts, const std::set<int>& chosen) const {
    std::vector<Region> regions;
    if (facts.masks == nullptr || facts.masks->empty()) return regions;
    const auto named = mask.empty() ? facts.masks->begin() : facts.masks->find(mask);
    if (named == facts.masks->end()) return regions;
    const SemanticMask& semantic = named->second;
    std::set<int> wanted = chosen;
    if (wanted.empty()) {
      wanted = Present(semantic.pixels);
      wanted.erase(0);
      wanted.erase(semantic.ignore_index);
    }
    for (const int value : wanted) {
      Holes shape(facts.size);
      shape.Add(cv::Mat(semantic.pixels == value), 0);
      const cv::Mat bits = shape.Bits(facts.size);
      cv::Mat parts;
      const int count = cv::connectedComponents(bits, parts, 8, CV_32S);
      std::vector<cv::Rect> boxes(static_cast<std::size_t>(count));
      for (int y = 0; y < parts.rows; ++y) {
        const int* row = parts.ptr<int>(y);
        for (int x = 0; x < parts.cols; ++x) {
          if (row[x] > 0) boxes[static_cast<std::size_t>(row[x])] |= cv::Rect(x, y, 1, 1);
        }
      }
      for (int part = 1; part < count; ++part) {
        const cv::Rect& box = boxes[static_cast<std::size_t>(part)];
        regions.push_back({box, cv::Mat(parts(box) == part)});
      }
    }
    return regions;
  }

  static std::set<int> Present(const cv::Mat& pixels) {
    std::set<int> found;
    WithDepth(pixels, [&](auto zero) {
      using T = decltype(zero);
      for (int y = 0; y < pixels.rows; ++y) {
        const T* row = pixels.ptr<T>(y);
        for (int x = 0; x < pixels.cols; ++x) {
          if (x == 0 || row[x] != row[x - 1]) found.insert(static_cast<int>(row[x]));
        }
      }
    });
    return found;
  }

  void AddHole(const Region& region, Point sides, Point place, std::uint32_t number, Rng& rng,
               Holes& made) const {
    const int width = LengthOf(FromUnit(hole_width, sides.x), unit, region.box.width);
    const int height = LengthOf(FromUnit(hole_height, sides.y), unit, region.box.height);
    cv::Rect hole(StartOf(place.x, region.box.width, width),
                  StartOf(place.y, region.box.height, height), width, height);
    if (!region.bits.empty()) {
      const int set = cv::countNonZero(region.bits);
      const cv::Point centre =
          SetBit(region.bits, std::min(static_cast<int>(place.x * set), set - 1));
      hole.x = centre.x - width / 2;
      hole.y = centre.y - height / 2;
      hole &= cv::Rect(0, 0, region.box.width, region.box.height);
    }
    NoteWindow(rng, hole + region.box.tl());
    if (region.bits.empty()) {
      made.Add(hole + region.box.tl(), number);
      return;
    }
    cv::Mat bits = cv::Mat::zeros(made.picture.height, made.picture.width, CV_8U);
    region.bits(hole).copyTo(bits(hole + region.box.tl()));
    made.Add(bits, number);
  }
};

}  // namespace

void RegisterConstrainedDropout(Registry& registry) { registry.AddOperator<ConstrainedDropout>(); }

}  // namespace pixloom
