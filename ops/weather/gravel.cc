// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "ops/weather/weather.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

constexpr std::uint32_t kMostPatches = 16;
// Stones of one patch take blocks from patch * kBlocksOfPatch on, after one for the patch itself.
constexpr std::uint32_t kBlocksOfPatch = 1u << 24;

// How lit the side of a stone to the upper left is, compared with its middle.
constexpr float kRelief = 0.35F;

// Stones so far: how much of a pixel they cover, and the gray they show there.
struct Stones {
  cv::Mat cover;
  cv::Mat gray;
};

// A stone on top of what is there, px.
void DropStone(Point centre, double radius, float level, Stones& on) {
  const auto r = static_cast<float>(radius);
  // Stones below a pixel cover their share of one.
  const float peak = std::min(1.0F, 2 * r);
  const double reach = radius + 0.5;
  const int top = std::max(static_cast<int>(std::floor(centre.y - reach)), 0);
  const int bottom = std::min(static_cast<int>(std::ceil(centre.y + reach)), on.cover.rows);
  const int left = std::max(static_cast<int>(std::floor(centre.x - reach)), 0);
  const int right = std::min(static_cast<int>(std::ceil(centre.x + reach)), on.cover.cols);
  for (int y = top; y < bottom; ++y) {
    auto* cover = on.cover.ptr<float>(y);
    auto* gray = on.gray.ptr<float>(y);
    const auto dy = static_cast<float>(y + 0.5 - centre.y);
    for (int x = left; x < right; ++x) {
      const auto dx = static_cast<float>(x + 0.5 - centre.x);
      const float distance = std::sqrt(dx * dx + dy * dy);
      const float here = peak * std::clamp(r + 0.5F - distance, 0.0F, 1.0F);
      if (here == 0) continue;
      const float facing = std::clamp(-(dx + dy) / (1.5F * std::max(r, 1.0F)), -1.0F, 1.0F);
      const float lit = std::clamp(level * (1 + kRelief * facing), 0.0F, 1.0F);
      const float both = cover[x] + here * (1 - cover[x]);
      gray[x] += here / both * (lit - gray[x]);
      cover[x] = both;
    }
  }
}

struct Gravel : Roi {
  Range patches{1, 3};
  Range patch_size{0.1, 0.25};
  Range density{0.2, 0.5};
  Range size{0.004, 0.012};
  Range brightness{0.2, 0.8};

  Gravel() { x_min = 0.1, y_min = 0.4, x_max = 0.9, y_max = 0.9; }

  static constexpr std::string_view kName = "gravel";
  static constexpr std::string_view kDoc = "Strew patches of small gray stones.";
  static constexpr std::array<std::string_view, 1> kAliases{"RandomGravel"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple_cat(
        std::tuple{Param("patches", &Gravel::patches)
                       .In(0, kMostPatches)
                       .Unit("patches")
                       .Alias("number_of_patches")
                       .Doc("How many, rounded; their middles lie anywhere in the region."),
                   Param("patch_size", &Gravel::patch_size)
                       .In(0.01, 1)
                       .Unit(kLength)
                       .Doc("Width of a patch; it is a third as high, as seen on a road."),
                   Param("density", &Gravel::density)
                       .In(0, 0.9)
                       .Unit("share")
                       .Primary()
                       .Doc("Share of a patch under stones, most in its middle."),
                   Param("size", &Gravel::size)
                       .In(0.002, 0.1)
                       .Unit(kLength)
                       .Doc("Diameter of the largest stones; the smallest measure a third."),
                   Param("brightness", &Gravel::brightness)
                       .In(0, 1)
                       .Unit("full scale")
                       .Doc("Gray of the stones: each one draws its own.")},
        Roi::Table<Gravel>());
  }

  // The number a word chooses.
  double Chosen(const Range& range, std::uint32_t word) const {
    if (range.choice.empty()) return Between(range.lo, range.hi, word);
    return range
        .choice[static_cast<std::size_t>(UnitOf(word) * static_cast<double>(range.choice.size()))];
  }

  // Diameters are uniform between a third and one of `diameter`; stones are laid at distances whose
  // square is uniform, twice as dense in the middle.
  void Strew(std::uint32_t patch, double width, double share, double diameter, const StreamKey& key,
             Stones& on) const {
    const Size picture{on.cover.cols, on.cover.rows};
    const double longer = std::max(picture.width, picture.height);
    const std::uint32_t first = patch * kBlocksOfPatch;
    const PhiloxBlock where = key.Block(first);
    const Point middle = Place(picture, where[0], where[1]);
    const double half = width * longer / 2;
    constexpr double kMeanSquare = 13.0 / 27;  // of diameters
    const double count =
        -exact::Log(1 - share) * (width * width / 3) / (diameter * diameter * kMeanSquare);
    for (std::uint32_t i = 1; i <= static_cast<std::uint32_t>(count + 0.5); ++i) {
      const PhiloxBlock place = key.Block(first + 2 * i - 1);
      const PhiloxBlock look = key.Block(first + 2 * i);
      const double turn = 2 * exact::kPi * UnitOf(place[0]);
      const double far = half * std::sqrt(UnitOf(place[1])) * Between(0.6, 1, place[2]);
      const Point at = middle + Point{far * exact::Cos(turn), far * exact::Sin(turn) / 3};
      const double across = diameter * longer * Between(1.0 / 3, 1, look[0]);
      DropStone(at, across / 2, static_cast<float>(Chosen(brightness, look[1])), on);
    }
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const int count = WholeOf(rng.Draw("patches", patches));
    const double width = rng.Draw("patch_size", patch_size);
    const double share = rng.Draw("density", density);
    const double diameter = rng.Draw("size", size);
    if (count == 0 || share == 0) return {};
    return {ImageStep{[op = *this, count, width, share, diameter, key = rng.Key().Pixels()](
                          const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      Stones stones{cv::Mat::zeros(in.size(), CV_32FC1), cv::Mat::zeros(in.size(), CV_32FC1)};
      for (int patch = 0; patch < count; ++patch) {
        op.Strew(static_cast<std::uint32_t>(patch), width, share, diameter, key, stones);
      }
      const int channels = in.channels();
      const int coloured = channels == 4 ? 3 : channels;
      return BlendValues(in, context.range, [&](int y, float* shares, float* target) {
        const auto* cover = stones.cover.ptr<float>(y);
        const auto* gray = stones.gray.ptr<float>(y);
        for (int x = 0; x < in.cols; ++x, shares += channels, target += channels) {
          for (int c = 0; c < coloured; ++c) shares[c] = cover[x], target[c] = gray[x];
        }
      });
    }}};
  }
};

}  // namespace

void RegisterGravel(Registry& registry) { registry.AddOperator<Gravel>(); }

}  // namespace pixloom
