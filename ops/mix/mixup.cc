// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "ops/kernels/mix_rows.h"
#include "ops/mix/block.h"
#include "ops/mix/place.h"

namespace pixloom {
namespace {

cv::Mat MixPixels(const cv::Mat& own, const cv::Mat& other, int parts) {
  cv::Mat out(own.size(), own.type());
  const bool one_row = own.isContinuous() && other.isContinuous();
  const int rows = one_row ? 1 : own.rows;
  const std::size_t count =
      own.total() * static_cast<std::size_t>(own.channels()) / static_cast<std::size_t>(rows);
  WithDepth(own, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < rows; ++y) {
      MixRow(own.ptr<T>(y), other.ptr<T>(y), parts, out.ptr<T>(y), count);
    }
  });
  return out;
}

// Notes how much each object counts; one that was mixed before counts that much of what it did.
// What has no share in the pixels is no object of the result.
void Weigh(std::vector<Instance>& instances, double share) {
  if (share <= 0) instances.clear();
  for (Instance& instance : instances) {
    std::string& text = instance.attributes["weight"];
    double before = 1;
    const char* end = text.data() + text.size();
    const auto [parsed, failed] = std::from_chars(text.data(), end, before);
    if (failed != std::errc() || parsed != end) before = 1;
    text = fmt::format("{}", before * share);
  }
}

struct Mixup : Block, SoftLabels {
  double alpha = 1;
  Range share{-1};

  static constexpr std::string_view kName = "mixup";
  static constexpr std::string_view kDoc =
      "Blend each sample with another of its block. The label of the picture becomes soft; objects "
      "of both stay, each with an attribute weight; semantic masks are those of the sample with "
      "the larger share.";
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("alpha", &Mixup::alpha)
                       .In(0.01, 1000)
                       .Unit("shape")
                       .Primary()
                       .Doc("The share of the sample itself is drawn from Beta(alpha, alpha)."),
                   Param("share", &Mixup::share)
                       .In(-1, 1)
                       .Unit("share")
                       .Alias("lambda")
                       .Alias("lambda_val")
                       .Doc("The share of the sample itself, instead of a Beta draw; -1 draws "
                            "it from there.")},
        SoftLabels::Table<Mixup>(), Block::Table<Mixup>());
  }
  std::string Check() const { return CheckShare(share); }
  std::shared_ptr<const WindowOperator> Make(const Services&) const {
    return std::make_shared<BlockWindow<Mixup>>(*this);
  }

  Result<Mixed> Mix(Members members, std::size_t anchor, Rng& rng) const {
    const Sample& own = *members[anchor];
    const std::size_t chosen = DrawPartner(rng, members.size(), anchor);
    const Sample& partner = *members[chosen];
    const int parts = DrawParts(rng, share, alpha);
    const double own_share = static_cast<double>(parts) / kMixParts;
    rng.Note("share", own_share);
    if (auto error = Mismatch(own, partner)) return *error;
    const Sample* const both[] = {&own, &partner};
    const auto names = CommonNames(both);
    if (!names) return names.Error();

    Sample result = own.Clone();
    result.names = *names;
    const LabelPart labels[] = {{&own, own_share}, {&partner, 1 - own_share}};
    if (auto error = MixSampleLabels(labels, names->get(), num_classes, result)) return *error;
    Weigh(result.instances, own_share);
    if (parts == kMixParts) return Mixed{std::move(result), {}};

    const Placement placement = Stretched(PictureSize(partner), PictureSize(own));
    for (auto& [name, field] : result.images) {
      const ImageField& other = *partner.Image(name);
      for (std::size_t f = 0; f < field.frames.size(); ++f) {
        cv::Mat& pixels = field.frames[f].pixels;
        const cv::Mat shown = PlacePixels(other.frames[f].pixels, placement, SizeOf(pixels));
        pixels = parts == 0 ? shown.clone() : MixPixels(pixels, shown, parts);
      }
    }
    Sample placed = PlacedLabels(partner, placement);
    FreshIds(own.instances).Renumber(placed.instances);
    Weigh(placed.instances, 1 - own_share);
    std::move(placed.instances.begin(), placed.instances.end(),
              std::back_inserter(result.instances));
    if (own_share < 0.5) {
      for (auto& [name, mask] : result.masks) {
        mask.pixels = mask.pixels.clone();
        const auto other = placed.masks.find(name);
        PutMask(other != placed.masks.end() ? &other->second : nullptr, placement, {}, mask);
      }
    }
    return Mixed{std::move(result), {chosen}};
  }
};

}  // namespace

void RegisterMixup(Registry& registry) { registry.AddWindow<Mixup>(); }

}  // namespace pixloom
