// SPDX-License-Identifier: Apache-2.0
// Mirrors and quarter turns: what each does to pixels, and the laws of the group they form.
#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <doctest/doctest.h>

#include "tests/support/draw_op.h"
#include "tests/support/run_chain.h"

namespace pixloom::testing {
namespace {

constexpr int kElements = 8;

Sample Scene() { return MakeInput("scene", 1); }

// Element of D4 by OpenCV's copies, in the order of the recipe: e, r90, r180, r270, v, hvt, h, t.
cv::Mat ByHand(int element, const cv::Mat& in) {
  cv::Mat out;
  switch (element) {
    case 1:
      cv::rotate(in, out, cv::ROTATE_90_COUNTERCLOCKWISE);
      return out;
    case 2:
      cv::rotate(in, out, cv::ROTATE_180);
      return out;
    case 3:
      cv::rotate(in, out, cv::ROTATE_90_CLOCKWISE);
      return out;
    case 4:
      cv::flip(in, out, 0);
      return out;
    case 5:
      cv::rotate(in.t(), out, cv::ROTATE_180);
      return out;
    case 6:
      cv::flip(in, out, 1);
      return out;
    case 7:
      return in.t();
    default:
      return in;
  }
}

// Which element `second` after `first` is, by what becomes of four different pixels.
int Product(int second, int first) {
  const cv::Mat square = (cv::Mat_<uchar>(2, 2) << 1, 2, 3, 4);
  const cv::Mat both = ByHand(second, ByHand(first, square));
  for (int e = 0; e < kElements; ++e) {
    if (SamePixels(ByHand(e, square), both)) return e;
  }
  FAIL("no element");
  return 0;
}

// The scene under every element, as the engine makes it.
const std::array<std::optional<Sample>, kElements>& Images() {
  static const auto* images = [] {
    auto* all = new std::array<std::optional<Sample>, kElements>;
    const ChainUnderTest chain("[d4]");
    for (std::uint32_t branch = 0; branch < 100; ++branch) {
      Sample sample = chain.Run(Scene(), branch);
      const auto element = static_cast<std::size_t>(DrawnIn(sample, 0, "element"));
      (*all).at(element) = std::move(sample);
    }
    return all;
  }();
  return *images;
}

TEST_CASE("d4: every element is the copy it is named after") {
  const cv::Mat before = PixelsOf(Scene());
  for (int e = 0; e < kElements; ++e) {
    CAPTURE(e);
    const auto& image = Images().at(static_cast<std::size_t>(e));
    REQUIRE(image.has_value());
    CHECK(SamePixels(PixelsOf(*image), ByHand(e, before)));
    for (int other = 0; other < e; ++other) {
      CHECK(!SameSample(*Images().at(static_cast<std::size_t>(other)), *image));
    }
  }
}

TEST_CASE("d4: two elements make a third, on pixels and labels") {
  const ChainUnderTest two("[d4, d4]");
  std::array<bool, kElements * kElements> seen{};
  std::array<bool, kElements> has_inverse{};
  for (std::uint32_t branch = 0; branch < 700; ++branch) {
    const Sample sample = two.Run(Scene(), branch);
    const int first = static_cast<int>(DrawnIn(sample, 0, "element"));
    const int second = static_cast<int>(DrawnIn(sample, 1, "element"));
    bool& known = seen.at(static_cast<std::size_t>(first * kElements + second));
    if (known) continue;
    known = true;
    CAPTURE(first);
    CAPTURE(second);
    const int product = Product(second, first);
    CHECK(SameSample(*Images().at(static_cast<std::size_t>(product)), sample));
    if (product == 0) has_inverse.at(static_cast<std::size_t>(first)) = true;
  }
  CHECK(std::count(seen.begin(), seen.end(), true) == kElements * kElements);
  CHECK(std::count(has_inverse.begin(), has_inverse.end(), true) == kElements);
}

TEST_CASE("d4: how three elements are grouped makes no difference") {
  const ChainUnderTest together("[d4, d4, d4]");
  const ChainUnderTest left("[{chain: [d4, d4]}, {chain: [d4], resample: each}]");
  const ChainUnderTest right("[{chain: [d4], resample: each}, {chain: [d4, d4]}]");
  for (std::uint32_t branch = 0; branch < 40; ++branch) {
    const Sample expected = together.Run(Scene(), branch);
    CHECK(SameSample(expected, left.Run(Scene(), branch)));
    CHECK(SameSample(expected, right.Run(Scene(), branch)));
  }
}

TEST_CASE("mirrors and turns lead back") {
  for (const char* chain :
       {"[hflip, hflip]", "[vflip, vflip]", "[transpose, transpose]",
        "[rotate90: 1, rotate90: 1, rotate90: 1, rotate90: 1]", "[rotate90: 3, rotate90: 1]",
        "[rotate90: 2, hflip, vflip]", "[transpose, rotate90: 3, hflip]", "[rotate90: 0]"}) {
    CAPTURE(chain);
    CHECK(SameSample(Scene(), ChainUnderTest(chain).Run(Scene())));
  }
  CHECK(!SameSample(Scene(), ChainUnderTest("[hflip]").Run(Scene())));
}

TEST_CASE("rotate90 draws the turns it is allowed, equally often") {
  const auto count = [](const std::string& yaml) {
    const auto op = Bind("rotate90", yaml);
    std::array<int, 4> turns{};
    for (std::uint64_t id = 0; id < 4000; ++id) {
      ++turns.at(static_cast<std::size_t>(Draw(*op, Picture(4, 2), id).At("k")));
    }
    return turns;
  };
  for (const int n : count("")) CHECK(std::abs(n - 1000) < 120);
  const auto some = count("{choice: [1, 3]}");
  CHECK(some[0] + some[2] == 0);
  CHECK(std::abs(some[1] - some[3]) < 260);
  const auto range = count("[1, 2]");
  CHECK(range[0] + range[3] == 0);
  CHECK(std::abs(range[1] - range[2]) < 260);

  Diagnostics diagnostics;
  Bind("rotate90", "[0.5, 2]", diagnostics);
  CHECK(diagnostics.HasErrors());
}

TEST_CASE("d4 draws all elements equally often") {
  const auto op = Bind("d4", "");
  std::array<int, kElements> elements{};
  for (std::uint64_t id = 0; id < 8000; ++id) {
    ++elements.at(static_cast<std::size_t>(Draw(*op, Picture(4, 2), id).At("element")));
  }
  for (const int n : elements) CHECK(std::abs(n - 1000) < 130);
}

TEST_CASE("sizes of turned pictures that are known before the draw") {
  const auto size = [](const char* verb, const std::string& yaml, Size in) {
    Meta meta;
    meta.size = in;
    return Bind(verb, yaml)->Out(meta).size;
  };
  CHECK(size("transpose", "", {5, 3}) == Size{3, 5});
  CHECK(size("d4", "", {5, 5}) == Size{5, 5});
  CHECK(!size("d4", "", {5, 3}));
  CHECK(size("rotate90", "", {5, 5}) == Size{5, 5});
  CHECK(!size("rotate90", "", {5, 3}));
  CHECK(size("rotate90", "{choice: [1, 3]}", {5, 3}) == Size{3, 5});
  CHECK(size("rotate90", "{choice: [0, 2]}", {5, 3}) == Size{5, 3});
  CHECK(size("rotate90", "1", {5, 3}) == Size{3, 5});
  CHECK(!Bind("transpose", "")->Out({}).size);
  // They show nothing outside the picture and resample nothing.
  for (const char* verb : {"transpose", "d4", "rotate90"}) {
    CHECK(!Draw(verb, "", Picture(5, 3)).Affine().border);
    CHECK(!Draw(verb, "", Picture(5, 3)).Affine().resampling);
  }
}

}  // namespace
}  // namespace pixloom::testing
