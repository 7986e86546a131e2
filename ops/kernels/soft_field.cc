// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/soft_field.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "ops/kernels/blend_rows.h"
#include "ops/kernels/filter_rows.h"
#include "ops/kernels/noise_kernel.h"
#include "ops/kernels/pixel_math.h"
#include "pipeline/error.h"
#include "pipeline/exact_math.h"

namespace pixloom {
namespace {

constexpr std::uint32_t kBlocksOfOctave = 1u << 22;
constexpr std::size_t kMaxOctaves = 8;

// The mean over a cell of the sum of squared weights, along one axis.
constexpr double kSplinePower = 151.0 / 315.0;

// Weights of nodes -1, 0, 1, 2 at `t` between nodes 0 and 1.
std::array<double, 4> SplineWeights(double t) {
  const double s = 1 - t;
  return {s * s * s / 6, 2.0 / 3 - t * t * (2 - t) / 2, 2.0 / 3 - s * s * (2 - s) / 2,
          t * t * t / 6};
}

// Where pixel i lies in a lattice: how many nodes come before, and how far it is to the next.
struct Place {
  std::size_t node;
  double t;
  Place(int pixel, double cell) {
    const double at = (pixel + 0.5) / cell;
    node = static_cast<std::size_t>(at);
    t = at - static_cast<double>(node);
  }
};

std::size_t NodesFor(int pixels, double cell) { return Place(pixels - 1, cell).node + 4; }

// in = lo + unit * (hi - lo)
struct Scale {
  float lo = 0;
  float span = 1;
};

template <class T>
Scale ScaleOf(ValueRange range) {
  if constexpr (std::is_floating_point_v<T>) {
    return {static_cast<float>(range.lo),
            static_cast<float>(static_cast<double>(range.hi) - range.lo)};
  }
  return {0, static_cast<float>(kLevels<T>)};
}

}  // namespace

std::vector<Octave> HalvingOctaves(double cell, int count, double falloff) {
  std::vector<Octave> octaves;
  double deviation = 1;
  double power = 0;
  for (int k = 0; k < count; ++k, cell /= 2, deviation *= falloff) {
    octaves.push_back({cell, deviation});
    power += deviation * deviation;
  }
  for (Octave& octave : octaves) octave.deviation /= std::sqrt(power);
  return octaves;
}

SoftField::SoftField(Size picture, std::span<const Octave> octaves, StreamKey key)
    : width_(static_cast<std::size_t>(picture.width)) {
  PIXLOOM_CHECK(octaves.size() <= kMaxOctaves, "more octaves than the stream has room for");
  const int longer = std::max(picture.width, picture.height);
  // Of one column: the first node, and the weights of four.
  std::vector<std::size_t> first(width_);
  std::vector<std::array<float, 4>> weights(width_);
  for (const Octave& octave : octaves) {
    Layer& layer = layers_.emplace_back();
    layer.cell = octave.cell * longer;
    const std::size_t columns = (NodesFor(longer, layer.cell) + 3) / 4 * 4;
    const std::size_t rows = NodesFor(picture.height, layer.cell);
    // Unit deviation in both directions together.
    const double gain = octave.deviation / kSplinePower;
    for (std::size_t x = 0; x < width_; ++x) {
      const Place place(static_cast<int>(x), layer.cell);
      const std::array<double, 4> spline = SplineWeights(place.t);
      first[x] = place.node;
      for (std::size_t k = 0; k < 4; ++k) weights[x][k] = static_cast<float>(gain * spline[k]);
    }
    std::vector<float> nodes(columns + kNormalPadding);
    layer.lines.resize(rows * width_);
    std::uint32_t block = static_cast<std::uint32_t>(layers_.size() - 1) * kBlocksOfOctave;
    for (std::size_t row = 0; row < rows; ++row, block += static_cast<std::uint32_t>(columns / 4)) {
      FillNormals(key, block, nodes.data(), columns);
      float* line = layer.lines.data() + row * width_;
      for (std::size_t x = 0; x < width_; ++x) {
        const float* node = nodes.data() + first[x];
        const std::array<float, 4>& w = weights[x];
        line[x] = (w[0] * node[0] + w[1] * node[1]) + (w[2] * node[2] + w[3] * node[3]);
      }
    }
  }
}

void SoftField::Row(int y, float* out) const {
  std::array<const float*, 4 * kMaxOctaves> rows;
  std::array<float, 4 * kMaxOctaves> weights;
  std::size_t count = 0;
  for (const Layer& layer : layers_) {
    const Place place(y, layer.cell);
    const std::array<double, 4> spline = SplineWeights(place.t);
    for (std::size_t k = 0; k < 4; ++k, ++count) {
      rows[count] = layer.lines.data() + (place.node + k) * width_;
      weights[count] = static_cast<float>(spline[k]);
    }
  }
  WeighRows(rows.data(), weights.data(), static_cast<int>(count), out, width_);
}

// Acklam's rational approximation, good to 1.2e-9 relative.
double NormalQuantileAbove(double share) {
  constexpr std::array a{-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                         1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr std::array b{-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                         6.680131188771972e+01, -1.328068155288572e+01};
  constexpr std::array c{-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                         -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr std::array d{7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                         3.754408661907416e+00};
  const auto series = [](const auto& factors, double x) {
    double sum = 0;
    for (const double factor : factors) sum = sum * x + factor;
    return sum;
  };
  constexpr double kTail = 0.02425;
  const double p = 1 - share;
  if (p < kTail || share < kTail) {
    const double q = std::sqrt(-2 * exact::Log(std::min(p, share)));
    const double x = series(c, q) / (series(d, q) * q + 1);
    return p < kTail ? x : -x;
  }
  const double q = p - 0.5;
  const double r = q * q;
  return series(a, r) * q / (series(b, r) * r + 1);
}

std::vector<float> OnChannels(std::span<const double> colour, int channels) {
  std::vector<float> levels(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < levels.size(); ++c) {
    levels[c] = static_cast<float>(colour[std::min(c, colour.size() - 1)]);
  }
  if (channels == 1 && colour.size() >= 3) {
    levels[0] = static_cast<float>(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]);
  }
  return levels;
}

cv::Mat BlendTowards(const cv::Mat& in, ValueRange range, std::span<const double> colour,
                     const ShareRow& share_of) {
  cv::Mat out(in.size(), in.type());
  const auto width = static_cast<std::size_t>(in.cols);
  const auto channels = static_cast<std::size_t>(in.channels());
  WithDepth(in, [&](auto zero) {
    using T = decltype(zero);
    const Scale scale = ScaleOf<T>(range);
    std::vector<float> target(width * channels);
    const std::vector<float> levels = OnChannels(colour, in.channels());
    for (std::size_t i = 0; i < target.size(); ++i) {
      target[i] = scale.lo + scale.span * levels[i % channels];
    }
    std::vector<float> share(width);
    std::vector<float> spread(width * channels);
    for (int y = 0; y < in.rows; ++y) {
      share_of(y, share.data());
      const float* each = share.data();
      if (channels > 1) {
        SpreadOverChannels(share.data(), in.channels(), spread.data(), width);
        each = spread.data();
      }
      BlendRow(in.ptr<T>(y), each, target.data(), out.ptr<T>(y), target.size());
    }
  });
  return out;
}

cv::Mat BlendLayerTowards(const cv::Mat& in, ValueRange range, std::span<const double> colour,
                          const cv::Mat& layer) {
  const auto width = static_cast<std::size_t>(in.cols);
  return BlendTowards(in, range, colour, [&](int y, float* share) {
    ToFloat(layer.ptr<std::uint8_t>(y), share, width);
    for (std::size_t x = 0; x < width; ++x) share[x] *= 1.0F / 255;
  });
}

cv::Mat BlendValues(const cv::Mat& in, ValueRange range, const LayerRow& layer_of) {
  cv::Mat out(in.size(), in.type());
  const std::size_t values =
      static_cast<std::size_t>(in.cols) * static_cast<std::size_t>(in.channels());
  WithDepth(in, [&](auto zero) {
    using T = decltype(zero);
    const Scale scale = ScaleOf<T>(range);
    std::vector<float> share(values, 0.0F);
    std::vector<float> target(values, 1.0F);
    std::vector<float> levels(values);
    for (int y = 0; y < in.rows; ++y) {
      layer_of(y, share.data(), target.data());
      for (std::size_t i = 0; i < values; ++i) levels[i] = scale.lo + scale.span * target[i];
      BlendRow(in.ptr<T>(y), share.data(), levels.data(), out.ptr<T>(y), values);
    }
  });
  return out;
}

}  // namespace pixloom
