// SPDX-License-Identifier: Apache-2.0
#include "models/tiling.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "models/tile_blender.h"
#include "pipeline/rng.h"

namespace pixloom {
namespace {

struct Settings {
  Size picture;
  int most = 0, overlap = 0, unit = 1;
};

// Sizes of all kinds: tiny, just beyond one tile, many tiles; odd overlaps and units.
Settings Drawn(std::uint32_t i) {
  Rng rng({i, 5, 6});
  Settings s;
  const auto side = [&] {
    const std::uint32_t kind = rng.Below("", 3);
    return 1 + static_cast<int>(rng.Below("", kind == 0 ? 20 : kind == 1 ? 200 : 1500));
  };
  s.picture = {side(), side()};
  s.unit = std::vector{1, 1, 2, 4, 7, 8, 16}[rng.Below("", 7)];
  s.overlap = static_cast<int>(rng.Below("", 40));
  s.most = rng.Below("", 10) == 0 ? 0 : 1 + static_cast<int>(rng.Below("", 300));
  return s;
}

// "" or what is wrong with one axis.
std::string AxisProblem(const TilePlan& plan, bool horizontal, int scale) {
  const int count = horizontal ? plan.columns : plan.rows;
  const int length = (horizontal ? plan.padded.width : plan.padded.height) * scale;
  std::vector<double> sums(static_cast<std::size_t>(length));
  std::vector<int> uses(static_cast<std::size_t>(length));
  for (int i = 0; i < count; ++i) {
    const int index = horizontal ? i : i * plan.columns;
    const cv::Rect& rect = plan.tiles[static_cast<std::size_t>(index)];
    const int start = (horizontal ? rect.x : rect.y) * scale;
    const std::vector<float> weights = TileWeights(plan, index, horizontal, scale);
    const int tile = (horizontal ? plan.tile.width : plan.tile.height) * scale;
    if (static_cast<int>(weights.size()) != tile) return "number of weights";
    for (int p = 0; p < tile; ++p) {
      const float weight = weights[static_cast<std::size_t>(p)];
      if (weight < 0 || weight > 1) return "weight out of 0..1";
      if (weight > 0 && i > 0 && p < plan.overlap * scale) return "trusts its near edge";
      if (weight > 0 && i + 1 < count && p >= tile - plan.overlap * scale) return "far edge";
      const auto at = static_cast<std::size_t>(start + p);
      sums[at] += static_cast<double>(weight);
      uses[at] += weight > 0 ? 1 : 0;
    }
  }
  for (std::size_t p = 0; p < sums.size(); ++p) {
    if (sums[p] != 1) return "weights add up to " + std::to_string(sums[p]);
    if (uses[p] > 2) return "a pixel of three tiles";
  }
  return "";
}

TEST_CASE("tiles are equal, inside, on the grid, and their weights add up to one") {
  int many = 0;
  for (std::uint32_t i = 0; i < 4000; ++i) {
    const Settings s = Drawn(i);
    const TilePlan plan = PlanTiles(s.picture, s.most, s.overlap, s.unit);
    INFO("picture ", s.picture.width, "x", s.picture.height, " most ", s.most, " overlap ",
         s.overlap, " unit ", s.unit);
    REQUIRE(plan.padded.width >= s.picture.width);
    REQUIRE(plan.padded.width < s.picture.width + s.unit);
    REQUIRE(plan.padded.height % s.unit == 0);
    REQUIRE(plan.padded.height >= s.picture.height);
    REQUIRE(plan.tiles.size() == static_cast<std::size_t>(plan.columns * plan.rows));
    if (s.most == 0) REQUIRE(plan.tiles.size() == 1);
    if (s.most >= s.picture.width + s.unit) REQUIRE(plan.columns == 1);
    const int allowed = std::max({s.most, s.unit, 3 * (s.overlap + s.unit)});
    if (s.most > 0) REQUIRE(std::max(plan.tile.width, plan.tile.height) <= allowed);
    const cv::Rect whole(0, 0, plan.padded.width, plan.padded.height);
    bool fine = true;
    for (const cv::Rect& tile : plan.tiles) {
      fine = fine && (tile & whole) == tile && tile.width == plan.tile.width &&
             tile.height == plan.tile.height && tile.x % s.unit == 0 && tile.y % s.unit == 0;
    }
    REQUIRE(fine);
    REQUIRE(plan.tile.width % s.unit == 0);
    for (const bool horizontal : {true, false}) {
      const std::vector<Seam> seams = Seams(plan, horizontal);
      for (std::size_t k = 0; k < seams.size(); ++k) {
        REQUIRE(seams[k].width() >= 0);
        if (k > 0) REQUIRE(seams[k - 1].to <= seams[k].from);
      }
      REQUIRE(AxisProblem(plan, horizontal, 1) == "");
      if (i % 4 == 0) REQUIRE(AxisProblem(plan, horizontal, 1 + static_cast<int>(i % 3)) == "");
    }
    many += plan.columns > 2 && plan.rows > 2 ? 1 : 0;
  }
  CHECK(many > 400);
}

TEST_CASE("tiles of a size that the network insists on") {
  const TilePlan large = PlanTiles({300, 100}, 1, 8, 1, {128, 128});
  CHECK(large.tile == Size{128, 128});
  CHECK(large.padded == Size{300, 128});
  CHECK(large.rows == 1);
  CHECK(large.columns == 3);
  const TilePlan small = PlanTiles({5, 9}, 1, 8, 1, {128, 64});
  CHECK(small.padded == Size{128, 64});
  CHECK(small.tiles.size() == 1);
}

// ---- Putting together ---------------------------------------------------------------------------

double PixelOf(int c, int x, int y) {
  return static_cast<double>(Mix64(static_cast<std::uint64_t>((c * 5003 + y) * 7001 + x)) >> 40) *
         0x1p-24;
}

// What a network with kernels of radius `radius` makes of pixel x, y of a picture of w x h with
// zeros around, when it sees only `seen`: depends on all of the window, and on nothing else.
double Convolved(int c, int x, int y, int radius, const cv::Rect& seen) {
  double sum = 0;
  for (int dy = -radius; dy <= radius; ++dy) {
    for (int dx = -radius; dx <= radius; ++dx) {
      const int u = x + dx, v = y + dy;
      if (!seen.contains(cv::Point(u, v))) continue;
      sum += PixelOf(c, u, v) * std::cos(dx * 0.7 + dy * 1.3 + 0.1 * c) / (1 + dx * dx + dy * dy);
    }
  }
  return sum;
}

TEST_CASE("where the overlap covers the kernel, tiles give what the whole picture gives") {
  for (std::uint32_t i = 0; i < 25; ++i) {
    Rng rng({i, 1, 1});
    const int radius = static_cast<int>(rng.Below("", 4));
    const Size picture{20 + static_cast<int>(rng.Below("", 80)),
                       20 + static_cast<int>(rng.Below("", 80))};
    const int unit = 1 + static_cast<int>(rng.Below("", 3));
    const TilePlan plan = PlanTiles(picture, 18 + static_cast<int>(rng.Below("", 20)),
                                    radius + static_cast<int>(rng.Below("", 3)), unit);
    const int w = plan.padded.width, h = plan.padded.height;
    const cv::Rect whole(0, 0, w, h);
    std::vector<double> blended(static_cast<std::size_t>(w * h));
    TileBlender blender(plan, 2, 1);
    cv::Mat covered(h, w, CV_8U, cv::Scalar(0));
    double worst = 0, worst_double = 0;
    for (std::size_t t = 0; t < plan.tiles.size(); ++t) {
      const cv::Rect& tile = plan.tiles[t];
      const auto across = TileWeights(plan, static_cast<int>(t), true, 1);
      const auto down = TileWeights(plan, static_cast<int>(t), false, 1);
      std::vector<float> item;
      for (int c = 0; c < 2; ++c) {
        for (int y = 0; y < tile.height; ++y) {
          for (int x = 0; x < tile.width; ++x) {
            const double value = Convolved(c, tile.x + x, tile.y + y, radius, tile);
            item.push_back(static_cast<float>(value));
            if (c == 0) {
              blended[static_cast<std::size_t>((tile.y + y) * w + tile.x + x)] +=
                  value * static_cast<double>(across[static_cast<std::size_t>(x)]) *
                  static_cast<double>(down[static_cast<std::size_t>(y)]);
            }
          }
        }
      }
      const cv::Rect rect = blender.Add(item);
      REQUIRE((rect & whole) == rect);
      cv::Mat part = covered(rect);
      part += 1;
      REQUIRE(blender.Values().size() == static_cast<std::size_t>(2 * rect.area()));
      for (int c = 0; c < 2; ++c) {
        for (int y = 0; y < rect.height; ++y) {
          for (int x = 0; x < rect.width; ++x) {
            const double want = Convolved(c, rect.x + x, rect.y + y, radius, whole);
            const float got =
                blender.Values()[static_cast<std::size_t>((c * rect.height + y) * rect.width + x)];
            worst = std::max(worst, std::abs(want - static_cast<double>(got)));
          }
        }
      }
    }
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        const double want = Convolved(0, x, y, radius, whole);
        const double got = blended[static_cast<std::size_t>(y * w + x)];
        worst_double = std::max(worst_double, std::abs(want - got));
      }
    }
    CHECK(worst < 1e-5);
    CHECK(worst_double < 1e-12);
    CHECK(cv::norm(covered, cv::Mat(h, w, CV_8U, cv::Scalar(1)), cv::NORM_INF) == 0);
    if (i < 5) CHECK(plan.tiles.size() > 1);
  }
}

