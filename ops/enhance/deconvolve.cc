// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <vector>

#include "ops/common.h"
#include "ops/kernels/blur_kernel.h"
#include "ops/kernels/tap_filter.h"
#include "ops/kernels/unit_image.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class DeconvolveMethod { kRichardsonLucy, kWiener };
enum class PointSpread { kGaussian, kDisk, kMotion };

}  // namespace

template <>
struct EnumNames<DeconvolveMethod> {
  static constexpr std::array kAll{std::pair{DeconvolveMethod::kRichardsonLucy, "richardson_lucy"},
                                   std::pair{DeconvolveMethod::kWiener, "wiener"}};
};

template <>
struct EnumNames<PointSpread> {
  static constexpr std::array kAll{std::pair{PointSpread::kGaussian, "gaussian"},
                                   std::pair{PointSpread::kDisk, "disk"},
                                   std::pair{PointSpread::kMotion, "motion"}};
};

namespace {

// A blur as a matrix and its transpose. Outside is the picture mirrored, edge pixels twice: then a
// kernel that reads alike in all four directions is its own transpose.
class Blur {
 public:
  Blur(PointSpread spread, double size, double degrees) {
    switch (spread) {
      case PointSpread::kGaussian:
        gaussian_ = GaussianKernel(size);
        break;
      case PointSpread::kDisk:
        taps_ = DiskTaps(size);
        break;
      case PointSpread::kMotion:
        taps_ = LineTaps(size, Radians(degrees));
        symmetric_ = false;
        break;
    }
  }

  cv::Mat Apply(const cv::Mat& image) const {
    if (!gaussian_.empty()) return FilterSeparable(image, gaussian_, gaussian_, kOutside);
    return FilterTaps(image, taps_, kOutside);
  }
  cv::Mat Transposed(const cv::Mat& image) const {
    return symmetric_ ? Apply(image) : FilterTapsTransposed(image, taps_, kOutside);
  }
  bool Symmetric() const { return symmetric_; }

 private:
  static constexpr Border kOutside = Border::kReflect;
  std::vector<float> gaussian_;
  std::vector<Tap> taps_;
  bool symmetric_ = true;
};

// to[i] = fn(to[i], from[i])
template <class Fn>
void Combine(cv::Mat& to, const cv::Mat& from, Fn fn) {
  const int count = to.cols * to.channels();
  for (int y = 0; y < to.rows; ++y) {
    const float* b = from.ptr<float>(y);
    float* a = to.ptr<float>(y);
    for (int i = 0; i < count; ++i) a[i] = fn(a[i], b[i]);
  }
}

double Dot(const cv::Mat& a, const cv::Mat& b) {
  double sum = 0;
  const int count = a.cols * a.channels();
  for (int y = 0; y < a.rows; ++y) {
    const float* u = a.ptr<float>(y);
    const float* v = b.ptr<float>(y);
    for (int i = 0; i < count; ++i) sum += double{u[i]} * v[i];
  }
  return sum;
}

cv::Mat RichardsonLucy(const cv::Mat& observed, const Blur& blur, int iterations) {
  cv::Mat estimate = observed.clone();
  Combine(estimate, observed, [](float, float v) { return std::max(v, 0.0F); });
  const cv::Mat seen = estimate.clone();
  cv::Mat total;  // how often each pixel is seen: 1 inside
  if (!blur.Symmetric()) {
    cv::Mat ones(observed.size(), observed.type());
    Combine(ones, observed, [](float, float) { return 1.0F; });
    total = blur.Transposed(ones);
  }
  for (int i = 0; i < iterations; ++i) {
    cv::Mat ratio = blur.Apply(estimate);
    Combine(ratio, seen, [](float blurred, float v) { return v / std::max(blurred, 1e-6F); });
    cv::Mat correction = blur.Transposed(ratio);
    if (!total.empty()) {
      Combine(correction, total, [](float v, float by) { return v / std::max(by, 1e-6F); });
    }
    Combine(estimate, correction, [](float v, float by) { return v * by; });
  }
  return estimate;
}

// Differences to the four neighbours; across the picture's edge there is none.
cv::Mat Laplacian(const cv::Mat& image) {
  cv::Mat out(image.size(), image.type());
  const std::ptrdiff_t channels = image.channels();
  const std::ptrdiff_t count = image.cols * channels;
  for (int y = 0; y < image.rows; ++y) {
    const float* own = image.ptr<float>(y);
    const float* up = image.ptr<float>(std::max(y - 1, 0));
    const float* down = image.ptr<float>(std::min(y + 1, image.rows - 1));
    float* to = out.ptr<float>(y);
    for (std::ptrdiff_t i = 0; i < count; ++i) to[i] = up[i] + down[i] - 2 * own[i];
    for (std::ptrdiff_t i = channels; i < count; ++i) to[i] += own[i - channels] - own[i];
    for (std::ptrdiff_t i = 0; i < count - channels; ++i) to[i] += own[i + channels] - own[i];
  }
  return out;
}

// Wiener-Hunt deconvolution: least squares of (blurred estimate - observed) and of `balance` times
// the Laplacian, by conjugate gradients on the normal equations.
cv::Mat Wiener(const cv::Mat& observed, const Blur& blur, double balance, int iterations) {
  const auto weight = static_cast<float>(balance);
  const auto normal = [&](const cv::Mat& image) {
    cv::Mat out = blur.Transposed(blur.Apply(image));
    Combine(out, Laplacian(Laplacian(image)),
            [weight](float v, float l) { return v + weight * l; });
    return out;
  };
  cv::Mat estimate = observed.clone();
  cv::Mat residual = blur.Transposed(observed);
  Combine(residual, normal(estimate), [](float wanted, float has) { return wanted - has; });
  cv::Mat direction = residual.clone();
  double size = Dot(residual, residual);
  const double enough = 1e-12 * Dot(observed, observed);
  for (int i = 0; i < iterations && size > enough; ++i) {
    const cv::Mat moved = normal(direction);
    const double bend = Dot(direction, moved);
    if (!(bend > 0)) break;
    const auto step = static_cast<float>(size / bend);
    Combine(estimate, direction, [step](float v, float d) { return v + step * d; });
    Combine(residual, moved, [step](float v, float m) { return v - step * m; });
    const double next = Dot(residual, residual);
    const auto turn = static_cast<float>(next / size);
    Combine(direction, residual, [turn](float d, float r) { return r + turn * d; });
    size = next;
  }
  return estimate;
}

struct Deconvolve {
  DeconvolveMethod method = DeconvolveMethod::kRichardsonLucy;
  PointSpread psf = PointSpread::kGaussian;
  Range size{1, 2};
  Range angle{0};
  std::int64_t iterations = 12;
  double balance = 0.005;
  Range strength{1};

