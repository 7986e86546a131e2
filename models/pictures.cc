// SPDX-License-Identifier: Apache-2.0
#include "models/pictures.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "pipeline/error.h"

namespace pixloom {

namespace {

using Color = PictureInput::Color;

// Rec. 601.
constexpr float kRed = 0.299f, kGreen = 0.587f, kBlue = 0.114f;

// value = pixel * gain + offset, worked out in double.
struct Line {
  float gain = 1, offset = 0;
};

double Span(const ValueRange& levels) {
  const double span = static_cast<double>(levels.hi) - static_cast<double>(levels.lo);
  return span != 0 ? span : 1;
}

Line ToNetwork(const PictureInput& input, const ValueRange& levels, int channel) {
  const auto c = static_cast<std::size_t>(channel);
  const double mean = input.mean.empty() ? 0 : input.mean[c];
  const double deviation = input.deviation.empty() ? 1 : input.deviation[c];
  const double gain = (input.hi - input.lo) / Span(levels);
  const double offset = input.lo - static_cast<double>(levels.lo) * gain;
  return {static_cast<float>(gain / deviation), static_cast<float>((offset - mean) / deviation)};
}

Line FromNetwork(const PictureOutput& output, const ValueRange& levels) {
  const double span = output.hi - output.lo;
  const double gain = Span(levels) / (span != 0 ? span : 1);
  return {static_cast<float>(gain),
          static_cast<float>(static_cast<double>(levels.lo) - output.lo * gain)};
}

// Where pixel `i` of an axis of `n` is read from: dcb|abcd|cba, any distance outside.
int Reflected(int i, int n) {
  if (i >= 0 && i < n) return i;
  if (n == 1) return 0;
  const std::int64_t period = std::int64_t{2} * n - 2;
  std::int64_t r = i % period;
  if (r < 0) r += period;
  return static_cast<int>(r < n ? r : period - r);
}

template <class Fn>
void ForDepth(int depth, Fn fn) {
  if (depth == CV_8U) return fn(std::uint8_t{});
  if (depth == CV_16U) return fn(std::uint16_t{});
  PIXLOOM_CHECK(depth == CV_32F, "a picture of another type");
  fn(float{});
}

// ---- Packing ------------------------------------------------------------------------------------

// `count` neighbours in a row, every channel by its line. Strides are constants, so that the loops
// become vector code.
template <int kStride, class T>
void PackRow(const T* row, int count, const Line* lines, const int* order, int channels,
             const std::array<float*, 3>& out) {
  for (int c = 0; c < channels; ++c) {
    const T* from = row + order[c];
    float* to = out[static_cast<std::size_t>(c)];
    const float gain = lines[c].gain, offset = lines[c].offset;
    for (int x = 0; x < count; ++x) to[x] = static_cast<float>(from[x * kStride]) * gain + offset;
  }
}

template <int kStride, class T>
void PackLuma(const T* row, int count, const Line& line, float* out) {
  for (int x = 0; x < count; ++x) {
    const T* p = row + x * kStride;
    const float luma = static_cast<float>(p[0]) * kRed + static_cast<float>(p[1]) * kGreen +
                       static_cast<float>(p[2]) * kBlue;
    out[x] = luma * line.gain + line.offset;
  }
}

struct Packer {
  const PictureInput& input;
  std::array<Line, 3> lines;
  std::array<int, 3> order{0, 1, 2};

  Packer(const PictureInput& in, const ValueRange& levels, int picture_channels) : input(in) {
    for (int c = 0; c < in.channels(); ++c) {
      lines[static_cast<std::size_t>(c)] = ToNetwork(in, levels, c);
    }
    if (picture_channels == 1)
      order = {0, 0, 0};
    else if (in.color == Color::kBgr)
      order = {2, 1, 0};
  }

