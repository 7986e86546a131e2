// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/copy_kernel.h"

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "ops/kernels/copy_rows.h"
#include "ops/kernels/pixel_math.h"

namespace pixloom {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Byte = std::uint8_t;

constexpr int kFill = -1;

// A stretch of output columns whose source columns advance by `stride` (1, -1), or a single column,
// or a stretch of fill.
struct Run {
  int out = 0;
  int source = 0;
  int length = 1;
  int stride = 0;
};

// All columns lie side by side, in this direction. No early way out: that is faster.
bool Advances(const std::vector<int>& columns, int stride) {
  bool all = true;
  for (int x = 0; x < static_cast<int>(columns.size()); ++x) {
    all &= columns[static_cast<std::size_t>(x)] == columns[0] + x * stride;
  }
  return all;
}

std::vector<Run> FindRuns(const std::vector<int>& columns) {
  std::vector<Run> runs;
  for (const int stride : {1, -1}) {
    if (columns.size() > 1 && std::min(columns.front(), columns.back()) >= 0 &&
        Advances(columns, stride)) {
      return {{0, columns[0], static_cast<int>(columns.size()), stride}};
    }
  }
  for (int x = 0; x < static_cast<int>(columns.size()); ++x) {
    const int index = columns[static_cast<std::size_t>(x)];
    if (!runs.empty()) {
      Run& last = runs.back();
      const int step = index - (last.source + (last.length - 1) * last.stride);
      if (last.source == kFill
              ? index == kFill
              : index >= 0 && (last.length == 1 ? std::abs(step) == 1 : step == last.stride)) {
        if (last.source != kFill && last.length == 1) last.stride = step;
        ++last.length;
        continue;
      }
    }
    runs.push_back({x, index, 1, 0});
  }
  return runs;
}

// Writes pixels in reverse order, 16 bytes at a time: one byte shuffle turns the last pixels of the
// source around. Both runs hold `count` pixels of `size` bytes.
void CopyReversed(const Byte* in, Byte* out, int count, int size) {
  if (size == 3) return ReverseRow3(in, out, static_cast<std::size_t>(count));
  const Byte* end = in + std::ptrdiff_t{count} * size;
  int left = count;
  if (size <= 8) {
    const int at_once = 16 / size;
    alignas(16) Byte order[16] = {};
    for (int i = 0; i < at_once * size; ++i) {
      order[i] = static_cast<Byte>(16 - (i / size + 1) * size + i % size);
    }
    const hn::FixedTag<Byte, 16> d;
    const auto shuffle = hn::Load(d, order);
    while (left * size >= 16) {
      hn::StoreU(hn::TableLookupBytes(hn::LoadU(d, end - 16), shuffle), d, out);
      end -= at_once * size;
      out += at_once * size;
      left -= at_once;
    }
  }
  for (; left > 0; --left, out += size) {
    end -= size;
    std::memcpy(out, end, static_cast<std::size_t>(size));
  }
}

void CopyRow(const Byte* row, Byte* out, const std::vector<Run>& runs, const Byte* fill_row,
             int size) {
  for (const Run& run : runs) {
    Byte* to = out + std::ptrdiff_t{run.out} * size;
    const std::size_t bytes = static_cast<std::size_t>(run.length) * static_cast<std::size_t>(size);
    if (run.source == kFill) {
      std::memcpy(to, fill_row, bytes);
    } else if (run.stride >= 0) {
      std::memcpy(to, row + std::ptrdiff_t{run.source} * size, bytes);
    } else {
      CopyReversed(row + std::ptrdiff_t{run.source - run.length + 1} * size, to, run.length, size);
    }
  }
}

// Copies pixel by pixel from base + across[x] + down[y]; kSize 0 means "size known at run time".
// Tiles keep both sides of a transpose in cache.
template <int kSize>
void CopyScattered(const Byte* base, const std::vector<std::ptrdiff_t>& across,
                   const std::vector<std::ptrdiff_t>& down, const Byte* fill, int size,
                   cv::Mat& out) {
  constexpr int kTile = 32;
  const std::size_t bytes = static_cast<std::size_t>(kSize > 0 ? kSize : size);
  for (int y0 = 0; y0 < out.rows; y0 += kTile) {
    const int y1 = std::min(out.rows, y0 + kTile);
    for (int x0 = 0; x0 < out.cols; x0 += kTile) {
      const int x1 = std::min(out.cols, x0 + kTile);
      for (int y = y0; y < y1; ++y) {
        const std::ptrdiff_t row = down[static_cast<std::size_t>(y)];
        Byte* to = out.ptr<Byte>(y) + static_cast<std::size_t>(x0) * bytes;
        for (int x = x0; x < x1; ++x, to += bytes) {
          const std::ptrdiff_t column = across[static_cast<std::size_t>(x)];
          const bool inside = row >= 0 && column >= 0;
          std::memcpy(to, inside ? base + row + column : fill, bytes);
        }
      }
    }
  }
}

// Four rows of four three-byte pixels become four columns. Sixteen bytes of every row are read and
// written; the last four are no pixels.
void Transpose4x4(const Byte* const* in, Byte* const* out) {
  const hn::FixedTag<Byte, 16> d8;
  const hn::Repartition<std::uint32_t, decltype(d8)> d32;
  const hn::Repartition<std::uint64_t, decltype(d8)> d64;
  alignas(16) static constexpr Byte kWiden[16] = {0, 1, 2, 0x80, 3, 4,  5,  0x80,
                                                  6, 7, 8, 0x80, 9, 10, 11, 0x80};
  alignas(16) static constexpr Byte kNarrow[16] = {0,  1,  2,  4,  5,    6,    8,    9,
                                                   10, 12, 13, 14, 0x80, 0x80, 0x80, 0x80};
  const auto widen = hn::Load(d8, kWiden);
  const auto narrow = hn::Load(d8, kNarrow);
  const auto load = [&](const Byte* row) {
    return hn::BitCast(d32, hn::TableLookupBytesOr0(hn::LoadU(d8, row), widen));
  };
  const auto store = [&](auto pixels, Byte* row) {
    hn::StoreU(hn::TableLookupBytesOr0(hn::BitCast(d8, pixels), narrow), d8, row);
  };
  const auto a = load(in[0]), b = load(in[1]), c = load(in[2]), d = load(in[3]);
  const auto ab_low = hn::BitCast(d64, hn::InterleaveLower(d32, a, b));
  const auto ab_high = hn::BitCast(d64, hn::InterleaveUpper(d32, a, b));
  const auto cd_low = hn::BitCast(d64, hn::InterleaveLower(d32, c, d));
  const auto cd_high = hn::BitCast(d64, hn::InterleaveUpper(d32, c, d));
  store(hn::InterleaveLower(d64, ab_low, cd_low), out[0]);
  store(hn::InterleaveUpper(d64, ab_low, cd_low), out[1]);
  store(hn::InterleaveLower(d64, ab_high, cd_high), out[2]);
  store(hn::InterleaveUpper(d64, ab_high, cd_high), out[3]);
}

// A transposed copy of three-byte pixels, whose source columns run forwards or backwards from top
// to bottom: base + across[x] + down[y]. Squares at the lower and right edges, where vectors would
// read or write too far, are copied pixel by pixel.
void CopyTransposed3(const Byte* base, const std::vector<std::ptrdiff_t>& across,
                     const std::vector<std::ptrdiff_t>& down, cv::Mat& out) {
  // Rows of the result that are written side by side: as many bytes as a cache line of the source.
  constexpr int kStrip = 16;
  const auto pixel = [&](int x, int y) {
    std::memcpy(out.ptr(y) + 3 * std::ptrdiff_t{x},
                base + across[static_cast<std::size_t>(x)] + down[static_cast<std::size_t>(y)], 3);
  };
  const bool backwards = down.size() > 1 && down[1] < down[0];
  // The last source column is no start of sixteen readable bytes of the last row.
  const std::ptrdiff_t far = std::max(down.front(), down.back());
  for (int y0 = 0; y0 < out.rows; y0 += kStrip) {
    const int y1 = std::min(out.rows, y0 + kStrip);
    for (int x = 0; x < out.cols; x += 4) {
      for (int y = y0; y < y1; y += 4) {
        const bool square = x + 6 <= out.cols && y + 4 <= out.rows;
        const std::ptrdiff_t first =
            square ? down[static_cast<std::size_t>(backwards ? y + 3 : y)] : 0;
        if (!square || first + 15 > far + 2) {
          for (int j = y; j < std::min(y + 4, y1); ++j) {
            for (int i = x; i < std::min(x + 4, out.cols); ++i) pixel(i, j);
          }
          continue;
        }
        const Byte* in[4];
        Byte* to[4];
        for (int i = 0; i < 4; ++i) {
          in[i] = base + across[static_cast<std::size_t>(x + i)] + first;
          to[i] = out.ptr(backwards ? y + 3 - i : y + i) + 3 * std::ptrdiff_t{x};
        }
        Transpose4x4(in, to);
      }
    }
  }
}

// Source columns that run forwards or backwards, and no fill.
bool IsTurn(const std::vector<std::ptrdiff_t>& across, const std::vector<std::ptrdiff_t>& down) {
  if (std::any_of(across.begin(), across.end(), [](std::ptrdiff_t v) { return v < 0; })) {
    return false;
  }
  const std::ptrdiff_t step = down.size() > 1 ? down[1] - down[0] : 3;
  if (std::abs(step) != 3) return false;
  for (std::size_t i = 0; i < down.size(); ++i) {
    if (down[i] < 0 || (i > 0 && down[i] - down[i - 1] != step)) return false;
  }
  return true;
}

void CopyScatteredAnySize(const Byte* base, const std::vector<std::ptrdiff_t>& across,
                          const std::vector<std::ptrdiff_t>& down, const Byte* fill, int size,
                          cv::Mat& out) {
  switch (size) {
    case 1:
      return CopyScattered<1>(base, across, down, fill, size, out);
    case 2:
      return CopyScattered<2>(base, across, down, fill, size, out);
    case 3:
      return CopyScattered<3>(base, across, down, fill, size, out);
    case 4:
      return CopyScattered<4>(base, across, down, fill, size, out);
    case 6:
      return CopyScattered<6>(base, across, down, fill, size, out);
    case 8:
      return CopyScattered<8>(base, across, down, fill, size, out);
    case 12:
      return CopyScattered<12>(base, across, down, fill, size, out);
    default:
      return CopyScattered<0>(base, across, down, fill, size, out);
  }
}

std::vector<std::ptrdiff_t> Offsets(const std::vector<int>& indices, std::ptrdiff_t stride) {
  std::vector<std::ptrdiff_t> offsets(indices.size());
  std::transform(indices.begin(), indices.end(), offsets.begin(),
                 [&](int i) { return i < 0 ? std::ptrdiff_t{-1} : i * stride; });
  return offsets;
}

// A row of fill pixels.
std::vector<Byte> FillRow(const cv::Mat& like, const std::array<double, 4>& fill,
                          std::size_t pixels) {
  return WithDepth(like, [&](auto zero) {
    const auto pixel = FillPixel<decltype(zero)>(fill, like.channels());
    const std::size_t bytes = pixel.size() * sizeof(pixel[0]);
    std::vector<Byte> row(pixels * bytes);
    std::memcpy(row.data(), pixel.data(), std::min(row.size(), bytes));
    for (std::size_t done = bytes; done < row.size(); done *= 2) {
      std::memcpy(&row[done], row.data(), std::min(done, row.size() - done));
    }
    return row;
  });
}

bool HasFill(const std::vector<int>& indices) {
  int lowest = 0;
  for (const int i : indices) lowest = std::min(lowest, i);
  return lowest < 0;
}

void Shift(std::vector<int>& indices, int origin) {
  if (origin == 0) return;
  for (int& i : indices) {
    if (i >= 0) i -= origin;
  }
}

}  // namespace

