// SPDX-License-Identifier: Apache-2.0
// Formulas of noise.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <vector>

#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

// Number n of a stream.
std::uint32_t Word(const StreamKey& key, std::int64_t n) {
  return key.Block(static_cast<std::uint32_t>(n / 4))[static_cast<std::size_t>(n % 4)];
}
double Normal(const StreamKey& key, std::int64_t n) {
  return Normals(key.Block(static_cast<std::uint32_t>(n / 4)))[static_cast<std::size_t>(n % 4)];
}
double Signed(const StreamKey& key, std::int64_t n) { return (Word(key, n) >> 8) * 0x1p-23 - 1; }

// `change` gets a value in unit scale and the index of its random number: one per value, or one per
// pixel; and gives unit scale.
template <class Change>
void ChangeEach(Image64& image, bool per_channel, Change change) {
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) {
      const std::int64_t pixel = static_cast<std::int64_t>(y) * image.size.width + x;
      for (int c = 0; c < ColourChannels(image); ++c) {
        double& level = image.At(x, y, c);
        const std::int64_t n = per_channel ? pixel * image.channels + c : pixel;
        level = image.FromUnit(change(image.ToUnit(level), n));
      }
    }
  }
}

// ---- gaussian_noise, speckle --------------------------------------------------------------------

void CheckNoise(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("std", args.Interval("std", {0.02, 0.1}), draws["std"], problems);
  CheckHolds("mean", args.Interval("mean", 0), draws["mean"], problems);
}

std::vector<RefStep> GaussianNoise(const Arguments& args, const Draws& draws, const OpState&) {
  const double deviation = draws["std"];
  const double mean = draws["mean"];
  const bool per_channel = args.Flag("per_channel", true);
  return {PictureStep{[=](Image64& image, const StreamKey& noise, std::string&) {
    ChangeEach(image, per_channel,
               [&](double v, std::int64_t n) { return v + mean + deviation * Normal(noise, n); });
  }}};
}

void CheckSpeckle(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("std", args.Interval("std", {0.1, 0.3}), draws["std"], problems);
}

std::vector<RefStep> Speckle(const Arguments& args, const Draws& draws, const OpState&) {
  const double deviation = draws["std"];
  const bool per_channel = args.Flag("per_channel", true);
  return {PictureStep{[=](Image64& image, const StreamKey& noise, std::string&) {
    ChangeEach(image, per_channel,
               [&](double v, std::int64_t n) { return v + v * deviation * Normal(noise, n); });
  }}};
}

// ---- multiplicative_noise -----------------------------------------------------------------------

void CheckMultiplicative(const Arguments& args, const Draws& draws, const OpState&,
                         Problems& problems) {
  CheckHolds("multiplier", args.Interval("multiplier", {0.9, 1.1}), draws["multiplier"], problems);
}

double FactorOf(const Range& range, const StreamKey& key, std::int64_t n) {
  const double share = (Signed(key, n) + 1) / 2;
  if (range.choice.empty()) return range.lo + (range.hi - range.lo) * share;
  return range.choice[static_cast<std::size_t>(share * static_cast<double>(range.choice.size()))];
}

std::vector<RefStep> Multiplicative(const Arguments& args, const Draws& draws,
                                    const OpState& state) {
  const Range range = args.Interval("multiplier", {0.9, 1.1});
  const bool per_channel = args.Flag("per_channel", false);
  if (args.Flag("elementwise", false)) {
    return {PictureStep{[=](Image64& image, const StreamKey& noise, std::string&) {
      ChangeEach(image, per_channel,
                 [&](double v, std::int64_t n) { return v * FactorOf(range, noise, n); });
    }}};
  }
  return {Picture([=, key = state.key.Pixels(), shared = draws["multiplier"]](Image64& image) {
    ChangeEach(image, true, [&](double v, std::int64_t n) {
      return v * (per_channel ? FactorOf(range, key, n % image.channels) : shared);
    });
  })};
}

// ---- additive_noise -----------------------------------------------------------------------------

// Regularised incomplete beta function by Simpson's rule over the angle whose squared sine is x.
class BetaDistribution {
 public:
  BetaDistribution(double a, double b) : a_(a), b_(b) {
    sums_.assign(kCells + 1, 0);
    for (int i = 0; i < kCells; ++i) {
      sums_[static_cast<std::size_t>(i) + 1] =
          sums_[static_cast<std::size_t>(i)] +
          (Density(i) + 4 * Density(i + 0.5) + Density(i + 1)) / 6;
    }
  }

  double Quantile(double share) const {
    const double target = share * sums_.back();
    const auto above = std::lower_bound(sums_.begin() + 1, sums_.end(), target);
    const auto cell = static_cast<double>(above - sums_.begin() - 1);
    // Bisection inside the cell, by Simpson's rule again.
    const double first = Density(cell);
    double low = cell;
    double high = cell + 1;
    for (int i = 0; i < 24; ++i) {
      const double middle = (low + high) / 2;
      const double part =
          (middle - cell) * (first + 4 * Density((cell + middle) / 2) + Density(middle)) / 6;
      (*(above - 1) + part < target ? low : high) = middle;
    }
    const double s = std::sin(low * kStep);
    return s * s;
  }

