// SPDX-License-Identifier: Apache-2.0
#include "models/self_check.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "pipeline/rng.h"

namespace pixloom {

namespace {

// Why a check ends, as a value on its way up.
struct Wrong {
  std::string text;
};

// A whole output in double precision.
struct Seen {
  Dims dims;  // with the batch
  std::vector<double> values;
  std::int64_t batch() const { return dims.front(); }
  std::int64_t item_size() const { return static_cast<std::int64_t>(values.size()) / batch(); }
};

double Largest(std::span<const double> values) {
  double largest = 0;
  for (const double v : values) largest = std::max(largest, std::abs(v));
  return largest;
}

class Check {
 public:
  Check(Network& network, const GraphFile& graph, double tolerance)
      : network_(network), graph_(graph), tolerance_(tolerance) {
    if (graph.check) check_ = *graph.check;
  }

  void Run(bool fixed_batch, std::int64_t batch) {
    const bool expected = graph_.check && (!fixed_batch || batch == check_.batch);
    const std::int64_t first_batch = fixed_batch ? batch : check_.batch;
    const std::vector<Seen> first = RunBatch(first_batch);
    if (expected) CompareExpected(first);
    if (!fixed_batch && first_batch != 1) {
      CompareItems(first, RunBatch(1), fmt::format("alone and among {}", first_batch));
    }
    CompareItems(first, RunBatch(first_batch),
                 fixed_batch ? "in two runs" : "before and after another batch size");
  }

 private:
  std::vector<Seen> RunBatch(std::int64_t batch) {
    std::vector<Tensor> inputs;
    for (const Port& port : graph_.inputs) inputs.push_back(Input(port, batch));
    const auto outputs = network_.Run(inputs);
    if (!outputs) {
      throw Wrong{fmt::format("a batch of {} does not run: {}", batch, outputs.Error().message)};
    }
    if (outputs->size() != graph_.outputs.size()) {
      throw Wrong{
          fmt::format("{} outputs, the manifest says {}", outputs->size(), graph_.outputs.size())};
    }
    std::vector<Seen> seen;
    for (std::size_t i = 0; i < outputs->size(); ++i) {
      seen.push_back(Look(graph_.outputs[i], (*outputs)[i], batch));
    }
    return seen;
  }

  Tensor Input(const Port& port, std::int64_t batch) {
    Dims dims = port.dims;
    if (const auto sizes = check_.sizes.find(port.name); sizes != check_.sizes.end()) {
      dims = sizes->second;
    }
    // Nothing is known but that any size will do.
    constexpr std::int64_t kAnySide = 32;
    std::replace(dims.begin(), dims.end(), std::int64_t{-1}, kAnySide);
    dims.insert(dims.begin(), batch);
    Tensor tensor = network_.NewInput(std::move(dims));
    for (std::int64_t n = 0; n < batch; ++n) {
      DrawCheckInput(check_.seed, port.name, n, tensor.item(n));
    }
    return tensor;
  }

  static Seen Look(const Port& port, const Tensor& output, std::int64_t batch) {
    const Dims& dims = output.dims();
    bool fits = dims.size() == port.dims.size() + 1 && dims.front() == batch;
    for (std::size_t i = 0; fits && i < port.dims.size(); ++i) {
      fits = dims[i + 1] >= 1 && (port.dims[i] < 0 || dims[i + 1] == port.dims[i]);
    }
    if (!fits) {
      throw Wrong{fmt::format("output {} is {} for a batch of {}, the manifest says {} each",
                              port.name, DimsText(dims), batch, DimsText(port.dims))};
    }
    Seen seen{dims, {}};
    const std::span<const float> values(output.data(), static_cast<std::size_t>(output.size()));
    seen.values.assign(values.begin(), values.end());
    const auto bad =
        std::count_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    if (bad > 0) {
      throw Wrong{
          fmt::format("output {}: {} of {} values are not finite", port.name, bad, values.size())};
    }
    return seen;
  }

