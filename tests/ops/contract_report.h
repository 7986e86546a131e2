// SPDX-License-Identifier: Apache-2.0
// What the contract checks share: the list of findings, and a pipeline of one operator.
#pragma once

#include <string>
#include <utility>

#include <fmt/format.h>

#include "api/pixloom.h"
#include "tests/ops/contract_checks.h"

namespace pixloom::testing {

class Report {
 public:
  explicit Report(const OpInfo& op) : op_(op.name) {}
  template <class... Args>
  void Add(fmt::format_string<Args...> text, Args&&... args) {
    found_.push_back(op_ + ": " + fmt::format(text, std::forward<Args>(args)...));
  }
  Violations& Found() { return found_; }

 private:
  std::string op_;
  Violations found_;
};

inline LoadOptions OptionsFor(const Registry& registry) {
  LoadOptions options;
  options.registry = &registry;
  return options;
}

inline std::string OneOp(const OpInfo& op, const std::string& args, const std::string& canvas,
                         int seed = 11) {
  return fmt::format(
      "version: 1\nseed: {}\non_error: {{max_bad: 100%}}\nnodes:\n"
      "  src: {{canvas: {{{}}}}}\n  op: {{{}: {{{}}}}}\n  out: {{collect: out}}\n",
      seed, canvas, op.name, args);
}

}  // namespace pixloom::testing
