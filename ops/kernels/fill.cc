// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/fill.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "ops/kernels/inpaint.h"
#include "ops/kernels/pixel_math.h"

namespace pixloom {

namespace {

// Values that one block of four words gives.
template <class T>
inline constexpr std::uint64_t kPerBlock = std::is_floating_point_v<T> ? 4 : 16 / sizeof(T);

template <class T>
T LevelOf(const PhiloxBlock& block, std::uint64_t at, ValueRange range) {
  if constexpr (std::is_floating_point_v<T>) {
    const auto unit = static_cast<float>(block[at] >> 8) * 0x1p-24F;
    return range.lo + unit * (range.hi - range.lo);
  } else {
    constexpr std::uint64_t kPerWord = 4 / sizeof(T);
    return static_cast<T>(block[at / kPerWord] >> (8 * sizeof(T) * (at % kPerWord)));
  }
}

template <class T>
std::vector<double> MeanOf(const cv::Mat& image) {
  using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
  const int channels = image.channels();
  std::vector<Sum> sums(static_cast<std::size_t>(channels));
  for (int y = 0; y < image.rows; ++y) {
    const T* row = image.ptr<T>(y);
    for (int c = 0; c < channels; ++c) {
      Sum sum = 0;
      for (int x = 0; x < image.cols; ++x) sum += row[x * channels + c];
      sums[static_cast<std::size_t>(c)] += sum;
    }
  }
  std::vector<double> mean;
  for (const Sum sum : sums) {
    mean.push_back(static_cast<double>(sum) / static_cast<double>(image.total()));
  }
  return mean;
}

template <class T>
class Filler {
 public:
  Filler(cv::Mat& out, int filled, const FrameContext& context)
      : out_(out),
        channels_(out.channels()),
        filled_(filled),
        range_(context.range),
        key_(FillStream(context)) {}

  // The colour of what follows.
  void Take(const std::vector<double>& colour) {
    std::vector<T> pixel;
    for (const double level : colour) pixel.push_back(RoundTo<T>(level));
    Take(pixel);
  }
  void TakeRandom(std::uint32_t hole) {
    std::vector<T> pixel;
    for (int c = 0; c < channels_; ++c) {
      const auto index = std::uint64_t{hole} * static_cast<std::uint64_t>(channels_);
      pixel.push_back(RandomLevel<T>(key_, index + static_cast<std::uint64_t>(c), range_));
    }
    Take(pixel);
  }

  void Paint(const Run& run) {
    T* to = out_.ptr<T>(run.y) + std::ptrdiff_t{run.x0} * channels_;
    const auto count = static_cast<std::size_t>(run.x1 - run.x0);
    if (filled_ == channels_) {
      std::copy_n(row_.data(), count * static_cast<std::size_t>(channels_), to);
      return;
    }
    for (std::size_t i = 0; i < count; ++i, to += channels_) std::copy_n(row_.data(), filled_, to);
  }

  void PaintNoise(const Run& run) {
    T* row = out_.ptr<T>(run.y);
    const auto start = static_cast<std::uint64_t>(run.y) * static_cast<std::uint64_t>(out_.cols) *
                       static_cast<std::uint64_t>(channels_);
    const int first = run.x0 * channels_;
    const int end = run.x1 * channels_;
    for (int i = first; i < end;) {
      const std::uint64_t index = start + static_cast<std::uint64_t>(i);
      const PhiloxBlock block = key_.Block(static_cast<std::uint32_t>(index / kPerBlock<T>));
      for (std::uint64_t at = index % kPerBlock<T>; at < kPerBlock<T> && i < end; ++at, ++i) {
        if (filled_ == channels_ || i % channels_ < filled_) row[i] = LevelOf<T>(block, at, range_);
      }
    }
  }

 private:
  void Take(const std::vector<T>& pixel) {
    row_.resize(static_cast<std::size_t>(out_.cols) * pixel.size());
    for (std::size_t i = 0; i < row_.size(); i += pixel.size()) {
      std::copy(pixel.begin(), pixel.end(), row_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  cv::Mat& out_;
  int channels_;
  int filled_;
  ValueRange range_;
  StreamKey key_;
  std::vector<T> row_;  // a row of the colour
};

}  // namespace

int FilledChannels(const cv::Mat& image, const FillRule& rule) {
  const bool with_alpha = rule.kind == FillKind::kConstant && rule.level.size() >= 4;
  return image.channels() == 4 && !with_alpha ? 3 : image.channels();
}

std::vector<double> FillColour(const cv::Mat& image, const FillRule& rule) {
  if (rule.kind == FillKind::kMean) {
    return WithDepth(image, [&](auto zero) { return MeanOf<decltype(zero)>(image); });
  }
  std::vector<double> colour;
  for (std::size_t c = 0; c < static_cast<std::size_t>(image.channels()); ++c) {
    colour.push_back(rule.level[std::min(c, rule.level.size() - 1)]);
  }
  return colour;
}

template <class T>
T RandomLevel(const StreamKey& key, std::uint64_t index, ValueRange range) {
  const PhiloxBlock block = key.Block(static_cast<std::uint32_t>(index / kPerBlock<T>));
  return LevelOf<T>(block, index % kPerBlock<T>, range);
}

template std::uint8_t RandomLevel(const StreamKey&, std::uint64_t, ValueRange);
template std::uint16_t RandomLevel(const StreamKey&, std::uint64_t, ValueRange);
template float RandomLevel(const StreamKey&, std::uint64_t, ValueRange);

StreamKey FillStream(const FrameContext& context) {
  StreamKey key = context.noise;
  key.stream ^= 0x46494C4Cu;
  return key;
}

cv::Mat FillHoles(const cv::Mat& image, const std::vector<Run>& runs, const FillRule& rule,
                  const FrameContext& context) {
  cv::Mat out = image.clone();
  const int filled = FilledChannels(image, rule);
  if (rule.kind == FillKind::kInpaint) {
    Inpaint(out, runs, filled, FillColour(image, {FillKind::kConstant, rule.level}));
    return out;
  }
  WithDepth(image, [&](auto zero) {
    Filler<decltype(zero)> filler(out, filled, context);
    if (rule.kind == FillKind::kRandom) {
      for (const Run& run : runs) filler.PaintNoise(run);
      return;
    }
    const bool own_colours = rule.kind == FillKind::kRandomUniform;
    if (!own_colours) filler.Take(FillColour(image, rule));
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (own_colours && (i == 0 || runs[i].hole != runs[i - 1].hole)) {
        filler.TakeRandom(runs[i].hole);
      }
      filler.Paint(runs[i]);
    }
  });
  return out;
}

}  // namespace pixloom
