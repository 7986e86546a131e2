// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/geometry/field_grid.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class LensModel { kCamera, kFisheye };

}  // namespace

template <>
struct EnumNames<LensModel> {
  static constexpr std::array kAll{std::pair{LensModel::kCamera, "camera"},
                                   std::pair{LensModel::kFisheye, "fisheye"}};
};

namespace {

struct OpticalDistortion : Warped {
  Range distort{-0.05, 0.05};
  LensModel model = LensModel::kCamera;

  static constexpr std::string_view kName = "optical_distortion";
  static constexpr std::string_view kDoc =
      "Bend straight lines as a lens does; below -0.33 the corners fold.";
  static constexpr std::array<std::string_view, 1> kAliases{"OpticalDistortion"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{
            Param("distort", &OpticalDistortion::distort)
                .In(-1, 1)
                .Unit("k")
                .Primary()
                .Alias("distort_limit", Symmetric)
                .Doc("Coefficient k of the lens; positive pinches, negative bulges."),
            Param("model", &OpticalDistortion::model)
                .Alias("mode")
                .Doc("camera: x, y in widths and heights grow by 1 + k r^2 + k r^4; fisheye: r in "
                     "half diagonals grows by 1 + k r^2.")},
        Warped::Table<OpticalDistortion>());
  }

  WarpField Draw(Rng& rng, const Facts& facts) const {
    const double k = rng.Draw("distort", distort);
    const double width = facts.size.width;
    const double height = facts.size.height;
    const bool camera = model == LensModel::kCamera;
    const double diagonal = (width * width + height * height) / 4;
    const double unit_x = camera ? width * width : diagonal;
    const double unit_y = camera ? height * height : diagonal;
    const double fourth = camera ? k : 0;  // coefficient of r^4

    std::vector<double> from_centre;
    std::vector<double> squares;
    for (int x = 0; x < facts.size.width; ++x) {
      const double d = x + 0.5 - width / 2;
      from_centre.push_back(d);
      squares.push_back(d * d / unit_x);
    }
    cv::Mat field(facts.size.height, facts.size.width, CV_32FC2);
    for (int y = 0; y < field.rows; ++y) {
      const double down = y + 0.5 - height / 2;
      const double square = down * down / unit_y;
      auto* row = field.ptr<cv::Vec2f>(y);
      for (std::size_t x = 0; x < squares.size(); ++x) {
        const double r2 = squares[x] + square;
        const double growth = r2 * (k + fourth * r2);
        row[x] = ToFloat(from_centre[x] * growth, down * growth);
      }
    }
    return {field, Rule(), interpolation};
  }
};

}  // namespace

void RegisterOpticalDistortion(Registry& registry) { registry.AddOperator<OpticalDistortion>(); }

}  // namespace pixloom
