// SPDX-License-Identifier: Apache-2.0
#include "ops/erase/erase.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct MaskDropout : Erases {
  Range objects{1};

  static constexpr std::string_view kName = "mask_dropout";
  static constexpr std::string_view kDoc =
      "Erase whole objects: what their polygons, masks or boxes cover is filled, and they go.";
  static constexpr std::array<std::string_view, 1> kAliases{"MaskDropout"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kNeedsMasks = true;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("objects", &MaskDropout::objects)
                       .In(0, 10'000)
                       .Unit("objects")
                       .Primary()
                       .Alias("max_objects")
                       .Doc("How many of those in the picture, at most all; whole numbers, with "
                            "equal chance.")},
        Erases::Table<MaskDropout>());
  }
  std::string Check() const {
    const std::string problem = CheckWhole("objects", objects);
    return problem.empty() ? Erases::Check() : problem;
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts& facts) const {
    const int wanted = DrawWhole(rng, "objects", objects);
    const NodeNoise noise(rng);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; facts.instances != nullptr && i < facts.instances->size(); ++i) {
      order.push_back(i);
    }
    Holes made(facts.size);
    std::vector<std::size_t> gone;
    // Objects in random order, until enough of them cover something.
    for (std::size_t i = 0; i < order.size() && static_cast<int>(gone.size()) < wanted; ++i) {
      const double unit = noise.Unit(static_cast<std::uint32_t>(i)).x;
      const std::size_t left = order.size() - i;
      std::swap(order[i], order[i + static_cast<std::size_t>(unit * static_cast<double>(left))]);
      const std::size_t runs = made.runs.size();
      made.Add(BitsOfObject((*facts.instances)[order[i]], facts.size),
               static_cast<std::uint32_t>(gone.size()));
      if (made.runs.size() == runs) continue;
      gone.push_back(order[i]);
      rng.Note("object", static_cast<double>(order[i]));
    }
    Steps<ImageStep, SampleStep> steps = Erase(std::move(made));
    if (steps.empty()) return steps;
    std::sort(gone.begin(), gone.end());
    SampleStep& labels = std::get<SampleStep>(steps.back());
    labels.run = [gone, others = std::move(labels.run)](Sample& sample) {
      for (auto i = gone.rbegin(); i != gone.rend(); ++i) {
        sample.instances.erase(sample.instances.begin() + static_cast<std::ptrdiff_t>(*i));
        ++sample.counts["objects dropped (mask_dropout)"];
      }
      return others(sample);
    };
    return steps;
  }
};

}  // namespace

void RegisterMaskDropout(Registry& registry) { registry.AddOperator<MaskDropout>(); }

}  // namespace pixloom
