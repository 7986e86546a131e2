// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/sampler.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "ops/kernels/pixel_math.h"
#include "ops/kernels/sampler_rows.h"

namespace pixloom {
namespace {

// A range of taps, inclusive.
struct TapRange {
  int left, top, right, bottom;

  bool Holds(const TapBlock& taps) const {
    return taps.min_column >= left && taps.max_column <= right && taps.min_row >= top &&
           taps.max_row <= bottom;
  }
  bool Holds(const TapBlock& taps, int i) const { return Holds(taps.column[i], taps.row[i]); }
  bool Holds(int column, int row) const {
    return column >= left && column <= right && row >= top && row <= bottom;
  }
};

// How many pixels are blended: 1, 2 x 2 or 4 x 4.
enum class Blending { kNone, kLinear, kCubic };

Blending BlendingOf(Resampling resampling) {
  switch (resampling) {
    case Resampling::kNearest:
      return Blending::kNone;
    case Resampling::kLinear:
    case Resampling::kArea:
    case Resampling::kAntialias:
      return Blending::kLinear;
    case Resampling::kCubic:
    case Resampling::kAntialiasCubic:
    case Resampling::kLanczos:
      return Blending::kCubic;
  }
  return Blending::kLinear;
}

template <class S, class D>
class Sampler {
 public:
  Sampler(const ImageView& source, const BorderRule& border, Blending blending)
      : source_(source),
        border_(border),
        blending_(blending),
        channels_(source.pixels.channels()),
        fill_(FillOf(border.fill, channels_)) {
    const int right = source.origin.x + source.pixels.cols - 1;
    const int bottom = source.origin.y + source.pixels.rows - 1;
    pixels_ = {source.origin.x, source.origin.y, right, bottom};
    interior_ = {source.origin.x, source.origin.y, right - 1, bottom - 1};
    vector_ = interior_;
    // Eight bytes are read where six are needed.
    if (channels_ == 3) --vector_.right;
    cubic_ = {source.origin.x + 1, source.origin.y + 1, right - 2, bottom - 2};
    cubic_vector_ = cubic_;
    // Sixteen bytes are read where twelve are needed.
    if (channels_ == 3) cubic_vector_.right -= 2;
  }

  void Row(const PositionMap& positions, int y, int width, D* out) const {
    TapBlock taps;
    for (int x = 0; x < width; x += kSampleBlock, out += kSampleBlock * channels_) {
      taps.count = std::min(kSampleBlock, width - x);
      positions.Block(x, y, taps.count, taps.x, taps.y);
      const int last = taps.count - 1;
      std::fill(taps.x + taps.count, taps.x + kSampleBlock, taps.x[last]);
      std::fill(taps.y + taps.count, taps.y + kSampleBlock, taps.y[last]);
      switch (blending_) {
        case Blending::kNone:
          Nearest(taps, out);
          break;
        case Blending::kLinear:
          Linear(taps, out);
          break;
        case Blending::kCubic:
          Cubic(taps, out);
          break;
      }
    }
  }

 private:
  static constexpr bool kBytes = std::is_same_v<S, std::uint8_t> && std::is_same_v<D, std::uint8_t>;
  // Means of blocks, in levels times 1 << kMeanBits.
  static constexpr bool kMeans =
      std::is_same_v<S, std::uint16_t> && std::is_same_v<D, std::uint8_t>;

  static D Whole(S value) {
    if constexpr (kMeans) {
      return static_cast<D>((value + (1 << (kMeanBits - 1))) >> kMeanBits);
    } else {
      return RoundTo<D>(value);
    }
  }

  static std::vector<S> FillOf(std::array<double, 4> levels, int channels) {
    if constexpr (kMeans) {
      for (double& level : levels) level = std::clamp(level, 0.0, 255.0) * (1 << kMeanBits);
    }
    return FillPixel<S>(levels, channels);
  }

  const S* At(int column, int row) const {
    return source_.pixels.ptr<S>(row - source_.origin.y) +
           std::ptrdiff_t{column - source_.origin.x} * channels_;
  }

