// SPDX-License-Identifier: Apache-2.0
#include "ops/kernels/hsv_rows.h"

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/hsv_rows.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/highway.h>

#include "ops/kernels/filter_rows.h"
#include "ops/kernels/pixel_lanes-inl.h"
#include "ops/kernels/pixel_math.h"

#ifndef PIXLOOM_OPS_KERNELS_HSV_CHANGE_
#define PIXLOOM_OPS_KERNELS_HSV_CHANGE_
namespace pixloom {

struct HsvChange {
  float sextants = 0;    // of turn, in [1, 7]
  bool shifts = false;   // the rest counts
  float saturation = 0;  // unit scale
  float value = 0;       // levels
  float top = 0;         // of value, levels
};

}  // namespace pixloom
#endif

HWY_BEFORE_NAMESPACE();
namespace pixloom {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A colour is v - c w: its largest channel, its chroma and for each channel a trapezoid w in [0, 1]
// of the hue. Hues are sextants of the wheel.
template <bool kShifts, bool kCut>
class Change {
 public:
  explicit Change(const HsvChange& change) : change_(change) {}

  HWY_INLINE void operator()(Floats& r, Floats& g, Floats& b) const {
    const FloatTag d;
    const auto set = [](float v) HWY_ATTR { return hn::Set(FloatTag(), v); };
    const auto zero = hn::Zero(d);
    const auto one = set(1.0F);
    const auto high = hn::Max(r, hn::Max(g, b));
    const auto low = hn::Min(r, hn::Min(g, b));
    // Nothing at or below black has a colour (float pictures may go there).
    const auto chroma = hn::IfThenElseZero(hn::Gt(high, zero), hn::Sub(high, low));

    const auto is_red = hn::Eq(high, r);
    const auto is_green = hn::Eq(high, g);
    const auto next = hn::IfThenElse(is_red, g, hn::IfThenElse(is_green, b, r));
    const auto last = hn::IfThenElse(is_red, b, hn::IfThenElse(is_green, r, g));
    const auto base = hn::IfThenElse(
        is_red, set(change_.sextants),
        hn::IfThenElse(is_green, set(change_.sextants + 2), set(change_.sextants + 4)));
    // Gray has no hue; any will do. In [0, 12], brought to [0, 6].
    const auto within = hn::Div(hn::Sub(next, last), hn::Max(chroma, set(FLT_MIN)));
    const auto turned = hn::Add(base, within);
    const auto hue = hn::Sub(turned, hn::IfThenElseZero(hn::Ge(turned, set(6.0F)), set(6.0F)));

    auto value = high;
    auto spread = chroma;
    if constexpr (kShifts) {
      const auto old = hn::Div(chroma, hn::Max(high, set(FLT_MIN)));
      const auto moved = hn::Add(old, set(change_.saturation));
      const auto saturation =
          hn::IfThenElseZero(hn::Gt(old, zero), hn::Min(hn::Max(moved, zero), one));
      value = hn::Min(hn::Max(hn::Add(high, set(change_.value)), zero), set(change_.top));
      spread = hn::Mul(value, saturation);
    }
    // Integers take one half more, to be cut.
    const auto raised = kCut ? hn::Add(value, set(0.5F)) : value;
    const auto from = [&](float centre) HWY_ATTR { return hn::Abs(hn::Sub(hue, set(centre))); };
    const auto weigh = [&](Floats w) HWY_ATTR {
      return hn::Sub(raised, hn::Mul(spread, hn::Min(hn::Max(w, zero), one)));
    };
    r = weigh(hn::Sub(set(2.0F), from(3.0F)));
    g = weigh(hn::Sub(from(2.0F), one));
    b = weigh(hn::Sub(from(4.0F), one));
  }

