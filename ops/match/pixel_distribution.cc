// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "ops/match/reference.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Transform { kPca, kStandard, kMinmax };

}  // namespace

template <>
struct EnumNames<Transform> {
  static constexpr std::array kAll{std::pair{Transform::kPca, "pca"},
                                   std::pair{Transform::kStandard, "standard"},
                                   std::pair{Transform::kMinmax, "minmax"}};
};

namespace {

using Colour = std::array<double, 3>;
using Axes = std::array<Colour, 3>;  // rows

// Eigenvectors of a symmetric matrix as rows, of the largest eigenvalue first (Jacobi's rotations).
Axes EigenAxes(Axes a) {
  Axes v{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  constexpr int kRounds = 24;  // quadratic convergence: six are enough
  for (int round = 0; round < kRounds; ++round) {
    for (const auto& [p, q] : {std::pair<std::size_t, std::size_t>{0, 1}, {0, 2}, {1, 2}}) {
      if (std::abs(a[p][q]) <= 1e-300) continue;
      const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
      const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
      const double c = 1 / std::sqrt(t * t + 1);
      const double s = t * c;
      for (std::size_t k = 0; k < 3; ++k) {
        const double kp = a[k][p];
        const double kq = a[k][q];
        a[k][p] = c * kp - s * kq;
        a[k][q] = s * kp + c * kq;
      }
      for (std::size_t k = 0; k < 3; ++k) {
        const double pk = a[p][k];
        const double qk = a[q][k];
        a[p][k] = c * pk - s * qk;
        a[q][k] = s * pk + c * qk;
        const double vp = v[p][k];
        const double vq = v[q][k];
        v[p][k] = c * vp - s * vq;
        v[q][k] = s * vp + c * vq;
      }
    }
  }
  std::array<std::size_t, 3> order{0, 1, 2};
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t i, std::size_t j) { return a[i][i] > a[j][j]; });
  return {v[order[0]], v[order[1]], v[order[2]]};
}

// Sums over the pixels of a picture. Those of whole levels are exact, so that they depend on no
// order.
template <class T>
struct Sums {
  using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
  // Of a row: no row has so many pixels that the products of bytes overflow.
  using Part = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint32_t, Sum>;

  std::array<Sum, 3> total{};
  std::array<std::array<Sum, 3>, 3> products{};  // below the diagonal and on it
  std::array<T, 3> least{};
  std::array<T, 3> most{};

  Sums(const T* first, int colours) {
    std::copy_n(first, colours, least.begin());
    most = least;
  }

  template <std::size_t kColours>
  void AddRow(const T* p, int pixels, int channels) {
    std::array<Part, 3> own{};
    std::array<std::array<Part, 3>, 3> both{};
    for (int x = 0; x < pixels; ++x, p += channels) {
      for (std::size_t i = 0; i < kColours; ++i) {
        own[i] += p[i];
        least[i] = std::min(least[i], p[i]);
        most[i] = std::max(most[i], p[i]);
        for (std::size_t j = 0; j <= i; ++j) {
          both[i][j] += static_cast<Part>(p[i]) * static_cast<Part>(p[j]);
        }
      }
    }
    for (std::size_t i = 0; i < kColours; ++i) {
      total[i] += own[i];
      for (std::size_t j = 0; j <= i; ++j) products[i][j] += both[i][j];
    }
  }
};

// What is measured of the colours of a picture, in unit scale.
struct ColourFacts {
  Colour mean{};
  Colour deviation{};
  Colour least{};
  Colour most{};
  Axes axes{};

  static ColourFacts Of(const ReferencePicture& picture) {
    return WithDepth(picture.pixels, [&](auto zero) {
      return Measure<decltype(zero)>(picture.pixels, Colours(picture.pixels), picture.Low(),
                                     picture.Span());
    });
  }

  template <class T>
  static ColourFacts Measure(const cv::Mat& pixels, int colours, double low, double span) {
    Sums<T> sums(pixels.ptr<T>(0), colours);
    for (int y = 0; y < pixels.rows; ++y) {
      const T* row = pixels.ptr<T>(y);
      if (colours == 1) {
        sums.template AddRow<1>(row, pixels.cols, pixels.channels());
      } else {
        sums.template AddRow<3>(row, pixels.cols, pixels.channels());
      }
    }
    const auto& [total, products, least, most] = sums;
    const auto n = static_cast<double>(pixels.total());
    ColourFacts facts;
    Axes covariance{};
    for (std::size_t i = 0; i < static_cast<std::size_t>(colours); ++i) {
      const double mean = static_cast<double>(total[i]) / n;
      facts.mean[i] = (mean - low) / span;
      facts.least[i] = (static_cast<double>(least[i]) - low) / span;
      facts.most[i] = (static_cast<double>(most[i]) - low) / span;
      for (std::size_t j = 0; j <= i; ++j) {
        const double other = static_cast<double>(total[j]) / n;
        covariance[i][j] = (static_cast<double>(products[i][j]) / n - mean * other) / (span * span);
        covariance[j][i] = covariance[i][j];
      }
      facts.deviation[i] = std::sqrt(std::max(covariance[i][i], 0.0));
    }
    facts.axes = EigenAxes(covariance);
    return facts;
  }
};

