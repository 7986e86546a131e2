// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/inpaint.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include "ops/kernels/pixel_math.h"

namespace pixloom {

namespace {

constexpr int kRim = 4;  // known pixels around a hole that the coarse levels see
constexpr int kSweeps =
    8;  // per level; each level only has to smooth out what the next coarser left

// One level: values of all channels interleaved, and which pixels are known.
struct Level {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<float> values;
  std::vector<std::uint8_t> known;

  Level(int w, int h, int c)
      : width(w),
        height(h),
        channels(c),
        values(Pixels() * static_cast<std::size_t>(c)),
        known(Pixels()) {}
  std::size_t Pixels() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  }
  std::size_t Index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
           static_cast<std::size_t>(x);
  }
  float* At(int x, int y) {
    return values.data() + Index(x, y) * static_cast<std::size_t>(channels);
  }
  const float* At(int x, int y) const {
    return values.data() + Index(x, y) * static_cast<std::size_t>(channels);
  }
};

// Means of what is known in blocks of 2x2.
Level Halved(const Level& fine) {
  Level coarse((fine.width + 1) / 2, (fine.height + 1) / 2, fine.channels);
  for (int y = 0; y < coarse.height; ++y) {
    for (int x = 0; x < coarse.width; ++x) {
      float* to = coarse.At(x, y);
      int count = 0;
      for (int v = 2 * y; v < std::min(2 * y + 2, fine.height); ++v) {
        for (int u = 2 * x; u < std::min(2 * x + 2, fine.width); ++u) {
          if (fine.known[fine.Index(u, v)] == 0) continue;
          ++count;
          const float* from = fine.At(u, v);
          for (int c = 0; c < fine.channels; ++c) to[c] += from[c];
        }
      }
      if (count == 0) continue;
      coarse.known[coarse.Index(x, y)] = 1;
      const float share = 1.0F / static_cast<float>(count);
      for (int c = 0; c < fine.channels; ++c) to[c] *= share;
    }
  }
  return coarse;
}

// Unknown pixels take what lies there one level coarser, blended from the nearest four.
void Lift(const Level& coarse, Level& fine) {
  for (int y = 0; y < fine.height; ++y) {
    const int y0 = y / 2;
    const int y1 = std::clamp(y % 2 == 0 ? y0 - 1 : y0 + 1, 0, coarse.height - 1);
    for (int x = 0; x < fine.width; ++x) {
      if (fine.known[fine.Index(x, y)] != 0) continue;
      const int x0 = x / 2;
      const int x1 = std::clamp(x % 2 == 0 ? x0 - 1 : x0 + 1, 0, coarse.width - 1);
      const float* a = coarse.At(x0, y0);
      const float* b = coarse.At(x1, y0);
      const float* c = coarse.At(x0, y1);
      const float* d = coarse.At(x1, y1);
      float* to = fine.At(x, y);
      for (int i = 0; i < fine.channels; ++i) {
        to[i] = 0.5625F * a[i] + 0.1875F * (b[i] + c[i]) + 0.0625F * d[i];
      }
    }
  }
}

// Unknown pixels become the mean of their neighbours, those of one colour of a chessboard at a
// time.
void Relax(Level& level) {
  for (int sweep = 0; sweep < 2 * kSweeps; ++sweep) {
    for (int y = 0; y < level.height; ++y) {
      const int up = y > 0 ? y - 1 : y;
      const int down = y + 1 < level.height ? y + 1 : y;
      for (int x = (y + sweep) % 2; x < level.width; x += 2) {
        if (level.known[level.Index(x, y)] != 0) continue;
        float* to = level.At(x, y);
        const float* a = level.At(x > 0 ? x - 1 : x, y);
        const float* b = level.At(x + 1 < level.width ? x + 1 : x, y);
        const float* c = level.At(x, up);
        const float* d = level.At(x, down);
        for (int i = 0; i < level.channels; ++i) to[i] = 0.25F * ((a[i] + b[i]) + (c[i] + d[i]));
      }
    }
  }
}

// Returns false when nothing is known.
bool Solve(Level& level) {
  const auto known = std::count(level.known.begin(), level.known.end(), std::uint8_t{1});
  if (known == 0) return false;
  if (static_cast<std::size_t>(known) == level.Pixels()) return true;
  Level coarse = Halved(level);
  Solve(coarse);
  Lift(coarse, level);
  Relax(level);
  return true;
}

// Rectangles that hold the holes with their rims; they do not overlap.
std::vector<cv::Rect> Windows(const std::vector<Run>& runs, cv::Size picture) {
  constexpr std::size_t kMost = 64;
  std::map<std::uint32_t, cv::Rect> holes;
  for (const Run& run : runs) {
    const cv::Rect piece(run.x0, run.y, run.x1 - run.x0, 1);
    const std::uint32_t hole = holes.size() < kMost ? run.hole : holes.begin()->first;
    const auto [it, added] = holes.emplace(hole, piece);
    if (!added) it->second |= piece;
  }
  std::vector<cv::Rect> windows;
  for (const auto& [hole, rect] : holes) {
    cv::Rect window(rect.x - kRim, rect.y - kRim, rect.width + 2 * kRim, rect.height + 2 * kRim);
    window &= cv::Rect(cv::Point(), picture);
    for (std::size_t i = 0; i < windows.size();) {
      if ((windows[i] & window).empty()) {
        ++i;
        continue;
      }
      window |= windows[i];
      windows.erase(windows.begin() + static_cast<std::ptrdiff_t>(i));
      i = 0;
    }
    windows.push_back(window);
  }
  return windows;
}

template <class T>
void InpaintWindow(cv::Mat image, const cv::Mat& holes, int filled,
                   const std::vector<double>& colour) {
  const int channels = image.channels();
  Level level(image.cols, image.rows, filled);
  for (int y = 0; y < image.rows; ++y) {
    const T* row = image.ptr<T>(y);
    const auto* hole = holes.ptr<std::uint8_t>(y);
    for (int x = 0; x < image.cols; ++x) {
      if (hole[x] != 0) continue;
      level.known[level.Index(x, y)] = 1;
      float* to = level.At(x, y);
      for (int c = 0; c < filled; ++c) to[c] = static_cast<float>(row[x * channels + c]);
    }
  }
  const bool solved = Solve(level);
  for (int y = 0; y < image.rows; ++y) {
    T* row = image.ptr<T>(y);
    for (int x = 0; x < image.cols; ++x) {
      if (level.known[level.Index(x, y)] != 0) continue;
      const float* from = level.At(x, y);
      for (int c = 0; c < filled; ++c) {
        row[x * channels + c] =
            solved ? RoundTo<T>(from[c]) : RoundTo<T>(colour[static_cast<std::size_t>(c)]);
      }
    }
  }
}

}  // namespace

void Inpaint(cv::Mat& image, const std::vector<Run>& runs, int filled,
             const std::vector<double>& colour) {
  if (runs.empty()) return;
  cv::Mat holes = cv::Mat::zeros(image.size(), CV_8U);
  for (const Run& run : runs) {
    std::fill(holes.ptr<std::uint8_t>(run.y) + run.x0, holes.ptr<std::uint8_t>(run.y) + run.x1,
              std::uint8_t{255});
  }
  for (const cv::Rect& window : Windows(runs, image.size())) {
    WithDepth(image, [&](auto zero) {
      InpaintWindow<decltype(zero)>(image(window), holes(window), filled, colour);
    });
  }
}

}  // namespace pixloom