cv::Mat CopyPixels(const ImageView& source, const CopyPlan& plan,
                   const std::array<double, 4>& fill) {
  const cv::Mat& pixels = source.pixels;
  std::vector<int> columns = plan.columns;
  std::vector<int> rows = plan.rows;
  Shift(columns, plan.transposed ? source.origin.y : source.origin.x);
  Shift(rows, plan.transposed ? source.origin.x : source.origin.y);

  const int size = static_cast<int>(pixels.elemSize());
  const auto step = static_cast<std::ptrdiff_t>(pixels.step[0]);
  cv::Mat out(static_cast<int>(rows.size()), static_cast<int>(columns.size()), pixels.type());
  const bool fills = HasFill(rows) || HasFill(columns);
  const std::vector<Byte> fill_row =
      fills ? FillRow(pixels, fill, columns.size()) : std::vector<Byte>();

  const std::vector<Run> runs = plan.transposed ? std::vector<Run>{} : FindRuns(columns);
  // Short runs (a nearest resize) cost more to walk than pixels.
  if (plan.transposed || runs.size() * 8 > columns.size() + 16) {
    const auto across = Offsets(columns, plan.transposed ? step : size);
    const auto down = Offsets(rows, plan.transposed ? size : step);
    if (plan.transposed && size == 3 && IsTurn(across, down)) {
      CopyTransposed3(pixels.ptr<Byte>(), across, down, out);
    } else {
      CopyScatteredAnySize(pixels.ptr<Byte>(), across, down, fill_row.data(), size, out);
    }
    return out;
  }
  for (int y = 0; y < out.rows; ++y) {
    const int row = rows[static_cast<std::size_t>(y)];
    if (row < 0) {
      std::memcpy(out.ptr<Byte>(y), fill_row.data(), fill_row.size());
    } else {
      CopyRow(pixels.ptr<Byte>(row), out.ptr<Byte>(y), runs, fill_row.data(), size);
    }
  }
  return out;
}

