// SPDX-License-Identifier: Apache-2.0
// Formulas of enhancers that undo damage: noise, blur, blocks.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "tests/reference/ref_geometry.h"
#include "tests/reference/ref_planes.h"
#include "tests/reference/ref_weights.h"

namespace pixloom::reference {

namespace {

// ---- Blocks -------------------------------------------------------------------------------------

void CheckDeblock(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("strength", args.Interval("strength", {0.7, 1}), draws["strength"], problems);
}

// Rows of weights over p3 p2 p1 p0 q0 q1 q2 q3, in eighths.
constexpr int kStrong[8][8] = {{8, 0, 0, 0, 0, 0, 0, 0}, {2, 3, 1, 1, 1, 0, 0, 0},
                               {0, 2, 2, 2, 2, 0, 0, 0}, {0, 1, 2, 2, 2, 1, 0, 0},
                               {0, 0, 1, 2, 2, 2, 1, 0}, {0, 0, 0, 2, 2, 2, 2, 0},
                               {0, 0, 0, 1, 1, 1, 3, 2}, {0, 0, 0, 0, 0, 0, 0, 8}};

// One border: `at(i, c)` is pixel i of the eight across it.
void Border8(const std::function<double&(int, int)>& at, int colours, double step, double flat,
             double strength, const std::function<double(double)>& stored) {
  const auto off = [&](int i, int j) {
    double worst = 0;
    for (int c = 0; c < colours; ++c) worst = std::max(worst, std::abs(at(i, c) - at(j, c)));
    return worst;
  };
  if (off(3, 4) >= step || off(2, 3) >= flat || off(5, 4) >= flat) return;
  const bool smooth = off(1, 3) < flat && off(0, 3) < flat && off(6, 4) < flat && off(7, 4) < flat;
  for (int c = 0; c < colours; ++c) {
    std::array<double, 8> now{};
    for (int i = 0; i < 8; ++i) now[static_cast<std::size_t>(i)] = at(i, c);
    std::array<double, 8> next = now;
    if (smooth) {
      for (std::size_t i = 0; i < 8; ++i) {
        next[i] = 0;
        for (std::size_t k = 0; k < 8; ++k) next[i] += kStrong[i][k] * now[k] / 8;
      }
    } else {
      const double d = (4 * (now[4] - now[3]) + now[2] - now[5]) / 8;
      next[3] += std::clamp(d, -flat, flat);
      next[4] -= std::clamp(d, -flat, flat);
    }
    for (int i = 1; i < 7; ++i) {
      const auto k = static_cast<std::size_t>(i);
      at(i, c) = stored(now[k] + strength * (next[k] - now[k]));
    }
  }
}

std::vector<RefStep> Deblock(const Arguments& args, const Draws& draws, const OpState&) {
  const double strength = draws["strength"];
  const double step = args.Number("step", 0.15);
  const double flat = args.Number("flat", 0.04);
  const int block = static_cast<int>(args.Number("block", 8));
  const int first_x = static_cast<int>(args.Number("x", 0)) % block;
  const int first_y = static_cast<int>(args.Number("y", 0)) % block;
  return {Picture([=](Image64& image) {
    // Integers are whole levels between the two passes.
    const auto stored = [&](double v) {
      if (image.depth == Depth::kF32) return v;
      return std::clamp(std::floor(v + 0.5), 0.0, image.Span());
    };
    const int colours = ColourChannels(image);
    const double step_levels = step * image.Span();
    const double flat_levels = flat * image.Span();
    const int w = image.size.width;
    const int h = image.size.height;
    for (int x = first_x; x < w; x += block) {
      if (x < 4 || x + 4 > w) continue;
      for (int y = 0; y < h; ++y) {
        Border8([&](int i, int c) -> double& { return image.At(x - 4 + i, y, c); }, colours,
                step_levels, flat_levels, strength, stored);
      }
    }
    for (int y = first_y; y < h; y += block) {
      if (y < 4 || y + 4 > h) continue;
      for (int x = 0; x < w; ++x) {
        Border8([&](int i, int c) -> double& { return image.At(x, y - 4 + i, c); }, colours,
                step_levels, flat_levels, strength, stored);
      }
    }
  })};
}

// ---- Noise --------------------------------------------------------------------------------------

void CheckDenoise(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("strength", args.Interval("strength", {0.02, 0.06}), draws["strength"], problems);
}

std::vector<Plane> MeansOfAlike(const std::vector<Plane>& in, double s, int patch, int search) {
  const int w = in[0].width;
  const int h = in[0].height;
  const auto at = [&](std::size_t c, int x, int y) {
    return in[c].At(BorderIndex(Border::kReflect101, x, w), BorderIndex(Border::kReflect101, y, h));
  };
  std::vector<Plane> out = in;
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      std::vector<double> sum(in.size());
      double total = 0;
      for (int dy = -(search / 2); dy <= search / 2; ++dy) {
        for (int dx = -(search / 2); dx <= search / 2; ++dx) {
          double distance = 0;
          for (std::size_t c = 0; c < in.size(); ++c) {
            for (int v = -(patch / 2); v <= patch / 2; ++v) {
              for (int u = -(patch / 2); u <= patch / 2; ++u) {
                const double d = at(c, x + u, y + v) - at(c, x + dx + u, y + dy + v);
                distance += d * d;
              }
            }
          }
          distance /= patch * patch * static_cast<double>(in.size());
          const double beyond = std::max(distance - 2 * s * s, 0.0);
          const double weight = std::exp(-beyond / (0.64 * s * s));
          total += weight;
          for (std::size_t c = 0; c < in.size(); ++c) sum[c] += weight * at(c, x + dx, y + dy);
        }
      }
      for (std::size_t c = 0; c < in.size(); ++c) out[c].At(x, y) = sum[c] / total;
    }
  }
  return out;
}

