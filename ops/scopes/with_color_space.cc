// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "ops/common.h"
#include "ops/kernels/colour_space.h"
#include "ops/scopes/scope_part.h"
#include "pipeline/registry.h"

namespace pixloom {

namespace {

enum class InvertibleSpace { kHsv, kHls, kLab, kLuv, kYCrCb, kBgr };
enum class ScopePrecision { kFloat, kPicture };

}  // namespace

template <>
struct EnumNames<InvertibleSpace> {
  static constexpr std::array kAll{
      std::pair{InvertibleSpace::kHsv, "hsv"},     std::pair{InvertibleSpace::kHls, "hls"},
      std::pair{InvertibleSpace::kLab, "lab"},     std::pair{InvertibleSpace::kLuv, "luv"},
      std::pair{InvertibleSpace::kYCrCb, "ycrcb"}, std::pair{InvertibleSpace::kBgr, "bgr"}};
};

template <>
struct EnumNames<ScopePrecision> {
  static constexpr std::array kAll{std::pair{ScopePrecision::kFloat, "float"},
                                   std::pair{ScopePrecision::kPicture, "picture"}};
};

namespace {

ColourSpace SpaceOf(InvertibleSpace space) {
  switch (space) {
    case InvertibleSpace::kHsv:
      return ColourSpace::kHsv;
    case InvertibleSpace::kHls:
      return ColourSpace::kHls;
    case InvertibleSpace::kLab:
      return ColourSpace::kLab;
    case InvertibleSpace::kLuv:
      return ColourSpace::kLuv;
    case InvertibleSpace::kYCrCb:
      return ColourSpace::kYCrCb;
    case InvertibleSpace::kBgr:
      return ColourSpace::kBgr;
  }
  return ColourSpace::kRgb;
}

// Between levels of a picture and unit scale.
template <class T>
struct Scale {
  float low = 0;
  float width = static_cast<float>(kLevels<T>);

  explicit Scale(ValueRange range) {
    if constexpr (std::is_floating_point_v<T>) low = range.lo, width = range.hi - range.lo;
  }
  float ToUnit(T value) const {
    if constexpr (std::is_integral_v<T>) return static_cast<float>(value) / width;
    return (value - low) / width;
  }
  T FromUnit(float unit) const {
    if constexpr (std::is_integral_v<T>) return RoundTo<T>(unit * width);
    return low + width * unit;
  }
};

// A part of a row, one plane per colour, in unit scale.
template <class T>
void Load(const T* in, int pixels, int channels, const Scale<T>& scale, ColourStrip& strip) {
  for (int i = 0; i < pixels; ++i, in += channels) {
    strip.a[i] = scale.ToUnit(in[0]);
    strip.b[i] = scale.ToUnit(in[1]);
    strip.c[i] = scale.ToUnit(in[2]);
  }
}

template <class T>
void Store(const ColourStrip& strip, int pixels, int channels, const Scale<T>& scale, T* out) {
  for (int i = 0; i < pixels; ++i, out += channels) {
    out[0] = scale.FromUnit(strip.a[i]);
    out[1] = scale.FromUnit(strip.b[i]);
    out[2] = scale.FromUnit(strip.c[i]);
  }
}

// Calls fn(first pixel, pixels) for every strip of a picture: row by row.
template <class Fn>
void ForStrips(const cv::Mat& pixels, Fn fn) {
  for (int y = 0; y < pixels.rows; ++y) {
    for (int x = 0; x < pixels.cols; x += ColourStrip::kPixels) {
      fn(cv::Point(x, y), std::min(ColourStrip::kPixels, pixels.cols - x));
    }
  }
}

class ColourScope final : public ScopeOperator {
 public:
  ColourScope(InvertibleSpace space, bool as_float)
      : space_(SpaceOf(space)),
        hue_(space == InvertibleSpace::kHsv || space == InvertibleSpace::kHls),
        as_float_(as_float) {}

  Meta Inside(const Meta& in) const override {
    Meta inside = in;
    if (as_float_) inside.depth = Depth::kF32;
    return inside;
  }

  std::string Refuses(const Meta& in) const override {
    return in.channels ? Problem(*in.channels) : "";
  }

  Result<Sample> Enter(const Sample& whole, std::size_t, const std::vector<std::string>& fields,
                       Rng&) const override {
    return PartOf(whole, fields, [&](const cv::Mat& pixels, ValueRange& range) -> Result<cv::Mat> {
      if (const std::string problem = Problem(pixels.channels()); !problem.empty()) {
        return DataError{"OP-CHANNELS", fmt::format("with_color_space: {}", problem),
                         "set channels: 3 on the source", ""};
      }
      const ValueRange own = range;
      if (as_float_) range = {};
      cv::Mat part(pixels.size(), CV_MAKETYPE(InsideDepth(pixels), pixels.channels()));
      WithDepth(pixels, [&](auto zero) {
        using T = decltype(zero);
        WithDepth(part, [&](auto inside_zero) {
          ColourStrip strip;
          ForStrips(pixels, [&](cv::Point at, int count) {
            Convert<T>(pixels, own, part, range, at, count, strip, inside_zero);
          });
        });
      });
      return part;
    });
  }

