// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/resize_kernel.h"

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <type_traits>
#include <vector>

#include "ops/geometry/axis_map.h"
#include "ops/kernels/copy_kernel.h"
#include "ops/kernels/filter_rows.h"
#include "ops/kernels/pixel_math.h"
#include "ops/kernels/resize_bytes.h"
#include "ops/kernels/resize_taps.h"

namespace pixloom {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// One output row from a row of values. `sums` holds columns from `low` on and is readable four
// floats past its end.
template <class T>
void ResampleRow(const float* sums, int low, const Taps& taps, const std::vector<float>& fill,
                 int width, int channels, T* out) {
  for (int x = 0; x < width; ++x, out += channels) {
    const std::size_t begin = taps.first[static_cast<std::size_t>(x)];
    const std::size_t end = taps.first[static_cast<std::size_t>(x) + 1];
    const float outside = taps.outside[static_cast<std::size_t>(x)];
    if (channels == 3 || channels == 4) {
      const hn::FixedTag<float, 4> d;
      auto sum = hn::Mul(hn::Set(d, outside), hn::LoadU(d, fill.data()));
      for (std::size_t k = begin; k < end; ++k) {
        const auto pixel = hn::LoadU(d, sums + std::ptrdiff_t{taps.index[k] - low} * channels);
        sum = hn::Add(sum, hn::Mul(hn::Set(d, taps.weight[k]), pixel));
      }
      alignas(16) float values[4];
      hn::Store(sum, d, values);
      for (int c = 0; c < channels; ++c) out[c] = RoundTo<T>(values[c]);
    } else {
      for (int c = 0; c < channels; ++c) {
        float sum = outside * fill[static_cast<std::size_t>(c)];
        for (std::size_t k = begin; k < end; ++k) {
          sum += taps.weight[k] * sums[std::ptrdiff_t{taps.index[k] - low} * channels + c];
        }
        out[c] = RoundTo<T>(sum);
      }
    }
  }
}

// The columns that any tap reads.
struct Span {
  int low = 0;
  int count = 0;