std::vector<Plane> LeastVariation(const std::vector<Plane>& in, double weight, int rounds) {
  const int w = in[0].width;
  const int h = in[0].height;
  std::vector<Plane> across(in.size(), Plane(w, h));
  std::vector<Plane> down(in.size(), Plane(w, h));
  const auto estimate = [&](std::size_t c) {
    return MakePlane(w, h, [&](int x, int y) {
      double divergence = -across[c].At(x, y) - down[c].At(x, y);
      if (x > 0) divergence += across[c].At(x - 1, y);
      if (y > 0) divergence += down[c].At(x, y - 1);
      return in[c].At(x, y) + divergence;
    });
  };
  for (int round = 0; round < rounds; ++round) {
    std::vector<Plane> right;
    std::vector<Plane> below;
    Plane squares(w, h);
    for (std::size_t c = 0; c < in.size(); ++c) {
      const Plane u = estimate(c);
      right.push_back(MakePlane(
          w, h, [&](int x, int y) { return x + 1 < w ? u.At(x + 1, y) - u.At(x, y) : 0.0; }));
      below.push_back(MakePlane(
          w, h, [&](int x, int y) { return y + 1 < h ? u.At(x, y + 1) - u.At(x, y) : 0.0; }));
      for (std::size_t i = 0; i < squares.v.size(); ++i) {
        squares.v[i] += right[c].v[i] * right[c].v[i] + below[c].v[i] * below[c].v[i];
      }
    }
    for (std::size_t c = 0; c < in.size(); ++c) {
      for (std::size_t i = 0; i < squares.v.size(); ++i) {
        const double by = 1 + 0.25 / weight * std::sqrt(squares.v[i]);
        across[c].v[i] = (across[c].v[i] - 0.25 * right[c].v[i]) / by;
        down[c].v[i] = (down[c].v[i] - 0.25 * below[c].v[i]) / by;
      }
    }
  }
  std::vector<Plane> out;
  for (std::size_t c = 0; c < in.size(); ++c) out.push_back(estimate(c));
  return out;
}

