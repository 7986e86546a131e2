// SPDX-License-Identifier: Apache-2.0
// What albumentations' transforms of colour, sharpness, noise, light and pixel types are here. One
// row each; a new one is a new row, and its name stands in tests/import/albumentations_names.txt.
//
// Names and defaults are those of 2.0.8, older spellings stand beside them after a bar. A row is
// exact where the operation and how its parameters are drawn are the same; pixels then differ by
// rounding and resampling only.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "api/import_rules.h"

namespace pixloom::importing {

namespace {

constexpr Likeness kExact = Likeness::kExact;
constexpr Likeness kClose = Likeness::kClose;
constexpr Likeness kMissing = Likeness::kMissing;

// ---- Colour -------------------------------------------------------------------------------------

void TwoDegrees(const Value& value, std::string_view ours, Conversion& c) {
  Symmetric(value, ours, c);
  if (const Value* hue = c.step.Find(ours)) c.step.Set(ours, Scaled(*hue, 2));
}

void ShiftOfLevels(const Value& value, std::string_view ours, Conversion& c) {
  Symmetric(value, ours, c);
  if (const Value* shift = c.step.Find(ours)) c.step.Set(ours, Scaled(*shift, 1 / 255.0));
}

// A lone number is a range about it where the peer makes one.
void JitterFactor(const Value& value, std::string_view ours, Conversion& c) {
  if (!value.IsNumber()) return c.step.Set(ours, value);
  c.step.Set(ours, Numbers({std::max(0.0, 1 - value.number), 1 + value.number}));
}

void ByMax(const Value& value, std::string_view, Conversion& c) {
  if (value.kind == Value::Kind::kBool && !value.boolean) {
    c.Close("brightness is a part of full scale, not of the picture's mean");
  }
}

void GrayMethod(const Value& value, std::string_view ours, Conversion& c) {
  if (value.text == "from_lab") return c.step.Set(ours, Text("lab"));
  if (value.text == "pca") {
    c.step.Set(ours, Text("weighted_average"));
    return c.Close("method pca has no equivalent: luma is taken");
  }
  c.step.Set(ours, value);
}

void GrayChannels(const Value& value, std::string_view, Conversion& c) {
  if (value.kind == Value::Kind::kInt && value.integer == 1) {
    c.step.Set("single", Value::Bool(true));
  } else if (value.kind != Value::Kind::kInt || value.integer != 3) {
    c.Close("three channels are made");
  }
}

void EqualizeMode(const Value& value, std::string_view ours, Conversion& c) {
  c.step.Set(ours, Text(value.text == "pil" ? "pil" : "opencv"));
  if (value.text == "pil")
    c.Close("as Pillow does it; the peer's own formula is up to 4 levels off");
}

void ContrastMethod(Conversion& c) {
  const Value* method = c.peer.Find("method");
  if (method != nullptr && method->text == "pil") return;
  // The peer's default equalizes between its ends.
  const Value* cutoff = c.peer.Find("cutoff");
  const bool cuts = cutoff != nullptr && cutoff->IsNumber() && cutoff->number > 0;
  c.step.verb = "equalize";
  c.step.args.clear();
  c.Close(cuts ? "method cdf is an equalization; no share of the levels is cut off before it"
               : "method cdf is an equalization: levels differ by rounding");
}

// bits: 4, [3, 5], or a pair for each channel.
void Bits(const Value& value, std::string_view ours, Conversion& c) {
  if (AsPair(value)) return c.step.Set(ours, value);
  double lo = 8;
  double hi = 1;
  for (const Value& channel : value.items) {
    const auto pair = AsPair(channel);
    if (!pair) return Unexpected(value, "one number, two, or two for each channel", c);
    lo = std::min(lo, pair->first);
    hi = std::max(hi, pair->second);
  }
  if (value.items.empty()) return Unexpected(value, "a number of bits", c);
  c.step.Set(ours, Numbers({lo, hi}));
  c.Close("all channels keep the same number of bits, of the range that holds each channel's");
}

void Dropped(const Value& value, std::string_view ours, Conversion& c) {
  const Value scaled = Scaled(value, 1 / 255.0);
  c.step.Set(ours, scaled);
}

void SolarizeOld(const Value& value, std::string_view ours, Conversion& c) {
  // 1.x: a level, and from it to full scale.
  if (value.IsNumber()) return c.step.Set(ours, Numbers({value.number / 255, value.number / 255}));
  c.step.Set(ours, Scaled(value, 1 / 255.0));
}

// Four of ten temperatures lie below that of white light.
void Temperatures(Conversion& c) {
  constexpr double kWhite = 6000;
  const Value* mode = c.step.Find("mode");
  const bool cied = mode != nullptr && mode->text == "cied";
  const Value* given = c.step.Find("temperature");
  const auto range =
      AsPair(given != nullptr ? *given : FromJson(cied ? "[4000, 15000]" : "[3000, 15000]"));
  if (!range) return c.Missing("temperature_limit: expected two temperatures");
  c.step.Set("temperature", Numbers({range->first, range->second}));
  if (range->first >= kWhite || range->second <= kWhite) return;
  ImportedStep cold = c.step;
  ImportedStep warm = c.step;
  warm.Set("temperature", Numbers({range->first, kWhite}));
  warm.weight = 0.4;
  warm.p = 1;
  cold.Set("temperature", Numbers({kWhite, range->second}));
  cold.weight = 0.6;
  cold.p = 1;
  c.step.verb = "one_of";
  c.step.args.clear();
  c.step.children.push_back(std::move(warm));
  c.step.children.push_back(std::move(cold));
}

// ---- Normalization ------------------------------------------------------------------------------

void NormalizeScale(Conversion& c) {
  const Value* most = c.peer.Find("max_pixel_value");
  if (most == nullptr || !most->IsNumber() || most->number == 255) return;
  const Value* by = c.step.Find("by");
  if (by != nullptr && by->text != "standard") return;
  // (x - mean * M) / (std * M) of levels x is (x / 255 - mean * M / 255) / (std * M / 255).
  for (const char* name : {"mean", "std"}) {
    if (const Value* value = c.step.Find(name)) {
      c.step.Set(name, Scaled(*value, most->number / 255));
    }
  }
}

// ---- Blur, sharpen, noise
// ------------------------------------------------------------------------

// The peer makes even numbers odd and takes 3 for anything smaller.
void OddSides(const Value& value, std::string_view ours, Conversion& c) {
  const auto pair = AsPair(value);
  if (!pair) return Unexpected(value, "one or two whole numbers", c);
  const auto odd = [](double n) { return std::max(3.0, n + (std::fmod(n, 2) == 0 ? 1 : 0)); };
  const double lo = value.IsNumber() ? 3 : odd(pair->first);  // n is [3, n]
  c.step.Set(ours, Numbers({lo, std::max(lo, odd(pair->second))}));
}

double SigmaOf(double side) { return 0.3 * ((side - 1) * 0.5 - 1) + 0.8; }

// Kernels of a given size are a choice of several blurs; without one sigma decides.
void GaussianKernel(Conversion& c) {
  const Value* limit = c.peer.Find("blur_limit");
  const auto sides = limit != nullptr ? AsPair(*limit) : std::pair{0.0, 0.0};
  if (!sides) return c.Missing("blur_limit: expected one or two whole numbers");
  double lo = limit != nullptr && limit->IsNumber() && sides->second > 0 ? 3 : sides->first;
  const double hi = sides->second;
  const Value* found = c.step.Find("sigma");
  const auto sigma = found != nullptr ? AsPair(*found) : std::nullopt;
  if (!sigma) return c.Missing("sigma_limit: expected one or two numbers");
  const bool derived = sigma->second <= 0;  // 1.x: sigma from the size of the kernel
  if (hi < 1) {
    if (derived) c.Missing("neither a size nor a sigma is given");
    return;
  }
  lo = std::max(lo, 1.0);
  std::vector<double> choice;
  for (double side = lo + (std::fmod(lo, 2) == 0 ? 1 : 0); side <= hi; side += 2) {
    if (choice.size() >= 64) break;
    choice.push_back(side);
  }
  if (choice.empty()) choice.push_back(hi + 1);
  if (choice.size() > 5) {
    // That many steps would help nobody.
    const double middle = choice[choice.size() / 2];
    c.step.Set("sigma", derived ? Numbers({SigmaOf(choice.front()), SigmaOf(choice.back())})
                                : Numbers({sigma->first, sigma->second}));
    if (!derived) c.step.Set("kernel", Number(middle));
    return c.Close(fmt::format("one kernel of {:.12g} px for all instead of {:.12g} to {:.12g}",
                               middle, choice.front(), choice.back()));
  }
  const auto set = [&](ImportedStep& step, double side) {
    step.Set("sigma", derived ? Number(SigmaOf(side)) : Numbers({sigma->first, sigma->second}));
    step.Set("kernel", Number(side));
  };
  if (choice.size() == 1) return set(c.step, choice[0]);
  c.step.verb = "one_of";
  c.step.args.clear();
  for (const double side : choice) {
    ImportedStep part;
    part.verb = "gaussian_blur";
    set(part, side);
    c.step.children.push_back(std::move(part));
  }
}

void UnsharpSigma(Conversion& c) {
  const Value* found = c.peer.Find("sigma_limit");
  const auto sigma = found != nullptr ? AsPair(*found) : std::pair{0.0, 0.0};
  if (!sigma) return c.Missing("sigma_limit: expected one or two numbers");
  if (sigma->second > 0) return c.step.Set("sigma", Numbers({sigma->first, sigma->second}));
  const Value* limit = c.peer.Find("blur_limit");
  const auto sides = limit != nullptr ? AsPair(*limit) : std::pair{3.0, 7.0};
  if (!sides) return c.Missing("blur_limit: expected one or two whole numbers");
  std::vector<double> sigmas;
  const double lo = limit != nullptr && limit->IsNumber() ? 3 : std::max(3.0, sides->first);
  for (double side = lo; side <= sides->second && sigmas.size() < 16; side += 2) {
    sigmas.push_back(SigmaOf(side));
  }
  c.step.Set("sigma", sigmas.size() > 1 ? Choice(sigmas) : Number(SigmaOf(lo)));
}

void SharpenMethod(const Value& value, std::string_view, Conversion& c) {
  if (value.text != "gaussian") return;
  const Value* alpha = c.step.Find("alpha");
  const Value amount = alpha != nullptr ? *alpha : FromJson("[0.2, 0.5]");
  const Value* sigma = c.peer.Find("sigma");
  c.step.verb = "unsharp_mask";
  c.step.args.clear();
  c.step.Set("sigma", sigma != nullptr ? *sigma : Value::Int(1));
  c.step.Set("amount", amount);
  c.step.Set("threshold", Value::Int(0));
  c.Close(
      "method gaussian: the kernel is as large as sigma needs, not of kernel_size; on uint8 the "
      "peer's difference wraps around");
}

void StdFromVariance(const Value& value, std::string_view ours, Conversion& c) {
  const auto pair = AsPair(value);
  if (!pair || pair->first < 0) return Unexpected(value, "variances of levels", c);
  const double lo = value.IsNumber() ? 0 : std::sqrt(pair->first) / 255;
  c.step.Set(ours, Numbers({lo, std::sqrt(pair->second) / 255}));
  if (lo != std::sqrt(pair->second) / 255) {
    c.Close("the deviation is drawn evenly, the peer of that version draws the variance so");
  }
}

void Photons(const Value& value, std::string_view ours, Conversion& c) {
  const auto pair = AsPair(value);
  if (!pair || pair->first <= 0) return Unexpected(value, "two scales above 0", c);
  if (pair->first == pair->second) return c.step.Set(ours, Number(1 / pair->first));
  // Evenly spaced scales: their inverses are not.
  std::vector<double> photons;
  for (int i = 0; i < 16; ++i) {
    const double exact = 1 / (pair->first + (pair->second - pair->first) * (i + 0.5) / 16);
    photons.push_back(std::round(exact * 1000) / 1000);
  }
  c.step.Set(ours, Choice(photons));
}

void NoiseOfType(Conversion& c) {
  const Value* type = c.peer.Find("noise_type");
  const std::string name = type != nullptr ? type->text : "uniform";
  const Value* given = c.peer.Find("noise_params");
  const Value params =
      given != nullptr && given->kind == Value::Kind::kMap ? *given : Value::Map({});
  const auto range = [&](std::string_view key, double lo, double hi) {
    const Value* value = params.Find(key);
    const auto pair = value != nullptr ? AsPair(*value) : std::nullopt;
    return pair ? *pair : std::pair{lo, hi};
  };
  if (name == "uniform") {
    const Value* ranges = params.Find("ranges");
    std::pair<double, double> ends{-0.1, 0.1};
    if (ranges != nullptr && !ranges->items.empty()) {
      if (const auto pair = AsPair(ranges->items[0])) ends = *pair;
      for (const Value& other : ranges->items) {
        if (AsPair(other) != ends) {
          c.Close("channels have ranges of their own with the peer: the first one holds for all");
          break;
        }
      }
    }
    c.step.Set("mean", Number((ends.first + ends.second) / 2));
    c.step.Set("std", Number((ends.second - ends.first) / std::sqrt(12.0)));
  } else if (name == "gaussian") {
    const auto mean = range("mean_range", 0, 0);
    const auto deviation = range("std_range", 0.1, 0.1);
    c.step.Set("mean", Numbers({mean.first, mean.second}));
    c.step.Set("std", Numbers({deviation.first, deviation.second}));
  } else if (name == "laplace") {
    const auto mean = range("mean_range", 0, 0);
    const auto scale = range("scale_range", 0.1, 0.1);
    c.step.Set("mean", Numbers({mean.first, mean.second}));
    c.step.Set("std",
               Numbers({scale.first * std::numbers::sqrt2, scale.second * std::numbers::sqrt2}));
  } else if (name == "beta") {
    const auto alpha = range("alpha_range", 0.5, 1.5);
    const auto beta = range("beta_range", 0.5, 1.5);
    const auto scale = range("scale_range", 0.1, 0.3);
    const double a = (alpha.first + alpha.second) / 2;
    const double b = (beta.first + beta.second) / 2;
    const double deviation = 2 * std::sqrt(a * b / ((a + b) * (a + b) * (a + b + 1)));
    const double mean = 2 * a / (a + b) - 1;
    c.step.Set("alpha", Number(a));
    c.step.Set("beta", Number(b));
    c.step.Set("std", Numbers({scale.first * deviation, scale.second * deviation}));
    c.step.Set("mean", mean == 0 ? Number(0)
                                 : Numbers({std::min(scale.first * mean, scale.second * mean),
                                            std::max(scale.first * mean, scale.second * mean)}));
    c.Close("alpha and beta are the middles of their ranges");
  } else {
    return c.Missing("noise_type: expected uniform, gaussian, laplace or beta");
  }
  c.step.Set("distribution", Text(name == "gaussian" ? "normal" : name));
}

// A Poisson count in HLS: its variance is the picture's deviation of lightness times intensity.
void IsoNoise(Conversion& c) {
  const Value* shift = c.peer.Find("color_shift");
  const Value* intensity = c.peer.Find("intensity");
  const auto s = AsPair(shift != nullptr ? *shift : FromJson("[0.01, 0.05]"));
  const auto i = AsPair(intensity != nullptr ? *intensity : FromJson("[0.1, 0.5]"));
  if (!s || !i) return c.Missing("color_shift, intensity: expected two numbers each");
  const auto grey = [](double k) { return k * std::sqrt(0.2 * k) * 0.5; };
  c.step.Set("luminance", Numbers({std::min(1.0, grey(i->first)), std::min(1.0, grey(i->second))}));
  c.step.Set("hue", Numbers({s->first * i->first, s->second * i->second}));
}

void CompressionType(const Value& value, std::string_view, Conversion& c) {
  const bool webp = value.text == "webp" || (value.kind == Value::Kind::kInt && value.integer == 1);
  c.step.verb = webp ? "webp" : "jpeg";
}

void OldQuality(Conversion& c) {
  const Value* lo = c.peer.Find("quality_lower");
  const Value* hi = c.peer.Find("quality_upper");
  if (lo == nullptr && hi == nullptr) return;
  c.step.Set("quality", Value::List({lo != nullptr ? *lo : Value::Int(99),
                                     hi != nullptr ? *hi : Value::Int(100)}));
}

void Pair(const Value& value, std::string_view, Conversion& c) {
  if (value.kind == Value::Kind::kInt) {
    CvResizing(value, "down", c);
    return CvResizing(value, "up", c);
  }
  const bool map = value.kind == Value::Kind::kMap;
  const Value* down = map ? value.Find("downscale") : nullptr;
  const Value* up = map ? value.Find("upscale") : nullptr;
  if (down == nullptr || up == nullptr) return Unexpected(value, "downscale and upscale", c);
  CvResizing(*down, "down", c);
  CvResizing(*up, "up", c);
}

void OldScale(Conversion& c) {
  const Value* lo = c.peer.Find("scale_min");
  const Value* hi = c.peer.Find("scale_max");
  if (lo != nullptr && hi != nullptr) c.step.Set("scale", Value::List({*lo, *hi}));
}

// ---- Weather and light --------------------------------------------------------------------------

void PlasmaBoth(Conversion& c) {
  const auto part = [&](const char* verb, const char* ours, const char* theirs) {
    const Value* range = c.peer.Find(theirs);
    ImportedStep step;
    step.verb = verb;
    step.Set(ours, range != nullptr ? *range : FromJson("[-0.3, 0.3]"));
    c.step.children.push_back(std::move(step));
  };
  c.step.verb = "chain";
  part("plasma_brightness", "brightness", "brightness_range");
  part("plasma_contrast", "contrast", "contrast_range");
}

void SnowPoint(const Value& value, std::string_view ours, Conversion& c) {
  c.step.Set(ours, Scaled(value, 0.5, 1 / 3.0));
}

void SnowMethod(const Value& value, std::string_view, Conversion& c) {
  if (value.text == "texture") {
    c.Close("method texture has no equivalent: snow bleaches, and snowfall lets flakes fall");
  }
}

void OldSnow(Conversion& c) {
  const Value* lo = c.peer.Find("snow_point_lower");
  const Value* hi = c.peer.Find("snow_point_upper");
  if (lo != nullptr && hi != nullptr) SnowPoint(Value::List({*lo, *hi}), "snow_point", c);
  c.step.Set("softness", Value::Int(0));
}

// So many lines of an eighth of the height and a pixel wide.
void RainType(const Value& value, std::string_view ours, Conversion& c) {
  const std::string& type = value.text;
  c.step.Set(ours, Number(type == "drizzle"      ? 0.03
                          : type == "heavy"      ? 0.125
                          : type == "torrential" ? 0.25
                                                 : 0.04));
}

void RainLengths(Conversion& c) {
  const Value* length = c.peer.Find("drop_length");
  const double longer = std::max(c.picture.width, c.picture.height);
  const bool given = length != nullptr && length->IsNumber() && length->number > 0;
  const double pixels = given ? length->number : c.picture.height / 8.0;
  if (given) c.NeedsSize("drop_length");
  c.step.Set("length", Number(std::min(0.5, pixels / longer)));
  // Lines are blurred: as wide as the blur, and as much fainter.
  const auto number = [&](const char* name, double fallback) {
    const Value* value = c.peer.Find(name);
    return value != nullptr && value->IsNumber() ? std::max(1.0, value->number) : fallback;
  };
  const double line = number("drop_width", 1);
  const double wide = std::max(line, number("blur_value", 7));
  c.step.Set("width", Number(std::clamp(wide / longer, 0.0005, 0.05)));
  c.step.Set("opacity", Number(std::max(0.2, line / wide)));
  c.step.Set("blur", Number(0.5));
  if (const Value* density = c.step.Find("density")) {
    c.step.Set("density", Number(std::min(0.9, density->number * wide / line)));
  }
  // How far the lower end lies aside, in pixels.
  const Value* slant = c.step.Find("slant");
  const auto aside = slant != nullptr ? AsPair(*slant) : std::nullopt;
  if (!aside) return c.Missing("slant_range: expected two numbers");
  const auto angle = [&](double x) {
    return std::round(std::atan(x / pixels) * 180 / std::numbers::pi * 10) / 10;
  };
  c.step.Set("slant", Numbers({angle(aside->first), angle(aside->second)}));
}

void FlareRadius(const Value& value, std::string_view ours, Conversion& c) {
  if (!value.IsNumber()) return Unexpected(value, "a radius in pixels", c);
  c.NeedsSize("src_radius");
  const double longer = std::max(c.picture.width, c.picture.height);
  c.step.Set(ours, Number(std::min(2.0, value.number / longer)));
}

void FlareRoi(const Value& value, std::string_view, Conversion& c) {
  if (value.kind != Value::Kind::kList || value.items.size() != 4) {
    return Unexpected(value, "[x_min, y_min, x_max, y_max]", c);
  }
  c.step.Set("x", Value::List({value.items[0], value.items[2]}));
  c.step.Set("y", Value::List({value.items[1], value.items[3]}));
}

void OldFog(Conversion& c) {
  const Value* lo = c.peer.Find("fog_coef_lower");
  const Value* hi = c.peer.Find("fog_coef_upper");
  if (lo != nullptr && hi != nullptr) c.step.Set("density", Value::List({*lo, *hi}));
}

void ShadowCount(Conversion& c) {
  const Value* lo = c.peer.Find("num_shadows_lower");
  const Value* hi = c.peer.Find("num_shadows_upper");
  if (lo != nullptr && hi != nullptr) c.step.Set("count", Value::List({*lo, *hi}));
  c.step.Set("softness", Value::Int(0));
}

void Centers(const Value& value, std::string_view, Conversion& c) {
  c.step.Set("center_x", value);
  c.step.Set("center_y", value);
}

// Noise of mean and std, smoothed by gauss_sigma, is liquid where it exceeds cutout_threshold.
void SpatterDrops(Conversion& c) {
  const auto middle = [&](const char* name, double fallback) {
    const Value* value = c.peer.Find(name);
    const auto pair = value != nullptr ? AsPair(*value) : std::nullopt;
    return pair ? (pair->first + pair->second) / 2 : fallback;
  };
  const double sigma = std::clamp(middle("gauss_sigma", 2), 0.1, 1000.0);
  const double smooth = middle("std", 0.3) / (2 * std::sqrt(std::numbers::pi) * sigma);
  const double above = middle("cutout_threshold", 0.68) - middle("mean", 0.65);
  const double share = 0.5 * std::erfc(above / std::max(1e-9, smooth * std::numbers::sqrt2));
  c.step.Set("coverage", Number(std::clamp(std::round(share * 1000) / 1000, 0.0, 0.9)));
  const double longer = std::max(c.picture.width, c.picture.height);
  c.NeedsSize("gauss_sigma");
  c.step.Set("size", Number(std::clamp(4 * sigma / longer, 0.006, 0.5)));
  const Value* mode = c.peer.Find("mode");
  const bool mud = mode != nullptr && mode->text == "mud";
  if (mode != nullptr) c.step.Set("liquid", *mode);
  if (const Value* color = c.peer.Find("color")) {
    c.step.Set(mud ? "mud_color" : "rain_color", Scaled(*color, 1 / 255.0));
  }
}

}  // namespace

const std::vector<Row>& AlbumentationsPixelRows() {
  static const std::string_view k3d = "volumes are not known; slices are pictures of their own";
  static const std::string_view kReference =
      "its pictures are not in the file; write the step with reference: FOLDER";
  static const std::vector<Row> rows{
      // clang-format off
      // -- colour
      {"RandomBrightnessContrast", "brightness_contrast", kExact, 0.5, "",
       {{"brightness_limit", "brightness", Symmetric, "[-0.2, 0.2]"},
        {"contrast_limit", "contrast", Symmetric, "[-0.2, 0.2]"},
        {"brightness_by_max", "", ByMax},
        {"", "center", nullptr, "\"zero\""},
        {"ensure_safe_range", "", nullptr, "false", "what leaves the range is clamped"}}},
      {"RandomBrightness", "brightness_contrast", kExact, 0.5, "",
       {{"limit", "brightness", Symmetric, "[-0.2, 0.2]"}, {"", "contrast", nullptr, "0"}}},
      {"RandomContrast", "brightness_contrast", kExact, 0.5, "",
       {{"limit", "contrast", Symmetric, "[-0.2, 0.2]"}, {"", "brightness", nullptr, "0"}}},
      {"ColorJitter", "color_jitter", kExact, 0.5, "",
       {{"brightness", "brightness", JitterFactor, "[0.8, 1.2]"},
        {"contrast", "contrast", JitterFactor, "[0.8, 1.2]"},
        {"saturation", "saturation", JitterFactor, "[0.8, 1.2]"},
        {"hue", "hue", Symmetric, "[-0.5, 0.5]"}}},
      {"HueSaturationValue", "hue_saturation", kExact, 0.5, "",
       {{"hue_shift_limit", "hue", TwoDegrees, "[-20, 20]"},
        {"sat_shift_limit", "saturation", Symmetric, "[-30, 30]"},
        {"val_shift_limit", "value", Symmetric, "[-20, 20]"}}},
      {"RGBShift", "rgb_shift", kExact, 0.5, "",
       {{"r_shift_limit", "red", ShiftOfLevels, "[-20, 20]"},
        {"g_shift_limit", "green", ShiftOfLevels, "[-20, 20]"},
        {"b_shift_limit", "blue", ShiftOfLevels, "[-20, 20]"},
        {"approximation", ""}, {"noise_params", ""},
        {"noise_type", ""}, {"spatial_mode", ""}}},
      {"RandomGamma", "gamma", kExact, 0.5, "",
       {{"gamma_limit", "gamma", Percent, "[80, 120]"}, {"eps", ""}}},
      {"RandomToneCurve", "tone_curve", kExact, 0.5, "",
       {{"scale", "scale", nullptr, "0.1"}, {"per_channel", "per_channel", nullptr, "false"}}},
      {"CLAHE",
       "clahe",
       kClose,
       0.5,
       "luma is equalized, the peer takes the L of CIE Lab",
       {{"clip_limit", "clip_limit",
         [](const Value& value, std::string_view ours, Conversion& c) {
           if (!value.IsNumber()) return c.step.Set(ours, value);
           c.step.Set(ours, Numbers({1, value.number}));
         },
         "4"},
        {"tile_grid_size", "grid", nullptr, "[8, 8]"}}},
      {"Equalize", "equalize", kExact, 0.5, "",
       {{"mode", "mode", EqualizeMode, "\"cv\""},
        {"by_channels", "by_channels", nullptr, "true"},
        {"mask", "", nullptr, "\"\"", "the histogram is that of the whole picture, not of a mask"},
        {"mask_params", ""}}},
      {"AutoContrast", "auto_contrast", kExact, 0.5, "",
       {{"cutoff", "cutoff", nullptr, "0"},
        {"ignore", "", nullptr, "-1", "no level is ignored"},
        {"method", ""}},
       Makes::kSame, ContrastMethod},
      {"Posterize", "posterize", kExact, 0.5, "", {{"num_bits", "bits", Bits, "4"}}},
      {"Solarize", "solarize", kExact, 0.5, "",
       {{"threshold_range", "threshold", nullptr, "0.5"}, {"threshold", "threshold", SolarizeOld}}},
      {"InvertImg", "invert", kExact, 0.5},
      {"ToGray", "to_gray", kExact, 0.5, "",
       {{"method", "method", GrayMethod, "\"weighted_average\""},
        {"num_output_channels", "", GrayChannels}}},
      {"ToRGB", "to_rgb", kExact, 1, "",
       {{"num_output_channels", "", nullptr, "3", "three channels are made"}}},
      {"ToSepia", "to_sepia", kExact, 0.5, "", {{"", "amount", nullptr, "1"}}},
      {"ChannelShuffle", "channel_shuffle", kExact, 0.5},
      {"ChannelDropout", "channel_dropout", kExact, 0.5, "",
       {{"channel_drop_range", "count", nullptr, "1"}, {"fill|fill_value", "fill", Dropped, "0"}}},
      {"FancyPCA", "fancy_pca", kClose, 0.5,
       "the whole picture shifts by one colour; the peer stretches colours along the axes",
       {{"alpha", "alpha", nullptr, "0.1"}, {"", "basis", nullptr, "\"image\""}}},
      {"PlanckianJitter", "planckian_jitter", kExact, 0.5, "",
       {{"mode", "mode", nullptr, "\"blackbody\""},
        {"temperature_limit|temperature_range", "temperature"},
        {"sampling_method", "", nullptr, "\"uniform\"",
         "temperatures are drawn evenly, not bell-shaped about 6000 K"}},
       Makes::kSame, Temperatures},
      {"HEStain", "", kMissing, 0.5,
       "stains are not known; hue_saturation or color_jitter vary colours, and convolve or lut "
       "take what was computed elsewhere"},
      {"FDA", "fda", kMissing, 0.5, kReference},
      {"HistogramMatching", "histogram_matching", kMissing, 0.5, kReference},
      {"PixelDistributionAdaptation", "pixel_distribution", kMissing, 0.5, kReference},
      {"TemplateTransform", "", kMissing, 0.5,
       "its template is not in the file; use mixup or blend"},

      // -- blur and sharpen
      {"Blur", "box_blur", kExact, 0.5, "", {{"blur_limit", "kernel", OddSides, "[3, 7]"}}},
      {"GaussianBlur", "gaussian_blur", kExact, 0.5, "",
       {{"sigma_limit", "sigma", FromZero, "[0.5, 3]"}, {"blur_limit", ""}},
       Makes::kSame, GaussianKernel},
      {"MedianBlur", "median_blur", kExact, 0.5, "",
       {{"blur_limit", "kernel", OddSides, "[3, 7]"}}},
      {"MotionBlur", "motion_blur", kClose, 0.5,
       "lines are smooth and keep their length at any angle; none is shifted off the middle",
       {{"blur_limit", "kernel", OddSides, "[3, 7]"},
        {"angle_range", "angle", Clockwise, "[0, 360]"},
        {"direction_range", "direction", nullptr, "[-1, 1]"},
        {"allow_shifted", ""}}},
      {"AdvancedBlur",
       "advanced_blur",
       kExact,
       0.5,
       "",
       {{"blur_limit", "kernel", OddSides, "[3, 7]"},
        {"sigma_x_limit|sigmaX_limit", "sigma_x", FromZero, "[0.2, 1]"},
        {"sigma_y_limit|sigmaY_limit", "sigma_y", FromZero, "[0.2, 1]"},
        {"rotate_limit", "angle",
         [](const Value& value, std::string_view ours, Conversion& c) {
           if (value.IsNumber()) return Symmetric(value, ours, c);
           Clockwise(value, ours, c);
         },
         "[-90, 90]"},
        {"beta_limit", "beta", nullptr, "[0.5, 8]"},
        {"noise_limit", "noise", nullptr, "[0.9, 1.1]"}}},
      {"GlassBlur", "glass_blur", kClose, 0.5,
       "pixels trade places independently of each other, not one after the other",
       {{"sigma", "sigma", nullptr, "0.7"},
        {"max_delta", "max_delta", nullptr, "4"},
        {"iterations", "iterations", nullptr, "2"},
        {"mode", ""}}},
      {"ZoomBlur",
       "zoom_blur",
       kClose,
       0.5,
       "each scale shows the middle exactly; the peer cuts it to whole pixels",
       {{"max_factor", "max_factor",
         [](const Value& value, std::string_view ours, Conversion& c) {
           if (!value.IsNumber()) return c.step.Set(ours, value);
           c.step.Set(ours, Numbers({1, value.number}));
         },
         "[1, 1.31]"},
        {"step_factor", "step", nullptr, "[0.01, 0.03]"}}},
      {"Defocus", "defocus", kExact, 0.5, "",
       {{"radius", "radius", nullptr, "[3, 10]"},
        {"alias_blur", "alias_blur", nullptr, "[0.1, 0.5]"}}},
      {"Sharpen", "sharpen", kExact, 0.5, "",
       {{"alpha", "alpha", nullptr, "[0.2, 0.5]"},
        {"lightness", "lightness", nullptr, "[0.5, 1]"},
        {"method", "", SharpenMethod},
        {"kernel_size", ""}, {"sigma", ""}}},
      {"UnsharpMask", "unsharp_mask", kClose, 0.5,
       "the threshold fades in up to twice its value; the peer blurs a mask of it",
       {{"alpha", "amount", FromZero, "[0.2, 0.5]"},
        {"threshold", "threshold", Levels, "10"},
        {"blur_limit", ""}, {"sigma_limit", ""}},
       Makes::kSame, UnsharpSigma},
      {"Emboss", "emboss", kExact, 0.5, "",
       {{"alpha", "alpha", nullptr, "[0.2, 0.5]"},
        {"strength", "strength", nullptr, "[0.2, 0.7]"}}},
      {"RingingOvershoot",
       "ringing",
       kExact,
       0.5,
       "",
       {{"blur_limit", "kernel", OddSides, "[7, 15]"},
        {"cutoff", "cutoff",
         [](const Value& value, std::string_view ours, Conversion& c) {
           c.step.Set(ours, Scaled(value, std::numbers::inv_pi));
         },
         "[0.7853981633974483, 1.5707963267948966]"}}},

      // -- noise and compression
      {"GaussNoise", "gaussian_noise", kExact, 0.5, "",
       {{"var_limit", "std", StdFromVariance},
        {"std_range", "std", nullptr, "[0.2, 0.44]"},
        {"mean", "mean", ShiftOfLevels},
        {"mean_range", "mean", nullptr, "0"},
        {"per_channel", "per_channel", nullptr, "true"},
        {"noise_scale_factor", "", nullptr, "1", "noise has the size of a pixel"}}},
      {"AdditiveNoise", "additive_noise", kExact, 0.5, "",
       {{"spatial_mode", "mode", nullptr, "\"constant\""},
        {"noise_type", ""}, {"noise_params", ""},
        {"approximation", "", nullptr, "1", "noise has the size of a pixel"}},
       Makes::kSame, NoiseOfType},
      {"MultiplicativeNoise", "multiplicative_noise", kExact, 0.5, "",
       {{"multiplier", "multiplier", nullptr, "[0.9, 1.1]"},
        {"per_channel", "per_channel", nullptr, "false"},
        {"elementwise", "elementwise", nullptr, "false"}}},
      {"ISONoise", "iso_noise", kClose, 0.5,
       "normal noise of about that strength; the peer's depends on the contrast of the picture",
       {{"color_shift", ""}, {"intensity", ""}},
       Makes::kSame, IsoNoise},
      {"ShotNoise", "shot_noise", kExact, 0.5, "",
       {{"scale_range", "photons", Photons, "[0.1, 0.3]"}, {"", "gamma", nullptr, "2.2"}}},
      {"SaltAndPepper", "salt_and_pepper", kExact, 0.5, "",
       {{"amount", "amount", nullptr, "[0.01, 0.06]"},
        {"salt_vs_pepper", "salt", nullptr, "[0.4, 0.6]"}}},
      {"ImageCompression", "jpeg", kClose, 0.5,
       "the peer encodes blue as red: artefacts of these two colours differ",
       {{"quality_range", "quality", nullptr, "[99, 100]"},
        {"compression_type", "", CompressionType},
        {"quality_lower", ""}, {"quality_upper", ""}},
       Makes::kSame, OldQuality},
      {"JpegCompression", "jpeg", kClose, 0.5,
       "the peer encodes blue as red: artefacts of these two colours differ",
       {{"quality_range", "quality", nullptr, "[99, 100]"},
        {"quality_lower", ""}, {"quality_upper", ""}},
       Makes::kSame, OldQuality},
      {"Downscale", "downscale", kClose, 0.5,
       "the small picture fills the large one exactly; the peer's may be shifted by the rounding "
       "of its size",
       {{"scale_range", "scale", nullptr, "0.25"},
        {"interpolation_pair|interpolation", "down", Pair, "0"},
        {"scale_min", ""}, {"scale_max", ""}},
       Makes::kSame, OldScale},
      {"Superpixels",
       "superpixels",
       kClose,
       0.5,
       "segments lie elsewhere, as many and as compact",
       {{"p_replace", "p_replace", FromZero, "[0, 0.1]"},
        {"n_segments", "n_segments", nullptr, "100"},
        {"max_size", "max_size", nullptr, "128"},
        {"interpolation", ""}},
       Makes::kSame,
       [](Conversion& c) {
         // null is no limit.
         for (const Value::Entry& entry : c.peer.args) {
           if (entry.key == "max_size" && entry.value.kind == Value::Kind::kNull) {
             c.step.Set("max_size", Value::Int(1024));
           }
         }
       }},

      // -- weather and light
      {"RandomRain", "rain", kClose, 0.5,
       "drops are drawn differently, about as dense",
       {{"slant_range", "slant", nullptr, "[-10, 10]"},
        {"drop_color", "color", Levels, "[200, 200, 200]"},
        {"brightness_coefficient", "brightness", nullptr, "0.7"},
        {"rain_type", "density", RainType, "\"default\""},
        {"drop_length", ""}, {"drop_width", ""}, {"blur_value", ""},
        {"slant_lower|slant_upper", ""}},
       Makes::kSame, RainLengths},
      {"RandomSnow", "snow", kExact, 0.5, "",
       {{"snow_point_range", "snow_point", SnowPoint, "[0.1, 0.3]"},
        {"brightness_coeff", "gain", nullptr, "2.5"},
        {"method", "", SnowMethod},
        {"snow_point_lower", ""}, {"snow_point_upper", ""}},
       Makes::kSame, OldSnow},
      {"RandomFog", "fog", kClose, 0.5,
       "drifting patches instead of white discs about the middle",
       {{"fog_coef_range", "density", nullptr, "[0.3, 1]"},
        {"alpha_coef", ""}, {"fog_coef_lower", ""},
        {"fog_coef_upper", ""}},
       Makes::kSame, OldFog},
      {"RandomShadow", "shadow", kClose, 0.5,
       "corners lie in order, so that edges do not cross",
       {{"shadow_roi", "x_min", Roi, "[0, 0.5, 1, 1]"},
        {"num_shadows_limit", "count", nullptr, "[1, 2]"},
        {"shadow_dimension", "corners", nullptr, "5"},
        {"shadow_intensity_range", "intensity", nullptr, "0.5"},
        {"num_shadows_lower", ""}, {"num_shadows_upper", ""}},
       Makes::kSame, ShadowCount},
      {"RandomSunFlare", "sun_flare", kClose, 0.5,
       "another picture of a flare at such a place",
       {{"flare_roi", "x", FlareRoi, "[0, 0, 1, 0.5]"},
        {"src_radius", "radius", FlareRadius, "400"},
        {"src_color", "color", Levels, "[255, 255, 255]"},
        {"num_flare_circles_range", "circles", nullptr, "[6, 10]"},
        {"angle_range", ""}, {"method", ""},
        {"angle_lower|angle_upper|num_flare_circles_lower|num_flare_circles_upper", ""}}},
      {"RandomGravel", "gravel", kClose, 0.5,
       "stones instead of gray bars, about as many",
       {{"gravel_roi", "x_min", Roi, "[0.1, 0.4, 0.9, 0.9]"},
        {"number_of_patches", "patches", nullptr, "2"}}},
      {"Spatter", "spatter", kClose, 0.5,
       "drops of another shape, as large, on as much of the lens",
       {{"intensity", "intensity", FromZero, "0.6"},
        {"mean", ""}, {"std", ""},
        {"gauss_sigma|gauss_sigma_limit", ""},
        {"cutout_threshold", ""}, {"mode", ""}, {"color", ""}},
       Makes::kSame, SpatterDrops},
      {"ChromaticAberration", "chromatic_aberration", kExact, 0.5, "",
       {{"primary_distortion_limit", "primary", Symmetric, "[-0.02, 0.02]"},
        {"secondary_distortion_limit", "secondary", Symmetric, "[-0.05, 0.05]"},
        {"mode", "mode", nullptr, "\"green_purple\""},
        {"interpolation", ""}}},
      {"Illumination",
       "illumination",
       kExact,
       0.5,
       "",
       {{"mode", "mode", nullptr, "\"linear\""},
        {"intensity_range", "intensity", nullptr, "[0.01, 0.2]"},
        {"effect_type", "effect", nullptr, "\"both\""},
        {"angle_range", "angle", Clockwise, "[0, 360]"},
        {"center_range", "center_x", Centers, "[0.1, 0.9]"},
        {"sigma_range", "sigma", nullptr, "[0.2, 1]"}},
       Makes::kSame,
       [](Conversion& c) {
         const Value* mode = c.step.Find("mode");
         if (mode != nullptr && mode->text == "gaussian") return;
         c.Close("the far side stays as it is; the peer changes it the other way");
       }},
      {"PlasmaBrightnessContrast", "chain", kClose, 0.5,
       "brightness and contrast follow patterns of their own, of another noise",
       {{"brightness_range", ""}, {"contrast_range", ""}, {"plasma_size", ""}, {"roughness", ""}},
       Makes::kSame, PlasmaBoth},
      {"PlasmaShadow", "plasma_shadow", kClose, 0.5,
       "the pattern is of another noise",
       {{"shadow_intensity_range|shadow_intensity", "intensity", nullptr, "[0.3, 0.7]"},
        {"plasma_size", ""}, {"roughness", ""}}},

      // -- types
      {"Normalize", "normalize", kExact, 1, "",
       {{"normalization", "by", nullptr, "\"standard\""},
        {"mean", "mean", nullptr, "[0.485, 0.456, 0.406]"},
        {"std", "std", nullptr, "[0.229, 0.224, 0.225]"},
        {"max_pixel_value", ""}},
       Makes::kFloat, NormalizeScale},
      {"ToFloat", "to_float", kExact, 1, "", {{"max_value", "max_value"}}, Makes::kUnitFloat},
      {"FromFloat", "from_float", kExact, 1, "",
       {{"dtype", "to", nullptr, "\"uint8\""}, {"max_value", "max_value"}},
       Makes::kInteger},
      {"ToTensorV2", "layout", kExact, 1, "",
       {{"", "to", nullptr, "\"chw\""}, {"transpose_mask", ""}},
       Makes::kPlanes},
      {"NoOp", "", kExact, 0.5},

      // -- several samples, text, volumes
      {"Mosaic", "mosaic", kClose, 0.5,
       "mixes samples of the plan, not pictures handed in as metadata",
       {{"grid_yx", "grid", nullptr, "[2, 2]"},
        {"target_size", "size", nullptr, "[512, 512]"},
        {"center_range", "center", nullptr, "[0.3, 0.7]"},
        {"fit_mode", "fit", nullptr, "\"cover\""},
        {"fill", "fill", nullptr, "0"},
        {"fill_mask", ""}, {"cell_shape", ""}, {"interpolation", ""},
        {"mask_interpolation", ""}}},
      {"MixUp", "", kMissing, 0.5, "its pictures are not in the file; use the node mixup"},
      {"OverlayElements", "", kMissing, 0.5,
       "what it lays on top comes with each call of the peer; use overlay_image"},
      {"TextImage", "", kMissing, 0.5,
       "its words come with each call of the peer; use overlay_text"},
      {"Lambda", "", kMissing, 1, "functions are not in the file; write an operator"},
      {"ToTensor3D", "", kMissing, 1, k3d},
      {"CenterCrop3D", "", kMissing, 1, k3d},
      {"RandomCrop3D", "", kMissing, 1, k3d},
      {"Pad3D", "", kMissing, 1, k3d},
      {"PadIfNeeded3D", "", kMissing, 1, k3d},
      {"CoarseDropout3D", "", kMissing, 0.5, k3d},
      {"CubicSymmetry", "", kMissing, 1, k3d},
      // clang-format on
  };
  return rows;
}

}  // namespace pixloom::importing
