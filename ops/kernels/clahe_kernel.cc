// SPDX-License-Identifier: Apache-2.0
// Clahe() of tone_kernel.h. Steps, types and order of operations are those of cv::CLAHE, whose
// results are matched.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "ops/kernels/pixel_math.h"
#include "ops/kernels/tone_kernel.h"

namespace pixloom {
namespace {

// The nearest whole number, of two the even one. REQUIRES: |v| < 2^22.
inline int Nearest(float v) {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: the unit is the last bit
  return std::bit_cast<std::int32_t>(v + kShift) - std::bit_cast<std::int32_t>(kShift);
}

template <class T>
int ToLevel(float v) {
  return std::clamp(Nearest(v), 0, int{std::numeric_limits<T>::max()});
}

// A grid that does not divide the picture divides one that is continued to the right and below, by
// mirroring, up to the next multiple; of both sides, and by a whole tile where one fits already.
struct Tiles {
  cv::Size grid;
  cv::Size tile;

  Tiles(cv::Size picture, cv::Size tiles) : grid(tiles) {
    const bool divides = picture.width % grid.width == 0 && picture.height % grid.height == 0;
    tile = {picture.width / grid.width + (divides ? 0 : 1),
            picture.height / grid.height + (divides ? 0 : 1)};
  }
};

// What exceeds the limit is spread over all levels.
void Clip(std::vector<int>& counts, int limit) {
  const int levels = static_cast<int>(counts.size());
  int excess = 0;
  for (int& n : counts) {
    excess += std::max(n - limit, 0);
    n = std::min(n, limit);
  }
  const int each = excess / levels;
  int rest = excess - each * levels;
  for (int& n : counts) n += each;
  if (rest == 0) return;
  const int stride = std::max(levels / rest, 1);
  for (int i = 0; i < levels && rest > 0; i += stride, --rest)
    ++counts[static_cast<std::size_t>(i)];
}

template <class T>
std::vector<T> TileTables(const cv::Mat& plane, const Tiles& tiles, double clip_limit) {
  constexpr int kSteps = 1 << (8 * sizeof(T));
  const int area = tiles.tile.area();
  const float scale = static_cast<float>(kSteps - 1) / static_cast<float>(area);
  const int limit = clip_limit > 0 ? std::max(static_cast<int>(clip_limit * area / kSteps), 1) : 0;
  std::vector<int> columns(static_cast<std::size_t>(tiles.tile.width));
  std::vector<int> counts(kSteps);
  std::vector<T> tables(static_cast<std::size_t>(tiles.grid.area()) * kSteps);
  T* table = tables.data();
  for (int ty = 0; ty < tiles.grid.height; ++ty) {
    for (int tx = 0; tx < tiles.grid.width; ++tx, table += kSteps) {
      for (int x = 0; x < tiles.tile.width; ++x) {
        columns[static_cast<std::size_t>(x)] =
            BorderIndex(tx * tiles.tile.width + x, plane.cols, Border::kReflect101);
      }
      std::fill(counts.begin(), counts.end(), 0);
      for (int y = 0; y < tiles.tile.height; ++y) {
        const T* row =
            plane.ptr<T>(BorderIndex(ty * tiles.tile.height + y, plane.rows, Border::kReflect101));
        for (const int x : columns) ++counts[row[x]];
      }
      if (limit > 0) Clip(counts, limit);
      int sum = 0;
      for (int i = 0; i < kSteps; ++i) {
        sum += counts[static_cast<std::size_t>(i)];
        table[i] = static_cast<T>(ToLevel<T>(static_cast<float>(sum) * scale));
      }
    }
  }
  return tables;
}

// Where a pixel lies between the centres of tiles.
struct Between {
  int first = 0;  // tile
  int second = 0;
  float weight = 0;  // of the second
};

std::vector<Between> Placed(int length, int tile, int count) {
  std::vector<Between> placed(static_cast<std::size_t>(length));
  const float inverse = 1.0F / static_cast<float>(tile);
  for (int i = 0; i < length; ++i) {
    const float at = static_cast<float>(i) * inverse - 0.5F;
    const int first = static_cast<int>(std::floor(at));
    placed[static_cast<std::size_t>(i)] = {std::max(first, 0), std::min(first + 1, count - 1),
                                           at - static_cast<float>(first)};
  }
  return placed;
}

// `tables`: above left, above right, below left, below right.
template <class T>
void BlendRun(std::array<const T*, 4> tables, const Between* across, std::size_t count, float below,
              const T* in, T* out) {
  const auto [above_left, above_right, below_left, below_right] = tables;
  const float above = 1.0F - below;
  for (std::size_t x = 0; x < count; ++x) {
    const float right = across[x].weight;
    const float left = 1.0F - right;
    const std::size_t level = in[x];
    const float upper = static_cast<float>(above_left[level]) * left +
                        static_cast<float>(above_right[level]) * right;
    const float lower = static_cast<float>(below_left[level]) * left +
                        static_cast<float>(below_right[level]) * right;
    out[x] = static_cast<T>(ToLevel<T>(upper * above + lower * below));
  }
}

template <class T>
cv::Mat ClaheOf(const cv::Mat& plane, double clip_limit, cv::Size grid) {
  constexpr std::size_t kSteps = std::size_t{1} << (8 * sizeof(T));
  const Tiles tiles(plane.size(), grid);
  const std::vector<T> tables = TileTables<T>(plane, tiles, clip_limit);
  const std::vector<Between> across = Placed(plane.cols, tiles.tile.width, grid.width);
  const std::vector<Between> down = Placed(plane.rows, tiles.tile.height, grid.height);
  cv::Mat result(plane.size(), plane.type());
  for (int y = 0; y < plane.rows; ++y) {
    const Between& v = down[static_cast<std::size_t>(y)];
    const auto row_of = [&](int tile) {
      return tables.data() + static_cast<std::size_t>(tile * grid.width) * kSteps;
    };
    const T* above = row_of(v.first);
    const T* below = row_of(v.second);
    const T* in = plane.ptr<T>(y);
    T* out = result.ptr<T>(y);
    // Between the centres of two tiles the four tables stay.
    for (std::size_t begin = 0; begin < across.size();) {
      const Between& run = across[begin];
      std::size_t end = begin + 1;
      while (end < across.size() && across[end].first == run.first &&
             across[end].second == run.second) {
        ++end;
      }
      const std::size_t left = static_cast<std::size_t>(run.first) * kSteps;
      const std::size_t right = static_cast<std::size_t>(run.second) * kSteps;
      BlendRun(std::array{above + left, above + right, below + left, below + right},
               across.data() + begin, end - begin, v.weight, in + begin, out + begin);
      begin = end;
    }
  }
  return result;
}

}  // namespace

cv::Mat Clahe(const cv::Mat& plane, double clip_limit, cv::Size grid) {
  PIXLOOM_CHECK(plane.channels() == 1 && plane.depth() != CV_32F, "one plane of whole levels");
  return plane.depth() == CV_8U ? ClaheOf<std::uint8_t>(plane, clip_limit, grid)
                                : ClaheOf<std::uint16_t>(plane, clip_limit, grid);
}

}  // namespace pixloom
