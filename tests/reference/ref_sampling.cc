// SPDX-License-Identifier: Apache-2.0
// Sampling, one output value at a time: the taps of a pixel are listed, then summed.
#include <algorithm>
#include <cmath>

#include "tests/reference/parts.h"

namespace pixloom::reference {

int BorderIndex(Border mode, int index, int n) {
  if (index >= 0 && index < n) return index;
  const auto wrapped = [index](int period) { return ((index % period) + period) % period; };
  switch (mode) {
    case Border::kConstant:
      return -1;
    case Border::kReplicate:
      return std::clamp(index, 0, n - 1);
    case Border::kWrap:
      return wrapped(n);
    case Border::kReflect: {  // cba|abc|cba
      const int i = wrapped(2 * n);
      return i < n ? i : 2 * n - 1 - i;
    }
    case Border::kReflect101: {  // cb|abc|ba
      if (n == 1) return 0;
      const int i = wrapped(2 * n - 2);
      return i < n ? i : 2 * n - 2 - i;
    }
  }
  return -1;
}

namespace {

struct Tap {
  int index = 0;
  double weight = 0;
};
using Taps = std::vector<Tap>;

int Floor(double v) { return static_cast<int>(std::floor(v)); }

double Fetch(const Image64& source, int x, int y, int channel, const BorderRule& border) {
  const int sx = BorderIndex(border.mode, x, source.size.width);
  const int sy = BorderIndex(border.mode, y, source.size.height);
  if (sx < 0 || sy < 0) return border.fill[static_cast<std::size_t>(std::min(channel, 3))];
  return source.At(sx, sy, channel);
}

// `saturate`: what a line gives is limited to the levels of an integer picture before lines are
// summed.
void Sum(const Image64& source, const Taps& xs, const Taps& ys, const BorderRule& border,
         Image64& out, int x, int y, bool saturate = false) {
  if (source.depth == Depth::kF32) saturate = false;
  for (int c = 0; c < source.channels; ++c) {
    double sum = 0;
    for (const Tap& ty : ys) {
      double line = 0;
      for (const Tap& tx : xs) {
        line += tx.weight * Fetch(source, tx.index, ty.index, c, border);
      }
      if (saturate) line = std::clamp(line, 0.0, source.Span());
      sum += ty.weight * line;
    }
    out.At(x, y, c) = sum;
  }
}

Taps NearestTap(double position) { return {{Floor(position), 1}}; }

Taps LinearTaps(double position) {
  const double from_centre = position - 0.5;
  const int first = Floor(from_centre);
  const double t = from_centre - first;
  if (t == 0) return {{first, 1}};
  return {{first, 1 - t}, {first + 1, t}};
}

// The cubic that is 1 at 0, 0 at all other whole numbers, and leaves pixel 1 with slope -a.
double CubicAt(double x, double a) {
  const double d = std::abs(x);
  if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
  if (d < 2) return a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
  return 0;
}

Taps CubicTaps(double position) {
  const double from_centre = position - 0.5;
  const int first = Floor(from_centre);
  const double t = from_centre - first;
  if (t == 0) return {{first, 1}};
  Taps taps;
  for (int k = -1; k <= 2; ++k) taps.push_back({first + k, CubicAt(t - k, -0.75)});
  return taps;
}

// Two neighbours, or four, as the kind says for everything that is no aligned map.
Taps WarpTaps(Resampling kind, double position) {
  const bool cubic = kind == Resampling::kCubic || kind == Resampling::kAntialiasCubic ||
                     kind == Resampling::kLanczos;
  return cubic ? CubicTaps(position) : LinearTaps(position);
}

// How much of every pixel lies under an output pixel.
Taps AreaTaps(double position, double covered) {
  const double from = position - covered / 2;
  const double to = position + covered / 2;
  Taps taps;
  for (int i = Floor(from) - 1; i <= Floor(to) + 1; ++i) {
    const double shared = std::min(i + 1.0, to) - std::max<double>(i, from);
    if (shared > 0) taps.push_back({i, shared / covered});
  }
  return taps;
}

double SincAt(double x) { return x == 0 ? 1 : std::sin(M_PI * x) / (M_PI * x); }

// Pillow's filters, 1 at 0 and 0 beyond `radius`.
struct PillowFilter {
  double radius;
  double (*at)(double x);
};

PillowFilter FilterOf(Resampling kind) {
  switch (kind) {
    case Resampling::kAntialiasCubic:
      return {2, [](double x) { return CubicAt(x, -0.5); }};
    case Resampling::kLanczos:
      return {3, [](double x) { return std::abs(x) < 3 ? SincAt(x) * SincAt(x / 3) : 0; }};
    default:
      return {1, [](double x) { return std::max(0.0, 1 - std::abs(x)); }};
  }
}

// A filter as wide as the pixels the output pixel covers, never narrower than one; taps beyond
// [lo, hi) are left out and the rest is normalised.
Taps PillowTaps(const PillowFilter& filter, double position, double covered, int lo, int hi) {
  const double stretch = std::max(covered, 1.0);
  const double reach = filter.radius * stretch;
  Taps taps;
  double total = 0;
  for (int i = Floor(position - reach) - 1; i <= Floor(position + reach) + 1; ++i) {
    const double weight = filter.at((i + 0.5 - position) / stretch);
    if (weight == 0 || i < lo || i >= hi) continue;
    taps.push_back({i, weight});
    total += weight;
  }
  if (taps.empty()) return {{std::clamp(Floor(position), lo, hi - 1), 1}};
  for (Tap& tap : taps) tap.weight /= total;
  return taps;
}

// One axis of an aligned map: source position = gain * output position + offset.
struct AxisRule {
  double gain = 1;
  double offset = 0;
  Resampling resampling = Resampling::kLinear;
  bool limited = false;  // taps are limited to [lo, hi)
  int lo = 0, hi = 0;
  double nearest_shift = 0;

