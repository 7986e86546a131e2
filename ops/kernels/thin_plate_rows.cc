// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/thin_plate_rows.h"

#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/thin_plate_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// s log s. Writes s = z * 2^e with z in [sqrt(1/2), sqrt(2)); log z = 2 artanh((z - 1) / (z + 1))
// by its series, whose first omitted term is below 4e-13.
template <class D>
HWY_INLINE hn::Vec<D> Plate(D d, hn::Vec<D> s) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, s);
  constexpr std::uint64_t kRootOfHalf = 0x3FE6A09E667F3BCD;
  constexpr std::uint64_t kOne = 0x3FF0000000000000;
  // The exponent with a bias of 1023, in place.
  const auto shifted = hn::Add(bits, hn::Set(du, kOne - kRootOfHalf));
  const auto exponent = hn::And(shifted, hn::Set(du, 0x7FF0000000000000));
  const auto z = hn::BitCast(d, hn::Add(hn::Sub(bits, exponent), hn::Set(du, kOne)));
  // An integer below 2^52 in the low bits of 2^52 is that sum.
  const auto biased = hn::Or(hn::ShiftRight<52>(exponent), hn::Set(du, 0x4330000000000000));
  const auto e = hn::Sub(hn::BitCast(d, biased), hn::Set(d, 0x1p52 + 1023));
  const auto one = hn::Set(d, 1.0);
  const auto t = hn::Div(hn::Sub(z, one), hn::Add(z, one));
  const auto t2 = hn::Mul(t, t);
  auto sum = hn::Set(d, 2.0 / 13);
  sum = hn::Add(hn::Mul(sum, t2), hn::Set(d, 2.0 / 11));
  sum = hn::Add(hn::Mul(sum, t2), hn::Set(d, 2.0 / 9));
  sum = hn::Add(hn::Mul(sum, t2), hn::Set(d, 2.0 / 7));
  sum = hn::Add(hn::Mul(sum, t2), hn::Set(d, 2.0 / 5));
  sum = hn::Add(hn::Mul(sum, t2), hn::Set(d, 2.0 / 3));
  sum = hn::Add(hn::Mul(sum, t2), hn::Set(d, 2.0));
  const auto log = hn::Add(hn::Mul(e, hn::Set(d, 0.693147180559945309417)), hn::Mul(sum, t));
  return hn::Mul(s, log);
}

void AddPlatesTo(const double* squares, double square, const double* weights, double* const* sums,
                 std::size_t count) {
  const auto add = [&](auto d, std::size_t i) {
    // Zero has no logarithm; a tiny number stands for it and vanishes in the sum.
    const auto s =
        hn::Max(hn::Add(hn::LoadU(d, squares + i), hn::Set(d, square)), hn::Set(d, 0x1p-1000));
    const auto plate = Plate(d, s);
    for (int k = 0; k < kPlateSums; ++k) {
      double* sum = sums[k] + i;
      hn::StoreU(hn::Add(hn::LoadU(d, sum), hn::Mul(plate, hn::Set(d, weights[k]))), d, sum);
    }
  };
  const hn::ScalableTag<double> full;
  const std::size_t lanes = hn::Lanes(full);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) add(full, i);
  for (; i < count; ++i) add(hn::CappedTag<double, 1>(), i);
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(AddPlatesTo);

void AddPlates(const double* squares, double square, const double* weights, double* const* sums,
               std::size_t count) {
  HWY_DYNAMIC_DISPATCH(AddPlatesTo)(squares, square, weights, sums, count);
}

}  // namespace pixloom
#endif  // HWY_ONCE