  template <int kStride, class T>
  void Row(const T* row, int count, const std::array<float*, 3>& out) const {
    if (kStride > 1 && input.channels() == 1) {
      PackLuma<kStride>(row, count, lines[0], out[0]);
    } else {
      PackRow<kStride>(row, count, lines.data(), order.data(), input.channels(), out);
    }
  }
};

template <int kStride, class T>
void PackAll(const cv::Mat& pixels, const cv::Rect& from, const Packer& packer,
             std::span<float> item) {
  const auto plane = static_cast<std::size_t>(from.width) * static_cast<std::size_t>(from.height);
  const int left = std::clamp(-from.x, 0, from.width);
  const int inside =
      std::clamp(std::min(from.x + from.width, pixels.cols) - from.x, left, from.width);
  for (int y = 0; y < from.height; ++y) {
    const T* row = pixels.ptr<T>(Reflected(from.y + y, pixels.rows));
    const auto at = [&](int x) {
      std::array<float*, 3> out{};
      for (std::size_t c = 0; c < static_cast<std::size_t>(packer.input.channels()); ++c) {
        out[c] = item.data() + c * plane +
                 static_cast<std::size_t>(y) * static_cast<std::size_t>(from.width) +
                 static_cast<std::size_t>(x);
      }
      return out;
    };
    const auto one = [&](int x) {
      packer.Row<kStride>(row + Reflected(from.x + x, pixels.cols) * kStride, 1, at(x));
    };
    for (int x = 0; x < left; ++x) one(x);
    if (inside > left)
      packer.Row<kStride>(row + (from.x + left) * kStride, inside - left, at(left));
    for (int x = inside; x < from.width; ++x) one(x);
  }
}

// ---- Unpacking ----------------------------------------------------------------------------------

template <class T>
T RoundTo(float value) {
  if constexpr (std::is_floating_point_v<T>) {
    return value;
  } else {
    return static_cast<T>(static_cast<std::int32_t>(value + 0.5f));
  }
}

// Planes of one row, colours only, in levels.
struct Planes {
  std::vector<float> values;
  int width = 0;
  Planes(int channels, int w)
      : values(static_cast<std::size_t>(channels) * static_cast<std::size_t>(w)), width(w) {}
  float* operator[](int c) { return values.data() + static_cast<std::ptrdiff_t>(c) * width; }
};

// Row `y` of the picture enlarged bilinearly (pixel centres at halves), columns from `x0` on.
template <class T>
void EnlargedRow(const cv::Mat& picture, int scale, int x0, int y, int colours, Planes& out) {
  const int stride = picture.channels();
  if (scale == 1) {
    const T* row = picture.ptr<T>(y) + static_cast<std::ptrdiff_t>(x0) * stride;
    for (int c = 0; c < colours; ++c) {
      float* to = out[c];
      for (int x = 0; x < out.width; ++x) to[x] = static_cast<float>(row[x * stride + c]);
    }
    return;
  }
  // Places are whole multiples of 1 / (2 scale), so the parts are exact functions of i mod scale.
  const auto place = [scale](int i, int n, int& low, int& high) {
    const int doubled = 2 * i + 1 - scale;  // in units of 1 / (2 scale) of a pixel
    const int unit = 2 * scale;
    const int whole = doubled >= 0 ? doubled / unit : -1;
    low = std::clamp(whole, 0, n - 1);
    high = std::clamp(whole + 1, 0, n - 1);
    return static_cast<float>(doubled - whole * unit) / static_cast<float>(unit);
  };
  int top = 0, bottom = 0;
  const float down = place(y, picture.rows, top, bottom);
  const T* above = picture.ptr<T>(top);
  const T* below = picture.ptr<T>(bottom);
  for (int x = 0; x < out.width; ++x) {
    int left = 0, right = 0;
    const float along = place(x0 + x, picture.cols, left, right);
    for (int c = 0; c < colours; ++c) {
      const auto mix = [&](const T* row) {
        const auto a = static_cast<float>(row[left * stride + c]);
        const auto b = static_cast<float>(row[right * stride + c]);
        return a + (b - a) * along;
      };
      const float a = mix(above);
      out[c][x] = a + (mix(below) - a) * down;
    }
  }
}

template <int kStride, class T>
void StoreColours(Planes& row, float lo, float hi, T* out) {
  constexpr int kColours = kStride == 1 ? 1 : 3;
  for (int c = 0; c < kColours; ++c) {
    float* v = row[c];
    for (int x = 0; x < row.width; ++x) {
      float value = v[x];
      value = value > lo ? value : lo;  // NaN becomes black
      v[x] = value < hi ? value : hi;
    }
  }
  const float* first = row[0];
  const float* second = row[kColours > 1 ? 1 : 0];
  const float* third = row[kColours > 1 ? 2 : 0];
  for (int x = 0; x < row.width; ++x) {
    out[x * kStride] = RoundTo<T>(first[x]);
    if constexpr (kColours > 1) {
      out[x * kStride + 1] = RoundTo<T>(second[x]);
      out[x * kStride + 2] = RoundTo<T>(third[x]);
    }
  }
}

template <int kStride, class T>
class Unpacker {
 public:
  Unpacker(std::span<const float> item, const Unpacking& how, const cv::Rect& to, cv::Mat& pixels)
      : item_(item),
        how_(how),
        to_(to),
        pixels_(pixels),
        width_(std::min(to.width, pixels.cols - to.x)),
        levels_(PictureLevels(*how.before, how.range)),
        line_(FromNetwork(*how.output, levels_)),
        now_(kColours, width_),
        before_(kColours, width_) {}

