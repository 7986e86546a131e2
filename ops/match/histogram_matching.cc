// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "ops/match/reference.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// The distribution of one channel: values that occur, in unit scale, and which share of all is not
// above each.
struct Distribution {
  std::vector<double> values;
  std::vector<double> shares;

  // The value at a share, interpolated; shares asked for one after the other only grow.
  class Walk {
   public:
    explicit Walk(const Distribution& of) : of_(of) {}
    double At(double share) {
      const auto& s = of_.shares;
      while (next_ < s.size() && s[next_] < share) ++next_;
      if (next_ == 0) return of_.values.front();
      if (next_ == s.size()) return of_.values.back();
      const double part = (share - s[next_ - 1]) / (s[next_] - s[next_ - 1]);
      return of_.values[next_ - 1] + part * (of_.values[next_] - of_.values[next_ - 1]);
    }

   private:
    const Distribution& of_;
    std::size_t next_ = 0;
  };
};

template <class T>
std::vector<std::uint64_t> Counts(const cv::Mat& pixels, int channel) {
  std::vector<std::uint64_t> counts(std::size_t{1} << (8 * sizeof(T)));
  for (int y = 0; y < pixels.rows; ++y) {
    const T* row = pixels.ptr<T>(y);
    for (int x = 0; x < pixels.cols; ++x) ++counts[row[x * pixels.channels() + channel]];
  }
  return counts;
}

// Bits of a float in the order of its value.
std::uint32_t Ordered(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

// The values of a channel in rising order, and where each comes from.
std::vector<std::uint64_t> Sorted(const cv::Mat& pixels, int channel) {
  std::vector<std::uint64_t> keys;
  keys.reserve(pixels.total());
  for (int y = 0; y < pixels.rows; ++y) {
    const auto* row = pixels.ptr<float>(y);
    for (int x = 0; x < pixels.cols; ++x) {
      const float value = row[x * pixels.channels() + channel] + 0.0F;  // one zero
      keys.push_back(std::uint64_t{Ordered(value)} << 32 | keys.size());
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

// Calls fn(first, end) for each group of equal values.
template <class Fn>
void ForEachValue(const std::vector<std::uint64_t>& keys, Fn fn) {
  for (std::size_t i = 0; i < keys.size();) {
    std::size_t end = i;
    while (end < keys.size() && keys[end] >> 32 == keys[i] >> 32) ++end;
    fn(i, end);
    i = end;
  }
}

float& ValueAt(cv::Mat& pixels, std::uint64_t key, int channel) {
  const auto index = static_cast<std::int64_t>(key & 0xFFFFFFFFu);
  return pixels.ptr<float>(
      static_cast<int>(index / pixels.cols))[index % pixels.cols * pixels.channels() + channel];
}

struct Distributions {
  std::vector<Distribution> channels;

  static Distributions Of(const ReferencePicture& picture) {
    Distributions result;
    const auto total = static_cast<double>(picture.pixels.total());
    for (int c = 0; c < picture.pixels.channels(); ++c) {
      Distribution& d = result.channels.emplace_back();
      const auto add = [&](double level, std::uint64_t up_to) {
        d.values.push_back((level - picture.Low()) / picture.Span());
        d.shares.push_back(static_cast<double>(up_to) / total);
      };
      WithDepth(picture.pixels, [&](auto zero) {
        using T = decltype(zero);
        if constexpr (std::is_integral_v<T>) {
          std::uint64_t sum = 0;
          const std::vector<std::uint64_t> counts = Counts<T>(picture.pixels, c);
          for (std::size_t level = 0; level < counts.size(); ++level) {
            sum += counts[level];
            if (counts[level] > 0) add(static_cast<double>(level), sum);
          }
        } else {
          cv::Mat pixels = picture.pixels;
          const std::vector<std::uint64_t> keys = Sorted(pixels, c);
          ForEachValue(keys, [&](std::size_t first, std::size_t end) {
            add(ValueAt(pixels, keys[first], c), end);
          });
        }
      });
    }
    return result;
  }
};

template <class T>
void MatchChannel(cv::Mat& out, int channel, const Distribution& to, double blend,
                  ValueRange range) {
  const double low = LowOf(out, range);
  const double span = SpanOf(out, range);
  const auto total = static_cast<double>(out.total());
  Distribution::Walk walk(to);
  const auto matched = [&](double level, std::uint64_t up_to) {
    const double target = walk.At(static_cast<double>(up_to) / total) * span + low;
    return level + blend * (target - level);
  };
  if constexpr (std::is_integral_v<T>) {
    const std::vector<std::uint64_t> counts = Counts<T>(out, channel);
    std::vector<T> table(counts.size());
    std::uint64_t sum = 0;
    for (std::size_t level = 0; level < counts.size(); ++level) {
      sum += counts[level];
      if (counts[level] > 0) table[level] = RoundTo<T>(matched(static_cast<double>(level), sum));
    }
    for (int y = 0; y < out.rows; ++y) {
      T* row = out.ptr<T>(y) + channel;
      for (int x = 0; x < out.cols; ++x) row[x * out.channels()] = table[row[x * out.channels()]];
    }
  } else {
    const std::vector<std::uint64_t> keys = Sorted(out, channel);
    ForEachValue(keys, [&](std::size_t first, std::size_t end) {
      const auto value = static_cast<float>(matched(ValueAt(out, keys[first], channel), end));
      for (std::size_t i = first; i < end; ++i) ValueAt(out, keys[i], channel) = value;
    });
  }
}

struct HistogramMatching : Matches {
  Range blend{0.5, 1};

  static constexpr std::string_view kName = "histogram_matching";
  static constexpr std::string_view kDoc =
      "Give each channel the distribution of levels that a reference picture has.";
  static constexpr std::array<std::string_view, 1> kAliases{"HistogramMatching"};
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(Matches::Table<HistogramMatching>(),
                          std::tuple{Param("blend", &HistogramMatching::blend)
                                         .In(0, 1)
                                         .Unit("share")
                                         .Alias("blend_ratio")
                                         .Doc("Share of the matched picture in the result.")});
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts&) const {
    const double share = rng.Draw("blend", blend);
    return MatchTo<Distributions>(
        rng, [share](const cv::Mat& in, ValueRange range, const Distributions& to) {
          cv::Mat out = in.clone();
          for (int c = 0; c < Colours(in); ++c) {
            WithDepth(out, [&](auto zero) {
              MatchChannel<decltype(zero)>(out, c, to.channels[static_cast<std::size_t>(c)], share,
                                           range);
            });
          }
          return out;
        });
  }
};

}  // namespace

void RegisterHistogramMatching(Registry& registry) { registry.AddOperator<HistogramMatching>(); }

}  // namespace pixloom
