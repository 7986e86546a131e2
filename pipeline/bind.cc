// SPDX-License-Identifier: Apache-2.0
// Pass bind: names and values become typed operators, edges and random streams.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "pipeline/connect.h"
#include "pipeline/passes.h"

namespace pixloom {

namespace {

constexpr int kMaxRepeat = 1000;
constexpr int kMaxCopies = 1'000'000;

class Binder {
 public:
  Binder(const GraphSpec& spec, const Registry& registry, const Services& services,
         Diagnostics& diagnostics)
      : spec_(spec), registry_(registry), services_(services), diagnostics_(diagnostics) {}

  Graph Run() {
    graph_.seed = spec_.seed.value_or(0);
    graph_.seed_given = spec_.seed.has_value();
    graph_.on_error = spec_.on_error;
    graph_.memory = spec_.memory;
    graph_.limits = spec_.limits;
    DecideKinds();
    for (std::size_t i = 0; i < spec_.nodes.size(); ++i) BindNode(i);
    ConnectNodes(spec_, graph_, diagnostics_);
    return std::move(graph_);
  }

 private:
  using Kind = Node::Kind;

  void Error(std::string code, const Position& at, std::string text) {
    diagnostics_.Error(std::move(code), at, std::move(text));
  }

  // ---- what each node is ------------------------------------------------------------------------

  // A verb may be both a source and a sink (image_folder). With `from` it is a sink; without, it is
  // a source when some node reads it or it stands first, and otherwise ends the file as a sink.
  // Decided from the last node backwards, since that tells whether the next node follows this one.
  void DecideKinds() {
    const std::size_t n = spec_.nodes.size();
    kinds_.assign(n, Kind::kChain);
    std::set<std::string> referenced;
    for (const NodeSpec& node : spec_.nodes) {
      if (!node.from) continue;
      for (const Reference& ref : *node.from) referenced.insert(ref.node);
    }
    bool next_follows = false;
    for (std::size_t i = n; i-- > 0;) {
      const NodeSpec& node = spec_.nodes[i];
      const bool source = registry_.FindSource(node.step.verb) != nullptr;
      const bool sink = registry_.FindSink(node.step.verb) != nullptr;
      Kind kind = Kind::kChain;
      if (source && sink) {
        const bool read = referenced.count(node.name) > 0 || next_follows;
        kind = !node.from && (read || i == 0) ? Kind::kSource : Kind::kSink;
      } else if (source) {
        kind = Kind::kSource;
      } else if (sink) {
        kind = Kind::kSink;
      } else if (registry_.FindWindow(node.step.verb) != nullptr) {
        kind = Kind::kWindow;
      } else if (registry_.FindViews(node.step.verb) != nullptr) {
        kind = Kind::kViews;
      } else if (node.step.verb == "copies") {
        kind = Kind::kCopies;
      } else if (node.step.verb == "merge") {
        kind = Kind::kMerge;
      } else if (node.step.verb == "split") {
        kind = Kind::kSplit;
      }
      kinds_[i] = kind;
      next_follows = kind != Kind::kSource && !node.from;
    }
  }

  std::vector<std::string> AllVerbs() const {
    std::vector<std::string> verbs = CompositeVerbs();
    for (const std::string& v : StructureVerbs()) verbs.push_back(v);
    for (std::string& name : registry_.VerbNames()) verbs.push_back(std::move(name));
    return verbs;
  }

