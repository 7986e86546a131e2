// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "datasets/shapes_paint.h"
#include "pipeline/exact_math.h"

namespace pixloom::shapes {

namespace {

float Smooth(float t) { return t * t * (3 - 2 * t); }

float SmoothStep(float lo, float hi, float x) { return Smooth(Clamp((x - lo) / (hi - lo), 0, 1)); }

// One octave of value noise: random numbers on a lattice, smoothly interpolated. Columns are
// prepared once, a row then costs one multiply-add per pixel.
class Octave {
 public:
  Octave(Rng& rng, StreamKey key, Size size, double cell, float amplitude)
      : cell_(cell), amplitude_(amplitude) {
    const Point shift{rng.Unit(), rng.Unit()};
    shift_y_ = shift.y;
    columns_ = static_cast<int>(size.width / cell) + 4;
    const int rows = static_cast<int>(size.height / cell) + 4;
    lattice_.resize(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < lattice_.size(); i += 4) {
      const PhiloxBlock block = key.Block(static_cast<std::uint32_t>(i / 4));
      for (std::size_t k = 0; k < 4 && i + k < lattice_.size(); ++k) {
        lattice_[i + k] = static_cast<float>(block[k] >> 8) * 0x1p-24F - 0.5F;
      }
    }
    cells_.resize(static_cast<std::size_t>(size.width) + 1);
    weights_.resize(cells_.size());
    for (std::size_t x = 0; x < cells_.size(); ++x) {
      const double at = (static_cast<double>(x) + 0.5) / cell + shift.x;
      cells_[x] = static_cast<int>(at);
      weights_[x] = Smooth(static_cast<float>(at - cells_[x]));
    }
    row_.resize(static_cast<std::size_t>(columns_));
  }

  void Add(int y, std::vector<float>& out) {
    const double at = (y + 0.5) / cell_ + shift_y_;
    const int cell = static_cast<int>(at);
    const float weight = Smooth(static_cast<float>(at - cell));
    const float* above = lattice_.data() + static_cast<std::ptrdiff_t>(cell) * columns_;
    const float* below = above + columns_;
    for (std::size_t i = 0; i < row_.size(); ++i) {
      row_[i] = amplitude_ * (above[i] + weight * (below[i] - above[i]));
    }
    for (std::size_t x = 0; x < out.size(); ++x) {
      const float* cells = row_.data() + cells_[x];
      out[x] += cells[0] + weights_[x] * (cells[1] - cells[0]);
    }
  }

 private:
  double cell_;
  float amplitude_;
  double shift_y_ = 0;
  int columns_ = 0;
  std::vector<float> lattice_;
  std::vector<int> cells_;
  std::vector<float> weights_;
  std::vector<float> row_;
};

// Colour stops along [0, 1], sampled finely enough that no step shows.
class Ramp {
 public:
  Ramp(Rng& rng, const Mood& mood) {
    const double turn = rng.Uniform({}, 0.05, 0.2) * (rng.Unit() < 0.5 ? -1 : 1);
    const double low = mood.dark ? rng.Uniform({}, 0.24, 0.31) : rng.Uniform({}, 0.72, 0.8);
    const double high = mood.dark ? rng.Uniform({}, 0.44, 0.54) : rng.Uniform({}, 0.92, 0.97);
    const double chroma = mood.dark ? rng.Uniform({}, 0.05, 0.11) : rng.Uniform({}, 0.03, 0.085);
    std::array<Colour, kStops> stops;
    for (int i = 0; i < kStops; ++i) {
      const double t = static_cast<double>(i) / (kStops - 1);
      stops[static_cast<std::size_t>(i)] =
          FromOklch(low + (high - low) * t, chroma * (1 - 0.35 * t), mood.hue + turn * t);
    }
    for (int i = 0; i < kSteps; ++i) {
      const float at = static_cast<float>(i) * (kStops - 1) / kSteps;
      const auto k = static_cast<std::size_t>(at);
      const float t = at - static_cast<float>(k);
      const Colour& a = stops[k];
      const Colour& b = stops[k + 1];
      steps_[static_cast<std::size_t>(i)] = {a.r + t * (b.r - a.r), a.g + t * (b.g - a.g),
                                             a.b + t * (b.b - a.b)};
    }
  }

  const Colour& operator()(float t) const {
    const int i = static_cast<int>(t * kSteps);
    return steps_[static_cast<std::size_t>(std::clamp(i, 0, kSteps - 1))];
  }

 private:
  static constexpr int kStops = 9;
  static constexpr int kSteps = 1024;
  std::array<Colour, kSteps> steps_{};
};

enum class Style { kClouds, kSilk, kPaper };
constexpr int kStyles = 3;

struct StyleSettings {
  int octaves;
  float fading;  // amplitude of an octave over that of the one before
};

// Paper is cut along smooth lines and silk hangs in soft folds; clouds have fine structure.
StyleSettings SettingsOf(Style style) {
  switch (style) {
    case Style::kClouds:
      return {5, 0.5F};
    case Style::kSilk:
      return {3, 0.35F};
    case Style::kPaper:
      return {2, 0.5F};
  }
  return {};
}

// A scalar field over the picture: a gradient plus noise. Rows must be asked for in order.
class Field {
 public:
  Field(Rng& rng, StreamKey key, Size size, Style style) : size_(size) {
    const double direction = rng.Uniform({}, 0, 2 * exact::kPi);
    const double slope = rng.Uniform({}, 0.5, 0.9);
    const double gx = exact::Cos(direction);
    const double gy = exact::Sin(direction);
    const double reach = std::fabs(gx) * size.width + std::fabs(gy) * size.height;
    slope_x_ = slope * gx / reach;
    slope_y_ = slope * gy / reach;

    const StyleSettings settings = SettingsOf(style);
    const double shorter = std::min(size.width, size.height);
    float amplitude = 0.55F;
    for (int i = 0; i < settings.octaves; ++i) {
      const StreamKey lattice{key.key, key.id, key.stream + 1 + static_cast<std::uint32_t>(i)};
      const double cell = std::max(2.0, shorter / (2.3 * (1 << i)));
      octaves_.emplace_back(rng, lattice, size, cell, amplitude);
      amplitude *= settings.fading;
    }
  }