  // A pixel of the full picture or what the border rule puts there.
  const S* Tap(int column, int row) const {
    column = BorderIndex(column, source_.full.width, border_.mode);
    row = BorderIndex(row, source_.full.height, border_.mode);
    if (column < 0 || row < 0) return fill_.data();
    const cv::Rect held(source_.origin, source_.pixels.size());
    PIXLOOM_CHECK(held.contains({column, row}), "a tap lies outside the region that was decoded");
    return At(column, row);
  }

  void Nearest(TapBlock& taps, D* out) const {
    FindNearest(taps);
    if (OutsideConstant(taps, 0)) return Fill(taps.count, out);
    switch (channels_) {
      case 1:
        return CopyTaps<1>(taps, out);
      case 3:
        return CopyTaps<3>(taps, out);
      default:
        return CopyTaps<0>(taps, out);
    }
  }

  // kChannels 0: known at run time.
  template <int kChannels>
  void CopyTaps(const TapBlock& taps, D* out) const {
    const int channels = kChannels > 0 ? kChannels : channels_;
    const auto copy = [&](const S* tap) {
      for (int c = 0; c < channels; ++c) out[c] = Whole(tap[c]);
      out += channels;
    };
    if (pixels_.Holds(taps)) {
      const auto stride = static_cast<std::ptrdiff_t>(source_.pixels.step1());
      const S* base = Base();
      for (int i = 0; i < taps.count; ++i) {
        copy(base + taps.row[i] * stride + std::ptrdiff_t{taps.column[i]} * channels);
      }
    } else {
      for (int i = 0; i < taps.count; ++i) {
        const bool inside = pixels_.Holds(taps, i);
        copy(inside ? At(taps.column[i], taps.row[i]) : Tap(taps.column[i], taps.row[i]));
      }
    }
  }

  void Linear(TapBlock& taps, D* out) const {
    FindTaps(taps, kBytes || kMeans);
    if (OutsideConstant(taps, 0)) return Fill(taps.count, out);
    const auto alone = [&](int i, D* to) { BlendAt(taps, i, to); };
    if constexpr (kBytes) {
      if (channels_ == 3 || channels_ == 4) {
        if (border_.mode != Border::kConstant && !vector_.Holds(taps)) Fold(taps);
        return Bytes(taps, vector_, BlendInside, alone, out);
      }
    }
    if constexpr (kMeans) return Bytes(taps, vector_, BlendMeansInside, alone, out);
    for (int i = 0; i < taps.count; ++i) alone(i, out + i * channels_);
  }

  void Cubic(TapBlock& taps, D* out) const {
    FindCubicTaps(taps, kBytes);
    if (OutsideConstant(taps, 1)) return Fill(taps.count, out);
    const auto alone = [&](int i, D* to) { BlendCubicAt(taps, i, to); };
    if constexpr (kBytes) {
      if (channels_ == 3 || channels_ == 4) {
        return Bytes(taps, cubic_vector_, BlendCubicInside, alone, out);
      }
    }
    for (int i = 0; i < taps.count; ++i) alone(i, out + i * channels_);
  }

  // Vectors where all taps are inside, pixel by pixel elsewhere.
  template <class Blend, class Alone>
  void Bytes(const TapBlock& taps, const TapRange& inside, Blend* blend, const Alone& alone,
             std::uint8_t* out) const {
    const auto stride = static_cast<std::ptrdiff_t>(source_.pixels.step1());
    std::uint8_t pixels[kSampleBlock * 4 + kBlendSlack];
    const bool all = inside.Holds(taps);
    for (int begin = 0; begin < taps.count;) {
      int end = all ? taps.count : begin;
      while (!all && end < taps.count && inside.Holds(taps, end)) ++end;
      if (end > begin) {
        blend(Base(), stride, taps, begin, end, channels_, pixels + begin * channels_);
        begin = end;
      } else {
        alone(begin, pixels + begin * channels_);
        ++begin;
      }
    }
    std::memcpy(out, pixels, static_cast<std::size_t>(taps.count * channels_));
  }

