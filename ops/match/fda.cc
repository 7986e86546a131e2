// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/kernels/fft.h"
#include "ops/kernels/resize_kernel.h"
#include "ops/match/reference.h"
#include "pipeline/lower.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

cv::Mat StretchTo(const cv::Mat& picture, cv::Size size) {
  if (picture.size() == size) return picture;
  const Size from{picture.cols, picture.rows};
  const Size to{size.width, size.height};
  const Matrix map = Matrix::Scale(static_cast<double>(to.width) / from.width,
                                   static_cast<double>(to.height) / from.height);
  return ResizeAxisAligned(ImageView::Whole(picture),
                           MakeGroup({map, to, std::nullopt, Resampling::kAntialias}, from));
}

// One channel as numbers: how far above `low` each level is, times `gain`.
std::vector<double> Plane(const cv::Mat& picture, int channel, double low, double gain) {
  std::vector<double> plane;
  plane.reserve(picture.total());
  WithDepth(picture, [&](auto zero) {
    using T = decltype(zero);
    for (int y = 0; y < picture.rows; ++y) {
      const T* row = picture.ptr<T>(y) + channel;
      for (int x = 0; x < picture.cols; ++x) {
        plane.push_back((static_cast<double>(row[x * picture.channels()]) - low) * gain);
      }
    }
  });
  return plane;
}

// What must be added to a plane so that its amplitudes at frequencies up to `reach` waves per
// picture, along both axes, become those of another plane; phases stay.
class AmplitudeSwap {
 public:
  AmplitudeSwap(cv::Size size, int reach)
      : width_(size.width), height_(size.height), down_(size.height), across_(size.width) {
    for (int k = 0; k < height_; ++k) {
      if (std::min(k, height_ - k) <= reach) rows_.push_back(k);
    }
    for (int k = 0; k < width_; ++k) {
      if (std::min(k, width_ - k) <= reach) columns_.push_back(k);
    }
  }

  // Both planes at once: one is the real, the other the imaginary part.
  std::vector<double> Difference(const std::vector<double>& own, const std::vector<double>& other,
                                 double full_scale) const {
    const int count = static_cast<int>(rows_.size());
    ComplexRows low(rows_.size() * static_cast<std::size_t>(width_));  // [column][row of rows_]
    ComplexRows strip;
    for (int x = 0; x < width_; x += kStrip) {
      const int n = std::min(kStrip, width_ - x);
      strip = ComplexRows(static_cast<std::size_t>(height_ * n));
      for (int y = 0; y < height_; ++y) {
        std::copy_n(own.data() + At(x, y, width_), n, strip.re.data() + At(0, y, n));
        std::copy_n(other.data() + At(x, y, width_), n, strip.im.data() + At(0, y, n));
      }
      down_.Forward(strip, n);
      for (int i = 0; i < n; ++i) {
        for (int r = 0; r < count; ++r) {
          const std::size_t from = At(i, rows_[static_cast<std::size_t>(r)], n);
          low.re[At(r, x + i, count)] = strip.re[from];
          low.im[At(r, x + i, count)] = strip.im[from];
        }
      }
    }
    across_.Forward(low, count);
    ComplexRows change = Changes(low, full_scale);
    across_.Inverse(change, count);
    std::vector<double> difference(own.size());
    for (int x = 0; x < width_; x += kStrip) {
      const int n = std::min(kStrip, width_ - x);
      strip = ComplexRows(static_cast<std::size_t>(height_ * n));
      for (int i = 0; i < n; ++i) {
        for (int r = 0; r < count; ++r) {
          const std::size_t to = At(i, rows_[static_cast<std::size_t>(r)], n);
          strip.re[to] = change.re[At(r, x + i, count)];
          strip.im[to] = change.im[At(r, x + i, count)];
        }
      }
      down_.Inverse(strip, n);
      for (int y = 0; y < height_; ++y) {
        std::copy_n(strip.re.data() + At(0, y, n), n, difference.data() + At(x, y, width_));
      }
    }
    return difference;
  }