namespace {

// One axis of an exact copy: output index i shows source index start + direction * i.
struct Axis {
  int start = 0;
  int direction = 1;
  int count = 0;  // of output indices
  int n = 0;      // of source indices

  // Output indices [from, to) that show the source; empty when none does.
  std::pair<int, int> Inside() const {
    const int from = direction > 0 ? -start : start - n + 1;
    const int to = direction > 0 ? n - start : start + 1;
    return {std::clamp(from, 0, count), std::clamp(to, std::clamp(from, 0, count), count)};
  }
};

Axis AxisOf(double sign, double offset, int count, int n) {
  const int direction = sign > 0 ? 1 : -1;
  return {static_cast<int>(std::lround(offset)) - (direction < 0 ? 1 : 0), direction, count, n};
}

// Rows of the whole picture, forwards or backwards, with fill around them: no plan is needed, which
// is noticeable because memory is the only other cost.
cv::Mat CopyUpright(const cv::Mat& pixels, const Axis& x, const Axis& y,
                    const std::array<double, 4>& fill) {
  const int size = static_cast<int>(pixels.elemSize());
  cv::Mat out(y.count, x.count, pixels.type());
  const auto [left, right] = x.Inside();
  const auto [top, bottom] = y.Inside();
  std::vector<Byte> fill_row;
  if (left > 0 || right < x.count || top > 0 || bottom < y.count) {
    fill_row = FillRow(pixels, fill, static_cast<std::size_t>(x.count));
  }
  const auto bytes = [&](int count) {
    return static_cast<std::size_t>(count) * static_cast<std::size_t>(size);
  };
  // The first source pixel in memory that a row shows.
  const int first = x.direction > 0 ? x.start + left : x.start - (right - 1);
  for (int row = 0; row < y.count; ++row) {
    Byte* to = out.ptr<Byte>(row);
    if (row < top || row >= bottom || left == right) {
      std::memcpy(to, fill_row.data(), bytes(x.count));
      continue;
    }
    const Byte* from = pixels.ptr<Byte>(y.start + y.direction * row) + bytes(first);
    if (left > 0) std::memcpy(to, fill_row.data(), bytes(left));
    if (x.direction > 0) {
      std::memcpy(to + bytes(left), from, bytes(right - left));
    } else {
      CopyReversed(from, to + bytes(left), right - left, size);
    }
    if (right < x.count) std::memcpy(to + bytes(right), fill_row.data(), bytes(x.count - right));
  }
  return out;
}

}  // namespace

