// SPDX-License-Identifier: Apache-2.0
// Windows that depend on the picture's size only.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "tests/support/draw_op.h"
#include "tests/support/statistics.h"

namespace pixloom {
namespace {

using testing::LookAlike;
using testing::LookEquallyLikely;
using testing::LooksUniform;

struct Window {
  double x, y, width, height;
  bool operator==(const Window&) const = default;
};

Window WindowOf(const Drawn& drawn) {
  return {drawn.At("x"), drawn.At("y"), drawn.At("width"), drawn.At("height")};
}

// Where the step starts to read, and how much.
Window WindowOf(const AffineStep& step) {
  return {-step.map.m[2], -step.map.m[5], 1.0 * step.out.width, 1.0 * step.out.height};
}

bool IsInside(const Window& w, Size picture) {
  return w.x >= 0 && w.y >= 0 && w.width >= 1 && w.height >= 1 && w.x + w.width <= picture.width &&
         w.y + w.height <= picture.height;
}

// Counts values 0 .. size - 1.
struct Histogram {
  std::vector<int> counts;
  explicit Histogram(int size) : counts(static_cast<std::size_t>(size)) {}
  void Add(double value) { ++counts.at(static_cast<std::size_t>(value)); }
};

TEST_CASE("the statistics of these tests tell distributions apart") {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<double> a, b, other;
  Histogram even(10), odd(10);
  for (int i = 0; i < 5000; ++i) {
    a.push_back(unit(random));
    b.push_back(unit(random));
    other.push_back(std::pow(unit(random), 1.1));
    even.Add(std::floor(10 * a.back()));
    odd.Add(std::floor(10 * other.back()));
  }
  CHECK(LookAlike(a, b));
  CHECK(!LookAlike(a, other));
  CHECK(LooksUniform(even.counts));
  CHECK(!LooksUniform(odd.counts));
  CHECK(LookEquallyLikely(500, 5000, 540, 5000));
  CHECK(!LookEquallyLikely(500, 5000, 620, 5000));
}

TEST_CASE("peers' names of crops lead to ours") {
  const auto name = [](std::string_view alias) {
    const OpInfo* op = Ops().FindOperator(alias);
    return op == nullptr ? "" : op->name;
  };
  CHECK(name("Crop") == "crop");
  CHECK(name("CenterCrop") == "center_crop");
  CHECK(name("RandomCrop") == "random_crop");
  CHECK(name("RandomResizedCrop") == "random_resized_crop");
  CHECK(name("RandomSizedCrop") == "random_sized_crop");
  CHECK(name("CropAndPad") == "crop_and_pad");
  CHECK(name("RandomCropFromBorders") == "random_crop_from_borders");
  CHECK(name("RandomZoomOut") == "random_zoom_out");
}

// ---- Fixed places -------------------------------------------------------------------------------

TEST_CASE("center_crop takes the middle; an odd pixel stays at the end") {
  const auto window = [](const char* size, int width, int height) {
    const Drawn drawn = Draw("center_crop", size, Picture(width, height));
    CHECK(drawn.record.empty());
    return WindowOf(drawn.Affine());
  };
  CHECK(window("[2, 3]", 8, 7) == Window{2, 2, 3, 2});
  CHECK(window("[7, 8]", 8, 7) == Window{0, 0, 8, 7});
  CHECK(window("[10, 5]", 8, 7) == Window{1, -2, 5, 10});
  CHECK(window("[9, 11]", 8, 8) == Window{-2, -1, 11, 9});
  CHECK(!Draw("center_crop", "[2, 3]", Picture(8, 7)).Affine().border);
  CHECK(Draw("center_crop", "{size: [2, 9], fill: 4}", Picture(8, 7)).Affine().border->fill[0] ==
        4);
}

TEST_CASE("center_crop, random_crop and crop treat a picture that is too small alike") {
  const Facts facts = Picture(4, 3);
  const AffineStep middle = Draw("center_crop", "{size: [10, 7], fill: 9}", facts).Affine();
  const AffineStep random = Draw("random_crop", "{size: [10, 7], fill: 9}", facts).Affine();
  const AffineStep fixed =
      Draw("crop", "{x_min: -2, y_min: -4, x_max: 5, y_max: 6, fill: 9}", facts).Affine();
  for (const AffineStep& step : {random, fixed}) {
    CHECK(step.map == middle.map);
    CHECK(step.out == middle.out);
    CHECK(step.border == middle.border);
  }
  CHECK(middle.border.has_value());
}

// ---- random_resized_crop ------------------------------------------------------------------------

// torchvision's RandomResizedCrop.get_params, with its defaults.
Window PeersWindow(std::mt19937& random, Size picture) {
  const auto uniform = [&](double lo, double hi) {
    return std::uniform_real_distribution<double>(lo, hi)(random);
  };
  const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  for (int tries = 0; tries < 10; ++tries) {
    const double area = 1.0 * picture.width * picture.height * uniform(0.08, 1);
    const double ratio = std::exp(uniform(std::log(3.0 / 4), std::log(4.0 / 3)));
    const int w = static_cast<int>(std::nearbyint(std::sqrt(area * ratio)));
    const int h = static_cast<int>(std::nearbyint(std::sqrt(area / ratio)));
    if (w > 0 && w <= picture.width && h > 0 && h <= picture.height) {
      const int y = below(picture.height - h + 1);
      const int x = below(picture.width - w + 1);
      return {1.0 * x, 1.0 * y, 1.0 * w, 1.0 * h};
    }
  }
  return {0, 0, 0, 0};
}

TEST_CASE("random_resized_crop draws as its peer does, also where most tries are rejected") {
  constexpr int kDraws = 6000;
  for (const Size picture : {Size{1600, 300}, Size{640, 480}, Size{300, 1100}}) {
    CAPTURE(picture.width);
    const auto op = Bind("random_resized_crop", "32");
    std::mt19937 random(20240607);
    const double width = std::min<double>(picture.width, std::floor(picture.height * 4 / 3.0 + .5));
    const double height =
        std::min<double>(picture.height, std::floor(picture.width * 4 / 3.0 + .5));
    const Window middle{std::floor((picture.width - width) / 2),
                        std::floor((picture.height - height) / 2), width, height};
    struct Values {
      std::vector<double> area, ratio, x, y;
      void Add(const Window& w) {
        area.push_back(w.width * w.height);
        ratio.push_back(w.width / w.height);
        x.push_back(w.x);
        y.push_back(w.y);
      }
    } ours, peers;
    int ours_gave_up = 0;
    int peers_gave_up = 0;
    for (int i = 0; i < kDraws; ++i) {
      const Window own = WindowOf(
          Draw(*op, Picture(picture.width, picture.height), static_cast<std::uint64_t>(i)));
      CHECK(IsInside(own, picture));
      if (own == middle) {
        ++ours_gave_up;
      } else {
        ours.Add(own);
      }
      const Window other = PeersWindow(random, picture);
      if (other.width == 0 || other == middle) {
        ++peers_gave_up;
      } else {
        peers.Add(other);
      }
    }
    CHECK(LookEquallyLikely(ours_gave_up, kDraws, peers_gave_up, kDraws));
    if (picture.width == 1600) CHECK(ours_gave_up > 300);
    REQUIRE(ours.area.size() >= 4000);
    CHECK(LookAlike(ours.area, peers.area));
    CHECK(LookAlike(ours.ratio, peers.ratio));
    CHECK(LookAlike(ours.x, peers.x));
    CHECK(LookAlike(ours.y, peers.y));
  }
}

TEST_CASE("random_resized_crop reaches both ends of the picture") {
  const auto op = Bind("random_resized_crop", "{size: 8, scale: 0.25, ratio: 1}");
  Histogram x(5), y(5);
  for (std::uint64_t id = 0; id < 3000; ++id) {
    const Window w = WindowOf(Draw(*op, Picture(8, 8), id));
    REQUIRE(w.width == 4);
    REQUIRE(w.height == 4);
    x.Add(w.x);
    y.Add(w.y);
  }
  CHECK(LooksUniform(x.counts));
  CHECK(LooksUniform(y.counts));
}

// ---- random_sized_crop --------------------------------------------------------------------------

TEST_CASE("random_sized_crop draws every height of the range with equal chance") {
  const auto op =
      Bind("random_sized_crop", "{size: [9, 7], min_max_height: [5, 9], w2h_ratio: 0.5}");
  Histogram heights(5), x(36);
  for (std::uint64_t id = 0; id < 5000; ++id) {
    const Drawn drawn = Draw(*op, Picture(40, 30), id);
    const Window w = WindowOf(drawn);
    CHECK(IsInside(w, {40, 30}));
    CHECK(w.width == std::floor(w.height / 2 + 0.5));
    CHECK(WindowOf(drawn.Affine(0)) == w);
    CHECK(drawn.Affine(1).out == Size{7, 9});
    CHECK(drawn.Affine(1).map.m[0] == 7 / w.width);
    CHECK(drawn.Affine(1).map.m[4] == 9 / w.height);
    heights.Add(w.height - 5);
    if (w.width == 5) x.Add(w.x);
  }
  CHECK(LooksUniform(heights.counts));
  CHECK(LooksUniform(x.counts));
}

TEST_CASE("random_sized_crop shrinks a window that does not fit and keeps its shape") {
  const auto window = [](const std::string& yaml, int width, int height) {
    return WindowOf(Draw("random_sized_crop", yaml, Picture(width, height)));
  };
  CHECK(window("{size: 4, height: 100}", 20, 20) == Window{0, 0, 20, 20});
  const Window wide = window("{size: 4, height: 100, w2h_ratio: 2}", 20, 50);
  CHECK(wide == Window{0, wide.y, 20, 10});
  const Window high = window("{size: 4, height: 100, w2h_ratio: 0.25}", 20, 8);
  CHECK(high == Window{high.x, 0, 2, 8});
  CHECK(window("{size: 4, height: 1, w2h_ratio: 100}", 1, 1) == Window{0, 0, 1, 1});
  CHECK(window("{size: 4, height: 1, w2h_ratio: 0.01}", 1, 1) == Window{0, 0, 1, 1});
}

// ---- crop_and_pad -------------------------------------------------------------------------------

TEST_CASE("crop_and_pad adds and takes away") {
  const Facts facts = Picture(20, 10);
  const auto window = [&](const std::string& yaml) {
    return WindowOf(Draw("crop_and_pad", yaml, facts).Affine());
  };
  CHECK(window("") == Window{0, 0, 20, 10});
  CHECK(window("{px: 3}") == Window{-3, -3, 26, 16});
  CHECK(window("{px: -2}") == Window{2, 2, 16, 6});
  CHECK(window("{percent: 0.1}") == Window{-2, -1, 24, 12});
  CHECK(window("{px: 1, fraction: -0.2}") == Window{3, 1, 14, 8});
  // One row and one column stay, in the middle of what was asked for.
  CHECK(window("{px: -15}") == Window{9, 4, 1, 1});
  CHECK(window("{fraction: -1}") == Window{9, 4, 1, 1});

  const Drawn kept = Draw("crop_and_pad", "{px: 5, fill: [1, 2], interpolation: nearest}", facts);
  REQUIRE(kept.steps.size() == 2);
  CHECK(kept.Affine(0).border->fill[2] == 2);
  CHECK(kept.Affine(1).out == facts.size);
  CHECK(kept.Affine(1).resampling == Resampling::kNearest);
  CHECK((kept.Affine(1).map * kept.Affine(0).map)({10, 5}) == Point(10, 5));
  CHECK(!Draw("crop_and_pad", "{px: -2}", facts).Affine().border);
  CHECK(Draw("crop_and_pad", "{px: 5, keep_size: false}", facts).steps.size() == 1);
}

TEST_CASE("crop_and_pad draws for each side, or once for all") {
  const auto each = Bind("crop_and_pad", "{px: [-4, 4]}");
  const auto once = Bind("crop_and_pad", "{px: [-4, 4], sample_independently: false}");
  int same = 0;
  std::vector<double> ours, uniform;
  std::mt19937 random(3);
  for (std::uint64_t id = 0; id < 3000; ++id) {
    const Drawn a = Draw(*each, Picture(30, 30), id);
    const Drawn b = Draw(*once, Picture(30, 30), id);
    for (const char* side : {"top", "right", "bottom", "left"}) {
      CHECK(std::abs(a.At(side)) <= 4);
      CHECK(b.At(side) == b.At("top"));
    }
    if (a.At("top") == a.At("bottom") && a.At("left") == a.At("right")) ++same;
    ours.push_back(a.At("left"));
    const double v = std::uniform_real_distribution<double>(-4, 4)(random);
    uniform.push_back(std::floor(v + 0.5));
  }
  CHECK(same < 200);
  CHECK(LookAlike(ours, uniform));
}

TEST_CASE("crop_and_pad leaves something of every picture") {
  const auto op = Bind("crop_and_pad", "{px: [-70, 20], fraction: [-1, 0.5], keep_size: false}");
  for (std::uint64_t id = 0; id < 3000; ++id) {
    const Size size{1 + static_cast<int>(id % 61), 1 + static_cast<int>(id % 37)};
    const Window w = WindowOf(Draw(*op, Picture(size.width, size.height), id).Affine());
    CHECK(std::max(w.x, 0.0) + 1 <= std::min<double>(w.x + w.width, size.width));
    CHECK(std::max(w.y, 0.0) + 1 <= std::min<double>(w.y + w.height, size.height));
  }
}

// ---- Borders and canvas -------------------------------------------------------------------------

TEST_CASE("random_crop_from_borders takes at most its fractions, each width with equal chance") {
  const auto op =
      Bind("random_crop_from_borders", "{left: 0.15, crop_right: 0.3, top: 0, crop_bottom: 0.25}");
  Histogram left(4), right(7), bottom(3);
  for (std::uint64_t id = 0; id < 5000; ++id) {
    const Drawn drawn = Draw(*op, Picture(20, 10), id);
    const Window w = WindowOf(drawn);
    CHECK(WindowOf(drawn.Affine()) == w);
    CHECK(w.y == 0);
    left.Add(w.x);
    right.Add(20 - w.x - w.width);
    bottom.Add(10 - w.height);
  }
  CHECK(LooksUniform(left.counts));
  CHECK(LooksUniform(right.counts));
  CHECK(LooksUniform(bottom.counts));

  const auto all = Bind("random_crop_from_borders", "{left: 1, right: 1, top: 1, bottom: 1}");
  for (std::uint64_t id = 0; id < 3000; ++id) {
    const Size size{1 + static_cast<int>(id % 5), 1 + static_cast<int>(id % 7)};
    CHECK(IsInside(WindowOf(Draw(*all, Picture(size.width, size.height), id)), size));
  }
}

TEST_CASE("random_zoom_out lays the picture anywhere on the canvas, as large as it is") {
  const auto op = Bind("random_zoom_out", "{side_range: 1.5, fill: [4, 5]}");
  Histogram x(5), y(4);
  for (std::uint64_t id = 0; id < 4000; ++id) {
    const Drawn drawn = Draw(*op, Picture(9, 7), id);
    CHECK(drawn.Affine().out == Size{13, 10});  // 13.5 and 10.5, rounded down
    CHECK(drawn.Affine().map({0, 0}) == Point(drawn.At("x"), drawn.At("y")));
    CHECK(drawn.Affine().border->fill[1] == 5);
    CHECK(!drawn.Affine().resampling);
    x.Add(drawn.At("x"));
    y.Add(drawn.At("y"));
  }
  CHECK(LooksUniform(x.counts));
  CHECK(LooksUniform(y.counts));
  CHECK(!Draw("random_zoom_out", "1", Picture(9, 7)).Affine().border);

  std::vector<double> sides, uniform;
  std::mt19937 random(8);
  const auto free = Bind("random_zoom_out", "");
  for (std::uint64_t id = 0; id < 5000; ++id) {
    sides.push_back(Draw(*free, Picture(1000, 10), id).Affine().out.width);
    uniform.push_back(std::floor(1000 * std::uniform_real_distribution<double>(1, 4)(random)));
  }
  CHECK(LookAlike(sides, uniform));
}

TEST_CASE("crops of one size say so in advance, others say nothing") {
  Meta known;
  known.size = Size{64, 48};
  const auto size = [&](std::string_view verb, const std::string& yaml) {
    return Bind(verb, yaml)->Out(known).size;
  };
  CHECK(size("center_crop", "[30, 10]") == Size{10, 30});
  CHECK(size("random_sized_crop", "{size: [30, 10], height: 9}") == Size{10, 30});
  CHECK(size("crop_and_pad", "px: [-3, 3]") == known.size);
  CHECK(!size("crop_and_pad", "{px: [-3, 3], keep_size: false}"));
  CHECK(!size("random_crop_from_borders", ""));
  CHECK(!size("random_zoom_out", ""));
}

}  // namespace
}  // namespace pixloom