std::vector<RefStep> Denoise(const Arguments& args, const Draws& draws, const OpState&) {
  const double strength = draws["strength"];
  const std::string method = args.Text("method", "nlmeans");
  if (method == "bilateral") {
    return {Picture([=](Image64& image) {
      const Image64 before = image;
      BilateralMeans(image, 4, 3 * strength * ColourChannels(image), 2);
      for (std::size_t i = 3; image.channels == 4 && i < image.values.size(); i += 4) {
        image.values[i] = before.values[i];
      }
    })};
  }
  const bool tv = method == "tv";
  const int patch = static_cast<int>(args.Number("patch", 5));
  const int search = static_cast<int>(args.Number("search", 13));
  const int rounds = static_cast<int>(args.Number("iterations", 30));
  return {Picture([=](Image64& image) {
    const std::vector<Plane> planes = UnitPlanes(image);
    PutPlanes(tv ? LeastVariation(planes, strength, rounds)
                 : MeansOfAlike(planes, strength, patch, search),
              image);
  })};
}

// ---- Blur ---------------------------------------------------------------------------------------

// Weights by (dx, dy), `radius` to all sides.
struct Spread {
  int radius = 0;
  std::vector<double> weights;
  double At(int dx, int dy) const {
    return weights[static_cast<std::size_t>((dy + radius) * (2 * radius + 1) + dx + radius)];
  }
};

Spread SpreadOf(const std::string& psf, double size, double degrees) {
  Spread spread;
  spread.radius = psf == "gaussian" ? static_cast<int>(3.5 * size) : static_cast<int>(size) + 2;
  const double half = std::max(size - 1, 0.0) / 2;
  const double ux = std::cos(Radians(degrees));
  const double uy = -std::sin(Radians(degrees));
  double total = 0;
  for (int y = -spread.radius; y <= spread.radius; ++y) {
    for (int x = -spread.radius; x <= spread.radius; ++x) {
      double weight = 0;
      if (psf == "gaussian") {
        weight = std::exp(-(x * x + y * y) / (2 * size * size));
      } else if (psf == "disk") {
        weight = std::clamp(size + 0.5 - std::hypot(x, y), 0.0, 1.0);
      } else {
        const double t = std::clamp(x * ux + y * uy, -half, half);
        weight = std::max(1 - std::hypot(x - t * ux, y - t * uy), 0.0);
      }
      spread.weights.push_back(weight);
      total += weight;
    }
  }
  for (double& weight : spread.weights) weight /= total;
  return spread;
}

// The blur as a matrix over pixels, edge pixels mirrored with the edge, or its transpose.
Plane Blurred(const Plane& in, const Spread& spread, bool transposed) {
  Plane out(in.width, in.height);
  for (int y = 0; y < in.height; ++y) {
    for (int x = 0; x < in.width; ++x) {
      for (int dy = -spread.radius; dy <= spread.radius; ++dy) {
        const int sy = BorderIndex(Border::kReflect, y + dy, in.height);
        for (int dx = -spread.radius; dx <= spread.radius; ++dx) {
          const int sx = BorderIndex(Border::kReflect, x + dx, in.width);
          const double weight = spread.At(dx, dy);
          if (transposed) {
            out.At(sx, sy) += weight * in.At(x, y);
          } else {
            out.At(x, y) += weight * in.At(sx, sy);
          }
        }
      }
    }
  }
  return out;
}

Plane Sharpened(const Plane& observed, const Spread& spread, int rounds) {
  const auto divide = [](double a, double b) { return a / std::max(b, 1e-6); };
  const auto multiply = [](double a, double b) { return a * b; };
  Plane seen = observed;
  for (double& v : seen.v) v = std::max(v, 0.0);
  Plane ones = observed;
  for (double& v : ones.v) v = 1;
  const Plane total = Blurred(ones, spread, true);
  Plane estimate = seen;
  for (int i = 0; i < rounds; ++i) {
    const Plane ratio = Combined(seen, Blurred(estimate, spread, false), divide);
    estimate = Combined(estimate, Combined(Blurred(ratio, spread, true), total, divide), multiply);
  }
  return estimate;
}

