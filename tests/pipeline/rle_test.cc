// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "pipeline/rle.h"
#include "pipeline/rng.h"

namespace pixloom {
namespace {

cv::Mat Blobs(Size size, std::uint32_t seed, int percent) {
  cv::Mat mask(size.height, size.width, CV_8U);
  Rng rng({seed, 1, 2});
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      mask.at<std::uint8_t>(y, x) =
          rng.Below("", 100) < static_cast<std::uint32_t>(percent) ? 255 : 0;
    }
  }
  return mask;
}

bool Same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && cv::countNonZero(a != b) == 0;
}

TEST_CASE("runs give the bits back") {
  for (const Size size : {Size{1, 1}, Size{1, 9}, Size{13, 1}, Size{37, 21}}) {
    for (const int percent : {0, 3, 50, 97, 100}) {
      const cv::Mat mask = Blobs(size, static_cast<std::uint32_t>(percent), percent);
      const Rle rle = EncodeRle(mask);
      CHECK(Same(DecodeRle(rle), mask));
      CHECK(rle.Area() == cv::countNonZero(mask));
      const auto again = RleFromText(RleText(rle), size);
      REQUIRE(again);
      CHECK(*again == rle);
    }
  }
}

// The texts are those of encode() of pycocotools 2.0.11.
TEST_CASE("the text is COCO's") {
  cv::Mat small = cv::Mat::zeros(4, 3, CV_8U);
  small(cv::Rect(1, 0, 1, 3)) = 1;
  CHECK(EncodeRle(small).counts == std::vector<std::uint32_t>{4, 3, 5});
  CHECK(RleText(EncodeRle(small)) == "435");
  cv::Mat square = cv::Mat::zeros(100, 100, CV_8U);
  square(cv::Rect(30, 20, 50, 40)) = 1;
  CHECK(RleText(EncodeRle(square)) == "\\n2X1l1" + std::string(97, '0') + "lm1");
  cv::Mat pattern(31, 23, CV_8U);
  for (int y = 0; y < 31; ++y) {
    for (int x = 0; x < 23; ++x) {
      pattern.at<std::uint8_t>(y, x) = (x * x * 7 + y * y * 3 + x * y) % 11 < 4 ? 1 : 0;
    }
  }
  const std::string text =
      "0362001LM010O010O0O1OOO000110OO000110OO010O1000O10O1000O10O1000O00000110OO000110OO000140M030"
      "M030MO010030M030M0O010OO000110OO000110OO20N1000O10O1000O10O1001OO000110OO000110OO00060M010O0"
      "10N232001LM010O010O0O1OOO000110OO000110OO010O1000O10O1000O10O1000O00000110OO000110OO000140M0"
      "30M030MO010030M030M0O010OO000110OO000110OO20N1000O10O1000O10O1001OO000110OO000110OO00060M010"
      "O010N232000";
  CHECK(RleText(EncodeRle(pattern)) == text);
  const auto read = RleFromText(text, {23, 31});
  REQUIRE(read);
  CHECK(Same(DecodeRle(*read), pattern * 255));
}

TEST_CASE("damaged text is refused") {
  const std::string good = RleText(EncodeRle(Blobs({20, 20}, 1, 30)));
  CHECK(!RleFromText(good.substr(0, good.size() - 1), {20, 20}));
  CHECK(!RleFromText(good + "5", {20, 20}));
  CHECK(!RleFromText("\x01\x02", {20, 20}));
  CHECK(!RleFromText("oooooooooooooooo", {20, 20}));
  CHECK(!RleFromText(good, {20, 21}));
}

}  // namespace
}  // namespace pixloom
