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

// A range of taps, inclusive.
struct TapRange {
  int left, top, right, bottom;

  bool Holds(const TapBlock& taps) const {
    return taps.min_column >= left && taps.max_column <= right && taps.min_row >= top &&
           taps.max_row <= bottom;
  }
  bool Holds(const TapBlock& taps, int i) const {
    return taps.column[i] >= left && taps.column[i] <= right && taps.row[i] >= top &&
           taps.row[i] <= bottom;
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
    const int right = source.origin.x + source.pixels.cols - 1;
    const int bottom = source.origin.y + source.pixels.rows - 1;
    pixels_ = {source.origin.x, source.origin.y, right, bottom};
    interior_ = {source.origin.x, source.origin.y, right - 1, bottom - 1};
    vector_ = interior_;
    // Eight bytes are read where six are needed.
    if (channels_ == 3) --vector_.right;
  }

  void Row(const PositionMap& positions, int y, int width, D* out) const {
    TapBlock taps;
    for (int x = 0; x < width; x += kSampleBlock, out += kSampleBlock * channels_) {
      taps.count = std::min(kSampleBlock, width - x);
      positions.Block(x, y, taps.count, taps.x, taps.y);
      const int last = taps.count - 1;
      std::fill(taps.x + taps.count, taps.x + kSampleBlock, taps.x[last]);
      std::fill(taps.y + taps.count, taps.y + kSampleBlock, taps.y[last]);
      if (nearest_) {
        Nearest(taps, out);
      } else {
        Linear(taps, out);
      }
    }
  }

 private:
  static constexpr bool kBytes = std::is_same_v<S, std::uint8_t> && std::is_same_v<D, std::uint8_t>;

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
    if (OutsideConstant(taps)) return Fill(taps.count, out);
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
      for (int c = 0; c < channels; ++c) out[c] = RoundTo<D>(tap[c]);
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
    FindTaps(taps, kBytes);
    if (OutsideConstant(taps)) return Fill(taps.count, out);
    if constexpr (kBytes) {
      if (channels_ == 3 || channels_ == 4) return LinearBytes(taps, out);
    }
    for (int i = 0; i < taps.count; ++i) BlendAt(taps, i, out + i * channels_);
  }

  // Vectors where all taps are inside, pixel by pixel elsewhere.
  void LinearBytes(const TapBlock& taps, std::uint8_t* out) const {
    const auto stride = static_cast<std::ptrdiff_t>(source_.pixels.step[0]);
    std::uint8_t pixels[kSampleBlock * 4 + kBlendSlack];
    const bool all = vector_.Holds(taps);
    for (int begin = 0; begin < taps.count;) {
      int end = all ? taps.count : begin;
      while (!all && end < taps.count && vector_.Holds(taps, end)) ++end;
      if (end > begin) {
        BlendInside(Base(), stride, taps, begin, end, channels_, pixels + begin * channels_);
        begin = end;
      } else {
        BlendAt(taps, begin, pixels + begin * channels_);
        ++begin;
      }
    }
    std::memcpy(out, pixels, static_cast<std::size_t>(taps.count * channels_));
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

  bool OutsideConstant(const TapBlock& taps) const {
    return border_.mode == Border::kConstant &&
           (taps.max_column < -1 || taps.max_row < -1 || taps.min_column >= source_.full.width ||
            taps.min_row >= source_.full.height);
  }

  void Fill(int count, D* out) const {
    for (int i = 0; i < count; ++i, out += channels_) {
      for (int c = 0; c < channels_; ++c) out[c] = RoundTo<D>(fill_[static_cast<std::size_t>(c)]);
    }
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
  TapRange pixels_{};    // of single pixels
  TapRange interior_{};  // of upper left taps whose neighbours are inside, too
  TapRange vector_{};    // of upper left taps that vectors may read
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