  std::optional<DataError> Leave(Sample& whole, std::vector<Sample> parts,
                                 const std::vector<std::string>&, Rng&) const override {
    PutBack(whole, parts.front(), [&](cv::Mat& pixels, const cv::Mat& part, ValueRange own) {
      const ValueRange range = as_float_ ? ValueRange{} : own;
      WithDepth(pixels, [&](auto zero) {
        using T = decltype(zero);
        WithDepth(part, [&](auto inside_zero) {
          using Inside = decltype(inside_zero);
          // What the steps were given, to see what they changed.
          cv::Mat given(1, ColourStrip::kPixels, part.type());
          ColourStrip strip;
          ForStrips(pixels, [&](cv::Point at, int count) {
            Return<T, Inside>(pixels, own, part, range, at, count, strip, given);
          });
        });
      });
    });
    return std::nullopt;
  }

 private:
  static std::string Problem(int channels) {
    return channels == 3 || channels == 4
               ? ""
               : fmt::format("takes pictures with 3 or 4 channels, here {} {}",
                             channels == 1 ? "is" : "are", channels);
  }

  int InsideDepth(const cv::Mat& pixels) const { return as_float_ ? CV_32F : pixels.depth(); }

  // `count` pixels from `at` in the other space, written to the same place of `out`.
  template <class T, class Inside>
  void Convert(const cv::Mat& in, ValueRange range, cv::Mat& out, ValueRange out_range,
               cv::Point at, int count, ColourStrip& strip, Inside, cv::Point to = {-1, -1}) const {
    if (to.x < 0) to = at;
    const int channels = in.channels();
    const Scale<T> scale(range);
    const Scale<Inside> inside(out_range);
    const T* from = in.ptr<T>(at.y) + std::ptrdiff_t{at.x} * channels;
    Inside* first = out.ptr<Inside>(to.y) + std::ptrdiff_t{to.x} * channels;
    Load(from, count, channels, scale, strip);
    FromRgb(space_, strip, count);
    Store(strip, count, channels, inside, first);
    if (channels != 4) return;
    for (int i = 0; i < count; ++i)
      first[4 * i + 3] = inside.FromUnit(scale.ToUnit(from[4 * i + 3]));
  }

  // Back to RGB, where the steps changed anything; alpha is judged by itself.
  template <class T, class Inside>
  void Return(cv::Mat& pixels, ValueRange own, const cv::Mat& part, ValueRange range, cv::Point at,
              int count, ColourStrip& strip, cv::Mat& given) const {
    const int channels = pixels.channels();
    const Scale<T> scale(own);
    const Scale<Inside> inside(range);
    Convert<T>(pixels, own, given, range, at, count, strip, Inside{}, {0, 0});
    const Inside* before = given.ptr<Inside>(0);
    const Inside* after = part.ptr<Inside>(at.y) + std::ptrdiff_t{at.x} * channels;
    const std::size_t bytes = sizeof(Inside) * static_cast<std::size_t>(count * channels);
    if (std::memcmp(before, after, bytes) == 0) return;
    T* out = pixels.ptr<T>(at.y) + std::ptrdiff_t{at.x} * channels;
    Load(after, count, channels, inside, strip);
    if constexpr (std::is_integral_v<T>) {
      if (!hue_) Clamp(strip.a, count);
      Clamp(strip.b, count);
      Clamp(strip.c, count);
    }
    ToRgb(space_, strip, count);
    for (int i = 0; i < count; ++i, out += channels, before += channels, after += channels) {
      if (std::memcmp(before, after, 3 * sizeof(Inside)) != 0) {
        out[0] = scale.FromUnit(strip.a[i]);
        out[1] = scale.FromUnit(strip.b[i]);
        out[2] = scale.FromUnit(strip.c[i]);
      }
      if (channels == 4 && std::memcmp(before + 3, after + 3, sizeof(Inside)) != 0) {
        out[3] = scale.FromUnit(inside.ToUnit(after[3]));
      }
    }
  }

  static void Clamp(float* values, int count) {
    for (int i = 0; i < count; ++i) {
      values[i] = values[i] > 0 ? values[i] : 0;
      values[i] = values[i] < 1 ? values[i] : 1;
    }
  }

  ColourSpace space_;
  bool hue_;
  bool as_float_;
};

struct WithColorSpace {
  InvertibleSpace space = InvertibleSpace::kHsv;
  ScopePrecision precision = ScopePrecision::kFloat;

  static constexpr std::string_view kName = "with_color_space";
  static constexpr std::string_view kDoc =
      "Steps see the picture in another colour space; pixels they leave alone keep their bits.";
  static constexpr auto Params() {
    return std::tuple{
        Param("space", &WithColorSpace::space)
            .Required()
            .Doc(
                "Which; each of its channels is spread over the full range as by color_space. On "
                "the way back hue goes round, and other channels of integer pictures are clamped."),
        Param("precision", &WithColorSpace::precision)
            .Doc("float: the steps work on float32 from 0 to 1, so that nothing is rounded on the "
                 "way there; picture: on the picture's own type, rounded half up, for steps that "
                 "take no other.")};
  }

  std::shared_ptr<const ScopeOperator> Make(const Services&) const {
    return std::make_shared<ColourScope>(space, precision == ScopePrecision::kFloat);
  }
};

}  // namespace

void RegisterWithColorSpace(Registry& registry) { registry.AddScope<WithColorSpace>(); }

}  // namespace pixloom
