// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "ops/common.h"
#include "ops/labels/class_choice.h"
#include "ops/scopes/region.h"
#include "ops/scopes/scope_part.h"
#include "pipeline/registry.h"

namespace pixloom {

template <>
struct EnumNames<RegionShape> {
  static constexpr std::array kAll{
      std::pair{RegionShape::kBest, "best"}, std::pair{RegionShape::kMasks, "masks"},
      std::pair{RegionShape::kPolygons, "polygons"}, std::pair{RegionShape::kOriented, "oriented"},
      std::pair{RegionShape::kBoxes, "boxes"}};
};

namespace {

struct InRegion {
  std::vector<std::string> classes;
  RegionShape shape = RegionShape::kBest;
  std::string semantic;
  bool invert = false;
  double feather = 0;
  double min_area = 0;

  static constexpr std::string_view kName = "in_region";
  static constexpr std::string_view kDoc =
      "Steps take effect on the pixels of chosen objects alone; the rest stays bit by bit, and so "
      "do all labels.";
  static constexpr auto Params() {
    using Op = InRegion;
    return std::tuple{
        Param("classes", &Op::classes)
            .Alias("class")
            .Doc("Names or indices of the classes whose objects are chosen; none chooses all, of a "
                 "semantic mask all but 0 and its ignore index."),
        Param("shape", &Op::shape)
            .Doc("What of an object counts: best: its bits, else its polygons, else its box as it "
                 "is turned; masks, polygons, oriented: objects that have one; boxes: the upright "
                 "box. A pixel takes effect by the share that is covered."),
        Param("semantic", &Op::semantic)
            .Doc("Name of a semantic mask whose classes are meant instead of objects."),
        Param("invert", &Op::invert)
            .Doc("Everything but that; the whole picture where nothing is chosen."),
        Param("feather", &Op::feather)
            .In(0, 10'000)
            .Unit("px")
            .Doc("Over this many pixels inside its border the effect grows from nothing to full."),
        Param("min_area", &Op::min_area)
            .In(0, 1e10)
            .Unit("px^2")
            .Doc("Smaller objects are not chosen.")};
  }

  std::string Check() const {
    if (semantic.empty()) return "";
    if (shape != RegionShape::kBest) return "shape: belongs to objects; take it or semantic out";
    if (min_area > 0) return "min_area: belongs to objects; take it or semantic out";
    return "";
  }

  std::shared_ptr<const ScopeOperator> Make(const Services&) const;
};

class RegionScope final : public ScopeOperator {
 public:
  explicit RegionScope(InRegion rule) : rule_(std::move(rule)) {}

  std::string Refuses(const Meta& in) const override {
    if (rule_.invert) return "";
    if (!rule_.semantic.empty()) {
      return (in.targets & kTargetMask) != 0 ? "" : "no semantic masks come here";
    }
    return (in.targets & kTargetInstance) != 0 ? "" : "no objects come here";
  }

  // The whole picture, so that a blur sees what surrounds the region.
  Result<Sample> Enter(const Sample& whole, std::size_t, const std::vector<std::string>& fields,
                       Rng& rng) const override {
    auto chosen = Choose(whole);
    if (!chosen) return chosen.Error();
    if (rule_.semantic.empty()) rng.Note("objects", static_cast<double>(chosen->objects.size()));
    if (chosen->Empty() && !rule_.invert) return Sample{};
    for (const auto& [name, field] : whole.images) {
      const bool planar = std::any_of(field.frames.begin(), field.frames.end(),
                                      [](const Frame& frame) { return frame.Planar(); });
      if (planar && TakesField(fields, name)) {
        return DataError{"OP-TYPE", "in_region: gets a planar picture", "change the layout last",
                         ""};
      }
    }
    return whole.Clone();
  }

