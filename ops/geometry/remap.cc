// SPDX-License-Identifier: Apache-2.0
#include "ops/common.h"
#include "ops/geometry/field_grid.h"
#include "ops/kernels/npy.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class MapKind { kAbsolute, kDisplacement };

// The displacements of a map as read, in px of a picture of the map's size.
template <class T>
cv::Mat ToDisplacement(const cv::Mat& map, MapKind kind) {
  cv::Mat result(map.size(), CV_32FC2);
  const double own = kind == MapKind::kAbsolute ? 1 : 0;
  for (int y = 0; y < map.rows; ++y) {
    const T* in = map.ptr<T>(y);
    auto* out = result.ptr<cv::Vec2f>(y);
    for (int x = 0; x < map.cols; ++x) {
      out[x] = ToFloat(double{in[2 * x]} - own * x, double{in[2 * x + 1]} - own * y);
    }
  }
  return result;
}

// Centres of a line of `to` pixels between those of a line of `from` pixels that spans the same.
struct Between {
  std::vector<int> first;
  std::vector<int> second;
  std::vector<double> at;

  Between(int from, int to) {
    const double scale = static_cast<double>(from) / to;
    for (int i = 0; i < to; ++i) {
      const double p = std::clamp((i + 0.5) * scale - 0.5, 0.0, from - 1.0);
      first.push_back(static_cast<int>(p));
      second.push_back(std::min(first.back() + 1, from - 1));
      at.push_back(p - first.back());
    }
  }
};

cv::Mat StretchField(const cv::Mat& field, Size size) {
  const Between columns(field.cols, size.width);
  const Between rows(field.rows, size.height);
  const double scale_x = static_cast<double>(size.width) / field.cols;
  const double scale_y = static_cast<double>(size.height) / field.rows;
  cv::Mat result(size.height, size.width, CV_32FC2);
  for (int y = 0; y < size.height; ++y) {
    const auto row = static_cast<std::size_t>(y);
    const auto* upper = field.ptr<cv::Vec2f>(rows.first[row]);
    const auto* lower = field.ptr<cv::Vec2f>(rows.second[row]);
    const double v = rows.at[row];
    auto* out = result.ptr<cv::Vec2f>(y);
    for (std::size_t x = 0; x < columns.at.size(); ++x) {
      const int a = columns.first[x];
      const int b = columns.second[x];
      const double u = columns.at[x];
      const auto blend = [&](int axis) {
        const double top = upper[a][axis] * (1 - u) + upper[b][axis] * u;
        const double bottom = lower[a][axis] * (1 - u) + lower[b][axis] * u;
        return top * (1 - v) + bottom * v;
      };
      out[x] = ToFloat(blend(0) * scale_x, blend(1) * scale_y);
    }
  }
  return result;
}

}  // namespace

template <>
struct EnumNames<MapKind> {
  static constexpr std::array kAll{std::pair{MapKind::kAbsolute, "absolute"},
                                   std::pair{MapKind::kDisplacement, "displacement"}};
};

namespace {

struct Remap : Warped {
  std::string map;
  MapKind kind = MapKind::kAbsolute;

  static constexpr std::string_view kName = "remap";
  static constexpr std::string_view kDoc =
      "Take every pixel from where a map in a .npy file says; the map is stretched to the picture.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("map", &Remap::map)
                       .Required()
                       .Primary()
                       .Doc("File with an array [height, width, 2] of float32 or float64: x and y "
                            "for every pixel."),
                   Param("kind", &Remap::kind)
                       .Doc("absolute: positions in the source as cv::remap takes them, centres of "
                            "pixels at whole numbers; displacement: source less output, in px.")},
        Warped::Table<Remap>());
  }

  // Reads the file, so that a map that cannot be used is refused before anything runs.
  std::string Check() const {
    if (std::string problem = Warped::Check(); !problem.empty()) return problem;
    const auto read = ReadNpyMap(map);
    if (!read) return "map: " + read.Error();
    displacement_ = read->depth() == CV_64F ? ToDisplacement<double>(*read, kind)
                                            : ToDisplacement<float>(*read, kind);
    return "";
  }

  WarpField Draw(Rng&, const Facts& facts) const {
    const bool fits = facts.size == Size{displacement_.cols, displacement_.rows};
    return {fits ? displacement_ : StretchField(displacement_, facts.size), Rule(), interpolation};
  }

 private:
  mutable cv::Mat displacement_;  // set by Check(), which runs once, when the operator is bound
};

}  // namespace

void RegisterRemap(Registry& registry) { registry.AddOperator<Remap>(); }

}  // namespace pixloom