Plane Curvature(const Plane& in) {
  return MakePlane(in.width, in.height, [&](int x, int y) {
    double sum = 0;
    for (const auto& [dx, dy] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}}) {
      const int sx = std::clamp(x + dx, 0, in.width - 1);
      const int sy = std::clamp(y + dy, 0, in.height - 1);
      sum += in.At(sx, sy) - in.At(x, y);
    }
    return sum;
  });
}

using Planes = std::vector<Plane>;

// Conjugate gradients on all channels as one vector.
Planes LeastSquares(const Planes& observed, const Spread& spread, double balance, int rounds) {
  const auto each = [](const Planes& a, const Planes& b, double by) {
    Planes out;
    for (std::size_t c = 0; c < a.size(); ++c) {
      out.push_back(Combined(a[c], b[c], [by](double u, double v) { return u + by * v; }));
    }
    return out;
  };
  const auto dot = [](const Planes& a, const Planes& b) {
    double sum = 0;
    for (std::size_t c = 0; c < a.size(); ++c) {
      for (std::size_t i = 0; i < a[c].v.size(); ++i) sum += a[c].v[i] * b[c].v[i];
    }
    return sum;
  };
  const auto normal = [&](const Planes& in) {
    Planes blurred;
    Planes curved;
    for (const Plane& plane : in) {
      blurred.push_back(Blurred(Blurred(plane, spread, false), spread, true));
      curved.push_back(Curvature(Curvature(plane)));
    }
    return each(blurred, curved, balance);
  };
  Planes wanted;
  for (const Plane& plane : observed) wanted.push_back(Blurred(plane, spread, true));
  Planes estimate = observed;
  Planes residual = each(wanted, normal(estimate), -1);
  Planes direction = residual;
  const double enough = 1e-12 * dot(observed, observed);
  for (int i = 0; i < rounds && dot(residual, residual) > enough; ++i) {
    const Planes moved = normal(direction);
    const double size = dot(residual, residual);
    const double step = size / dot(direction, moved);
    estimate = each(estimate, direction, step);
    residual = each(residual, moved, -step);
    direction = each(residual, direction, dot(residual, residual) / size);
  }
  return estimate;
}

void CheckDeconvolve(const Arguments& args, const Draws& draws, const OpState&,
                     Problems& problems) {
  CheckHolds("size", args.Interval("size", {1, 2}), draws["size"], problems);
  CheckHolds("angle", args.Interval("angle", {0}), draws["angle"], problems);
  CheckHolds("strength", args.Interval("strength", {1}), draws["strength"], problems);
}

std::vector<RefStep> Deconvolve(const Arguments& args, const Draws& draws, const OpState&) {
  const Spread spread = SpreadOf(args.Text("psf", "gaussian"), draws["size"], draws["angle"]);
  const bool wiener = args.Text("method", "richardson_lucy") == "wiener";
  const int rounds = static_cast<int>(args.Number("iterations", 12));
  const double balance = args.Number("balance", 0.005);
  const double share = draws["strength"];
  return {Picture([=](Image64& image) {
    const Planes observed = UnitPlanes(image);
    Planes out;
    if (wiener) {
      out = LeastSquares(observed, spread, balance, rounds);
    } else {
      for (const Plane& plane : observed) out.push_back(Sharpened(plane, spread, rounds));
    }
    for (std::size_t c = 0; c < out.size(); ++c) {
      out[c] = Combined(observed[c], out[c],
                        [share](double from, double to) { return from + share * (to - from); });
    }
    PutPlanes(out, image);
  })};
}

}  // namespace

const std::vector<OpRule>& RestoreRules() {
  static const std::vector<OpRule> rules{
      {"deblock", true, {"strength"}, CheckDeblock, Deblock},
      {"deconvolve", true, {"size", "angle", "strength"}, CheckDeconvolve, Deconvolve},
      {"denoise", true, {"strength"}, CheckDenoise, Denoise},
  };
  return rules;
}

}  // namespace pixloom::reference