  std::optional<DataError> Leave(Sample& whole, std::vector<Sample> parts,
                                 const std::vector<std::string>& fields, Rng&) const override {
    const auto chosen = Choose(whole);
    if (!chosen) return chosen.Error();
    const Size picture = whole.images.front().second.frames.front().size();
    for (auto& [name, field] : whole.images) {
      if (!TakesField(fields, name)) continue;
      const ImageField& part = *parts.front().Image(name);
      cv::Mat share;
      for (std::size_t f = 0; f < field.frames.size(); ++f) {
        cv::Mat& pixels = field.frames[f].pixels;
        if (share.size() != pixels.size()) share = Shares(whole, *chosen, picture, pixels.size());
        MakeUnique(pixels);
        Composite(part.frames[f].pixels, share, pixels);
      }
    }
    return std::nullopt;
  }

 private:
  struct Chosen {
    std::vector<std::size_t> objects;
    std::set<int> classes;  // of the semantic mask, those that occur

    bool Empty() const { return objects.empty() && classes.empty(); }
  };

  Result<Chosen> Choose(const Sample& whole) const {
    const auto classes = ClassIndices(rule_.classes, whole.names.get(), InRegion::kName, "classes");
    if (!classes) return classes.Error();
    Chosen chosen;
    if (!rule_.semantic.empty()) {
      const auto mask = whole.masks.find(rule_.semantic);
      if (mask == whole.masks.end()) {
        return DataError{"OP-MASK",
                         fmt::format("in_region: the sample has no semantic mask '{}'{}",
                                     rule_.semantic, Suggestion(rule_.semantic, Names(whole))),
                         "correct the name under semantic", ""};
      }
      chosen.classes = Present(mask->second.pixels);
      if (classes->empty()) {
        chosen.classes.erase(0);
        chosen.classes.erase(mask->second.ignore_index);
      } else {
        std::erase_if(chosen.classes, [&](int c) { return !classes->contains(c); });
      }
      return chosen;
    }
    for (std::size_t i = 0; i < whole.instances.size(); ++i) {
      const Instance& instance = whole.instances[i];
      if (!classes->empty() && (!instance.label || !classes->contains(*instance.label))) continue;
      const double area = AreaOf(instance, rule_.shape);
      if (area > 0 && area >= rule_.min_area) chosen.objects.push_back(i);
    }
    return chosen;
  }

  cv::Mat Shares(const Sample& whole, const Chosen& chosen, Size picture, cv::Size field) const {
    cv::Mat share = cv::Mat::zeros(field, CV_32FC1);
    for (const std::size_t i : chosen.objects) {
      AddObject(whole.instances[i], rule_.shape, picture, share);
    }
    if (!chosen.classes.empty()) {
      AddClasses(whole.masks.at(rule_.semantic).pixels, chosen.classes, share);
    }
    if (rule_.invert) {
      for (int y = 0; y < share.rows; ++y) {
        float* row = share.ptr<float>(y);
        for (int x = 0; x < share.cols; ++x) row[x] = 1 - row[x];
      }
    }
    Feather(rule_.feather * field.width / picture.width, share);
    return share;
  }

  static std::vector<std::string> Names(const Sample& whole) {
    std::vector<std::string> names;
    for (const auto& [name, mask] : whole.masks) names.push_back(name);
    return names;
  }

  static std::set<int> Present(const cv::Mat& mask) {
    std::set<int> found;
    WithDepth(mask, [&](auto zero) {
      using T = decltype(zero);
      for (int y = 0; y < mask.rows; ++y) {
        const T* row = mask.ptr<T>(y);
        for (int x = 0; x < mask.cols; ++x) {
          if (x == 0 || row[x] != row[x - 1]) found.insert(static_cast<int>(row[x]));
        }
      }
    });
    return found;
  }

  InRegion rule_;
};

std::shared_ptr<const ScopeOperator> InRegion::Make(const Services&) const {
  return std::make_shared<RegionScope>(*this);
}

}  // namespace

void RegisterInRegion(Registry& registry) { registry.AddScope<InRegion>(); }

}  // namespace pixloom
