// SPDX-License-Identifier: Apache-2.0
// Plain loops in the order of the definitions. Rows are walked as they lie in memory, which is all
// the speed there is.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "models/layer_list.h"

namespace pixloom {

namespace {

using Index = std::int64_t;

// Batch, channels, height, width of a picture; features are pictures of one px.
struct Planes {
  Index n, c, h, w;
  explicit Planes(const Dims& dims)
      : n(dims[0]),
        c(dims[1]),
        h(dims.size() == 4 ? dims[2] : 1),
        w(dims.size() == 4 ? dims[3] : 1) {}
  Index At(Index item, Index channel, Index y, Index x = 0) const {
    return ((item * c + channel) * h + y) * w + x;
  }
};

struct Pass {
  const Layer& layer;
  const Parameters& parameters;
  std::vector<const Array*> inputs;
  Array& out;  // its dims are set, its data 0

  const float* Parameter(const char* name, const Dims& dims) const {
    const auto found = parameters.find(layer.name + "_" + name);
    PIXLOOM_CHECK(found != parameters.end() && found->second.dims() == dims,
                  layer.name + "_" + name + " is not there or has another shape");
    return found->second.data();
  }
  double* Row(Index place) const { return out.data.data() + place; }
  const double* In(Index place) const { return inputs[0]->data.data() + place; }
  Planes InPlanes() const { return Planes(inputs[0]->dims); }
  Planes OutPlanes() const { return Planes(out.dims); }
};

// Those i in [0, count) with 0 <= i * stride + offset < size.
std::pair<Index, Index> Inside(Index count, Index stride, Index offset, Index size) {
  const Index first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  const Index last = size <= offset ? 0 : (size - offset + stride - 1) / stride;
  return {first, std::min(count, last)};
}

void AddBias(const Pass& pass) {
  if (!pass.layer.bias) return;
  const Planes o = pass.OutPlanes();
  const float* bias = pass.Parameter("bias", {o.c});
  for (Index n = 0; n < o.n; ++n) {
    for (Index c = 0; c < o.c; ++c) std::fill_n(pass.Row(o.At(n, c, 0)), o.h * o.w, bias[c]);
  }
}

// out[o, y, x] = bias[o] + sum of weight[o, i, ky, kx] * in[i, y s - p + ky d, x s - p + kx d].
void Conv(const Pass& pass) {
  const Layer& l = pass.layer;
  const Planes in = pass.InPlanes(), o = pass.OutPlanes();
  const Index per_group = in.c / l.groups, out_per_group = o.c / l.groups;
  const float* weight = pass.Parameter("weight", {o.c, per_group, l.kernel, l.kernel});
  AddBias(pass);
  for (Index n = 0; n < o.n; ++n) {
    for (Index c = 0; c < o.c; ++c) {
      for (Index i = 0; i < per_group; ++i) {
        const Index channel = c / out_per_group * per_group + i;
        for (Index ky = 0; ky < l.kernel; ++ky) {
          for (Index kx = 0; kx < l.kernel; ++kx) {
            const double w = weight[((c * per_group + i) * l.kernel + ky) * l.kernel + kx];
            const Index offset = kx * l.dilation - l.padding;
            const auto [first, last] = Inside(o.w, l.stride, offset, in.w);
            for (Index y = 0; y < o.h; ++y) {
              const Index from = y * l.stride - l.padding + ky * l.dilation;
              if (from < 0 || from >= in.h) continue;
              const double* row = pass.In(in.At(n, channel, from));
              double* sum = pass.Row(o.At(n, c, y));
              for (Index x = first; x < last; ++x) sum[x] += w * row[x * l.stride + offset];
            }
          }
        }
      }
    }
  }
}

// Every in[i, y, x] adds weight[i, o, ky, kx] times itself to out[o, y s - p + ky d, ...].
void Deconv(const Pass& pass) {
  const Layer& l = pass.layer;
  const Planes in = pass.InPlanes(), o = pass.OutPlanes();
  const Index per_group = in.c / l.groups, out_per_group = o.c / l.groups;
  const float* weight = pass.Parameter("weight", {in.c, out_per_group, l.kernel, l.kernel});
  AddBias(pass);
  for (Index n = 0; n < o.n; ++n) {
    for (Index i = 0; i < in.c; ++i) {
      for (Index c = 0; c < out_per_group; ++c) {
        const Index channel = i / per_group * out_per_group + c;
        for (Index ky = 0; ky < l.kernel; ++ky) {
          for (Index kx = 0; kx < l.kernel; ++kx) {
            const double w = weight[((i * out_per_group + c) * l.kernel + ky) * l.kernel + kx];
            const Index offset = kx * l.dilation - l.padding;
            const auto [first, last] = Inside(in.w, l.stride, offset, o.w);
            for (Index y = 0; y < in.h; ++y) {
              const Index to = y * l.stride - l.padding + ky * l.dilation;
              if (to < 0 || to >= o.h) continue;
              const double* row = pass.In(in.At(n, i, y));
              double* sum = pass.Row(o.At(n, channel, to));
              for (Index x = first; x < last; ++x) sum[x * l.stride + offset] += w * row[x];
            }
          }
        }
      }
    }
  }
}

void Dense(const Pass& pass) {
  const Planes in = pass.InPlanes(), o = pass.OutPlanes();
  const float* weight = pass.Parameter("weight", {o.c, in.c});
  AddBias(pass);
  for (Index n = 0; n < o.n; ++n) {
    for (Index c = 0; c < o.c; ++c) {
      double& sum = *pass.Row(n * o.c + c);
      for (Index i = 0; i < in.c; ++i) sum += *pass.In(n * in.c + i) * weight[c * in.c + i];
    }
  }
}

void BatchNorm(const Pass& pass) {
  const Planes o = pass.OutPlanes();
  const float* gamma = pass.Parameter("weight", {o.c});
  const float* beta = pass.Parameter("bias", {o.c});
  const float* mean = pass.Parameter("mean", {o.c});
  const float* var = pass.Parameter("var", {o.c});
  for (Index n = 0; n < o.n; ++n) {
    for (Index c = 0; c < o.c; ++c) {
      const double deviation = std::sqrt(var[c] + pass.layer.epsilon);
      const Index start = o.At(n, c, 0);
      for (Index i = start; i < start + o.h * o.w; ++i) {
        *pass.Row(i) = (*pass.In(i) - mean[c]) / deviation * gamma[c] + beta[c];
      }
    }
  }
}

double Activate(const Layer& layer, double x) {
  switch (layer.activation) {
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kLeakyRelu:
      return x >= 0 ? x : layer.alpha * x;
    case Activation::kElu:
      return x >= 0 ? x : layer.alpha * std::expm1(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSoftplus:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));  // log(1 + e^x), no overflow
    case Activation::kSoftmax:
      break;
  }
  return x;
}

void Softmax(const Pass& pass) {
  const Planes o = pass.OutPlanes();
  for (Index n = 0; n < o.n; ++n) {
    const double* in = pass.In(n * o.c);
    double* row = pass.Row(n * o.c);
    const double most = *std::max_element(in, in + o.c);
    double sum = 0;
    for (Index c = 0; c < o.c; ++c) sum += row[c] = std::exp(in[c] - most);
    for (Index c = 0; c < o.c; ++c) row[c] /= sum;
  }
}

void Activations(const Pass& pass) {
  if (pass.layer.activation == Activation::kSoftmax) return Softmax(pass);
  for (std::size_t i = 0; i < pass.out.data.size(); ++i) {
    pass.out.data[i] = Activate(pass.layer, pass.inputs[0]->data[i]);
  }
}

// The largest, or the mean, of what a window holds of the picture.
void Pool(const Pass& pass) {
  const Layer& l = pass.layer;
  const Planes in = pass.InPlanes(), o = pass.OutPlanes();
  for (Index n = 0; n < o.n; ++n) {
    for (Index c = 0; c < o.c; ++c) {
      for (Index y = 0; y < o.h; ++y) {
        for (Index x = 0; x < o.w; ++x) {
          double most = -std::numeric_limits<double>::infinity(), sum = 0;
          Index count = 0;
          for (Index ky = 0; ky < l.kernel; ++ky) {
            for (Index kx = 0; kx < l.kernel; ++kx) {
              const Index v = y * l.stride - l.padding + ky, u = x * l.stride - l.padding + kx;
              if (v < 0 || v >= in.h || u < 0 || u >= in.w) continue;
              const double value = *pass.In(in.At(n, c, v, u));
              most = std::max(most, value);
              sum += value;
              ++count;
            }
          }
          *pass.Row(o.At(n, c, y, x)) =
              l.kind == LayerKind::kMaxPool ? most : sum / static_cast<double>(count);
        }
      }
    }
  }
}

void GlobalPool(const Pass& pass) {
  const Planes in = pass.InPlanes();
  const Index size = in.h * in.w;
  for (Index plane = 0; plane < in.n * in.c; ++plane) {
    double sum = 0;
    for (Index i = 0; i < size; ++i) sum += *pass.In(plane * size + i);
    *pass.Row(plane) = sum / static_cast<double>(size);
  }
}

// Where a pixel's centre lies among those of the input: between `low` and `high`, `part` of the
// way.
struct Between {
  Index low, high;
  double part;
  Between(Index place, Index factor, Index size) {
    const double centre = (static_cast<double>(place) + 0.5) / static_cast<double>(factor) - 0.5;
    const double inside = std::max(centre, 0.0);
    low = static_cast<Index>(inside);
    high = std::min(low + 1, size - 1);
    part = inside - static_cast<double>(low);
  }
};

void Upsample(const Pass& pass) {
  const Planes in = pass.InPlanes(), o = pass.OutPlanes();
  const Index factor = pass.layer.factor;
  for (Index n = 0; n < o.n; ++n) {
    for (Index c = 0; c < o.c; ++c) {
      const auto px = [&](Index y, Index x) { return *pass.In(in.At(n, c, y, x)); };
      for (Index y = 0; y < o.h; ++y) {
        for (Index x = 0; x < o.w; ++x) {
          double& to = *pass.Row(o.At(n, c, y, x));
          if (!pass.layer.bilinear) {
            to = px(y / factor, x / factor);
            continue;
          }
          const Between v(y, factor, in.h), u(x, factor, in.w);
          const double above = px(v.low, u.low) * (1 - u.part) + px(v.low, u.high) * u.part;
          const double below = px(v.high, u.low) * (1 - u.part) + px(v.high, u.high) * u.part;
          to = above * (1 - v.part) + below * v.part;
        }
      }
    }
  }
}

// Channel c f f + i f + j goes to row i, column j of the blocks of channel c.
void PixelShuffle(const Pass& pass) {
  const Planes in = pass.InPlanes(), o = pass.OutPlanes();
  const Index f = pass.layer.factor;
  for (Index n = 0; n < o.n; ++n) {
    for (Index c = 0; c < o.c; ++c) {
      for (Index y = 0; y < o.h; ++y) {
        for (Index x = 0; x < o.w; ++x) {
          const Index channel = c * f * f + y % f * f + x % f;
          *pass.Row(o.At(n, c, y, x)) = *pass.In(in.At(n, channel, y / f, x / f));
        }
      }
    }
  }
}

void Concat(const Pass& pass) {
  const Index batch = pass.out.dims[0];
  double* to = pass.Row(0);
  for (Index n = 0; n < batch; ++n) {
    for (const Array* in : pass.inputs) {
      const Index size = static_cast<Index>(in->data.size()) / batch;
      to = std::copy_n(in->data.data() + n * size, size, to);
    }
  }
}

void AddOrMul(const Pass& pass) {
  pass.out.data = pass.inputs[0]->data;
  for (std::size_t i = 1; i < pass.inputs.size(); ++i) {
    for (std::size_t j = 0; j < pass.out.data.size(); ++j) {
      const double value = pass.inputs[i]->data[j];
      if (pass.layer.kind == LayerKind::kAdd)
        pass.out.data[j] += value;
      else
        pass.out.data[j] *= value;
    }
  }
}

void RunLayer(const Pass& pass) {
  switch (pass.layer.kind) {
    case LayerKind::kInput:
      return;
    case LayerKind::kConv:
      return Conv(pass);
    case LayerKind::kDeconv:
      return Deconv(pass);
    case LayerKind::kDense:
      return Dense(pass);
    case LayerKind::kBatchNorm:
      return BatchNorm(pass);
    case LayerKind::kActivation:
      return Activations(pass);
    case LayerKind::kMaxPool:
    case LayerKind::kAvgPool:
      return Pool(pass);
    case LayerKind::kGlobalPool:
      return GlobalPool(pass);
    case LayerKind::kUpsample:
      return Upsample(pass);
    case LayerKind::kPixelShuffle:
      return PixelShuffle(pass);
    case LayerKind::kReshape:
      pass.out.data = pass.inputs[0]->data;
      return;
    case LayerKind::kConcat:
      return Concat(pass);
    case LayerKind::kAdd:
    case LayerKind::kMul:
      return AddOrMul(pass);
  }
}

// Of an output, for these inputs. Open sides are those of the first input, or of any that has some.
Dims OutDims(const Layer& layer, Index batch, Index height, Index width) {
  Dims dims = {batch};
  for (std::size_t i = 0; i < layer.shape.size(); ++i) {
    dims.push_back(layer.shape[i].Of(i == 1 ? height : width));
  }
  return dims;
}

}  // namespace