 private:
  static constexpr int kStrip = 16;  // columns that stay in cache together

  static std::size_t At(int x, int y, int stride) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(stride) +
           static_cast<std::size_t>(x);
  }

  ComplexRows Changes(const ComplexRows& both, double full_scale) const {
    const int count = static_cast<int>(rows_.size());
    // Below this an amplitude is rounding, and its phase says nothing: it stays.
    const double least = 1e-9 * full_scale * width_ * height_;
    ComplexRows change(both.re.size());
    for (const int column : columns_) {
      const int column_back = (width_ - column) % width_;
      for (int r = 0; r < count; ++r) {
        const int r_back = (count - r) % count;  // rows_ holds -k where it holds k
        const std::size_t at = At(r, column, count);
        const std::size_t back = At(r_back, column_back, count);
        // A real plane's transform is its own mirrored conjugate; the imaginary part's times i.
        const double own_re = (both.re[at] + both.re[back]) / 2;
        const double own_im = (both.im[at] - both.im[back]) / 2;
        const double other_re = (both.im[at] + both.im[back]) / 2;
        const double other_im = (both.re[back] - both.re[at]) / 2;
        const double own = std::sqrt(own_re * own_re + own_im * own_im);
        const double other = std::sqrt(other_re * other_re + other_im * other_im);
        if (own <= least) continue;
        const double gain = other / own - 1;
        change.re[at] = own_re * gain;
        change.im[at] = own_im * gain;
      }
    }
    return change;
  }

  int width_;
  int height_;
  Fft down_;
  Fft across_;
  std::vector<int> rows_;     // frequencies down the picture, rising; those above half are negative
  std::vector<int> columns_;  // the same across
};

cv::Mat Adapt(const cv::Mat& in, ValueRange range, const ReferencePicture& reference, double beta) {
  const cv::Mat other = StretchTo(reference.pixels, in.size());
  const int reach = static_cast<int>(std::floor(std::min(in.rows, in.cols) * beta));
  const AmplitudeSwap swap(in.size(), reach);
  const double span = SpanOf(in, range);
  const double gain = span / reference.Span();
  cv::Mat out = in.clone();
  for (int c = 0; c < Colours(in); ++c) {
    const std::vector<double> difference = swap.Difference(
        Plane(in, c, LowOf(in, range), 1), Plane(other, c, reference.Low(), gain), span);
    WithDepth(out, [&](auto zero) {
      using T = decltype(zero);
      std::size_t i = 0;
      for (int y = 0; y < out.rows; ++y) {
        T* row = out.ptr<T>(y) + c;
        for (int x = 0; x < out.cols; ++x, row += out.channels()) {
          *row = RoundTo<T>(static_cast<double>(*row) + difference[i++]);
        }
      }
    });
  }
  return out;
}

struct Fda : Matches {
  Range beta{0, 0.05};

  static constexpr std::string_view kName = "fda";
  static constexpr std::string_view kDoc =
      "Take the amplitudes of low spatial frequencies from a reference picture and keep the phases "
      "(Fourier domain adaptation).";
  static constexpr std::array<std::string_view, 1> kAliases{"FDA"};
  static constexpr Support kSupport{.many = false};
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        Matches::Table<Fda>(),
        std::tuple{Param("beta", &Fda::beta)
                       .In(0, 0.5)
                       .Unit("shorter sides")
                       .Alias("beta_limit")
                       .Doc("Highest frequency taken, in waves per pixel of the shorter side; 0 "
                            "takes the means alone.")});
  }

  Steps<ImageStep, SampleStep> Draw(Rng& rng, const Facts&) const {
    const double share = rng.Draw("beta", beta);
    return MatchTo<ReferencePicture>(
        rng, [share](const cv::Mat& in, ValueRange range, const ReferencePicture& other) {
          return Adapt(in, range, other, share);
        });
  }
};

}  // namespace

void RegisterFda(Registry& registry) { registry.AddOperator<Fda>(); }

}  // namespace pixloom
