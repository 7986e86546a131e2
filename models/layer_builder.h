// SPDX-License-Identifier: Apache-2.0
// A layer graph while it is read: names, shapes, limits. A layer that is wrong is kept without a
// shape, and whatever reads it is not looked at further, so that one slip gives one message.
//
// Used by one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/layer_list.h"
#include "pipeline/error.h"
#include "pipeline/value.h"

namespace pixloom {

inline constexpr std::size_t kMostLayers = 2000;
inline constexpr std::int64_t kMostParameters = 512'000'000;

class GraphBuilder {
 public:
  explicit GraphBuilder(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  // "VERB_1", or the next number that is free.
  std::string FreeName(const std::string& verb);
  // Whether layers or outputs may be called so; reports NET-NAME.
  bool CheckName(const std::string& name, const Position& at);

  // Works out the shape (reports NET-SHAPE) unless an input has none. REQUIRES: a free name.
  int Add(Layer layer);
  // Something that could not be read but has a name.
  int AddUnknown(const std::string& name, const Position& at);

  // The layer that `reference` names; reports NET-NAME.
  std::optional<int> Find(const Value& reference);
  const int* Find(const std::string& name) const;

  const Shape& ShapeOfLayer(int index) const {
    return graph_.layers[static_cast<std::size_t>(index)].shape;
  }
  // One too many of something; nothing more is worth reading.
  bool Full() const { return full_; }
  void Error(std::string code, const Position& at, std::string text);
  Diagnostics& Found() { return diagnostics_; }

  LayerGraph& Graph() { return graph_; }
  // What can only be said of the whole.
  void CheckUse();
  void CheckSides(const Position& at);

 private:
  LayerGraph graph_;
  std::map<std::string, int> names_;
  std::map<std::string, std::string> parameter_names_;  // "conv1_weight" -> "conv1"
  std::map<std::string, int> counts_;                   // by verb
  std::int64_t parameters_ = 0;
  bool full_ = false;
  Diagnostics& diagnostics_;
};

// [A-Za-z_][A-Za-z0-9_]*, at most 64 characters.
bool IsLayerName(std::string_view name);

}  // namespace pixloom
