// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/zoom_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/kernels/pixel_math.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/zoom_kernel.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;

// out[i] = above[i] + share * (below[i] - above[i])
template <class T>
void MixRows(const T* above, const T* below, float share, float* out, std::size_t count) {
  const FloatTag d;
  const hn::Rebind<T, FloatTag> dt;
  const std::size_t lanes = hn::Lanes(d);
  const auto load = [&](const T* p) HWY_ATTR {
    if constexpr (std::is_same_v<T, float>) {
      return hn::LoadU(d, p);
    } else {
      return hn::ConvertTo(d, hn::PromoteTo(IntTag(), hn::LoadU(dt, p)));
    }
  };
  const auto w = hn::Set(d, share);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto a = load(above + i);
    hn::StoreU(hn::Add(a, hn::Mul(w, hn::Sub(load(below + i), a))), d, out + i);
  }
  for (; i < count; ++i) {
    const auto a = static_cast<float>(above[i]);
    out[i] = a + share * (static_cast<float>(below[i]) - a);
  }
}

// sums[i] += row[at[i]] + shares[i] * (row[at[i] + channels] - row[at[i]])
void AddBetween(const float* row, const std::int32_t* at, const float* shares, int channels,
                float* sums, std::size_t count) {
  const FloatTag d;
  const IntTag di;
  const std::size_t lanes = hn::Lanes(d);
  const auto size = static_cast<std::int32_t>(lanes);
  // Magnified, neighbours lie at most one pixel apart: the places of a vector fit two vectors from
  // the first pixel on.
  const auto pick = [&](const float* from, auto places) HWY_ATTR {
    const auto indices = hn::IndicesFromVec(d, hn::And(places, hn::Set(di, size - 1)));
    const auto beyond = hn::RebindMask(d, hn::Gt(places, hn::Set(di, size - 1)));
    const auto low = hn::TableLookupLanes(hn::LoadU(d, from), indices);
    return hn::IfThenElse(beyond, hn::TableLookupLanes(hn::LoadU(d, from + lanes), indices), low);
  };
  std::size_t i = 0;
  int channel = 0;
  for (; i + lanes <= count; i += lanes) {
    const std::int32_t first = at[i] - channel;
    const auto places = hn::Sub(hn::LoadU(di, at + i), hn::Set(di, first));
    const auto a = pick(row + first, places);
    const auto b = pick(row + first + channels, places);
    const auto mixed = hn::Add(a, hn::Mul(hn::LoadU(d, shares + i), hn::Sub(b, a)));
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), mixed), d, sums + i);
    channel = (channel + size) % channels;
  }
  for (; i < count; ++i) {
    const float* p = row + at[i];
    sums[i] += p[0] + shares[i] * (p[channels] - p[0]);
  }
}

