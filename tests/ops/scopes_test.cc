// SPDX-License-Identifier: Apache-2.0
// Steps on a part of a sample: some channels, another colour space, the inside of objects. What the
// steps make by themselves is put together here in double precision and compared.
#include <array>
#include <cmath>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ops/kernels/colour_space.h"
#include "ops/kernels/inner_distance.h"
#include "tests/support/run_chain.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {
namespace {

const std::array kTypes{CV_8U, CV_16U, CV_32F};

double LevelsOf(const cv::Mat& m) {
  return m.depth() == CV_8U ? 255 : m.depth() == CV_16U ? 65535 : 1;
}

double ValueAt(const cv::Mat& m, int y, int i) {
  switch (m.depth()) {
    case CV_8U:
      return m.ptr<std::uint8_t>(y)[i];
    case CV_16U:
      return m.ptr<std::uint16_t>(y)[i];
    default:
      return m.ptr<float>(y)[i];
  }
}

// Noise of all levels.
cv::Mat Picture(Size size, int depth, int channels, std::uint32_t seed = 1) {
  cv::Mat picture(size.height, size.width, CV_MAKETYPE(depth, channels));
  const StreamKey key{seed, 3, 9};
  std::uint32_t block = 0;
  for (int y = 0; y < picture.rows; ++y) {
    for (int i = 0; i < picture.cols * channels; ++i) {
      const std::uint32_t word = key.Block(block++)[0];
      if (depth == CV_8U) picture.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(word);
      if (depth == CV_16U) picture.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(word);
      if (depth == CV_32F) picture.ptr<float>(y)[i] = static_cast<float>(word >> 8) * 0x1p-24F;
    }
  }
  return picture;
}

cv::Mat Chosen(const cv::Mat& picture, const std::vector<int>& channels) {
  std::vector<cv::Mat> planes;
  for (const int c : channels) {
    planes.emplace_back();
    cv::extractChannel(picture, planes.back(), c);
  }
  cv::Mat chosen;
  cv::merge(planes, chosen);
  return chosen;
}

cv::Mat Through(const std::string& chain, const cv::Mat& picture) {
  return PixelsOf(ChainUnderTest(chain).Run(PictureSample(picture)));
}

// ---- with_channels ------------------------------------------------------------------------------

// Draws of a step follow its name, wherever it stands.
constexpr const char* kSteps =
    "{gaussian_noise: 0.1, name: n}, {gaussian_blur: [0.5, 1.5], name: b}, {gamma: [0.5, 2], name: "
    "g}";

TEST_CASE("with_channels equals the steps on pictures of these channels") {
  struct Case {
    int channels;
    std::vector<int> chosen;
  };
  for (const Case& c :
       {Case{1, {0}}, Case{3, {1}}, Case{3, {2, 0}}, Case{3, {2, 1, 0}}, Case{4, {3}},
        Case{4, {0, 1, 2}}, Case{4, {3, 1, 0, 2}}, Case{5, {4, 0}}, Case{6, {5, 3, 1, 0, 2}}}) {
    for (const int depth : kTypes) {
      CAPTURE(c.channels);
      CAPTURE(depth);
      const cv::Mat picture = Picture({23, 17}, depth, c.channels);
      const std::string list = fmt::format("{}", fmt::join(c.chosen, ", "));
      const cv::Mat out =
          Through(fmt::format("[{{with_channels: {{channels: [{}], steps: [{}]}}}}]", list, kSteps),
                  picture);
      REQUIRE(out.type() == picture.type());
      const cv::Mat alone = Through(fmt::format("[{}]", kSteps), Chosen(picture, c.chosen));
      CHECK(!SamePixels(alone, Chosen(picture, c.chosen)));
      CHECK(SamePixels(Chosen(out, c.chosen), alone));
      for (int i = 0; i < c.channels; ++i) {
        if (std::find(c.chosen.begin(), c.chosen.end(), i) != c.chosen.end()) continue;
        CHECK(SamePixels(Chosen(out, {i}), Chosen(picture, {i})));
      }
    }
  }
}

TEST_CASE("letters name channels of colour pictures") {
  const cv::Mat picture = Picture({9, 7}, CV_8U, 4);
  const auto run = [&](const std::string& channels) {
    return Through(fmt::format("[{{with_channels: {{channels: {}, steps: [invert]}}}}]", channels),
                   picture);
  };
  CHECK(SamePixels(run("[b, r]"), run("[2, 0]")));
  CHECK(SamePixels(run("a"), run("[3]")));
  CHECK(!SamePixels(run("a"), run("[0]")));
}

// ---- with_color_space ---------------------------------------------------------------------------

using Triple = std::array<double, 3>;

Triple HsvOf(Triple c) {
  const double v = std::max({c[0], c[1], c[2]});
  const double chroma = v - std::min({c[0], c[1], c[2]});
  if (chroma == 0) return {0, 0, v};
  double h = v == c[0]   ? (c[1] - c[2]) / chroma
             : v == c[1] ? 2 + (c[2] - c[0]) / chroma
                         : 4 + (c[0] - c[1]) / chroma;
  h = h / 6 - std::floor(h / 6);
  return {h, chroma / v, v};
}

Triple FromHsv(Triple c) {
  Triple rgb{};
  const std::array<double, 3> order{5, 3, 1};
  for (std::size_t i = 0; i < 3; ++i) {
    const double k = std::fmod(order[i] + c[0] * 6, 6);
    rgb[i] = c[2] - c[2] * c[1] * std::max(0.0, std::min({k, 4 - k, 1.0}));
  }
  return rgb;
}

Triple YcrcbOf(Triple c) {
  const double y = 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2];
  return {y, (c[0] - y) * 0.713 + 128 / 255.0, (c[2] - y) * 0.564 + 128 / 255.0};
}

