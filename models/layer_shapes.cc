// SPDX-License-Identifier: Apache-2.0
#include "models/layer_shapes.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace pixloom {

namespace {

using ShapeResult = Result<Shape, std::string>;

std::int64_t FloorDivide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

std::string SideText(const Side& side) {
  if (side.IsFixed()) return std::to_string(side.add);
  std::string text = "?";
  if (side.num != 1) text += fmt::format("*{}", side.num);
  if (side.den != 1) text += fmt::format("/{}", side.den);
  if (side.add != 0) text += fmt::format("{:+}", side.add);
  return text;
}

// Whatever stands after the fraction stays small enough to reckon with.
Side Fraction(std::int64_t num, std::int64_t den, std::int64_t add) {
  const std::int64_t common = std::gcd(num, den);
  return {num / common, den / common, add};
}

// A window of `span` px (dilation included) that moves by `stride`. Of an open side only those
// sizes count that the fraction divides, so that rounding down concerns what was added alone.
Side Slide(const Side& in, std::int64_t span, const Layer& layer) {
  const std::int64_t rest = in.add + 2 * layer.padding - span;
  const std::int64_t add = FloorDivide(rest, layer.stride) + 1;
  if (in.IsFixed()) return Side::Fixed(add);
  return Fraction(in.num, in.den * layer.stride, add);
}

// The inverse: every px spreads over `span`.
Side Spread(const Side& in, std::int64_t span, const Layer& layer) {
  const std::int64_t add =
      (in.add - 1) * layer.stride - 2 * layer.padding + span + layer.output_padding;
  if (in.IsFixed()) return Side::Fixed(add);
  return Fraction(in.num * layer.stride, in.den, add);
}

Side Enlarge(const Side& in, std::int64_t factor) {
  if (in.IsFixed()) return Side::Fixed(in.add * factor);
  return Fraction(in.num * factor, in.den, in.add * factor);
}

std::string Wants(const char* verb, const char* wanted, const Shape& got, const char* remedy) {
  return fmt::format("{} reads {}, not {}; {}", verb, wanted, ShapeText(got), remedy);
}

ShapeResult Picture(const char* verb, const Shape& in) {
  if (IsPicture(in)) return in;
  return Wants(verb, "a picture of channels x height x width", in, "put `reshape` before it");
}

// Convolutions of both kinds.
ShapeResult ConvShape(const Layer& layer, const Shape& in) {
  const bool up = layer.kind == LayerKind::kDeconv;
  const char* verb = up ? "deconv" : "conv";
  if (auto picture = Picture(verb, in); !picture) return picture;
  const std::int64_t channels = in[0].add;
  if (channels % layer.groups != 0 || layer.channels % layer.groups != 0) {
    return fmt::format("{}: {} groups do not divide {} channels in and {} out", verb, layer.groups,
                       channels, layer.channels);
  }
  const std::int64_t span = layer.dilation * (layer.kernel - 1) + 1;
  Shape out = {Side::Fixed(layer.channels)};
  for (std::size_t i : {1, 2}) {
    out.push_back(up ? Spread(in[i], span, layer) : Slide(in[i], span, layer));
  }
  return out;
}

ShapeResult PoolShape(const Layer& layer, const Shape& in) {
  const char* verb = layer.kind == LayerKind::kMaxPool ? "max_pool" : "avg_pool";
  if (auto picture = Picture(verb, in); !picture) return picture;
  Shape out = {in[0]};
  for (std::size_t i : {1, 2}) out.push_back(Slide(in[i], layer.kernel, layer));
  return out;
}

ShapeResult ShuffleShape(const Layer& layer, const Shape& in) {
  if (auto picture = Picture("pixel_shuffle", in); !picture) return picture;
  const std::int64_t square = layer.factor * layer.factor;
  if (in[0].add % square != 0) {
    return fmt::format("pixel_shuffle by {} reads a multiple of {} channels, not {}", layer.factor,
                       square, ShapeText(in));
  }
  return Shape{Side::Fixed(in[0].add / square), Enlarge(in[1], layer.factor),
               Enlarge(in[2], layer.factor)};
}

ShapeResult ReshapeShape(const Layer& layer, const Shape& in) {
  const bool flatten = layer.shape.empty();
  const std::int64_t elements = ShapeElements(in);
  if (elements < 0) {
    return fmt::format(
        "{} cannot know how many numbers {} has; give the graph's inputs fixed sizes, or use "
        "`global_pool`",
        flatten ? "flatten" : "reshape", ShapeText(in));
  }
  if (flatten) return Shape{Side::Fixed(elements)};
  if (ShapeElements(layer.shape) == elements) return layer.shape;
  return fmt::format("reshape to {} needs {} numbers, {} has {}", ShapeText(layer.shape),
                     ShapeElements(layer.shape), ShapeText(in), elements);
}

ShapeResult JoinedShape(const Layer& layer, const std::vector<Shape>& inputs) {
  const bool concat = layer.kind == LayerKind::kConcat;
  const char* verb = concat ? "concat" : layer.kind == LayerKind::kAdd ? "add" : "mul";
  Shape out = inputs[0];
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Shape& in = inputs[i];
    Shape match = in;
    if (concat && in.size() == out.size()) match[0] = out[0];  // may differ
    if (match != out) {
      return fmt::format("{}: {} and {} do not fit together; {}", verb, ShapeText(inputs[0]),
                         ShapeText(in),
                         concat ? "all but the first number must be equal" : "they must be equal");
    }
    if (concat) out[0].add += in[0].add;
  }
  return out;
}

