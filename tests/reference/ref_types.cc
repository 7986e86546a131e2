// SPDX-License-Identifier: Apache-2.0
// Formulas of pixel types.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/reference/ref_pixels.h"

namespace pixloom::reference {

namespace {

void CheckNothing(const Arguments&, const Draws&, const OpState&, Problems&) {}

// The picture as float64 values of another type; `change` gets the level and the channel.
template <class Change>
void Retype(Image64& image, Depth depth, ValueRange range, Change change) {
  for (std::size_t i = 0; i < image.values.size(); ++i) {
    image.values[i] = change(image.values[i], static_cast<int>(i) % image.channels);
  }
  image.depth = depth;
  image.range = range;
}

Depth Named(const std::string& name) {
  return name == "uint8" ? Depth::kU8 : name == "uint16" ? Depth::kU16 : Depth::kF32;
}

double FullScale(Depth depth) { return depth == Depth::kU8 ? 255 : 65535; }

std::vector<RefStep> Cast(const Arguments& args, const Draws&, const OpState&) {
  const Depth to = Named(args.Text("to", "float32"));
  const bool scale = args.Flag("scale", true);
  return {Picture([=](Image64& image) {
    if (image.depth == to) return;
    const Image64 before = image;
    if (!scale) {
      const bool from_integers = before.depth != Depth::kF32;
      const double full = from_integers ? FullScale(before.depth) : 1;
      const ValueRange range =
          from_integers ? ValueRange{0, static_cast<float>(full)} : before.range;
      return Retype(image, to, range, [](double v, int) { return v; });
    }
    const ValueRange range = to == Depth::kF32 ? ValueRange{0, 1} : before.range;
    Retype(image, to, range, [&](double v, int) {
      return before.ToUnit(v) * (to == Depth::kF32 ? 1 : FullScale(to));
    });
  })};
}

std::vector<RefStep> ToFloat(const Arguments& args, const Draws&, const OpState&) {
  const double max = args.Number("max_value", 0);
  return {Picture([=](Image64& image) {
    const Image64 before = image;
    ValueRange range{0, 1};
    if (max > 0) {
      range = {static_cast<float>(before.Low() / max),
               static_cast<float>((before.Low() + before.Span()) / max)};
    }
    Retype(image, Depth::kF32, range,
           [&](double v, int) { return max > 0 ? v / max : before.ToUnit(v); });
  })};
}

std::vector<RefStep> FromFloat(const Arguments& args, const Draws&, const OpState&) {
  const Depth to = Named(args.Text("to", "uint8"));
  const double max = args.Number("max_value", 0);
  return {Picture([=](Image64& image) {
    const Image64 before = image;
    Retype(image, to, before.range,
           [&](double v, int) { return max > 0 ? v * max : before.ToUnit(v) * FullScale(to); });
  })};
}

// One number per channel of a list that may be shorter.
double Spread(const std::vector<double>& list, int channel, int channels, double alpha) {
  if (channels == 1) {
    double sum = 0;
    for (double v : list) sum += v;
    return sum / static_cast<double>(list.size());
  }
  if (channels == 4 && channel == 3 && list.size() < 4) return alpha;
  return list[std::min<std::size_t>(static_cast<std::size_t>(channel), list.size() - 1)];
}

void NormalizeBy(Image64& image, const std::string& by, const std::vector<double>& mean,
                 const std::vector<double>& deviation) {
  const Image64 before = image;
  const int channels = image.channels;
  if (by == "standard") {
    Retype(image, Depth::kF32, {0, 1}, [&](double v, int c) {
      return (before.ToUnit(v) - Spread(mean, c, channels, 0)) / Spread(deviation, c, channels, 1);
    });
    return;
  }
  const bool own = by.find("per_channel") != std::string::npos;
  const auto counts = [&](std::size_t i, int c) {
    return !own || static_cast<int>(i) % channels == c;
  };
  std::vector<double> zero;
  std::vector<double> one;
  for (int c = 0; c < channels; ++c) {
    double sum = 0;
    double n = 0;
    double low = 1e300;
    double high = -1e300;
    for (std::size_t i = 0; i < before.values.size(); ++i) {
      if (!counts(i, c)) continue;
      sum += before.values[i];
      n += 1;
      low = std::min(low, before.values[i]);
      high = std::max(high, before.values[i]);
    }
    double squares = 0;
    for (std::size_t i = 0; i < before.values.size(); ++i) {
      if (counts(i, c)) squares += (before.values[i] - sum / n) * (before.values[i] - sum / n);
    }
    const bool ends = by.starts_with("min_max");
    zero.push_back(ends ? low : sum / n);
    one.push_back(ends ? high - low : std::sqrt(squares / n));
  }
  Retype(image, Depth::kF32, {0, 1}, [&](double v, int c) {
    const auto k = static_cast<std::size_t>(c);
    return one[k] > 1e-6 * before.Span() ? (v - zero[k]) / one[k] : 0.0;
  });
}

std::vector<RefStep> Normalize(const Arguments& args, const Draws&, const OpState&) {
  const std::string by = args.Text("by", "standard");
  const std::vector<double> mean = args.Numbers("mean", {0.485, 0.456, 0.406});
  const std::vector<double> deviation = args.Numbers("std", {0.229, 0.224, 0.225});
  return {Picture([=](Image64& image) { NormalizeBy(image, by, mean, deviation); })};
}

std::vector<RefStep> Nothing(const Arguments&, const Draws&, const OpState&) { return {}; }

}  // namespace

const std::vector<OpRule>& TypeRules() {
  static const std::vector<OpRule> rules{
      {"cast", true, {}, CheckNothing, Cast},
      {"to_float", true, {}, CheckNothing, ToFloat},
      {"from_float", true, {}, CheckNothing, FromFloat},
      {"identity", true, {}, CheckNothing, Nothing},
      {"normalize", true, {}, CheckNothing, Normalize},
  };
  return rules;
}

}  // namespace pixloom::reference