  // Roughly 0..1, 0.5 in the mean; one value more than the picture is wide.
  void Row(int y, std::vector<float>& out) {
    const double start =
        0.5 + (y + 0.5 - size_.height / 2.0) * slope_y_ + (0.5 - size_.width / 2.0) * slope_x_;
    const float first = static_cast<float>(start);
    const float step = static_cast<float>(slope_x_);
    for (std::size_t x = 0; x < out.size(); ++x) out[x] = first + step * static_cast<float>(x);
    for (Octave& octave : octaves_) octave.Add(y, out);
  }

 private:
  Size size_;
  double slope_x_ = 0;
  double slope_y_ = 0;
  std::vector<Octave> octaves_;
};

// What a style makes of the field at one pixel: place on the ramp and brightness.
struct Tone {
  float place;
  float shade;
};

Tone Clouds(float value) { return {value, 1}; }

// A sheet in folds; `towards` is the field's change over one pixel towards the light, scaled so
// that its size does not depend on that of the picture.
Tone Silk(float value, float towards, float folds) {
  const float phase = folds * value + 16;
  const float saw = phase - static_cast<float>(static_cast<int>(phase));
  const bool rising = saw < 0.5F;
  const float t = rising ? 2 * saw : 2 - 2 * saw;
  const float fold = Smooth(t);
  const float steepness = 6 * t * (1 - t) * (rising ? 1.0F : -1.0F);
  const float relief = steepness * towards * folds * 0.05F;
  return {0.12F + 0.76F * fold, 1 + Clamp(relief, -0.12F, 0.12F)};
}

// Sheets of paper, each throwing a shadow on the one below; `change` is the field's change over one
// pixel and gives the cut edge the width of a pixel.
Tone Paper(float value, float change, float layers) {
  const float height = layers * value + 16;
  const float layer = static_cast<float>(static_cast<int>(height));
  const float rest = height - layer;
  const float shadow = 0.17F * SmoothStep(0.4F, 1.0F, rest);
  const float edge = std::max(layers * change, 1e-4F);
  const float upper = Clamp((rest - 1) / edge + 1, 0, 1);
  return {(layer - 16 + upper) / layers, 1 - shadow * (1 - upper)};
}

}  // namespace

cv::Mat PaintBackdrop(Size size, const SceneStreams& streams, const Mood& mood) {
  const StreamKey key = streams.Backdrop();
  Rng rng(key);
  const auto style = static_cast<Style>(rng.Below({}, kStyles));
  const float folds = static_cast<float>(rng.Uniform({}, 1.6, 2.8));
  const float layers = static_cast<float>(rng.Uniform({}, 5, 9));
  const Ramp ramp(rng, mood);
  Field field(rng, key, size, style);

  // The picture darkens a little away from the light.
  const float light_x = static_cast<float>(mood.light.x);
  const float light_y = static_cast<float>(mood.light.y);
  const float fall_x = 0.12F * light_x / static_cast<float>(size.width);
  const float fall_y = 0.12F * light_y / static_cast<float>(size.height);
  const float scale = static_cast<float>(std::min(size.width, size.height));

  const StreamKey grain_key = key.Pixels();
  const auto width = static_cast<std::size_t>(size.width);
  const std::size_t blocks = (width + 15) / 16;
  std::vector<std::uint8_t> grain(blocks * 16);
  std::vector<float> row(width + 1);
  std::vector<float> next(width + 1);
  field.Row(0, next);
  cv::Mat picture(size.height, size.width, CV_8UC3);
  for (int y = 0; y < size.height; ++y) {
    std::swap(row, next);
    field.Row(y + 1, next);
    for (std::size_t i = 0; i < blocks; ++i) {
      const auto index = static_cast<std::uint32_t>(static_cast<std::size_t>(y) * blocks + i);
      const PhiloxBlock block = grain_key.Block(index);
      for (std::size_t k = 0; k < 16; ++k) {
        grain[i * 16 + k] = static_cast<std::uint8_t>(block[k / 4] >> (8 * (k % 4)));
      }
    }

    const float row_light = 1 + fall_y * (static_cast<float>(y - size.height / 2)) -
                            fall_x * static_cast<float>(size.width / 2);
    std::uint8_t* out = picture.ptr(y);
    for (std::size_t x = 0; x < width; ++x, out += 3) {
      const float dx = row[x + 1] - row[x];
      const float dy = next[x] - row[x];
      Tone tone{};
      if (style == Style::kClouds) {
        tone = Clouds(row[x]);
      } else if (style == Style::kSilk) {
        tone = Silk(row[x], (dx * light_x + dy * light_y) * scale, folds);
      } else {
        tone = Paper(row[x], std::fabs(dx) + std::fabs(dy), layers);
      }
      const Colour& colour = ramp(tone.place);
      const float shade = tone.shade * (row_light + fall_x * static_cast<float>(x));
      const float speck = (static_cast<float>(grain[x]) - 127.5F) * (1.0F / 40);
      out[0] = ToByte(colour.r * shade + speck);
      out[1] = ToByte(colour.g * shade + speck);
      out[2] = ToByte(colour.b * shade + speck);
    }
  }
  return picture;
}

}  // namespace pixloom::shapes