  Taps At(int output) const {
    const double position = gain * (output + 0.5) + offset;
    Taps taps;
    switch (resampling) {
      case Resampling::kNearest:
        taps = NearestTap(position + nearest_shift);
        break;
      case Resampling::kLinear:
        taps = LinearTaps(position);
        break;
      case Resampling::kCubic:
        taps = CubicTaps(position);
        break;
      case Resampling::kArea:
        taps = std::abs(gain) > 1 ? AreaTaps(position, std::abs(gain)) : LinearTaps(position);
        break;
      case Resampling::kAntialias:
      case Resampling::kAntialiasCubic:
      case Resampling::kLanczos: {
        constexpr int kFar = 1 << 24;
        return PillowTaps(FilterOf(resampling), position, std::abs(gain), limited ? lo : -kFar,
                          limited ? hi : kFar);
      }
    }
    if (limited) {
      for (Tap& tap : taps) tap.index = std::clamp(tap.index, lo, hi - 1);
    }
    return taps;
  }
};

// Where the picture lies in the output of an aligned map; nothing when its edges fall inside output
// pixels.
std::optional<cv::Rect> PictureInOutput(const Matrix& map, Size in) {
  const Point a = Apply(map, {0, 0});
  const Point b = Apply(map, {1.0 * in.width, 1.0 * in.height});
  for (double edge : {a.x, a.y, b.x, b.y}) {
    if (std::abs(edge - std::round(edge)) > kSnap) return std::nullopt;
  }
  const auto whole = [](double v) { return static_cast<int>(std::round(v)); };
  return cv::Rect(cv::Point(whole(std::min(a.x, b.x)), whole(std::min(a.y, b.y))),
                  cv::Point(whole(std::max(a.x, b.x)), whole(std::max(a.y, b.y))));
}

// Every corner of the output shows the picture.
bool ShowsOnlyPicture(const Matrix& inverse, Size in, Size out) {
  for (const Point corner : {Point{0, 0}, Point{1.0 * out.width, 1.0 * out.height}}) {
    const Point p = Apply(inverse, corner);
    if (p.x < -kSnap || p.y < -kSnap || p.x > in.width + kSnap || p.y > in.height + kSnap) {
      return false;
    }
  }
  return true;
}

// A picture that fills the output is resized as if there were nothing beyond it, whatever the
// border; so is one that lies on the pixels of a constant fill like a letter in its box. Elsewhere
// taps beyond the edges take what the border says.
Image64 ResampleAligned(const Image64& source, const Sampling& s) {
  const Matrix inverse = Invert(s.map);
  const auto& m = inverse.m;
  const bool swapped = std::abs(m[1]) > std::abs(m[0]);
  // Which output axis walks along the rows of the source.
  AxisRule along_x{swapped ? m[1] : m[0], m[2], s.resampling, false, 0, 0, s.nearest_shift.x};
  AxisRule along_y{swapped ? m[3] : m[4], m[5], s.resampling, false, 0, 0, s.nearest_shift.y};
  const BorderRule border = s.border.value_or(BorderRule{});
  const cv::Rect all(0, 0, s.out.width, s.out.height);
  cv::Rect shown = all;  // the rest is fill
  std::optional<cv::Rect> limit = s.window;
  if (!limit) {
    const cv::Rect picture(0, 0, source.size.width, source.size.height);
    if (!s.border || ShowsOnlyPicture(inverse, source.size, s.out)) {
      limit = picture;
    } else if (border.mode == Border::kConstant) {
      const auto boxed = PictureInOutput(s.map, source.size);
      if (boxed && !(*boxed & all).empty()) {
        limit = picture;
        shown = *boxed & all;
      }
    }
  }
  if (limit) {
    along_x.limited = along_y.limited = true;
    along_x.lo = limit->x, along_x.hi = limit->x + limit->width;
    along_y.lo = limit->y, along_y.hi = limit->y + limit->height;
  }
  // Pillow keeps what it resampled along rows in pixels of the picture's own type.
  const bool saturate =
      s.resampling == Resampling::kAntialiasCubic || s.resampling == Resampling::kLanczos;
  const Taps outside{{-1, 1}};
  BorderRule fill = border;
  fill.mode = Border::kConstant;
  Image64 out(s.out, source.channels, source.depth, source.range);
  for (int y = 0; y < s.out.height; ++y) {
    for (int x = 0; x < s.out.width; ++x) {
      if (!shown.contains({x, y})) {
        Sum(source, outside, outside, fill, out, x, y);
        continue;
      }
      Sum(source, along_x.At(swapped ? y : x), along_y.At(swapped ? x : y), border, out, x, y,
          saturate);
    }
  }
  return out;
}

Image64 CopyPixels(const Image64& source, const Sampling& s) {
  const Matrix inverse = Invert(s.map);
  const BorderRule border = s.border.value_or(BorderRule{});
  Image64 out(s.out, source.channels, source.depth, source.range);
  for (int y = 0; y < s.out.height; ++y) {
    for (int x = 0; x < s.out.width; ++x) {
      // The position is a pixel centre but for rounding noise; floor of it is the pixel.
      const Point p = Apply(inverse, {x + 0.5, y + 0.5});
      Sum(source, NearestTap(p.x), NearestTap(p.y), border, out, x, y);
    }
  }
  return out;
}

// Means of f x f blocks; a block at the edge is the mean of what it has.
Image64 BoxAverage(const Image64& source, int f) {
  const Size size{(source.size.width + f - 1) / f, (source.size.height + f - 1) / f};
  Image64 out(size, source.channels, source.depth, source.range);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < source.channels; ++c) {
        double sum = 0;
        int count = 0;
        for (int sy = y * f; sy < std::min((y + 1) * f, source.size.height); ++sy) {
          for (int sx = x * f; sx < std::min((x + 1) * f, source.size.width); ++sx) {
            sum += source.At(sx, sy, c);
            ++count;
          }
        }
        out.At(x, y, c) = sum / count;
      }
    }
  }
  return out;
}

