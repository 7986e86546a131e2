// SPDX-License-Identifier: Apache-2.0
// Where holes are and what they show.
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "ops/kernels/coverage.h"
#include "tests/ops/erase_support.h"
#include "tests/support/statistics.h"

namespace pixloom::testing {
namespace {

// Verbs and arguments whose holes do not depend on the fill.
const std::array<std::pair<const char*, const char*>, 6> kErasers{
    {{"coarse_dropout", "holes: [0, 5], hole_height: [0.1, 0.6], hole_width: [0.1, 0.6]"},
     {"erasing", "scale: [0.02, 0.7]"},
     {"grid_dropout", "tile: [0.1, 0.6]"},
     {"grid_dropout", "tile: [0.1, 0.6], angle: [0, 90], ratio: 0.6"},
     {"xy_masking", "count_x: [0, 3], count_y: [1, 3]"},
     {"pixel_dropout", "rate: 0.3"}}};

cv::Mat HolesOf(const char* verb, const std::string& args, Size size, std::uint64_t id) {
  const auto op = Bind(verb, "{" + args + "}");
  return ZeroPixels(Erased(DrawFor(*op, Sample{}, size, id), NoZeros(size, CV_8UC1)));
}

TEST_CASE("pixels outside holes keep their bits, those inside show the fill") {
  int holes_seen = 0;
  for (const auto& [verb, args] : kErasers) {
    for (const Size size : {Size{1, 1}, Size{7, 1}, Size{1, 7}, Size{99, 101}}) {
      for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC3, CV_16UC(5), CV_32FC3, CV_32FC1}) {
        for (const char* fill : {"constant", "random", "random_uniform", "mean", "inpaint"}) {
          CAPTURE(verb);
          CAPTURE(type);
          CAPTURE(fill);
          const cv::Mat picture = NoZeros(size, type);
          const cv::Mat before = picture.clone();
          const cv::Mat holes = HolesOf(verb, args, size, 9);
          const auto op = Bind(verb, fmt::format("{{{}, fill: {}, level: [3, 4]}}", args, fill));
          const cv::Mat out = Erased(DrawFor(*op, Sample{}, size, 9), picture, {-1, 2});
          CHECK(Same(picture, before));
          REQUIRE(SameOutside(out, picture, holes));
          const int count = cv::countNonZero(holes);
          holes_seen += count > 0 ? 1 : 0;
          if (count == 0) continue;
          std::vector<cv::Mat> channels, old;
          cv::split(out, channels);
          cv::split(picture, old);
          if (channels.size() == 4) CHECK(Same(channels[3], old[3]));
          for (std::size_t c = 0; c < channels.size(); ++c) {
            if (channels.size() == 4 && c == 3) continue;
            double low = 0, high = 0;
            cv::minMaxLoc(channels[c], &low, &high, nullptr, nullptr, holes);
            if (std::string(fill) == "constant") {
              CHECK(low == (c == 0 ? 3 : 4));
              CHECK(high == low);
            } else if (std::string(fill) == "mean") {
              const double mean = cv::mean(old[c])[0];
              const double expected = out.depth() == CV_32F ? mean : std::floor(mean + 0.5);
              CHECK(low == doctest::Approx(expected).epsilon(1e-6));
              CHECK(high == low);
            } else if (std::string(fill) == "inpaint") {
              // A surface that meets its rim never leaves the range of what is known.
              double least = 0, most = 0;
              const cv::Mat known = holes == 0;
              if (cv::countNonZero(known) > 0) {
                cv::minMaxLoc(old[c], &least, &most, nullptr, nullptr, known);
              } else {
                least = most = c == 0 ? 3 : 4;
              }
              CHECK(low >= least - 1e-4);
              CHECK(high <= most + 1e-4);
            } else if (out.depth() == CV_32F) {
              CHECK(low >= -1);
              CHECK(high < 2);
            }
          }
        }
      }
    }
  }
  CHECK(holes_seen > 500);
}