// out = matrix * in + offset, unit scale.
struct ColourMap {
  Axes matrix{};
  Colour offset{};

  static ColourMap Between(const ColourFacts& from, const ColourFacts& to, Transform kind) {
    // Below this a spread is rounding, and is kept rather than stretched.
    constexpr double kLeast = 1e-7;
    ColourMap map;
    Colour origin = from.mean;
    Colour target = to.mean;
    if (kind == Transform::kPca) {
      for (std::size_t axis = 0; axis < 3; ++axis) {
        double along = 0;
        for (std::size_t i = 0; i < 3; ++i) along += from.axes[axis][i] * to.axes[axis][i];
        // An axis has no direction: the one that turns colours least is taken.
        const double side = along < 0 ? -1 : 1;
        for (std::size_t i = 0; i < 3; ++i) {
          for (std::size_t j = 0; j < 3; ++j) {
            map.matrix[i][j] += side * to.axes[axis][i] * from.axes[axis][j];
          }
        }
      }
    } else {
      const bool standard = kind == Transform::kStandard;
      if (!standard) origin = from.least, target = to.least;
      for (std::size_t i = 0; i < 3; ++i) {
        const double own = standard ? from.deviation[i] : from.most[i] - from.least[i];
        const double other = standard ? to.deviation[i] : to.most[i] - to.least[i];
        map.matrix[i][i] = (other > kLeast ? other : 1) / (own > kLeast ? own : 1);
      }
    }
    for (std::size_t i = 0; i < 3; ++i) {
      map.offset[i] = target[i];
      for (std::size_t j = 0; j < 3; ++j) map.offset[i] -= map.matrix[i][j] * origin[j];
    }
    return map;
  }
};

template <class T>
void Apply(const ColourMap& map, double blend, double low, double span, cv::Mat& out) {
  const int channels = out.channels();
  const auto colours = static_cast<std::size_t>(Colours(out));
  Axes m{};
  Colour t{};
  for (std::size_t i = 0; i < colours; ++i) {
    // (level - low) / span in, value * span + low out.
    t[i] = map.offset[i] * span + low;
    for (std::size_t j = 0; j < colours; ++j) {
      m[i][j] = blend * map.matrix[i][j];
      t[i] -= map.matrix[i][j] * low;
    }
    t[i] *= blend;
    m[i][i] += 1 - blend;
  }
  const auto row = [&](auto count, T* p) {
    constexpr std::size_t kColours = count();
    for (int x = 0; x < out.cols; ++x, p += channels) {
      Colour in{};
      for (std::size_t i = 0; i < kColours; ++i) in[i] = static_cast<double>(p[i]);
      for (std::size_t i = 0; i < kColours; ++i) {
        double level = t[i];
        for (std::size_t j = 0; j < kColours; ++j) level += m[i][j] * in[j];
        p[i] = RoundTo<T>(level);
      }
    }
  };
  for (int y = 0; y < out.rows; ++y) {
    if (colours == 1) {
      row(std::integral_constant<std::size_t, 1>(), out.ptr<T>(y));
    } else {
      row(std::integral_constant<std::size_t, 3>(), out.ptr<T>(y));
    }
  }
}

struct PixelDistribution : Matches {
  Transform transform = Transform::kPca;
  Range blend{0.25, 1};

  static constexpr std::string_view kName = "pixel_distribution";
  static constexpr std::string_view kDoc =
      "Move the colours of the picture to where those of a reference picture are.";
  static constexpr std::array<std::string_view, 1> kAliases{"PixelDistributionAdaptation"};
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    using Op = PixelDistribution;
    return std::tuple_cat(
        Matches::Table<Op>(),
        std::tuple{Param("transform", &Op::transform)
                       .Alias("transform_type")
                       .Doc("pca: the mean, and the directions in which colours vary; how far "
                            "they vary stays; standard: mean and standard deviation of each "
                            "channel; minmax: its least and its largest level."),
                   Param("blend", &Op::blend)
                       .In(0, 1)
                       .Unit("share")
                       .Alias("blend_ratio")
                       .Doc("Share of the adapted picture in the result.")});
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts&) const {
    const double share = rng.Draw("blend", blend);
    return MatchTo<ColourFacts>(
        rng, [share, kind = transform](const cv::Mat& in, ValueRange range, const ColourFacts& to) {
          const double low = LowOf(in, range);
          const double span = SpanOf(in, range);
          cv::Mat out = in.clone();
          WithDepth(in, [&](auto zero) {
            using T = decltype(zero);
            const auto from = ColourFacts::Measure<T>(in, Colours(in), low, span);
            Apply<T>(ColourMap::Between(from, to, kind), share, low, span, out);
          });
          return out;
        });
  }
};

}  // namespace

void RegisterPixelDistribution(Registry& registry) { registry.AddOperator<PixelDistribution>(); }

}  // namespace pixloom