  void BindNode(std::size_t index) {
    const NodeSpec& spec = spec_.nodes[index];
    Node node;
    node.name = spec.name;
    node.verb = spec.step.verb;
    node.kind = kinds_[index];
    node.at = spec.at;
    node.on_error = spec.step.on_error;
    const std::string where = fmt::format("{} ({})", spec.name, spec.step.verb);
    if (node.kind != Kind::kChain) RefuseStepModifiers(spec.step, where);
    switch (node.kind) {
      case Kind::kSource: {
        const SourceInfo* info = registry_.FindSource(spec.step.verb);
        node.source = info->bind(spec.step.args, services_, where, diagnostics_);
        node.args = spec.step.args;
        break;
      }
      case Kind::kSink: {
        const SinkInfo* info = registry_.FindSink(spec.step.verb);
        node.sink = info->bind(spec.step.args, services_, where, diagnostics_);
        node.args = spec.step.args;
        node.outputs.clear();
        break;
      }
      case Kind::kWindow: {
        const WindowInfo* info = registry_.FindWindow(spec.step.verb);
        node.window = info->bind(spec.step.args, services_, where, diagnostics_);
        node.args = spec.step.args;
        node.stream_id = StreamId(spec.name + "/" + spec.step.verb);
        break;
      }
      case Kind::kViews: {
        const ViewInfo* info = registry_.FindViews(spec.step.verb);
        node.views = info->bind(spec.step.args, services_, where, diagnostics_);
        node.args = spec.step.args;
        break;
      }
      case Kind::kCopies:
        BindCopies(spec, node, where);
        break;
      case Kind::kSplit:
        BindSplit(spec, node, where);
        break;
      case Kind::kMerge:
        if (spec.step.args.kind != Value::Kind::kNull && !spec.step.args.entries.empty()) {
          Error("CFG-VALUE", spec.step.args.at, where + ": merge takes no arguments");
        }
        break;
      case Kind::kChain:
        BindChain(spec, node);
        break;
    }
    graph_.nodes.push_back(std::move(node));
  }

  void RefuseStepModifiers(const StepSpec& step, const std::string& where) {
    const auto refuse = [&](bool given, std::string_view name) {
      if (given) {
        Error("CFG-KEY", step.at, fmt::format("{}: '{}' has no meaning here", where, name));
      }
    };
    refuse(step.p.has_value(), "p");
    refuse(step.weight.has_value(), "weight");
    refuse(!step.fields.empty(), "fields");
    refuse(step.scope.has_value(), "scope");
    refuse(step.name.has_value(), "name");
    refuse(step.resample_each, "resample");
  }

  void BindCopies(const NodeSpec& spec, Node& node, const std::string& where) {
    const Value* n = &spec.step.args;
    if (n->kind == Value::Kind::kMap) n = n->entries.size() == 1 ? n->Find("n") : nullptr;
    if (n == nullptr || n->kind != Value::Kind::kInt || n->integer < 1 || n->integer > kMaxCopies) {
      Error("CFG-VALUE", spec.step.args.at,
            fmt::format("{}: expected a count in [1, {}], got {}", where, kMaxCopies,
                        n == nullptr ? spec.step.args.Describe() : n->Describe()));
      return;
    }
    node.copies = static_cast<int>(n->integer);
  }

  void BindSplit(const NodeSpec& spec, Node& node, const std::string& where) {
    const Value& args = spec.step.args;
    if (args.kind != Value::Kind::kMap || args.entries.empty()) {
      Error("CFG-VALUE", args.at,
            where + ": expected a mapping of names to shares, as {train: 0.9, val: 0.1}");
      return;
    }
    double total = 0;
    bool usable = true;
    node.outputs.clear();
    for (const Value::Entry& entry : args.entries) {
      if (entry.key.starts_with("x-")) continue;
      node.outputs.push_back(entry.key);
      if (!IsName(entry.key)) {
        Error("CFG-NAME", entry.at,
              fmt::format("{}: '{}': use lower-case letters, digits and _, a letter first", where,
                          entry.key));
        usable = false;
      }
      if (!entry.value.IsNumber() || entry.value.number <= 0 || entry.value.number > 1) {
        Error("CFG-VALUE", entry.value.at,
              fmt::format("{}: {}: expected a share in (0, 1], got {}", where, entry.key,
                          entry.value.Describe()));
        usable = false;
        continue;
      }
      node.parts.push_back({entry.key, entry.value.number});
      total += entry.value.number;
    }
    if (!usable) return;
    if (std::abs(total - 1) > 1e-6) {
      Error("CFG-VALUE", args.at,
            fmt::format("{}: shares add up to {}, expected 1", where, schema::Number(total)));
    }
    for (SplitPart& part : node.parts) part.share /= total;
  }

  // ---- chains -----------------------------------------------------------------------------------

  struct ChainScope {
    const std::string& node;
    std::string suffix;  // "@2" inside the third round of a repeat
    std::vector<std::string> fields;
    Scope scope = Scope::kClip;
    bool weighted = false;  // inside one_of or some_of
  };

