// SPDX-License-Identifier: Apache-2.0
#include "models/latents.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "pipeline/error.h"
#include "pipeline/exact_math.h"

namespace pixloom {

namespace {

constexpr std::uint32_t kLatents = 0x4C41544Eu;

double Polynomial(const std::array<double, 8>& coefficients, double x) {
  double sum = 0;
  for (auto c = coefficients.rbegin(); c != coefficients.rend(); ++c) sum = sum * x + *c;
  return sum;
}

// Never 0 or 1, and 1 - u is as exact as u.
double OpenUnit(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (std::uint64_t{high} << 20) | (low >> 12);
  return (static_cast<double>(bits) + 0.5) * 0x1p-52;
}

double Length(std::span<const double> v) {
  double squares = 0;
  for (const double x : v) squares += x * x;
  return std::sqrt(squares);
}

}  // namespace

// Marsaglia (2004), "Evaluating the normal distribution": a series without cancellation.
double NormalShare(double z) {
  double term = z;
  double sum = z;
  for (int n = 3; std::abs(term) > 1e-18 * std::abs(sum) && n < 1000; n += 2) {
    term *= z * z / n;
    sum += term;
  }
  return 0.5 + sum * exact::Exp(-0.5 * z * z) / std::sqrt(2 * exact::kPi);
}

// Wichura (1988), algorithm AS 241, PPND16: relative error about 1e-16.
double NormalQuantile(double p) {
  static constexpr std::array<double, 8> kA{3.3871328727963666080e0, 1.3314166789178437745e2,
                                            1.9715909503065514427e3, 1.3731693765509461125e4,
                                            4.5921953931549871457e4, 6.7265770927008700853e4,
                                            3.3430575583588128105e4, 2.5090809287301226727e3};
  static constexpr std::array<double, 8> kB{1.0,
                                            4.2313330701600911252e1,
                                            6.8718700749205790830e2,
                                            5.3941960214247511077e3,
                                            2.1213794301586595867e4,
                                            3.9307895800092710610e4,
                                            2.8729085735721942674e4,
                                            5.2264952788528545610e3};
  static constexpr std::array<double, 8> kC{1.42343711074968357734e0,  4.63033784615654529590e0,
                                            5.76949722146069140550e0,  3.64784832476320460504e0,
                                            1.27045825245236838258e0,  2.41780725177450611770e-1,
                                            2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr std::array<double, 8> kD{1.0,
                                            2.05319162663775882187e0,
                                            1.67638483018380384940e0,
                                            6.89767334985100004550e-1,
                                            1.48103976427480074590e-1,
                                            1.51986665636164571966e-2,
                                            5.47593808499534494600e-4,
                                            1.05075007164441684324e-9};
  static constexpr std::array<double, 8> kE{6.65790464350110377720e0,  5.46378491116411436990e0,
                                            1.78482653991729133580e0,  2.96560571828504891230e-1,
                                            2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                            2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr std::array<double, 8> kF{1.0,
                                            5.99832206555887937690e-1,
                                            1.36929880922735805310e-1,
                                            1.48753612908506148525e-2,
                                            7.86869131145613259100e-4,
                                            1.84631831751005468180e-5,
                                            1.42151175831644588870e-7,
                                            2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * Polynomial(kA, r) / Polynomial(kB, r);
  }
  const double r = std::sqrt(-exact::Log(std::min(p, 1 - p)));
  const double z = r <= 5 ? Polynomial(kC, r - 1.6) / Polynomial(kD, r - 1.6)
                          : Polynomial(kE, r - 5) / Polynomial(kF, r - 5);
  return q < 0 ? -z : z;
}

StreamKey LatentStream(const StreamKey& step, std::size_t picture) {
  return {HashCombine(step.key, picture), step.id, step.stream ^ kLatents};
}

void DrawNormals(const StreamKey& stream, double limit, std::span<double> out) {
  const double below = limit > 0 ? NormalShare(-limit) : 0;
  const double within = limit > 0 ? NormalShare(limit) - below : 1;
  const auto deviate = [&](double u) {
    if (limit <= 0) return NormalQuantile(u);
    return std::clamp(NormalQuantile(below + u * within), -limit, limit);
  };
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const PhiloxBlock bits = stream.Block(static_cast<std::uint32_t>(i / 2));
    out[i] = deviate(OpenUnit(bits[0], bits[1]));
    if (i + 1 < out.size()) out[i + 1] = deviate(OpenUnit(bits[2], bits[3]));
  }
}

std::vector<double> BetweenLatents(std::span<const double> from, std::span<const double> to,
                                   double share, LatentPath path) {
  PIXLOOM_CHECK(from.size() == to.size(), "latents of two sizes");
  double a = 1 - share;
  double b = share;
  if (path == LatentPath::kSlerp) {
    const double lengths = Length(from) * Length(to);
    double dot = 0;
    for (std::size_t i = 0; i < from.size(); ++i) dot += from[i] * to[i];
    const double cosine = lengths > 0 ? std::clamp(dot / lengths, -1.0, 1.0) : 1;
    const double sine = std::sqrt(1 - cosine * cosine);
    // Of one direction, or of opposite ones, there is no arc: the straight way.
    if (sine > 1e-6) {
      const double angle = exact::Atan2(sine, cosine);
      a = exact::Sin((1 - share) * angle) / sine;
      b = exact::Sin(share * angle) / sine;
    }
  }
  std::vector<double> between(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) between[i] = a * from[i] + b * to[i];
  return between;
}

}  // namespace pixloom
