// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "ops/kernels/filter_rows.h"
#include "ops/kernels/layer_draw.h"
#include "ops/weather/weather.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Ice grows in arms of sixty degrees.
constexpr double kArm = exact::kPi / 3;
constexpr std::uint32_t kBlocksOfFern = 1u << 12;
// Stems start this many crystal lengths apart along the border, so that they overlap.
constexpr double kSpacing = 0.22;
constexpr int kArms = 10;    // to each side of a stem
constexpr int kNeedles = 4;  // to each side of an arm
// Width of a stem, as a share of its length; arms and needles are finer.
constexpr double kStem = 0.014;
// Needles shorter than this many px would not show.
constexpr double kLeastNeedle = 2;

// Octaves of haze and of its grain; the first also frays the inner border of the frost.
std::vector<Octave> HazeOctaves() { return HalvingOctaves(0.12, 3, 0.6); }
std::vector<Octave> GrainOctaves() { return HalvingOctaves(0.02, 3, 0.8); }

struct Frost {
  Range reach{0.35, 0.7};
  Range intensity{0.6, 0.9};
  Range crystal{0.12, 0.25};
  std::vector<double> color{0.9, 0.95, 1};

  static constexpr std::string_view kName = "frost";
  static constexpr std::string_view kDoc = "Grow crystals of ice inwards from the borders.";
  static constexpr std::array<std::string_view, 1> kAliases{"Frost"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("reach", &Frost::reach)
                          .In(0, 1.5)
                          .Unit("of the way in")
                          .Doc("How far the frost comes from the border; 1 is the middle."),
                      Param("intensity", &Frost::intensity)
                          .In(0, 1)
                          .Unit("share")
                          .Primary()
                          .Doc("How much the densest ice hides."),
                      Param("crystal", &Frost::crystal)
                          .In(0.02, 0.6)
                          .Unit(kLength)
                          .Doc("Length of the longest crystals."),
                      ColourParam<Frost>("color", &Frost::color,
                                         "Colour of the ice; a gray picture takes its luma, "
                                         "channels past the last take that one.")};
  }

  Steps<ImageStep> Draw(Rng& rng, const Facts&) const {
    const double depth = rng.Draw("reach", reach);
    const double hidden = rng.Draw("intensity", intensity);
    const double length = rng.Draw("crystal", crystal);
    if (depth == 0 || hidden == 0) return {};
    return {ImageStep{[depth, hidden, length, tint = color, key = rng.Key().Pixels()](
                          const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      const cv::Mat ferns = DrawFerns(SizeOf(in), depth, length, key);
      // Streams of their own beside that of the ferns.
      const SoftField haze(SizeOf(in), HazeOctaves(), {key.key, key.id, key.stream ^ 0x48415A45u});
      const SoftField grain(SizeOf(in), GrainOctaves(),
                            {key.key, key.id, key.stream ^ 0x47524149u});
      const auto width = static_cast<std::size_t>(in.cols);
      std::vector<float> rough(width);
      std::vector<float> ice(width);
      const std::vector<float> columns = FromBorder(in.cols, in);
      const std::vector<float> rows = FromBorder(in.rows, in);
      const auto inner = static_cast<float>(depth);
      const auto most = static_cast<float>(hidden);
      return BlendTowards(in, context.range, tint, [&](int y, float* share) {
        haze.Row(y, share);
        grain.Row(y, rough.data());
        ToFloat(ferns.ptr<std::uint8_t>(y), ice.data(), width);
        const float row = rows[static_cast<std::size_t>(y)];
        for (std::size_t x = 0; x < width; ++x) {
          const float way = std::min(row, columns[x]) + 0.12F * inner * share[x];
          const float t = std::min(std::max(1 - way / inner, 0.0F), 1.0F);
          const float edge = t * t * (3 - 2 * t);
          // Ridges of the grain: bright where it passes through zero.
          const float ridge = 1 - std::min(std::abs(rough[x]), 1.0F);
          const float film = edge * (0.3F + 0.3F * ridge * ridge);
          const float crystals = ice[x] * (1.0F / 255);
          share[x] = most * (film + crystals - film * crystals);
        }
      });
    }}};
  }

  // How far in a pixel lies, 0 at the border and 1 in the middle of the shorter side.
  static std::vector<float> FromBorder(int pixels, const cv::Mat& picture) {
    const double half = std::min(picture.cols, picture.rows) / 2.0;
    std::vector<float> way(static_cast<std::size_t>(pixels));
    for (int i = 0; i < pixels; ++i) {
      way[static_cast<std::size_t>(i)] =
          static_cast<float>(std::min(i + 0.5, pixels - i - 0.5) / half);
    }
    return way;
  }

  // Crystals like ferns, from places along the border.
  static cv::Mat DrawFerns(Size picture, double depth, double length, const StreamKey& key) {
    cv::Mat layer = cv::Mat::zeros(picture.height, picture.width, CV_8UC1);
    const double longer = std::max(picture.width, picture.height);
    const double around = 2.0 * (picture.width + picture.height);
    const double half = std::min(picture.width, picture.height) / 2.0;
    const auto count = static_cast<std::uint32_t>(around / longer / (kSpacing * length)) + 1;
    for (std::uint32_t i = 0; i < count; ++i) {
      const PhiloxBlock words = key.Block(i * kBlocksOfFern);
      // A place on the border, and the way in from there.
      double at = (i + UnitOf(words[0])) / count * around;
      Point from;
      double inwards = 0;
      if (at < picture.width) {
        from = {at, 0}, inwards = exact::kPi / 2;
      } else if ((at -= picture.width) < picture.height) {
        from = {static_cast<double>(picture.width), at}, inwards = exact::kPi;
      } else if ((at -= picture.height) < picture.width) {
        from = {at, static_cast<double>(picture.height)}, inwards = -exact::kPi / 2;
      } else {
        from = {0, at - picture.width}, inwards = 0;
      }
      // Some start further in, less likely with the distance.
      const double start = UnitOf(words[1]) * UnitOf(words[1]) * 0.7 * depth * half;
      from += Point{exact::Cos(inwards), exact::Sin(inwards)} * start;
      const double way = inwards + Between(-1, 1, words[2]);
      const double stem = length * longer * Between(0.35, 1, words[3]) * std::min(depth, 1.0);
      DrawFern(from, way, stem, key, i * kBlocksOfFern + 1, layer);
    }
    return layer;
  }

  // A stem, arms to both sides of it, shorter towards the tip, and needles along them.
  static void DrawFern(Point from, double way, double stem, const StreamKey& key,
                       std::uint32_t block, cv::Mat& layer) {
    const Point along{exact::Cos(way), exact::Sin(way)};
    DrawStroke({from, from + along * stem, kStem * stem, 1, 1}, layer);
    for (int side = -1; side <= 1; side += 2) {
      const double turn = way + side * kArm;
      const Point out{exact::Cos(turn), exact::Sin(turn)};
      const Point needle_in{exact::Cos(turn + kArm), exact::Sin(turn + kArm)};
      const Point needle_out{exact::Cos(turn - kArm), exact::Sin(turn - kArm)};
      for (int i = 1; i <= kArms; ++i) {
        const PhiloxBlock words = key.Block(block++);
        const double t = (i - 0.5 + Between(-0.3, 0.3, words[0])) / kArms;
        const double arm = stem * 0.42 * (1 - 0.85 * t) * Between(0.55, 1, words[1]);
        const Point base = from + along * (t * stem);
        DrawStroke({base, base + out * arm, 0.7 * kStem * stem, 1, 0.9}, layer);
        for (int k = 1; k <= kNeedles; ++k) {
          const double u = (k - 0.5) / kNeedles;
          const double needle = arm * 0.4 * (1 - 0.8 * u) * Between(0.5, 1, words[2] << (4 * k));
          if (needle < kLeastNeedle) continue;
          const Point root = base + out * (u * arm);
          DrawStroke({root, root + needle_in * needle, 0.5 * kStem * stem, 1, 0.75}, layer);
          DrawStroke({root, root + needle_out * needle, 0.5 * kStem * stem, 1, 0.75}, layer);
        }
      }
    }
  }
};

}  // namespace

void RegisterFrost(Registry& registry) { registry.AddOperator<Frost>(); }

}  // namespace pixloom