Triple FromYcrcb(Triple c) {
  const double r = c[0] + (c[1] - 128 / 255.0) / 0.713;
  const double b = c[0] + (c[2] - 128 / 255.0) / 0.564;
  return {r, (c[0] - 0.299 * r - 0.114 * b) / 0.587, b};
}

constexpr Triple kWhite{0.950456, 1, 1.088754};

Triple LabOf(Triple c) {
  for (double& v : c) v = v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  const Triple xyz{0.412453 * c[0] + 0.357580 * c[1] + 0.180423 * c[2],
                   0.212671 * c[0] + 0.715160 * c[1] + 0.072169 * c[2],
                   0.019334 * c[0] + 0.119193 * c[1] + 0.950227 * c[2]};
  Triple f{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double t = xyz[i] / kWhite[i];
    f[i] = t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116;
  }
  return {(116 * f[1] - 16) / 100, (500 * (f[0] - f[1]) + 128) / 255,
          (200 * (f[1] - f[2]) + 128) / 255};
}

Triple FromLab(Triple c) {
  const double y = (100 * c[0] + 16) / 116;
  Triple f{y + (255 * c[1] - 128) / 500, y, y - (255 * c[2] - 128) / 200};
  for (std::size_t i = 0; i < 3; ++i) {
    const double cube = f[i] * f[i] * f[i];
    f[i] = kWhite[i] * (cube > 216.0 / 24389 ? cube : (116 * f[i] - 16) * 27 / 24389);
  }
  Triple rgb{3.240479 * f[0] - 1.537150 * f[1] - 0.498535 * f[2],
             -0.969256 * f[0] + 1.875991 * f[1] + 0.041556 * f[2],
             0.055648 * f[0] - 0.204043 * f[1] + 1.057311 * f[2]};
  for (double& v : rgb) {
    v = v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055;
  }
  return rgb;
}

struct SpaceCase {
  const char* name;
  int channel;  // the step acts on
  Triple (*there)(Triple);
  Triple (*back)(Triple);
};

const std::array kSpaces{SpaceCase{"hsv", 1, HsvOf, FromHsv}, SpaceCase{"hsv", 2, HsvOf, FromHsv},
                         SpaceCase{"ycrcb", 0, YcrcbOf, FromYcrcb},
                         SpaceCase{"lab", 0, LabOf, FromLab}};

TEST_CASE("with_color_space equals the conversion in double precision") {
  for (const SpaceCase& space : kSpaces) {
    for (const int depth : kTypes) {
      for (const int channels : {3, 4}) {
        const cv::Mat picture = Picture({300, 6}, depth, channels, 5);
        const cv::Mat out = Through(
            fmt::format("[{{with_color_space: {{space: {}, steps: [{{with_channels: {{channels: "
                        "[{}], steps: [{{gamma: 1.6}}]}}}}]}}}}]",
                        space.name, space.channel),
            picture);
        REQUIRE(out.type() == picture.type());
        const double levels = LevelsOf(picture);
        double worst = 0;
        for (int y = 0; y < out.rows; ++y) {
          for (int x = 0; x < out.cols; ++x) {
            Triple rgb{};
            for (int c = 0; c < 3; ++c) {
              rgb[static_cast<std::size_t>(c)] = ValueAt(picture, y, x * channels + c) / levels;
            }
            Triple other = space.there(rgb);
            double& v = other[static_cast<std::size_t>(space.channel)];
            v = std::pow(v, 1.6);
            rgb = space.back(other);
            for (int c = 0; c < 3; ++c) {
              double expected = rgb[static_cast<std::size_t>(c)] * levels;
              if (depth != CV_32F) expected = std::clamp(expected, 0.0, levels);
              worst =
                  std::max(worst, std::abs(ValueAt(out, y, x * channels + c) - expected) / levels);
            }
            if (channels == 4) {
              CHECK(ValueAt(out, y, 4 * x + 3) == ValueAt(picture, y, 4 * x + 3));
            }
          }
        }
        CAPTURE(std::string(space.name));
        CAPTURE(depth);
        MESSAGE(fmt::format("{} channel {} depth {}: {:.3g} of full scale", space.name,
                            space.channel, depth, worst));
        // Half a level of rounding, and float32 on the way.
        CHECK(worst <= (depth == CV_32F ? 0 : 0.5 / levels) + 1e-5);
      }
    }
  }
}

