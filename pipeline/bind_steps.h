// SPDX-License-Identifier: Apache-2.0
// Binds the steps of chains: verbs become operators, policies become the steps they stand for, and
// every step gets its random stream. Part of pass bind; one binder serves a whole graph, since
// streams must differ everywhere.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/graph.h"

namespace pixloom {

class StepBinder {
 public:
  StepBinder(const Registry& registry, const Services& services, Diagnostics& diagnostics)
      : registry_(registry), services_(services), diagnostics_(diagnostics) {}

  // The steps of a node that is a chain or a cache.
  std::vector<ChainStep> BindNode(const NodeSpec& spec);

 private:
  // What a step inherits from what it stands in.
  struct ChainScope {
    std::string node;    // its name; inside a policy with the policy's path, "look/rand_augment#1"
    std::string suffix;  // "@2" inside the third round of a repeat
    std::vector<std::string> fields;
    Scope scope = Scope::kClip;
    bool weighted = false;  // inside one_of or some_of
    std::string still;      // the scope around it that allows no geometry, if any
  };

  void Error(std::string code, const Position& at, std::string text) {
    diagnostics_.Error(std::move(code), at, std::move(text));
  }
  std::vector<ChainStep> BindSteps(const std::vector<StepSpec>& specs, const ChainScope& scope);
  std::optional<ChainStep> BindStep(const StepSpec& spec, ChainScope scope);
  std::optional<ChainStep> BindOperator(const StepSpec& spec, const ChainScope& scope,
                                        ChainStep step, const std::string& where);
  std::optional<ChainStep> BindComposite(const StepSpec& spec, ChainScope scope, ChainStep step,
                                         const std::string& where);
  std::optional<ChainStep> BindModel(const StepSpec& spec, const ChainScope& scope, ChainStep step,
                                     const std::string& where);
  std::optional<ChainStep> BindScope(const StepSpec& spec, ChainScope scope, ChainStep step,
                                     const std::string& where);
  std::optional<ChainStep> BindPolicy(const StepSpec& spec, const ChainScope& scope, ChainStep step,
                                      const std::string& where);
  std::optional<ChainStep> BindRepeat(const StepSpec& spec, const ChainScope& scope, ChainStep step,
                                      const std::string& where);
  void BindCases(const StepSpec& spec, const ChainScope& scope, ChainStep& step,
                 const std::string& where);
  void ReadCount(const StepSpec& spec, ChainStep& step, const std::string& where);
  void ReportUnknownVerb(const StepSpec& spec, const ChainScope& scope);
  void NameStream(const StepSpec& spec, const ChainScope& scope, ChainStep& step);
  std::vector<std::string> AllVerbs() const;

  const Registry& registry_;
  const Services& services_;
  Diagnostics& diagnostics_;
  std::map<std::string, int> counts_;             // verbs seen so far in this node or policy
  std::map<std::uint32_t, std::string> streams_;  // stream id -> path, whole graph
};

// Parses `text` as an expression; reports what is wrong with it at its place.
std::shared_ptr<const Expression> BindExpression(const Value& text, const std::string& where,
                                                 Diagnostics& diagnostics);

}  // namespace pixloom
