// SPDX-License-Identifier: Apache-2.0
// Pixels of windows against plain loops in double precision, on every pixel type.
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include <opencv2/imgproc.hpp>

#include "ops/families.h"
#include "tests/support/image_reference.h"
#include "tests/support/run_window.h"

namespace pixloom {
namespace {

using namespace testing;

// Pillow's BILINEAR as a group of its own.
cv::Mat Resized(const cv::Mat& pixels, Size size) {
  AffineGroup group;
  group.in = {pixels.cols, pixels.rows};
  group.out = size;
  group.map = Matrix::Scale(1.0 * size.width / pixels.cols, 1.0 * size.height / pixels.rows);
  group.resampling = Resampling::kAntialias;
  return MakeFamilies()->Affine(ImageView::Whole(pixels), group);
}

template <class Fn>
void ForEachType(Fn fn) {
  for (const int depth : kSweepDepths) {
    for (const int channels : kSweepChannels) fn(CV_MAKETYPE(depth, channels));
  }
}

cv::Mat Noise(int width, int height, int type, std::uint32_t seed) {
  return RandomImage(width, height, CV_MAT_DEPTH(type), CV_MAT_CN(type), seed);
}

// Values that differ from `expected(x, y, c)` by more than a rounding of it.
template <class Fn>
int Misses(const cv::Mat& pixels, Fn expected) {
  int misses = 0;
  for (int y = 0; y < pixels.rows; ++y) {
    for (int x = 0; x < pixels.cols; ++x) {
      for (int c = 0; c < pixels.channels(); ++c) {
        double want = expected(x, y, c);
        want = pixels.depth() == CV_32F ? static_cast<float>(want) : std::floor(want + 0.5);
        if (ValueAt(pixels, x, y, c) != want) ++misses;
      }
    }
  }
  return misses;
}

TEST_CASE("mixup is the weighted sum, rounded once") {
  const WindowUnderTest mix("mixup: {}");
  ForEachType([&](int type) {
    for (const Size size : {Size{1, 1}, Size{37, 29}, Size{64, 3}}) {
      const cv::Mat a = Noise(size.width, size.height, type, 1);
      const cv::Mat b = Noise(size.width, size.height, type, 2);
      const cv::Mat before = a.clone();
      const auto block = BlockOf(Pictured(a), Pictured(b));
      for (std::uint64_t id = 0; id < 6; ++id) {
        const auto answer = mix.Run(block, 0, id);
        const double share = answer.Drawn("share");
        CHECK(Misses(Pixels(answer.sample()), [&](int x, int y, int c) {
                return share * ValueAt(a, x, y, c) + (1 - share) * ValueAt(b, x, y, c);
              }) == 0);
        CHECK(MaxDifference(a, before) == 0);
      }
    }
  });
  const auto block = BlockOf(Pictured(Noise(9, 9, CV_8UC3, 1)), Pictured(Noise(9, 9, CV_8UC3, 2)));
  CHECK(MaxDifference(Pixels(WindowUnderTest("mixup: {share: 1}").Run(block).sample()),
                      Pixels(block[0])) == 0);
  CHECK(MaxDifference(Pixels(WindowUnderTest("mixup: {share: 0}").Run(block).sample()),
                      Pixels(block[1])) == 0);
  CHECK(WindowUnderTest("mixup: {share: 1}").Run(block).mixed->parents.empty());
}

TEST_CASE("partners of another size come in the anchor's, as a resize would make them") {
  const WindowUnderTest mix("mixup: {share: 0}");
  const WindowUnderTest cut("cutmix: {}");
  ForEachType([&](int type) {
    for (const Size size : {Size{91, 20}, Size{17, 45}, Size{10, 58}}) {
      Sample own = Pictured(Noise(34, 29, type, 1));
      Sample partner = Pictured(Noise(size.width, size.height, type, 2));
      own.images.emplace_back("half", ImageField::Of(Noise(17, 14, type, 3)));
      partner.images.emplace_back("half", ImageField::Of(Noise(21, 9, type, 4)));
      own.masks["m"] = {Noise(34, 29, CV_8UC1, 5), 9};
      partner.masks["m"] = {Noise(size.width, size.height, CV_8UC1, 6), 9};
      const auto block = BlockOf(std::move(own), std::move(partner));
      const auto whole = mix.Run(block);
      const cv::Mat expected = Resized(Pixels(block[1]), {34, 29});
      const cv::Mat expected_half = Resized(Pixels(block[1], "half"), {17, 14});
      CHECK(MaxDifference(Pixels(whole.sample()), expected) == 0);
      CHECK(MaxDifference(Pixels(whole.sample(), "half"), expected_half) == 0);
      const cv::Mat mask = whole.sample().masks.at("m").pixels;
      for (std::uint64_t id = 0; id < 4; ++id) {
        const auto answer = cut.Run(block, 0, id);
        const cv::Rect box(static_cast<int>(answer.Drawn("x")), static_cast<int>(answer.Drawn("y")),
                           static_cast<int>(answer.Drawn("width")),
                           static_cast<int>(answer.Drawn("height")));
        CHECK(Misses(Pixels(answer.sample()), [&](int x, int y, int c) {
                return ValueAt(box.contains({x, y}) ? expected : Pixels(block[0]), x, y, c);
              }) == 0);
        CHECK(
            Misses(answer.sample().masks.at("m").pixels, [&](int x, int y, int c) {
              return ValueAt(box.contains({x, y}) ? mask : block[0].masks.at("m").pixels, x, y, c);
            }) == 0);
        // A pixel of a smaller field lies in the box when its centre does.
        CHECK(Misses(Pixels(answer.sample(), "half"), [&](int x, int y, int c) {
                const bool inside = box.contains(
                    {static_cast<int>((x + 0.5) * 2), static_cast<int>((y + 0.5) * 29 / 14)});
                return ValueAt(inside ? expected_half : Pixels(block[0], "half"), x, y, c);
              }) == 0);
      }
    }
  });
}

TEST_CASE("cutmix: the box is as large as asked for, its centre anywhere, and counted in pixels") {
  const auto block = BlockOf(Pictured(cv::Mat(60, 80, CV_8U, cv::Scalar(10))),
                             Pictured(cv::Mat(60, 80, CV_8U, cv::Scalar(200))));
  const WindowUnderTest cut("cutmix: {}");
  int whole = 0;
  for (std::uint64_t id = 0; id < 500; ++id) {
    const auto answer = cut.Run(block, 0, id);
    const cv::Mat& pixels = Pixels(answer.sample());
    const double share = 1 - cv::countNonZero(pixels == 200) / 4800.0;
    CHECK(share == answer.Drawn("share"));
    CHECK(answer.mixed->parents.empty() == (share == 1));
    const double side = std::sqrt(1 - answer.Drawn("lambda"));
    const double x = answer.Drawn("x"), y = answer.Drawn("y");
    const double width = answer.Drawn("width"), height = answer.Drawn("height");
    if (x > 0 && y > 0 && x + width < 80 && y + height < 60) {
      ++whole;
      CHECK(std::abs(width - 80 * side) <= 0.5);
      CHECK(std::abs(height - 60 * side) <= 0.5);
    }
    CHECK(share >= answer.Drawn("lambda") - 0.02);
  }
  CHECK(whole > 50);
}

// ---- mosaic -------------------------------------------------------------------------------------

TEST_CASE("mosaic: lines keep to their range, the anchor comes first, cells fill the picture") {
  std::vector<Sample> block;
  for (int i = 0; i < 8; ++i) block.push_back(Pictured(cv::Mat(50, 70, CV_8U, cv::Scalar(i + 1))));
  const WindowUnderTest two("mosaic: {center: [0.3, 0.7]}");
  const WindowUnderTest three("mosaic: {grid: [2, 3], size: [60, 90], center: [0, 1]}");
  double least = 1, most = 0;
  for (std::uint64_t id = 0; id < 200; ++id) {
    const auto answer = two.Run(block, 5, id);
    const cv::Mat& pixels = Pixels(answer.sample());
    REQUIRE(pixels.size() == cv::Size(70, 50));
    CHECK(pixels.at<std::uint8_t>(0, 0) == 6);
    const auto line_x = static_cast<int>(std::floor(answer.Drawn("center_x") * 70 + 0.5));
    const auto line_y = static_cast<int>(std::floor(answer.Drawn("center_y") * 50 + 0.5));
    const auto partners = answer.All("partner");
    CHECK(Misses(pixels, [&](int x, int y, int) {
            const int cell = (y >= line_y ? 2 : 0) + (x >= line_x ? 1 : 0);
            return cell == 0 ? 6 : partners[static_cast<std::size_t>(cell - 1)] + 1;
          }) == 0);
    least = std::min(least, answer.Drawn("center_x"));
    most = std::max(most, answer.Drawn("center_x"));
    CHECK(std::set<double>(partners.begin(), partners.end()).size() == 3);

    const auto wide = three.Run(block, 5, id);
    REQUIRE(Pixels(wide.sample()).size() == cv::Size(90, 60));
    std::set<int> seen;
    for (int i = 1; i <= 8; ++i) {
      if (cv::countNonZero(Pixels(wide.sample()) == i) > 0) seen.insert(i);
    }
    CHECK(seen.size() == 6);
    CHECK(wide.mixed->parents.size() == 5);
  }
  CHECK(least > 0.3);
  CHECK(least < 0.32);
  CHECK(most < 0.7);
  CHECK(most > 0.68);
}

TEST_CASE("mosaic: a cell shows a crop of the picture resized to cover it") {
  const WindowUnderTest mosaic("mosaic: {size: [64, 80]}");
  ForEachType([&](int type) {
    std::vector<Sample> block;
    block.push_back(Pictured(Noise(90, 40, type, 1)));
    block.push_back(Pictured(Noise(33, 77, type, 2)));
    block.push_back(Pictured(Noise(200, 150, type, 3)));
    const auto answer = mosaic.Run(block, 0, 4);
    const auto line_x = static_cast<int>(std::floor(answer.Drawn("center_x") * 80 + 0.5));
    const auto line_y = static_cast<int>(std::floor(answer.Drawn("center_y") * 64 + 0.5));
    const cv::Rect cells[] = {{0, 0, line_x, line_y},
                              {line_x, 0, 80 - line_x, line_y},
                              {0, line_y, line_x, 64 - line_y},
                              {line_x, line_y, 80 - line_x, 64 - line_y}};
    for (std::size_t c = 0; c < 4; ++c) {
      const cv::Mat& picture =
          Pixels(block[c == 0 ? 0 : static_cast<std::size_t>(answer.All("partner")[c - 1])]);
      const double scale =
          std::max(1.0 * cells[c].width / picture.cols, 1.0 * cells[c].height / picture.rows);
      const cv::Mat large = Resized(picture, {static_cast<int>(std::lround(picture.cols * scale)),
                                              static_cast<int>(std::lround(picture.rows * scale))});
      const cv::Rect crop(static_cast<int>(answer.All("crop_x")[c]),
                          static_cast<int>(answer.All("crop_y")[c]), cells[c].width,
                          cells[c].height);
      REQUIRE((crop & cv::Rect(0, 0, large.cols, large.rows)) == crop);
      CHECK(MaxDifference(Pixels(answer.sample())(cells[c]).clone(), large(crop).clone()) < 1e-4);
    }
  });
}

TEST_CASE("mosaic: contained pictures lie in the middle of their cells, on the fill") {
  const WindowUnderTest mosaic(
      "mosaic: {size: [40, 40], center: 0.5, fit: contain, fill: [7, 8, 9]}");
  std::vector<Sample> block;
  block.push_back(Pictured(cv::Mat(10, 40, CV_8UC3, cv::Scalar(100, 100, 100))));
  block.push_back(Pictured(cv::Mat(40, 10, CV_8UC3, cv::Scalar(200, 200, 200))));
  for (Sample& sample : block) {
    sample.masks["m"] = {cv::Mat(Pixels(sample).size(), CV_8U, cv::Scalar(3)), 77};
  }
  const auto answer = mosaic.Run(block);
  const cv::Mat& pixels = Pixels(answer.sample());
  CHECK(cv::countNonZero(answer.sample().masks.at("m").pixels == 3) == 4 * 100);
  CHECK(cv::countNonZero(answer.sample().masks.at("m").pixels == 77) == 1600 - 400);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 40; ++x) {
      const bool first = x < 20 && y < 20;
      const int u = first ? y : x % 20;
      const auto expected = u < 7 || u >= 12 ? cv::Vec3b(7, 8, 9)
                            : first          ? cv::Vec3b(100, 100, 100)
                                             : cv::Vec3b(200, 200, 200);
      if (pixels.at<cv::Vec3b>(y, x) != expected) FAIL("pixel " << x << ", " << y);
    }
  }
}