TEST_CASE("what the steps leave alone keeps its bits in every colour space") {
  for (const char* space : {"hsv", "hls", "lab", "luv", "ycrcb", "bgr"}) {
    for (const char* precision : {"float", "picture"}) {
      for (const int depth : kTypes) {
        for (const int channels : {3, 4}) {
          CAPTURE(space);
          CAPTURE(depth);
          cv::Mat picture = Picture({300, 40}, depth, channels, 8);
          const auto run = [&](const std::string& steps) {
            return Through(fmt::format("[{{with_color_space: {{space: {}, precision: {}, steps: "
                                       "[{}]}}}}]",
                                       space, precision, steps),
                           picture);
          };
          CHECK(SamePixels(run("gaussian_blur: 0"), picture));
          // One pixel in eight is hit; only alpha of four channels is anyone else's.
          const cv::Mat hit = run("{pixel_dropout: {rate: 0.125, level: 0.4}}");
          int changed = 0;
          for (int y = 0; y < hit.rows; ++y) {
            for (int x = 0; x < hit.cols; ++x) {
              const std::size_t bytes = hit.elemSize();
              changed +=
                  std::memcmp(hit.ptr(y) + bytes * static_cast<std::size_t>(x),
                              picture.ptr(y) + bytes * static_cast<std::size_t>(x), bytes) != 0;
            }
          }
          CHECK(changed > 0.08 * 300 * 40);
          CHECK(changed < 0.17 * 300 * 40);
        }
      }
    }
  }
}

TEST_CASE("a colour that goes there and back is off by far less than a level of uint8") {
  for (const auto& [space, bound] :
       {std::pair{ColourSpace::kHsv, 1e-6}, std::pair{ColourSpace::kHls, 1e-6},
        std::pair{ColourSpace::kLab, 3e-5}, std::pair{ColourSpace::kLuv, 3e-5},
        std::pair{ColourSpace::kYCrCb, 5e-7}}) {
    double worst = 0;
    for (int r = 0; r < 256; r += 3) {
      for (int g = 0; g < 256; g += 3) {
        ColourStrip strip;
        for (int b = 0; b < 256; ++b) {
          strip.a[b] = static_cast<float>(r) / 255;
          strip.b[b] = static_cast<float>(g) / 255;
          strip.c[b] = static_cast<float>(b) / 255;
        }
        FromRgb(space, strip, 256);
        ToRgb(space, strip, 256);
        for (int b = 0; b < 256; ++b) {
          worst = std::max({worst, std::abs(strip.a[b] - r / 255.0),
                            std::abs(strip.b[b] - g / 255.0), std::abs(strip.c[b] - b / 255.0)});
        }
      }
    }
    MESSAGE(fmt::format("space {}: {:.3g}", static_cast<int>(space), worst));
    CHECK(worst > 0);
    CHECK(worst < bound);
  }
}

TEST_CASE("hue goes round, other channels of integer pictures are clamped") {
  cv::Mat red(1, 1, CV_8UC3, cv::Scalar(200, 0, 40));  // hue 348 degrees
  // A hue 30 degrees further is 18 degrees.
  const cv::Mat turned = Through(
      "[{with_color_space: {space: hsv, steps: [{with_channels: {channels: [0], steps: "
      "[{brightness_contrast: {brightness: 0.08333333, contrast: 0}}]}}]}}]",
      red);
  const Triple expected = FromHsv({18 / 360.0, 1, 200 / 255.0});
  for (int c = 0; c < 3; ++c) {
    CHECK(std::abs(ValueAt(turned, 0, c) - expected[static_cast<std::size_t>(c)] * 255) <= 1);
  }
  const cv::Mat loud = Through(
      "[{with_color_space: {space: hsv, steps: [{with_channels: {channels: [1, 2], steps: "
      "[{brightness_contrast: {brightness: 0.9, contrast: 0}}]}}]}}]",
      red);
  const Triple full = FromHsv({348 / 360.0, 1, 1});
  for (int c = 0; c < 3; ++c) {
    CHECK(std::abs(ValueAt(loud, 0, c) - full[static_cast<std::size_t>(c)] * 255) <= 1);
  }
}

// ---- in_region ----------------------------------------------------------------------------------

