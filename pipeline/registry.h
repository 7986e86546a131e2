// SPDX-License-Identifier: Apache-2.0
// Registry: the table of everything a configuration may name. YAML binding, the CLI, the docs and
// the tests read it; nothing is written a second time.
//
// Filled once by explicit Register functions (a self-registering object in a static library is
// dropped by linkers), then immutable and shared by all threads. Tests build small private ones.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/contracts.h"
#include "pipeline/operator.h"
#include "pipeline/schema.h"

namespace pixloom {

struct SourceInfo : VerbInfo {
  std::function<std::unique_ptr<Source>(const Value& args, const Services& services,
                                        const std::string& where, Diagnostics&)>
      bind;
};

struct SinkInfo : VerbInfo {
  std::function<std::unique_ptr<Sink>(const Value& args, const Services& services,
                                      const std::string& where, Diagnostics&)>
      bind;
};

struct WindowInfo : VerbInfo {
  std::function<std::shared_ptr<const WindowOperator>(const Value& args, const Services& services,
                                                      const std::string& where, Diagnostics&)>
      bind;
};

struct PlanInfo : VerbInfo {
  std::function<std::shared_ptr<const PlanOperator>(const Value& args, const Services& services,
                                                    const std::string& where, Diagnostics&)>
      bind;
};

struct ModelInfo : VerbInfo {
  std::function<std::shared_ptr<ModelOperator>(const Value& args, const Services& services,
                                               const std::string& where, Diagnostics&)>
      bind;
};

struct ScopeInfo : VerbInfo {
  bool branches = false;  // each of its steps is a branch; otherwise all of them are one
  std::function<std::shared_ptr<const ScopeOperator>(const Value& args, const Services& services,
                                                     const std::string& where, Diagnostics&)>
      bind;
};

// A policy is written in the graph language itself: its parameters become a list of steps as YAML.
struct PolicyInfo : VerbInfo {
  std::function<std::string(const Value& args, const std::string& where, Diagnostics&)> steps;
};

struct ViewInfo : VerbInfo {
  std::function<std::shared_ptr<const ViewOperator>(const Value& args, const Services& services,
                                                    const std::string& where, Diagnostics&)>
      bind;
};

// A source, sink, window, plan, model, scope or view verb: kName, kDoc, Params() and
// Make(services).
template <class T>
concept SourceType = requires(const T& t, const Services& s) {
  { t.Make(s) } -> std::convertible_to<std::unique_ptr<Source>>;
};
template <class T>
concept SinkType = requires(const T& t, const Services& s) {
  { t.Make(s) } -> std::convertible_to<std::unique_ptr<Sink>>;
};
template <class T>
concept WindowType = requires(const T& t, const Services& s) {
  { t.Make(s) } -> std::convertible_to<std::shared_ptr<const WindowOperator>>;
};

template <class T>
concept PlanType = requires(const T& t, const Services& s) {
  { t.Make(s) } -> std::convertible_to<std::shared_ptr<const PlanOperator>>;
};

template <class T>
concept ModelType = requires(const T& t, const Services& s) {
  { t.Make(s) } -> std::convertible_to<std::shared_ptr<ModelOperator>>;
};

// Its kBranches, where there is one, says that each of its steps is a branch of its own.
template <class T>
concept ScopeType = requires(const T& t, const Services& s) {
  { t.Make(s) } -> std::convertible_to<std::shared_ptr<const ScopeOperator>>;
};

// A policy: kName, kDoc, Params() and Steps().
template <class T>
concept PolicyType = requires(const T& t) {
  { t.Steps() } -> std::convertible_to<std::string>;
};

template <class T>
concept ViewType = requires(const T& t, const Services& s) {
  { t.Make(s) } -> std::convertible_to<std::shared_ptr<const ViewOperator>>;
};

class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;  // bound operators point into it
  Registry& operator=(const Registry&) = delete;

  // Everything but sources and sinks added from here on belongs to this group of the reference.
  void BeginGroup(std::string_view title) { groups_.emplace_back(title); }
  const std::vector<std::string>& Groups() const { return groups_; }

  template <OperatorType Op>
  void AddOperator() {
    OpInfo& info = Insert(DescribeOperator<Op>());
    info.bind = [&info](const Value& args, const Services& services, const std::string& where,
                        Diagnostics& diagnostics) -> std::shared_ptr<const Operator> {
      Op op;
      BindArguments(op, args, where, diagnostics);
      if constexpr (requires { op.Use(services); }) op.Use(services);
      return std::make_shared<BoundOperator<Op>>(info, std::move(op));
    };
  }

  template <SourceType T>
  void AddSource() {
    Insert(sources_, DescribeMaker<T, SourceInfo, std::unique_ptr<Source>>());
  }

  template <SinkType T>
  void AddSink() {
    Insert(sinks_, DescribeMaker<T, SinkInfo, std::unique_ptr<Sink>>());
  }