  explicit Span(const std::vector<int>& indices) {
    if (indices.empty()) return;
    const auto [a, b] = std::minmax_element(indices.begin(), indices.end());
    low = *a;
    count = *b - *a + 1;
  }
};

std::vector<float> FillFloats(const std::array<double, 4>& levels, int channels) {
  std::vector<float> fill = FillPixel<float>(levels, channels);
  fill.resize(std::max<std::size_t>(fill.size(), 4));
  return fill;
}

// The vertical pass comes first: it runs along whole rows, and only output rows reach the
// horizontal one. Sums are float32, taps in ascending order.
template <class T>
cv::Mat ResampleDownFirst(const ImageView& source, const Taps& columns, const Taps& rows, Size size,
                          const std::array<double, 4>& fill_levels) {
  const int channels = source.pixels.channels();
  cv::Mat out(size.height, size.width, source.pixels.type());
  const std::vector<float> fill = FillFloats(fill_levels, channels);
  const auto [low, used] = Span(columns.index);
  const auto count = static_cast<std::size_t>(used * channels);
  std::vector<float> sums(count + 4);
  std::vector<const T*> inputs;
  for (int y = 0; y < size.height; ++y) {
    const auto row = static_cast<std::size_t>(y);
    inputs.clear();
    for (std::size_t k = rows.first[row]; k < rows.first[row + 1]; ++k) {
      inputs.push_back(source.pixels.ptr<T>(rows.index[k] - source.origin.y) +
                       std::ptrdiff_t{low - source.origin.x} * channels);
    }
    if (inputs.empty()) {
      std::fill(sums.begin(), sums.end(), 0.0F);
    } else if (count > 0) {
      WeighRows(inputs.data(), &rows.weight[rows.first[row]], static_cast<int>(inputs.size()),
                sums.data(), count);
    }
    if (rows.outside[row] != 0) {
      for (std::size_t i = 0; i < count; ++i) {
        sums[i] += rows.outside[row] * fill[i % static_cast<std::size_t>(channels)];
      }
    }
    ResampleRow(sums.data(), low, columns, fill, size.width, channels, out.ptr<T>(y));
  }
  return out;
}

// The horizontal pass comes first and its results saturate. Every source row is filtered once and
// kept: pictures of this path are few.
template <class T>
cv::Mat ResampleAcrossFirst(const ImageView& source, const Taps& columns, const Taps& rows,
                            Size size, const std::array<double, 4>& fill_levels) {
  const int channels = source.pixels.channels();
  const std::vector<float> fill = FillFloats(fill_levels, channels);
  const auto [low, used] = Span(columns.index);
  const auto [first, held] = Span(rows.index);
  const auto count = static_cast<std::size_t>(used * channels);
  const auto width = static_cast<std::size_t>(size.width * channels);
  std::vector<float> wide(count + 4);
  cv::Mat across(std::max(held, 1), size.width, CV_MAKETYPE(CV_32F, channels));
  for (int y = 0; y < held; ++y) {
    const T* in = source.pixels.ptr<T>(first + y - source.origin.y) +
                  std::ptrdiff_t{low - source.origin.x} * channels;
    std::copy_n(in, count, wide.begin());
    float* row = across.ptr<float>(y);
    ResampleRow(wide.data(), low, columns, fill, size.width, channels, row);
    for (std::size_t i = 0; i < width; ++i) {
      row[i] = std::clamp(row[i], 0.0F, static_cast<float>(kLevels<T>));
    }
  }
  cv::Mat out(size.height, size.width, source.pixels.type());
  std::vector<const float*> inputs;
  std::vector<float> sums(width);
  for (int y = 0; y < size.height; ++y) {
    const auto row = static_cast<std::size_t>(y);
    inputs.clear();
    for (std::size_t k = rows.first[row]; k < rows.first[row + 1]; ++k) {
      inputs.push_back(across.ptr<float>(rows.index[k] - first));
    }
    std::fill(sums.begin(), sums.end(), 0.0F);
    if (!inputs.empty()) {
      WeighRows(inputs.data(), &rows.weight[rows.first[row]], static_cast<int>(inputs.size()),
                sums.data(), width);
    }
    for (std::size_t i = 0; i < width; ++i) {
      out.ptr<T>(y)[i] =
          RoundTo<T>(sums[i] + rows.outside[row] * fill[i % static_cast<std::size_t>(channels)]);
    }
  }
  return out;
}

cv::Mat Resample(const ImageView& source, const Taps& columns, const Taps& rows,
                 const AxisMaps& maps, const AffineGroup& group) {
  const bool saturate = SaturatesBetweenPasses(group.resampling);
  if (CanResizeBytes(source, columns, rows)) return ResizeBytes(source, columns, rows, saturate);
  return WithDepth(source.pixels, [&](auto zero) {
    using T = decltype(zero);
    const Size size{maps.x.out, maps.y.out};
    if constexpr (std::is_integral_v<T>) {
      if (saturate) {
        return ResampleAcrossFirst<T>(source, columns, rows, size, group.border.fill);
      }
    }
    return ResampleDownFirst<T>(source, columns, rows, size, group.border.fill);
  });
}

// How OpenCV is asked for a resize of a whole picture; nothing where it does something else.
std::optional<int> OpenCvFlag(Resampling resampling, const AxisMaps& maps, int channels) {
  const double x = std::abs(maps.x.scale);
  const double y = std::abs(maps.y.scale);
  switch (resampling) {
    case Resampling::kLinear:
      return cv::INTER_LINEAR;
    case Resampling::kCubic:
      return cv::INTER_CUBIC;
    case Resampling::kArea:
      // Its means take no more than four channels.
      if (x >= 1 && y >= 1 && channels <= 4) return cv::INTER_AREA;
      if (x <= 1 && y <= 1) return cv::INTER_LINEAR;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

cv::Mat ResizePlain(const cv::Mat& pixels, const AxisMaps& maps, int flag) {
  cv::Mat out;
  // Its results do not depend on the CPU (the tests compare dispatch levels).
  cv::resize(pixels, out, {maps.x.out, maps.y.out}, 0, 0, flag);
  return FlipTranspose(out, maps.x.scale < 0, maps.y.scale < 0, maps.transposed);
}

cv::Mat ResizeNearest(const ImageView& source, const AxisMaps& maps, const BorderRule& border) {
  const auto indices = [&](const AxisMap& axis) {
    std::vector<int> list(static_cast<std::size_t>(axis.out));
    for (int i = 0; i < axis.out; ++i) {
      const int index = NearestIndex(axis.At(i + 0.5));
      list[static_cast<std::size_t>(i)] = axis.Inside() ? std::clamp(index, 0, axis.in - 1)
                                                        : BorderIndex(index, axis.in, border.mode);
    }
    return list;
  };
  CopyPlan plan;
  plan.transposed = maps.transposed;
  plan.columns = indices(maps.transposed ? maps.y : maps.x);
  plan.rows = indices(maps.transposed ? maps.x : maps.y);
  return CopyPixels(source, plan, border.fill);
}

// The part of the output that shows the picture, when its edges fall between pixels and something
// else is shown around it.
std::optional<cv::Rect> PictureOnGrid(const AffineGroup& group, Size in) {
  const Point a = group.map({0, 0});
  const Point b = group.map({static_cast<double>(in.width), static_cast<double>(in.height)});
  const auto on_grid = [&](double v) {
    return std::abs(v - std::nearbyint(v)) <= 1e-9 * (group.out.width + group.out.height);
  };
  if (!on_grid(a.x) || !on_grid(a.y) || !on_grid(b.x) || !on_grid(b.y)) return std::nullopt;
  const cv::Rect picture(cv::Point(cvRound(std::min(a.x, b.x)), cvRound(std::min(a.y, b.y))),
                         cv::Point(cvRound(std::max(a.x, b.x)), cvRound(std::max(a.y, b.y))));
  const cv::Rect shown = picture & cv::Rect(0, 0, group.out.width, group.out.height);
  if (shown.empty()) return std::nullopt;
  return shown;
}

cv::Mat ResizeThenPad(const ImageView& source, const AffineGroup& group, const cv::Rect& shown) {
  AffineGroup resize = group;
  resize.map = Matrix::Translate(-shown.x, -shown.y) * group.map;
  resize.out = {shown.width, shown.height};
  const cv::Mat picture = ResizeAxisAligned(source, resize);
  CopyPlan plan;
  const auto indices = [](int count, int begin, int length) {
    std::vector<int> list(static_cast<std::size_t>(count), -1);
    for (int i = 0; i < length; ++i) list[static_cast<std::size_t>(begin + i)] = i;
    return list;
  };
  plan.columns = indices(group.out.width, shown.x, shown.width);
  plan.rows = indices(group.out.height, shown.y, shown.height);
  return CopyPixels(ImageView::Whole(picture), plan, group.border.fill);
}

}  // namespace

cv::Mat ResizeAxisAligned(const ImageView& source, const AffineGroup& group) {
  const AxisMaps maps = TakeApart(group, source.full);
  if (group.resampling == Resampling::kNearest) return ResizeNearest(source, maps, group.border);
  const bool inside = maps.x.Inside() && maps.y.Inside();
  const auto flag = OpenCvFlag(group.resampling, maps, source.pixels.channels());
  if (flag && maps.x.Whole() && maps.y.Whole()) {
    PIXLOOM_CHECK(
        source.pixels.cols == source.full.width && source.pixels.rows == source.full.height,
        "a plain resize reads the whole picture");
    return ResizePlain(source.pixels, maps, *flag);
  }
  if (!inside && group.border.mode == Border::kConstant) {
    if (const auto shown = PictureOnGrid(group, source.full)) {
      return ResizeThenPad(source, group, *shown);
    }
  }
  const Taps columns = MakeTaps(maps.x, group.resampling, inside, group.border.mode);
  const Taps rows = MakeTaps(maps.y, group.resampling, inside, group.border.mode);
  const cv::Mat out = Resample(source, columns, rows, maps, group);
  return maps.transposed ? FlipTranspose(out, false, false, true) : out;
}

}  // namespace pixloom
