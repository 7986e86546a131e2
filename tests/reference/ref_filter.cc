// SPDX-License-Identifier: Apache-2.0
// Formulas of blurs.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/reference/ref_weights.h"

namespace pixloom::reference {

namespace {

void CheckBlur(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("sigma", args.Interval("sigma", {0.5, 3}), draws["sigma"], problems);
}

std::vector<RefStep> GaussianBlur(const Arguments& args, const Draws& draws, const OpState&) {
  const double sigma = draws["sigma"];
  int kernel = static_cast<int>(args.Number("kernel", 0));
  if (kernel == 0) kernel = 2 * static_cast<int>(3.5 * sigma) + 1;
  const std::vector<double> taps = GaussianTaps(sigma, kernel);
  return {Picture(
      [=](Image64& image) { image = Convolved(Convolved(image, taps, true), taps, false); })};
}

void CheckKernel(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckOdd("kernel", args.Interval("kernel", {3, 7}), draws["kernel"], problems);
}

std::vector<RefStep> BoxBlur(const Arguments&, const Draws& draws, const OpState&) {
  Weights weights(static_cast<int>(draws["kernel"]) / 2);
  const auto area = static_cast<double>(weights.values.size());
  return {Picture([=](Image64& image) {
    Replace(image, [&](int x, int y, int c) {
      double sum = 0;
      for (int j = -weights.radius; j <= weights.radius; ++j) {
        for (int i = -weights.radius; i <= weights.radius; ++i) {
          sum += Reflected(image, x + i, y + j, c);
        }
      }
      return sum / area;
    });
  })};
}

std::vector<RefStep> MedianBlur(const Arguments&, const Draws& draws, const OpState&) {
  const int radius = static_cast<int>(draws["kernel"]) / 2;
  return {Picture([=](Image64& image) {
    std::vector<double> values;
    Replace(image, [&](int x, int y, int c) {
      values.clear();
      for (int j = y - radius; j <= y + radius; ++j) {
        for (int i = x - radius; i <= x + radius; ++i) {
          values.push_back(image.At(std::clamp(i, 0, image.size.width - 1),
                                    std::clamp(j, 0, image.size.height - 1), c));
        }
      }
      std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                       values.end());
      return values[values.size() / 2];
    });
  })};
}

void CheckMotion(const Arguments& args, const Draws& draws, const OpState& state,
                 Problems& problems) {
  CheckKernel(args, draws, state, problems);
  CheckHolds("angle", args.Interval("angle", {0, 180}), draws["angle"], problems);
  CheckHolds("direction", args.Interval("direction", 0), draws["direction"], problems);
}

// The line from `a` to `b` in steps across the pixels of its steeper axis: each pixel in between
// weighs as much of that axis as the line covers of it, split over two pixels of the other axis by
// where the middle of that part lies.
std::vector<RefStep> MotionBlur(const Arguments&, const Draws& draws, const OpState&) {
  const double side = draws["kernel"];
  const double turn = draws["angle"] * std::numbers::pi / 180;
  const double lean = draws["direction"];
  const double back = side / 2 * (lean > 0 ? 1 - lean : 1);
  const double ahead = side / 2 * (lean < 0 ? 1 + lean : 1);
  const Point u(std::cos(turn), -std::sin(turn));
  const Point a = -back * u;
  const Point b = ahead * u;
  const bool flat = std::abs(u.x) >= std::abs(u.y);
  Weights weights(static_cast<int>(side) / 2);
  for (int m = -weights.radius; m <= weights.radius; ++m) {
    const double start = flat ? a.x : a.y;
    const double length = flat ? b.x - a.x : b.y - a.y;
    if (length == 0) continue;
    // Where the line enters and leaves the pixel, in parts of the line.
    double in = (m - 0.5 - start) / length;
    double out = (m + 0.5 - start) / length;
    if (in > out) std::swap(in, out);
    in = std::clamp(in, 0.0, 1.0);
    out = std::clamp(out, 0.0, 1.0);
    const Point middle = a + (b - a) * ((in + out) / 2);
    const double other = flat ? middle.y : middle.x;
    for (int k = -weights.radius; k <= weights.radius; ++k) {
      const double share = std::max(0.0, 1 - std::abs(other - k)) * (out - in);
      weights.At(flat ? m : k, flat ? k : m) += share;
    }
  }
  weights.Normalise();
  return CorrelateWith(weights);
}

void CheckDefocus(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("radius", args.Interval("radius", {3, 10}), draws["radius"], problems);
  CheckHolds("alias_blur", args.Interval("alias_blur", {0.1, 0.5}), draws["alias_blur"], problems);
}

std::vector<RefStep> Defocus(const Arguments&, const Draws& draws, const OpState&) {
  const int radius = static_cast<int>(draws["radius"]);
  const double sigma = draws["alias_blur"];
  const int reach = sigma == 0 ? 0 : radius <= 8 ? 1 : 2;
  const std::vector<double> rim = GaussianTaps(sigma, 2 * reach + 1);
  Weights weights(radius + reach);
  for (int y = -radius; y <= radius; ++y) {
    for (int x = -radius; x <= radius; ++x) {
      if (std::hypot(x, y) > radius + 1e-9) continue;
      for (int j = -reach; j <= reach; ++j) {
        for (int i = -reach; i <= reach; ++i) {
          weights.At(x + i, y + j) +=
              rim[static_cast<std::size_t>(i + reach)] * rim[static_cast<std::size_t>(j + reach)];
        }
      }
    }
  }
  weights.Normalise();
  return CorrelateWith(weights);
}

void CheckZoom(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("max_factor", args.Interval("max_factor", {1, 1.31}), draws["max_factor"], problems);
  CheckHolds("step", args.Interval("step", {0.01, 0.03}), draws["step"], problems);
}

double Bilinear(const Image64& image, double x, double y, int c) {
  x = std::clamp(x, 0.0, image.size.width - 1.0);
  y = std::clamp(y, 0.0, image.size.height - 1.0);
  const int x0 = static_cast<int>(x);
  const int y0 = static_cast<int>(y);
  const int x1 = std::min(x0 + 1, image.size.width - 1);
  const int y1 = std::min(y0 + 1, image.size.height - 1);
  const double top = image.At(x0, y0, c) * (1 - (x - x0)) + image.At(x1, y0, c) * (x - x0);
  const double low = image.At(x0, y1, c) * (1 - (x - x0)) + image.At(x1, y1, c) * (x - x0);
  return top * (1 - (y - y0)) + low * (y - y0);
}

std::vector<RefStep> ZoomBlur(const Arguments&, const Draws& draws, const OpState&) {
  std::vector<double> factors{1};
  for (int i = 0; 1 + i * draws["step"] < draws["max_factor"]; ++i) {
    factors.push_back(1 + i * draws["step"]);
  }
  return {Picture([=](Image64& image) {
    Replace(image, [&](int x, int y, int c) {
      const double middle_x = (image.size.width - 1) / 2.0;
      const double middle_y = (image.size.height - 1) / 2.0;
      double sum = 0;
      for (const double f : factors) {
        sum += Bilinear(image, middle_x + (x - middle_x) / f, middle_y + (y - middle_y) / f, c);
      }
      return sum / static_cast<double>(factors.size());
    });
  })};
}

void CheckGlass(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("sigma", args.Interval("sigma", {0.5, 1}), draws["sigma"], problems);
  CheckHolds("max_delta", args.Interval("max_delta", {2, 4}), draws["max_delta"], problems);
}

std::vector<RefStep> GlassBlur(const Arguments& args, const Draws& draws, const OpState&) {
  const double sigma = draws["sigma"];
  const int reach = static_cast<int>(draws["max_delta"]);
  const int turns = static_cast<int>(args.Number("iterations", 2));
  if (sigma == 0 && (reach == 0 || turns == 0)) return {};
  return {PictureStep{[=](Image64& image, const StreamKey& noise, std::string&) {
    if (sigma > 0) {
      image = Blurred(image, sigma);
      RoundToDepth(image);
    }
    const Size size = image.size;
    const int pixels = size.width * size.height;
    for (int i = 0; i < (reach > 0 ? turns * pixels : 0); ++i) {
      const std::uint32_t word =
          noise.Block(static_cast<std::uint32_t>(i / 4))[static_cast<std::size_t>(i % 4)];
      const auto part = [&](std::uint32_t half) {  // of 2 reach + 1 equal parts of [0, 65536)
        return static_cast<int>(std::floor(half * (2.0 * reach + 1) / 65536)) - reach;
      };
      const int x = i % pixels % size.width;
      const int y = i % pixels / size.width;
      const int to_x = std::clamp(x + part(word / 65536), 0, size.width - 1);
      const int to_y = std::clamp(y + part(word % 65536), 0, size.height - 1);
      for (int c = 0; c < image.channels; ++c)
        std::swap(image.At(x, y, c), image.At(to_x, to_y, c));
    }
    if (sigma > 0) image = Blurred(image, sigma);
  }}};
}

void CheckBilateral(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckOdd("diameter", args.Interval("diameter", {5, 9}), draws["diameter"], problems);
  CheckHolds("sigma_color", args.Interval("sigma_color", {0.05, 0.3}), draws["sigma_color"],
             problems);
  CheckHolds("sigma_space", args.Interval("sigma_space", {1.5, 4}), draws["sigma_space"], problems);
}

std::vector<RefStep> Bilateral(const Arguments&, const Draws& draws, const OpState&) {
  const int radius = static_cast<int>(draws["diameter"]) / 2;
  const double colour = draws["sigma_color"];
  const double space = draws["sigma_space"];
  return {Picture([=](Image64& image) { BilateralMeans(image, radius, colour, space); })};
}

void CheckAdvanced(const Arguments& args, const Draws& draws, const OpState& state,
                   Problems& problems) {
  CheckKernel(args, draws, state, problems);
  CheckHolds("sigma_x", args.Interval("sigma_x", {0.2, 1.5}), draws["sigma_x"], problems);
  CheckHolds("sigma_y", args.Interval("sigma_y", {0.2, 1.5}), draws["sigma_y"], problems);
  CheckHolds("angle", args.Interval("angle", {-90, 90}), draws["angle"], problems);
  CheckHolds("beta", args.Interval("beta", {0.5, 4}), draws["beta"], problems);
}

std::vector<RefStep> AdvancedBlur(const Arguments& args, const Draws& draws, const OpState& state) {
  const double turn = draws["angle"] * std::numbers::pi / 180;
  const Point first(std::cos(turn), -std::sin(turn));
  const Point second(std::sin(turn), std::cos(turn));
  const Range noise = args.Interval("noise", {0.9, 1.1});
  Weights weights(static_cast<int>(draws["kernel"]) / 2);
  std::uint32_t i = 0;
  for (int y = -weights.radius; y <= weights.radius; ++y) {
    for (int x = -weights.radius; x <= weights.radius; ++x, ++i) {
      const std::uint32_t word = state.key.Pixels().Block(i / 4)[i % 4];
      const double u = Point(x, y).dot(first) / draws["sigma_x"];
      const double v = Point(x, y).dot(second) / draws["sigma_y"];
      weights.At(x, y) = std::exp(-0.5 * std::pow(u * u + v * v, draws["beta"])) *
                         (noise.lo + (noise.hi - noise.lo) * ((word >> 8) / 16777216.0));
    }
  }
  weights.Normalise();
  return CorrelateWith(weights);
}

void CheckRinging(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckOdd("kernel", args.Interval("kernel", {7, 15}), draws["kernel"], problems);
  CheckHolds("cutoff", args.Interval("cutoff", {0.25, 0.5}), draws["cutoff"], problems);
}

std::vector<RefStep> Ringing(const Arguments&, const Draws& draws, const OpState&) {
  const double w = draws["cutoff"] * std::numbers::pi;
  Weights weights(static_cast<int>(draws["kernel"]) / 2);
  for (int y = -weights.radius; y <= weights.radius; ++y) {
    for (int x = -weights.radius; x <= weights.radius; ++x) {
      const double r = std::hypot(x, y);
      // J1(z) / z tends to a half.
      const double ratio = r == 0 ? 0.5 : std::cyl_bessel_j(1, w * r) / (w * r);
      weights.At(x, y) = w * w * ratio / (2 * std::numbers::pi);
    }
  }
  weights.Normalise();
  return CorrelateWith(weights);
}

}  // namespace

const std::vector<OpRule>& FilterRules() {
  static const std::vector<OpRule> rules{
      {"advanced_blur",
       true,
       {"kernel", "sigma_x", "sigma_y", "angle", "beta"},
       CheckAdvanced,
       AdvancedBlur},
      {"bilateral", true, {"diameter", "sigma_color", "sigma_space"}, CheckBilateral, Bilateral},
      {"box_blur", true, {"kernel"}, CheckKernel, BoxBlur},
      {"defocus", true, {"radius", "alias_blur"}, CheckDefocus, Defocus},
      {"gaussian_blur", true, {"sigma"}, CheckBlur, GaussianBlur},
      {"glass_blur", true, {"sigma", "max_delta"}, CheckGlass, GlassBlur},
      {"median_blur", true, {"kernel"}, CheckKernel, MedianBlur},
      {"motion_blur", true, {"kernel", "angle", "direction"}, CheckMotion, MotionBlur},
      {"ringing", true, {"kernel", "cutoff"}, CheckRinging, Ringing},
      {"zoom_blur", true, {"max_factor", "step"}, CheckZoom, ZoomBlur},
  };
  return rules;
}

}  // namespace pixloom::reference
