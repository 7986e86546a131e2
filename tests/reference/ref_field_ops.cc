// SPDX-License-Identifier: Apache-2.0
// Formulas of operators that displace every pixel on its own.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tests/reference/ref_geometry.h"

namespace pixloom::reference {

namespace {

// The sum of reflected neighbours along one axis, weights normalised.
std::vector<double> SmoothAxis(const std::vector<double>& in, Size size, double sigma, bool rows) {
  const int radius = static_cast<int>(3.5 * sigma);
  std::vector<double> out(in.size());
  const auto at = [&](int x, int y) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(size.width) +
           static_cast<std::size_t>(x);
  };
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      double sum = 0;
      double total = 0;
      for (int k = -radius; k <= radius; ++k) {
        const double weight = k == 0 ? 1 : std::exp(-k * k / (2 * sigma * sigma));
        total += weight;
        sum += weight * (rows ? in[at(BorderIndex(Border::kReflect101, x + k, size.width), y)]
                              : in[at(x, BorderIndex(Border::kReflect101, y + k, size.height))]);
      }
      out[at(x, y)] = sum / total;
    }
  }
  return out;
}

std::vector<double> SmoothNoise(const OpState& state, std::size_t word, double alpha,
                                double sigma) {
  const StreamKey noise = state.key.Pixels();
  std::vector<double> values(static_cast<std::size_t>(state.size.Area()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    // A block of four words makes two pixels.
    const std::uint32_t bits = noise.Block(static_cast<std::uint32_t>(i / 2))[i % 2 * 2 + word];
    values[i] = 2 * ((bits >> 8) * 0x1p-24) - 1;
  }
  values = SmoothAxis(SmoothAxis(values, state.size, sigma, true), state.size, sigma, false);
  for (double& v : values) v *= alpha;
  return values;
}

void CheckElastic(const Arguments& args, const Draws& draws, const OpState&, Problems& problems) {
  CheckHolds("alpha", args.Interval("alpha", 50), draws["alpha"], problems);
  CheckHolds("sigma", args.Interval("sigma", 5), draws["sigma"], problems);
}

std::vector<RefStep> Elastic(const Arguments& args, const Draws& draws, const OpState& state) {
  Field64 field;
  field.size = state.size;
  field.dx = SmoothNoise(state, 0, draws["alpha"], draws["sigma"]);
  const std::size_t down = args.Flag("same_dxdy", false) ? 0 : 1;
  field.dy = SmoothNoise(state, down, draws["alpha"], draws["sigma"]);
  return {FieldStep{std::move(field), args.Border(), args.Interpolation()}};
}

}  // namespace

const std::vector<OpRule>& FieldRules() {
  static const std::vector<OpRule> rules{
      {"elastic", false, {"alpha", "sigma"}, CheckElastic, Elastic},
  };
  return rules;
}

}  // namespace pixloom::reference