Sample Labelled(const cv::Mat& picture) {
  Sample sample = PictureSample(picture);
  Instance box;  // upright, at fractions of pixels
  box.id = 1, box.label = 0;
  box.quad = BoxQuad(2.25, 3.5, 11.75, 9);
  Instance bits;
  bits.id = 2, bits.label = 1;
  bits.quad = BoxQuad(12, 1, 20, 8);
  bits.mask = cv::Mat::zeros(picture.size(), CV_8U);
  for (int y = 1; y < 8; ++y) {
    for (int x = 12; x < 20; ++x) bits.mask.at<std::uint8_t>(y, x) = (x * y) % 3 != 0 ? 255 : 0;
  }
  Instance outline;  // a triangle with a hole, partly outside
  outline.id = 3, outline.label = 2;
  outline.polygons.push_back(
      {{{{4.3, 10.1}, {26.7, 14.6}, {9.2, 25.3}}, {{10, 14}, {13, 15}, {11, 17}}}});
  Instance turned;
  turned.id = 4, turned.label = 1, turned.oriented = true;
  turned.quad = Quad{Point{20, 9}, Point{24, 13}, Point{21, 16}, Point{17, 12}};
  Instance point;  // has no area
  point.id = 5, point.label = 0;
  point.keypoints.push_back({{3, 3}});
  for (Instance* one : {&box, &bits, &outline, &turned, &point}) {
    sample.instances.push_back(std::move(*one));
  }
  SemanticMask classes{cv::Mat(picture.rows, picture.cols, CV_8U), 255};
  for (int y = 0; y < picture.rows; ++y) {
    for (int x = 0; x < picture.cols; ++x) {
      classes.pixels.at<std::uint8_t>(y, x) =
          static_cast<std::uint8_t>(x == 0 ? 255 : (x / 3 + y / 4) % 4);
    }
  }
  sample.masks["ground"] = std::move(classes);
  auto names = std::make_shared<LabelNames>();
  names->classes = {"car", "bus", "tree"};
  sample.names = std::move(names);
  return sample;
}

// Even-odd, at 64 x 64 places of each pixel.
double Covered(const std::vector<std::vector<Point>>& rings, int x, int y) {
  constexpr int kFine = 64;
  int inside = 0;
  for (int j = 0; j < kFine; ++j) {
    for (int i = 0; i < kFine; ++i) {
      const Point p(x + (i + 0.5) / kFine, y + (j + 0.5) / kFine);
      bool in = false;
      for (const auto& ring : rings) {
        for (std::size_t k = 0; k < ring.size(); ++k) {
          const Point a = ring[k], b = ring[(k + 1) % ring.size()];
          if ((a.y <= p.y) != (b.y <= p.y) && p.x < a.x + (b.x - a.x) * (p.y - a.y) / (b.y - a.y)) {
            in = !in;
          }
        }
      }
      inside += in ? 1 : 0;
    }
  }
  return inside / double{kFine * kFine};
}

using Share = std::function<double(int x, int y)>;

struct RegionCase {
  const char* args;
  Share share;
  double tolerance = 0;  // of the share: outlines are counted
};

std::vector<RegionCase> RegionCases(const Sample& sample) {
  const auto& objects = sample.instances;
  const Share box = [](int x, int y) {
    const auto part = [](double lo, double hi, int i) {
      return std::max(0.0, std::min(hi, i + 1.0) - std::max(lo, 1.0 * i));
    };
    return part(2.25, 11.75, x) * part(3.5, 9, y);
  };
  const Share bits = [&objects](int x, int y) {
    return objects[1].mask.at<std::uint8_t>(y, x) != 0 ? 1.0 : 0.0;
  };
  const Share bits_box = [](int x, int y) {
    return x >= 12 && x < 20 && y >= 1 && y < 8 ? 1.0 : 0.0;
  };
  const Share triangle = [&objects](int x, int y) {
    return Covered(objects[2].polygons[0].rings, x, y);
  };
  const Share turned = [&objects](int x, int y) {
    const Quad& q = *objects[3].quad;
    return Covered({{q.begin(), q.end()}}, x, y);
  };
  const Share turned_box = [](int x, int y) {
    return x >= 17 && x < 24 && y >= 9 && y < 16 ? 1.0 : 0.0;
  };
  const auto either = [](Share a, Share b) {
    return Share([=](int x, int y) { return std::max(a(x, y), b(x, y)); });
  };
  const Share all = either(either(box, bits), either(triangle, turned));
  const auto ground = [&sample](std::set<int> classes) {
    return Share([&sample, classes](int x, int y) {
      return classes.contains(sample.masks.at("ground").pixels.at<std::uint8_t>(y, x)) ? 1.0 : 0.0;
    });
  };
  return {
      {"{classes: car, steps: [S]}", box},
      {"{class: [0], steps: [S]}", box},
      {"{shape: masks, steps: [S]}", bits},
      {"{classes: bus, shape: boxes, steps: [S]}", either(bits_box, turned_box)},
      {"{classes: bus, shape: oriented, steps: [S]}", either(bits_box, turned), 0.03},
      {"{shape: polygons, steps: [S]}", triangle, 0.03},
      {"{steps: [S]}", all, 0.03},
      {"{invert: true, steps: [S]}", [all](int x, int y) { return 1 - all(x, y); }, 0.03},
      {"{classes: [car, 1], min_area: 24.5, steps: [S]}", either(box, bits)},
      {"{semantic: ground, steps: [S]}", ground({1, 2, 3})},
      {"{semantic: ground, class: [tree, 0], steps: [S]}", ground({0, 2})},
      {"{classes: car, min_area: 1000, invert: true, steps: [S]}", [](int, int) { return 1.0; }}};
}