 private:
  HsvChange change_;
};

void ChangeBytes(const HsvChange& change, const std::uint8_t* in, std::uint8_t* out,
                 std::size_t pixels, bool alpha) {
  if (change.shifts) {
    alpha ? ChangeRow<4>(Change<true, true>(change), in, out, pixels)
          : ChangeRow<3>(Change<true, true>(change), in, out, pixels);
  } else {
    alpha ? ChangeRow<4>(Change<false, true>(change), in, out, pixels)
          : ChangeRow<3>(Change<false, true>(change), in, out, pixels);
  }
}

void ChangeFloats(const HsvChange& change, float* row, std::size_t pixels, bool alpha) {
  if (change.shifts) {
    alpha ? ChangeRow<4>(Change<true, false>(change), row, pixels)
          : ChangeRow<3>(Change<true, false>(change), row, pixels);
  } else {
    alpha ? ChangeRow<4>(Change<false, false>(change), row, pixels)
          : ChangeRow<3>(Change<false, false>(change), row, pixels);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace pixloom
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pixloom {

HWY_EXPORT(ChangeBytes);
HWY_EXPORT(ChangeFloats);

namespace {

class HsvKernel final : public PixelKernel {
 public:
  explicit HsvKernel(double turns) {
    const double rest = turns - std::floor(turns);
    const double sextants = 6 * rest;
    unit_.sextants = static_cast<float>(sextants < 1 ? sextants + 6 : sextants);
  }
  HsvKernel(double turns, double saturation, double value) : HsvKernel(turns) {
    unit_.shifts = true;
    unit_.saturation = static_cast<float>(saturation);
    unit_.value = static_cast<float>(value);
    unit_.top = std::numeric_limits<float>::infinity();
  }

  void Row(const std::uint8_t* in, std::uint8_t* out, int pixels, int channels,
           const Stats&) const override {
    if (!Coloured(channels)) return Copy(in, out, pixels, channels);
    HWY_DYNAMIC_DISPATCH(ChangeBytes)
    (InLevels(255.0F), in, out, static_cast<std::size_t>(pixels), channels == 4);
  }

  void Row(const std::uint16_t* in, std::uint16_t* out, int pixels, int channels,
           const Stats&) const override {
    if (!Coloured(channels)) return Copy(in, out, pixels, channels);
    const HsvChange change = InLevels(65535.0F);
    std::array<float, 1024> strip;
    const auto all = static_cast<std::size_t>(pixels) * static_cast<std::size_t>(channels);
    const std::size_t step = strip.size() / 12 * 12;
    for (std::size_t i = 0; i < all; i += step) {
      const std::size_t now = std::min(step, all - i);
      ToFloat(in + i, strip.data(), now);
      HWY_DYNAMIC_DISPATCH(ChangeFloats)
      (change, strip.data(), now / static_cast<std::size_t>(channels), channels == 4);
      for (std::size_t k = 0; k < now; ++k) out[i + k] = RoundTo<std::uint16_t>(strip[k]);
    }
  }

  void Row(const float* in, float* out, int pixels, int channels, const Stats&) const override {
    Copy(in, out, pixels, channels);
    if (!Coloured(channels)) return;
    HWY_DYNAMIC_DISPATCH(ChangeFloats)
    (unit_, out, static_cast<std::size_t>(pixels), channels == 4);
  }

 private:
  static bool Coloured(int channels) { return channels == 3 || channels == 4; }

  template <class T>
  static void Copy(const T* in, T* out, int pixels, int channels) {
    if (in != out) std::copy_n(in, std::ptrdiff_t{pixels} * channels, out);
  }

  // Integers are computed with as they are: no division by full scale.
  HsvChange InLevels(float top) const {
    HsvChange change = unit_;
    change.value = unit_.value * top;
    change.top = top;
    return change;
  }

  HsvChange unit_;
};

}  // namespace

std::shared_ptr<const PixelKernel> TurnHueKernel(double turns) {
  return std::make_shared<HsvKernel>(turns);
}

std::shared_ptr<const PixelKernel> ShiftHsvKernel(double turns, double saturation, double value) {
  return std::make_shared<HsvKernel>(turns, saturation, value);
}

}  // namespace pixloom
#endif  // HWY_ONCE
