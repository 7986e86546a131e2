// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/warp_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "ops/kernels/pixel_math.h"
#include "ops/kernels/sampler.h"
#include "ops/kernels/sampler_rows.h"

namespace pixloom {
namespace {

class MatrixPositions : public PositionMap {
 public:
  explicit MatrixPositions(const Matrix& inverse) : inverse_(inverse) {}

  void Block(int x, int y, int /*count*/, double* source_x, double* source_y) const override {
    MapPositions(inverse_.m.data(), inverse_.IsAffine(), x, y, source_x, source_y);
  }

 private:
  Matrix inverse_;
};

// Block (x, y) of the result is the mean of pixels [x f, (x + 1) f) x [y f, (y + 1) f) of the full
// picture, as far as there are any.
template <class T>
ImageView AverageBlocks(const ImageView& source, int factor) {
  const int channels = source.pixels.channels();
  const cv::Point last(source.origin.x + source.pixels.cols - 1,
                       source.origin.y + source.pixels.rows - 1);
  ImageView coarse;
  coarse.origin = {source.origin.x / factor, source.origin.y / factor};
  coarse.full = {(source.full.width + factor - 1) / factor,
                 (source.full.height + factor - 1) / factor};
  coarse.pixels.create(last.y / factor - coarse.origin.y + 1, last.x / factor - coarse.origin.x + 1,
                       CV_MAKETYPE(CV_32F, channels));
  using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
  std::vector<Sum> sums(static_cast<std::size_t>(coarse.pixels.cols) *
                        static_cast<std::size_t>(channels));
  for (int by = 0; by < coarse.pixels.rows; ++by) {
    std::fill(sums.begin(), sums.end(), Sum{0});
    const int y0 = std::max((coarse.origin.y + by) * factor, source.origin.y);
    const int y1 = std::min((coarse.origin.y + by + 1) * factor - 1, last.y);
    const auto columns = [&](int bx) {
      return std::pair(std::max((coarse.origin.x + bx) * factor, source.origin.x),
                       std::min((coarse.origin.x + bx + 1) * factor - 1, last.x));
    };
    for (int y = y0; y <= y1; ++y) {
      const T* row = source.pixels.ptr<T>(y - source.origin.y);
      for (int bx = 0; bx < coarse.pixels.cols; ++bx) {
        Sum* sum = &sums[static_cast<std::size_t>(bx * channels)];
        const auto [x0, x1] = columns(bx);
        for (int x = x0; x <= x1; ++x, row += channels) {
          for (int c = 0; c < channels; ++c) sum[c] += row[c];
        }
      }
    }
    float* out = coarse.pixels.ptr<float>(by);
    for (int bx = 0; bx < coarse.pixels.cols; ++bx) {
      const auto [x0, x1] = columns(bx);
      const double area = static_cast<double>(x1 - x0 + 1) * (y1 - y0 + 1);
      for (int c = 0; c < channels; ++c) {
        const auto i = static_cast<std::size_t>(bx * channels + c);
        out[i] = static_cast<float>(static_cast<double>(sums[i]) / area);
      }
    }
  }
  return coarse;
}

// Factors up to which 16 bits hold the sum of a block.
constexpr int kMostForMeans = 16;

// The same of three or four channels of uint8, as SampleAt takes means.
ImageView ByteMeans(const ImageView& source, int factor) {
  const int channels = source.pixels.channels();
  const cv::Point last(source.origin.x + source.pixels.cols - 1,
                       source.origin.y + source.pixels.rows - 1);
  ImageView coarse;
  coarse.origin = {source.origin.x / factor, source.origin.y / factor};
  coarse.full = {(source.full.width + factor - 1) / factor,
                 (source.full.height + factor - 1) / factor};
  const int columns = last.x / factor - coarse.origin.x + 1;
  coarse.pixels.create(last.y / factor - coarse.origin.y + 1, columns,
                       CV_MAKETYPE(CV_16U, channels));
  // A row of sums holds whole blocks; what is not there adds nothing.
  const auto values = static_cast<std::size_t>(columns * factor * channels);
  std::vector<std::uint16_t> sums(values + 4);
  std::vector<std::uint16_t> means(static_cast<std::size_t>(columns * channels) + 4);
  const int lead = source.origin.x - coarse.origin.x * factor;
  for (int by = 0; by < coarse.pixels.rows; ++by) {
    const int y0 = std::max((coarse.origin.y + by) * factor, source.origin.y);
    const int y1 = std::min((coarse.origin.y + by + 1) * factor - 1, last.y);
    const std::uint8_t* rows[kMostForMeans];
    for (int y = y0; y <= y1; ++y) rows[y - y0] = source.pixels.ptr(y - source.origin.y);
    SumRows(rows, y1 - y0 + 1, &sums[static_cast<std::size_t>(lead * channels)],
            static_cast<std::size_t>(source.pixels.cols * channels));
    BlockMeans(sums.data(), factor, channels, means.data(), static_cast<std::size_t>(columns));
    auto* out = coarse.pixels.ptr<std::uint16_t>(by);
    std::copy_n(means.begin(), columns * channels, out);
    // Blocks that miss rows or columns are divided by what they have.
    const auto divide = [&](int bx) {
      const int x0 = std::max((coarse.origin.x + bx) * factor, source.origin.x);
      const int x1 = std::min((coarse.origin.x + bx + 1) * factor - 1, last.x);
      const int area = (x1 - x0 + 1) * (y1 - y0 + 1);
      if (area == factor * factor) return;
      for (int c = 0; c < channels; ++c) {
        int sum = 0;
        for (int k = 0; k < factor; ++k) {
          sum += sums[static_cast<std::size_t>((bx * factor + k) * channels + c)];
        }
        out[bx * channels + c] = static_cast<std::uint16_t>(((sum << kMeanBits) + area / 2) / area);
      }
    };
    const bool all_rows = y1 - y0 + 1 == factor;
    for (int bx = 0; bx < columns; bx += all_rows ? std::max(columns - 1, 1) : 1) divide(bx);
  }
  return coarse;
}

}  // namespace

int PrefilterFactor(const AffineGroup& group) {
  if (group.resampling == Resampling::kNearest) return 1;
  const Point centre = group.map.Inverse()({group.out.width / 2.0, group.out.height / 2.0});
  const double largest = group.map.LargestStretch(centre);
  // The slack keeps exactly one half, or one third, from counting as a little less or more.
  if (!(largest > 0 && largest < 0.5 - 1e-9)) return 1;
  const double factor = std::floor(1 / largest + 1e-9);
  return static_cast<int>(std::min<double>(factor, std::max({group.in.width, group.in.height, 1})));
}

cv::Mat Warp(const ImageView& source, const AffineGroup& group) {
  const int depth = source.pixels.depth();
  const int factor = PrefilterFactor(group);
  const Matrix inverse = group.map.Inverse();
  if (factor == 1) {
    return SampleAt(source, MatrixPositions(inverse), group.out, depth, group.border,
                    group.resampling);
  }
  const int channels = source.pixels.channels();
  const bool bytes = depth == CV_8U && (channels == 3 || channels == 4) &&
                     factor <= kMostForMeans && BlendsTwoByTwo(group.resampling);
  const ImageView coarse =
      bytes ? ByteMeans(source, factor) : WithDepth(source.pixels, [&](auto zero) {
        return AverageBlocks<decltype(zero)>(source, factor);
      });
  const Matrix to_coarse = Matrix::Scale(1.0 / factor, 1.0 / factor) * inverse;
  return SampleAt(coarse, MatrixPositions(to_coarse), group.out, depth, group.border,
                  group.resampling);
}

}  // namespace pixloom
