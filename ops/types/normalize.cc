// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "ops/types/levels.h"
#include "ops/types/normalizing.h"
#include "pipeline/registry.h"

namespace pixloom {

enum class NormalizeBy { kStandard, kImage, kImagePerChannel, kMinMax, kMinMaxPerChannel };

template <>
struct EnumNames<NormalizeBy> {
  static constexpr std::array kAll{
      std::pair{NormalizeBy::kStandard, "standard"}, std::pair{NormalizeBy::kImage, "image"},
      std::pair{NormalizeBy::kImagePerChannel, "image_per_channel"},
      std::pair{NormalizeBy::kMinMax, "min_max"},
      std::pair{NormalizeBy::kMinMaxPerChannel, "min_max_per_channel"}};
};

namespace {

// Sums over one channel, in levels.
struct Moments {
  double sum = 0;
  double squares = 0;
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double count = 0;

  void Take(const Moments& other) {
    sum += other.sum;
    squares += other.squares;
    low = std::min(low, other.low);
    high = std::max(high, other.high);
    count += other.count;
  }
  double Mean() const { return sum / count; }
  double Deviation() const { return std::sqrt(std::max(0.0, squares / count - Mean() * Mean())); }
};

// Row by row, so that float pictures lose nothing in long sums.
template <class T>
std::vector<Moments> Measure(const cv::Mat& in) {
  const int channels = in.channels();
  std::vector<Moments> all(static_cast<std::size_t>(channels));
  for (int y = 0; y < in.rows; ++y) {
    const T* row = in.ptr<T>(y);
    for (int c = 0; c < channels; ++c) {
      Moments line;
      for (int x = 0; x < in.cols; ++x) {
        const double v = row[std::ptrdiff_t{x} * channels + c];
        line.sum += v;
        line.squares += v * v;
        line.low = std::min(line.low, v);
        line.high = std::max(line.high, v);
      }
      line.count = in.cols;
      all[static_cast<std::size_t>(c)].Take(line);
    }
  }
  return all;
}

struct NormalizeOp : Normalizing {
  NormalizeBy by = NormalizeBy::kStandard;

  static constexpr std::string_view kName = "normalize";
  static constexpr std::string_view kDoc =
      "Bring levels to mean 0 and deviation 1, or to 0 to 1, as float32.";
  static constexpr std::array<std::string_view, 1> kAliases{"Normalize"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("by", &NormalizeOp::by)
                       .Alias("normalization")
                       .Doc("By mean and std as given; by those of the picture or of each channel; "
                            "or by the lowest and highest level of either.")},
        Normalizing::Table<NormalizeOp>());
  }

  ImageStep Draw(Rng&, const Facts& facts) const {
    ImageStep step{
        [own = *this](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
          if (own.by == NormalizeBy::kStandard) {
            return own.Apply(in, LevelsOf(DepthOf(in), context.range));
          }
          return own.ByItself(in, LevelsOf(DepthOf(in), context.range));
        }};
    // What the picture's own deviation makes of its range is not known before.
    step.range = by == NormalizeBy::kStandard ? RangeFor(facts.channels)
                 : by == NormalizeBy::kImage || by == NormalizeBy::kImagePerChannel
                     ? ValueRange{-4, 4}
                     : ValueRange{0, 1};
    return step;
  }

  Meta Out(Meta meta) const {
    meta.depth = Depth::kF32;
    meta.planar = layout == Layout::kChw;
    return meta;
  }

 private:
  // Pictures of one level become 0.
  cv::Mat ByItself(const cv::Mat& in, ValueRange levels) const {
    std::vector<Moments> channels = in.depth() == CV_8U    ? Measure<std::uint8_t>(in)
                                    : in.depth() == CV_16U ? Measure<std::uint16_t>(in)
                                                           : Measure<float>(in);
    if (by == NormalizeBy::kImage || by == NormalizeBy::kMinMax) {
      Moments all;
      for (const Moments& channel : channels) all.Take(channel);
      std::fill(channels.begin(), channels.end(), all);
    }
    const bool deviations = by == NormalizeBy::kImage || by == NormalizeBy::kImagePerChannel;
    const double least = 1e-6 * (double{levels.hi} - levels.lo);
    std::vector<float> scale;
    std::vector<float> offset;
    for (const Moments& m : channels) {
      const double zero = deviations ? m.Mean() : m.low;
      const double one = deviations ? m.Deviation() : m.high - m.low;
      const double gain = one > least ? 1 / one : 0;
      scale.push_back(static_cast<float>(gain));
      offset.push_back(static_cast<float>(-zero * gain));
    }
    return ScaleChannels(in, scale, offset, layout);
  }
};

}  // namespace

void RegisterNormalize(Registry& registry) { registry.AddOperator<NormalizeOp>(); }

}  // namespace pixloom
