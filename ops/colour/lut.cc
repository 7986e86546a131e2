// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "ops/common.h"
#include "ops/kernels/cube.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class CubeInterpolation { kTetrahedral, kTrilinear };

}  // namespace

template <>
struct EnumNames<CubeInterpolation> {
  static constexpr std::array kAll{std::pair{CubeInterpolation::kTetrahedral, "tetrahedral"},
                                   std::pair{CubeInterpolation::kTrilinear, "trilinear"}};
};

namespace {

struct LookUp {
  std::string file;
  std::vector<double> levels;
  CubeInterpolation interpolation = CubeInterpolation::kTetrahedral;

  static constexpr std::string_view kName = "lut";
  static constexpr std::string_view kDoc =
      "Look colours up in a table: a .cube file of a colour grader, a list of levels, or the list "
      "and then the file.";
  static constexpr Support kSupport = kColourPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("file", &LookUp::file)
            .Primary()
            .Doc("A .cube file with curves, a cube, or both; read once, when the graph is bound."),
        Param("levels", &LookUp::levels)
            .In(0, 1)
            .Unit("full scale")
            .Doc("What equally spaced levels from black to full scale become, in every channel; "
                 "linear in between."),
        Param("interpolation", &LookUp::interpolation)
            .Doc("How colours between the nodes of a cube are made.")};
  }

  // Reads the file, so that a table that cannot be used is refused before anything runs.
  std::string Check() const {
    if (levels.size() == 1) return "levels: one level is no table; give two or more";
    if (file.empty()) return levels.empty() ? "give a file, or levels" : "";
    auto read = ReadCube(file);
    if (!read) return "file: " + read.Error();
    table_ = std::make_shared<CubeFile>(std::move(*read));
    return "";
  }

  Steps<Lut, PixelStep> Draw(Rng&, const Facts&) const {
    Steps<Lut, PixelStep> steps;
    if (!levels.empty()) {
      steps.push_back(Lut{[list = levels](int, double x) {
        const double position = std::clamp(x, 0.0, 1.0) * static_cast<double>(list.size() - 1);
        const std::size_t below = std::min(static_cast<std::size_t>(position), list.size() - 2);
        const double t = position - static_cast<double>(below);
        return list[below] + t * (list[below + 1] - list[below]);
      }});
    }
    if (table_ != nullptr && table_->curves) {
      Lut curves;
      curves.per_channel = true;
      curves.curve = [table = table_](int channel, double x) {
        return channel < 3 ? table->curves->At(channel, x) : x;
      };
      steps.push_back(std::move(curves));
    }
    if (table_ != nullptr && table_->cube) {
      const bool four = interpolation == CubeInterpolation::kTetrahedral;
      steps.push_back(MakePixelStep(
          StatsKind::kNone,
          [table = table_, four](float* values, int pixels, int channels, const Stats&) {
            if (channels == 3 || channels == 4) table->cube->Apply(values, pixels, channels, four);
          }));
    }
    return steps;
  }

 private:
  mutable std::shared_ptr<const CubeFile> table_;  // set by Check(), which runs once
};

}  // namespace

void RegisterLookUp(Registry& registry) { registry.AddOperator<LookUp>(); }

}  // namespace pixloom