ShapeResult Unchecked(const Layer& layer, const std::vector<Shape>& inputs) {
  if (layer.kind == LayerKind::kInput) return layer.shape;
  const Shape& in = inputs[0];
  switch (layer.kind) {
    case LayerKind::kInput:
      break;
    case LayerKind::kConv:
    case LayerKind::kDeconv:
      return ConvShape(layer, in);
    case LayerKind::kDense:
      if (!IsPicture(in)) return Shape{Side::Fixed(layer.channels)};
      return Wants("dense", "features", in, "put `flatten` or `global_pool` before it");
    case LayerKind::kBatchNorm:
      return in;
    case LayerKind::kActivation:
      if (layer.activation != Activation::kSoftmax || !IsPicture(in)) return in;
      return Wants("softmax", "features", in, "put `flatten` or `global_pool` before it");
    case LayerKind::kMaxPool:
    case LayerKind::kAvgPool:
      return PoolShape(layer, in);
    case LayerKind::kGlobalPool:
      if (auto picture = Picture("global_pool", in); !picture) return picture;
      return Shape{in[0]};
    case LayerKind::kUpsample:
      if (auto picture = Picture("upsample", in); !picture) return picture;
      return Shape{in[0], Enlarge(in[1], layer.factor), Enlarge(in[2], layer.factor)};
    case LayerKind::kPixelShuffle:
      return ShuffleShape(layer, in);
    case LayerKind::kReshape:
      return ReshapeShape(layer, in);
    case LayerKind::kConcat:
    case LayerKind::kAdd:
    case LayerKind::kMul:
      return JoinedShape(layer, inputs);
  }
  return in;
}

}  // namespace

std::string ShapeText(const Shape& shape) {
  std::string text;
  for (const Side& side : shape) text += (text.empty() ? "" : "x") + SideText(side);
  return text;
}

Dims ShapeDims(const Shape& shape) {
  Dims dims;
  for (const Side& side : shape) dims.push_back(side.IsFixed() ? side.add : -1);
  return dims;
}

std::int64_t ShapeElements(const Shape& shape) {
  std::int64_t elements = 1;
  for (const Side& side : shape) {
    if (!side.IsFixed()) return -1;
    elements *= side.add;
  }
  return elements;
}

ShapeResult ShapeOf(const Layer& layer, const std::vector<Shape>& inputs) {
  ShapeResult result = Unchecked(layer, inputs);
  if (!result) return result;
  const std::string from = inputs.empty() ? "" : ShapeText(inputs[0]) + " becomes ";
  std::int64_t elements = 1;
  for (const Side& side : *result) {
    if (!side.IsFixed()) {
      if (side.num > kMostScale || side.den > kMostMultiple || std::abs(side.add) > kMostFeatures) {
        return fmt::format("{}{}: too far from the size of the input; give fixed sizes", from,
                           ShapeText(*result));
      }
      continue;
    }
    if (side.add < 1) {
      return fmt::format("{}{}: nothing is left; make the kernel smaller or the picture larger",
                         from, ShapeText(*result));
    }
    elements = side.add > kMostElements ? kMostElements + 1 : elements * side.add;
    if (elements > kMostElements) {
      return fmt::format("{}{}: at most {} numbers per layer", from, ShapeText(*result),
                         kMostElements);
    }
  }
  return result;
}

std::vector<ParameterSpec> ParametersOf(const Layer& layer, const std::vector<Layer>& layers) {
  if (layer.inputs.empty()) return {};
  const std::int64_t in = layers[static_cast<std::size_t>(layer.inputs[0])].shape[0].add;
  const std::int64_t out = layer.channels, k = layer.kernel;
  std::vector<ParameterSpec> specs;
  switch (layer.kind) {
    case LayerKind::kConv:
      specs.push_back({"weight", {out, in / layer.groups, k, k}});
      break;
    case LayerKind::kDeconv:
      specs.push_back({"weight", {in, out / layer.groups, k, k}});
      break;
    case LayerKind::kDense:
      specs.push_back({"weight", {out, in}});
      break;
    case LayerKind::kBatchNorm:
      return {{"weight", {in}}, {"bias", {in}}, {"mean", {in}, true}, {"var", {in}, true}};
    default:
      return {};
  }
  if (layer.bias) specs.push_back({"bias", {out}});
  return specs;
}

}  // namespace pixloom
