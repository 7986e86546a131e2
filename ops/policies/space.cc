// SPDX-License-Identifier: Apache-2.0
#include "ops/policies/space.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace pixloom {

namespace {

double Degrees(double tangent) { return exact::Atan2(tangent, 1) * 180 / exact::kPi; }

// Without the rounding noise of the last places.
double Tidy(double value) {
  const std::string text = fmt::format("{:.14g}", value);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

// `value(sign, bin)`; a magnitude of 0 stands twice where it has two signs, so that every bin keeps
// its share.
template <class Value>
std::string PolicySpace::Choice(std::int64_t first, std::int64_t count, bool is_signed,
                                Value value) const {
  std::vector<double> values;
  for (std::int64_t bin = first + count; is_signed && bin-- > first;) {
    values.push_back(value(-1, static_cast<double>(bin)));
  }
  for (std::int64_t bin = first; bin < first + count; ++bin) {
    values.push_back(value(1, static_cast<double>(bin)));
  }
  for (double& v : values) v += 0.0;  // no -0
  const bool same =
      std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; });
  if (same) return fmt::format("{}", values[0]);
  return fmt::format("{{choice: [{}]}}", fmt::join(values, ", "));
}

std::string PolicySpace::Step(PolicyOp op, std::int64_t first, std::int64_t count) const {
  const auto last = static_cast<double>(last_);
  const auto scaled = [&](double most, auto convert) {
    return Choice(first, count, true,
                  [&](int sign, double bin) { return Tidy(convert(sign * (most * bin / last))); });
  };
  const auto same = [](double m) { return m; };
  const auto slant = [&] { return scaled(scale_.shear, [](double m) { return Degrees(-m); }); };
  const auto shift = [&](char along) {
    const std::string by =
        scale_.translate_px
            ? scaled(scale_.translate, [](double m) { return std::trunc(m); }) + ", unit: px"
            : scaled(scale_.translate, same) + ", whole: true";
    return along == 'x' ? fmt::format("translate: {{y: 0, x: {}{}}}", by, warp_)
                        : fmt::format("translate: {{x: 0, y: {}{}}}", by, warp_);
  };
  const auto factor = [&](std::string_view verb) {
    return fmt::format("{}: {}", verb, scaled(scale_.enhance, [](double m) { return 1 + m; }));
  };
  switch (op) {
    case PolicyOp::kIdentity:
      return "identity";
    case PolicyOp::kShearX:  // the tables count a shift of lower rows to the left as positive
      return fmt::format("shear: {{x: {}, anchor: top_left{}}}", slant(), warp_);
    case PolicyOp::kShearY:
      return fmt::format("shear: {{x: 0, y: {}, anchor: top_left{}}}", slant(), warp_);
    case PolicyOp::kTranslateX:
      return shift('x');
    case PolicyOp::kTranslateY:
      return shift('y');
    case PolicyOp::kRotate:
      return fmt::format("rotate: {{angle: {}{}}}", scaled(scale_.rotate, same), warp_);
    case PolicyOp::kBrightness:
      return factor("brightness");
    case PolicyOp::kColor:
      return factor("saturation");
    case PolicyOp::kContrast:
      return factor("contrast");
    case PolicyOp::kSharpness:
      return factor("sharpness");
    case PolicyOp::kPosterize:
      return fmt::format("posterize: {}", Choice(first, count, false, [&](int, double bin) {
                           return scale_.bits - std::nearbyint(bin / (last / scale_.bits_lost));
                         }));
    case PolicyOp::kSolarize:
      // Through levels of uint8, where some thresholds meet a level exactly.
      return fmt::format("solarize: {}", Choice(first, count, false, [&](int, double bin) {
                           return 255 * (last - bin) / last / 255;
                         }));
    case PolicyOp::kAutoContrast:
      return "auto_contrast";
    case PolicyOp::kEqualize:
      return "equalize: {mode: pil}";
    case PolicyOp::kInvert:
      return "invert";
  }
  PIXLOOM_CHECK(false, "no such operation");
}

std::vector<std::string> AllSteps(const PolicySpace& space, std::int64_t first,
                                  std::int64_t count) {
  std::vector<std::string> steps{space.Step(PolicyOp::kIdentity, first)};
  const auto add = [&](const auto& ops) {
    for (const PolicyOp op : ops) steps.push_back(space.Step(op, first, count));
  };
  add(kGeometricOps);
  add(kEnhancingOps);
  add(kLevelOps);
  return steps;
}

std::string StepList(const std::vector<std::string>& steps, int indent) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  std::string text;
  for (const std::string& step : steps) text += margin + "- " + step + "\n";
  return text;
}

}  // namespace pixloom
