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

// A source or sink verb: kName, kDoc, Params() and Make(services), which may return null after
// explaining why in a diagnostic.
template <class T>
concept SourceType = requires(const T& t, const Services& s) {
  { t.Make(s) } -> std::convertible_to<std::unique_ptr<Source>>;
};
template <class T>
concept SinkType = requires(const T& t, const Services& s) {
  { t.Make(s) } -> std::convertible_to<std::unique_ptr<Sink>>;
};

class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;  // bound operators point into it
  Registry& operator=(const Registry&) = delete;

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
    SourceInfo info;
    static_cast<VerbInfo&>(info) = DescribeVerb<T>();
    info.bind = [](const Value& args, const Services& services, const std::string& where,
                   Diagnostics& diagnostics) -> std::unique_ptr<Source> {
      T t;
      const int before = diagnostics.ErrorCount();
      BindArguments(t, args, where, diagnostics);
      return diagnostics.ErrorCount() == before ? t.Make(services) : nullptr;
    };
    Insert(std::move(info));
  }

  template <SinkType T>
  void AddSink() {
    SinkInfo info;
    static_cast<VerbInfo&>(info) = DescribeVerb<T>();
    info.bind = [](const Value& args, const Services& services, const std::string& where,
                   Diagnostics& diagnostics) -> std::unique_ptr<Sink> {
      T t;
      const int before = diagnostics.ErrorCount();
      BindArguments(t, args, where, diagnostics);
      return diagnostics.ErrorCount() == before ? t.Make(services) : nullptr;
    };
    Insert(std::move(info));
  }

  // By name or by a peer's alias; nullptr when unknown.
  const OpInfo* FindOperator(std::string_view name) const;
  const SourceInfo* FindSource(std::string_view name) const;
  const SinkInfo* FindSink(std::string_view name) const;

  // Sorted by name.
  const std::map<std::string, OpInfo, std::less<>>& Operators() const { return operators_; }
  const std::map<std::string, SourceInfo, std::less<>>& Sources() const { return sources_; }
  const std::map<std::string, SinkInfo, std::less<>>& Sinks() const { return sinks_; }

 private:
  OpInfo& Insert(OpInfo info);
  void Insert(SourceInfo info);
  void Insert(SinkInfo info);

  std::map<std::string, OpInfo, std::less<>> operators_;
  std::map<std::string, SourceInfo, std::less<>> sources_;
  std::map<std::string, SinkInfo, std::less<>> sinks_;
  std::map<std::string, std::string, std::less<>> operator_aliases_;
};

}  // namespace pixloom