 private:
  static constexpr int kCells = 1 << 16;
  static constexpr double kStep = std::numbers::pi / 2 / kCells;
  double Density(double i) const {
    return std::pow(std::sin(i * kStep), 2 * a_ - 1) *
           std::pow(std::max(std::cos(i * kStep), 0.0), 2 * b_ - 1);
  }
  double a_, b_;
  std::vector<double> sums_;
};

// A number of mean 0 and standard deviation 1. Its word's top bit is the side of the median, the
// next 23 the probability beyond it.
std::function<double(const StreamKey&, std::int64_t)> Shape(const Arguments& args) {
  const std::string shape = args.Text("distribution", "uniform");
  if (shape == "normal") return Normal;
  if (shape == "uniform") {
    return [](const StreamKey& key, std::int64_t n) { return std::sqrt(3.0) * Signed(key, n); };
  }
  const auto beyond = [](std::uint32_t word) {
    return (2 * ((word >> 8) & 0x7FFFFF) + 1) * 0x1p-25;
  };
  if (shape == "laplace") {
    return [=](const StreamKey& key, std::int64_t n) {
      const std::uint32_t word = Word(key, n);
      const double size = -std::log(2 * beyond(word)) / std::sqrt(2.0);
      return word >> 31 != 0 ? size : -size;
    };
  }
  const double a = args.Number("alpha", 2);
  const double b = args.Number("beta", 5);
  const double mean = a / (a + b);
  const double deviation = std::sqrt(a * b / ((a + b) * (a + b) * (a + b + 1)));
  return [=, below = BetaDistribution(a, b), above = BetaDistribution(b, a)](const StreamKey& key,
                                                                             std::int64_t n) {
    const std::uint32_t word = Word(key, n);
    const double x =
        word >> 31 != 0 ? 1 - above.Quantile(beyond(word)) : below.Quantile(beyond(word));
    return (x - mean) / deviation;
  };
}

std::vector<RefStep> Additive(const Arguments& args, const Draws& draws, const OpState& state) {
  const auto number = Shape(args);
  const double deviation = draws["std"];
  const double mean = draws["mean"];
  const std::string mode = args.Text("mode", "per_pixel");
  return {PictureStep{[=, own = state.key.Pixels()](Image64& image, const StreamKey& noise,
                                                    std::string&) {
    ChangeEach(image, mode != "shared", [&](double v, std::int64_t n) {
      return v + mean +
             deviation * (mode == "constant" ? number(own, n % image.channels) : number(noise, n));
    });
  }}};
}

// ---- salt_and_pepper ----------------------------------------------------------------------------

void CheckSalt(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("amount", args.Interval("amount", {0.01, 0.06}), draws["amount"], problems);
  CheckHolds("salt", args.Interval("salt", {0.4, 0.6}), draws["salt"], problems);
}

std::vector<RefStep> SaltAndPepper(const Arguments& args, const Draws& draws, const OpState&) {
  const double amount = draws["amount"];
  const double salt = draws["salt"];
  const bool per_channel = args.Flag("per_channel", false);
  return {PictureStep{[=](Image64& image, const StreamKey& noise, std::string&) {
    ChangeEach(image, per_channel, [&](double v, std::int64_t n) {
      const double u = Word(noise, n) * 0x1p-32;
      return u >= amount ? v : u < amount * salt ? 1.0 : 0.0;
    });
  }}};
}

// ---- iso_noise ----------------------------------------------------------------------------------

void CheckIso(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("luminance", args.Interval("luminance", {0.01, 0.05}), draws["luminance"], problems);
  CheckHolds("hue", args.Interval("hue", {1, 10}), draws["hue"], problems);
}

std::vector<RefStep> IsoNoise(const Arguments&, const Draws& draws, const OpState&) {
  const double luminance = draws["luminance"];
  const double turns = draws["hue"] / 360;
  return {PictureStep{[=](Image64& image, const StreamKey& noise, std::string&) {
    std::int64_t pixel = 0;
    ApplyToColours(image, [&](const std::array<double, 3>& rgb) {
      Hsv hsv = ToHsv(rgb);
      std::array<double, 3> out = rgb;
      if (hsv.s > 0) {
        hsv.h = Turned(hsv.h, turns * Normal(noise, 2 * pixel + 1));
        out = ToRgb(hsv);
      }
      for (double& v : out) v += luminance * Normal(noise, 2 * pixel);
      ++pixel;
      return out;
    });
  }}};
}

// ---- shot_noise ---------------------------------------------------------------------------------

void CheckShot(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("photons", args.Interval("photons", {20, 200}), draws["photons"], problems);
}