std::string InRegionChain(std::string args, const std::string& steps) {
  args.replace(args.find('S'), 1, steps);
  return fmt::format("[{{in_region: {}}}]", args);
}

TEST_CASE("in_region composes by what is covered; outside stays bit by bit, labels too") {
  for (const int depth : kTypes) {
    for (const int channels : {1, 3, 4, 5}) {
      const Sample sample = Labelled(Picture({24, 20}, depth, channels));
      const cv::Mat& before = PixelsOf(sample);
      const std::string steps = "{gaussian_noise: 0.3, name: n}, {gaussian_blur: 1, name: b}";
      const cv::Mat plain =
          PixelsOf(ChainUnderTest(fmt::format("[{}]", steps)).Run(sample.Clone()));
      for (const RegionCase& c : RegionCases(sample)) {
        CAPTURE(std::string(c.args));
        CAPTURE(depth);
        CAPTURE(channels);
        const Sample after = ChainUnderTest(InRegionChain(c.args, steps)).Run(sample.Clone());
        CHECK(LabelDifference(sample, after) == "");
        const cv::Mat& out = PixelsOf(after);
        int inside = 0, outside = 0;
        double worst = 0;
        for (int y = 0; y < out.rows; ++y) {
          for (int x = 0; x < out.cols; ++x) {
            const double share = c.share(x, y);
            for (int i = channels * x; i < channels * (x + 1); ++i) {
              const double a = ValueAt(before, y, i), b = ValueAt(plain, y, i);
              const double v = ValueAt(out, y, i);
              // Counting finds nothing in pixels that are covered by less than a place.
              if (share == 0 && c.tolerance == 0) {
                ++outside;
                CHECK(v == a);
              } else if (share == 1 && c.tolerance == 0) {
                ++inside;
                CHECK(v == b);
              }
              const double slack =
                  c.tolerance * std::abs(b - a) + (depth == CV_32F ? 1e-6 : 0.5 + 1e-6);
              worst = std::max(worst, std::abs(v - (a + share * (b - a))) / slack);
            }
          }
        }
        CHECK(worst <= 1);
        if (c.tolerance == 0) CHECK(inside > 0);
        if (c.tolerance == 0 && std::string(c.args).find("invert") == std::string::npos) {
          CHECK(outside > 0);
        }
      }
    }
  }
}

TEST_CASE("distances inside a set are those to the nearest pixel outside") {
  const StreamKey key{4, 4, 4};
  for (int round = 0; round < 60; ++round) {
    const PhiloxBlock words = key.Block(static_cast<std::uint32_t>(round));
    const int width = 1 + static_cast<int>(words[0] % 23),
              height = 1 + static_cast<int>(words[1] % 19);
    cv::Mat bits(height, width, CV_8U);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const std::uint32_t word =
            key.Block(static_cast<std::uint32_t>(1000 + round * 500 + y * width + x))[0];
        bits.at<std::uint8_t>(y, x) = word % 16 < words[2] % 17 ? 255 : 0;
      }
    }
    const cv::Mat squared = SquaredInnerDistance(bits);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        int nearest = NoBorder({width, height});
        for (int v = 0; v < height; ++v) {
          for (int u = 0; u < width; ++u) {
            if (bits.at<std::uint8_t>(v, u) == 0) {
              nearest = std::min(nearest, (u - x) * (u - x) + (v - y) * (v - y));
            }
          }
        }
        REQUIRE(squared.at<int>(y, x) == nearest);
      }
    }
  }
}

