// SPDX-License-Identifier: Apache-2.0
#include "pipeline/rle.h"

#include <numeric>

#include <fmt/format.h>

namespace pixloom {

std::int64_t Rle::Area() const {
  std::int64_t area = 0;
  for (std::size_t i = 1; i < counts.size(); i += 2) area += counts[i];
  return area;
}

Rle EncodeRle(const cv::Mat& mask) {
  PIXLOOM_CHECK(mask.type() == CV_8UC1, "an instance mask has one channel of 8 bits");
  Rle rle{{mask.cols, mask.rows}, {}};
  // Rows are contiguous, runs go down the columns: transpose once and scan in memory order.
  cv::Mat columns;
  cv::transpose(mask, columns);
  bool set = false;
  std::uint32_t run = 0;
  for (int x = 0; x < columns.rows; ++x) {
    const std::uint8_t* column = columns.ptr(x);
    for (int y = 0; y < columns.cols; ++y) {
      if ((column[y] != 0) != set) {
        rle.counts.push_back(run);
        run = 0;
        set = !set;
      }
      ++run;
    }
  }
  rle.counts.push_back(run);
  return rle;
}

cv::Mat DecodeRle(const Rle& rle) {
  cv::Mat columns = cv::Mat::zeros(rle.size.width, rle.size.height, CV_8UC1);
  std::size_t at = 0;
  for (std::size_t i = 0; i < rle.counts.size(); ++i) {
    if (i % 2 == 1) std::fill_n(columns.data + at, rle.counts[i], std::uint8_t{255});
    at += rle.counts[i];
  }
  cv::Mat mask;
  cv::transpose(columns, mask);
  return mask;
}

// Each count, or from the fourth on its difference to the one before the last, in groups of five
// bits, least first; bit 5 says that more follow; 48 makes it printable.
std::string RleText(const Rle& rle) {
  std::string text;
  for (std::size_t i = 0; i < rle.counts.size(); ++i) {
    std::int64_t value = rle.counts[i];
    if (i > 2) value -= rle.counts[i - 2];
    for (bool more = true; more;) {
      const auto group = static_cast<int>(value & 31);
      value >>= 5;
      more = (group & 16) != 0 ? value != -1 : value != 0;
      text += static_cast<char>((group | (more ? 32 : 0)) + 48);
    }
  }
  return text;
}

Result<Rle, std::string> RleFromText(std::string_view text, Size size) {
  Rle rle{size, {}};
  std::int64_t total = 0;
  for (std::size_t i = 0; i < text.size();) {
    std::int64_t value = 0;
    for (int shift = 0;; shift += 5, ++i) {
      if (i == text.size()) return fmt::format("ends inside the count at byte {}", i);
      const int group = text[i] - 48;
      if (group < 0 || group > 63) return fmt::format("byte {} is no part of a count", i);
      if (shift > 30) return fmt::format("the count at byte {} is too long", i);
      value |= static_cast<std::int64_t>(group & 31) << shift;
      if ((group & 32) == 0) {
        if ((group & 16) != 0) value |= -(std::int64_t{1} << (shift + 5));
        ++i;
        break;
      }
    }
    const std::size_t n = rle.counts.size();
    if (n > 2) value += rle.counts[n - 2];
    total += value;
    if (value < 0 || total > size.Area()) {
      return fmt::format("count {} is {}; counts of a mask of {}x{} add up to {}", n, value,
                         size.width, size.height, size.Area());
    }
    rle.counts.push_back(static_cast<std::uint32_t>(value));
  }
  if (total != size.Area()) {
    return fmt::format("counts add up to {}, a mask of {}x{} has {}", total, size.width,
                       size.height, size.Area());
  }
  return rle;
}

}  // namespace pixloom