  void Run() {
    const int height = std::min(to_.height, pixels_.rows - to_.y);
    for (int y = 0; y < height; ++y) Row(y);
  }

 private:
  static constexpr int kColours = kStride == 1 ? 1 : 3;

  void Row(int y) {
    const bool residual = how_.output->kind == PictureOutput::Kind::kResidual;
    const bool luma = how_.input->channels() == 1 && kColours == 3;
    const int scale = how_.output->scale;
    if (residual || luma || how_.strength != 1) {
      EnlargedRow<T>(*how_.before, scale, to_.x, to_.y + y, kColours, before_);
    }
    if (luma)
      Luma(y, residual);
    else
      Colours(y, residual);
    if (how_.strength != 1) Blend();
    T* out = pixels_.ptr<T>(to_.y + y) + static_cast<std::ptrdiff_t>(to_.x) * kStride;
    StoreColours<kStride>(now_, levels_.lo, levels_.hi, out);
    if constexpr (kStride == 4) {
      const T* alpha = how_.before->template ptr<T>((to_.y + y) / scale) + 3;
      for (int x = 0; x < width_; ++x) out[x * 4 + 3] = alpha[(to_.x + x) / scale * 4];
    }
  }

  const float* ItemRow(int channel, int y) const {
    return item_.data() + (static_cast<std::ptrdiff_t>(channel) * to_.height + y) * to_.width;
  }
  float Signed() const { return how_.output->subtract ? -line_.gain : line_.gain; }

  void Colours(int y, bool residual) {
    const bool swapped = how_.input->color == Color::kBgr;
    for (int c = 0; c < kColours; ++c) {
      const float* in = ItemRow(swapped ? kColours - 1 - c : c, y);
      const float* base = before_[c];
      float* out = now_[c];
      const float gain = residual ? Signed() : line_.gain;
      if (residual) {
        for (int x = 0; x < width_; ++x) out[x] = base[x] + in[x] * gain;
      } else {
        for (int x = 0; x < width_; ++x) out[x] = in[x] * gain + line_.offset;
      }
    }
  }

  // The same step for all three colours: their differences from luma stay.
  void Luma(int y, bool residual) {
    const float* in = ItemRow(0, y);
    const float *r = before_[0], *g = before_[1], *b = before_[2];
    for (int x = 0; x < width_; ++x) {
      const float was = r[x] * kRed + g[x] * kGreen + b[x] * kBlue;
      const float step = residual ? in[x] * Signed() : in[x] * line_.gain + line_.offset - was;
      now_[0][x] = r[x] + step;
      now_[1][x] = g[x] + step;
      now_[2][x] = b[x] + step;
    }
  }

