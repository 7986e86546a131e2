// SPDX-License-Identifier: Apache-2.0
// Pass bind: names and values become typed operators, edges and random streams.
#include <algorithm>
#include <cmath>
#include <map>
#include <regex>
#include <set>

#include <fmt/format.h>

#include "pipeline/bind_cache.h"
#include "pipeline/bind_steps.h"
#include "pipeline/connect.h"
#include "pipeline/passes.h"

namespace pixloom {

namespace {

constexpr int kMaxCopies = 1'000'000;

class Binder {
 public:
  Binder(const GraphSpec& spec, const Registry& registry, const Services& services,
         Diagnostics& diagnostics)
      : spec_(spec),
        registry_(registry),
        services_(services),
        diagnostics_(diagnostics),
        steps_(registry, services, diagnostics) {}

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
      } else if (registry_.FindPlan(node.step.verb) != nullptr) {
        kind = Kind::kPlan;
      } else if (registry_.FindViews(node.step.verb) != nullptr) {
        kind = Kind::kViews;
      } else if (node.step.verb == "copies") {
        kind = Kind::kCopies;
      } else if (node.step.verb == "merge") {
        kind = Kind::kMerge;
      } else if (node.step.verb == "split") {
        kind = Kind::kSplit;
      } else if (node.step.verb == "join") {
        kind = Kind::kJoin;
      } else if (node.step.verb == "filter") {
        kind = Kind::kFilter;
      } else if (node.step.verb == "cache") {
        kind = Kind::kCache;
      }
      kinds_[i] = kind;
      next_follows = kind != Kind::kSource && !node.from;
    }
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
    if (node.kind != Kind::kChain) {
      RefuseStepModifiers(spec.step, node.kind == Kind::kWindow, where);
    }
    switch (node.kind) {
      case Kind::kSource: {
        const SourceInfo* info = registry_.FindSource(spec.step.verb);
        try {
          node.source = info->bind(spec.step.args, services_, where, diagnostics_);
        } catch (const ModelRejectedError& e) {
          Error(e.Code(), spec.at, fmt::format("{}: {}", where, e.what()));
        }
        if (const auto network = node.source ? node.source->Network() : nullptr) {
          for (const std::string& note : network->Notes()) {
            diagnostics_.Notice("MOD-NOTE", spec.at, fmt::format("{}: {}", where, note));
          }
        }
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
        node.p = spec.step.p.value_or(1);
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
      case Kind::kPlan: {
        const PlanInfo* info = registry_.FindPlan(spec.step.verb);
        node.plan = info->bind(spec.step.args, services_, where, diagnostics_);
        node.args = spec.step.args;
        node.stream_id = StreamId(spec.name + "/" + spec.step.verb);
        break;
      }
      case Kind::kCache:
        node.steps = steps_.BindNode(spec);
        node.cache = BindCache(spec, node.steps, graph_.limits, diagnostics_);
        node.args = spec.step.args;
        break;
      case Kind::kRoute:  // made by passes
      case Kind::kModel:
        break;
      case Kind::kFilter:
        node.keep = BindExpression(spec.step.args, where, diagnostics_);
        break;
      case Kind::kJoin:
        break;  // its ports are edges
      case Kind::kMerge:
        if (spec.step.args.kind != Value::Kind::kNull && !spec.step.args.entries.empty()) {
          Error("CFG-VALUE", spec.step.args.at, where + ": merge takes no arguments");
        }
        break;
      case Kind::kChain:
        node.steps = steps_.BindNode(spec);
        break;
    }
    graph_.nodes.push_back(std::move(node));
  }

  void RefuseStepModifiers(const StepSpec& step, bool window, const std::string& where) {
    const auto refuse = [&](bool given, std::string_view name) {
      if (given) {
        Error("CFG-KEY", step.at, fmt::format("{}: '{}' has no meaning here", where, name));
      }
    };
    refuse(step.p.has_value() && !window, "p");
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

  // Names and shares stand there by themselves, or under `parts` beside how to share out.
  void BindSplit(const NodeSpec& spec, Node& node, const std::string& where) {
    const Value& args = spec.step.args;
    const Value* parts = args.kind == Value::Kind::kMap ? args.Find("parts") : nullptr;
    if (parts == nullptr || parts->kind != Value::Kind::kMap) {
      BindParts(args, node, where);
      return;
    }
    BindParts(*parts, node, where);
    for (const Value::Entry& entry : args.entries) {
      if (entry.key == "parts" || entry.key.starts_with("x-")) continue;
      std::string problem;
      if (entry.key == "group") {
        problem = schema::From(entry.value, node.split_group);
        if (problem.empty()) problem = ProblemOfPattern(node.split_group);
      } else if (entry.key == "stratify") {
        problem = schema::From(entry.value, node.stratify);
      } else {
        Error("CFG-KEY", entry.at,
              fmt::format("{}: unknown parameter '{}'; known: parts, group, stratify", where,
                          entry.key));
      }
      if (!problem.empty()) {
        Error("CFG-VALUE", entry.value.at, fmt::format("{}: {}: {}", where, entry.key, problem));
      }
    }
  }

  static std::string ProblemOfPattern(const std::string& pattern) {
    constexpr std::size_t kLongest = 1000;
    if (pattern.empty()) return "expected a regular expression, got an empty text";
    if (pattern.size() > kLongest) {
      return fmt::format("a regular expression of {} bytes; at most {}", pattern.size(), kLongest);
    }
    try {
      const std::regex compiled(pattern);
    } catch (const std::regex_error& error) {
      return fmt::format("{} is no regular expression: {}", Quoted(pattern), error.what());
    }
    return "";
  }

  void BindParts(const Value& args, Node& node, const std::string& where) {
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

  const GraphSpec& spec_;
  const Registry& registry_;
  const Services& services_;
  Diagnostics& diagnostics_;
  Graph graph_;
  std::vector<Kind> kinds_;
  StepBinder steps_;
};

}  // namespace

Graph Bind(const GraphSpec& spec, const Registry& registry, const Services& services,
           Diagnostics& diagnostics) {
  return Binder(spec, registry, services, diagnostics).Run();
}

}  // namespace pixloom
