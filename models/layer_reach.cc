// SPDX-License-Identifier: Apache-2.0
// How far a pixel sees, and which sizes a graph takes.
//
// Reach is worked out along one side, on an endless picture: every position of a layer sees the
// input px lo..hi. Moving a layer by its period moves what it sees by the same number of input px
// everywhere in the graph, so one period says it all.
#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "models/layer_list.h"

namespace pixloom {

namespace {

using Px = std::int64_t;

Px FloorDivide(Px a, Px b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

struct Interval {
  Px lo = std::numeric_limits<Px>::max(), hi = std::numeric_limits<Px>::min();
  bool Empty() const { return lo > hi; }
  void Include(const Interval& other) {
    if (other.Empty()) return;
    lo = std::min(lo, other.lo);
    hi = std::max(hi, other.hi);
  }
};

// What one layer sees of the input: positions [0, seen.size()), repeated every `shift` input px.
struct Reach {
  enum class Kind { kNothing, kPart, kAll };
  Kind kind = Kind::kNothing;
  Px num = 1, den = 1;  // positions per input px
  std::vector<Interval> seen;
  Px shift = 1;

  Interval At(Px position) const {
    const Px period = static_cast<Px>(seen.size());
    const Px turn = FloorDivide(position, period);
    Interval in = seen[static_cast<std::size_t>(position - turn * period)];
    if (!in.Empty()) in = {in.lo + turn * shift, in.hi + turn * shift};
    return in;
  }
};

// Which positions of its input a layer's position reads, one after another.
template <class Use>
void EachSource(const Layer& layer, Px position, const Use& use) {
  switch (layer.kind) {
    case LayerKind::kConv:
    case LayerKind::kMaxPool:
    case LayerKind::kAvgPool:
      for (Px k = 0; k < layer.kernel; ++k) {
        use(position * layer.stride - layer.padding + k * layer.dilation);
      }
      return;
    case LayerKind::kDeconv:
      for (Px k = 0; k < layer.kernel; ++k) {
        const Px from = position + layer.padding - k * layer.dilation;
        if (from % layer.stride == 0) use(from / layer.stride);
      }
      return;
    case LayerKind::kUpsample:
      if (layer.bilinear) {
        // (position + 0.5) / factor - 0.5, in half steps so that it stays whole.
        const Px twice = 2 * position + 1 - layer.factor, unit = 2 * layer.factor;
        const Px first = FloorDivide(twice, unit);
        use(first);
        if (twice != first * unit) use(first + 1);
        return;
      }
      use(FloorDivide(position, layer.factor));
      return;
    case LayerKind::kPixelShuffle:
      use(FloorDivide(position, layer.factor));
      return;
    default:
      use(position);
  }
}

bool Enlarges(LayerKind kind) {
  return kind == LayerKind::kUpsample || kind == LayerKind::kPixelShuffle;
}

// Positions of the output per position of the input.
std::pair<Px, Px> Rate(const Layer& layer) {
  if (layer.kind == LayerKind::kDeconv) return {layer.stride, 1};
  if (Enlarges(layer.kind)) return {layer.factor, 1};
  return {1, layer.stride};  // 1 of all that do not stride
}

Reach ReachOf(const Layer& layer, const std::vector<Reach>& before, Px shift) {
  Reach out;
  out.shift = shift;
  std::vector<const Reach*> sources;
  for (const int input : layer.inputs) {
    const Reach& in = before[static_cast<std::size_t>(input)];
    if (in.kind == Reach::Kind::kAll) return in;
    if (in.kind == Reach::Kind::kPart) sources.push_back(&in);
  }
  if (sources.empty()) return out;
  out.kind = Reach::Kind::kAll;
  if (layer.shape.size() != 3 || layer.kind == LayerKind::kReshape) return out;
  const auto [up, down] = Rate(layer);
  const Px num = sources[0]->num * up, den = sources[0]->den * down, common = std::gcd(num, den);
  out.num = num / common;
  out.den = den / common;
  // Sides that are equal by chance (of fixed sizes), though a pixel means something else in each.
  for (const Reach* in : sources) {
    if (in->num * up * out.den != in->den * down * out.num) return out;
  }
  if (shift * out.num % out.den != 0) return out;
  out.kind = Reach::Kind::kPart;
  out.seen.resize(static_cast<std::size_t>(shift * out.num / out.den));
  for (std::size_t i = 0; i < out.seen.size(); ++i) {
    EachSource(layer, static_cast<Px>(i), [&](Px position) {
      for (const Reach* in : sources) out.seen[i].Include(in->At(position));
    });
  }
  return out;
}

}  // namespace

std::optional<int> LayerGraph::Radius() const {
  if (inputs.empty() || outputs.empty() || At(inputs[0]).shape.size() != 3) return {};
  // Input px after which everything repeats; of fixed sizes the sides do not say it.
  Px shift = 1;
  std::vector<std::pair<Px, Px>> rates(layers.size(), {1, 1});
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].inputs.empty()) continue;
    const auto [num, den] = rates[static_cast<std::size_t>(layers[i].inputs[0])];
    const auto [up, down] = Rate(layers[i]);
    const Px common = std::gcd(num * up, den * down);
    rates[i] = {num * up / common, den * down / common};
    shift = std::lcm(shift, rates[i].second);
    if (shift > 4096 || rates[i].first > 4096) return {};
  }
  std::vector<Reach> reaches;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    reaches.push_back(ReachOf(layers[i], reaches, shift));
    if (static_cast<int>(i) != inputs[0]) continue;
    reaches[i].kind = Reach::Kind::kPart;
    reaches[i].shift = shift;
    for (Px px = 0; px < shift; ++px) reaches[i].seen.push_back({px, px});
  }
  const Reach& reach = reaches[static_cast<std::size_t>(outputs[0].second)];
  if (reach.kind == Reach::Kind::kAll) return {};
  Px radius = 0;
  for (std::size_t i = 0; i < reach.seen.size(); ++i) {
    // The input px under this position: one, or several that it stands for.
    const Px position = static_cast<Px>(i);
    const Px first = FloorDivide(position * reach.den, reach.num);
    const Px last = std::max(first, FloorDivide((position + 1) * reach.den - 1, reach.num));
    if (reach.seen[i].Empty()) continue;
    radius = std::max({radius, first - reach.seen[i].lo, reach.seen[i].hi - last});
  }
  return static_cast<int>(radius);
}