TEST_CASE("a feathered region grows from its border inwards") {
  const Sample sample = Labelled(cv::Mat(20, 24, CV_32FC1, cv::Scalar(0)));
  for (const bool invert : {false, true}) {
    for (const double feather : {0.4, 1.0, 3.0, 100.0}) {
      const cv::Mat out = PixelsOf(
          ChainUnderTest(fmt::format("[{{in_region: {{classes: bus, shape: masks, feather: {}, "
                                     "invert: {}, steps: [invert]}}}}]",
                                     feather, invert))
              .Run(sample.Clone()));
      const cv::Mat& mask = sample.instances[1].mask;
      for (int y = 0; y < out.rows; ++y) {
        for (int x = 0; x < out.cols; ++x) {
          double expected = 0;
          if ((mask.at<std::uint8_t>(y, x) != 0) != invert) {
            double nearest = 1e9;
            for (int v = 0; v < out.rows; ++v) {
              for (int u = 0; u < out.cols; ++u) {
                if ((mask.at<std::uint8_t>(v, u) != 0) == invert) {
                  nearest = std::min(nearest, std::hypot(u - x, v - y));
                }
              }
            }
            expected = std::min(1.0, (nearest - 0.5) / feather);
          }
          CHECK(out.at<float>(y, x) == doctest::Approx(expected).epsilon(1e-6));
        }
      }
    }
  }
}

TEST_CASE("a region without a border takes full effect however wide the feather") {
  const Sample sample = Labelled(Picture({24, 20}, CV_8U, 3));
  const cv::Mat out = PixelsOf(ChainUnderTest("[{in_region: {classes: car, min_area: 1e6, invert: "
                                              "true, feather: 900, steps: [invert]}}]")
                                   .Run(sample.Clone()));
  CHECK(SamePixels(out, Through("[invert]", PixelsOf(sample))));
}

TEST_CASE("nothing runs where nothing is chosen") {
  const Sample sample = Labelled(Picture({24, 20}, CV_8U, 3));
  const auto entries = [&](const std::string& args) {
    const Sample after =
        ChainUnderTest(InRegionChain(args, "{gaussian_noise: 0.3}")).Run(sample.Clone());
    CHECK((after.recipe.entries.size() == 2) == !SamePixels(PixelsOf(sample), PixelsOf(after)));
    CHECK(*after.recipe.entries.at(0).stream == "look/in_region#1");
    CHECK(after.recipe.entries[0].applied == (after.recipe.entries.size() == 2));
    return after.recipe.entries.size();
  };
  CHECK(entries("{classes: tree, steps: [S]}") == 2);
  CHECK(entries("{classes: tree, shape: masks, steps: [S]}") == 1);
  CHECK(entries("{classes: 7, steps: [S]}") == 1);
  CHECK(entries("{min_area: 1e6, steps: [S]}") == 1);
  CHECK(entries("{semantic: ground, class: 9, steps: [S]}") == 1);
  const Sample after =
      ChainUnderTest("[{in_region: {classes: bus, steps: [invert]}}]").Run(sample.Clone());
  CHECK(DrawnIn(after, 0, "objects") == 2);
}

// ---- All of them --------------------------------------------------------------------------------

TEST_CASE("scopes inside scopes equal what they are made of") {
  const Sample sample = Labelled(Picture({24, 20}, CV_8U, 3));
  const std::string step = "{gaussian_noise: 0.3, name: n}";
  const Sample out =
      ChainUnderTest(fmt::format("[{{in_region: {{classes: bus, shape: masks, steps: "
                                 "[{{with_channels: {{channels: [b, g], steps: [{}]}}}}]}}}}]",
                                 step))
          .Run(sample.Clone());
  const cv::Mat inner = Through(fmt::format("[{}]", step), Chosen(PixelsOf(sample), {2, 1}));
  int changed = 0;
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 24; ++x) {
      const auto before = PixelsOf(sample).at<cv::Vec3b>(y, x);
      auto expected = before;
      if (sample.instances[1].mask.at<std::uint8_t>(y, x) != 0) {
        expected[2] = inner.at<cv::Vec2b>(y, x)[0];
        expected[1] = inner.at<cv::Vec2b>(y, x)[1];
        ++changed;
      }
      CHECK(PixelsOf(out).at<cv::Vec3b>(y, x) == expected);
    }
  }
  CHECK(changed > 10);
}

TEST_CASE("every frame of a clip, and only the fields that are named") {
  const Sample clip = MakeInput("clip", 1);
  for (const char* scope :
       {"with_channels: {channels: [1], steps: [S]}", "with_color_space: {space: lab, steps: [S]}",
        "in_region: {shape: masks, steps: [S]}"}) {
    CAPTURE(scope);
    std::string text = scope;
    text.replace(text.find("[S]"), 3, "[{gamma: 2}]");
    const Sample after = ChainUnderTest("[{" + text + "}]").Run(clip.Clone());
    for (std::size_t f = 0; f < 3; ++f) {
      Sample one = clip.Clone();
      one.images[0].second.frames = {clip.images[0].second.frames[f]};
      const Sample alone = ChainUnderTest("[{" + text + "}]").Run(std::move(one));
      CHECK(SamePixels(after.images[0].second.frames[f].pixels, PixelsOf(alone)));
      CHECK(!SamePixels(PixelsOf(alone), clip.images[0].second.frames[f].pixels));
    }
    const Sample pair = MakeInput("pair", 1);
    const Sample second = ChainUnderTest("[{" + text + ", fields: [target]}]").Run(pair.Clone());
    CHECK(SamePixels(PixelsOf(second), PixelsOf(pair)));
    CHECK(!SamePixels(second.Image("target")->frames[0].pixels,
                      pair.Image("target")->frames[0].pixels));
    const Sample both = ChainUnderTest("[{" + text + "}]").Run(pair.Clone());
    CHECK(!SamePixels(PixelsOf(both), PixelsOf(pair)));
    CHECK(SamePixels(both.Image("target")->frames[0].pixels,
                     second.Image("target")->frames[0].pixels));
  }
}

