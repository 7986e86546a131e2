// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/resize_bytes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "ops/kernels/resize_rows.h"

namespace pixloom {
namespace {

// 8 bits of level, the bits below it, those of a weight, and one for negative weights fill 31.
constexpr int kSumBits = 22;
// Bits below the level between the passes: an overshoot of half the range fits 16 bits, too.
constexpr int kMostBelowLevel = 6;
// Weights of zero are left out at the ends, so that the next pixel may start before the last one.
constexpr int kSpareRows = 4;

bool AreNeighbours(const Taps& taps) {
  for (std::size_t i = 0; i + 1 < taps.first.size(); ++i) {
    if (taps.outside[i] != 0 || taps.first[i] == taps.first[i + 1]) return false;
    for (std::size_t k = taps.first[i] + 1; k < taps.first[i + 1]; ++k) {
      if (taps.index[k] != taps.index[k - 1] + 1) return false;
    }
  }
  return true;
}

// The most bits with which every weight fits 16.
int WeightBits(const Taps& taps) {
  float largest = 0;
  for (const float weight : taps.weight) largest = std::max(largest, std::abs(weight));
  int bits = kSumBits;
  while (bits > 1 && std::ldexp(largest, bits) > 32766) --bits;
  return bits;
}

// Rounding errors go to the next weight, so that flat pictures stay as they are.
void Quantise(std::span<const float> weights, int bits, std::span<std::int16_t> out) {
  double carry = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double exact = std::ldexp(static_cast<double>(weights[k]), bits) + carry;
    const double whole = std::floor(exact + 0.5);
    out[k] = static_cast<std::int16_t>(whole);
    carry = exact - whole;
  }
}

std::span<const float> WeightsOf(const Taps& taps, int i) {
  return {&taps.weight[taps.first[static_cast<std::size_t>(i)]],
          static_cast<std::size_t>(taps.Count(i))};
}

int FirstTap(const Taps& taps, int i) {
  return taps.index[taps.first[static_cast<std::size_t>(i)]];
}

AcrossPlan PlanAcross(const Taps& taps, int width, int low, int channels) {
  AcrossPlan plan;
  int most = 0;
  for (int x = 0; x < width; ++x) most = std::max(most, taps.Count(x));
  plan.groups = (most + kTapsAtOnce - 1) / kTapsAtOnce;
  const int bits = WeightBits(taps);
  plan.shift = bits;
  plan.weights.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(plan.groups) * 16,
                      0);
  std::vector<std::int16_t> whole(static_cast<std::size_t>(plan.groups) * kTapsAtOnce);
  std::int16_t* to = plan.weights.data();
  for (int x = 0; x < width; ++x) {
    plan.start.push_back((FirstTap(taps, x) - low) * channels);
    std::fill(whole.begin(), whole.end(), std::int16_t{0});
    Quantise(WeightsOf(taps, x), bits, whole);
    for (std::size_t k = 0; k < whole.size(); k += 2) {
      for (int copy = 0; copy < 4; ++copy) {
        *to++ = whole[k];
        *to++ = whole[k + 1];
      }
    }
  }
  return plan;
}

// Source rows, filtered across in batches as they are asked for, in ascending order.
class AcrossRows {
 public:
  AcrossRows(const ImageView& source, const AcrossPlan& plan, int low, int used, int first,
             int last, int held)
      : source_(source),
        plan_(plan),
        channels_(source.pixels.channels()),
        low_(low),
        bytes_(static_cast<std::size_t>(used) * static_cast<std::size_t>(channels_)),
        last_(last),
        next_(first),
        ring_(held + kRowsAcross + kSpareRows),
        stride_(plan.start.size() * static_cast<std::size_t>(channels_) + kAcrossSlack),
        values_(stride_ * static_cast<std::size_t>(ring_ + 1)) {
    const std::size_t padded =
        bytes_ + kAcrossSlack + static_cast<std::size_t>(plan.groups * kTapsAtOnce * channels_);
    for (auto& copy : copies_) copy.assign(padded, 0);
  }

  const std::int16_t* Row(int y) {
    while (next_ <= y) Fill();
    return Slot(y);
  }

