// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "ops/common.h"
#include "ops/enhance/tones.h"
#include "ops/kernels/box_sums.h"
#include "ops/kernels/unit_image.h"
#include "pipeline/registry.h"

namespace pixloom {
namespace {

enum class RetinexOf { kIntensity, kChannels };

}  // namespace

template <>
struct EnumNames<RetinexOf> {
  static constexpr std::array kAll{std::pair{RetinexOf::kIntensity, "intensity"},
                                   std::pair{RetinexOf::kChannels, "channels"}};
};

namespace {

// Levels in which logarithms are taken: 1 to 256, whatever the type.
constexpr float kScale = 255;

// Multi-scale retinex as in Petro, Sbert, Morel (IPOL 2014): of the intensity, with the ratios
// between channels kept, or of each channel with the colours restored.
struct Retinex {
  RetinexOf of = RetinexOf::kIntensity;
  std::vector<double> scales{0.02, 0.1, 0.3};
  double clip = 0.01;
  Range strength{0.5, 1};

  static constexpr std::string_view kName = "retinex";
  static constexpr std::string_view kDoc =
      "Even out light and shadow by comparing each place with its surroundings.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr bool kFixed = true;
  static constexpr auto Params() {
    return std::tuple{
        Param("of", &Retinex::of)
            .Doc("The intensity, which keeps hues, or each channel, with colours restored after."),
        Param("scales", &Retinex::scales)
            .In(0.002, 1)
            .Unit("short side")
            .Doc("Standard deviations of the Gaussians that make the surroundings."),
        Param("clip", &Retinex::clip)
            .In(0, 0.4)
            .Unit("fraction")
            .Doc("Share of the values at each end that become black or white."),
        Param("strength", &Retinex::strength)
            .In(0, 1)
            .Unit("fraction")
            .Primary()
            .Doc("Share of the correction that is applied.")};
  }
  std::string Check() const {
    if (!scales.empty() && scales.size() <= 8) return "";
    return fmt::format("scales: takes 1 to 8 of them, got {}", scales.size());
  }

  ImageStep Draw(Rng& rng, const Facts&) const {
    const double share = rng.Draw("strength", strength);
    return {[op = *this, share](const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
      const cv::Mat unit = ToUnit(in, context.range);
      const std::vector<cv::Mat> before = ColourPlanes(Clamped(unit));
      std::vector<cv::Mat> after =
          op.of == RetinexOf::kIntensity ? op.Intensity(before) : op.Channels(before);
      cv::Mat out = unit.clone();
      const std::vector<cv::Mat> own = ColourPlanes(unit);
      const auto by = static_cast<float>(share);
      for (std::size_t c = 0; c < after.size(); ++c) {
        for (int y = 0; y < in.rows; ++y) {
          const float* from = own[c].ptr<float>(y);
          float* to = after[c].ptr<float>(y);
          for (int x = 0; x < in.cols; ++x) to[x] = from[x] + by * (to[x] - from[x]);
        }
      }
      PutColourPlanes(after, out);
      return FromUnit(out, in, context.range);
    }};
  }

 private:
  static cv::Mat Mean(const std::vector<cv::Mat>& planes) {
    cv::Mat mean(planes[0].size(), CV_32FC1);
    const auto count = static_cast<float>(planes.size());
    for (int y = 0; y < mean.rows; ++y) {
      float* to = mean.ptr<float>(y);
      std::fill_n(to, mean.cols, 0.0F);
      for (const cv::Mat& plane : planes) {
        const float* from = plane.ptr<float>(y);
        for (int x = 0; x < mean.cols; ++x) to[x] += from[x];
      }
      for (int x = 0; x < mean.cols; ++x) to[x] /= count;
    }
    return mean;
  }

  // The mean over scales of log(level / surroundings): one logarithm of a product.
  cv::Mat Compared(const cv::Mat& plane) const {
    std::vector<cv::Mat> around;
    const double side = std::min(plane.cols, plane.rows);
    for (const double scale : scales) around.push_back(WideGaussian(plane, scale * side));
    cv::Mat out(plane.size(), CV_32FC1);
    const auto count = static_cast<double>(scales.size());
    for (int y = 0; y < out.rows; ++y) {
      const float* from = plane.ptr<float>(y);
      float* to = out.ptr<float>(y);
      for (int x = 0; x < out.cols; ++x) {
        double ratio = 1;
        for (const cv::Mat& blurred : around) {
          ratio *= (double{kScale} * from[x] + 1) / (double{kScale} * blurred.ptr<float>(y)[x] + 1);
        }
        to[x] = static_cast<float>(exact::Log(ratio) / count);
      }
    }
    return out;
  }

  // Stretches the plane so that `clip` of it is lost at both ends; false where it is flat.
  bool Balance(cv::Mat& plane) const {
    SortedLevels sorted(plane, 0, {});
    const double low = sorted.Low(clip);
    const double high = sorted.High(clip);
    if (!(high - low > 1e-6)) return false;
    for (int y = 0; y < plane.rows; ++y) {
      float* row = plane.ptr<float>(y);
      for (int x = 0; x < plane.cols; ++x) {
        row[x] = static_cast<float>(std::clamp((row[x] - low) / (high - low), 0.0, 1.0));
      }
    }
    return true;
  }

  std::vector<cv::Mat> Intensity(const std::vector<cv::Mat>& planes) const {
    const cv::Mat intensity = Mean(planes);
    cv::Mat wanted = Compared(intensity);
    std::vector<cv::Mat> out;
    for (const cv::Mat& plane : planes) out.push_back(plane.clone());
    if (!Balance(wanted)) return out;
    std::vector<float> factor(static_cast<std::size_t>(wanted.cols));
    for (int y = 0; y < wanted.rows; ++y) {
      const float* to = wanted.ptr<float>(y);
      const float* from = intensity.ptr<float>(y);
      for (std::size_t x = 0; x < factor.size(); ++x) {
        float largest = 1 / kScale;
        for (const cv::Mat& plane : planes) largest = std::max(largest, plane.ptr<float>(y)[x]);
        factor[x] = std::min(1 / largest, to[x] / std::max(from[x], 1 / kScale));
      }
      for (cv::Mat& plane : out) {
        float* row = plane.ptr<float>(y);
        for (std::size_t x = 0; x < factor.size(); ++x) row[x] *= factor[x];
      }
    }
    return out;
  }

  std::vector<cv::Mat> Channels(const std::vector<cv::Mat>& planes) const {
    const cv::Mat mean = Mean(planes);
    const auto count = static_cast<double>(planes.size());
    std::vector<cv::Mat> out;
    for (const cv::Mat& plane : planes) {
      cv::Mat compared = Compared(plane);
      for (int y = 0; y < plane.rows; ++y) {
        const float* own = plane.ptr<float>(y);
        const float* all = mean.ptr<float>(y);
        float* row = compared.ptr<float>(y);
        for (int x = 0; x < plane.cols; ++x) {
          const double level = double{kScale} * own[x] + 1;
          const double sum = count * (double{kScale} * all[x] + 1);
          row[x] = static_cast<float>(row[x] * exact::Log(kRestore * level / sum));
        }
      }
      out.push_back(Balance(compared) ? compared : plane.clone());
    }
    return out;
  }

  static constexpr double kRestore = 125;  // alpha of the restoration of colours
};

}  // namespace

void RegisterRetinex(Registry& registry) { registry.AddOperator<Retinex>(); }

}  // namespace pixloom