TEST_CASE("tiles that are equal where they meet come back as they are, enlarged or not") {
  for (std::uint32_t i = 0; i < 150; ++i) {
    const Settings s = Drawn(7000 + i);
    const Size picture{1 + s.picture.width % 300, 1 + s.picture.height % 300};
    const int scale = 1 + static_cast<int>(i % 3);
    const TilePlan plan = PlanTiles(picture, s.most, s.overlap, s.unit);
    TileBlender blender(plan, 1, scale);
    std::int64_t pixels = 0;
    float worst = 0;
    for (const cv::Rect& tile : plan.tiles) {
      std::vector<float> item;
      for (int y = 0; y < tile.height * scale; ++y) {
        for (int x = 0; x < tile.width * scale; ++x) {
          item.push_back(static_cast<float>(PixelOf(0, tile.x * scale + x, tile.y * scale + y)));
        }
      }
      const cv::Rect rect = blender.Add(item);
      pixels += rect.area();
      for (int y = 0; y < rect.height; ++y) {
        for (int x = 0; x < rect.width; ++x) {
          const auto want = static_cast<float>(PixelOf(0, rect.x + x, rect.y + y));
          const float got = blender.Values()[static_cast<std::size_t>(y * rect.width + x)];
          worst = std::max(worst, std::abs(want - got));
        }
      }
    }
    CHECK(pixels == plan.padded.Area() * scale * scale);
    CHECK(worst < 1e-6F);
  }
}

}  // namespace
}  // namespace pixloom