  template <WindowType T>
  void AddWindow() {
    InsertInGroup(windows_, DescribeMaker<T, WindowInfo, std::shared_ptr<const WindowOperator>>());
  }

  template <PlanType T>
  void AddPlan() {
    InsertInGroup(plans_, DescribeMaker<T, PlanInfo, std::shared_ptr<const PlanOperator>>());
  }

  template <ModelType T>
  void AddModel() {
    InsertInGroup(models_, DescribeMaker<T, ModelInfo, std::shared_ptr<ModelOperator>>());
  }

  template <ScopeType T>
  void AddScope() {
    auto info = DescribeMaker<T, ScopeInfo, std::shared_ptr<const ScopeOperator>>();
    if constexpr (requires { T::kBranches; }) info.branches = T::kBranches;
    InsertInGroup(scopes_, std::move(info));
  }

  template <PolicyType T>
  void AddPolicy() {
    PolicyInfo info;
    static_cast<VerbInfo&>(info) = DescribeVerb<T>();
    info.steps = [](const Value& args, const std::string& where,
                    Diagnostics& diagnostics) -> std::string {
      T t;
      const int before = diagnostics.ErrorCount();
      BindArguments(t, args, where, diagnostics);
      return diagnostics.ErrorCount() == before ? t.Steps() : "";
    };
    InsertInGroup(policies_, std::move(info));
  }

  template <ViewType T>
  void AddViews() {
    InsertInGroup(views_, DescribeMaker<T, ViewInfo, std::shared_ptr<const ViewOperator>>());
  }

  // By name or by a peer's alias; nullptr when unknown.
  const OpInfo* FindOperator(std::string_view name) const;
  const SourceInfo* FindSource(std::string_view name) const;
  const SinkInfo* FindSink(std::string_view name) const;
  const WindowInfo* FindWindow(std::string_view name) const;
  const PlanInfo* FindPlan(std::string_view name) const;
  const ModelInfo* FindModel(std::string_view name) const;
  const ScopeInfo* FindScope(std::string_view name) const;
  const PolicyInfo* FindPolicy(std::string_view name) const;
  const ViewInfo* FindViews(std::string_view name) const;

  // Everything that can be named, aliases of operators left out.
  std::vector<std::string> VerbNames() const;

  // Sorted by name.
  const std::map<std::string, OpInfo, std::less<>>& Operators() const { return operators_; }
  const std::map<std::string, SourceInfo, std::less<>>& Sources() const { return sources_; }
  const std::map<std::string, SinkInfo, std::less<>>& Sinks() const { return sinks_; }
  const std::map<std::string, WindowInfo, std::less<>>& Windows() const { return windows_; }
  const std::map<std::string, PlanInfo, std::less<>>& Plans() const { return plans_; }
  const std::map<std::string, ModelInfo, std::less<>>& Models() const { return models_; }
  const std::map<std::string, ScopeInfo, std::less<>>& Scopes() const { return scopes_; }
  const std::map<std::string, PolicyInfo, std::less<>>& Policies() const { return policies_; }
  const std::map<std::string, ViewInfo, std::less<>>& Views() const { return views_; }

 private:
  template <class T, class Info, class Made>
  static Info DescribeMaker() {
    Info info;
    static_cast<VerbInfo&>(info) = DescribeVerb<T>();
    info.bind = [](const Value& args, const Services& services, const std::string& where,
                   Diagnostics& diagnostics) -> Made {
      T t;
      const int before = diagnostics.ErrorCount();
      BindArguments(t, args, where, diagnostics);
      return diagnostics.ErrorCount() == before ? Made(t.Make(services)) : nullptr;
    };
    return info;
  }

  template <class Info>
  static void Insert(std::map<std::string, Info, std::less<>>& table, Info info) {
    const std::string name = info.name;
    PIXLOOM_CHECK(table.emplace(name, std::move(info)).second, "registered twice: " + name);
  }

  template <class Info>
  void InsertInGroup(std::map<std::string, Info, std::less<>>& table, Info info) {
    info.group = groups_.back();
    Insert(table, std::move(info));
  }

  OpInfo& Insert(OpInfo info);

  std::vector<std::string> groups_{"Operators"};

  std::map<std::string, OpInfo, std::less<>> operators_;
  std::map<std::string, SourceInfo, std::less<>> sources_;
  std::map<std::string, SinkInfo, std::less<>> sinks_;
  std::map<std::string, WindowInfo, std::less<>> windows_;
  std::map<std::string, PlanInfo, std::less<>> plans_;
  std::map<std::string, ModelInfo, std::less<>> models_;
  std::map<std::string, ScopeInfo, std::less<>> scopes_;
  std::map<std::string, PolicyInfo, std::less<>> policies_;
  std::map<std::string, ViewInfo, std::less<>> views_;
  std::map<std::string, std::string, std::less<>> operator_aliases_;
};

}  // namespace pixloom