  void CompareExpected(const std::vector<Seen>& seen) const {
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const std::string& name = graph_.outputs[i].name;
      const auto it = check_.outputs.find(name);
      if (it == check_.outputs.end()) continue;
      const GraphCheck::Expected& want = it->second;
      const GraphCheck::Expected got = Summarise(check_.seed, name, seen[i].values);
      const double scale =
          std::max({1.0, Largest(want.values), std::abs(want.mean), want.deviation});
      Compare(name, "mean", got.mean, want.mean, scale);
      Compare(name, "standard deviation", got.deviation, want.deviation, scale);
      for (std::size_t v = 0; v < std::min(got.values.size(), want.values.size()); ++v) {
        Compare(name, fmt::format("checked value {}", v), got.values[v], want.values[v], scale);
      }
    }
  }

  void Compare(const std::string& output, const std::string& what, double got, double want,
               double scale) const {
    if (std::abs(got - want) <= tolerance_ * scale) return;
    throw Wrong{
        fmt::format("output {}: {} is {:.6g}, the manifest says {:.6g}", output, what, got, want)};
  }

  // Items that both runs have; each has the same inputs in both.
  void CompareItems(const std::vector<Seen>& one, const std::vector<Seen>& other,
                    const std::string& when) const {
    for (std::size_t i = 0; i < one.size(); ++i) {
      const std::string& name = graph_.outputs[i].name;
      if (one[i].item_size() != other[i].item_size()) {
        throw Wrong{fmt::format("output {}: items are of other sizes {}", name, when)};
      }
      const auto common =
          static_cast<std::size_t>(std::min(one[i].batch(), other[i].batch()) * one[i].item_size());
      const double scale = std::max(1.0, Largest(one[i].values));
      double worst = 0;
      for (std::size_t v = 0; v < common; ++v) {
        worst = std::max(worst, std::abs(one[i].values[v] - other[i].values[v]));
      }
      if (worst > tolerance_ * scale) {
        throw Wrong{fmt::format("output {}: results differ by {:.3g} {}", name, worst, when)};
      }
    }
  }

  Network& network_;
  const GraphFile& graph_;
  double tolerance_;
  GraphCheck check_;
};

}  // namespace

void DrawCheckInput(std::uint64_t seed, const std::string& input, std::int64_t item,
                    std::span<float> out) {
  const StreamKey key{seed, static_cast<std::uint64_t>(item), StreamId("input/" + input)};
  PhiloxBlock words{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % 4 == 0) words = key.Block(static_cast<std::uint32_t>(i / 4));
    // 24 bits: every value is exact in float.
    out[i] = static_cast<float>(words[i % 4] >> 8) * 0x1p-23f - 1.0f;
  }
}

std::vector<std::int64_t> CheckedPlaces(std::uint64_t seed, const std::string& output,
                                        std::int64_t size) {
  const StreamKey key{seed, static_cast<std::uint64_t>(size), StreamId("output/" + output)};
  std::vector<std::int64_t> places;
  for (std::uint32_t i = 0; size > 0 && i < kCheckedValues; ++i) {
    const PhiloxBlock words = key.Block(i);
    const std::uint64_t bits = std::uint64_t{words[0]} << 32 | words[1];
    places.push_back(static_cast<std::int64_t>(bits % static_cast<std::uint64_t>(size)));
  }
  return places;
}

GraphCheck::Expected Summarise(std::uint64_t seed, const std::string& output,
                               std::span<const double> values) {
  GraphCheck::Expected result;
  if (values.empty()) return result;
  const auto n = static_cast<double>(values.size());
  for (const double v : values) result.mean += v / n;
  double squares = 0;
  for (const double v : values) squares += (v - result.mean) * (v - result.mean) / n;
  result.deviation = std::sqrt(squares);
  for (const std::int64_t place :
       CheckedPlaces(seed, output, static_cast<std::int64_t>(values.size()))) {
    result.values.push_back(values[static_cast<std::size_t>(place)]);
  }
  return result;
}

std::string CheckNetwork(Network& network, const GraphFile& graph, bool fixed_batch,
                         std::int64_t batch, double tolerance) {
  try {
    Check(network, graph, tolerance).Run(fixed_batch, batch);
    return "";
  } catch (const Wrong& wrong) {
    return wrong.text;
  }
}

}  // namespace pixloom
