// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/geometry/canvas.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Sampler { kJitter, kDistortion };

}  // namespace

template <>
struct EnumNames<Sampler> {
  static constexpr std::array kAll{std::pair{Sampler::kJitter, "jitter"},
                                   std::pair{Sampler::kDistortion, "distortion"}};
};

namespace {

// How far each corner of the unit square moves inwards, clockwise from the upper left.
using Inward = std::array<Point, 4>;

constexpr std::array<std::array<std::string_view, 2>, 4> kCornerNames{
    {{"top_left_x", "top_left_y"},
     {"top_right_x", "top_right_y"},
     {"bottom_right_x", "bottom_right_y"},
     {"bottom_left_x", "bottom_left_y"}}};

Quad Corners(const Inward& in) {
  return {Point{in[0].x, in[0].y}, Point{1 - in[1].x, in[1].y}, Point{1 - in[2].x, 1 - in[2].y},
          Point{in[3].x, 1 - in[3].y}};
}

// The map of the unit square onto a quad (Heckbert 1989). Its last element is 1; of a
// parallelogram it is affine to the last bit.
Matrix FromUnitSquare(const Quad& q) {
  const Point a = q[1] - q[2];
  const Point b = q[3] - q[2];
  const Point c = q[0] - q[1] + q[2] - q[3];
  const double area = a.x * b.y - b.x * a.y;
  const double g = (c.x * b.y - b.x * c.y) / area;
  const double h = (a.x * c.y - c.x * a.y) / area;
  return {{q[1].x - q[0].x + g * q[1].x, q[3].x - q[0].x + h * q[3].x, q[0].x,
           q[1].y - q[0].y + g * q[1].y, q[3].y - q[0].y + h * q[3].y, q[0].y, g, h, 1}};
}

Matrix Normalised(Matrix map) {
  const double last = map.m[8];
  for (double& v : map.m) v /= last;
  return map;
}

// Whether the divisor of the map, 1 at the upper left of the unit square, stays clear of 0 on all
// of it: nothing flips over, and nothing is blown up without bounds.
bool IsTame(const Matrix& map) {
  const double g = map.m[6];
  const double h = map.m[7];
  const auto [least, most] = std::minmax({1.0, 1 + g, 1 + h, 1 + g + h});
  return least > 0.1 * most && map.Determinant() > 0;
}

struct Perspective : Warped {
  Sampler sampler = Sampler::kJitter;
  Range scale{0.05, 0.1};
  double distortion_scale = 0.5;
  bool keep_size = true;
  bool fit_output = false;

  static constexpr std::string_view kName = "perspective";
  static constexpr std::string_view kDoc = "Look at the picture from a random direction.";
  static constexpr std::array<std::string_view, 1> kAliases{"Perspective"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{
            Param("sampler", &Perspective::sampler)
                .Doc("jitter: four points near the corners become the corners, what lies outside "
                     "them is cut off; distortion: the corners become four points further inside."),
            Param("scale", &Perspective::scale)
                .In(0, 1)
                .Unit("sides")
                .Doc("jitter: deviation of the points from the corners; what a normal draw has "
                     "beyond 0.32 starts again at 0."),
            Param("distortion_scale", &Perspective::distortion_scale)
                .In(0, 1)
                .Unit("half sides")
                .Doc("distortion: greatest distance of the points from the corners."),
            Param("keep_size", &Perspective::keep_size)
                .Doc("Stretch the result back to the size of the picture."),
            Param("fit_output", &Perspective::fit_output)
                .Doc("Show the whole picture and as little else as possible.")},
        Warped::Table<Perspective>());
  }

  AffineStep Draw(Rng& rng, const Facts& facts) const {
    const double deviation = rng.Draw("scale", scale);
    Inward inward;
    for (Point& corner : inward) {
      corner.x = Offset(rng, deviation);
      corner.y = Offset(rng, deviation);
    }
    Matrix map = UnitMap(inward);
    // Half the way is always tame: the corners stay within 0.16, or 0.25, of a side.
    if (!IsTame(map)) {
      for (Point& corner : inward) corner *= 0.5;
      map = UnitMap(inward);
    }
    for (std::size_t i = 0; i < inward.size(); ++i) {
      rng.Note(kCornerNames[i][0], inward[i].x);
      rng.Note(kCornerNames[i][1], inward[i].y);
    }
    return Step(map, inward, facts.size);
  }

  Meta Out(const Meta& in) const {
    Meta out = in;
    if (!keep_size) out.size.reset();
    return out;
  }

 private:
  double Offset(Rng& rng, double deviation) const {
    if (sampler == Sampler::kDistortion) return rng.Uniform("", 0, distortion_scale / 2);
    constexpr double kReach = 0.32;
    const double offset = std::abs(rng.Normal("", 0, deviation));
    return offset - kReach * std::floor(offset / kReach);
  }

  Matrix UnitMap(const Inward& inward) const {
    const Matrix map = FromUnitSquare(Corners(inward));
    return sampler == Sampler::kDistortion ? map : Normalised(map.Inverse());
  }

  // `map` in units of the sides. What it shows is stretched to the canvas.
  AffineStep Step(const Matrix& map, const Inward& inward, Size size) const {
    std::array<double, 4> shown{0, 0, 1, 1};
    Extent natural{static_cast<double>(size.width), static_cast<double>(size.height)};
    if (sampler == Sampler::kJitter) natural = LongestSides(inward, size);
    if (fit_output) {
      Quad corners = BoxQuad(0, 0, 1, 1);
      for (Point& p : corners) p = map(p);
      shown = Bounds(corners);
      natural.width *= shown[2] - shown[0];
      natural.height *= shown[3] - shown[1];
    }
    const Size out =
        keep_size ? size : Size{RoundedSide(natural.width), RoundedSide(natural.height)};
    const Matrix to_canvas =
        Matrix::Scale(out.width / (shown[2] - shown[0]), out.height / (shown[3] - shown[1])) *
        Matrix::Translate(-shown[0], -shown[1]);
    AffineStep step{to_canvas * map * Matrix::Scale(1.0 / size.width, 1.0 / size.height), out,
                    Rule(), interpolation};
    // Only what lies between points inside the picture is shown.
    if (sampler == Sampler::kJitter && !fit_output) step.border.reset();
    return step;
  }

  // The longer of each two opposite sides between the points, in pixels.
  static Extent LongestSides(const Inward& inward, Size size) {
    const Quad q = Corners(inward);
    const auto length = [&](std::size_t i, std::size_t j) {
      const double x = (q[j].x - q[i].x) * size.width;
      const double y = (q[j].y - q[i].y) * size.height;
      return std::sqrt(x * x + y * y);
    };
    return {std::max(length(0, 1), length(3, 2)), std::max(length(1, 2), length(0, 3))};
  }
};

}  // namespace

void RegisterPerspective(Registry& registry) { registry.AddOperator<Perspective>(); }

}  // namespace pixloom