 private:
  std::int16_t* Slot(int y) {
    return values_.data() + static_cast<std::size_t>(y % ring_) * stride_;
  }

  void Fill() {
    const std::uint8_t* rows[kRowsAcross];
    std::int16_t* out[kRowsAcross];
    for (int i = 0; i < kRowsAcross; ++i) {
      const int y = next_ + i;
      auto& copy = copies_[static_cast<std::size_t>(i)];
      rows[i] = copy.data();
      // Rows that are not there are worked on all the same, and thrown away.
      out[i] = y <= last_ ? Slot(y) : values_.data() + static_cast<std::size_t>(ring_) * stride_;
      if (y > last_) continue;
      // A copy may be read past its end.
      std::memcpy(copy.data(),
                  source_.pixels.ptr(y - source_.origin.y) +
                      std::ptrdiff_t{low_ - source_.origin.x} * channels_,
                  bytes_);
    }
    FilterAcross(rows, plan_, channels_, out);
    next_ += kRowsAcross;
  }

  const ImageView& source_;
  const AcrossPlan& plan_;
  int channels_;
  int low_;
  std::size_t bytes_;
  int last_;
  int next_;
  int ring_;
  std::size_t stride_;
  std::vector<std::int16_t> values_;
  std::array<std::vector<std::uint8_t>, kRowsAcross> copies_;
};

}  // namespace

bool CanResizeBytes(const ImageView& source, const Taps& columns, const Taps& rows) {
  const int channels = source.pixels.channels();
  return source.pixels.depth() == CV_8U && (channels == 3 || channels == 4) &&
         AreNeighbours(columns) && AreNeighbours(rows);
}

cv::Mat ResizeBytes(const ImageView& source, const Taps& columns, const Taps& rows, bool saturate) {
  const int width = static_cast<int>(columns.outside.size());
  const int height = static_cast<int>(rows.outside.size());
  const auto [low, high] = std::minmax_element(columns.index.begin(), columns.index.end());
  const auto [first, last] = std::minmax_element(rows.index.begin(), rows.index.end());
  int most = 0;
  for (int y = 0; y < height; ++y) most = std::max(most, rows.Count(y));

  const int bits = WeightBits(rows);
  const int below = std::clamp(kSumBits - bits, 0, kMostBelowLevel);
  AcrossPlan plan = PlanAcross(columns, width, *low, source.pixels.channels());
  plan.shift -= below;
  plan.low = saturate ? 0 : INT16_MIN;
  plan.high = saturate ? 255 << below : INT16_MAX;
  AcrossRows across(source, plan, *low, *high - *low + 1, *first, *last, most);

  cv::Mat out(height, width, source.pixels.type());
  std::vector<const std::int16_t*> inputs(static_cast<std::size_t>(most) + 1);
  std::vector<std::int16_t> whole(static_cast<std::size_t>(most) + 1);
  std::vector<std::int32_t> pairs(inputs.size());
  const bool upwards = FirstTap(rows, 0) > FirstTap(rows, height - 1);
  for (int i = 0; i < height; ++i) {
    const int y = upwards ? height - 1 - i : i;
    const int count = rows.Count(y);
    std::fill(whole.begin(), whole.end(), std::int16_t{0});
    Quantise(WeightsOf(rows, y), bits, whole);
    // The last row first: it makes room for all of them.
    for (int k = count; k > 0;) {
      --k;
      inputs[static_cast<std::size_t>(k)] = across.Row(FirstTap(rows, y) + k);
    }
    inputs[static_cast<std::size_t>(count)] = inputs[0];  // the odd one out weighs nothing
    const int pair_count = (count + 1) / 2;
    for (int k = 0; k < pair_count; ++k) {
      const auto at = static_cast<std::size_t>(2 * k);
      pairs[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(
          static_cast<std::uint16_t>(whole[at]) |
          static_cast<std::uint32_t>(static_cast<std::uint16_t>(whole[at + 1])) << 16);
    }
    FilterDown(
        inputs.data(), pairs.data(), pair_count, bits + below, out.ptr(y),
        static_cast<std::size_t>(width) * static_cast<std::size_t>(source.pixels.channels()));
  }
  return out;
}

}  // namespace pixloom