  // Where the border rule repeats the picture, pixels outside are blended from neighbours inside,
  // perhaps in reverse: moves taps and weights there, if vectors may read them.
  void Fold(TapBlock& taps) const {
    for (int i = 0; i < taps.count; ++i) {
      if (interior_.Holds(taps, i)) continue;
      const Pair across = FoldPair(taps.column[i], source_.full.width);
      const Pair down = FoldPair(taps.row[i], source_.full.height);
      if (!across.found || !down.found || !vector_.Holds(across.index, down.index)) continue;
      taps.column[i] = across.index;
      taps.row[i] = down.index;
      const auto weigh = [&](std::int32_t pair) {
        const std::int32_t first = pair & 0xFFFF;
        const std::int32_t second = pair >> 16;
        return (across.first.of_first * first + across.first.of_second * second) |
               (across.second.of_first * first + across.second.of_second * second) << 16;
      };
      const std::int32_t upper = weigh(taps.upper[i]);
      const std::int32_t lower = weigh(taps.lower[i]);
      taps.upper[i] = down.first.of_first * upper + down.first.of_second * lower;
      taps.lower[i] = down.second.of_first * upper + down.second.of_second * lower;
    }
  }

  // Neighbours that stand for two taps: what the first and the second of them take of their
  // weights.
  struct Pair {
    struct Share {
      int of_first = 0, of_second = 0;
    };
    bool found = false;
    int index = 0;
    Share first, second;
  };

  Pair FoldPair(int index, int n) const {
    const int a = BorderIndex(index, n, border_.mode);
    const int b = BorderIndex(index + 1, n, border_.mode);
    if (b == a + 1) return {true, a, {1, 0}, {0, 1}};
    if (b == a - 1) return {true, b, {0, 1}, {1, 0}};
    if (b != a) return {};
    if (a + 1 < n) return {true, a, {1, 1}, {0, 0}};
    return {n > 1, a - 1, {0, 0}, {1, 1}};
  }

  // Where pixel (0, 0) of the full picture would be.
  const S* Base() const {
    return source_.pixels.ptr<S>() -
           source_.origin.y * static_cast<std::ptrdiff_t>(source_.pixels.step1()) -
           std::ptrdiff_t{source_.origin.x} * channels_;
  }

  void BlendAt(const TapBlock& taps, int i, D* out) const {
    const int column = taps.column[i];
    const int row = taps.row[i];
    if (interior_.Holds(taps, i)) {
      const S* upper = At(column, row);
      const S* lower = At(column, row + 1);
      Blend(taps, i, upper, upper + channels_, lower, lower + channels_, out);
    } else {
      Blend(taps, i, Tap(column, row), Tap(column + 1, row), Tap(column, row + 1),
            Tap(column + 1, row + 1), out);
    }
  }

  void BlendCubicAt(const TapBlock& taps, int i, D* out) const {
    const S* rows[4][4];
    const bool inside = cubic_.Holds(taps, i);
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 4; ++x) {
        const int column = taps.column[i] + x - 1;
        const int row = taps.row[i] + y - 1;
        rows[y][x] = inside ? At(column, row) : Tap(column, row);
      }
    }
    if constexpr (kBytes) {
      // The same numbers as BlendCubicInside.
      const int w[4] = {static_cast<std::int16_t>(taps.left[i] & 0xFFFF), taps.left[i] >> 16,
                        static_cast<std::int16_t>(taps.right[i] & 0xFFFF), taps.right[i] >> 16};
      for (int c = 0; c < channels_; ++c) {
        float left = 0;
        float right = 0;
        for (int y = 0; y < 4; ++y) {
          const S* const* p = rows[y];
          const float down = taps.down[y][i];
          left += static_cast<float>(p[0][c] * w[0] + p[1][c] * w[1]) * down;
          right += static_cast<float>(p[2][c] * w[2] + p[3][c] * w[3]) * down;
        }
        out[c] = RoundTo<D>(left + right);
      }
    } else {
      float across[4];
      float down[4];
      CubicWeights(taps.dx[i], across);
      CubicWeights(taps.dy[i], down);
      for (int c = 0; c < channels_; ++c) {
        float sum = 0;
        for (int y = 0; y < 4; ++y) {
          float line = 0;
          for (int x = 0; x < 4; ++x) line += static_cast<float>(rows[y][x][c]) * across[x];
          sum += line * down[y];
        }
        out[c] = RoundTo<D>(sum);
      }
    }
  }

