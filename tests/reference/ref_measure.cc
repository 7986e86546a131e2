// SPDX-License-Identifier: Apache-2.0
// What expressions measure, from the definitions, in plain loops over float64.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/reference/ref_measure.h"
#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

// Unit scale.
Image64 LumaOf(const Image64& image) {
  Image64 luma(image.size, 1, Depth::kF32, {0, 1});
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) {
      double level = 0;
      if (HasColour(image)) {
        level = LumaLevel(image, x, y);
      } else {
        for (int c = 0; c < image.channels; ++c) level += image.At(x, y, c) / image.channels;
        // A hair above halves, which the division may have left below.
        if (image.depth != Depth::kF32) level = std::floor(level + 0.5 + 1e-9);
      }
      luma.At(x, y, 0) = std::clamp(image.ToUnit(level), 0.0, 1.0);
    }
  }
  return luma;
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double Variance(const std::vector<double>& values) {
  const double mean = Mean(values);
  double sum = 0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return sum / static_cast<double>(values.size());
}

double AtEdge(const Image64& image, int x, int y, Border mode) {
  return image.At(BorderIndex(mode, x, image.size.width), BorderIndex(mode, y, image.size.height),
                  0);
}

double Sharpness(const Image64& luma) {
  std::vector<double> laplacian;
  const auto at = [&](int x, int y) { return AtEdge(luma, x, y, Border::kReflect101); };
  for (int y = 0; y < luma.size.height; ++y) {
    for (int x = 0; x < luma.size.width; ++x) {
      laplacian.push_back(at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y));
    }
  }
  return Variance(laplacian);
}

Image64 MeanOver11(const Image64& image, bool along_x) {
  Image64 out = image;
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) {
      double sum = 0;
      for (int i = -5; i <= 5; ++i) {
        sum += AtEdge(image, along_x ? x + i : x, along_x ? y : y + i, Border::kReflect);
      }
      out.At(x, y, 0) = sum / 11;
    }
  }
  return out;
}

double SobelAt(const Image64& image, int x, int y, bool along_x) {
  double sum = 0;
  for (int i = -1; i <= 1; ++i) {
    const double weight = i == 0 ? 0.5 : 0.25;
    sum += weight * (along_x ? image.At(x + 1, y + i, 0) - image.At(x - 1, y + i, 0)
                             : image.At(x + i, y + 1, 0) - image.At(x + i, y - 1, 0));
  }
  return std::abs(sum);
}

// Crete, Dolmiere, Ladret, Nicolas: The blur effect (2007).
double Blur(const Image64& luma) {
  double worst = -1;
  for (const bool along_x : {true, false}) {
    const Image64 blurred = MeanOver11(luma, along_x);
    double all = 0, lost = 0;
    for (int y = 2; y < luma.size.height - 1; ++y) {
      for (int x = 2; x < luma.size.width - 1; ++x) {
        const double edge = SobelAt(luma, x, y, along_x);
        all += edge;
        lost += std::max(0.0, edge - SobelAt(blurred, x, y, along_x));
      }
    }
    if (all > 0) worst = std::max(worst, (all - lost) / all);
  }
  return worst < 0 ? 1 : worst;
}

// Immerkaer: Fast noise variance estimation (1996).
double Noise(const Image64& image) {
  constexpr double kMask[3][3] = {{1, -2, 1}, {-2, 4, -2}, {1, -2, 1}};
  std::vector<double> answers;
  for (int c = 0; c < ColourChannels(image); ++c) {
    for (int y = 1; y + 1 < image.size.height; ++y) {
      for (int x = 1; x + 1 < image.size.width; ++x) {
        double sum = 0;
        for (int j = 0; j < 3; ++j) {
          for (int i = 0; i < 3; ++i) {
            sum += kMask[j][i] * image.ToUnit(image.At(x + i - 1, y + j - 1, c));
          }
        }
        answers.push_back(std::abs(sum));
      }
    }
  }
  // A normal value is sqrt(2 / pi) of its deviation away from 0 on average; the mask multiplies
  // deviations by the root of 4 * 1 + 4 * 4 + 16.
  return answers.empty() ? 0 : Mean(answers) * std::sqrt(std::acos(-1.0) / 2) / 6;
}

double Saturation(const Image64& image) {
  if (!HasColour(image)) return 0;
  std::vector<double> values;
  for (int y = 0; y < image.size.height; ++y) {
    for (int x = 0; x < image.size.width; ++x) {
      std::array<double, 3> rgb{};
      for (int c = 0; c < 3; ++c) {
        rgb[static_cast<std::size_t>(c)] = image.ToUnit(image.At(x, y, c));
      }
      values.push_back(ToHsv(rgb).s);
    }
  }
  return Mean(values);
}

double Entropy(const Image64& luma, Depth depth) {
  std::vector<double> counts(256, 0.0);
  for (const double v : luma.values) {
    const double level = depth == Depth::kU8 ? std::floor(v * 255 + 0.5)
                                             : std::floor(std::floor(v * 65535 + 0.5) / 256);
    ++counts[static_cast<std::size_t>(level)];
  }
  double bits = 0;
  for (const double count : counts) {
    const double share = count / static_cast<double>(luma.values.size());
    if (count > 0) bits -= share * std::log2(share);
  }
  return bits;
}

double ShareOf(const Image64& luma, double level, bool below) {
  const auto count = std::count_if(luma.values.begin(), luma.values.end(),
                                   [&](double v) { return below ? v < level : v > level; });
  return static_cast<double>(count) / static_cast<double>(luma.values.size());
}

double Quantile(const Image64& luma, double share) {
  std::vector<double> sorted = luma.values;
  std::sort(sorted.begin(), sorted.end());
  // The first value that at least this share of the values does not exceed.
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (static_cast<double>(i + 1) >= share * static_cast<double>(sorted.size())) return sorted[i];
  }
  return sorted.back();
}

}  // namespace

bool IsMeasured(std::string_view name) {
  static const std::vector<std::string_view> names{"brightness", "contrast",   "sharpness", "blur",
                                                   "noise",      "saturation", "entropy",   "luma",
                                                   "darker",     "brighter"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

double Measure(const Image64& image, std::string_view name, double argument) {
  if (name == "noise") return Noise(image);
  if (name == "saturation") return Saturation(image);
  const Image64 luma = LumaOf(image);
  if (name == "brightness") return Mean(luma.values);
  if (name == "contrast") return std::sqrt(Variance(luma.values));
  if (name == "sharpness") return Sharpness(luma);
  if (name == "blur") return Blur(luma);
  if (name == "entropy") return Entropy(luma, image.depth);
  if (name == "luma") return Quantile(luma, argument);
  PIXLOOM_CHECK(name == "darker" || name == "brighter", std::string(name));
  return ShareOf(luma, argument, name == "darker");
}

}  // namespace pixloom::reference