TEST_CASE("mosaic: other fields keep their ratio to the picture") {
  const auto pair = [](int side, std::uint32_t seed) {
    Sample sample = Pictured(Noise(side, side, CV_8UC3, seed));
    sample.images.emplace_back("half", ImageField::Of(Noise(side / 2, side / 2, CV_8UC1, seed)));
    sample.masks["m"] = {cv::Mat(side / 4, side / 4, CV_16U, cv::Scalar(seed)), 0};
    return sample;
  };
  std::vector<Sample> block = BlockOf(pair(64, 1), pair(96, 2), pair(32, 3));
  const auto answer = WindowUnderTest("mosaic: {size: [100, 120]}").Run(block);
  CHECK(Pixels(answer.sample()).size() == cv::Size(120, 100));
  CHECK(Pixels(answer.sample(), "half").size() == cv::Size(60, 50));
  const cv::Mat& mask = answer.sample().masks.at("m").pixels;
  CHECK(mask.size() == cv::Size(30, 25));
  CHECK(mask.type() == CV_16U);
  CHECK(cv::countNonZero(mask == 0) == 0);
}

// ---- copy_paste ---------------------------------------------------------------------------------

Sample WithDisc(const cv::Mat& pixels, Point centre, double radius) {
  Sample sample = Pictured(pixels);
  Instance disc;
  disc.id = 1;
  disc.mask = cv::Mat::zeros(pixels.size(), CV_8U);
  for (int y = 0; y < pixels.rows; ++y) {
    for (int x = 0; x < pixels.cols; ++x) {
      const double dx = x + 0.5 - centre.x, dy = y + 0.5 - centre.y;
      if (dx * dx + dy * dy < radius * radius) disc.mask.at<std::uint8_t>(y, x) = 255;
    }
  }
  sample.instances.push_back(std::move(disc));
  return sample;
}