  void BindChain(const NodeSpec& spec, Node& node) {
    counts_.clear();
    ChainScope scope{spec.name, "", {}, Scope::kClip, false};
    const bool plain_list = spec.step.verb == "chain" && !spec.step.resample_each && !spec.step.p &&
                            spec.step.fields.empty() && !spec.step.scope;
    if (plain_list) {
      node.steps = BindSteps(spec.step.steps, scope);
    } else if (auto step = BindStep(spec.step, scope)) {
      node.steps.push_back(std::move(*step));
    }
  }

  std::vector<ChainStep> BindSteps(const std::vector<StepSpec>& specs, const ChainScope& scope) {
    std::vector<ChainStep> steps;
    for (const StepSpec& spec : specs) {
      if (auto step = BindStep(spec, scope)) steps.push_back(std::move(*step));
    }
    return steps;
  }

  std::optional<ChainStep> BindStep(const StepSpec& spec, ChainScope scope) {
    const std::string where = fmt::format("{} ({})", scope.node, spec.verb);
    ChainStep step;
    step.at = spec.at;
    step.p = spec.p.value_or(1);
    step.weight = spec.weight.value_or(1);
    if (spec.weight && !scope.weighted) {
      Error("CFG-KEY", spec.at, where + ": weight has a meaning only inside one_of and some_of");
    }
    if (spec.resample_each && spec.verb != "chain") {
      Error("CFG-KEY", spec.at,
            where + ": resample belongs to a chain: {chain: [...], resample: each}");
    }
    step.resample_each = spec.resample_each;
    if (!spec.fields.empty()) scope.fields = spec.fields;
    if (spec.scope) scope.scope = *spec.scope == "frame" ? Scope::kFrame : Scope::kClip;
    step.fields = scope.fields;
    step.scope = scope.scope;

    if (IsStructure(spec.verb)) {
      Error("CFG-VERB", spec.at,
            fmt::format("{}: {} is a node of its own, not a step of a chain", where, spec.verb));
      return std::nullopt;
    }
    if (IsComposite(spec.verb)) {
      NameStream(spec, scope, step);
      return BindComposite(spec, scope, std::move(step), where);
    }
    const OpInfo* info = registry_.FindOperator(spec.verb);
    if (info == nullptr) {
      ReportUnknownVerb(spec, scope);
      return std::nullopt;
    }
    if (info->name != spec.verb) {
      diagnostics_.Notice(
          "CFG-ALIAS", spec.at,
          fmt::format("{}: '{}' is read as '{}'", scope.node, spec.verb, info->name));
    }
    NameStream(spec, scope, step);
    if (info->IsGeometric() && !spec.fields.empty()) {
      Error("CFG-KEY", spec.at,
            where +
                ": geometry always moves every field and label; fields is for photometric "
                "operators");
    }
    step.op = info->bind(spec.args, services_, where, diagnostics_);
    return step;
  }

  void ReportUnknownVerb(const StepSpec& spec, const ChainScope& scope) {
    if (registry_.FindSource(spec.verb) != nullptr || registry_.FindSink(spec.verb) != nullptr ||
        registry_.FindWindow(spec.verb) != nullptr || registry_.FindViews(spec.verb) != nullptr) {
      Error(
          "CFG-VERB", spec.at,
          fmt::format("{}: {} is a node of its own, not a step of a chain", scope.node, spec.verb));
      return;
    }
    const std::string hint = Suggestion(spec.verb, AllVerbs());
    Error("CFG-VERB", spec.at,
          fmt::format("{}: unknown verb '{}'{}", scope.node, spec.verb,
                      hint.empty() ? "; `pixloom ops` lists them" : hint));
  }

  std::optional<ChainStep> BindComposite(const StepSpec& spec, ChainScope scope, ChainStep step,
                                         const std::string& where) {
    const bool weighted = spec.verb == "one_of" || spec.verb == "some_of";
    scope.weighted = weighted;
    if (spec.verb == "repeat") return BindRepeat(spec, scope, std::move(step), where);
    step.kind = spec.verb == "chain"       ? ChainStep::Kind::kSequence
                : spec.verb == "one_of"    ? ChainStep::Kind::kOneOf
                : spec.verb == "some_of"   ? ChainStep::Kind::kSomeOf
                : spec.verb == "sometimes" ? ChainStep::Kind::kSometimes
                                           : ChainStep::Kind::kRandomOrder;
    step.children = BindSteps(spec.steps, scope);
    step.otherwise = BindSteps(spec.otherwise, scope);
    if (step.kind == ChainStep::Kind::kSometimes && !spec.p) step.p = 0.5;
    if (step.kind == ChainStep::Kind::kSomeOf) ReadCount(spec, step, where);
    if (weighted && !step.children.empty()) {
      double total = 0;
      for (const ChainStep& child : step.children) total += child.weight;
      if (total <= 0) Error("CFG-VALUE", spec.at, where + ": all weights are 0");
    }
    return step;
  }