  static constexpr std::string_view kName = "deconvolve";
  static constexpr std::string_view kDoc = "Sharpen by undoing a blur of known shape.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("method", &Deconvolve::method)
            .Doc("Richardson-Lucy, which keeps levels positive, or Wiener-Hunt: least squares with "
                 "a price on "
                 "curvature."),
        Param("psf", &Deconvolve::psf).Doc("What a point of light has become."),
        Param("size", &Deconvolve::size)
            .In(0.1, 30)
            .Unit("px")
            .Primary()
            .Doc(
                "Standard deviation of the Gaussian, radius of the disk, or length of the motion."),
        Param("angle", &Deconvolve::angle)
            .In(-180, 180)
            .Unit("deg")
            .Doc("Direction of the motion, counter-clockwise from the right."),
        Param("iterations", &Deconvolve::iterations)
            .In(1, 200)
            .Unit("count")
            .Doc("Rounds; more sharpen more, noise included."),
        Param("balance", &Deconvolve::balance)
            .In(1e-6, 10)
            .Unit("factor")
            .Doc("Price of curvature in wiener: the noisier, the higher."),
        Param("strength", &Deconvolve::strength)
            .In(0, 1)
            .Unit("fraction")
            .Doc("Share of the correction that is applied.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double spread = rng.Draw("size", size);
    const double degrees = rng.Draw("angle", angle);
    const double share = rng.Draw("strength", strength);
    return {[op = *this, spread, degrees, share](const cv::Mat& in,
                                                 const FrameContext& context) -> Result<cv::Mat> {
      const Blur blur(op.psf, spread, degrees);
      const cv::Mat unit = ToUnit(in, context.range);
      const auto rounds = static_cast<int>(op.iterations);
      cv::Mat out = op.method == DeconvolveMethod::kRichardsonLucy
                        ? RichardsonLucy(unit, blur, rounds)
                        : Wiener(unit, blur, op.balance, rounds);
      const auto by = static_cast<float>(share);
      Combine(out, unit, [by](float sharp, float v) { return v + by * (sharp - v); });
      if (in.channels() == 4) {
        cv::Mat alpha;
        cv::extractChannel(unit, alpha, 3);
        cv::insertChannel(alpha, out, 3);
      }
      return FromUnit(out, in, context.range);
    }};
  }
};

}  // namespace

void RegisterDeconvolve(Registry& registry) { registry.AddOperator<Deconvolve>(); }

}  // namespace pixloom
