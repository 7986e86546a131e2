// SPDX-License-Identifier: Apache-2.0
// Windows that depend on objects and masks: every promise on thousands of random scenes.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include "tests/support/draw_op.h"
#include "tests/support/statistics.h"

namespace pixloom {
namespace {

using testing::LookAlike;
using testing::LookEquallyLikely;
using testing::LooksUniform;

struct Rectangle {
  double x1, y1, x2, y2;
  double Area() const { return (x2 - x1) * (y2 - y1); }
  bool Holds(const Rectangle& o) const {
    return x1 <= o.x1 && y1 <= o.y1 && x2 >= o.x2 && y2 >= o.y2;
  }
  bool HoldsCentreOf(const Rectangle& o) const {
    const double x = (o.x1 + o.x2) / 2;
    const double y = (o.y1 + o.y2) / 2;
    return x1 < x && x < x2 && y1 < y && y < y2;
  }
  double Common(const Rectangle& o) const {
    return std::max(0.0, std::min(x2, o.x2) - std::max(x1, o.x1)) *
           std::max(0.0, std::min(y2, o.y2) - std::max(y1, o.y1));
  }
  double Iou(const Rectangle& o) const { return Common(o) / (Area() + o.Area() - Common(o)); }
  Rectangle Shrunk(double rate) const {
    const double x = (x2 - x1) * rate / 2;
    const double y = (y2 - y1) * rate / 2;
    return {x1 + x, y1 + y, x2 - x, y2 - y};
  }
  bool operator==(const Rectangle&) const = default;
};

Rectangle WindowOf(const AffineStep& step) {
  const double x = -step.map.m[2];
  const double y = -step.map.m[5];
  return {x, y, x + step.out.width, y + step.out.height};
}

Rectangle Noted(const Drawn& drawn) {
  return {drawn.At("x"), drawn.At("y"), drawn.At("x") + drawn.At("width"),
          drawn.At("y") + drawn.At("height")};
}

Rectangle All(Size picture) { return {0, 0, 1.0 * picture.width, 1.0 * picture.height}; }

Instance WithBox(double x1, double y1, double x2, double y2) {
  Instance instance;
  instance.quad = BoxQuad(x1, y1, x2, y2);
  return instance;
}

// A picture with objects of every kind, and what of their boxes is seen.
struct Scene {
  std::vector<Instance> instances;
  std::vector<std::pair<int, Rectangle>> seen;
  Facts facts;