  void ReadCount(const StepSpec& spec, ChainStep& step, const std::string& where) {
    const Value* n = spec.args.Find("n");
    if (n == nullptr) {
      Error("CFG-MISSING", spec.at, where + ": 'n' is required, a count or [least, most]");
      return;
    }
    Range count;
    const bool whole =
        n->kind == Value::Kind::kInt ||
        (n->kind == Value::Kind::kList && n->items.size() == 2 &&
         n->items[0].kind == Value::Kind::kInt && n->items[1].kind == Value::Kind::kInt);
    const auto most = static_cast<double>(spec.steps.size());
    if (!whole || !schema::From(*n, count).empty() || count.lo < 0 || count.hi > most) {
      Error("CFG-VALUE", n->at,
            fmt::format("{}: n: expected a count or [least, most] within [0, {}], got {}", where,
                        spec.steps.size(), n->Describe()));
      return;
    }
    step.count_min = static_cast<int>(count.lo);
    step.count_max = static_cast<int>(count.hi);
  }

  // Rounds are laid out one after the other; each has its own streams.
  std::optional<ChainStep> BindRepeat(const StepSpec& spec, const ChainScope& scope, ChainStep step,
                                      const std::string& where) {
    const Value* times = spec.args.Find("times");
    if (times == nullptr || times->kind != Value::Kind::kInt || times->integer < 1 ||
        times->integer > kMaxRepeat) {
      Error("CFG-VALUE", times == nullptr ? spec.at : times->at,
            fmt::format("{}: times: expected a count in [1, {}], got {}", where, kMaxRepeat,
                        times == nullptr ? "nothing" : times->Describe()));
      return std::nullopt;
    }
    step.kind = ChainStep::Kind::kSequence;
    const auto counts_before = counts_;
    for (std::int64_t round = 0; round < times->integer; ++round) {
      counts_ = counts_before;
      ChainScope inner = scope;
      inner.suffix = scope.suffix + "@" + std::to_string(round);
      const int errors = diagnostics_.ErrorCount();
      for (ChainStep& child : BindSteps(spec.steps, inner)) {
        step.children.push_back(std::move(child));
      }
      if (diagnostics_.ErrorCount() > errors) break;  // the same errors again help nobody
    }
    return step;
  }

  // "look/gaussian_blur#2": the second gaussian_blur of node look, or "look/NAME".
  void NameStream(const StepSpec& spec, const ChainScope& scope, ChainStep& step) {
    std::string path = scope.node + "/";
    if (spec.name) {
      path += *spec.name;
    } else {
      const OpInfo* info = registry_.FindOperator(spec.verb);
      const std::string& verb = info != nullptr ? info->name : spec.verb;
      path += fmt::format("{}#{}", verb, ++counts_[verb]);
    }
    path += scope.suffix;
    step.stream_id = StreamId(path);
    const auto [it, fresh] = streams_.emplace(step.stream_id, path);
    if (!fresh) {
      Error("CFG-NAME", spec.at,
            it->second == path
                ? fmt::format("{}: two steps are named '{}'", scope.node, path)
                : fmt::format("{}: the names '{}' and '{}' draw from one random stream; give one "
                              "of them another name",
                              scope.node, path, it->second));
    }
    step.stream = std::make_shared<const std::string>(std::move(path));
  }

  const GraphSpec& spec_;
  const Registry& registry_;
  const Services& services_;
  Diagnostics& diagnostics_;
  Graph graph_;
  std::vector<Kind> kinds_;
  std::map<std::string, int> counts_;             // verbs seen so far in this node
  std::map<std::uint32_t, std::string> streams_;  // stream id -> path, whole graph
};

}  // namespace

Graph Bind(const GraphSpec& spec, const Registry& registry, const Services& services,
           Diagnostics& diagnostics) {
  return Binder(spec, registry, services, diagnostics).Run();
}

}  // namespace pixloom