TEST_CASE("a field of another size has the same holes at its own scale") {
  for (const auto& [verb, args] : kErasers) {
    const Size size{53, 41};
    const auto op = Bind(verb, fmt::format("{{{}}}", args));
    const Drawn drawn = DrawFor(*op, Sample{}, size, 4);
    const cv::Mat holes = ZeroPixels(Erased(drawn, NoZeros(size, CV_8UC1)));
    for (const Size other : {Size{106, 82}, Size{80, 33}, Size{26, 20}, Size{1, 1}}) {
      const cv::Mat own = ZeroPixels(Erased(drawn, NoZeros(other, CV_8UC3)));
      int wrong = 0;
      for (int y = 0; y < other.height; ++y) {
        for (int x = 0; x < other.width; ++x) {
          const int below = holes.at<std::uint8_t>((2 * y + 1) * size.height / (2 * other.height),
                                                   (2 * x + 1) * size.width / (2 * other.width));
          wrong += own.at<std::uint8_t>(y, x) == below ? 0 : 1;
        }
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("what is erased is the union of the rectangles in the recipe") {
  for (const char* verb : {"coarse_dropout", "erasing", "xy_masking"}) {
    for (std::uint64_t id = 0; id < 50; ++id) {
      const Size size{70, 50};
      const auto op = Bind(verb, "");
      const Drawn drawn = DrawFor(*op, Sample{}, size, id);
      cv::Mat expected = cv::Mat::zeros(size.height, size.width, CV_8U);
      cv::Rect hole;
      for (const auto& [name, value] : drawn.record) {
        const int v = static_cast<int>(value);
        if (name == "x") hole.x = v;
        if (name == "y") hole.y = v;
        if (name == "width") hole.width = v;
        if (name != "height") continue;
        hole.height = v;
        REQUIRE((hole & cv::Rect(0, 0, size.width, size.height)) == hole);
        REQUIRE(!hole.empty());
        expected(hole).setTo(255);
      }
      CHECK(Same(ZeroPixels(Erased(drawn, NoZeros(size, CV_8UC1))), expected));
    }
  }
}

std::vector<double> Quantiles(double lo, double hi, bool logarithmic) {
  std::vector<double> values;
  for (int i = 0; i < 20'000; ++i) {
    const double u = (i + 0.5) / 20'000;
    values.push_back(logarithmic ? lo * std::pow(hi / lo, u) : lo + (hi - lo) * u);
  }
  return values;
}

TEST_CASE("erasing: area is uniform, shape log-uniform, and it fits any picture") {
  const auto run = [](const std::string& args, Size size, std::vector<double>& areas,
                      std::vector<double>& ratios) {
    const auto op = Bind("erasing", args);
    for (std::uint64_t id = 0; id < 3000; ++id) {
      const Drawn drawn = DrawFor(*op, Sample{}, size, id);
      areas.push_back(drawn.At("width") * drawn.At("height") / static_cast<double>(size.Area()));
      ratios.push_back(drawn.At("height") / drawn.At("width"));
    }
  };
  std::vector<double> areas, ratios;
  run("{}", {1900, 1900}, areas, ratios);
  CHECK(LookAlike(areas, Quantiles(0.02, 0.33, false)));
  areas.clear(), ratios.clear();
  run("[0.02, 0.05]", {1900, 1900}, areas, ratios);  // every shape fits
  CHECK(LookAlike(areas, Quantiles(0.02, 0.05, false)));
  CHECK(LookAlike(ratios, Quantiles(0.3, 3.3, true)));
  areas.clear(), ratios.clear();
  run("[0.4, 0.6]", {8000, 300}, areas, ratios);  // only flat shapes fit
  CHECK(LookAlike(areas, Quantiles(0.4, 0.6, false)));
  CHECK(!LookAlike(areas, Quantiles(0.4, 0.62, false)));  // the test can tell
  areas.clear(), ratios.clear();
  run("{scale: 0.5, ratio: [0.1, 10]}", {1600, 1600}, areas, ratios);
  CHECK(LookAlike(ratios, Quantiles(0.5, 2, true)));  // what fits of the interval
}

TEST_CASE("coarse_dropout: places, sides and numbers are uniform") {
  const auto op =
      Bind("coarse_dropout", "{holes: [2, 5], hole_height: [3, 12], hole_width: 10, unit: px}");
  std::vector<int> numbers(4), places_x(50), places_y(8);
  std::vector<double> heights;
  for (std::uint64_t id = 0; id < 4000; ++id) {
    const Drawn drawn = DrawFor(*op, Sample{}, {59, 100}, id);
    ++numbers.at(static_cast<std::size_t>(drawn.At("holes")) - 2);
    ++places_x.at(static_cast<std::size_t>(drawn.At("x")));
    CHECK(drawn.At("width") == 10);
    heights.push_back(drawn.At("height"));
    // Within what is left by its own height; eighths of that.
    const double room = 100 - drawn.At("height") + 1;
    ++places_y.at(static_cast<std::size_t>(8 * (drawn.At("y") + 0.5) / room));
  }
  CHECK(LooksUniform(numbers));
  CHECK(LooksUniform(places_x));
  for (double& h : heights) h = std::floor(h + 0.5);
  std::vector<double> expected = Quantiles(3, 12, false);
  for (double& h : expected) h = std::floor(h + 0.5);
  CHECK(LookAlike(heights, expected));
  CHECK(LooksUniform(places_y));
}

TEST_CASE("grid_dropout is the grid it says, turned or not") {
  const Size size{120, 90};
  const auto expect = [&](const std::string& args, double width, double height, double share,
                          double phase_x, double phase_y, double degrees) {
    const cv::Mat holes = HolesOf("grid_dropout", args, size, 2);
    const double turn = degrees * 3.14159265358979 / 180;
    int wrong = 0, erased = 0;
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        // Turned back clockwise on screen, by which the grid was turned counter-clockwise.
        const double u = x + 0.5 - 60, v = y + 0.5 - 45;
        const double across = (std::cos(turn) * u - std::sin(turn) * v + 60) / width - phase_x;
        const double down = (std::sin(turn) * u + std::cos(turn) * v + 45) / height - phase_y;
        const double a = across - std::floor(across), b = down - std::floor(down);
        const auto close = [&](double at) {
          return std::min({at, 1 - at, std::abs(at - share)}) < 1e-6;
        };
        if (close(a) || close(b)) continue;
        const bool hole = a < share && b < share;
        erased += hole ? 1 : 0;
        wrong += (holes.at<std::uint8_t>(y, x) != 0) == hole ? 0 : 1;
      }
    }
    CHECK(wrong == 0);
    CHECK(erased > 0.8 * share * share * static_cast<double>(size.Area()));
  };
  expect("tile: 17, unit: px, random_offset: false, ratio: 0.4", 17, 17, 0.4, 0, 0, 0);
  expect("tile: 0.2, random_offset: false, shift_x: 0.3, shift_y: -0.25", 18, 18, 0.5, 0.3, -0.25,
         0);
  expect("grid: [5, 9], random_offset: false, ratio: 0.7", 120.0 / 9, 18, 0.7, 0, 0, 0);
  expect("tile: 21, unit: px, random_offset: false, angle: 30", 21, 21, 0.5, 0, 0, 30);
  CHECK(cv::countNonZero(HolesOf("grid_dropout", "ratio: 0", size, 2)) == 0);
  CHECK(cv::countNonZero(HolesOf("grid_dropout", "ratio: 1", size, 2)) == size.Area());
}

TEST_CASE("pixel_dropout drops at its rate, per pixel or per channel, and leaves objects alone") {
  const Size size{200, 150};
  const double n = static_cast<double>(size.Area());
  for (const double rate : {0.01, 0.3, 0.8}) {
    const double spread = 4 * std::sqrt(rate * (1 - rate) * n);
    const double dropped =
        cv::countNonZero(HolesOf("pixel_dropout", fmt::format("rate: {}", rate), size, 1));
    CHECK(std::abs(dropped - rate * n) < spread);
    const auto op = Bind("pixel_dropout", fmt::format("{{rate: {}, per_channel: true}}", rate));
    std::vector<cv::Mat> channels;
    cv::split(Erased(DrawFor(*op, Sample{}, size, 1), NoZeros(size, CV_8UC3)), channels);
    for (const cv::Mat& c : channels) {
      CHECK(std::abs(cv::countNonZero(c == 0) - rate * n) < spread);
    }
    // Channels are independent: both dropped at the product of the rates.
    const double both = cv::countNonZero((channels[0] == 0) & (channels[1] == 0));
    const double chance = rate * rate;
    CHECK(std::abs(both - chance * n) < 4 * std::sqrt(chance * (1 - chance) * n));
  }
  Sample sample;
  Instance box;
  box.quad = BoxQuad(10, 10, 20, 20);
  box.keypoints = {{{15, 15}, 2, 0, 1}};
  sample.instances = {box};
  sample.masks["m"] = {cv::Mat(150, 200, CV_8U, cv::Scalar(1)), 255};
  const auto op = Bind("pixel_dropout", "{rate: 1, erase_masks: true}");
  EraseIn(DrawFor(*op, sample, size, 1), sample);
  CHECK(sample.instances.size() == 1);
  CHECK(sample.instances[0].keypoints[0].visibility == 2);
  CHECK(cv::countNonZero(sample.masks["m"].pixels != 255) == 0);
}

TEST_CASE("random fills have every level alike; random_uniform one colour per hole") {
  const auto noise = Bind("erasing", "{scale: 1, ratio: 1, fill: random}");
  const Drawn drawn = DrawFor(*noise, Sample{}, {128, 128}, 1);
  const cv::Mat out = Erased(drawn, NoZeros({128, 128}, CV_8UC3));
  std::vector<int> counts(256);
  for (int y = 0; y < 128; ++y) {
    for (int i = 0; i < 3 * 128; ++i) ++counts[out.ptr<std::uint8_t>(y)[i]];
  }
  CHECK(LooksUniform(counts));
  const cv::Mat floats = Erased(drawn, NoZeros({128, 128}, CV_32FC1), {-1, 3});
  std::vector<double> values(floats.begin<float>(), floats.end<float>());
  CHECK(LookAlike(values, Quantiles(-1, 3, false)));

  const auto uniform =
      Bind("grid_dropout", "{tile: 20, unit: px, random_offset: false, fill: random_uniform}");
  const cv::Mat grid =
      Erased(DrawFor(*uniform, Sample{}, {100, 100}, 1), NoZeros({100, 100}, CV_8UC3));
  std::set<std::array<int, 3>> colours;
  for (int y = 0; y < 100; y += 20) {
    for (int x = 0; x < 100; x += 20) {
      const cv::Mat hole = grid(cv::Rect(x, y, 10, 10));
      const auto first = hole.at<cv::Vec3b>(0, 0);
      CHECK(cv::norm(hole, cv::Mat(10, 10, CV_8UC3, cv::Scalar(first[0], first[1], first[2])),
                     cv::NORM_INF) == 0);
      colours.insert({first[0], first[1], first[2]});
    }
  }
  CHECK(colours.size() == 25);
}

TEST_CASE("inpaint restores a flat picture exactly and a slope nearly") {
  const auto op = Bind("coarse_dropout",
                       "{holes: 3, hole_height: [0.2, 0.4], hole_width: [0.2, "
                       "0.4], fill: inpaint}");
  for (std::uint64_t id = 0; id < 20; ++id) {
    const Drawn drawn = DrawFor(*op, Sample{}, {160, 120}, id);
    const cv::Mat flat(120, 160, CV_8UC3, cv::Scalar(7, 99, 250));
    CHECK(Same(Erased(drawn, flat), flat));
    cv::Mat slope(120, 160, CV_32FC1);
    for (int y = 0; y < 120; ++y) {
      for (int x = 0; x < 160; ++x) slope.at<float>(y, x) = static_cast<float>(x + 0.5 * y) / 220;
    }
    const cv::Mat holes =
        HolesOf("coarse_dropout", "holes: 3, hole_height: [0.2, 0.4], hole_width: [0.2, 0.4]",
                {160, 120}, id);
    // Holes at the edge of the picture have no rim there: the surface is level across it.
    cv::Mat open = holes.clone();
    open(cv::Rect(1, 1, 158, 118)).setTo(0);
    if (cv::countNonZero(open) > 0) continue;
    CHECK(cv::norm(Erased(drawn, slope), slope, cv::NORM_INF) < 0.02);
  }
}

TEST_CASE("mask_dropout takes whole objects out of picture and labels") {
  const Size size{60, 40};
  for (std::uint64_t id = 0; id < 40; ++id) {
    Sample sample;
    for (int i = 0; i < 3; ++i) {
      Instance object;
      object.id = i;
      object.mask = cv::Mat::zeros(size.height, size.width, CV_8U);
      object.mask(cv::Rect(5 + 12 * i, 8, 18, 20)).setTo(255);
      sample.instances.push_back(object);
    }
    sample.instances.push_back(Instance{});  // covers nothing: is never chosen
    sample.instances.back().id = 3;
    const Sample before = sample.Clone();
    const auto op = Bind("mask_dropout", "{objects: [1, 2]}");
    const Drawn drawn = DrawFor(*op, sample, size, id);
    const cv::Mat holes = ZeroPixels(Erased(drawn, NoZeros(size, CV_8UC3)));
    EraseIn(drawn, sample);
    cv::Mat expected = cv::Mat::zeros(size.height, size.width, CV_8U);
    std::set<std::int64_t> gone{0, 1, 2, 3};
    for (const Instance& kept : sample.instances) gone.erase(kept.id);
    CHECK(gone.size() == static_cast<std::size_t>(drawn.At("objects")));
    CHECK(!gone.contains(3));
    for (const std::int64_t i : gone) {
      cv::bitwise_or(expected, before.instances[static_cast<std::size_t>(i)].mask, expected);
    }
    CHECK(Same(holes, expected));
    for (const Instance& kept : sample.instances) {
      if (kept.id == 3) continue;
      cv::Mat bits = before.instances[static_cast<std::size_t>(kept.id)].mask.clone();
      bits.setTo(0, expected);
      CHECK(Same(kept.mask, bits));
    }
  }
}

TEST_CASE("constrained_dropout stays inside what is chosen") {
  const Size size{80, 60};
  Sample sample;
  auto names = std::make_shared<LabelNames>();
  names->classes = {"cat", "dog", "bird"};
  sample.names = names;
  cv::Mat semantic = cv::Mat::zeros(size.height, size.width, CV_8U);
  for (int i = 0; i < 3; ++i) {
    Instance object;
    object.label = i;
    object.quad = BoxQuad(3 + 26 * i, 10, 23 + 26 * i, 40);
    object.mask = cv::Mat::zeros(size.height, size.width, CV_8U);
    object.mask(cv::Rect(6 + 26 * i, 15, 9, 18)).setTo(255);
    semantic(cv::Rect(6 + 26 * i, 15, 9, 18)).setTo(i + 1);
    sample.instances.push_back(object);
  }
  sample.masks["parts"] = {semantic, 255};
  const auto holes_of = [&](const std::string& args, std::uint64_t id) {
    const auto op = Bind("constrained_dropout", args);
    return ZeroPixels(Erased(DrawFor(*op, sample, size, id), NoZeros(size, CV_8UC3)));
  };
  const auto only = [&](const cv::Mat& holes, const cv::Mat& allowed) {
    CHECK(cv::countNonZero(holes) > 0);
    CHECK(cv::countNonZero(holes & ~allowed) == 0);
  };
  cv::Mat dog_box = cv::Mat::zeros(size.height, size.width, CV_8U);
  dog_box(cv::Rect(29, 10, 20, 30)).setTo(255);
  cv::Mat everywhere = cv::Mat::zeros(size.height, size.width, CV_8U);
  for (std::uint64_t id = 0; id < 60; ++id) {
    const cv::Mat holes = holes_of("{classes: [dog], holes: 2}", id);
    only(holes, dog_box);
    cv::bitwise_or(everywhere, holes, everywhere);
    only(holes_of("{classes: 1}", id), dog_box);
    only(holes_of("{classes: dog, inside: mask}", id), sample.instances[1].mask);
    only(holes_of("{classes: [2], inside: semantic, mask: parts}", id), cv::Mat(semantic == 2));
    only(holes_of("{inside: semantic}", id), cv::Mat(semantic != 0));
  }
  CHECK(cv::countNonZero(everywhere) > 0.9 * cv::countNonZero(dog_box));  // and is all over it
  const cv::Mat whole = holes_of(
      "{classes: [2], inside: semantic, hole_height: 1, hole_width: 1,"
      " holes: 40}",
      1);
  CHECK(Same(whole, cv::Mat(semantic == 2)));

  const auto error = [&](const std::string& args, const Sample& in) {
    const auto op = Bind("constrained_dropout", args);
    const Drawn drawn = DrawFor(*op, in, size, 1);
    const auto out = std::get<ImageStep>(drawn.steps.at(0)).run(NoZeros(size, CV_8UC3), {});
    REQUIRE(!out.Ok());
    return out.Error().message;
  };
  CHECK(error("{classes: [cat, dgo]}", sample).find("no class 'dgo'") != std::string::npos);
  CHECK(error("{classes: [cat]}", Sample{}).find("names no classes") != std::string::npos);
}

TEST_CASE("rules between parameters") {
  const auto refused = [](const char* verb, const std::string& args) {
    Diagnostics diagnostics;
    Bind(verb, args, diagnostics);
    return diagnostics.HasErrors();
  };
  CHECK(refused("coarse_dropout", "{hole_height: 20}"));
  CHECK(!refused("coarse_dropout", "{hole_height: 20, hole_width: 5, unit: px}"));
  CHECK(refused("coarse_dropout", "{holes: [0.2, 0.7]}"));
  CHECK(refused("grid_dropout", "{tile: 100}"));
  CHECK(refused("erasing", "{level: []}"));
  for (const auto& [peer, own] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Cutout", "coarse_dropout"},
           {"RandomErasing", "erasing"},
           {"GridMask", "grid_dropout"},
           {"PixelDropout", "pixel_dropout"},
           {"XYMasking", "xy_masking"},
           {"MaskDropout", "mask_dropout"},
           {"ConstrainedCoarseDropout", "constrained_dropout"}}) {
    REQUIRE(Ops().FindOperator(peer) != nullptr);
    CHECK(Ops().FindOperator(peer)->name == own);
  }
}

TEST_CASE("coverage adds up to the area of what is inside") {
  Numbers numbers(1);
  for (int i = 0; i < 500; ++i) {
    const auto point = [&] { return Point(numbers.Between(-20, 60), numbers.Between(-20, 50)); };
    const Polygon triangle{{{point(), point(), point()}}};
    const Size size{40, 30};
    const Coverage cover = CoverageOf(triangle, size);
    double sum = 0;
    for (const double s : cover.share) {
      CHECK(s >= 0);
      CHECK(s <= 1);
      sum += s;
    }
    CHECK(sum == doctest::Approx(ClipToImage(triangle, size).Area()).epsilon(1e-9));
  }
  const Polygon square{{{{2.25, 3}, {6, 3}, {6, 5.5}, {2.25, 5.5}}}};
  const Coverage cover = CoverageOf(square, {10, 10});
  CHECK(cover.window == cv::Rect(2, 3, 4, 3));
  CHECK(cover.Row(3)[0] == doctest::Approx(0.75));
  CHECK(cover.Row(5)[0] == doctest::Approx(0.375));
  CHECK(cover.Row(5)[3] == doctest::Approx(0.5));
}

}  // namespace
}  // namespace pixloom::testing
