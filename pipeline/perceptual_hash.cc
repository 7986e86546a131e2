// SPDX-License-Identifier: Apache-2.0
#include "pipeline/perceptual_hash.h"

#include <algorithm>
#include <array>
#include <vector>

namespace pixloom {

namespace {

constexpr int kRows = 8;
constexpr int kColumns = 9;
// A reduced decode keeps at least this many pixels per side, several for each cell.
constexpr int kLeastSide = 96;

// 0 to 65535, whatever the depth.
struct Level {
  ValueRange range;
  std::uint64_t operator()(std::uint8_t v) const { return v * std::uint64_t{257}; }
  std::uint64_t operator()(std::uint16_t v) const { return v; }
  std::uint64_t operator()(float v) const {
    const double width = static_cast<double>(range.hi) - static_cast<double>(range.lo);
    if (!(width > 0)) return 0;
    const double unit = (static_cast<double>(v) - static_cast<double>(range.lo)) / width;
    if (!(unit > 0)) return 0;  // and NaN
    return static_cast<std::uint64_t>(std::min(unit, 1.0) * 65535.0 + 0.5);
  }
};

// Brightness of one pixel, times 256. The weights of the channels add up to 256.
template <class T>
std::uint64_t Gray(const T* pixel, int channels, const Level& level) {
  // Alpha and further channels say nothing about what is seen.
  if (channels >= 3) {
    return 77 * level(pixel[0]) + 150 * level(pixel[1]) + 29 * level(pixel[2]);
  }
  return 256 * level(pixel[0]);
}

// Cell c of n covers [c, c + 1) * size / n. In units of 1/n pixel each cell has `size` of them, so
// sums over cells of one picture compare as their means do, without rounding.
struct Span {
  int first = 0;
  std::vector<std::uint64_t> weights;
};

std::vector<Span> Spans(int n, int size) {
  std::vector<Span> spans;
  for (int c = 0; c < n; ++c) {
    const std::int64_t begin = std::int64_t{c} * size;
    const std::int64_t end = begin + size;
    Span span{static_cast<int>(begin / n), {}};
    for (std::int64_t x = span.first; x * n < end; ++x) {
      const std::int64_t left = std::max(begin, x * n);
      const std::int64_t right = std::min(end, (x + 1) * n);
      span.weights.push_back(static_cast<std::uint64_t>(right - left));
    }
    spans.push_back(std::move(span));
  }
  return spans;
}

template <class T>
std::uint64_t Hash(const cv::Mat& pixels, const Level& level) {
  const std::vector<Span> columns = Spans(kColumns, pixels.cols);
  const std::vector<Span> rows = Spans(kRows, pixels.rows);
  const int channels = pixels.channels();
  std::vector<std::uint64_t> gray(static_cast<std::size_t>(pixels.cols));
  std::uint64_t hash = 0;
  for (const Span& row : rows) {
    std::array<std::uint64_t, kColumns> cells{};
    for (std::size_t r = 0; r < row.weights.size(); ++r) {
      const T* line = pixels.ptr<T>(row.first + static_cast<int>(r));
      for (int x = 0; x < pixels.cols; ++x) {
        gray[static_cast<std::size_t>(x)] = Gray(line + x * channels, channels, level);
      }
      for (std::size_t c = 0; c < cells.size(); ++c) {
        std::uint64_t sum = 0;
        for (std::size_t x = 0; x < columns[c].weights.size(); ++x) {
          sum += gray[static_cast<std::size_t>(columns[c].first) + x] * columns[c].weights[x];
        }
        cells[c] += sum * row.weights[r];
      }
    }
    for (std::size_t c = 0; c + 1 < cells.size(); ++c) {
      hash = (hash << 1) | (cells[c + 1] > cells[c] ? 1 : 0);
    }
  }
  return hash;
}

}  // namespace

std::uint64_t DifferenceHash(const cv::Mat& pixels, const ValueRange& range) {
  const Level level{range};
  switch (DepthOf(pixels)) {
    case Depth::kU8:
      return Hash<std::uint8_t>(pixels, level);
    case Depth::kU16:
      return Hash<std::uint16_t>(pixels, level);
    case Depth::kF32:
      return Hash<float>(pixels, level);
  }
  return 0;
}

Result<std::uint64_t> PerceptualHash(const Frame& frame, const ValueRange& range,
                                     const Codec& codec) {
  if (frame.Decoded()) return DifferenceHash(frame.pixels, range);
  const EncodedImage& encoded = *frame.encoded;
  const Size size = frame.size();
  DecodeRequest request;
  request.channels = encoded.channels;
  request.truncated =
      encoded.accept_truncated ? TruncatedPolicy::kAccept : TruncatedPolicy::kQuarantine;
  if (encoded.header->format == ImageFormat::kJpeg) {
    int d = 8;
    // Blocks are counted from the stored corner, so a turned picture needs a size of whole blocks.
    const auto fits = [&] {
      return std::min(size.width, size.height) / d >= kLeastSide &&
             (encoded.header->orientation == 1 || (size.width % d == 0 && size.height % d == 0));
    };
    while (d > 1 && !fits()) d /= 2;
    request.denominator = d;
  }
  auto decoded = codec.Decode(encoded.bytes, *encoded.header, request);
  if (!decoded) return decoded.Error();
  return DifferenceHash(decoded->pixels, range);
}

}  // namespace pixloom
