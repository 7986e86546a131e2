// SPDX-License-Identifier: Apache-2.0
// erode, dilate, open, close: pictures against OpenCV, and what happens to masks and objects.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "ops/kernels/morphology_kernel.h"
#include "tests/support/run_chain.h"

namespace pixloom::testing {
namespace {

// Noise from a small generator.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : state_(seed * 2654435761U + 12345U) {}
  int Below(int n) {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<int>((state_ >> 8) % static_cast<std::uint32_t>(n));
  }

 private:
  std::uint32_t state_;
};

cv::Mat Noise(Size size, int type, std::uint32_t seed) {
  Dice dice(seed);
  cv::Mat image(size.height, size.width, CV_8UC(CV_MAT_CN(type)));
  for (int y = 0; y < image.rows; ++y) {
    for (int i = 0; i < image.cols * image.channels(); ++i) {
      image.ptr(y)[i] = static_cast<std::uint8_t>(dice.Below(256));
    }
  }
  image.convertTo(image, CV_MAT_DEPTH(type), CV_MAT_DEPTH(type) == CV_16U ? 257 : 1);
  return image;
}

TEST_CASE("elements are symmetric, and rectangles and crosses OpenCV's") {
  for (int side = 1; side <= 31; side += 2) {
    for (const auto& [own, code] : {std::pair{ElementShape::kRect, cv::MORPH_RECT},
                                    std::pair{ElementShape::kCross, cv::MORPH_CROSS},
                                    std::pair{ElementShape::kEllipse, cv::MORPH_ELLIPSE}}) {
      const cv::Mat element = StructuringElement(own, side);
      cv::Mat mirrored;
      cv::flip(element, mirrored, -1);
      CHECK(cv::norm(element, mirrored, cv::NORM_INF) == 0);
      CHECK(cv::norm(element, element.t(), cv::NORM_INF) <=
            (own == ElementShape::kEllipse ? 1 : 0));
      CHECK(element.at<std::uint8_t>(side / 2, 0) == 1);
      const cv::Mat theirs = cv::getStructuringElement(code, {side, side});
      CHECK(cv::countNonZero(element != theirs) == 0);
    }
  }
}

TEST_CASE("pictures are OpenCV's") {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC(6), CV_16UC3, CV_32FC1, CV_32FC4}) {
    for (const Size size : {Size{1, 1}, Size{1, 9}, Size{57, 40}}) {
      const cv::Mat image = Noise(size, type, 3);
      for (const char* shape : {"rect", "ellipse", "cross"}) {
        const ElementShape kind = shape[0] == 'r'   ? ElementShape::kRect
                                  : shape[0] == 'e' ? ElementShape::kEllipse
                                                    : ElementShape::kCross;
        const cv::Mat element = StructuringElement(kind, 5);
        for (const auto& [op, code] :
             {std::pair{"erode", cv::MORPH_ERODE}, std::pair{"dilate", cv::MORPH_DILATE},
              std::pair{"open", cv::MORPH_OPEN}, std::pair{"close", cv::MORPH_CLOSE}}) {
          cv::Mat theirs;
          cv::morphologyEx(image, theirs, code, element);
          const ChainUnderTest chain(fmt::format("[{}: {{kernel: 5, shape: {}}}]", op, shape));
          CHECK(SamePixels(PixelsOf(chain.Run(PictureSample(image))), theirs));
        }
      }
    }
  }
}

// Blobs of three classes on background, some ignored, and objects with bits.
Sample Scene(std::uint32_t seed, bool wide_classes) {
  constexpr Size kSize{60, 48};
  Sample sample = PictureSample(Noise(kSize, CV_8UC3, seed));
  Dice dice(seed);
  cv::Mat classes(kSize.height, kSize.width, CV_8U, cv::Scalar(0));
  for (int i = 0; i < 12; ++i) {
    const int kind = i < 3 ? 255 : 1 + i % 3;
    const cv::Point at(dice.Below(60), dice.Below(48));
    cv::circle(classes, at, 1 + dice.Below(7), cv::Scalar(kind), -1);
    Instance& object = sample.instances.emplace_back();
    object.id = i;
    cv::Mat bits(kSize.height, kSize.width, CV_8U, cv::Scalar(0));
    cv::ellipse(bits, at, {2 + dice.Below(9), 1 + dice.Below(5)}, dice.Below(180), 0, 360,
                cv::Scalar(255), -1);
    const cv::Rect box = cv::boundingRect(bits);
    object.quad = BoxQuad(box.x, box.y, box.x + box.width, box.y + box.height);
    object.original_area = cv::countNonZero(bits);
    object.polygons = {Polygon{{{{0, 0}, {9, 0}, {0, 9}}}}};
    object.keypoints = {{{3, 4}, 2, 0, 1}};
    if (i % 2 == 0) {
      object.mask = bits;
    } else {
      object.rle = EncodeRle(bits);
    }
  }
  if (wide_classes) classes.convertTo(classes, CV_16U);
  sample.masks["classes"] = {classes, 255};
  return sample;
}