TEST_CASE("copy_paste: hard edges copy the object's pixels and no others") {
  const WindowUnderTest paste("copy_paste: {objects: 1, position: random}");
  ForEachType([&](int type) {
    const auto block =
        BlockOf(Pictured(Noise(60, 50, type, 1)), WithDisc(Noise(60, 50, type, 2), {30, 25}, 9.3));
    for (std::uint64_t id = 0; id < 5; ++id) {
      const auto answer = paste.Run(block, 0, id);
      REQUIRE(answer.sample().instances.size() == 1);
      const cv::Mat bits = answer.sample().instances[0].mask;
      const auto dx = static_cast<int>(answer.Drawn("x"));
      const auto dy = static_cast<int>(answer.Drawn("y"));
      CHECK(cv::countNonZero(bits) == cv::countNonZero(block[1].instances[0].mask));
      CHECK(Misses(Pixels(answer.sample()), [&](int x, int y, int c) {
              return bits.at<std::uint8_t>(y, x) != 0 ? ValueAt(Pixels(block[1]), x - dx, y - dy, c)
                                                      : ValueAt(Pixels(block[0]), x, y, c);
            }) == 0);
    }
  });
}

TEST_CASE("copy_paste: feathered edges are a Gaussian of the object's bits") {
  const WindowUnderTest paste("copy_paste: {objects: 1, blend: feather, sigma: [1, 2.5]}");
  ForEachType([&](int type) {
    const auto block =
        BlockOf(Pictured(Noise(60, 50, type, 1)), WithDisc(Noise(60, 50, type, 2), {33, 21}, 11));
    const auto answer = paste.Run(block, 0, 3);
    const double sigma = answer.Drawn("sigma");
    const cv::Mat& bits = block[1].instances[0].mask;
    const cv::Mat& pixels = Pixels(answer.sample());
    // Half a level, and the rounding of shares to float32.
    const double step = pixels.depth() == CV_32F ? 1e-5 : pixels.depth() == CV_8U ? 0.501 : 0.6;
    const int reach = static_cast<int>(3.5 * sigma);
    double norm = 0;
    for (int i = -reach; i <= reach; ++i) norm += std::exp(-i * i / (2 * sigma * sigma));
    int misses = 0;
    for (int y = 0; y < 50; ++y) {
      for (int x = 0; x < 60; ++x) {
        double share = 0;
        for (int v = -reach; v <= reach; ++v) {
          for (int u = -reach; u <= reach; ++u) {
            const int bx = std::clamp(x + u, 0, 59), by = std::clamp(y + v, 0, 49);
            if (bits.at<std::uint8_t>(by, bx) == 0) continue;
            share += std::exp(-(u * u + v * v) / (2 * sigma * sigma)) / norm / norm;
          }
        }
        for (int c = 0; c < pixels.channels(); ++c) {
          const double a = ValueAt(Pixels(block[0]), x, y, c),
                       b = ValueAt(Pixels(block[1]), x, y, c);
          if (std::abs(ValueAt(pixels, x, y, c) - (a + share * (b - a))) > step) ++misses;
        }
      }
    }
    CHECK(misses == 0);
    // Labels are those of hard edges.
    CHECK(MaxDifference(answer.sample().instances[0].mask, bits) == 0);
  });
}

TEST_CASE("clips are mixed frame by frame") {
  const auto clip = [](std::uint32_t seed) {
    Sample sample = WithDisc(Noise(40, 30, CV_8UC3, seed), {20, 15}, 8);
    for (std::uint32_t f = 1; f < 3; ++f) {
      sample.images[0].second.frames.push_back({nullptr, Noise(40, 30, CV_8UC3, seed + 10 * f)});
    }
    return sample;
  };
  const auto block = BlockOf(clip(1), clip(2));
  for (const char* window : {"mixup", "cutmix", "mosaic", "copy_paste"}) {
    CAPTURE(window);
    const WindowUnderTest mix(std::string(window) + ": {}");
    const auto answer = mix.Run(block);
    for (std::size_t f = 0; f < 3; ++f) {
      std::vector<Sample> single;
      for (const Sample& sample : block) {
        single.push_back(sample.Clone());
        single.back().images[0].second.frames = {sample.images[0].second.frames[f]};
      }
      CHECK(MaxDifference(answer.sample().images[0].second.frames[f].pixels,
                          Pixels(mix.Run(single).sample())) == 0);
    }
  }
}

}  // namespace
}  // namespace pixloom