// The smallest k with P(X <= k) > u.
class PoissonQuantile {
 public:
  int operator()(double mean, std::uint32_t word) {
    if (!(mean > 0)) return 0;
    const double u = (word + 0.5) * 0x1p-32;
    std::vector<double>& sums = sums_[mean];
    const double last = mean + 50 * std::sqrt(mean) + 50;
    while (sums.empty() || (sums.back() <= u && static_cast<double>(sums.size()) <= last)) {
      const auto k = static_cast<double>(sums.size());
      const double below = sums.empty() ? 0 : sums.back();
      sums.push_back(below + std::exp(k * std::log(mean) - mean - std::lgamma(k + 1)));
    }
    const auto above = std::upper_bound(sums.begin(), sums.end(), u);
    return static_cast<int>(std::min(above, sums.end() - 1) - sums.begin());
  }

 private:
  std::map<double, std::vector<double>> sums_;  // chances of up to k, by mean
};

std::vector<RefStep> ShotNoise(const Arguments& args, const Draws& draws, const OpState&) {
  const double photons = draws["photons"];
  const double gamma = args.Number("gamma", 2.2);
  return {PictureStep{[=](Image64& image, const StreamKey& noise, std::string&) {
    const bool bytes = image.depth == Depth::kU8;
    PoissonQuantile quantile;
    ChangeEach(image, true, [&](double v, std::int64_t n) {
      const double mean = photons * std::pow(std::clamp(v, 0.0, 1.0), gamma);
      int count = 0;
      if (bytes) {
        count = quantile(mean, Word(noise, n));
      } else {
        // Whole 256ths of white, and the rest.
        const double most = std::floor(mean / (photons / 256)) * (photons / 256);
        PoissonQuantile rest;
        count = quantile(most, Word(noise, 2 * n)) + rest(mean - most, Word(noise, 2 * n + 1));
      }
      return std::pow(count / photons, 1 / gamma);
    });
  }}};
}

// ---- film_grain ---------------------------------------------------------------------------------

void CheckGrain(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("intensity", args.Interval("intensity", {0.04, 0.12}), draws["intensity"], problems);
  CheckHolds("size", args.Interval("size", {1, 3}), draws["size"], problems);
}

std::vector<RefStep> FilmGrain(const Arguments& args, const Draws& draws, const OpState&) {
  const double intensity = draws["intensity"];
  // A bell falls to its half at sqrt(2 ln 2) standard deviations.
  const double sigma = draws["size"] / 2 / std::sqrt(2 * std::log(2.0));
  const bool per_channel = args.Flag("per_channel", false);
  return {PictureStep{[=](Image64& image, const StreamKey& noise, std::string&) {
    const int rim = static_cast<int>(3.5 * sigma);
    const std::vector<double> taps = GaussianTaps(sigma, 2 * rim + 1);
    double power = 0;
    for (const double tap : taps) power += tap * tap;
    const int channels = per_channel ? ColourChannels(image) : 1;
    const Image64 original = image;
    std::vector<double> normals;
    const std::int64_t wide = image.size.width + 2 * rim;
    for (std::int64_t n = 0; n < wide * (image.size.height + 2 * rim) * channels; ++n) {
      normals.push_back(Normal(noise, n));
    }
    for (int y = 0; y < image.size.height; ++y) {
      for (int x = 0; x < image.size.width; ++x) {
        double tone = 0;
        if (HasColour(image)) {
          tone = 0.299 * original.At(x, y, 0) + 0.587 * original.At(x, y, 1) +
                 0.114 * original.At(x, y, 2);
        } else {
          for (int c = 0; c < image.channels; ++c) tone += original.At(x, y, c) / image.channels;
        }
        tone = std::clamp(image.ToUnit(tone), 0.0, 1.0);
        for (int drawn = 0; drawn < channels; ++drawn) {
          double grain = 0;
          for (int j = 0; j <= 2 * rim; ++j) {
            for (int i = 0; i <= 2 * rim; ++i) {
              const std::int64_t n = ((y + j) * wide + x + i) * channels + drawn;
              grain += taps[static_cast<std::size_t>(i)] * taps[static_cast<std::size_t>(j)] *
                       normals[static_cast<std::size_t>(n)];
            }
          }
          const double added = 4 * tone * (1 - tone) * intensity * grain / power * image.Span();
          for (int c = 0; c < ColourChannels(image); ++c) {
            if (!per_channel || c == drawn) image.At(x, y, c) += added;
          }
        }
      }
    }
  }}};
}

}  // namespace

const std::vector<OpRule>& NoiseRules() {
  static const std::vector<OpRule> rules{
      {"gaussian_noise", true, {"std", "mean"}, CheckNoise, GaussianNoise},
      {"additive_noise", true, {"std", "mean"}, CheckNoise, Additive},
      {"film_grain", true, {"intensity", "size"}, CheckGrain, FilmGrain},
      {"iso_noise", true, {"luminance", "hue"}, CheckIso, IsoNoise},
      {"multiplicative_noise", true, {"multiplier"}, CheckMultiplicative, Multiplicative},
      {"salt_and_pepper", true, {"amount", "salt"}, CheckSalt, SaltAndPepper},
      {"shot_noise", true, {"photons"}, CheckShot, ShotNoise},
      {"speckle", true, {"std"}, CheckSpeckle, Speckle},
  };
  return rules;
}

}  // namespace pixloom::reference
