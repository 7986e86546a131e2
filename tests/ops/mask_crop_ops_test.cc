// SPDX-License-Identifier: Apache-2.0
// Windows that depend on masks.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/draw_op.h"
#include "tests/support/statistics.h"

namespace pixloom {
namespace {

using testing::LooksUniform;

// What an operator that looks at masks is told.
struct Masked {
  std::map<std::string, SemanticMask> masks;
  std::vector<Instance> instances;
  Facts facts;

  explicit Masked(Size size) {
    facts = Picture(size.width, size.height);
    facts.masks = &masks;
    facts.instances = &instances;
  }
  Masked(const Masked&) = delete;
  Masked& operator=(const Masked&) = delete;

  cv::Mat& Add(const std::string& name, int type = CV_8U, int ignore_index = 255) {
    SemanticMask mask{cv::Mat::zeros(facts.size.height, facts.size.width, type), ignore_index};
    return masks.emplace(name, mask).first->second.pixels;
  }
  cv::Mat& AddObject() {
    instances.emplace_back().mask = cv::Mat::zeros(facts.size.height, facts.size.width, CV_8U);
    return instances.back().mask;
  }
};

Point Pixel(const Drawn& drawn) { return {drawn.At("pixel_x"), drawn.At("pixel_y")}; }

TEST_CASE("crop_non_empty_mask holds foreground whenever there is some") {
  std::mt19937 random(21);
  const auto op = Bind("crop_non_empty_mask", "{size: [9, 17], ignore_values: [3], fill: 6}");
  const auto random_crop = Bind("random_crop", "{size: [9, 17], fill: 6}");
  int empty = 0;
  for (std::uint64_t id = 0; id < 4000; ++id) {
    const auto side = [&] { return 1 + static_cast<int>(random() % 60); };
    Masked m({side(), side()});
    cv::Mat& mask = m.Add("classes", id % 2 == 0 ? CV_8U : CV_16U);
    const int marks = static_cast<int>(random() % 4);
    bool any = false;
    for (int i = 0; i < marks; ++i) {
      const int x = static_cast<int>(random() % static_cast<unsigned>(mask.cols));
      const int y = static_cast<int>(random() % static_cast<unsigned>(mask.rows));
      constexpr int kValues[] = {255, 3, 1, 200};
      const int value = kValues[random() % 4];
      mask(cv::Rect(x, y, 1, 1)).setTo(value);
    }
    const cv::Mat something = (mask != 0) & (mask != 255) & (mask != 3);
    any = cv::countNonZero(something) > 0;
    const Drawn drawn = Draw(*op, m.facts, id);
    const AffineStep& step = drawn.Affine();
    const Size size = m.facts.size;
    CHECK(step.out == Size{17, 9});
    const int x = static_cast<int>(drawn.At("x"));
    const int y = static_cast<int>(drawn.At("y"));
    CHECK(step.map == Matrix::Translate(-x, -y));
    CHECK(step.border.has_value() == (size.width < 17 || size.height < 9));
    const cv::Rect seen = cv::Rect(x, y, 17, 9) & cv::Rect(0, 0, size.width, size.height);
    if (size.width >= 17 && size.height >= 9) CHECK(seen.area() == 17 * 9);
    if (any) {
      CHECK(cv::countNonZero(something(seen)) > 0);
    } else {
      ++empty;
      CHECK(Pixel(drawn) == Point(-1, -1));
    }
    const Matrix centred = Draw(*random_crop, m.facts, id).Affine().map;
    if (size.width <= 17) CHECK(step.map.m[2] == centred.m[2]);
    if (size.height <= 9) CHECK(step.map.m[5] == centred.m[5]);
  }
  CHECK(empty > 500);
}

TEST_CASE("crop_non_empty_mask: every pixel and every window that holds it has equal chance") {
  Masked m({30, 20});
  cv::Mat& mask = m.Add("classes");
  const std::vector<Point> places{{0, 0}, {7, 3}, {12, 9}, {13, 9}, {29, 19}};
  for (const Point& p : places) {
    mask.at<std::uint8_t>(static_cast<int>(p.y), static_cast<int>(p.x)) = 1;
  }
  const auto op = Bind("crop_non_empty_mask", "[4, 6]");
  std::vector<int> picked(places.size()), x(6), y(4), corner(1);
  for (std::uint64_t id = 0; id < 10000; ++id) {
    const Drawn drawn = Draw(*op, m.facts, id);
    const auto at = std::find(places.begin(), places.end(), Pixel(drawn));
    REQUIRE(at != places.end());
    ++picked[static_cast<std::size_t>(at - places.begin())];
    if (at - places.begin() == 2) {
      ++x.at(static_cast<std::size_t>(drawn.At("x") - 7));
      ++y.at(static_cast<std::size_t>(drawn.At("y") - 6));
    }
    if (at == places.begin()) {
      CHECK(drawn.At("x") == 0);
      CHECK(drawn.At("y") == 0);
    }
  }
  CHECK(LooksUniform(picked));
  CHECK(LooksUniform(x));
  CHECK(LooksUniform(y));
}

TEST_CASE("crop_non_empty_mask looks where it is told to, else at the objects") {
  Masked m({30, 20});
  m.Add("a").at<std::uint8_t>(5, 6) = 1;
  m.Add("b", CV_16U, 700).at<std::uint16_t>(15, 16) = 300;
  m.masks.at("b").pixels.at<std::uint16_t>(2, 2) = 700;
  m.AddObject().at<std::uint8_t>(1, 28) = 255;
  m.instances.emplace_back();  // without a mask
  m.AddObject().at<std::uint8_t>(18, 3) = 255;
  const auto pixel = [&](const std::string& yaml, std::uint64_t id = 1) {
    return Pixel(Draw(*Bind("crop_non_empty_mask", yaml), m.facts, id));
  };
  CHECK(pixel("[4, 4]") == Point(6, 5));
  CHECK(pixel("{size: [4, 4], mask: b}") == Point(16, 15));
  CHECK(pixel("{size: [4, 4], mask: b, ignore_values: [1, 300]}") == Point(-1, -1));
  CHECK(pixel("{size: [4, 4], ignore_values: 1}") == Point(-1, -1));
  std::vector<int> objects(2);
  for (std::uint64_t id = 0; id < 300; ++id) {
    const Point p = pixel("{size: [4, 4], mask: nobody}", id);
    REQUIRE((p == Point(28, 1) || p == Point(3, 18)));
    ++objects[p.x == 3 ? 1 : 0];
  }
  CHECK(LooksUniform(objects));

  // A mask of another size covers the same picture.
  m.masks.clear();
  m.masks["half"] = {cv::Mat::zeros(10, 15, CV_8U), 255};
  m.masks["half"].pixels.at<std::uint8_t>(4, 7) = 9;
  CHECK(pixel("[4, 4]") == Point(15, 9));

  // Nothing at all: as random_crop.
  const Masked bare({30, 20});
  std::vector<int> x(27), y(17);
  const auto op = Bind("CropNonEmptyMaskIfExists", "[4, 4]");
  for (std::uint64_t id = 0; id < 6000; ++id) {
    const Drawn drawn = Draw(*op, bare.facts, id);
    ++x.at(static_cast<std::size_t>(drawn.At("x")));
    ++y.at(static_cast<std::size_t>(drawn.At("y")));
  }
  CHECK(LooksUniform(x));
  CHECK(LooksUniform(y));
}

}  // namespace
}  // namespace pixloom
