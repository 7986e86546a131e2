// SPDX-License-Identifier: Apache-2.0
#include "ops/erase/holes.h"

#include <fmt/format.h>

namespace pixloom {

namespace {

// The first pixel of a line of `to` whose centre lies in pixel `index` of a line of `from`, or
// behind it.
int FirstIn(int index, int from, int to) {
  // (2 p + 1) from >= 2 to index
  const std::int64_t twice = 2 * std::int64_t{to} * index - from;
  const std::int64_t step = 2 * std::int64_t{from};
  return static_cast<int>(twice <= 0 ? 0 : (twice + step - 1) / step);
}

}  // namespace

void Holes::Add(const cv::Rect& rect, std::uint32_t hole) {
  const int x0 = std::max(rect.x, 0);
  const int x1 = std::min(rect.x + rect.width, picture.width);
  if (x0 >= x1) return;
  const int end = std::min(rect.y + rect.height, picture.height);
  for (int y = std::max(rect.y, 0); y < end; ++y) runs.push_back({y, x0, x1, hole});
}

void Holes::Add(const cv::Mat& bits, std::uint32_t hole) {
  Holes own({bits.cols, bits.rows});
  for (int y = 0; y < bits.rows; ++y) {
    const auto* row = bits.ptr<std::uint8_t>(y);
    for (int x = 0; x < bits.cols; ++x) {
      if (row[x] == 0) continue;
      const int start = x;
      while (x < bits.cols && row[x] != 0) ++x;
      own.runs.push_back({y, start, x, hole});
    }
  }
  own.runs = own.RunsFor(picture);
  runs.insert(runs.end(), own.runs.begin(), own.runs.end());
}

std::vector<Run> Holes::RunsFor(Size size) const {
  if (size == picture) return runs;
  std::vector<Run> scaled;
  for (const Run& run : runs) {
    const int x0 = FirstIn(run.x0, picture.width, size.width);
    const int x1 = FirstIn(run.x1, picture.width, size.width);
    if (x0 >= x1) continue;
    const int end = FirstIn(run.y + 1, picture.height, size.height);
    for (int y = FirstIn(run.y, picture.height, size.height); y < end; ++y) {
      scaled.push_back({y, x0, x1, run.hole});
    }
  }
  return scaled;
}

cv::Mat Holes::Bits(Size size) const { return BitsOf(RunsFor(size), size); }

cv::Mat BitsOf(const std::vector<Run>& runs, Size size) {
  cv::Mat bits = cv::Mat::zeros(size.height, size.width, CV_8U);
  for (const Run& run : runs) {
    auto* row = bits.ptr<std::uint8_t>(run.y);
    std::fill(row + run.x0, row + run.x1, std::uint8_t{255});
  }
  return bits;
}

cv::Rect Rescaled(const cv::Rect& rect, Size from, Size to) {
  const cv::Point low(FirstIn(rect.x, from.width, to.width),
                      FirstIn(rect.y, from.height, to.height));
  const cv::Point high(FirstIn(rect.x + rect.width, from.width, to.width),
                       FirstIn(rect.y + rect.height, from.height, to.height));
  return {low, high};
}

std::string CheckLength(std::string_view name, const Range& range, HoleUnit unit) {
  if (unit == HoleUnit::kPixels || range.Max() <= 1) return "";
  return fmt::format("{}: a fraction lies inside [0, 1]; for pixels add unit: px", name);
}

int LengthOf(double value, HoleUnit unit, int side) {
  const double length = unit == HoleUnit::kFraction ? value * side : value;
  return std::clamp(Rounded(length), 1, side);
}

int DrawWhole(Rng& rng, std::string_view name, const Range& range) {
  const double unit = rng.Unit();
  int value = 0;
  if (range.choice.empty()) {
    const double lo = std::ceil(range.lo);
    value = static_cast<int>(lo + std::floor(unit * (std::floor(range.hi) - lo + 1)));
  } else {
    value = Rounded(FromUnit(range, unit));
  }
  rng.Note(name, value);
  return value;
}

std::string CheckWhole(std::string_view name, const Range& range) {
  if (!range.choice.empty() || std::ceil(range.lo) <= std::floor(range.hi)) return "";
  return fmt::format("{}: no whole number lies inside [{}, {}]", name, range.lo, range.hi);
}

}  // namespace pixloom