void MixBytes(const std::uint8_t* a, const std::uint8_t* b, float w, float* out, std::size_t n) {
  MixRows(a, b, w, out, n);
}
void MixWords(const std::uint16_t* a, const std::uint16_t* b, float w, float* out, std::size_t n) {
  MixRows(a, b, w, out, n);
}
void MixFloats(const float* a, const float* b, float w, float* out, std::size_t n) {
  MixRows(a, b, w, out, n);
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {
namespace {

HWY_EXPORT(MixBytes);
HWY_EXPORT(MixWords);
HWY_EXPORT(MixFloats);
HWY_EXPORT(AddBetween);

void Mix(const std::uint8_t* a, const std::uint8_t* b, float w, float* out, std::size_t n) {
  HWY_DYNAMIC_DISPATCH(MixBytes)(a, b, w, out, n);
}
void Mix(const std::uint16_t* a, const std::uint16_t* b, float w, float* out, std::size_t n) {
  HWY_DYNAMIC_DISPATCH(MixWords)(a, b, w, out, n);
}
void Mix(const float* a, const float* b, float w, float* out, std::size_t n) {
  HWY_DYNAMIC_DISPATCH(MixFloats)(a, b, w, out, n);
}

// Where the pixels of a line of `n` are seen: between `at` and the next, `share` of the way.
struct Places {
  std::vector<int> at;
  std::vector<float> share;
};

Places Magnified(int n, double factor) {
  Places places;
  for (int i = 0; i < n; ++i) {
    const double middle = n / 2.0;
    const double from = std::clamp((i + 0.5 - middle) / factor + middle - 0.5, 0.0, n - 1.0);
    const int whole = static_cast<int>(std::floor(from));
    places.at.push_back(whole);
    places.share.push_back(static_cast<float>(from - whole));
  }
  return places;
}

// Readable behind the last value: two vectors and a pixel.
constexpr std::size_t kBehind = 128;
// Of so many channels a vector never holds more than the two tables.
constexpr int kMostChannels = 4;

struct Zoom {
  Places rows;
  std::vector<std::int32_t> at;  // in values, per value
  std::vector<float> share;
};

template <class T>
cv::Mat MeanTyped(const cv::Mat& image, std::span<const double> factors) {
  const auto channels = static_cast<std::size_t>(image.channels());
  const std::size_t values = static_cast<std::size_t>(image.cols) * channels;
  int whole = 0;  // how often the picture is seen as it is
  std::vector<Zoom> zooms;
  for (const double factor : factors) {
    if (factor == 1) {
      ++whole;
      continue;
    }
    Zoom& zoom = zooms.emplace_back();
    zoom.rows = Magnified(image.rows, factor);
    const Places columns = Magnified(image.cols, factor);
    for (std::size_t i = 0; i < values; ++i) {
      const std::size_t x = i / channels;
      zoom.at.push_back(static_cast<std::int32_t>(static_cast<std::size_t>(columns.at[x]) *  //
                                                      channels +
                                                  i % channels));
      zoom.share.push_back(columns.share[x]);
    }
  }
  std::vector<float> row(values + channels + kBehind);
  std::vector<float> sums(values);
  cv::Mat out(image.size(), image.type());
  const float scale = 1.0F / static_cast<float>(factors.size());
  for (int y = 0; y < image.rows; ++y) {
    const T* own = image.ptr<T>(y);
    for (std::size_t i = 0; i < values; ++i) {
      sums[i] = static_cast<float>(whole) * static_cast<float>(own[i]);
    }
    for (const Zoom& zoom : zooms) {
      const int above = zoom.rows.at[static_cast<std::size_t>(y)];
      const int below = std::min(above + 1, image.rows - 1);
      const auto first = static_cast<std::size_t>(zoom.at.front());
      const std::size_t seen = std::min(static_cast<std::size_t>(zoom.at.back()) + 1 + channels,  //
                                        values);
      Mix(image.ptr<T>(above) + first, image.ptr<T>(below) + first,
          zoom.rows.share[static_cast<std::size_t>(y)], row.data() + first, seen - first);
      // Beside the last pixel lies the last pixel.
      if (seen == values) {
        std::copy_n(row.data() + values - channels, channels, row.data() + values);
      }
      if (channels <= kMostChannels) {
        HWY_DYNAMIC_DISPATCH(AddBetween)
        (row.data(), zoom.at.data(), zoom.share.data(), image.channels(), sums.data(), values);
        continue;
      }
      for (std::size_t i = 0; i < values; ++i) {
        const float* p = row.data() + zoom.at[i];
        sums[i] += p[0] + zoom.share[i] * (p[channels] - p[0]);
      }
    }
    T* to = out.ptr<T>(y);
    for (std::size_t i = 0; i < values; ++i) to[i] = RoundTo<T>(sums[i] * scale);
  }
  return out;
}

}  // namespace

cv::Mat MeanOfZooms(const cv::Mat& image, std::span<const double> factors) {
  return WithDepth(image, [&](auto zero) { return MeanTyped<decltype(zero)>(image, factors); });
}

}  // namespace pixloom
#endif  // HWY_ONCE
