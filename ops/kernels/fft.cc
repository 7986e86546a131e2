// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/fft.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "pipeline/error.h"
#include "pipeline/exact_math.h"

namespace pixloom {

namespace {

constexpr int kLargestFactor = 13;  // above, a chirp is cheaper

std::vector<int> SmallFactors(int n) {
  std::vector<int> factors;
  for (const int f : {4, 2, 3, 5, 7, 11, kLargestFactor}) {
    while (n % f == 0) {
      factors.push_back(f);
      n /= f;
    }
  }
  if (n != 1) factors.clear();
  return factors;
}

// One stage of Stockham's algorithm: `m` groups of `r` elements, each of `s` neighbouring numbers.
// What is read and what is written never overlap; the compiler vectorises only if it is told.
struct Stage {
  const double* in_re;
  const double* in_im;
  double* out_re;
  double* out_im;
  std::size_t m;
  std::size_t s;
};

struct Turn {
  double re;
  double im;
};

void StageOf2(const Stage& st, std::size_t p, Turn w) {
  const double* __restrict ar = st.in_re + st.s * p;
  const double* __restrict ai = st.in_im + st.s * p;
  const double* __restrict br = ar + st.s * st.m;
  const double* __restrict bi = ai + st.s * st.m;
  double* __restrict xr = st.out_re + st.s * 2 * p;
  double* __restrict xi = st.out_im + st.s * 2 * p;
  double* __restrict yr = xr + st.s;
  double* __restrict yi = xi + st.s;
  for (std::size_t q = 0; q < st.s; ++q) {
    const double dr = ar[q] - br[q];
    const double di = ai[q] - bi[q];
    xr[q] = ar[q] + br[q];
    xi[q] = ai[q] + bi[q];
    yr[q] = dr * w.re - di * w.im;
    yi[q] = dr * w.im + di * w.re;
  }
}

void StageOf4(const Stage& st, std::size_t p, const Turn* w) {
  const double* __restrict r0 = st.in_re + st.s * p;
  const double* __restrict i0 = st.in_im + st.s * p;
  const std::size_t far = st.s * st.m;
  double* __restrict xr = st.out_re + st.s * 4 * p;
  double* __restrict xi = st.out_im + st.s * 4 * p;
  for (std::size_t q = 0; q < st.s; ++q) {
    const double ar = r0[q] + r0[q + 2 * far];
    const double ai = i0[q] + i0[q + 2 * far];
    const double br = r0[q] - r0[q + 2 * far];
    const double bi = i0[q] - i0[q + 2 * far];
    const double cr = r0[q + far] + r0[q + 3 * far];
    const double ci = i0[q + far] + i0[q + 3 * far];
    const double dr = r0[q + far] - r0[q + 3 * far];
    const double di = i0[q + far] - i0[q + 3 * far];
    xr[q] = ar + cr;
    xi[q] = ai + ci;
    const double er = br + di;
    const double ei = bi - dr;
    xr[q + st.s] = er * w[1].re - ei * w[1].im;
    xi[q + st.s] = er * w[1].im + ei * w[1].re;
    const double fr = ar - cr;
    const double fi = ai - ci;
    xr[q + 2 * st.s] = fr * w[2].re - fi * w[2].im;
    xi[q + 2 * st.s] = fr * w[2].im + fi * w[2].re;
    const double gr = br - di;
    const double gi = bi + dr;
    xr[q + 3 * st.s] = gr * w[3].re - gi * w[3].im;
    xi[q + 3 * st.s] = gr * w[3].im + gi * w[3].re;
  }
}

// `turns`: exp(-2 pi i k / r).
void StageOf(int r, const Stage& st, std::size_t p, const Turn* w, const Turn* turns) {
  for (int j = 0; j < r; ++j) {
    double* __restrict xr =
        st.out_re + st.s * (static_cast<std::size_t>(r) * p + static_cast<std::size_t>(j));
    double* __restrict xi =
        st.out_im + st.s * (static_cast<std::size_t>(r) * p + static_cast<std::size_t>(j));
    std::fill_n(xr, st.s, 0.0);
    std::fill_n(xi, st.s, 0.0);
    for (int k = 0; k < r; ++k) {
      const std::size_t from = st.s * (p + st.m * static_cast<std::size_t>(k));
      const double* __restrict ar = st.in_re + from;
      const double* __restrict ai = st.in_im + from;
      const Turn t = turns[j * k % r];
      const Turn both{t.re * w[j].re - t.im * w[j].im, t.re * w[j].im + t.im * w[j].re};
      for (std::size_t q = 0; q < st.s; ++q) {
        xr[q] += ar[q] * both.re - ai[q] * both.im;
        xi[q] += ar[q] * both.im + ai[q] * both.re;
      }
    }
  }
}

}  // namespace

Fft::Fft(int length) : length_(length), factors_(SmallFactors(length)) {
  PIXLOOM_CHECK(length >= 1, "a transform of nothing");
  const auto angle = [&](std::int64_t k, std::int64_t n) {
    return 2 * exact::kPi * static_cast<double>(k) / static_cast<double>(n);
  };
  if (length == 1) return;
  if (!factors_.empty()) {
    for (int k = 0; k < length; ++k) {
      cos_.push_back(exact::Cos(angle(k, length)));
      sin_.push_back(exact::Sin(angle(k, length)));
    }
    return;
  }
  int inner = 1;
  while (inner < 2 * length - 1) inner *= 2;
  const auto whole = std::make_shared<Fft>(inner);
  filter_ = ComplexRows(static_cast<std::size_t>(inner));
  for (std::int64_t n = 0; n < length; ++n) {
    // n^2 modulo 2 length: the angle stays small, whatever n is.
    const double a = angle(n * n % (2 * std::int64_t{length}), 2 * std::int64_t{length});
    chirp_re_.push_back(exact::Cos(a));
    chirp_im_.push_back(-exact::Sin(a));
    for (const std::int64_t at : {n, (inner - n) % inner}) {
      filter_.re[static_cast<std::size_t>(at)] = chirp_re_.back();
      filter_.im[static_cast<std::size_t>(at)] = -chirp_im_.back();
    }
  }
  whole->Forward(filter_, 1);
  inner_ = whole;
}

void Fft::Forward(ComplexRows& data, int side_by_side) const {
  if (length_ == 1) return;
  if (inner_ != nullptr) {
    Chirped(data, side_by_side);
  } else {
    Staged(data, side_by_side);
  }
}

// With the parts exchanged before and after, the forward transform is the inverse one.
void Fft::Inverse(ComplexRows& data, int side_by_side) const {
  std::swap(data.re, data.im);
  Forward(data, side_by_side);
  std::swap(data.re, data.im);
  const double share = 1.0 / length_;
  for (double& v : data.re) v *= share;
  for (double& v : data.im) v *= share;
}

void Fft::Staged(ComplexRows& data, int side_by_side) const {
  ComplexRows other(data.re.size());
  ComplexRows* from = &data;
  ComplexRows* to = &other;
  std::size_t n = static_cast<std::size_t>(length_);
  auto s = static_cast<std::size_t>(side_by_side);
  for (const int r : factors_) {
    const auto radix = static_cast<std::size_t>(r);
    const std::size_t m = n / radix;
    const std::size_t step = static_cast<std::size_t>(length_) / n;  // of the table, per 1 / n turn
    const Stage stage{from->re.data(), from->im.data(), to->re.data(), to->im.data(), m, s};
    std::array<Turn, kLargestFactor> turns{};
    for (std::size_t k = 0; k < radix; ++k) {
      const std::size_t at = k * (static_cast<std::size_t>(length_) / radix);
      turns[k] = {cos_[at], -sin_[at]};
    }
    for (std::size_t p = 0; p < m; ++p) {
      std::array<Turn, kLargestFactor> w{};
      for (std::size_t j = 0; j < radix; ++j) w[j] = {cos_[j * p * step], -sin_[j * p * step]};
      if (r == 2) {
        StageOf2(stage, p, w[1]);
      } else if (r == 4) {
        StageOf4(stage, p, w.data());
      } else {
        StageOf(r, stage, p, w.data(), turns.data());
      }
    }
    std::swap(from, to);
    n = m;
    s *= radix;
  }
  if (from != &data) std::swap(data, other);
}

void Fft::Chirped(ComplexRows& data, int side_by_side) const {
  const auto s = static_cast<std::size_t>(side_by_side);
  const std::size_t inner = filter_.re.size();
  ComplexRows wide(inner * s);
  // dr + i di = (ar + i ai) (br + i bi)
  const auto multiply = [s](const ComplexRows& in, ComplexRows& out, std::size_t row, double br,
                            double bi) {
    for (std::size_t i = row * s; i < (row + 1) * s; ++i) {
      const double ar = in.re[i];
      const double ai = in.im[i];
      out.re[i] = ar * br - ai * bi;
      out.im[i] = ar * bi + ai * br;
    }
  };
  for (std::size_t n = 0; n < chirp_re_.size(); ++n) {
    multiply(data, wide, n, chirp_re_[n], chirp_im_[n]);
  }
  inner_->Forward(wide, side_by_side);
  for (std::size_t k = 0; k < inner; ++k) multiply(wide, wide, k, filter_.re[k], filter_.im[k]);
  inner_->Inverse(wide, side_by_side);
  for (std::size_t n = 0; n < chirp_re_.size(); ++n) {
    multiply(wide, data, n, chirp_re_[n], chirp_im_[n]);
  }
}

}  // namespace pixloom
