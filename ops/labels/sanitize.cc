// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/labels/visible.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

struct Sanitize {
  double min_area = 0;
  double min_visibility = 0;
  double min_size = 1;
  bool clip = true;
  bool drop_empty = false;

  static constexpr std::string_view kName = "sanitize";
  static constexpr std::string_view kDoc =
      "Drop objects that geometry cut away or made too small, and clip the rest to the picture.";
  static constexpr std::array<std::string_view, 2> kAliases{"SanitizeBoundingBoxes",
                                                            "SanitizeBoundingBox"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("min_area", &Sanitize::min_area)
            .In(0, 1e10)
            .Unit("px^2")
            .Doc("Least area inside the picture."),
        Param("min_visibility", &Sanitize::min_visibility)
            .In(0, 1)
            .Unit("share")
            .Doc("Least share of the original area, at the present scale, that must be left."),
        Param("min_size", &Sanitize::min_size)
            .In(0, kMaxSide)
            .Unit("px")
            .Doc("Least width and height of what is inside the picture."),
        Param("clip", &Sanitize::clip)
            .Doc("Cut outlines and boxes at the edges of the picture; oriented boxes stay whole."),
        Param("drop_empty", &Sanitize::drop_empty)
            .Doc("Filter out pictures that have lost their last object.")};
  }

  SampleStep Draw(Rng&, const Facts& facts) const {
    return {kTargetInstance, [rule = *this, size = facts.size](Sample& sample) {
              rule.Apply(sample, size);
              return std::optional<DataError>();
            }};
  }

 private:
  void Apply(Sample& sample, Size size) const {
    const cv::Rect picture(0, 0, size.width, size.height);
    const VisibleRule rule{min_area, min_visibility, min_size};
    std::vector<Instance> kept;
    const bool had_objects = !sample.instances.empty();
    for (Instance& instance : sample.instances) {
      const Visible seen = LookAt(instance, picture);
      if (const std::string reason = ReasonToDrop(instance, seen, rule); !reason.empty()) {
        ++sample.counts["objects dropped (" + reason + ")"];
        continue;
      }
      if (clip && seen.outline) CutOutlines(instance, seen, picture, false);
      HideKeypoints(instance, picture);
      ++sample.counts["objects kept"];
      kept.push_back(std::move(instance));
    }
    sample.instances = std::move(kept);
    if (drop_empty && had_objects && sample.instances.empty()) {
      sample.filtered = true;
      ++sample.counts["pictures without objects"];
    }
  }
};

}  // namespace

void RegisterSanitize(Registry& registry) { registry.AddOperator<Sanitize>(); }

}  // namespace pixloom
