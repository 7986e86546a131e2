// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "ops/common.h"
#include "ops/kernels/noise_words.h"
#include "ops/kernels/poisson_table.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

// Peers give the share of full scale that one photon makes.
Value Reciprocal(const Value& value) {
  const auto photons = [](double scale) { return schema::To(scale > 0 ? 1 / scale : -1.0); };
  if (value.IsNumber()) return photons(value.number);
  if (value.kind != Value::Kind::kList || value.items.size() != 2) return value;
  return Value::List({photons(value.items[1].number), photons(value.items[0].number)});
}

struct Light {
  double photons;  // of white
  double gamma;

  double Mean(double unit) const { return photons * exact::Pow(std::clamp(unit, 0.0, 1.0), gamma); }
  double Unit(int count) const { return exact::Pow(count / photons, 1 / gamma); }
};

// A picture of bytes has 256 means: one table of levels each, made when first met.
void CountPhotons(cv::Mat& image, const Light& light, StreamKey key) {
  std::vector<std::uint8_t> levels;  // of a number of photons
  for (int count = 0; levels.empty() || levels.back() < 255; ++count) {
    levels.push_back(RoundTo<std::uint8_t>(255 * light.Unit(count)));
  }
  std::array<std::unique_ptr<const PoissonTable>, 256> tables;
  const int channels = image.channels();
  const int touched = NoisyChannels(image);
  WalkNoise<std::uint32_t>(
      image.size(), channels, [key](auto... range) { FillWords(key, range...); },
      [&](int x, int y, std::size_t pixels, const std::uint32_t* words) {
        std::uint8_t* values = image.ptr(y) + static_cast<std::ptrdiff_t>(x) * channels;
        for (std::size_t i = 0; i < pixels; ++i, values += channels, words += channels) {
          for (int c = 0; c < touched; ++c) {
            auto& table = tables[values[c]];
            if (table == nullptr) {
              table = std::make_unique<PoissonTable>(light.Mean(values[c] / 255.0), levels);
            }
            values[c] = static_cast<std::uint8_t>((*table)(words[c]));
          }
        }
      });
}

// Any other mean is cut into a multiple of 1/256 of white, which has a table, and a small rest: the
// sum of two Poisson numbers is one of the sum of their means. Two words per value.
class PhotonCounter {
 public:
  explicit PhotonCounter(const Light& light) : light_(light), step_(light.photons / kParts) {
    for (int i = 0; i <= kPieces; ++i) {
      const double x = static_cast<double>(i) / kPieces;
      const double mean = light.Mean(x);
      const double slope = i == 0 ? 0 : light.gamma * mean / x;
      nodes_.push_back({mean, slope, i == 0 ? 0 : (light.gamma - 1) * slope / x / 2});
    }
  }

  // In and out: unit scale.
  float operator()(double unit, const std::uint32_t* words) {
    const double mean = Mean(std::clamp(unit, 0.0, 1.0));
    const auto part = std::min(static_cast<std::size_t>(mean / step_), std::size_t{kParts});
    std::unique_ptr<const PoissonTable>& table = tables_[part];
    if (table == nullptr) {
      table = std::make_unique<PoissonTable>(static_cast<double>(part) * step_);
    }
    const double rest = std::max(mean - static_cast<double>(part) * step_, 0.0);
    return Unit((*table)(words[0]) + PoissonNumber(rest, words[1]));
  }

 private:
  // A parabola about the nearest node; right to a millionth of a photon.
  double Mean(double unit) const {
    const double place = unit * kPieces;
    if (place < kDark) return light_.Mean(unit);  // where a power bends too much
    const double nearest = std::floor(place + 0.5);
    const Node& node = nodes_[static_cast<std::size_t>(nearest)];
    const double d = unit - nearest / kPieces;
    return node.mean + d * (node.slope + d * node.bend);
  }

  float Unit(int count) {
    while (units_.size() <= static_cast<std::size_t>(count)) {
      units_.push_back(static_cast<float>(light_.Unit(static_cast<int>(units_.size()))));
    }
    return units_[static_cast<std::size_t>(count)];
  }

  struct Node {
    double mean, slope, bend;
  };
  static constexpr int kPieces = 4096;
  static constexpr double kDark = 64;
  static constexpr int kParts = 256;
  Light light_;
  double step_;
  std::vector<Node> nodes_;
  std::vector<float> units_;
  std::array<std::unique_ptr<const PoissonTable>, kParts + 1> tables_;
};

template <class T>
void CountPhotons(cv::Mat& image, const Light& light, float black, float span, StreamKey key) {
  PhotonCounter counter(light);
  const int channels = image.channels();
  const int touched = NoisyChannels(image);
  WalkNoise<std::uint32_t>(
      image.size(), 2 * channels, [key](auto... range) { FillWords(key, range...); },
      [&](int x, int y, std::size_t pixels, const std::uint32_t* words) {
        T* values = image.ptr<T>(y) + static_cast<std::ptrdiff_t>(x) * channels;
        for (std::size_t i = 0; i < pixels; ++i, values += channels, words += 2 * channels) {
          for (int c = 0; c < touched; ++c) {
            const double unit = (static_cast<double>(values[c]) - black) / span;
            values[c] = RoundTo<T>(counter(unit, words + 2 * c) * span + black);
          }
        }
      });
}

struct ShotNoise {
  Range photons{20, 200};
  double gamma = 2.2;

  static constexpr std::string_view kName = "shot_noise";
  static constexpr std::string_view kDoc =
      "Count photons: Poisson noise in linear light, as few photons give it.";
  static constexpr std::array<std::string_view, 1> kAliases{"ShotNoise"};
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("photons", &ShotNoise::photons)
                          .In(1, 10'000)
                          .Unit("photons")
                          .Primary()
                          .Alias("scale_range", Reciprocal)
                          .Doc("Mean number of photons that makes a channel white; fewer are "
                               "noisier."),
                      Param("gamma", &ShotNoise::gamma)
                          .In(1, 4)
                          .Unit("exponent")
                          .Doc("Light is level to this power; 1 counts levels as they are.")};
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const Light light{rng.Draw("photons", photons), gamma};
    return {[light](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      cv::Mat out = in.clone();
      const float black = BlackLevel(in, context.range);
      const float span = SpanLevels(in, context.range);
      if (in.depth() == CV_8U) {
        CountPhotons(out, light, context.noise);
      } else if (in.depth() == CV_16U) {
        CountPhotons<std::uint16_t>(out, light, black, span, context.noise);
      } else {
        CountPhotons<float>(out, light, black, span, context.noise);
      }
      return out;
    }};
  }
};

}  // namespace

void RegisterShotNoise(Registry& registry) { registry.AddOperator<ShotNoise>(); }

}  // namespace pixloom