TEST_CASE("a region follows a field of another size") {
  Sample sample = Labelled(Picture({24, 20}, CV_8U, 1));
  sample.images.emplace_back("target", ImageField::Of(cv::Mat(40, 48, CV_8UC1, cv::Scalar(10))));
  const Sample after =
      ChainUnderTest("[{in_region: {classes: bus, shape: masks, steps: [invert]}}]")
          .Run(sample.Clone());
  const cv::Mat& target = after.Image("target")->frames[0].pixels;
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 48; ++x) {
      const bool inside = sample.instances[1].mask.at<std::uint8_t>(y / 2, x / 2) != 0;
      CHECK(target.at<std::uint8_t>(y, x) == (inside ? 245 : 10));
    }
  }
}

constexpr const char* kEverything = R"(version: 1
seed: 5
nodes:
  src: {canvas: {count: 8, size: [30, 26]}}
  many: {copies: 3}
  look:
    - {with_channels: {channels: [r, 2], x-why: a note, steps: [{gaussian_noise: [0, 0.2]}, {gamma: [0.5, 2], p: 0.5}]}, p: 0.6}
    - one_of:
        - {in_region: {class: [shape], feather: 2, steps: [{gaussian_blur: [0.5, 2]}]}, weight: 2}
        - {with_color_space: {space: hsv, steps: [{with_channels: {channels: 0, steps: [{gamma: [0.9, 1.1]}]}}]}, name: tint}
        - {in_region: {semantic: classes, class: [1, 3], invert: true, steps: [{repeat: {times: 2, steps: [{gaussian_noise: 0.02}]}}]}}
      p: 0.9
    - {in_region: {classes: third, steps: [invert]}}
    - {with_channels: {channels: 0, steps: [{gamma: 2, p: 0}]}}
    - {in_region: {shape: boxes, steps: [{jpeg: [20, 60]}, {random_order: [invert, posterize]}]}, fields: [image], scope: frame}
  out: {collect: out}
)";

TEST_CASE("scopes give the same for any number of threads, and as written out") {
  const Outcome first = RunYaml(kEverything);
  REQUIRE(first.errors == "");
  REQUIRE(first.samples.size() == 24);
  const auto same = [&](const Outcome& other) {
    CHECK(other.errors == "");
    REQUIRE(other.samples.size() == 24);
    for (std::size_t i = 0; i < 24; ++i) {
      CHECK(SampleDifference(first[i], other[i]) == "");
      CHECK(first[i].recipe.ToJson() == other[i].recipe.ToJson());
    }
  };
  for (int threads = 2; threads <= 8; ++threads) same(RunYaml(kEverything, threads));
  for (const bool passes : {true, false}) {
    LoadOptions options = TestOptions();
    if (!passes) options.disabled_passes = {"prune", "push_down", "fuse", "schedule"};
    const std::string written = Pipeline::Parse(kEverything, "t.yaml", options).ToYaml();
    CAPTURE(written);
    CHECK(ErrorsOf(written) == std::vector<std::string>{});
    same(RunYaml(written));
    CHECK(Pipeline::Parse(written, "t.yaml", TestOptions()).ToYaml().size() > 100);
  }
  int applied = 0;
  for (const Collected& c : first.samples) {
    applied += Find(c.sample, "look/with_channels#1")->applied ? 1 : 0;
    CHECK(!Find(c.sample, "look/in_region#3")->applied);  // no such object on any canvas
  }
  CHECK(applied > 6);
  CHECK(applied < 22);
}

