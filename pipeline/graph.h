// SPDX-License-Identifier: Apache-2.0
// Graph: what the passes transform and the executor runs.
//
// Nodes refer to each other by index into `nodes`. Passes take a graph and return a graph; after
// `schedule` it is immutable and shared by all threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/expression.h"
#include "pipeline/language.h"
#include "pipeline/operator.h"
#include "pipeline/registry.h"

namespace pixloom {

class SampleCache;  // pipeline/sample_cache.h

enum class Scope { kClip, kFrame };

// One step of a chain, or a choice among steps.
struct ChainStep {
  enum class Kind {
    kOperator,
    kSequence,     // chain: all children in order
    kOneOf,        // one child, by weight
    kSomeOf,       // `count` distinct children, in file order
    kSometimes,    // children with chance p, otherwise `otherwise`
    kRandomOrder,  // all children in a drawn order
    kSwitch,       // the first child whose `when` holds
    kScope,        // children on parts or versions of the sample, put back together
    kModel,        // a network; pass `route` makes a node of it
  };

  Kind kind = Kind::kOperator;
  std::shared_ptr<const Operator> op;  // kOperator
  // The step's path ("look/gaussian_blur#1" or "look/NAME"); names its random stream.
  std::shared_ptr<const std::string> stream;
  std::uint32_t stream_id = 0;
  double p = 1;
  double weight = 1;                // inside one_of and some_of
  std::vector<std::string> fields;  // empty: every image field (photometric operators)
  Scope scope = Scope::kClip;
  bool resample_each = false;        // kSequence: no composition inside
  int count_min = 1, count_max = 1;  // kSomeOf
  std::vector<ChainStep> children;
  std::vector<ChainStep> otherwise;  // kSometimes

  std::shared_ptr<const Expression> when;               // child of a kSwitch; null: holds always
  std::shared_ptr<const ScopeOperator> scope_operator;  // kScope; each child is a branch
  bool holds_model = false;  // it or a step inside is a network: groups end before and behind it
  std::shared_ptr<ModelOperator> model;  // kModel
  std::string verb;                      // kScope, kModel: as written, and
  Value args;                            // its arguments, for to_yaml
  Position at;

  // All children in order, as if they stood in its place.
  bool IsPlainSequence() const { return kind == Kind::kSequence && p >= 1 && !resample_each; }
};

struct SplitPart {
  std::string name;
  double share = 0;  // normalised; parts are laid out on [0, 1) in this order
};

// What a memory token of one source has to cover, apart from the picture itself. Results are those
// that wait in sinks, per unit of the plan.
struct TokenModel {
  std::uint64_t results = 0;        // as large as the largest picture on the way, for all we know
  std::uint64_t known_results = 0;  // of known size,
  std::uint64_t known_bytes = 0;    // bytes of all of them
  std::uint64_t largest = 0;        // bytes of the largest picture of known size on the way
};

struct Input {
  int node = -1;
  int output = 0;
  std::string port;
  Position at;
};

struct Node {
  enum class Kind {
    kSource,
    kChain,
    kCopies,
    kMerge,
    kJoin,
    kSplit,
    kPlan,
    kCache,
    kRoute,
    kModel,
    kFilter,
    kViews,
    kWindow,
    kSink
  };

  std::string name;
  std::string verb;  // as written: "shapes", "chain", "copies", "hflip"
  Kind kind = Kind::kChain;
  Position at;
  std::vector<Input> inputs;
  std::vector<std::string> outputs{""};  // names; one unnamed output unless the verb says otherwise
  std::vector<Meta> meta;                // per output, set by `infer`

  std::unique_ptr<Source> source;  // kSource
  Value args;                      // source and sink arguments, for to_yaml
  std::unique_ptr<Sink> sink;      // kSink
  std::vector<ChainStep> steps;    // kChain, kCache; kRoute, kModel: the one they came from
  int copies = 1;                  // kCopies
  std::vector<SplitPart> parts;    // kSplit
  // kSplit: what of the key belongs together (a regular expression; "": the whole key), and whether
  // every class is shared out by itself; the plan then says who goes where.
  std::string split_group;
  bool stratify = false;
  std::shared_ptr<const PlanOperator> plan;      // kPlan
  std::shared_ptr<SampleCache> cache;            // kCache; its steps are `steps`
  std::shared_ptr<const ViewOperator> views;     // kViews
  std::shared_ptr<const Expression> keep;        // kFilter
  std::shared_ptr<const WindowOperator> window;  // kWindow
  std::uint32_t stream_id = 0;                   // kWindow
  double p = 1;                                  // kWindow: chance that an anchor is mixed
  std::optional<OnError::Policy> on_error;

  // Annotations of passes; every value gives the same pixels.
  bool push_down = false;            // decode only what the first group needs
  bool fused = false;                // colour groups strip by strip
  std::optional<TokenModel> tokens;  // kSource

  // kCopies that alone reads a source: its copies are units of the plan, counted by `seq` and
  // handed out by that source one by one, so that a budget holds one copy and not all. -1
  // otherwise.
  int planned_by = -1;
};

struct Graph {
  std::uint64_t seed = 0;
  bool seed_given = false;
  OnError on_error;
  std::optional<std::uint64_t> memory;
  CodecLimits limits;
  std::vector<Node> nodes;

  Graph() = default;
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;

  // Nodes reading (node, output), in file order.
  std::vector<std::pair<int, int>> Readers(int node) const;  // (reader, input index)
  int Find(std::string_view name) const;                     // -1 when absent
  std::string From(const Input& input) const;                // "parts.train": what it reads

  // One line per node: what it is, what it reads, what flows out of it.
  std::string ToText() const;
  std::string ToDot() const;
  // The configuration with every `from` and every default written out.
  std::string ToYaml() const;
};

// `picture`: size of the source's picture, where it is known. How many views there are may depend
// on it; without it the model is empty when it does.
std::optional<TokenModel> MakeTokenModel(const Graph& graph, int source,
                                         std::optional<Size> picture);

// Internal consistency: indices in range, kinds complete, no cycle. Throws InternalError; run after
// every pass.
void Verify(const Graph& graph);

}  // namespace pixloom