// The most any direction is magnified; of a projective map, in the middle of what is shown. The
// derivative is taken as a difference, which is as good as exact for quotients of linear forms.
double StretchShown(const Matrix& map, Size out) {
  if (!IsProjective(map)) return LargestStretch(map);
  const Matrix inverse = Invert(map);
  const Point centre{out.width / 2.0, out.height / 2.0};
  constexpr double kStep = 1e-4;
  const auto slope = [&](Point step) {
    return (Apply(inverse, centre + step) - Apply(inverse, centre - step)) / (2 * kStep);
  };
  const Point x = slope({kStep, 0});
  const Point y = slope({0, kStep});
  return LargestStretch(Invert({{x.x, y.x, 0, x.y, y.y, 0, 0, 0, 1}}));
}

Image64 ResampleGeneral(const Image64& source, const Sampling& s) {
  // Shrinking by exactly 1/2 or 1/4 counts as exact, whatever a rotation does to the last bit.
  constexpr double kSlack = 1e-9;
  const bool nearest = s.resampling == Resampling::kNearest;
  const double stretch = StretchShown(s.map, s.out);
  Matrix map = s.map;
  Image64 averaged;
  const Image64* from = &source;
  if (!nearest && stretch < 0.5 - kSlack) {
    const int f = Floor(1 / stretch + kSlack);
    map = Multiply(map, Stretch(f, f));
    averaged = BoxAverage(source, f);
    from = &averaged;
  }
  const Matrix inverse = Invert(map);
  // Where nobody looks outside, taps beyond the edge repeat it.
  BorderRule edge;
  edge.mode = Border::kReplicate;
  const BorderRule border = s.border.value_or(edge);
  Image64 out(s.out, source.channels, source.depth, source.range);
  for (int y = 0; y < s.out.height; ++y) {
    for (int x = 0; x < s.out.width; ++x) {
      const Point p = Apply(inverse, {x + 0.5, y + 0.5});
      if (nearest) {
        Sum(*from, NearestTap(p.x + s.nearest_shift.x), NearestTap(p.y + s.nearest_shift.y), border,
            out, x, y);
      } else {
        Sum(*from, WarpTaps(s.resampling, p.x), WarpTaps(s.resampling, p.y), border, out, x, y);
      }
    }
  }
  return out;
}