TEST_CASE("what a scope is refused for") {
  const auto errors = [](const std::string& step, const std::string& canvas = "") {
    return ErrorsOf(
        fmt::format("version: 1\nnodes:\n  src: {{canvas: {{count: 1{}}}}}\n  look: "
                    "[{}]\n  out: {{collect: out}}\n",
                    canvas, step));
  };
  const auto says = [&](const std::string& step, const std::string& text,
                        const std::string& canvas = "") {
    const std::vector<std::string> found = errors(step, canvas);
    CAPTURE(step);
    CAPTURE(fmt::format("{}", fmt::join(found, "\n")));
    CHECK(found.size() == 1);
    CHECK(!found.empty());
    if (!found.empty()) CHECK(found[0].find(text) != std::string::npos);
  };
  for (const char* scope :
       {"with_channels: {channels: [0, 1, 2], steps: [S]}",
        "with_color_space: {space: hsv, steps: [S]}", "in_region: {steps: [S]}"}) {
    const auto around = [&](const std::string& inside) {
      std::string text = scope;
      text.replace(text.find("[S]"), 3, "[" + inside + "]");
      return "{" + text + "}";
    };
    CHECK(errors(around("invert")).empty());
    says(around("hflip"), "moves pixels, which");
    says(around("{elastic: {}, p: 0.1}"), "moves pixels, which");
    says(around("{one_of: [invert, {chain: [rotate: 5]}]}"), "moves pixels, which");
    says(around("sanitize"), "is about labels, which");
    says(around("{to_gray: {single: true}}"), "size and type must stay");
    says(around("{to_gray: {single: true}, p: 0.5}"), "size and type must stay");
    says(around("{layout: chw}"), "size and type must stay");
    says(around("{in_region: {steps: [vflip]}}"), "which in_region cannot");
    says("{" + std::string(scope).replace(std::string(scope).find("[S]"), 3, "[invert]") +
             ", fields: [tarjet]}",
         "there is no field 'tarjet'");
  }
  says("{with_channels: {channels: [0], steps: [to_float]}}", "size and type must stay");
  says("{with_color_space: {space: hsv, steps: [jpeg]}}", "works on");
  CHECK(errors("{with_color_space: {space: hsv, precision: picture, steps: [jpeg]}}").empty());
  says("{with_channels: {channels: [0], steps: [hue_saturation]}}", "works on");
  says("{with_channels: {channels: [3], steps: [invert]}}", "there is no channel 3 in pictures");
  says("{with_channels: {channels: a, steps: [invert]}}", "there is no channel a in pictures");
  says("{with_channels: {channels: r, steps: [invert]}}", "r, g, b and a", ", channels: 1");
  CHECK(errors("{with_channels: {channels: [3], steps: [invert]}}", ", channels: 4").empty());
  says("{with_channels: {channels: [x], steps: [invert]}}", "'x' is none of");
  says("{with_channels: {channels: [-1], steps: [invert]}}", "'-1' is none of");
  says("{with_channels: {channels: [0, r], steps: [invert]}}", "twice");
  says("{with_channels: {channels: [], steps: [invert]}}", "at least one");
  says("{with_channels: {steps: [invert]}}", "'channels' is required");
  says("{with_channels: {channels: 0}}", "needs 'steps'");
  says("{with_color_space: {space: hsv, steps: [invert]}}", "takes pictures with 3 or 4",
       ", channels: 1");
  says("{with_color_space: {space: gray, steps: [invert]}}", "expected one of hsv");
  says("{in_region: {semantic: classes, shape: boxes, steps: [invert]}}", "belongs to objects");
  says("{in_region: {semantic: classes, min_area: 3, steps: [invert]}}", "belongs to objects");
  says("{in_region: {feather: -1, steps: [invert]}}", "outside [0, 10000]");
}

TEST_CASE("what only a sample tells goes to quarantine") {
  const auto reason = [](const std::string& step, const std::string& canvas = "") {
    const Outcome outcome =
        RunYaml(fmt::format("version: 1\nnodes:\n  src: {{canvas: {{count: 1, declared: false{}}}}}"
                            "\n  look: [{}]\n  out: {{collect: out}}\n",
                            canvas, step));
    CHECK(outcome.errors == "");
    return outcome.quarantine.size() == 1 ? outcome.quarantine[0] : "";
  };
  const auto holds = [](const std::string& text, std::string_view part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  holds(reason("{with_channels: {channels: [3], steps: [invert]}}"), "there is no channel 3");
  holds(reason("{with_channels: {channels: b, steps: [invert]}}", ", channels: 5"), "OP-CHANNELS");
  holds(reason("{with_color_space: {space: lab, steps: [invert]}}", ", channels: 5"),
        "OP-CHANNELS");
  holds(reason("{in_region: {classes: shappe, steps: [invert]}}"), "did you mean 'shape'");
  holds(reason("{in_region: {semantic: clases, steps: [invert]}}"), "did you mean 'classes'");
  // The declared range of a float picture is part of its type.
  const Outcome ranges = RunYaml(
      "version: 1\nnodes:\n  src: {canvas: {count: 1, depth: f32}}\n  look: [{with_channels: "
      "{channels: [0, 1, 2], steps: [normalize]}}]\n  out: {collect: out}\n");
  REQUIRE(ranges.quarantine.size() == 1);
  holds(ranges.quarantine[0], "OP-SCOPE");
}

}  // namespace
}  // namespace pixloom::testing
