// SPDX-License-Identifier: Apache-2.0
// Labels follow pixels through windows. Objects of two samples are drawn into fields of their own,
// which are mixed as pixels are; then what arrived is compared with the labels: a filled outline
// with polygon, bits, box and semantic mask, a dot with its keypoint.
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/drawn_objects.h"
#include "tests/support/run_window.h"

namespace pixloom::testing {
namespace {

constexpr int kObjects = 4;

// The anchor has objects 0 and 1, its partner 2 and 3; both have the fields of all.
Sample Scene(Size size, int first) {
  Sample sample = Pictured(cv::Mat(size.height, size.width, CV_8UC3, cv::Scalar::all(90)));
  SemanticMask classes{cv::Mat::zeros(size.height, size.width, CV_8U), 255};
  const double w = size.width, h = size.height;
  for (int k = 0; k < kObjects; ++k) {
    cv::Mat filled = cv::Mat::zeros(size.height, size.width, CV_8U);
    cv::Mat dot = cv::Mat::zeros(size.height, size.width, CV_32F);
    if (k == first || k == first + 1) {
      const Ring place{{(k % 2 == 0 ? 0.31 : 0.68) * w, (k % 2 == 0 ? 0.36 : 0.61) * h},
                       0.2 * w,
                       0.23 * h,
                       0.4 + k};
      const std::vector<Point> outline = Corners(place, 7);
      const std::vector<Point> hole =
          Corners({place.centre - Point(0.06 * w, 0.02 * h), 0.06 * w, 0.06 * h, 0}, 5);
      Instance instance;
      instance.id = k;
      instance.label = k;
      instance.polygons = {{{outline, hole}}};
      instance.original_area = instance.polygons[0].Area();
      const auto bounds = BoundsAlong(outline, {1, 0});
      instance.quad = BoxQuad(bounds[0], bounds[1], bounds[2], bounds[3]);
      const cv::Mat covered = Coverage({outline, hole}, size);
      instance.mask = covered > 0.5;
      if (k % 2 == 1) {
        instance.rle = EncodeRle(instance.mask);
        instance.mask = cv::Mat();
      }
      const Point at = place.centre + Point(0.07 * w, 0.04 * h);
      instance.keypoints = {{at}};
      classes.pixels.setTo(k + 1, covered > 0.5);
      filled = Levels(covered);
      dot = Dot(at, size);
      sample.instances.push_back(std::move(instance));
    }
    sample.images.emplace_back(fmt::format("p{}", k), ImageField::Of(filled));
    sample.images.emplace_back(fmt::format("d{}", k), ImageField::Of(dot));
  }
  sample.masks["classes"] = std::move(classes);
  return sample;
}

struct Findings {
  double polygon = 1, bits = 1, classes = 1, box = 1, left = 1, dot = 0;
  int outlines = 0, amodal = 0, dots = 0;
};

// What a dot that nothing covers amounts to.
double MassOfDot() {
  double mass = 0;
  const cv::Mat dot = Dot({20.3, 20.6}, {40, 40});
  dot.forEach<float>([&](float v, const int*) { mass += std::max(0.0F, v - 0.4F); });
  return mass;
}

// The object against what the part `view` of the picture shows of it. Under something laid over it
// its polygons keep their outline.
void Compare(const Sample& after, const Instance& instance, const cv::Rect& view, bool covered,
             Findings& found) {
  const int k = *instance.label;
  const Size size = after.images[0].second.frames[0].size();
  cv::Mat filled = cv::Mat::zeros(size.height, size.width, CV_8U);
  Pixels(after, fmt::format("p{}", k))(view).copyTo(filled(view));
  const cv::Mat shown = filled > 127;
  // Large enough to be judged by its pixels, and not cut to a sliver.
  const int area = cv::countNonZero(shown);
  if (area >= 32 * 32 && area >= 0.25 * instance.original_area) {
    ++found.outlines;
    found.bits = std::min(found.bits, Iou(shown, instance.Bits() > 0));
    cv::Mat classes = cv::Mat::zeros(size.height, size.width, CV_8U);
    after.masks.at("classes").pixels(view).copyTo(classes(view));
    found.classes = std::min(found.classes, Iou(shown, classes == k + 1));
    const auto own = BoundsAlong(*instance.quad, Point(1, 0));
    double& box = covered ? found.left : found.box;
    box = std::min(box, BoxIou(own, BoundsAlong(OutlineOf(filled), Point(1, 0))));
    std::vector<std::vector<Point>> rings;
    for (const Polygon& polygon : instance.polygons) {
      rings.insert(rings.end(), polygon.rings.begin(), polygon.rings.end());
    }
    const cv::Mat outline = Coverage(rings, size) > 0.5;
    if (covered) {
      ++found.amodal;
      CHECK(cv::countNonZero(shown & ~outline) <= 0.02 * cv::countNonZero(shown));
    } else {
      found.polygon = std::min(found.polygon, Iou(shown, outline));
    }
  }
  const Keypoint& keypoint = instance.keypoints.at(0);
  constexpr double kMargin = 9;
  if (keypoint.visibility == 0 || keypoint.at.x < view.x + kMargin ||
      keypoint.at.y < view.y + kMargin || keypoint.at.x > view.x + view.width - kMargin ||
      keypoint.at.y > view.y + view.height - kMargin) {
    return;
  }
  double mass = 0;
  Point centre;
  const cv::Mat& dot = Pixels(after, fmt::format("d{}", k));
  for (int y = view.y; y < view.y + view.height; ++y) {
    for (int x = view.x; x < view.x + view.width; ++x) {
      const double weight = std::max(0.0F, dot.at<float>(y, x) - 0.4F);
      mass += weight;
      centre += Point(x + 0.5, y + 0.5) * weight;
    }
  }
  // Shrunk to nothing, or partly covered.
  if (mass < 2 || (covered && mass < 0.98 * MassOfDot())) return;
  const Point off = centre / mass - keypoint.at;
  found.dot = std::max(found.dot, std::sqrt(off.dot(off)));
  ++found.dots;
}

cv::Rect Whole(const Sample& sample) {
  const Size size = sample.images[0].second.frames[0].size();
  return {0, 0, size.width, size.height};
}

void Judge(const std::string& what, const Findings& found, int least) {
  MESSAGE(
      fmt::format("{:<60} dots {:.3f} px, outlines {:.4f}, bits {:.4f}, classes {:.4f}, boxes "
                  "{:.4f} {:.4f}  ({} {})",
                  what, found.dot, found.polygon, found.bits, found.classes, found.box, found.left,
                  found.outlines, found.dots));
  CHECK(found.outlines >= least);
  CHECK(found.dots >= least / 4);
  CHECK(found.dot < 0.5);
  CHECK(found.polygon > 0.97);
  CHECK(found.bits > 0.97);
  CHECK(found.classes > 0.97);
  CHECK(found.box > 0.97);
  // Boxes around what is left visible end at whole pixels.
  CHECK(found.left > 0.95);
}

TEST_CASE("mosaic: labels follow the pixels of every cell") {
  for (const std::string args : {"", "size: [400, 440], ", "size: [520, 460], fit: contain, "}) {
    const WindowUnderTest mosaic("mosaic: {" + args + "center: [0.2, 0.8]}");
    const auto block = BlockOf(Scene({360, 320}, 0), Scene({300, 400}, 2));
    Findings found;
    for (std::uint64_t id = 0; id < 25; ++id) {
      const auto answer = mosaic.Run(block, 0, id);
      const cv::Rect all = Whole(answer.sample());
      const int x = static_cast<int>(std::floor(answer.Drawn("center_x") * all.width + 0.5));
      const int y = static_cast<int>(std::floor(answer.Drawn("center_y") * all.height + 0.5));
      for (const Instance& instance : answer.sample().instances) {
        // Objects are cut to their cells, so any point of one tells the cell.
        const auto b = Bounds(*instance.quad);
        const bool right = b[0] + b[2] > 2 * x, below = b[1] + b[3] > 2 * y;
        const cv::Rect cell(right ? x : 0, below ? y : 0, right ? all.width - x : x,
                            below ? all.height - y : y);
        Compare(answer.sample(), instance, cell, false, found);
      }
    }
    Judge("mosaic {" + args + "}", found, 80);
  }
}

TEST_CASE("cutmix: labels follow the pixels inside and outside of the box") {
  const WindowUnderTest cut("cutmix: {share: [0.3, 0.8]}");
  for (const Size other : {Size{360, 320}, Size{270, 420}}) {
    const auto block = BlockOf(Scene({360, 320}, 0), Scene(other, 2));
    Findings found;
    for (std::uint64_t id = 0; id < 60; ++id) {
      const auto answer = cut.Run(block, 0, id);
      const cv::Rect box(static_cast<int>(answer.Drawn("x")), static_cast<int>(answer.Drawn("y")),
                         static_cast<int>(answer.Drawn("width")),
                         static_cast<int>(answer.Drawn("height")));
      for (const Instance& instance : answer.sample().instances) {
        const bool own = *instance.label < 2;
        if (own) {
          Compare(answer.sample(), instance, Whole(answer.sample()), true, found);
        } else {
          Compare(answer.sample(), instance, box, false, found);
        }
      }
    }
    CHECK(found.amodal > 30);
    CHECK(found.outlines - found.amodal > 30);
    Judge(fmt::format("cutmix, partner of {}x{}", other.width, other.height), found, 80);
  }
}

TEST_CASE("copy_paste: labels follow the pixels that were pasted and those that were covered") {
  for (const std::string args :
       {"position: same", "position: random", "position: random, scale: [0.4, 1.6]",
        "position: random, scale: [0.6, 1.3], flip: 0.5"}) {
    const WindowUnderTest paste("copy_paste: {objects: 1, " + args + "}");
    for (const Size other : {Size{360, 320}, Size{270, 420}}) {
      const auto block = BlockOf(Scene({360, 320}, 0), Scene(other, 2));
      Findings found;
      for (std::uint64_t id = 0; id < 40; ++id) {
        const auto answer = paste.Run(block, 0, id);
        for (const Instance& instance : answer.sample().instances) {
          Compare(answer.sample(), instance, Whole(answer.sample()), *instance.label < 2, found);
        }
      }
      CHECK(found.amodal > 30);
      CHECK(found.outlines - found.amodal > 30);
      Judge(fmt::format("copy_paste {{{}}}, partner of {}x{}", args, other.width, other.height),
            found, 80);
    }
  }
}

}  // namespace
}  // namespace pixloom::testing
