// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/bilateral_kernel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/kernels/pixel_math.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/bilateral_kernel.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

// exp(x) for x <= 0, relative error 2e-7; 0 below -87 (Cephes' expf).
HWY_INLINE FloatVec ExpNegative(FloatTag d, FloatVec x) {
  const hn::RebindToSigned<FloatTag> di;
  const auto least = hn::Set(d, -87.0F);
  const auto nothing = hn::Lt(x, least);
  x = hn::Max(x, least);
  // x log2(e) - 0.5, cut towards 0: the nearest whole number of an x that is not positive.
  const auto whole =
      hn::ConvertTo(di, hn::Sub(hn::Mul(x, hn::Set(d, 1.44269504088896341F)), hn::Set(d, 0.5F)));
  const auto n = hn::ConvertTo(d, whole);
  auto r = hn::Sub(x, hn::Mul(n, hn::Set(d, 0.693359375F)));
  r = hn::Sub(r, hn::Mul(n, hn::Set(d, -2.12194440e-4F)));
  auto p = hn::Set(d, 1.9875691500e-4F);
  for (const float next :
       {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F, 1.6666665459e-1F, 0.5F}) {
    p = hn::Add(hn::Mul(p, r), hn::Set(d, next));
  }
  p = hn::Add(hn::Add(hn::Mul(hn::Mul(p, r), r), r), hn::Set(d, 1.0F));
  const auto scale = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(whole, hn::Set(di, 127))));
  return hn::IfThenZeroElse(nothing, hn::Mul(p, scale));
}

// One neighbour of a row of pixels: weights from the differences, added up with the values they
// weigh. planes[c], others[c]: the row and its neighbour; total and sums[c] grow.
void AddNeighbour(const float* const* planes, const float* const* others, int channels, int colours,
                  float colour_factor, float distance, float* weights, float* total,
                  float* const* sums, std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, colour_factor);
  const auto space = hn::Set(d, distance);
  for (std::size_t i = 0; i < count; i += lanes) {
    auto difference = hn::Abs(hn::Sub(hn::LoadU(d, others[0] + i), hn::LoadU(d, planes[0] + i)));
    for (int c = 1; c < colours; ++c) {
      difference = hn::Add(
          difference, hn::Abs(hn::Sub(hn::LoadU(d, others[c] + i), hn::LoadU(d, planes[c] + i))));
    }
    const auto square = hn::Mul(hn::Mul(difference, difference), factor);
    const auto weight = ExpNegative(d, hn::Sub(hn::Neg(square), space));
    hn::StoreU(weight, d, weights + i);
    hn::StoreU(hn::Add(hn::LoadU(d, total + i), weight), d, total + i);
  }
  for (int c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < count; i += lanes) {
      const auto weighed = hn::Mul(hn::LoadU(d, weights + i), hn::LoadU(d, others[c] + i));
      hn::StoreU(hn::Add(hn::LoadU(d, sums[c] + i), weighed), d, sums[c] + i);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {
namespace {

HWY_EXPORT(AddNeighbour);

// Rows are padded, so that loops may run over whole vectors of any CPU.
constexpr std::size_t kVectorPadding = 64;

struct Neighbour {
  int x = 0;
  int y = 0;
  float distance = 0;  // x^2 + y^2 over 2 sigma^2
};

// The picture channel by channel with a margin all around.
class Planes {
 public:
  Planes(const cv::Mat& image, int radius)
      : radius_(radius),
        width_(static_cast<std::size_t>(image.cols) + 2 * static_cast<std::size_t>(radius) +
               kVectorPadding),
        height_(static_cast<std::size_t>(image.rows) + 2 * static_cast<std::size_t>(radius)),
        values_(width_ * height_ * static_cast<std::size_t>(image.channels())) {
    WithDepth(image, [&](auto zero) { Fill<decltype(zero)>(image); });
  }

  const float* Row(int channel, int x, int y) const {
    return values_.data() + Offset(channel, y) + static_cast<std::size_t>(x + radius_);
  }

 private:
  std::size_t Offset(int channel, int y) const {
    return (static_cast<std::size_t>(channel) * height_ + static_cast<std::size_t>(y + radius_)) *
           width_;
  }

  template <class T>
  void Fill(const cv::Mat& image) {
    const int channels = image.channels();
    for (int y = -radius_; y < image.rows + radius_; ++y) {
      const T* in = image.ptr<T>(BorderIndex(y, image.rows, Border::kReflect101));
      for (int c = 0; c < channels; ++c) {
        float* out = values_.data() + Offset(c, y) + radius_;
        for (int x = 0; x < image.cols; ++x) {
          out[x] = static_cast<float>(in[std::ptrdiff_t{x} * channels + c]);
        }
        for (int x = 1; x <= radius_; ++x) {
          out[-x] = out[BorderIndex(-x, image.cols, Border::kReflect101)];
          out[image.cols - 1 + x] =
              out[BorderIndex(image.cols - 1 + x, image.cols, Border::kReflect101)];
        }
      }
    }
  }

  int radius_;
  std::size_t width_;
  std::size_t height_;
  std::vector<float> values_;
};

template <class T>
void StoreMeans(const std::vector<float*>& sums, const float* total, int pixels, T* out) {
  for (int x = 0; x < pixels; ++x) {
    for (const float* sum : sums) *out++ = RoundTo<T>(sum[x] / total[x]);
  }
}

}  // namespace

cv::Mat BilateralFilter(const cv::Mat& image, int diameter, double sigma_colour,
                        double sigma_space) {
  const int radius = diameter / 2;
  std::vector<Neighbour> disk;
  for (int y = -radius; y <= radius; ++y) {
    for (int x = -radius; x <= radius; ++x) {
      const int square = x * x + y * y;
      if (square > radius * radius) continue;
      disk.push_back({x, y, static_cast<float>(square / (2 * sigma_space * sigma_space))});
    }
  }
  const Planes planes(image, radius);
  const int channels = image.channels();
  const int colours = channels == 4 ? 3 : channels;
  const auto factor = static_cast<float>(1 / (2 * sigma_colour * sigma_colour));
  const auto pixels = static_cast<std::size_t>(image.cols);
  const std::size_t wide = pixels + kVectorPadding;
  std::vector<float> weights(wide);
  std::vector<float> values(wide * static_cast<std::size_t>(channels + 1));
  std::vector<float*> sums;
  std::vector<const float*> own(static_cast<std::size_t>(channels));
  std::vector<const float*> others(own.size());
  float* total = values.data();
  for (int c = 1; c <= channels; ++c) {
    sums.push_back(values.data() + static_cast<std::size_t>(c) * wide);
  }
  cv::Mat out(image.size(), image.type());
  for (int y = 0; y < image.rows; ++y) {
    std::fill(values.begin(), values.end(), 0.0F);
    for (int c = 0; c < channels; ++c) own[static_cast<std::size_t>(c)] = planes.Row(c, 0, y);
    for (const Neighbour& n : disk) {
      for (int c = 0; c < channels; ++c) {
        others[static_cast<std::size_t>(c)] = planes.Row(c, n.x, y + n.y);
      }
      HWY_DYNAMIC_DISPATCH(AddNeighbour)
      (own.data(), others.data(), channels, colours, factor, n.distance, weights.data(), total,
       sums.data(), pixels);
    }
    WithDepth(out,
              [&](auto zero) { StoreMeans(sums, total, image.cols, out.ptr<decltype(zero)>(y)); });
  }
  return out;
}

}  // namespace pixloom
#endif  // HWY_ONCE