std::set<int> ClassesIn(const cv::Mat& mask) {
  std::set<int> all;
  cv::Mat wide;
  mask.convertTo(wide, CV_32S);
  for (int y = 0; y < wide.rows; ++y) all.insert(wide.ptr<int>(y), wide.ptr<int>(y) + wide.cols);
  return all;
}

TEST_CASE("objects: bits are changed like pictures, boxes are those of the bits") {
  for (const char* op : {"erode", "dilate", "open", "close"}) {
    for (const char* shape : {"rect", "ellipse", "cross"}) {
      const ChainUnderTest chain(
          fmt::format("[{}: {{kernel: 5, shape: {}, masks: true}}]", op, shape));
      for (std::uint32_t seed = 0; seed < 8; ++seed) {
        const Sample before = Scene(seed, false);
        const Sample after = chain.Run(before.Clone());
        REQUIRE(after.instances.size() == before.instances.size());
        for (std::size_t i = 0; i < after.instances.size(); ++i) {
          const Instance& was = before.instances[i];
          const Instance& is = after.instances[i];
          CHECK(is.mask.empty() == was.mask.empty());  // bits stay bits, runs stay runs
          const cv::Mat had = was.Bits();
          const cv::Mat has = is.Bits();
          // The bits as a picture, through the same step.
          const cv::Mat expected =
              PixelsOf(ChainUnderTest(fmt::format("[{}: {{kernel: 5, shape: {}}}]", op, shape))
                           .Run(PictureSample(had)));
          CHECK(SamePixels(has, expected));
          const bool grows = op[0] == 'd' || op[0] == 'c';
          CHECK(cv::countNonZero(grows ? had & ~has : has & ~had) == 0);
          const auto box = Bounds(*is.quad);
          const cv::Rect bits = cv::boundingRect(has);
          if (bits.empty()) {
            CHECK(box[2] == box[0]);
            CHECK(box[3] == box[1]);
          } else {
            CHECK(box == std::array<double, 4>{1.0 * bits.x, 1.0 * bits.y,
                                               1.0 * (bits.x + bits.width),
                                               1.0 * (bits.y + bits.height)});
            CHECK(is.original_area == doctest::Approx(cv::countNonZero(has)));
          }
          CHECK(is.polygons.empty());
          CHECK(is.keypoints.at(0).at == Point(3, 4));
          CHECK(is.id == was.id);
        }
      }
    }
  }
}

