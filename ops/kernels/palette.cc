// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/palette.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <limits>

#include "ops/kernels/pixel_math.h"
#include "pipeline/rng.h"

namespace pixloom {
namespace {

constexpr int kMoves = 10;
constexpr int kStrip = 256;

// Some pixels in unit scale, one plane after the other.
struct Planes {
  alignas(64) float value[3][kStrip];
};

// Numbers of the nearest colours.
void FindNearest(const Palette& palette, const Planes& planes, int pixels, std::int32_t* nearest) {
  alignas(64) float best[kStrip];
  std::fill_n(best, kStrip, std::numeric_limits<float>::max());
  std::fill_n(nearest, kStrip, 0);
  const bool gray = palette.dimensions == 1;
  for (int k = 0; k < palette.Size(); ++k) {
    const float* colour = &palette.colours[static_cast<std::size_t>(k * palette.dimensions)];
    const float r = colour[0];
    const float g = gray ? 0 : colour[1];
    const float b = gray ? 0 : colour[2];
    for (int i = 0; i < pixels; ++i) {
      const float dr = planes.value[0][i] - r;
      const float dg = planes.value[1][i] - g;
      const float db = planes.value[2][i] - b;
      const float distance = dr * dr + dg * dg + db * db;
      // By bits: compilers turn this into vectors, where a choice would become a branch.
      const std::int32_t mask = -static_cast<std::int32_t>(distance < best[i]);
      const auto kept = std::bit_cast<std::int32_t>(best[i]) & ~mask;
      best[i] = std::bit_cast<float>(kept | (std::bit_cast<std::int32_t>(distance) & mask));
      nearest[i] = (nearest[i] & ~mask) | (k & mask);
    }
  }
}

template <class T>
class UnitReader {
 public:
  UnitReader(const cv::Mat& in, ValueRange range)
      : channels_(in.channels()),
        low_(std::is_floating_point_v<T> ? range.lo : 0),
        scale_(std::is_floating_point_v<T> ? 1 / (range.hi - range.lo)
                                           : static_cast<float>(1 / kLevels<T>)) {}

  void Read(const T* row, int pixels, Planes& planes) const {
    for (int i = 0; i < pixels; ++i, row += channels_) Put(row, i, planes);
  }
  void Put(const T* pixel, int at, Planes& planes) const {
    for (int c = 0; c < 3; ++c) {
      planes.value[c][at] =
          channels_ == 1 && c > 0 ? 0 : (static_cast<float>(pixel[c]) - low_) * scale_;
    }
  }