// Pixel (x, y) of a one-channel mask of class indices.
int MaskAt(const cv::Mat& mask, int x, int y) {
  return mask.depth() == CV_16U ? mask.at<std::uint16_t>(y, x) : mask.at<std::uint8_t>(y, x);
}

void SetMask(cv::Mat& mask, int x, int y, int value) {
  if (mask.depth() == CV_16U) {
    mask.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(value);
  } else {
    mask.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(value);
  }
}

template <class PositionOf>
cv::Mat SampleMask(const cv::Mat& mask, Size out, int uncovered, Point shift, Border mode,
                   PositionOf position_of) {
  cv::Mat result(out.height, out.width, mask.type());
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const Point p = position_of(Point{x + 0.5, y + 0.5});
      const int sx = BorderIndex(mode, Floor(p.x + shift.x), mask.cols);
      const int sy = BorderIndex(mode, Floor(p.y + shift.y), mask.rows);
      const bool inside = sx >= 0 && sy >= 0;
      SetMask(result, x, y, inside ? MaskAt(mask, sx, sy) : uncovered);
    }
  }
  return result;
}

}  // namespace

Image64 Resample(const Image64& source, const Sampling& sampling) {
  if (IsCopy(sampling.map, source.size, sampling.out)) return CopyPixels(source, sampling);
  if (IsAligned(sampling.map, source.size)) return ResampleAligned(source, sampling);
  return ResampleGeneral(source, sampling);
}

Image64 Displace(const Image64& source, const FieldStep& step, Point nearest_shift) {
  const Field64& field = step.field;
  Image64 out(field.size, source.channels, source.depth, source.range);
  for (int y = 0; y < field.size.height; ++y) {
    for (int x = 0; x < field.size.width; ++x) {
      const Point centre{x + 0.5, y + 0.5};
      const Point p = centre + field.At(centre);
      if (step.resampling == Resampling::kNearest) {
        Sum(source, NearestTap(p.x + nearest_shift.x), NearestTap(p.y + nearest_shift.y),
            step.border, out, x, y);
      } else {
        Sum(source, WarpTaps(step.resampling, p.x), WarpTaps(step.resampling, p.y), step.border,
            out, x, y);
      }
    }
  }
  return out;
}

Point Field64::At(Point p) const {
  const auto line = [](double position, int n) {
    const double clamped = std::clamp(position - 0.5, 0.0, n - 1.0);
    const int first = std::min(Floor(clamped), std::max(n - 2, 0));
    return std::pair{first, clamped - first};
  };
  const auto [x, tx] = line(p.x, size.width);
  const auto [y, ty] = line(p.y, size.height);
  Point sum{0, 0};
  for (int j = 0; j < 2; ++j) {
    for (int i = 0; i < 2; ++i) {
      const double weight = (i == 0 ? 1 - tx : tx) * (j == 0 ? 1 - ty : ty);
      if (weight == 0) continue;
      const auto at = static_cast<std::size_t>(y + j) * static_cast<std::size_t>(size.width) +
                      static_cast<std::size_t>(x + i);
      sum += weight * Point{dx[at], dy[at]};
    }
  }
  return sum;
}

cv::Mat MapMask(const cv::Mat& mask, const Matrix& map, Size out, int uncovered,
                Point nearest_shift, Border mode) {
  const Matrix inverse = Invert(map);
  return SampleMask(mask, out, uncovered, nearest_shift, mode,
                    [&](Point p) { return Apply(inverse, p); });
}

cv::Mat DisplaceMask(const cv::Mat& mask, const Field64& field, int uncovered,
                     Point nearest_shift) {
  return SampleMask(mask, field.size, uncovered, nearest_shift, Border::kConstant,
                    [&](Point p) { return p + field.At(p); });
}

}  // namespace pixloom::reference