cv::Mat ExactCopy(const ImageView& source, const AffineGroup& group) {
  const Matrix inverse = group.map.Inverse();
  const auto& m = inverse.m;
  CopyPlan plan;
  plan.transposed = std::abs(m[0]) < 0.5;
  const bool whole =
      source.pixels.cols == source.full.width && source.pixels.rows == source.full.height;
  // Source x and y as functions of the output axis each depends on.
  const Axis x = AxisOf(plan.transposed ? m[1] : m[0], m[2],
                        plan.transposed ? group.out.height : group.out.width, source.full.width);
  const Axis y = AxisOf(plan.transposed ? m[3] : m[4], m[5],
                        plan.transposed ? group.out.width : group.out.height, source.full.height);
  if (whole && !plan.transposed) {
    const auto is_all = [](const Axis& axis) { return axis.Inside() == std::pair{0, axis.count}; };
    const auto is_identity = [](const Axis& axis) {
      return axis.start == 0 && axis.direction == 1 && axis.count == axis.n;
    };
    // Nothing moves: share the pixels, whoever writes to them makes them unique first.
    if (is_identity(x) && is_identity(y)) return source.pixels;
    if (group.border.mode == Border::kConstant || (is_all(x) && is_all(y))) {
      return CopyUpright(source.pixels, x, y, group.border.fill);
    }
  }
  const auto fill_axis = [&](std::vector<int>& indices, const Axis& axis) {
    indices.resize(static_cast<std::size_t>(axis.count));
    for (int i = 0; i < axis.count; ++i) {
      indices[static_cast<std::size_t>(i)] =
          BorderIndex(axis.start + axis.direction * i, axis.n, group.border.mode);
    }
  };
  fill_axis(plan.transposed ? plan.rows : plan.columns, x);
  fill_axis(plan.transposed ? plan.columns : plan.rows, y);
  return CopyPixels(source, plan, group.border.fill);
}

cv::Mat FlipTranspose(const cv::Mat& source, bool mirror_x, bool mirror_y, bool transpose) {
  if (!mirror_x && !mirror_y && !transpose) return source;
  CopyPlan plan;
  std::vector<int> x_axis(static_cast<std::size_t>(source.cols));
  std::vector<int> y_axis(static_cast<std::size_t>(source.rows));
  std::iota(x_axis.begin(), x_axis.end(), 0);
  std::iota(y_axis.begin(), y_axis.end(), 0);
  if (mirror_x) std::reverse(x_axis.begin(), x_axis.end());
  if (mirror_y) std::reverse(y_axis.begin(), y_axis.end());
  plan.transposed = transpose;
  plan.columns = transpose ? y_axis : x_axis;
  plan.rows = transpose ? x_axis : y_axis;
  return CopyPixels(ImageView::Whole(source), plan);
}

}  // namespace pixloom
