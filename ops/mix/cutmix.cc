// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <iterator>

#include "ops/erase/erase.h"
#include "ops/geometry/window.h"
#include "ops/kernels/mix_rows.h"
#include "ops/mix/block.h"
#include "ops/mix/covered.h"
#include "ops/mix/place.h"

namespace pixloom {
namespace {

struct Cutmix : Block, SoftLabels, Covered {
  double alpha = 1;
  Range share{-1};

  static constexpr std::string_view kName = "cutmix";
  static constexpr std::string_view kDoc =
      "Lay a box of another sample of the block over each: pixels, masks, and its objects cut to "
      "the box. Objects below are treated as erased; the label of the picture becomes soft, by "
      "the area in pixels.";
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("alpha", &Cutmix::alpha)
                       .In(0.01, 1000)
                       .Unit("shape")
                       .Primary()
                       .Alias("beta")
                       .Doc("The share of the sample itself is drawn from Beta(alpha, alpha); the "
                            "part of the box that lies outside adds to it."),
                   Param("share", &Cutmix::share)
                       .In(-1, 1)
                       .Unit("share")
                       .Alias("lambda")
                       .Doc("The share of the sample itself, instead of a Beta draw; -1 draws "
                            "it from there.")},
        Covered::Table<Cutmix>(), SoftLabels::Table<Cutmix>(), Block::Table<Cutmix>());
  }
  std::string Check() const { return CheckShare(share); }
  std::shared_ptr<const WindowOperator> Make(const Services&) const {
    return std::make_shared<BlockWindow<Cutmix>>(*this);
  }

  Result<Mixed> Mix(Members members, std::size_t anchor, Rng& rng) const {
    const Sample& own = *members[anchor];
    const std::size_t chosen = DrawPartner(rng, members.size(), anchor);
    const Sample& partner = *members[chosen];
    const double wanted = static_cast<double>(DrawParts(rng, share, alpha)) / kMixParts;
    const Point centre(rng.Unit(), rng.Unit());
    rng.Note("lambda", wanted);
    if (auto error = Mismatch(own, partner)) return *error;
    const Sample* const both[] = {&own, &partner};
    const auto names = CommonNames(both);
    if (!names) return names.Error();

    const Size canvas = PictureSize(own);
    const cv::Rect box = BoxAt(centre, 1 - wanted, canvas);
    NoteWindow(rng, box);
    const double own_share =
        1 - static_cast<double>(box.area()) / static_cast<double>(canvas.Area());
    rng.Note("share", own_share);
    Sample result = own.Clone();
    result.names = *names;
    const LabelPart labels[] = {{&own, own_share}, {&partner, 1 - own_share}};
    if (auto error = MixSampleLabels(labels, names->get(), num_classes, result)) return *error;
    if (box.empty()) return Mixed{std::move(result), {}};

    Placement placement = Stretched(PictureSize(partner), canvas);
    placement.cell = box;
    for (auto& [name, field] : result.images) {
      const ImageField& other = *partner.Image(name);
      for (std::size_t f = 0; f < field.frames.size(); ++f) {
        cv::Mat& pixels = field.frames[f].pixels;
        pixels = pixels.clone();
        PutPixels(other.frames[f].pixels, placement, {}, pixels);
      }
    }
    if (!result.instances.empty()) {
      Holes holes(canvas);
      holes.Add(box, 0);
      EraseLabels(result, holes, Labels());
    }
    Sample placed = PlacedLabels(partner, placement);
    CutObjects(placed.instances, box, {min_area, min_visibility, 0}, result.counts);
    FreshIds(own.instances).Renumber(placed.instances);
    std::move(placed.instances.begin(), placed.instances.end(),
              std::back_inserter(result.instances));
    for (auto& [name, mask] : result.masks) {
      mask.pixels = mask.pixels.clone();
      const auto other = placed.masks.find(name);
      PutMask(other != placed.masks.end() ? &other->second : nullptr, placement, {}, mask);
    }
    return Mixed{std::move(result), {chosen}};
  }

 private:
  // A box of this share of the picture and of its shape, cut where it leaves the picture.
  static cv::Rect BoxAt(Point centre, double area, Size picture) {
    const double side = std::sqrt(area);
    const int width = Rounded(side * picture.width);
    const int height = Rounded(side * picture.height);
    const cv::Rect box(Rounded(centre.x * picture.width - width / 2.0),
                       Rounded(centre.y * picture.height - height / 2.0), width, height);
    return box & Whole(picture);
  }
};

}  // namespace

void RegisterCutmix(Registry& registry) { registry.AddWindow<Cutmix>(); }

}  // namespace pixloom