int LayerGraph::MultipleOf() const {
  std::int64_t multiple = 1;
  for (const Layer& layer : layers) {
    for (const Side& side : layer.shape) {
      if (multiple < (1 << 20)) multiple = std::lcm(multiple, side.den);
    }
  }
  return static_cast<int>(multiple);
}

int LayerGraph::Scale() const {
  if (inputs.empty() || outputs.empty()) return 0;
  const Shape& in = At(inputs[0]).shape;
  const Shape& out = At(outputs[0].second).shape;
  if (in.size() != 3 || out.size() != 3 || in[1].IsFixed() || out[1].IsFixed()) return 0;
  return out[1].den == 1 && out[1].add == 0 ? static_cast<int>(out[1].num) : 0;
}

int LayerGraph::Least() const {
  const std::int64_t multiple = MultipleOf();
  std::int64_t least = multiple;
  for (const Layer& layer : layers) {
    for (const Side& side : layer.shape) {
      if (side.IsFixed()) continue;
      // size * num / den + add >= 1, of sizes that den divides.
      const std::int64_t wanted = (1 - side.add) * side.den;
      const std::int64_t size = wanted <= 0 ? 0 : (wanted + side.num - 1) / side.num;
      least = std::max(least, (size + multiple - 1) / multiple * multiple);
    }
  }
  return static_cast<int>(std::min<std::int64_t>(least, std::numeric_limits<int>::max()));
}

}  // namespace pixloom
