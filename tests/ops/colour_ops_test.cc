// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "tests/support/draw_op.h"

namespace pixloom {
namespace {

template <class T>
std::vector<T> ThroughKernel(const Step& step, std::vector<T> row, int channels,
                             const Stats& stats = {}) {
  std::get<PixelStep>(step).kernel->Row(row.data(), row.data(),
                                        static_cast<int>(row.size()) / channels, channels, stats);
  return row;
}

using Bytes = std::vector<std::uint8_t>;

TEST_CASE("curves") {
  const auto at = [](std::string_view verb, const std::string& yaml, double x) {
    return std::get<Lut>(Draw(verb, yaml, Picture(4, 4)).steps.at(0)).curve(0, x);
  };
  CHECK(at("brightness_contrast", "{brightness: 0.1, contrast: 0.5}", 0.4) == doctest::Approx(0.7));
  CHECK(at("brightness_contrast", "{brightness: 0.1, contrast: 0.5, center: middle}", 0.4) ==
        doctest::Approx(0.45));
  CHECK(at("gamma", "2", 0.5) == doctest::Approx(0.25));
  CHECK(at("gamma", "2", -0.5) == 0);
  CHECK(at("gamma", "0.5", 1) == doctest::Approx(1));
}

TEST_CASE("contrast about the mean") {
  Stats stats;
  stats.gray_mean = 20.0 / 255;
  const Drawn bytes =
      Draw("brightness_contrast", "{brightness: 0, contrast: 1, center: mean}", Picture(4, 4));
  CHECK(std::get<PixelStep>(bytes.steps.at(0)).kernel->Needs() == StatsKind::kGrayMean);
  CHECK(ThroughKernel(bytes.steps.at(0), Bytes{5, 10, 20, 30, 200, 21}, 3, stats) ==
        Bytes{0, 0, 20, 40, 255, 22});
  // Alpha stays; two pixels of four channels.
  CHECK(ThroughKernel(bytes.steps.at(0), Bytes{5, 10, 20, 77, 30, 200, 21, 3}, 4, stats) ==
        Bytes{0, 0, 20, 77, 40, 255, 22, 3});
  // Half way to the mean; halves round up.
  const Drawn soft =
      Draw("brightness_contrast", "{brightness: 0, contrast: -0.5, center: mean}", Picture(4, 4));
  CHECK(ThroughKernel(soft.steps.at(0), Bytes{0, 10, 40}, 1, stats) == Bytes{10, 15, 30});
  CHECK(ThroughKernel(soft.steps.at(0), std::vector<std::uint16_t>{0, 65535}, 1, stats) ==
        std::vector<std::uint16_t>{2570, 35338});
  // Float pictures are not clamped.
  stats.gray_mean = 0.5;
  CHECK(ThroughKernel(bytes.steps.at(0), std::vector<float>{2}, 1, stats) ==
        std::vector<float>{3.5F});
}

TEST_CASE("a kernel treats long rows like short ones") {
  Stats stats;
  stats.gray_mean = 0.25;
  const Drawn drawn =
      Draw("brightness_contrast", "{brightness: 0.1, contrast: 0.3, center: mean}", Picture(4, 4));
  for (const int channels : {1, 3, 4, 7}) {
    CAPTURE(channels);
    Bytes row(static_cast<std::size_t>(1500 * channels));
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<std::uint8_t>(i * 37);
    const Bytes all = ThroughKernel(drawn.steps.at(0), row, channels, stats);
    Bytes one_by_one;
    for (std::size_t i = 0; i < row.size(); i += static_cast<std::size_t>(channels)) {
      const auto at = row.begin() + static_cast<std::ptrdiff_t>(i);
      const Bytes pixel =
          ThroughKernel(drawn.steps.at(0), Bytes(at, at + channels), channels, stats);
      one_by_one.insert(one_by_one.end(), pixel.begin(), pixel.end());
    }
    CHECK(all == one_by_one);
  }
}

TEST_CASE("color_jitter draws every order equally often") {
  const auto op = Bind("color_jitter", "");
  constexpr int kPerOrder = 1000;
  std::array<int, 24> seen{};
  for (std::uint64_t id = 0; id < 24 * kPerOrder; ++id) {
    ++seen.at(static_cast<std::size_t>(Draw(*op, Picture(4, 4), id).At("order")));
  }
  double chi_square = 0;
  for (const int n : seen) chi_square += (n - kPerOrder) * (n - kPerOrder) / double{kPerOrder};
  CHECK(chi_square < 49.73);  // 99.9 % of 23 degrees of freedom
}

TEST_CASE("color_jitter returns its steps in the order drawn") {
  const auto op = Bind("color_jitter", "{brightness: 2, contrast: 0.5, saturation: 0, hue: 0.25}");
  // Which alternative of Step, and which of the two pixel steps, stands for each of the four.
  const auto what = [](const Step& step) {
    if (std::holds_alternative<Lut>(step)) return 0;
    if (std::holds_alternative<ColorMatrix>(step)) return 2;
    const bool mean = std::get<PixelStep>(step).kernel->Needs() == StatsKind::kGrayMean;
    return mean ? 1 : 3;
  };
  std::array<bool, 24> seen{};
  for (std::uint64_t id = 0; id < 400; ++id) {
    const Drawn drawn = Draw(*op, Picture(4, 4), id);
    std::array<int, 4> expected{0, 1, 2, 3};
    const int order = static_cast<int>(drawn.At("order"));
    for (int i = 0; i < order; ++i) std::next_permutation(expected.begin(), expected.end());
    REQUIRE(drawn.steps.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) CHECK(what(drawn.steps[i]) == expected[i]);
    seen.at(static_cast<std::size_t>(order)) = true;
  }
  CHECK(std::all_of(seen.begin(), seen.end(), [](bool s) { return s; }));
}

TEST_CASE("color_jitter leaves out what changes nothing") {
  CHECK(Draw("color_jitter", "{brightness: 1, contrast: 1, saturation: 1, hue: 0}", Picture(4, 4))
            .steps.empty());
  CHECK(Draw("color_jitter", "{brightness: 2, contrast: 2, saturation: 2, hue: 0.1}",
             Picture(4, 4, 1))
            .steps.size() == 2);
}

TEST_CASE("color_jitter's steps") {
  const Facts facts = Picture(4, 4);
  const auto only = [&](const std::string& yaml) {
    const std::string rest = "{brightness: 1, contrast: 1, saturation: 1, hue: 0";
    // The one that is given replaces its neutral value.
    const auto name = yaml.substr(0, yaml.find(':'));
    const auto start = rest.find(name);
    const auto end = rest.find(',', start);
    std::string all = rest;
    all.replace(start, (end == std::string::npos ? rest.size() : end) - start, yaml);
    const Drawn drawn = Draw("color_jitter", all + "}", facts);
    REQUIRE(drawn.steps.size() == 1);
    return drawn.steps[0];
  };
  CHECK(std::get<Lut>(only("brightness: 2")).curve(0, 0.3) == doctest::Approx(0.6));

  Stats stats;
  stats.gray_mean = 100.0 / 255;
  CHECK(ThroughKernel(only("contrast: 0.5"), Bytes{0, 100, 201}, 3, stats) == Bytes{50, 100, 151});

  const ColorMatrix gray = std::get<ColorMatrix>(only("saturation: 0"));
  for (std::size_t row = 0; row < 3; ++row) {
    CHECK(gray.m[row * 4] == doctest::Approx(0.299));
    CHECK(gray.m[row * 4 + 1] == doctest::Approx(0.587));
    CHECK(gray.m[row * 4 + 2] == doctest::Approx(0.114));
    CHECK(gray.m[row * 4 + 3] == 0);
  }
  const ColorMatrix twice = std::get<ColorMatrix>(only("saturation: 2"));
  CHECK(twice.m[0] == doctest::Approx(2 - 0.299));
  CHECK(twice.m[1] == doctest::Approx(-0.587));

  // A third of a turn takes red to green and green to blue; half a turn takes red to cyan.
  const Step third = only("hue: 0.3333333333333333");
  CHECK(ThroughKernel(third, Bytes{255, 0, 0, 0, 200, 0, 90, 90, 90}, 3) ==
        Bytes{0, 255, 0, 0, 0, 200, 90, 90, 90});
  CHECK(ThroughKernel(only("hue: -0.5"), Bytes{255, 0, 0, 17}, 4) == Bytes{0, 255, 255, 17});
}

TEST_CASE("hue_saturation") {
  const auto through = [](const std::string& yaml, const Bytes& row) {
    return ThroughKernel(Draw("hue_saturation", yaml, Picture(4, 4)).steps.at(0), row, 3);
  };
  CHECK(through("{hue: 120, saturation: 0, value: 0}", {255, 0, 0}) == Bytes{0, 255, 0});
  CHECK(through("{hue: -120, saturation: 0, value: 0}", {255, 0, 0}) == Bytes{0, 0, 255});
  CHECK(through("{hue: 360, saturation: 0, value: 0}", {10, 130, 200}) == Bytes{10, 130, 200});
  CHECK(through("{hue: 0, saturation: -255, value: 0}", {40, 80, 160}) == Bytes{160, 160, 160});
  CHECK(through("{hue: 0, saturation: 255, value: 0}", {40, 40, 160}) == Bytes{0, 0, 160});
  // Gray has no hue to saturate.
  CHECK(through("{hue: 90, saturation: 100, value: 0}", {99, 99, 99}) == Bytes{99, 99, 99});
  CHECK(through("{hue: 0, saturation: 0, value: 20}", {99, 99, 99}) == Bytes{119, 119, 119});
  CHECK(through("{hue: 0, saturation: 0, value: 255}", {99, 99, 99}) == Bytes{255, 255, 255});
  CHECK(through("{hue: 0, saturation: 0, value: -255}", {99, 9, 9}) == Bytes{0, 0, 0});

  const Drawn brighter =
      Draw("hue_saturation", "{hue: 0, saturation: 0, value: 51}", Picture(4, 4, 3, Depth::kF32));
  const auto bright = ThroughKernel(brighter.steps.at(0), std::vector<float>{0.9F, 0.9F, 0.9F}, 3);
  CHECK(bright[0] == doctest::Approx(1.1));
  CHECK(bright[1] == doctest::Approx(1.1));
  CHECK(bright[2] == doctest::Approx(1.1));
  // A full turn gives back colours beyond the range, too.
  const Drawn turned =
      Draw("hue_saturation", "{hue: 360, saturation: 0, value: 0}", Picture(4, 4, 3, Depth::kF32));
  const std::vector<float> wide{1.5F, 1.25F, 0.5F};
  const auto back = ThroughKernel(turned.steps.at(0), wide, 3);
  for (std::size_t c = 0; c < 3; ++c) CHECK(back[c] == doctest::Approx(wide[c]));
}

}  // namespace
}  // namespace pixloom