  // No tap is inside; taps reach `reach` pixels beyond the two next to the position.
  bool OutsideConstant(const TapBlock& taps, int reach) const {
    return border_.mode == Border::kConstant &&
           (taps.max_column < -1 - reach || taps.max_row < -1 - reach ||
            taps.min_column >= source_.full.width + reach ||
            taps.min_row >= source_.full.height + reach);
  }

  void Fill(int count, D* out) const {
    for (int i = 0; i < count; ++i, out += channels_) {
      for (int c = 0; c < channels_; ++c) out[c] = Whole(fill_[static_cast<std::size_t>(c)]);
    }
  }

  void Blend(const TapBlock& taps, int i, const S* p00, const S* p10, const S* p01, const S* p11,
             D* out) const {
    if constexpr (kBytes || kMeans) {
      // The same integers as BlendInside and BlendMeansInside.
      constexpr int kDrop = kWeightBits + (kMeans ? kMeanBits : 0);
      const int w00 = taps.upper[i] & 0xFFFF;
      const int w10 = taps.upper[i] >> 16;
      const int w01 = taps.lower[i] & 0xFFFF;
      const int w11 = taps.lower[i] >> 16;
      for (int c = 0; c < channels_; ++c) {
        const int sum = p00[c] * w00 + p10[c] * w10 + p01[c] * w01 + p11[c] * w11;
        out[c] = static_cast<D>((sum + (1 << (kDrop - 1))) >> kDrop);
      }
    } else {
      const float dx = taps.dx[i];
      const float dy = taps.dy[i];
      for (int c = 0; c < channels_; ++c) {
        const float a = p00[c];
        const float b = p01[c];
        const float upper = a + dx * (p10[c] - a);
        const float lower = b + dx * (p11[c] - b);
        out[c] = RoundTo<D>(upper + dy * (lower - upper));
      }
    }
  }

  const ImageView& source_;
  const BorderRule& border_;
  Blending blending_;
  int channels_;
  std::vector<S> fill_;
  TapRange pixels_{};                  // of single pixels
  TapRange interior_{};                // of upper left taps whose neighbours are inside, too
  TapRange vector_{};                  // of upper left taps that vectors may read
  TapRange cubic_{}, cubic_vector_{};  // the same for the second of four taps
};

template <class S, class D>
cv::Mat SampleTyped(const ImageView& source, const PositionMap& positions, Size out,
                    const BorderRule& border, Blending blending) {
  cv::Mat result(out.height, out.width,
                 CV_MAKETYPE(cv::DataType<D>::depth, source.pixels.channels()));
  const Sampler<S, D> sampler(source, border, blending);
  for (int y = 0; y < out.height; ++y) {
    sampler.Row(positions, y, out.width, result.ptr<D>(y));
  }
  return result;
}

}  // namespace

cv::Mat SampleAt(const ImageView& source, const PositionMap& positions, Size out, int depth,
                 const BorderRule& border, Resampling resampling) {
  const Blending blending = BlendingOf(resampling);
  return WithDepth(source.pixels, [&](auto zero) {
    using S = decltype(zero);
    // Averages are float whatever they are averages of.
    if constexpr (std::is_floating_point_v<S>) {
      if (depth == CV_8U) {
        return SampleTyped<S, std::uint8_t>(source, positions, out, border, blending);
      }
      if (depth == CV_16U) {
        return SampleTyped<S, std::uint16_t>(source, positions, out, border, blending);
      }
    }
    if constexpr (std::is_same_v<S, std::uint16_t>) {
      if (depth == CV_8U) {
        PIXLOOM_CHECK(blending == Blending::kLinear, "means are blended from 2 x 2");
        return SampleTyped<S, std::uint8_t>(source, positions, out, border, blending);
      }
    }
    PIXLOOM_CHECK(depth == source.pixels.depth(), "integers keep their depth");
    return SampleTyped<S, S>(source, positions, out, border, blending);
  });
}

}  // namespace pixloom