  void Blend() {
    for (int c = 0; c < kColours; ++c) {
      const float* base = before_[c];
      float* out = now_[c];
      for (int x = 0; x < width_; ++x) {
        const float made = std::min(std::max(out[x], levels_.lo), levels_.hi);
        out[x] = base[x] + (made - base[x]) * how_.strength;
      }
    }
  }

  std::span<const float> item_;
  const Unpacking& how_;
  const cv::Rect to_;
  cv::Mat& pixels_;
  const int width_;
  const ValueRange levels_;
  const Line line_;
  Planes now_, before_;
};

}  // namespace

std::string RefusesPicture(const PictureInput& input, const Meta& meta, PictureUse use) {
  if (meta.planar) return "gets planar pictures; change the layout last";
  if (meta.size && input.size && *meta.size != *input.size) {
    return fmt::format("a picture of {}x{}, but the network takes {}x{} only; resize it before",
                       meta.size->width, meta.size->height, input.size->width, input.size->height);
  }
  if (!meta.channels) return "";
  const int channels = *meta.channels;
  if (channels != 1 && channels != 3 && channels != 4) {
    return fmt::format("a picture of {} channels; networks take gray, RGB and RGBA", channels);
  }
  if (use == PictureUse::kInputOnly) return "";
  if (channels == 1 && input.channels() == 3) {
    return "a gray picture, but the network takes colour; put to_rgb before it";
  }
  if (channels > 1 && input.color == Color::kGray) {
    return "a picture in colour, but the network takes gray; put to_gray before it, or write "
           "`color: y` in the manifest to change the luma alone";
  }
  return "";
}

Size PaddedSize(const PictureInput& input, Size size) {
  if (input.size == size) return size;
  const int unit = std::max(input.multiple_of, 1);
  const auto side = [&](int length) {
    length = std::max({length, input.least, 1});
    return (length + unit - 1) / unit * unit;
  };
  return {side(size.width), side(size.height)};
}

ValueRange PictureLevels(const cv::Mat& pixels, const ValueRange& range) {
  if (pixels.depth() == CV_8U) return {0, std::numeric_limits<std::uint8_t>::max()};
  if (pixels.depth() == CV_16U) return {0, std::numeric_limits<std::uint16_t>::max()};
  return range;
}

void PackPicture(const cv::Mat& pixels, const ValueRange& range, const cv::Rect& from,
                 const PictureInput& input, std::span<float> item) {
  PIXLOOM_CHECK(static_cast<std::int64_t>(item.size()) ==
                    std::int64_t{input.channels()} * from.width * from.height,
                "an item of another size");
  const Packer packer(input, PictureLevels(pixels, range), pixels.channels());
  ForDepth(pixels.depth(), [&](auto type) {
    using T = decltype(type);
    if (pixels.channels() == 1)
      PackAll<1, T>(pixels, from, packer, item);
    else if (pixels.channels() == 3)
      PackAll<3, T>(pixels, from, packer, item);
    else
      PackAll<4, T>(pixels, from, packer, item);
  });
}

void UnpackPicture(std::span<const float> item, const Unpacking& how, const cv::Rect& to,
                   cv::Mat& pixels) {
  PIXLOOM_CHECK(pixels.type() == how.before->type(), "a result of another type");
  if (to.x >= pixels.cols || to.y >= pixels.rows) return;
  ForDepth(pixels.depth(), [&](auto type) {
    using T = decltype(type);
    if (pixels.channels() == 1)
      Unpacker<1, T>(item, how, to, pixels).Run();
    else if (pixels.channels() == 3)
      Unpacker<3, T>(item, how, to, pixels).Run();
    else
      Unpacker<4, T>(item, how, to, pixels).Run();
  });
}

}  // namespace pixloom
