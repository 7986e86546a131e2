// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "ops/geometry/box_facts.h"
#include "ops/geometry/window.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Intersection over union of a box and a window.
double Iou(const Box& box, const cv::Rect& window) {
  const double width =
      std::min<double>(box.x2, window.x + window.width) - std::max<double>(box.x1, window.x);
  const double height =
      std::min<double>(box.y2, window.y + window.height) - std::max<double>(box.y1, window.y);
  if (width <= 0 || height <= 0) return 0;
  const double common = width * height;
  return common / (box.Area() + 1.0 * window.width * window.height - common);
}

bool HoldsCentre(const cv::Rect& window, const Box& box) {
  const double x = (box.x1 + box.x2) / 2;
  const double y = (box.y1 + box.y2) / 2;
  return window.x < x && x < window.x + window.width && window.y < y &&
         y < window.y + window.height;
}

struct RandomIouCrop {
  double min_scale = 0.3;
  double max_scale = 1;
  double min_aspect_ratio = 0.5;
  double max_aspect_ratio = 2;
  std::vector<double> options{0, 0.1, 0.3, 0.5, 0.7, 0.9, 1};
  std::int64_t trials = 40;

  static constexpr std::string_view kName = "random_iou_crop";
  static constexpr std::string_view kDoc =
      "Cut out a random window that overlaps some object by a random least IoU, and drop objects "
      "whose centre is cut away (SSD).";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomIoUCrop"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = RandomIouCrop;
    return std::tuple{
        Param("min_scale", &Op::min_scale)
            .In(0.01, 1)
            .Unit("sides")
            .Doc("Smallest width and height of the window, in sides of the picture."),
        Param("max_scale", &Op::max_scale)
            .In(0.01, 1)
            .Unit("sides")
            .Doc("Largest width and height of the window."),
        Param("min_aspect_ratio", &Op::min_aspect_ratio)
            .In(0.01, 100)
            .Unit("width/height")
            .Doc("Narrowest shape of the window."),
        Param("max_aspect_ratio", &Op::max_aspect_ratio)
            .In(0.01, 100)
            .Unit("width/height")
            .Doc("Widest shape of the window."),
        Param("options", &Op::options)
            .In(0, 1)
            .Unit("IoU")
            .Alias("sampler_options")
            .Alias("thresholds")
            .Doc("Least IoU of the window with some object whose centre it holds; one is drawn, "
                 "and 1 leaves the picture as it is."),
        Param("trials", &Op::trials)
            .In(1, 1000)
            .Unit("windows")
            .Doc("Windows tried for an option before another is drawn; a picture without objects, "
                 "or where twenty options fail, stays as it is.")};
  }
  std::string Check() const {
    if (min_scale > max_scale) {
      return fmt::format("min_scale {} is above max_scale {}", min_scale, max_scale);
    }
    if (min_aspect_ratio > max_aspect_ratio) {
      return fmt::format("min_aspect_ratio {} is above max_aspect_ratio {}", min_aspect_ratio,
                         max_aspect_ratio);
    }
    return "";
  }

  Steps<AffineStep, LabelStep> Draw(Rng& rng, const Facts& facts) const {
    const std::vector<ObjectBox> boxes = VisibleBoxes(facts);
    double least = 1;
    const auto found = Window(rng, facts.size, boxes, least);
    const cv::Rect window = found.value_or(cv::Rect(0, 0, facts.size.width, facts.size.height));
    rng.Note("min_iou", least);
    NoteWindow(rng, window);
    Steps<AffineStep, LabelStep> steps;
    if (!found) return steps;
    steps.emplace_back(Cut(window, facts.size));
    steps.emplace_back(DropAllBut(Kept(facts, boxes, window)));
    return steps;
  }

  Meta Out(const Meta& in) const { return OfSize(in, std::nullopt); }

 private:
  static constexpr int kRounds = 20;

  std::optional<cv::Rect> Window(Rng& rng, Size picture, const std::vector<ObjectBox>& boxes,
                                 double& least) const {
    if (boxes.empty()) return std::nullopt;
    for (int round = 0; round < kRounds; ++round) {
      least = options[rng.Below("", static_cast<std::uint32_t>(options.size()))];
      if (least >= 1) return std::nullopt;
      for (std::int64_t trial = 0; trial < trials; ++trial) {
        const auto window = Try(rng, picture);
        if (window && Overlaps(*window, boxes, least)) return window;
      }
    }
    least = 1;
    return std::nullopt;
  }

  // Four draws, also for a shape that is not allowed.
  std::optional<cv::Rect> Try(Rng& rng, Size picture) const {
    const auto side = [&](int whole) {
      return std::max(1, static_cast<int>(whole * rng.Uniform("", min_scale, max_scale)));
    };
    const int width = side(picture.width);
    const int height = side(picture.height);
    const int x = RandomStart(rng, picture.width, width);
    const int y = RandomStart(rng, picture.height, height);
    const double shape = static_cast<double>(width) / height;
    if (shape < min_aspect_ratio || shape > max_aspect_ratio) return std::nullopt;
    return cv::Rect(x, y, width, height);
  }

  static bool Overlaps(const cv::Rect& window, const std::vector<ObjectBox>& boxes, double least) {
    return std::any_of(boxes.begin(), boxes.end(), [&](const ObjectBox& b) {
      return HoldsCentre(window, b.box) && Iou(b.box, window) >= least;
    });
  }

  // One flag per object. An object without a box has no centre that could be cut away.
  static std::vector<bool> Kept(const Facts& facts, const std::vector<ObjectBox>& boxes,
                                const cv::Rect& window) {
    std::vector<bool> kept;
    for (const Instance& instance : *facts.instances) kept.push_back(!BoxOf(instance));
    for (const ObjectBox& b : boxes) {
      if (HoldsCentre(window, b.box)) kept[b.object] = true;
    }
    return kept;
  }

  static LabelStep DropAllBut(std::vector<bool> kept) {
    return {[kept = std::move(kept)](std::vector<Instance>& instances) {
      std::vector<Instance> left;
      for (std::size_t i = 0; i < instances.size(); ++i) {
        if (kept[i]) left.push_back(std::move(instances[i]));
      }
      instances = std::move(left);
    }};
  }
};

}  // namespace

void RegisterRandomIouCrop(Registry& registry) { registry.AddOperator<RandomIouCrop>(); }

}  // namespace pixloom
