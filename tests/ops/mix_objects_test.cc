// SPDX-License-Identifier: Apache-2.0
// What windows make of objects: which stay, how they are cut, covered, renumbered and mirrored, and
// what hostile labels do.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include "tests/support/image_reference.h"
#include "tests/support/run_window.h"

namespace pixloom {
namespace {

using namespace testing;

Instance Boxed(double x1, double y1, double x2, double y2, std::int64_t id = 1) {
  Instance box;
  box.id = id;
  box.label = 0;
  box.quad = BoxQuad(x1, y1, x2, y2);
  box.original_area = std::abs((x2 - x1) * (y2 - y1));
  return box;
}

Sample Scene(std::vector<Instance> instances, int level, Size size = {100, 80}) {
  Sample sample = Pictured(cv::Mat(size.height, size.width, CV_8UC3, cv::Scalar::all(level)));
  sample.instances = std::move(instances);
  return sample;
}

std::array<double, 4> BoxOf(const Instance& instance) { return Bounds(*instance.quad); }

TEST_CASE("mixup keeps the objects of both, with what they count") {
  Instance mixed_before = Boxed(1, 2, 11, 12, 40);
  mixed_before.attributes["weight"] = "0.5";
  mixed_before.attributes["colour"] = "red";
  const auto block = BlockOf(Scene({mixed_before, Boxed(5, 5, 9, 9, 7)}, 10),
                             Scene({Boxed(10, 10, 20, 30, 40)}, 20, {50, 160}));
  const auto answer = WindowUnderTest("mixup: {share: 0.75}").Run(block);
  const auto& objects = answer.sample().instances;
  REQUIRE(objects.size() == 3);
  CHECK(objects[0].attributes.at("weight") == "0.375");
  CHECK(objects[0].attributes.at("colour") == "red");
  CHECK(objects[1].attributes.at("weight") == "0.75");
  CHECK(objects[2].attributes.at("weight") == "0.25");
  CHECK(objects[0].id == 40);
  CHECK(objects[1].id == 7);
  CHECK(objects[2].id == 41);
  CHECK(BoxOf(objects[2]) == std::array{20.0, 5.0, 40.0, 15.0});
  CHECK(objects[2].original_area == 200);
  // What is not to be seen is no object.
  CHECK(WindowUnderTest("mixup: {share: 1}").Run(block).sample().instances.size() == 2);
  CHECK(WindowUnderTest("mixup: {share: 0}").Run(block).sample().instances.size() == 1);
}

TEST_CASE("mixup takes the masks of the sample that counts more") {
  Sample a = Scene({}, 10), b = Scene({}, 20), bare = Scene({}, 30);
  a.masks["m"] = {cv::Mat(80, 100, CV_8U, cv::Scalar(1)), 255};
  b.masks["m"] = {cv::Mat(80, 100, CV_8U, cv::Scalar(2)), 0};
  b.masks.at("m").pixels.at<std::uint8_t>(3, 4) = 0;
  const auto mask = [](const char* share, const Sample& own, const Sample& other) {
    const auto answer = WindowUnderTest(std::string("mixup: {share: ") + share + "}")
                            .Run(BlockOf(own.Clone(), other.Clone()));
    return answer.sample().masks.at("m").pixels.clone();
  };
  CHECK(cv::countNonZero(mask("0.5", a, b) == 1) == 8000);
  CHECK(cv::countNonZero(mask("0.4", a, b) == 2) == 7999);
  // The partner's ignore index becomes the anchor's; without a mask nothing is known.
  CHECK(mask("0.4", a, b).at<std::uint8_t>(3, 4) == 255);
  CHECK(cv::countNonZero(mask("0.4", a, bare) == 255) == 8000);
}

TEST_CASE("cutmix: the anchor's objects are covered, the partner's are cut to the box") {
  const WindowUnderTest cut("cutmix: {share: 0.6}");
  Instance own = Boxed(20, 10, 80, 70, 3);
  own.mask = cv::Mat::zeros(80, 100, CV_8U);
  own.mask(cv::Rect(20, 10, 60, 60)).setTo(255);
  own.keypoints = {{{50.5, 40.5}}, {{21.5, 11.5}}};
  Instance other = Boxed(10, 20, 90, 60, 3);
  other.rle = EncodeRle(cv::Mat(80, 100, CV_8U, cv::Scalar(255)));
  other.keypoints = {{{50.5, 40.5}}, {{11.5, 21.5}}};
  const auto block = BlockOf(Scene({own}, 10), Scene({other}, 20));
  int cases = 0;
  for (std::uint64_t id = 0; id < 40; ++id) {
    const auto answer = cut.Run(block, 0, id);
    const cv::Rect box(static_cast<int>(answer.Drawn("x")), static_cast<int>(answer.Drawn("y")),
                       static_cast<int>(answer.Drawn("width")),
                       static_cast<int>(answer.Drawn("height")));
    const cv::Mat under = Pixels(answer.sample()) == cv::Scalar::all(20);
    cv::Mat partner;
    cv::extractChannel(under, partner, 0);
    for (const Instance& object : answer.sample().instances) {
      const bool is_own = object.id == 3;
      CHECK((is_own || object.id == 4));
      const cv::Mat bits = object.Bits();
      const cv::Mat expected = is_own ? own.mask & ~partner : partner;
      CHECK(MaxDifference(bits, expected) == 0);
      CHECK(object.rle.has_value() == !is_own);
      const cv::Rect tight = [&] {
        std::vector<cv::Point> points;
        cv::findNonZero(bits, points);
        int x0 = 1000, y0 = 1000, x1 = 0, y1 = 0;
        for (const cv::Point& p : points) {
          x0 = std::min(x0, p.x), x1 = std::max(x1, p.x + 1);
          y0 = std::min(y0, p.y), y1 = std::max(y1, p.y + 1);
        }
        return cv::Rect(x0, y0, x1 - x0, y1 - y0);
      }();
      const auto b = BoxOf(object);
      CHECK(b == std::array{1.0 * tight.x, 1.0 * tight.y, 1.0 * tight.x + tight.width,
                            1.0 * tight.y + tight.height});
      for (const Keypoint& k : object.keypoints) {
        const bool inside = box.contains({static_cast<int>(k.at.x), static_cast<int>(k.at.y)});
        CHECK(k.visibility == (inside == is_own ? 0 : 2));
      }
      ++cases;
    }
  }
  CHECK(cases > 60);
  // Thresholds, and boxes that stay.
  const auto wide = WindowUnderTest("cutmix: {share: 0.6, min_visibility: 0.95, shrink: false}");
  for (std::uint64_t id = 0; id < 20; ++id) {
    const auto answer = wide.Run(block, 0, id);
    for (const Instance& object : answer.sample().instances) {
      CHECK(cv::countNonZero(object.Bits()) >= 0.95 * object.original_area);
      if (object.id == 3) CHECK(BoxOf(object) == std::array{20.0, 10.0, 80.0, 70.0});
    }
  }
}

TEST_CASE("mosaic: objects are cut at their cell, thresholds are shares of the original") {
  // Cells of 50 x 40 showing pictures of 100 x 80 at half size, all of them.
  const auto run = [](const std::string& args, std::vector<Instance> objects) {
    const auto block = BlockOf(Scene(std::move(objects), 10), Scene({Boxed(0, 0, 100, 80, 9)}, 20));
    return WindowUnderTest("mosaic: {center: 0.5" + args + "}").Run(block).mixed->sample.Clone();
  };
  Instance oriented = Boxed(0, 0, 1, 1, 4);
  oriented.oriented = true;
  oriented.quad = Quad{Point{70, 20}, Point{130, 80}, Point{120, 90}, Point{60, 30}};
  oriented.original_area = 1200;
  const Sample all = run("", {Boxed(90, 30, 130, 50, 1), Boxed(101, 0, 140, 30, 2), oriented});
  REQUIRE(all.instances.size() == 2 + 3);
  CHECK(BoxOf(all.instances[0]) == std::array{45.0, 15.0, 50.0, 25.0});
  CHECK(all.instances[0].original_area == 200);
  // An oriented box keeps its direction and closes in on what is left.
  const Quad& quad = *all.instances[1].quad;
  CHECK(all.instances[1].oriented);
  const Point side = quad[1] - quad[0];
  CHECK(std::abs(side.x - side.y) < 1e-9);
  CHECK(std::abs(side.x - 20) < 1e-9);  // of 30
  CHECK(all.counts.at("objects dropped (outside)") == 1);
  std::set<std::int64_t> ids;
  for (const Instance& instance : all.instances) ids.insert(instance.id);
  CHECK(ids == std::set<std::int64_t>{1, 4, 5, 6, 7});
  for (int i = 0; i < 3; ++i) {
    const double x = i == 1 ? 0 : 50, y = i == 0 ? 0 : 40;
    CHECK(BoxOf(all.instances[static_cast<std::size_t>(2 + i)]) ==
          std::array{x, y, x + 50, y + 40});
  }
  // A quarter of it is left.
  CHECK(run(", min_visibility: 0.25", {Boxed(90, 30, 130, 50)}).instances.size() == 4);
  CHECK(run(", min_visibility: 0.26", {Boxed(90, 30, 130, 50)}).instances.size() == 3);
  CHECK(run(", min_area: 50", {Boxed(90, 30, 130, 50)}).instances.size() == 4);
  CHECK(run(", min_area: 51", {Boxed(90, 30, 130, 50)}).instances.size() == 3);
  // Objects of a contained picture end with the picture, not with the cell.
  const auto block = BlockOf(Scene({Boxed(-10, -10, 50, 40, 1)}, 10, {40, 80}), Scene({}, 20));
  const auto contained =
      WindowUnderTest("mosaic: {center: 0.5, fit: contain, size: [80, 80]}").Run(block);
  REQUIRE(contained.sample().instances.size() >= 1);
  CHECK(BoxOf(contained.sample().instances[0]) == std::array{10.0, 0.0, 30.0, 20.0});
}

// ---- copy_paste ---------------------------------------------------------------------------------

Instance Outlined(double x1, double y1, double x2, double y2, std::int64_t id, int label = 0) {
  Instance object;
  object.id = id;
  object.label = label;
  object.polygons = {{{{{x1, y1}, {x2, y1}, {x2, y2}, {x1, y2}}}}};
  object.quad = BoxQuad(x1, y1, x2, y2);
  object.original_area = (x2 - x1) * (y2 - y1);
  return object;
}

TEST_CASE("copy_paste: objects below lose what is covered, and go below the threshold") {
  Instance covered = Boxed(20, 20, 60, 40, 8);
  covered.mask = cv::Mat::zeros(80, 100, CV_8U);
  covered.mask(cv::Rect(20, 20, 40, 20)).setTo(255);
  Instance nearly = Boxed(41, 21, 61, 41, 9);  // 1/20 of it is left
  covered.keypoints = {{{45.5, 30.5}}, {{25.5, 30.5}}};
  const auto block = BlockOf(Scene({covered, nearly, Boxed(0, 0, 5, 5, 2)}, 10),
                             Scene({Outlined(40, 20, 60, 41, 8)}, 20));
  const auto answer = WindowUnderTest("copy_paste: {objects: 1}").Run(block);
  const auto& objects = answer.sample().instances;
  REQUIRE(objects.size() == 4);
  CHECK(BoxOf(objects[0]) == std::array{20.0, 20.0, 40.0, 40.0});
  CHECK(cv::countNonZero(objects[0].mask) == 400);
  CHECK(objects[0].keypoints[0].visibility == 0);
  CHECK(objects[0].keypoints[1].visibility == 2);
  CHECK(BoxOf(objects[1]) == std::array{60.0, 21.0, 61.0, 41.0});
  CHECK(objects[3].id == 10);
  CHECK(objects[3].polygons.size() == 1);
  cv::Mat changed;
  cv::extractChannel(Pixels(answer.sample()) == cv::Scalar::all(20), changed, 0);
  CHECK(cv::countNonZero(changed) == 20 * 21);
  CHECK(WindowUnderTest("copy_paste: {objects: 1, min_visibility: 0.06}")
            .Run(block)
            .sample()
            .instances.size() == 3);
  // Later objects lie on top of earlier ones.
  const auto two =
      WindowUnderTest("copy_paste: {objects: 2}")
          .Run(BlockOf(Scene({}, 10),
                       Scene({Outlined(10, 10, 30, 30, 1), Outlined(20, 10, 40, 30, 2)}, 20)));
  REQUIRE(two.sample().instances.size() == 2);
  const bool first_below = two.All("object")[0] == 0;
  CHECK(BoxOf(two.sample().instances[0]) ==
        (first_below ? std::array{10.0, 10.0, 20.0, 30.0} : std::array{30.0, 10.0, 40.0, 30.0}));
}

TEST_CASE("copy_paste: which objects, from whom, and how many") {
  const auto names = std::make_shared<LabelNames>(LabelNames{{"cat", "dog"}, {}, {}, {}});
  auto block = BlockOf(
      Scene({}, 10), Scene({}, 20),
      Scene({Outlined(1, 1, 9, 9, 1, 0), Outlined(20, 20, 30, 30, 2, 1), Boxed(50, 50, 60, 60, 3)},
            30),
      Scene({}, 40));
  for (Sample& sample : block) sample.names = names;
  const auto pasted = [&](const std::string& args) {
    const auto answer = WindowUnderTest("copy_paste: " + args).Run(block);
    std::multiset<int> labels;
    for (const Instance& instance : answer.sample().instances) labels.insert(*instance.label);
    CHECK(answer.mixed->parents ==
          (labels.empty() ? std::vector<std::size_t>{} : std::vector<std::size_t>{2}));
    return labels;
  };
  CHECK(pasted("{objects: 5}") == std::multiset<int>{0, 1});
  CHECK(pasted("{objects: 5, boxes: true}") == std::multiset<int>{0, 0, 1});
  CHECK(pasted("{objects: 5, classes: [dog]}") == std::multiset<int>{1});
  CHECK(pasted("{objects: 5, classes: [0]}") == std::multiset<int>{0});
  CHECK(pasted("{objects: 0}").empty());
  CHECK(pasted("{objects: 5, min_paste_area: 65}") == std::multiset<int>{1});
  CHECK(pasted("{objects: 5, scale: 2, min_paste_area: 300}") == std::multiset<int>{1});
  const auto unknown = WindowUnderTest("copy_paste: {classes: [dgo]}").Try(block);
  REQUIRE(!unknown.mixed);
  CHECK(unknown.mixed.Error().message ==
        "copy_paste: no class 'dgo' in the source; did you mean 'dog'?");
}

TEST_CASE("copy_paste: scaled, mirrored and moved, labels alike") {
  auto names = std::make_shared<LabelNames>();
  names->classes = {"left", "right"};
  names->class_swaps = {{0, 1}};
  names->keypoint_swaps = {{0, 1}};
  Instance object = Outlined(20, 20, 40, 30, 1);
  object.rle = EncodeRle([] {
    cv::Mat bits = cv::Mat::zeros(80, 100, CV_8U);
    bits(cv::Rect(20, 20, 20, 10)).setTo(255);
    return bits;
  }());
  object.keypoints = {{{22, 25}}, {{38, 25}}};
  Sample partner = Scene({object}, 20);
  partner.masks["m"] = {cv::Mat::zeros(80, 100, CV_8U), 255};
  partner.masks.at("m").pixels(cv::Rect(20, 20, 20, 10)).setTo(0);
  partner.masks.at("m").pixels(cv::Rect(20, 20, 10, 10)).setTo(1);
  Sample own = Scene({}, 10);
  own.masks["m"] = {cv::Mat(80, 100, CV_8U, cv::Scalar(7)), 255};
  own.names = partner.names = names;
  const auto block = BlockOf(std::move(own), std::move(partner));
  const auto same = WindowUnderTest("copy_paste: {objects: 1, flip: 1, scale: 2}").Run(block);
  REQUIRE(same.sample().instances.size() == 1);
  const Instance& one = same.sample().instances[0];
  CHECK(BoxOf(one) == std::array{10.0, 15.0, 50.0, 35.0});
  CHECK(one.label == 1);
  CHECK(one.original_area == 800);
  CHECK(one.rle->Area() == 800);
  // Mirrored and named anew: the left one is still the left one.
  CHECK(one.keypoints[0].at == Point(14, 25));
  CHECK(one.keypoints[1].at == Point(46, 25));
  // Left and right of the mask trade places and names.
  const cv::Mat& mask = same.sample().masks.at("m").pixels;
  CHECK(mask.at<std::uint8_t>(25, 15) == 1);
  CHECK(mask.at<std::uint8_t>(25, 45) == 0);
  CHECK(cv::countNonZero(mask == 7) == 8000 - 800);

  const WindowUnderTest anywhere("copy_paste: {objects: 1, position: random, scale: [0.5, 3]}");
  double left = 100, right = 0;
  for (std::uint64_t id = 0; id < 100; ++id) {
    const auto answer = anywhere.Run(block, 0, id);
    REQUIRE(answer.sample().instances.size() == 1);
    const auto b = BoxOf(answer.sample().instances[0]);
    // Whole pixels: at most half of one is lost at an edge.
    const double scale = answer.Drawn("scale");
    CHECK(std::abs(b[2] - b[0] - 20 * scale) <= 0.51);
    CHECK(std::abs(b[3] - b[1] - 10 * scale) <= 0.51);
    left = std::min(left, b[0]);
    right = std::max(right, b[2]);
  }
  CHECK(left < 5);
  CHECK(right > 95);
}

TEST_CASE("copy_paste: what lies outside the partner's picture is not pasted") {
  const auto block = BlockOf(Scene({}, 10), Scene({Outlined(-20, 10, 10, 30, 1)}, 20));
  const auto answer =
      WindowUnderTest("copy_paste: {objects: 1, position: random, min_visibility: 0}").Run(block);
  REQUIRE(answer.sample().instances.size() == 1);
  CHECK(std::abs(answer.sample().instances[0].polygons[0].Area() - 200) < 1e-9);
  cv::Mat changed;
  cv::extractChannel(Pixels(answer.sample()) == cv::Scalar::all(20), changed, 0);
  CHECK(cv::countNonZero(changed) == 200);
}

// ---- hostile labels -----------------------------------------------------------------------------

Sample Hostile(Size size, std::int64_t id) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const double w = size.width, h = size.height;
  std::vector<Instance> all{Boxed(0, 0, w, h),        Boxed(w / 2, h / 2, w / 2, h / 2),
                            Boxed(-3 * w, 0, -w, h),  Boxed(w, h, 0, 0),
                            Boxed(-1e12, 0, 1e12, h), Boxed(kNan, 0, w, h),
                            Boxed(0, 0, kInf, h),     Instance{}};
  Instance parts;
  using Ring = std::vector<Point>;
  for (const std::vector<Ring>& rings :
       std::vector<std::vector<Ring>>{{},
                                      {Ring{}},
                                      {Ring{{0, 0}}},
                                      {Ring{{0, 0}, {w, h}}},
                                      {Ring{{kNan, 0}, {w, 0}, {0, h}}}}) {
    parts.polygons = {Polygon{rings}};
    all.push_back(parts);
    all.back().keypoints = {{{kNan, kNan}, 2, kNan, kNan}, {{1e9, -1e9}, 1, 9, 0}, {{0, 0}}};
  }
  Instance bow;
  bow.polygons = {Polygon{{Ring{{0, 0}, {w, h}, {w, 0}, {0, h}}}}};
  bow.mask = cv::Mat::zeros(size.height, size.width, CV_8U);
  all.push_back(bow);
  bow.polygons.clear();
  bow.rle = EncodeRle(bow.mask);
  bow.mask = cv::Mat();
  all.push_back(bow);
  Instance small;  // bits of another size than the picture
  small.mask = cv::Mat(3, 2, CV_8U, cv::Scalar(255));
  all.push_back(small);
  for (Instance& instance : all) instance.id = id;
  all.back().id = std::numeric_limits<std::int64_t>::max();
  return Scene(std::move(all), 50, size);
}

TEST_CASE("hostile labels on pictures of any size: nothing crashes, cut objects lie inside") {
  int runs = 0;
  for (const char* window :
       {"mixup: {}", "cutmix: {}", "mosaic: {grid: [1, 1]}", "mosaic: {size: [31, 17]}",
        "mosaic: {size: [9, 9], fit: contain}", "copy_paste: {objects: 20, boxes: true}",
        "copy_paste: {objects: 20, boxes: true, position: random, scale: [0.01, 100], flip: 0.5, "
        "blend: feather}"}) {
    CAPTURE(window);
    const WindowUnderTest mix(window);
    for (const Size a : {Size{1, 1}, Size{1, 7}, Size{9, 1}, Size{51, 49}}) {
      for (const Size b : {Size{1, 1}, Size{1, 40}, Size{60, 2}, Size{51, 49}}) {
        for (std::uint64_t id = 0; id < 4; ++id) {
          const auto answer =
              mix.Try(BlockOf(Hostile(a, 1), Hostile(b, -5), Scene({}, 3, b)), 0, id);
          if (!answer.mixed) {
            CHECK(answer.mixed.Error().code == "OP-SIZE");
            continue;
          }
          ++runs;
          const Size size = answer.sample().images[0].second.frames[0].size();
          for (const Instance& instance : answer.sample().instances) {
            if (!instance.mask.empty() && std::string(window) != "mixup: {}") {
              CHECK(instance.mask.total() > 0);
            }
            if (std::string(window).find("mosaic") == std::string::npos) continue;
            if (!instance.quad) continue;
            const auto bounds = Bounds(*instance.quad);
            CHECK(bounds[0] >= 0);
            CHECK(bounds[1] >= 0);
            CHECK(bounds[2] <= size.width);
            CHECK(bounds[3] <= size.height);
          }
        }
      }
    }
  }
  CHECK(runs > 300);
}

}  // namespace
}  // namespace pixloom