std::vector<Array> Forward(const LayerGraph& graph, const Parameters& parameters,
                           const std::vector<Array>& inputs) {
  PIXLOOM_CHECK(inputs.size() == graph.inputs.size(), "not as many inputs as the graph has");
  Index batch = 1, height = 0, width = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    batch = inputs[i].dims[0];
    const Shape& shape = graph.At(graph.inputs[i]).shape;
    if (shape.size() != 3 || shape[1].IsFixed()) continue;
    height = inputs[i].dims[2];
    width = inputs[i].dims[3];
  }
  std::vector<Array> arrays(graph.layers.size());
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const Dims dims = OutDims(graph.At(graph.inputs[i]), batch, height, width);
    PIXLOOM_CHECK(inputs[i].dims == dims, fmt::format("input {} is {}, not {}", i,
                                                      DimsText(inputs[i].dims), DimsText(dims)));
    arrays[static_cast<std::size_t>(graph.inputs[i])] = inputs[i];
  }
  for (std::size_t i = 0; i < graph.layers.size(); ++i) {
    const Layer& layer = graph.layers[i];
    if (layer.kind == LayerKind::kInput) continue;
    arrays[i].dims = OutDims(layer, batch, height, width);
    arrays[i].data.assign(static_cast<std::size_t>(Elements(arrays[i].dims)), 0.0);
    Pass pass{layer, parameters, {}, arrays[i]};
    for (const int input : layer.inputs) {
      pass.inputs.push_back(&arrays[static_cast<std::size_t>(input)]);
    }
    RunLayer(pass);
  }
  std::vector<Array> outputs;
  for (const auto& [name, index] : graph.outputs) {
    outputs.push_back(arrays[static_cast<std::size_t>(index)]);
  }
  return outputs;
}

}  // namespace pixloom
