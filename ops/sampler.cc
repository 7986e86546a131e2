// SPDX-License-Identifier: Apache-2.0
#include "ops/sampler.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "ops/pixel_math.h"
#include "ops/sampler_rows.h"

namespace pixloom {
namespace {

// The part of the source a block may read without asking the border rule.
struct Interior {
  int left, top, right, bottom;  // of the top left tap, inclusive

  bool Holds(const TapBlock& taps) const {
    return taps.min_column >= left && taps.max_column <= right && taps.min_row >= top &&
           taps.max_row <= bottom;
  }
};

template <class S, class D>
class Sampler {
 public:
  Sampler(const ImageView& source, const BorderRule& border, bool nearest)
      : source_(source),
        border_(border),
        nearest_(nearest),
        channels_(source.pixels.channels()),
        fill_(FillPixel<S>(border.fill, channels_)) {
    const cv::Mat& pixels = source.pixels;
    interior_ = {source.origin.x, source.origin.y, source.origin.x + pixels.cols - 2,
                 source.origin.y + pixels.rows - 2};
    // The fast path reads eight bytes where six are needed.
    if (kFast && channels_ == 3) fast_right_ = interior_.right - 1;
    if (kFast && channels_ == 4) fast_right_ = interior_.right;
  }

  void Row(const PositionMap& positions, int y, int width, D* out) const {
    TapBlock taps;
    for (int x = 0; x < width; x += kSampleBlock, out += kSampleBlock * channels_) {
      taps.count = std::min(kSampleBlock, width - x);
      // Lanes past the end are computed, too, so they must hold numbers.
      std::fill(std::begin(taps.x) + taps.count, std::end(taps.x), 0.0);
      std::fill(std::begin(taps.y) + taps.count, std::end(taps.y), 0.0);
      positions.Row(x, y, taps.count, taps.x, taps.y);
      for (int i = 0; i < taps.count; ++i) {
        taps.x[i] = ClampFar(taps.x[i]);
        taps.y[i] = ClampFar(taps.y[i]);
      }
      if (nearest_) {
        Nearest(taps, out);
      } else {
        Linear(taps, out);
      }
    }
  }

 private:
  static constexpr bool kBytes = std::is_same_v<S, std::uint8_t> && std::is_same_v<D, std::uint8_t>;
  static constexpr bool kFast = kBytes;

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

  void Nearest(const TapBlock& taps, D* out) const {
    for (int i = 0; i < taps.count; ++i, out += channels_) {
      const S* tap = Tap(NearestIndex(taps.x[i]), NearestIndex(taps.y[i]));
      for (int c = 0; c < channels_; ++c) out[c] = RoundTo<D>(tap[c]);
    }
  }

  void Linear(TapBlock& taps, D* out) const {
    FindTaps(taps, kBytes);
    if constexpr (kFast) {
      if (taps.max_column <= fast_right_ && interior_.Holds(taps)) {
        // The last pixel is written with a byte to spare.
        std::uint8_t pixels[kSampleBlock * 4 + 4];
        BlendInside(source_.pixels.ptr<std::uint8_t>() -
                        source_.origin.y * static_cast<std::ptrdiff_t>(source_.pixels.step[0]) -
                        std::ptrdiff_t{source_.origin.x} * channels_,
                    static_cast<std::ptrdiff_t>(source_.pixels.step[0]), taps, channels_, pixels);
        std::memcpy(out, pixels, static_cast<std::size_t>(taps.count * channels_));
        return;
      }
    }
    if (OutsideConstant(taps)) {
      for (int i = 0; i < taps.count; ++i, out += channels_) {
        for (int c = 0; c < channels_; ++c) out[c] = RoundTo<D>(fill_[static_cast<std::size_t>(c)]);
      }
      return;
    }
    for (int i = 0; i < taps.count; ++i, out += channels_) {
      const int column = taps.column[i];
      const int row = taps.row[i];
      if (column >= interior_.left && column <= interior_.right && row >= interior_.top &&
          row <= interior_.bottom) {
        const S* upper = At(column, row);
        const S* lower = At(column, row + 1);
        Blend(taps, i, upper, upper + channels_, lower, lower + channels_, out);
      } else {
        Blend(taps, i, Tap(column, row), Tap(column + 1, row), Tap(column, row + 1),
              Tap(column + 1, row + 1), out);
      }
    }
  }

  bool OutsideConstant(const TapBlock& taps) const {
    return border_.mode == Border::kConstant &&
           (taps.max_column < -1 || taps.max_row < -1 || taps.min_column >= source_.full.width ||
            taps.min_row >= source_.full.height);
  }

  void Blend(const TapBlock& taps, int i, const S* p00, const S* p10, const S* p01, const S* p11,
             D* out) const {
    if constexpr (kBytes) {
      // The same integers as BlendInside.
      const int w00 = taps.upper[i] & 0xFFFF;
      const int w10 = taps.upper[i] >> 16;
      const int w01 = taps.lower[i] & 0xFFFF;
      const int w11 = taps.lower[i] >> 16;
      for (int c = 0; c < channels_; ++c) {
        const int sum = p00[c] * w00 + p10[c] * w10 + p01[c] * w01 + p11[c] * w11;
        out[c] = static_cast<D>((sum + (1 << (kWeightBits - 1))) >> kWeightBits);
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
  bool nearest_;
  int channels_;
  std::vector<S> fill_;
  Interior interior_{};
  int fast_right_ = -1;  // rightmost tap of the fast path, -1: there is none
};

template <class S, class D>
cv::Mat SampleTyped(const ImageView& source, const PositionMap& positions, Size out,
                    const BorderRule& border, bool nearest) {
  cv::Mat result(out.height, out.width,
                 CV_MAKETYPE(cv::DataType<D>::depth, source.pixels.channels()));
  const Sampler<S, D> sampler(source, border, nearest);
  for (int y = 0; y < out.height; ++y) {
    sampler.Row(positions, y, out.width, result.ptr<D>(y));
  }
  return result;
}

}  // namespace

cv::Mat SampleAt(const ImageView& source, const PositionMap& positions, Size out, int depth,
                 const BorderRule& border, Resampling resampling) {
  const bool nearest = resampling == Resampling::kNearest;
  return WithDepth(source.pixels, [&](auto zero) {
    using S = decltype(zero);
    // Averages are float whatever they are averages of.
    if constexpr (std::is_floating_point_v<S>) {
      if (depth == CV_8U) {
        return SampleTyped<S, std::uint8_t>(source, positions, out, border, nearest);
      }
      if (depth == CV_16U) {
        return SampleTyped<S, std::uint16_t>(source, positions, out, border, nearest);
      }
    }
    PIXLOOM_CHECK(depth == source.pixels.depth(), "integers keep their depth");
    return SampleTyped<S, S>(source, positions, out, border, nearest);
  });
}

}  // namespace pixloom
