// SPDX-License-Identifier: Apache-2.0
// Fourier transforms in double precision, of any length, with the same bits on every CPU. Many
// sequences side by side are transformed at once.
//
// A plan is immutable; any number of threads may use it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace pixloom {

// Complex numbers, real and imaginary parts apart.
struct ComplexRows {
  std::vector<double> re;
  std::vector<double> im;

  explicit ComplexRows(std::size_t count = 0) : re(count), im(count) {}
};

class Fft {
 public:
  // REQUIRES: length >= 1.
  explicit Fft(int length);

  // X[k] = sum over n of x[n] exp(-2 pi i k n / length), for `side_by_side` sequences at once:
  // element n of sequence s is number n * side_by_side + s. Inverse: exp(+...), divided by the
  // length.
  void Forward(ComplexRows& data, int side_by_side) const;
  void Inverse(ComplexRows& data, int side_by_side) const;

 private:
  void Staged(ComplexRows& data, int side_by_side) const;
  void Chirped(ComplexRows& data, int side_by_side) const;

  int length_;
  std::vector<int> factors_;       // empty: by way of a chirp
  std::vector<double> cos_, sin_;  // of 2 pi k / length

  // Bluestein: a convolution of a length that has small factors only.
  std::shared_ptr<const Fft> inner_;
  std::vector<double> chirp_re_, chirp_im_;  // exp(-i pi n^2 / length)
  ComplexRows filter_;                       // transform of the conjugate chirp
};

}  // namespace pixloom