 private:
  int channels_;
  float low_;
  float scale_;
};

template <class T>
std::vector<Planes> TakeSamples(const cv::Mat& in, ValueRange range, int side, std::size_t& count) {
  const UnitReader<T> reader(in, range);
  const int columns = std::min(in.cols, side);
  const int rows = std::min(in.rows, side);
  count = static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows);
  std::vector<Planes> samples((count + kStrip - 1) / kStrip);
  std::size_t next = 0;
  const auto centre = [](int i, int pixels, int cells) {
    return static_cast<int>((2 * std::int64_t{i} + 1) * pixels / (2 * cells));
  };
  for (int y = 0; y < rows; ++y) {
    const T* row = in.ptr<T>(centre(y, in.rows, rows));
    for (int x = 0; x < columns; ++x, ++next) {
      reader.Put(row + std::ptrdiff_t{centre(x, in.cols, columns)} * in.channels(),
                 static_cast<int>(next % kStrip), samples[next / kStrip]);
    }
  }
  return samples;
}

Palette FirstColours(const std::vector<Planes>& samples, std::size_t total, int dimensions,
                     int count, std::uint32_t seed) {
  Palette palette;
  palette.dimensions = dimensions;
  const KeyedPermutation order(seed, total);
  for (std::size_t i = 0; i < total && palette.Size() < count; ++i) {
    const std::size_t at = order(i);
    std::array<float, 3> colour{};
    for (std::size_t c = 0; c < 3; ++c) colour[c] = samples[at / kStrip].value[c][at % kStrip];
    bool known = false;
    for (int k = 0; k < palette.Size() && !known; ++k) {
      known = std::equal(colour.begin(), colour.begin() + dimensions,
                         palette.colours.begin() + k * dimensions);
    }
    if (!known) {
      palette.colours.insert(palette.colours.end(), colour.begin(), colour.begin() + dimensions);
    }
  }
  return palette;
}

// Moves each colour to the mean of the samples nearest to it; one that has none stays.
void MoveToMeans(const std::vector<Planes>& samples, std::size_t total, Palette& palette) {
  const auto size = static_cast<std::size_t>(palette.Size());
  std::vector<std::array<double, 3>> sums(size);
  std::vector<double> counts(size);
  for (std::size_t s = 0; s < samples.size(); ++s) {
    const int pixels = static_cast<int>(std::min<std::size_t>(kStrip, total - s * kStrip));
    alignas(64) std::int32_t nearest[kStrip];
    FindNearest(palette, samples[s], pixels, nearest);
    for (int i = 0; i < pixels; ++i) {
      const auto k = static_cast<std::size_t>(nearest[i]);
      for (std::size_t c = 0; c < 3; ++c) sums[k][c] += double{samples[s].value[c][i]};
      counts[k] += 1;
    }
  }
  const auto dimensions = static_cast<std::size_t>(palette.dimensions);
  for (std::size_t k = 0; k < size; ++k) {
    for (std::size_t c = 0; c < dimensions && counts[k] > 0; ++c) {
      palette.colours[k * dimensions + c] = static_cast<float>(sums[k][c] / counts[k]);
    }
  }
}

template <class T>
void Paint(const cv::Mat& in, const Palette& palette, ValueRange range, cv::Mat& out) {
  const UnitReader<T> reader(in, range);
  constexpr bool kFloat = std::is_floating_point_v<T>;
  const float low = kFloat ? range.lo : 0;
  const float span = kFloat ? range.hi - range.lo : static_cast<float>(kLevels<T>);
  std::vector<T> levels;
  for (const float v : palette.colours) levels.push_back(RoundTo<T>(v * span + low));
  const int channels = in.channels();
  const int dimensions = palette.dimensions;
  Planes planes;
  alignas(64) std::int32_t nearest[kStrip];
  for (int y = 0; y < in.rows; ++y) {
    for (int done = 0; done < in.cols; done += kStrip) {
      const int now = std::min(kStrip, in.cols - done);
      const T* from = in.ptr<T>(y) + std::ptrdiff_t{done} * channels;
      T* to = out.ptr<T>(y) + std::ptrdiff_t{done} * channels;
      reader.Read(from, now, planes);
      FindNearest(palette, planes, now, nearest);
      for (int i = 0; i < now; ++i, from += channels, to += channels) {
        const T* colour = &levels[static_cast<std::size_t>(nearest[i] * dimensions)];
        for (int c = 0; c < dimensions; ++c) to[c] = colour[c];
        if (channels == 4) to[3] = from[3];
      }
    }
  }
}

}  // namespace

Palette MakePalette(const cv::Mat& in, ValueRange range, int count, int side, std::uint32_t seed) {
  std::size_t total = 0;
  const std::vector<Planes> samples =
      WithDepth(in, [&](auto zero) { return TakeSamples<decltype(zero)>(in, range, side, total); });
  Palette palette = FirstColours(samples, total, in.channels() == 1 ? 1 : 3, count, seed);
  for (int move = 0; move < kMoves; ++move) {
    const std::vector<float> before = palette.colours;
    MoveToMeans(samples, total, palette);
    if (palette.colours == before) break;
  }
  return palette;
}

cv::Mat PaintWithPalette(const cv::Mat& in, const Palette& palette, ValueRange range) {
  cv::Mat out(in.size(), in.type());
  WithDepth(in, [&](auto zero) { Paint<decltype(zero)>(in, palette, range, out); });
  return out;
}

}  // namespace pixloom
