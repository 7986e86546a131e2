// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "ops/kernels/light_field.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class Basis { kImagenet, kImage };

}  // namespace

template <>
struct EnumNames<Basis> {
  static constexpr std::array kAll{std::pair{Basis::kImagenet, "imagenet"},
                                   std::pair{Basis::kImage, "image"}};
};

namespace {

using Vector3 = std::array<double, 3>;
using Matrix3 = std::array<Vector3, 3>;

// Axes along which colours vary, the strongest first, and their variances (unit scale).
struct Axes {
  Vector3 variance{};
  Matrix3 axis{};  // axis[k]: r, g, b
};

// Krizhevsky, Sutskever and Hinton, 2012.
constexpr Axes kImagenet{
    {0.2175, 0.0188, 0.0045},
    {{{-0.5675, -0.5808, -0.5836}, {0.7192, -0.0045, -0.6948}, {0.4009, -0.8140, 0.4203}}}};

// Sums of whole levels are exact; those of floats are added row by row.
template <class T>
Matrix3 Covariance(const cv::Mat& in, double low, double span) {
  using Sum = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
  std::array<Sum, 3> sum{};
  std::array<Sum, 6> product{};
  const int channels = in.channels();
  for (int y = 0; y < in.rows; ++y) {
    const T* row = in.ptr<T>(y);
    for (int x = 0; x < in.cols; ++x, row += channels) {
      Sum r, g, b;
      if constexpr (std::is_integral_v<T>) {
        r = row[0], g = row[1], b = row[2];
      } else {
        r = (row[0] - low) / span, g = (row[1] - low) / span, b = (row[2] - low) / span;
      }
      sum[0] += r, sum[1] += g, sum[2] += b;
      product[0] += r * r, product[1] += r * g, product[2] += r * b;
      product[3] += g * g, product[4] += g * b, product[5] += b * b;
    }
  }
  const auto n = static_cast<double>(in.total());
  const double scale = std::is_integral_v<T> ? 1 / span : 1;
  Vector3 mean{};
  for (std::size_t c = 0; c < 3; ++c) mean[c] = static_cast<double>(sum[c]) / n;
  Matrix3 m{};
  std::size_t next = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = i; j < 3; ++j) {
      const double moment = static_cast<double>(product[next++]) / n;
      m[i][j] = m[j][i] = (moment - mean[i] * mean[j]) * scale * scale;
    }
  }
  return m;
}

// Jacobi's rotations: a fixed number of sweeps, far more than 3 x 3 takes.
Axes Principal(Matrix3 m) {
  Matrix3 v{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};  // columns are axes
  for (int sweep = 0; sweep < 12; ++sweep) {
    for (const auto& [p, q] : {std::pair<std::size_t, std::size_t>{0, 1}, {0, 2}, {1, 2}}) {
      if (m[p][q] == 0) continue;
      const double theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
      const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
      const double c = 1 / std::sqrt(t * t + 1);
      const double s = t * c;
      for (std::size_t k = 0; k < 3; ++k) {
        const double a = m[k][p], b = m[k][q];
        m[k][p] = c * a - s * b;
        m[k][q] = s * a + c * b;
      }
      for (std::size_t k = 0; k < 3; ++k) {
        const double a = m[p][k], b = m[q][k];
        m[p][k] = c * a - s * b;
        m[q][k] = s * a + c * b;
        const double d = v[k][p], e = v[k][q];
        v[k][p] = c * d - s * e;
        v[k][q] = s * d + c * e;
      }
      m[p][q] = m[q][p] = 0;
    }
  }
  std::array<std::size_t, 3> order{0, 1, 2};
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return m[a][a] > m[b][b]; });
  Axes axes;
  for (std::size_t k = 0; k < 3; ++k) {
    axes.variance[k] = std::max(m[order[k]][order[k]], 0.0);
    Vector3& axis = axes.axis[k];
    for (std::size_t c = 0; c < 3; ++c) axis[c] = v[c][order[k]];
    // An axis has no direction: more red, or what comes first, counts as positive.
    const auto first =
        std::find_if(axis.begin(), axis.end(), [](double part) { return std::abs(part) > 1e-9; });
    if (first != axis.end() && *first < 0) {
      for (double& part : axis) part = -part;
    }
  }
  return axes;
}

Vector3 Offsets(const Axes& axes, const Vector3& strength) {
  Vector3 offset{};
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t c = 0; c < 3; ++c) {
      offset[c] += axes.axis[k][c] * axes.variance[k] * strength[k];
    }
  }
  return offset;
}

cv::Mat ShiftAlongOwnAxes(const cv::Mat& in, ValueRange range, const Vector3& strength) {
  if (in.channels() != 3 && in.channels() != 4) return in;
  const bool is_float = in.depth() == CV_32F;
  const Matrix3 covariance = WithDepth(in, [&](auto zero) {
    using T = decltype(zero);
    const double span = is_float ? double{range.hi} - range.lo : kLevels<T>;
    return Covariance<T>(in, is_float ? range.lo : 0, span);
  });
  const Vector3 offset = Offsets(Principal(covariance), strength);
  std::array<float, 3> colour{};
  for (std::size_t c = 0; c < 3; ++c) colour[c] = static_cast<float>(offset[c]);
  const LightRow everywhere = [columns = in.cols](int y, float*, float* row) {
    if (y == 0) std::fill_n(row, columns, 1.0F);
  };
  return Relight(in, range, everywhere, colour);
}

struct FancyPca {
  Range alpha{0.1};
  Basis basis = Basis::kImagenet;

  static constexpr std::string_view kName = "fancy_pca";
  static constexpr std::string_view kDoc =
      "Shift all colours along the axes in which colours of photographs vary most.";
  static constexpr std::array<std::string_view, 2> kAliases{"FancyPCA", "Lighting"};
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{
        Param("alpha", &FancyPca::alpha)
            .In(0, 10)
            .Unit("standard deviations")
            .Primary()
            .Alias("alphastd")
            .Doc("Deviation of the three normal factors; each axis moves by its factor times its "
                 "variance."),
        Param("basis", &FancyPca::basis)
            .Doc("imagenet: axes of that set of photographs; image: those of the picture itself.")};
  }

  Steps<Lut, ImageStep> Draw(Rng& rng, const Facts&) const {
    const double deviation = rng.Draw("alpha", alpha);
    Vector3 strength{};
    strength[0] = deviation * rng.Normal("first", 0, 1);
    strength[1] = deviation * rng.Normal("second", 0, 1);
    strength[2] = deviation * rng.Normal("third", 0, 1);
    if (basis == Basis::kImage) {
      return {
          ImageStep{[strength](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
            return ShiftAlongOwnAxes(in, context.range, strength);
          }}};
    }
    Lut lut;
    lut.per_channel = true;
    lut.curve = [offset = Offsets(kImagenet, strength)](int channel, double x) {
      return x + (channel < 3 ? offset[static_cast<std::size_t>(channel)] : 0);
    };
    return {lut};
  }
};

}  // namespace

void RegisterFancyPca(Registry& registry) { registry.AddOperator<FancyPca>(); }

}  // namespace pixloom