TEST_CASE("semantic masks: background spreads or gives way, ignored pixels stay") {
  for (const bool wide : {false, true}) {
    for (std::uint32_t seed = 0; seed < 8; ++seed) {
      const Sample before = Scene(seed, wide);
      for (const char* op : {"erode", "dilate", "open", "close"}) {
        const ChainUnderTest chain(fmt::format("[{}: {{kernel: 5, masks: true}}]", op));
        const Sample after = chain.Run(before.Clone());
        cv::Mat was, is;
        before.masks.at("classes").pixels.convertTo(was, CV_8U);
        after.masks.at("classes").pixels.convertTo(is, CV_8U);
        CHECK(after.masks.at("classes").pixels.type() == before.masks.at("classes").pixels.type());
        CHECK(cv::countNonZero((was == 255) != (is == 255)) == 0);
        const std::set<int> known = ClassesIn(was);
        for (const int c : ClassesIn(is)) CHECK(known.contains(c));
        const bool grows = op[0] == 'd' || op[0] == 'c';
        CAPTURE(op);
        // What is there of the foreground keeps its class, or it was never anything else.
        if (grows) CHECK(cv::countNonZero((was != 0) & (is != was)) == 0);
        if (!grows) CHECK(cv::countNonZero((is != 0) & (is != was)) == 0);
      }
      // Dilated, a pixel of the background has the class of one of the nearest others.
      const Sample grown =
          ChainUnderTest("[dilate: {kernel: 7, shape: ellipse, masks: true}]").Run(before.Clone());
      const cv::Mat element = StructuringElement(ElementShape::kEllipse, 7);
      cv::Mat was, is;
      before.masks.at("classes").pixels.convertTo(was, CV_8U);
      grown.masks.at("classes").pixels.convertTo(is, CV_8U);
      int wrong = 0;
      for (int y = 0; y < was.rows; ++y) {
        for (int x = 0; x < was.cols; ++x) {
          if (was.at<std::uint8_t>(y, x) != 0) continue;
          double nearest = 1e9;
          int expected = 0;
          for (int j = 0; j < was.rows; ++j) {
            for (int i = 0; i < was.cols; ++i) {
              const int c = was.at<std::uint8_t>(j, i);
              if (c == 0 || c == 255 || std::abs(i - x) > 3 || std::abs(j - y) > 3) continue;
              if (element.at<std::uint8_t>(j - y + 3, i - x + 3) == 0) continue;
              const double distance = std::hypot(i - x, j - y);
              if (distance > nearest || (distance == nearest && c > expected)) continue;
              nearest = distance;
              expected = c;
            }
          }
          wrong += is.at<std::uint8_t>(y, x) != expected ? 1 : 0;
        }
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("an oriented box keeps its direction and holds the bits closely") {
  Sample sample = PictureSample(Noise({80, 80}, CV_8UC1, 1));
  Instance& object = sample.instances.emplace_back();
  const double turn = 0.5;
  const Point u(std::cos(turn), std::sin(turn));
  const Point v(-u.y, u.x);
  const Point middle(40, 40);
  object.quad = Quad{middle - 20 * u - 8 * v, middle + 20 * u - 8 * v, middle + 20 * u + 8 * v,
                     middle - 20 * u + 8 * v};
  object.oriented = true;
  object.mask = cv::Mat::zeros(80, 80, CV_8U);
  for (int y = 0; y < 80; ++y) {
    for (int x = 0; x < 80; ++x) {
      const Point p = Point(x + 0.5, y + 0.5) - middle;
      if (std::abs(p.dot(u)) <= 20 && std::abs(p.dot(v)) <= 8) {
        object.mask.at<std::uint8_t>(y, x) = 255;
      }
    }
  }
  const Sample after =
      ChainUnderTest("[dilate: {kernel: 9, shape: ellipse, masks: true}]").Run(std::move(sample));
  const Quad& quad = *after.instances.at(0).quad;
  const Point along = quad[1] - quad[0];
  const Point across = quad[3] - quad[0];
  CHECK(std::abs(along.dot(v)) < 1e-9);
  CHECK(along.dot(u) > 0);
  CHECK(across.dot(v) > 0);
  // Four pixels to each side, and what the corners of pixels add.
  CHECK(along.dot(u) == doctest::Approx(48).epsilon(0.05));
  CHECK(across.dot(v) == doctest::Approx(24).epsilon(0.1));
}

TEST_CASE("labels stay where they are not asked for") {
  for (const char* op : {"erode", "dilate", "open", "close"}) {
    const Sample before = Scene(5, false);
    const Sample after = ChainUnderTest(fmt::format("[{}: 5]", op)).Run(before.Clone());
    CHECK(SamePixels(after.masks.at("classes").pixels, before.masks.at("classes").pixels));
    for (std::size_t i = 0; i < after.instances.size(); ++i) {
      CHECK(SamePixels(after.instances[i].Bits(), before.instances[i].Bits()));
      CHECK(*after.instances[i].quad == *before.instances[i].quad);
      CHECK(after.instances[i].polygons.size() == 1);
    }
  }
}

TEST_CASE("where class 0 is ignored there is no background") {
  Sample sample = Scene(2, false);
  sample.masks.at("classes").ignore_index = 0;
  const cv::Mat was = sample.masks.at("classes").pixels.clone();
  const Sample after = ChainUnderTest("[dilate: {kernel: 5, masks: true}]").Run(std::move(sample));
  CHECK(SamePixels(after.masks.at("classes").pixels, was));
}

}  // namespace
}  // namespace pixloom::testing