  Scene(Size size, std::vector<Instance> objects) : instances(std::move(objects)) {
    facts = Picture(size.width, size.height);
    facts.instances = &instances;
    for (std::size_t i = 0; i < instances.size(); ++i) {
      std::vector<Point> points;
      if (instances[i].quad) points.assign(instances[i].quad->begin(), instances[i].quad->end());
      if (!instances[i].quad && !instances[i].polygons.empty()) {
        points = instances[i].polygons[0].rings[0];
      }
      Rectangle r{1e9, 1e9, -1e9, -1e9};
      bool finite = true;
      for (const Point& p : points) {
        finite = finite && std::abs(p.x) < 1e300 && std::abs(p.y) < 1e300;
        r = {std::min(r.x1, p.x), std::min(r.y1, p.y), std::max(r.x2, p.x), std::max(r.y2, p.y)};
      }
      r = {std::max(r.x1, 0.0), std::max(r.y1, 0.0), std::min(r.x2, 1.0 * size.width),
           std::min(r.y2, 1.0 * size.height)};
      if (finite && r.x1 < r.x2 && r.y1 < r.y2) seen.emplace_back(static_cast<int>(i), r);
    }
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  const Rectangle* Seen(double object) const {
    for (const auto& [index, r] : seen) {
      if (index == object) return &r;
    }
    return nullptr;
  }
};

std::vector<Instance> RandomObjects(std::mt19937& random, Size size) {
  const auto uniform = [&](double lo, double hi) {
    return std::uniform_real_distribution<double>(lo, hi)(random);
  };
  std::vector<Instance> objects;
  const int count = static_cast<int>(uniform(0, 5));
  for (int i = 0; i < count; ++i) {
    // Some reach beyond the picture, some lie outside.
    const double x = uniform(-0.3, 1.2) * size.width;
    const double y = uniform(-0.3, 1.2) * size.height;
    const double w = uniform(0.01, 0.6) * size.width;
    const double h = uniform(0.01, 0.6) * size.height;
    Instance object = WithBox(x, y, x + w, y + h);
    switch (static_cast<int>(uniform(0, 8))) {
      case 0:  // turned
        object.quad = Quad{Point{x + w / 2, y}, Point{x + w, y + h / 3}, Point{x + w / 2, y + h},
                           Point{x, y + h / 2}};
        break;
      case 1:
        object.quad.reset();
        object.polygons.push_back({{{{x, y}, {x + w, y + h / 2}, {x + w / 3, y + h}}}});
        break;
      case 2:
        object.quad.reset();
        object.keypoints.push_back({{x, y}, 2, 0, 1});
        break;
      case 3:
        (*object.quad)[1].x = std::numeric_limits<double>::quiet_NaN();
        break;
      case 4:
        (*object.quad)[2].y = std::numeric_limits<double>::infinity();
        break;
      default:
        break;
    }
    objects.push_back(std::move(object));
  }
  return objects;
}

// Calls check(scene, id) on random pictures between 1x1 and about 200 x 200.
template <class Check>
void OnScenes(int count, Check check) {
  std::mt19937 random(77);
  for (int i = 0; i < count; ++i) {
    const auto side = [&] { return 1 + static_cast<int>(random() % (i % 3 == 0 ? 6 : 200)); };
    const Size size{side(), side()};
    const Scene scene(size, RandomObjects(random, size));
    check(scene, static_cast<std::uint64_t>(i));
  }
}

bool IsWindowIn(const Rectangle& w, Size picture) {
  return All(picture).Holds(w) && w.x2 - w.x1 >= 1 && w.y2 - w.y1 >= 1;
}

std::vector<int> Counted(const std::vector<double>& values, int first, int last) {
  std::vector<int> counts(static_cast<std::size_t>(last - first + 1));
  for (const double v : values) ++counts.at(static_cast<std::size_t>(v - first));
  return counts;
}

TEST_CASE("pictures without objects, and what is recorded of each crop") {
  const auto names = [](std::string_view verb, const std::string& yaml) {
    const Facts bare = Picture(5, 4);  // nobody says anything about objects or masks
    const Drawn drawn = Draw(verb, yaml, bare);
    for (const Step& step : drawn.steps) CHECK(!std::get<AffineStep>(step).border);
    return drawn.RecordedNames();
  };
  const Names window{"x", "y", "width", "height"};
  CHECK(names("BBoxSafeRandomCrop", "") == window);
  CHECK(names("RandomSizedBBoxSafeCrop", "9") == window);
  CHECK(names("AtLeastOneBBoxRandomCrop", "3") == Names{"object", "x", "y"});
  CHECK(names("RandomCropNearBBox", "") == Names{"object", "x", "y", "width", "height"});
  CHECK(names("RandomIoUCrop", "") == Names{"min_iou", "x", "y", "width", "height"});
  CHECK(names("CropNonEmptyMaskIfExists", "3") == Names{"pixel_x", "pixel_y", "x", "y"});
}

// ---- All boxes ----------------------------------------------------------------------------------

TEST_CASE("box_safe_random_crop holds every box") {
  const auto op = Bind("box_safe_random_crop", "");
  const auto resized =
      Bind("random_sized_box_safe_crop", "{size: [9, 14], interpolation: nearest}");
  int with_boxes = 0;
  OnScenes(6000, [&](const Scene& scene, std::uint64_t id) {
    const Drawn drawn = Draw(*op, scene.facts, id);
    const Rectangle window = WindowOf(drawn.Affine());
    CHECK(IsWindowIn(window, scene.facts.size));
    CHECK(!drawn.Affine().border);
    CHECK(window == Noted(drawn));
    for (const auto& [index, box] : scene.seen) CHECK(window.Holds(box));
    if (scene.seen.empty()) CHECK(window == All(scene.facts.size));
    with_boxes += scene.seen.empty() ? 0 : 1;

    const Drawn sized = Draw(*resized, scene.facts, id);
    REQUIRE(sized.steps.size() == 2);
    CHECK(WindowOf(sized.Affine(0)) == window);
    CHECK(sized.Affine(1).out == Size{14, 9});
    CHECK(sized.Affine(1).resampling == Resampling::kNearest);
    const Point corner = sized.Affine(1).map({window.x2 - window.x1, window.y2 - window.y1});
    CHECK(corner.x == doctest::Approx(14));
    CHECK(corner.y == doctest::Approx(9));
  });
  CHECK(with_boxes > 3000);
}

TEST_CASE("box_safe_random_crop puts every side anywhere with equal chance") {
  const Scene scene({32, 30}, {});
  const Scene boxed({32, 30}, {[] {
                      Instance polygon;
                      polygon.polygons.push_back({{{{10.5, 8}, {19.5, 12}, {12, 24.25}}}});
                      return polygon;
                    }()});
  const auto op = Bind("box_safe_random_crop", "");
  std::vector<double> left, top, right, bottom;
  for (std::uint64_t id = 0; id < 6000; ++id) {
    const Rectangle w = Noted(Draw(*op, boxed.facts, id));
    left.push_back(w.x1);
    top.push_back(w.y1);
    right.push_back(w.x2);
    bottom.push_back(w.y2);
  }
  CHECK(LooksUniform(Counted(left, 0, 10)));
  CHECK(LooksUniform(Counted(top, 0, 8)));
  CHECK(LooksUniform(Counted(right, 20, 32)));
  CHECK(LooksUniform(Counted(bottom, 25, 30)));

  // Without boxes: a height of the relaxed part of the picture, and its shape.
  const auto relaxed = Bind("box_safe_random_crop", "0.5");
  std::vector<double> heights;
  for (std::uint64_t id = 0; id < 6000; ++id) {
    const Rectangle w = Noted(Draw(*relaxed, scene.facts, id));
    heights.push_back(w.y2 - w.y1);
    CHECK(std::abs((w.x2 - w.x1) - heights.back() * 32 / 30) <= 0.5);
  }
  CHECK(LooksUniform(Counted(heights, 15, 30)));
}

TEST_CASE("box_safe_random_crop may cut what erosion gives up, and does") {
  for (const double erosion : {0.2, 0.7, 0.99}) {
    CAPTURE(erosion);
    const auto op = Bind("box_safe_random_crop", "erosion_rate: " + std::to_string(erosion));
    int cut = 0;
    OnScenes(3000, [&](const Scene& scene, std::uint64_t id) {
      const Rectangle window = Noted(Draw(*op, scene.facts, id));
      CHECK(IsWindowIn(window, scene.facts.size));
      if (scene.seen.empty()) return;
      Rectangle all = scene.seen[0].second;
      for (const auto& [index, b] : scene.seen) {
        all = {std::min(all.x1, b.x1), std::min(all.y1, b.y1), std::max(all.x2, b.x2),
               std::max(all.y2, b.y2)};
      }
      CHECK(window.Holds(all.Shrunk(erosion + 1e-9)));
      if (!window.Holds(all)) ++cut;
    });
    CHECK(cut > 100);
  }
  // With nothing left of the boxes they no longer matter.
  const Scene boxed({30, 20}, {WithBox(2, 2, 28, 18)});
  const Scene bare({30, 20}, {});
  const auto free = Bind("box_safe_random_crop", "1");
  for (std::uint64_t id = 0; id < 100; ++id) {
    CHECK(Draw(*free, boxed.facts, id).record == Draw(*free, bare.facts, id).record);
  }
}

// ---- One box ------------------------------------------------------------------------------------

TEST_CASE("at_least_one_box_crop shows something of the box it picked") {
  for (const char* erosion : {"0", "0.6", "1"}) {
    CAPTURE(erosion);
    const auto op = Bind("at_least_one_box_crop",
                         std::string("{size: [7, 30], erosion_factor: ") + erosion + ", fill: 3}");
    const auto random_crop = Bind("random_crop", "{size: [7, 30], fill: 3}");
    OnScenes(4000, [&](const Scene& scene, std::uint64_t id) {
      const Drawn drawn = Draw(*op, scene.facts, id);
      const Size picture = scene.facts.size;
      const Rectangle window = WindowOf(drawn.Affine());
      CHECK(drawn.Affine().out == Size{30, 7});
      CHECK(window.x1 == drawn.At("x"));
      CHECK(window.y1 == drawn.At("y"));
      const bool fits = picture.width >= 30 && picture.height >= 7;
      CHECK(drawn.Affine().border.has_value() == !fits);
      if (fits) CHECK(IsWindowIn(window, picture));
      const Rectangle centred = WindowOf(Draw(*random_crop, scene.facts, id).Affine());
      if (picture.width <= 30) CHECK(window.x1 == centred.x1);
      if (picture.height <= 7) CHECK(window.y1 == centred.y1);
      const Rectangle* box = scene.Seen(drawn.At("object"));
      CHECK((box == nullptr) == scene.seen.empty());
      if (box == nullptr) return;
      const Rectangle kept = box->Shrunk(std::stod(erosion));
      if (*erosion == '1') {
        CHECK(window.Holds(kept.Shrunk(0)));
      } else {
        CHECK(window.Common(kept) > 0);
      }
    });
  }
}

TEST_CASE("at_least_one_box_crop: every object and every place has equal chance") {
  const Scene scene({40, 30}, {WithBox(50, 2, 60, 9), WithBox(3, 3, 9, 9), WithBox(0, -9, 40, 0),
                               WithBox(20, 20, 50, 50), WithBox(12, 1, 14, 4)});
  const auto op = Bind("at_least_one_box_crop", "[6, 5]");
  std::array<int, 5> picked{};
  std::vector<double> x, y;
  for (std::uint64_t id = 0; id < 9000; ++id) {
    const Drawn drawn = Draw(*op, scene.facts, id);
    ++picked.at(static_cast<std::size_t>(drawn.At("object")));
    if (drawn.At("object") == 4) {
      x.push_back(drawn.At("x"));
      y.push_back(drawn.At("y"));
    }
  }
  CHECK(picked[0] == 0);
  CHECK(picked[2] == 0);
  CHECK(LooksUniform({picked[1], picked[3], picked[4]}));
  CHECK(LooksUniform(Counted(x, 8, 13)));  // from one shared column to the other end
  CHECK(LooksUniform(Counted(y, 0, 3)));
}

TEST_CASE("random_crop_near_box stays near the box it picked") {
  for (const double most : {0.0, 0.3, 1.0}) {
    CAPTURE(most);
    const auto op = Bind("random_crop_near_box", "max_part_shift: " + std::to_string(most));
    OnScenes(3000, [&](const Scene& scene, std::uint64_t id) {
      const Drawn drawn = Draw(*op, scene.facts, id);
      const Rectangle window = Noted(drawn);
      CHECK(IsWindowIn(window, scene.facts.size));
      CHECK(WindowOf(drawn.Affine()) == window);
      const Rectangle* box = scene.Seen(drawn.At("object"));
      CHECK((box == nullptr) == scene.seen.empty());
      if (box == nullptr) {
        CHECK(window == All(scene.facts.size));
        return;
      }
      const double x = most * (box->x2 - box->x1);
      const double y = most * (box->y2 - box->y1);
      // Half a pixel of rounding; a box of less than a pixel gets one.
      const double wide = std::max(0.5, 1 - (box->x2 - box->x1)) + 0.5 + 1e-9;
      const double high = std::max(0.5, 1 - (box->y2 - box->y1)) + 0.5 + 1e-9;
      CHECK(
          Rectangle{box->x1 - x - wide, box->y1 - y - high, box->x2 + x + wide, box->y2 + y + high}
              .Holds(window));
      if (most < 0.5) {
        CHECK(window.x1 <= box->x1 + x + wide);
        CHECK(window.y1 <= box->y1 + y + high);
        CHECK(window.x2 >= box->x2 - x - wide);
        CHECK(window.y2 >= box->y2 - y - high);
      }
    });
  }
  // Every side moves as far inwards as outwards, whatever the others do.
  const Scene scene({1000, 800}, {WithBox(300, 200, 700, 600)});
  const auto op = Bind("random_crop_near_box", "[0.1, 0.25]");
  std::mt19937 random(4);
  std::array<std::vector<double>, 5> sides;
  for (std::uint64_t id = 0; id < 5000; ++id) {
    const Rectangle w = Noted(Draw(*op, scene.facts, id));
    sides[0].push_back(w.x1 - 300);
    sides[1].push_back(w.y1 - 200);
    sides[2].push_back(w.x2 - 700);
    sides[3].push_back(w.y2 - 600);
    const double shift = 400 * std::uniform_real_distribution<double>(0.1, 0.25)(random);
    sides[4].push_back(std::floor((random() % 2 == 0 ? shift : -shift) + 0.5));
  }
  for (std::size_t side = 0; side < 4; ++side) CHECK(LookAlike(sides[side], sides[4]));
}

// ---- IoU ----------------------------------------------------------------------------------------

TEST_CASE("random_iou_crop keeps its promise, or the picture as it is") {
  const auto op = Bind("random_iou_crop", "");
  int cropped = 0;
  int dropped = 0;
  OnScenes(4000, [&](const Scene& scene, std::uint64_t id) {
    const Drawn drawn = Draw(*op, scene.facts, id);
    const Size size = scene.facts.size;
    const Rectangle window = Noted(drawn);
    CHECK(IsWindowIn(window, size));
    const double least = drawn.At("min_iou");
    if (least == 1) {
      CHECK(drawn.steps.empty());
      CHECK(window == All(size));
      return;
    }
    ++cropped;
    REQUIRE(drawn.steps.size() == 2);
    CHECK(WindowOf(drawn.Affine()) == window);
    const bool promised =
        std::any_of(scene.seen.begin(), scene.seen.end(), [&](const auto& object) {
          return window.HoldsCentreOf(object.second) && window.Iou(object.second) >= least - 1e-12;
        });
    CHECK(promised);
    const double shape = (window.x2 - window.x1) / (window.y2 - window.y1);
    CHECK((shape >= 0.5 && shape <= 2));
    CHECK(window.x2 - window.x1 >= std::floor(0.3 * size.width));
    CHECK(window.y2 - window.y1 >= std::floor(0.3 * size.height));

    // Objects whose centre is cut away go, all others stay, in order.
    std::vector<Instance> objects = scene.instances;
    for (std::size_t i = 0; i < objects.size(); ++i) objects[i].id = static_cast<std::int64_t>(i);
    std::get<LabelStep>(drawn.steps[1]).run(objects);
    std::vector<std::int64_t> kept, expected;
    for (const Instance& object : objects) kept.push_back(object.id);
    for (std::size_t i = 0; i < scene.instances.size(); ++i) {
      const Instance& object = scene.instances[i];
      const Rectangle* box = scene.Seen(static_cast<double>(i));
      bool without = !object.quad && object.polygons.empty();
      if (object.quad) {
        for (const Point& p : *object.quad) without = without || !std::isfinite(p.x + p.y);
      }
      if (without || (box != nullptr && window.HoldsCentreOf(*box))) {
        expected.push_back(static_cast<std::int64_t>(i));
      }
    }
    CHECK(kept == expected);
    dropped += static_cast<int>(scene.instances.size() - kept.size());
  });
  CHECK(cropped > 1000);
  CHECK(dropped > 500);
}

TEST_CASE("random_iou_crop: a promise that cannot be kept ends") {
  const Scene tiny({100, 100}, {WithBox(50, 50, 51, 51)});
  CHECK(Draw(*Bind("random_iou_crop", "options: 0.9"), tiny.facts).steps.empty());
  CHECK(Draw(*Bind("random_iou_crop", "options: 1"), tiny.facts).steps.empty());
  CHECK(!Draw(*Bind("random_iou_crop", "options: 0"), tiny.facts).steps.empty());
  Diagnostics diagnostics;
  Bind("random_iou_crop", "{min_scale: 0.5, max_scale: 0.4}", diagnostics);
  Bind("random_iou_crop", "{min_aspect_ratio: 3}", diagnostics);
  CHECK(diagnostics.ErrorCount() == 2);
}

// torchvision's RandomIoUCrop.make_params, with its defaults.
std::optional<Rectangle> PeersWindow(std::mt19937& random, const Scene& scene) {
  const auto unit = [&] { return std::uniform_real_distribution<double>(0, 1)(random); };
  constexpr std::array kOptions{0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0};
  const Size size = scene.facts.size;
  while (true) {
    const double least = kOptions[random() % kOptions.size()];
    if (least >= 1) return std::nullopt;
    for (int trial = 0; trial < 40; ++trial) {
      const int w = static_cast<int>(size.width * (0.3 + 0.7 * unit()));
      const int h = static_cast<int>(size.height * (0.3 + 0.7 * unit()));
      if (1.0 * w / h < 0.5 || 1.0 * w / h > 2) continue;
      const int x = static_cast<int>((size.width - w) * unit());
      const int y = static_cast<int>((size.height - h) * unit());
      const Rectangle window{1.0 * x, 1.0 * y, 1.0 * x + w, 1.0 * y + h};
      double best = -1;
      for (const auto& [index, box] : scene.seen) {
        if (window.HoldsCentreOf(box)) best = std::max(best, window.Iou(box));
      }
      if (best >= least) return window;
    }
  }
}

TEST_CASE("random_iou_crop draws as its peer does") {
  const Scene scene({800, 500}, {WithBox(100, 80, 420, 400), WithBox(500, 300, 620, 460)});
  const auto op = Bind("random_iou_crop", "");
  std::mt19937 random(11);
  std::array<std::vector<double>, 4> ours, peers;
  const auto keep = [](std::array<std::vector<double>, 4>& into, const Rectangle& w) {
    into[0].push_back(w.x1);
    into[1].push_back(w.y1);
    into[2].push_back(w.x2 - w.x1);
    into[3].push_back(w.y2 - w.y1);
  };
  constexpr int kDraws = 5000;
  for (int i = 0; i < kDraws; ++i) {
    const Drawn drawn = Draw(*op, scene.facts, static_cast<std::uint64_t>(i));
    if (!drawn.steps.empty()) keep(ours, Noted(drawn));
    if (const auto window = PeersWindow(random, scene)) keep(peers, *window);
  }
  CHECK(LookEquallyLikely(static_cast<int>(ours[0].size()), kDraws,
                          static_cast<int>(peers[0].size()), kDraws));
  for (std::size_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    CHECK(LookAlike(ours[i], peers[i]));
  }
}

}  // namespace
}  // namespace pixloom
