// SPDX-License-Identifier: Apache-2.0
// Resizes, letter boxes and pads: sizes and places by hand.
#include <algorithm>
#include <array>
#include <cmath>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/draw_op.h"
#include "tests/support/run_chain.h"

namespace pixloom::testing {
namespace {

Facts Of(Size size) { return Picture(size.width, size.height); }

Size SizeOf(const char* verb, const std::string& yaml, Size in) {
  const Drawn drawn = Draw(verb, yaml, Of(in));
  return drawn.Affine(drawn.steps.size() - 1).out;
}

bool Refused(const char* verb, const std::string& yaml) {
  Diagnostics diagnostics;
  Bind(verb, yaml, diagnostics);
  return diagnostics.HasErrors();
}

TEST_CASE("longest_max_size and smallest_max_size round half up") {
  CHECK(SizeOf("longest_max_size", "512", {1024, 768}) == Size{512, 384});
  CHECK(SizeOf("longest_max_size", "512", {300, 600}) == Size{256, 512});
  CHECK(SizeOf("longest_max_size", "6", {4, 1}) == Size{6, 2});  // 1.5
  CHECK(SizeOf("longest_max_size", "5", {100, 1}) == Size{5, 1});
  CHECK(SizeOf("smallest_max_size", "512", {1024, 768}) == Size{683, 512});
  CHECK(SizeOf("smallest_max_size", "5", {2, 3}) == Size{5, 8});  // 7.5
  CHECK(SizeOf("smallest_max_size", "7", {3, 3}) == Size{7, 7});
}

TEST_CASE("random_shortest_size heeds the limit of the longer side") {
  CHECK(SizeOf("random_shortest_size", "{size: 800, max_size: 1333}", {640, 480}) ==
        Size{1067, 800});
  CHECK(SizeOf("random_shortest_size", "{size: 800, max_size: 1333}", {1000, 400}) ==
        Size{1333, 533});
  CHECK(SizeOf("random_shortest_size", "{size: 800, max_size: 1333}", {400, 1000}) ==
        Size{533, 1333});
  CHECK(SizeOf("random_shortest_size", "{size: 800}", {1000, 400}) == Size{2000, 800});
}

TEST_CASE("a set of sizes, as peers write it") {
  const auto op = Bind("RandomShortestSize", "{min_size: [40, 60], max_size: 100}");
  std::array<int, 2> seen{};
  for (std::uint64_t id = 0; id < 1000; ++id) {
    const double size = Draw(*op, Picture(80, 80), id).At("size");
    CHECK((size == 40 || size == 60));
    ++seen.at(size == 40 ? 0 : 1);
  }
  CHECK(std::abs(seen[0] - seen[1]) < 130);
  for (const char* verb : {"LongestMaxSize", "SmallestMaxSize"}) {
    const Value args = Bind(verb, "{max_size: [40, 60, 90]}")->Arguments();
    CHECK(args.Find("size")->Find("choice")->items.size() == 3);
    CHECK(Bind(verb, "{max_size: 40}")->Arguments().Find("size")->integer == 40);
  }
}

TEST_CASE("random_scale") {
  CHECK(SizeOf("random_scale", "0.5", {101, 64}) == Size{51, 32});
  CHECK(SizeOf("random_scale", "0.01", {20, 20}) == Size{1, 1});
  const Drawn together = Draw("random_scale", "{scale: [0.5, 2]}", Picture(100, 100));
  CHECK(together.At("scale_x") == together.At("scale_y"));
  CHECK(together.Affine().out.width == together.Affine().out.height);
  const Drawn apart = Draw("random_scale", "{scale: [0.5, 2], per_axis: true}", Picture(100, 100));
  CHECK(apart.At("scale_x") == together.At("scale_x"));
  CHECK(apart.At("scale_x") != apart.At("scale_y"));
  const Value args = Bind("RandomScale", "{scale_limit: [-0.5, 0.25]}")->Arguments();
  CHECK(args.Find("scale")->items[0].number == 0.5);
  CHECK(args.Find("scale")->items[1].number == 1.25);
}

TEST_CASE("scale_jitter multiplies what fits") {
  CHECK(SizeOf("scale_jitter", "{size: [100, 200], scale: 1}", {50, 50}) == Size{100, 100});
  CHECK(SizeOf("scale_jitter", "{size: [100, 200], scale: 1}", {400, 40}) == Size{200, 20});
  CHECK(SizeOf("scale_jitter", "{size: [100, 200], scale: 0.5}", {50, 50}) == Size{50, 50});
  const auto op = Bind("ScaleJitter", "{target_size: 64}");
  double low = 9;
  double high = 0;
  for (std::uint64_t id = 0; id < 4000; ++id) {
    const double s = Draw(*op, Picture(64, 64), id).At("scale");
    low = std::min(low, s);
    high = std::max(high, s);
  }
  CHECK(low == doctest::Approx(0.1).epsilon(0.05));
  CHECK(high == doctest::Approx(2).epsilon(0.005));
}

TEST_CASE("letter_box: the recipe leads back to the picture") {
  for (const Size in : {Size{120, 90}, Size{33, 77}, Size{640, 640}, Size{7, 5}, Size{1000, 3}}) {
    for (const char* yaml :
         {"{size: [96, 160]}", "{size: [96, 160], upscale: false, position: random}",
          "{size: [31, 17], position: bottom_left}"}) {
      const Drawn drawn = Draw("letter_box", yaml, Of(in));
      const Matrix map = drawn.Affine(1).map * drawn.Affine(0).map;
      const Size box = drawn.Affine(1).out;
      CHECK(box == Bind("letter_box", yaml)->Out({}).size);
      for (const Point& p : {Point{0, 0}, Point{1.0 * in.width, 1.0 * in.height},
                             Point{in.width * 0.3, in.height * 0.8}}) {
        const Point q = map(p);
        CHECK((q.x - drawn.At("left")) / drawn.At("scale_x") == doctest::Approx(p.x));
        CHECK((q.y - drawn.At("top")) / drawn.At("scale_y") == doctest::Approx(p.y));
        CHECK(q.x >= -1e-9);
        CHECK(q.y >= -1e-9);
        CHECK(q.x <= box.width + 1e-9);
        CHECK(q.y <= box.height + 1e-9);
      }
    }
  }
}

TEST_CASE("letter_box: sizes, fill and place") {
  const auto inner = [](const std::string& yaml, Size in) {
    return Draw("letter_box", yaml, Of(in)).Affine(0).out;
  };
  CHECK(inner("640", {1280, 720}) == Size{640, 360});
  CHECK(inner("640", {100, 50}) == Size{640, 320});
  CHECK(inner("{size: 640, upscale: false}", {100, 50}) == Size{100, 50});
  CHECK(inner("{size: 640, upscale: false}", {100, 1280}) == Size{50, 640});
  CHECK(inner("{size: [10, 10]}", {1000, 1}) == Size{10, 1});
  const Drawn odd = Draw("letter_box", "{size: [10, 10]}", Picture(20, 10));
  CHECK(odd.At("top") == 2);  // 5 of 10 rows: 2 above, 3 below
  CHECK(odd.At("left") == 0);
  CHECK(odd.Affine(1).border->fill[0] == 114);
  CHECK(Draw("letter_box", "{size: 9, fill: 0}", Picture(20, 10)).Affine(1).border->fill[0] == 0);

  cv::Mat picture(20, 40, CV_8UC3, cv::Scalar::all(200));
  const cv::Mat boxed = PixelsOf(ChainUnderTest("[letter_box: 60]").Run(PictureSample(picture)));
  CHECK(boxed.at<cv::Vec3b>(14, 30) == cv::Vec3b(114, 114, 114));
  CHECK(boxed.at<cv::Vec3b>(15, 30) == cv::Vec3b(200, 200, 200));
  CHECK(boxed.at<cv::Vec3b>(44, 30) == cv::Vec3b(200, 200, 200));
  CHECK(boxed.at<cv::Vec3b>(45, 30) == cv::Vec3b(114, 114, 114));
}

TEST_CASE("pad") {
  const cv::Mat in = (cv::Mat_<uchar>(1, 2) << 1, 2);
  const auto padded = [&](const std::string& yaml) {
    return PixelsOf(ChainUnderTest("[pad: " + yaml + "]").Run(PictureSample(in)));
  };
  CHECK(
      SamePixels(padded("{left: 1, right: 2, fill: 9}"), (cv::Mat_<uchar>(1, 5) << 9, 1, 2, 9, 9)));
  CHECK(SamePixels(padded("{all: 1, top: 0, border: replicate}"),
                   (cv::Mat_<uchar>(2, 4) << 1, 1, 2, 2, 1, 1, 2, 2)));
  CHECK(SamePixels(padded("0"), in));
  CHECK(!Draw("pad", "0", Picture(3, 4)).Affine().border);
  CHECK(SizeOf("Pad", "{padding: 2}", {3, 4}) == Size{7, 8});
}

TEST_CASE("where the picture lies on its canvas") {
  // 3 free columns, 5 free rows; the odd one goes to the right and the bottom.
  const auto at = [](const char* position) {
    const Drawn drawn = Draw(
        "pad_if_needed", fmt::format("{{min_width: 13, min_height: 15, position: {}}}", position),
        Picture(10, 10));
    const Point origin = drawn.Affine().map({0, 0});
    CHECK(origin == Point(drawn.At("left"), drawn.At("top")));
    return origin;
  };
  CHECK(at("center") == Point(1, 2));
  CHECK(at("top_left") == Point(0, 0));
  CHECK(at("top") == Point(1, 0));
  CHECK(at("top_right") == Point(3, 0));
  CHECK(at("left") == Point(0, 2));
  CHECK(at("right") == Point(3, 2));
  CHECK(at("bottom_left") == Point(0, 5));
  CHECK(at("bottom") == Point(1, 5));
  CHECK(at("bottom_right") == Point(3, 5));

  const auto op = Bind("pad_if_needed", "{min_width: 13, min_height: 15, position: random}");
  std::array<int, 4> columns{};
  std::array<int, 6> rows{};
  for (std::uint64_t id = 0; id < 6000; ++id) {
    const Drawn drawn = Draw(*op, Picture(10, 10), id);
    ++columns.at(static_cast<std::size_t>(drawn.At("left")));
    ++rows.at(static_cast<std::size_t>(drawn.At("top")));
  }
  for (const int n : columns) CHECK(std::abs(n - 1500) < 140);
  for (const int n : rows) CHECK(std::abs(n - 1000) < 120);
}

TEST_CASE("sizes of canvases") {
  CHECK(SizeOf("pad_if_needed", "{min_height: 20}", {30, 10}) == Size{30, 20});
  CHECK(SizeOf("pad_if_needed", "{min_height: 20, min_width: 5}", {30, 40}) == Size{30, 40});
  CHECK(SizeOf("pad_if_needed", "{height_divisor: 32, width_divisor: 16}", {30, 64}) ==
        Size{32, 64});
  CHECK(SizeOf("PadIfNeeded", "{min_width: 33, pad_width_divisor: 32}", {30, 64}) == Size{64, 64});
  CHECK(Refused("pad_if_needed", ""));
  CHECK(SizeOf("pad_to_square", "", {30, 41}) == Size{41, 41});
  CHECK(SizeOf("pad_to_square", "", {30, 30}) == Size{30, 30});
  CHECK(SizeOf("pad_to_aspect", "2", {30, 30}) == Size{60, 30});
  CHECK(SizeOf("pad_to_aspect", "0.5", {30, 30}) == Size{30, 60});
  CHECK(SizeOf("pad_to_aspect", "2", {60, 30}) == Size{60, 30});
  CHECK(SizeOf("pad_to_aspect", "1.5", {3, 3}) == Size{5, 3});  // 4.5
  CHECK(SizeOf("pad_to_aspect", "1.7777777777777777", {640, 360}) == Size{640, 360});
  CHECK(SizeOf("pad_to_multiple", "32", {33, 64}) == Size{64, 64});
  CHECK(SizeOf("pad_to_multiple", "[10, 7]", {15, 11}) == Size{21, 20});
}

TEST_CASE("a size that is known before the draw is the size drawn") {
  const std::pair<const char*, const char*> cases[] = {
      {"longest_max_size", "40"},
      {"longest_max_size", "[40, 50]"},
      {"smallest_max_size", "{choice: [40, 41]}"},
      {"smallest_max_size", "40.5"},
      {"random_scale", "0.7"},
      {"random_scale", "{scale: [0.7, 0.9], per_axis: true}"},
      {"random_shortest_size", "{size: 40, max_size: 60}"},
      {"scale_jitter", "64"},
      {"letter_box", "64"},
      {"pad", "{all: 3, left: 9}"},
      {"pad_if_needed", "{min_width: 50, height_divisor: 9}"},
      {"pad_to_square", "{position: random}"},
      {"pad_to_aspect", "1.3"},
      {"pad_to_multiple", "32"},
  };
  int known = 0;
  for (const auto& [verb, yaml] : cases) {
    CAPTURE(verb);
    const auto op = Bind(verb, yaml);
    for (const Size in : {Size{120, 90}, Size{33, 77}, Size{64, 64}, Size{1, 1}}) {
      Meta meta;
      meta.size = in;
      const auto inferred = op->Out(meta).size;
      if (!inferred) continue;
      ++known;
      for (std::uint64_t id = 0; id < 20; ++id) {
        const Drawn drawn = Draw(*op, Of(in), id);
        CHECK(drawn.Affine(drawn.steps.size() - 1).out == *inferred);
      }
    }
  }
  CHECK(known == 4 * 10);  // all but the four that draw their size
}

}  // namespace
}  // namespace pixloom::testing
