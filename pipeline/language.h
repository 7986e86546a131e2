// SPDX-License-Identifier: Apache-2.0
// The graph language: from a Value tree to a GraphSpec, the configuration as plain data.
//
//   doc  = {version, seed?, include?, on_error?, memory?, limits?, nodes: {NAME: node}}
//   node = [step+] | {VERB: args, mod*}          a list is {chain: [...]}
//   step = VERB | {VERB: args, mod*}             exactly one VERB
//   args = scalar or list (the primary parameter) | mapping
//   mod  = from | p | fields | scope | name | weight | resample | on_error
//   from = REF | [REF+] | {PORT: REF}            REF = NAME[.OUTPUT]
//
// This stage knows the grammar and the verbs that hold steps; what other verbs mean is bound later.
// Pure functions; everything wrong is reported at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/config.h"
#include "pipeline/contracts.h"
#include "pipeline/error.h"
#include "pipeline/value.h"

namespace pixloom {

// Who handles bad samples, and how many are too many.
struct OnError {
  enum class Policy { kQuarantine, kFail };
  Policy policy = Policy::kQuarantine;
  double max_bad_fraction = 0.01;
  std::optional<std::int64_t> max_bad_count;  // instead of the fraction
};

struct StepSpec {
  std::string verb;
  Position at;  // of the verb
  Value args;   // as written, without `p` and without child steps
  std::optional<double> p;
  std::optional<double> weight;
  std::vector<std::string> fields;
  Position fields_at;
  std::optional<std::string> scope;  // "clip" or "frame"
  std::optional<std::string> name;   // NAME, or as to_yaml writes it NAME#2@0
  bool resample_each = false;
  std::optional<OnError::Policy> on_error;
  std::vector<StepSpec> steps;      // children of a verb that holds steps
  std::vector<StepSpec> otherwise;  // sometimes: else
  std::optional<Value> when;        // a case of switch: its expression; empty for `else`
};

struct Reference {
  std::string port;  // of the reader; "" unless written as a mapping
  std::string node;
  std::string output;  // of the writer; "" = its only output
  Position at;
};

struct NodeSpec {
  std::string name;
  Position at;
  StepSpec step;  // a list of steps is a `chain`
  std::optional<std::vector<Reference>> from;
  Position from_at;
  bool included = false;  // from another file: must write its `from` out
};

struct GraphSpec {
  std::int64_t version = 1;
  std::optional<std::uint64_t> seed;
  OnError on_error;
  std::optional<std::uint64_t> memory;  // bytes
  CodecLimits limits;                   // what a picture may claim before it is refused
  std::vector<NodeSpec> nodes;
};

// [a-z][a-z0-9_]*: what nodes, outputs and fields may be called.
bool IsName(std::string_view text);

// Verbs that hold steps: chain, one_of, some_of, sometimes, random_order, repeat, switch, and the
// scopes, whose meaning the registry knows: blend, in_region, with_channels, with_color_space.
const std::vector<std::string>& CompositeVerbs();
bool IsComposite(std::string_view verb);
bool IsScope(std::string_view verb);

// Verbs that shape the graph: cache (which holds steps, too), copies, filter, join, merge, split.
const std::vector<std::string>& StructureVerbs();
bool IsStructure(std::string_view verb);

// `verbs` are the names the registry knows; with them a misspelt modifier is told from a second
// verb. Reads `include`d files relative to the file that names them. Returns nullopt when it added
// errors that leave no graph to look at; otherwise the caller goes on and collects more.
std::optional<GraphSpec> ParseGraph(const Value& document, const std::vector<std::string>& verbs,
                                    Variables& variables, Diagnostics& diagnostics);

// A list of steps by itself, as a policy writes it. `where` opens every message.
std::vector<StepSpec> ParseSteps(const Value& list, const std::vector<std::string>& verbs,
                                 const std::string& where, Diagnostics& diagnostics);

// "256MiB", "2GiB", "1.5 GB", plain bytes; nullopt when it is none of these.
std::optional<std::uint64_t> ParseBytes(std::string_view text);

}  // namespace pixloom
