// SPDX-License-Identifier: Apache-2.0
#include "pipeline/language.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "pipeline/settings.h"

namespace pixloom {

bool IsName(std::string_view text) {
  if (text.empty() || text[0] < 'a' || text[0] > 'z') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

namespace {

const std::vector<std::string> kModifiers{"from", "p",      "fields",   "scope",
                                          "name", "weight", "resample", "on_error"};
const std::vector<std::string> kScopes{"blend", "in_region", "with_channels", "with_color_space"};
constexpr int kMaxIncludeDepth = 8;

bool Contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// A name, or the end of a stream's path as to_yaml writes it: "hflip#2@0",
// "rand_augment#1/shear#2".
bool IsStepName(std::string_view text) {
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    return IsStepName(text.substr(0, slash)) && IsStepName(text.substr(slash + 1));
  }
  const std::size_t end = std::min(text.find_first_of("#@"), text.size());
  if (!IsName(text.substr(0, end))) return false;
  bool digit = true;
  for (const char c : text.substr(end)) {
    const bool mark = c == '#' || c == '@';
    if (mark ? !digit : c < '0' || c > '9') return false;
    digit = !mark;
  }
  return digit;
}

class GraphParser {
 public:
  GraphParser(const std::vector<std::string>& verbs, Variables& variables, Diagnostics& diagnostics)
      : verbs_(verbs), variables_(variables), diagnostics_(diagnostics) {}

  std::vector<StepSpec> Steps(const Value& list, const std::string& where) {
    return ReadSteps(list, where);
  }

  std::optional<GraphSpec> Run(const Value& document) {
    GraphSpec spec;
    if (!ReadDocument(document, spec, /*depth=*/0)) return std::nullopt;
    return spec;
  }

 private:
  void Error(std::string code, const Position& at, std::string text) {
    diagnostics_.Error(std::move(code), at, std::move(text));
  }

  bool ReadDocument(const Value& document, GraphSpec& spec, int depth) {
    if (document.kind != Value::Kind::kMap) {
      Error("CFG-DOC", document.at,
            fmt::format("a pipeline is a mapping with the keys version and nodes, got {}",
                        document.Describe()));
      return false;
    }
    static const std::vector<std::string> kTop{"version", "seed",   "include", "on_error",
                                               "memory",  "limits", "nodes"};
    static const std::vector<std::string> kIncluded{"version", "include", "nodes"};
    const std::vector<std::string>& known = depth == 0 ? kTop : kIncluded;
    for (const Value::Entry& entry : document.entries) {
      if (entry.key.starts_with("x-")) continue;
      if (!Contains(known, entry.key)) {
        const char* where = depth == 0 ? "a pipeline" : "an included file";
        Error("CFG-KEY", entry.at,
              fmt::format("unknown key '{}' in {}{}", entry.key, where,
                          Suggestion(entry.key, known)));
      }
    }
    const Value* version = document.Find("version");
    if (version == nullptr) {
      Error("CFG-MISSING", document.at, "key 'version' is required; write version: 1");
    } else if (version->kind != Value::Kind::kInt || version->integer != 1) {
      Error("CFG-VALUE", version->at,
            fmt::format("version: this build reads version 1, got {}", version->Describe()));
    }
    if (depth == 0) ReadSettings(document, spec, diagnostics_);
    if (const Value* include = document.Find("include")) ReadIncludes(*include, spec, depth);
    const Value* nodes = document.Find("nodes");
    if (nodes == nullptr) {
      Error("CFG-MISSING", document.at, "key 'nodes' is required; it holds the graph");
      return false;
    }
    if (nodes->kind != Value::Kind::kMap) {
      Error("CFG-VALUE", nodes->at,
            fmt::format("nodes: expected a mapping of names to nodes, got {}", nodes->Describe()));
      return false;
    }
    for (const Value::Entry& entry : nodes->entries) {
      if (entry.key.starts_with("x-")) continue;
      ReadNode(entry, spec, depth > 0);
    }
    return true;
  }

  void ReadIncludes(const Value& include, GraphSpec& spec, int depth) {
    const std::vector<Value> files =
        include.kind == Value::Kind::kList ? include.items : std::vector<Value>{include};
    for (const Value& file : files) {
      if (file.kind != Value::Kind::kString) {
        Error("CFG-VALUE", file.at,
              fmt::format("include: expected a file name, got {}", file.Describe()));
        continue;
      }
      const std::filesystem::path path =
          std::filesystem::path(file.at.file).parent_path() / file.text;
      std::error_code ignored;
      const std::string identity = std::filesystem::weakly_canonical(path, ignored).string();
      if (depth >= kMaxIncludeDepth || !including_.insert(identity).second) {
        Error("CFG-INCLUDE", file.at,
              fmt::format("include: '{}' includes itself or nests deeper than {}", file.text,
                          kMaxIncludeDepth));
        continue;
      }
      if (const auto document = LoadYaml(path.string(), variables_, diagnostics_)) {
        ReadDocument(*document, spec, depth + 1);
      }
      including_.erase(identity);
    }
  }

  void ReadNode(const Value::Entry& entry, GraphSpec& spec, bool included) {
    NodeSpec node;
    node.name = entry.key;
    node.at = entry.at;
    node.included = included;
    if (!IsName(entry.key)) {
      Error("CFG-NAME", entry.at,
            fmt::format("node name '{}': use lower-case letters, digits and _, a letter first",
                        entry.key));
    }
    for (const NodeSpec& other : spec.nodes) {
      if (other.name == entry.key) {
        Error("CFG-DUP", entry.at,
              fmt::format("node '{}' is already defined at {}", entry.key, other.at.Text()));
        return;
      }
    }
    const Value& value = entry.value;
    if (value.kind == Value::Kind::kList) {
      node.step.verb = "chain";
      node.step.at = value.at;
      node.step.steps = ReadSteps(value, node.name);
    } else if (value.kind == Value::Kind::kMap) {
      auto step = ReadStep(value, node.name, &node);
      if (!step) return;
      node.step = std::move(*step);
      if (node.step.verb == "join") ReadPorts(node);
    } else {
      Error("CFG-NODE", value.at.line > 0 ? value.at : entry.at,
            fmt::format("node '{}' is a list of steps or a mapping {{verb: arguments}}, got {}",
                        entry.key, value.Describe()));
      return;
    }
    spec.nodes.push_back(std::move(node));
  }

  // `join: {image: a, target: b}` reads what it joins; `from` says the same.
  void ReadPorts(NodeSpec& node) {
    Value& args = node.step.args;
    if (args.kind == Value::Kind::kNull) return;
    if (args.kind != Value::Kind::kMap) {
      Error("CFG-VALUE", args.at,
            fmt::format("{} (join): expected a mapping of fields to nodes, as {{image: a, target: "
                        "b}}, got {}",
                        node.name, args.Describe()));
      return;
    }
    std::erase_if(args.entries, [](const Value::Entry& e) { return e.key.starts_with("x-"); });
    if (args.entries.empty()) return;
    if (node.from) {
      Error("CFG-FROM", node.from_at,
            node.name + " (join): names what it reads twice; keep the arguments or from");
    }
    node.from = ReadFrom(args, node.name);
    node.from_at = args.at;
  }

  std::vector<StepSpec> ReadSteps(const Value& list, const std::string& where) {
    std::vector<StepSpec> steps;
    if (list.kind != Value::Kind::kList || list.items.empty()) {
      Error(
          "CFG-STEPS", list.at,
          fmt::format("{}: expected a list of at least one step, got {}", where, list.Describe()));
      return steps;
    }
    for (const Value& item : list.items) {
      if (auto step = ReadStep(item, where, nullptr)) steps.push_back(std::move(*step));
    }
    return steps;
  }

  // `node` is set for the outermost step of a node, where `from` is allowed.
  std::optional<StepSpec> ReadStep(const Value& value, const std::string& where, NodeSpec* node) {
    StepSpec step;
    step.at = value.at;
    if (value.kind == Value::Kind::kString) {
      step.verb = value.text;
      step.args.at = value.at;
      if (IsComposite(step.verb)) {
        Error("CFG-STEPS", value.at, fmt::format("{}: {} needs steps", where, step.verb));
        return std::nullopt;
      }
      return step;
    }
    if (value.kind == Value::Kind::kList) {
      step.verb = "chain";
      step.steps = ReadSteps(value, where);
      return step;
    }
    if (value.kind != Value::Kind::kMap) {
      Error("CFG-STEP", value.at,
            fmt::format("{}: a step is a verb or a mapping {{verb: arguments}}, got {}", where,
                        value.Describe()));
      return std::nullopt;
    }
    const Value::Entry* verb = FindVerb(value, where);
    for (const Value::Entry& entry : value.entries) {
      if (&entry != verb && Contains(kModifiers, entry.key)) {
        ReadModifier(entry, where, step, node);
      }
    }
    if (verb == nullptr) return std::nullopt;
    step.verb = verb->key;
    step.at = verb->at;
    step.args = verb->value;
    if (step.args.at.line == 0) step.args.at = verb->at;
    TakeInnerProbability(step, where);
    if (IsComposite(step.verb) || step.verb == "cache") ReadChildren(step, where);
    return step;
  }

  // The one entry that is neither modifier nor note.
  const Value::Entry* FindVerb(const Value& map, const std::string& where) {
    std::vector<const Value::Entry*> candidates;
    for (const Value::Entry& entry : map.entries) {
      if (!Contains(kModifiers, entry.key) && !entry.key.starts_with("x-")) {
        candidates.push_back(&entry);
      }
    }
    if (candidates.empty()) {
      Error("CFG-STEP", map.at, fmt::format("{}: this step names no verb", where));
      return nullptr;
    }
    if (candidates.size() == 1) return candidates[0];
    std::vector<const Value::Entry*> verbs;
    for (const Value::Entry* c : candidates) {
      if (Contains(verbs_, c->key)) verbs.push_back(c);
    }
    if (verbs.size() != 1) {
      Error("CFG-STEP", candidates[1]->at,
            fmt::format("{}: a step has exactly one verb, got '{}' and '{}'", where,
                        candidates[0]->key, candidates[1]->key));
      return verbs.empty() ? nullptr : verbs[0];
    }
    for (const Value::Entry* c : candidates) {
      if (c == verbs[0]) continue;
      const std::string hint = Suggestion(c->key, kModifiers);
      Error("CFG-KEY", c->at,
            fmt::format("{}: unknown key '{}' beside '{}'{}", where, c->key, verbs[0]->key,
                        hint.empty() ? "; arguments go below the verb" : hint));
    }
    return verbs[0];
  }

  void ReadModifier(const Value::Entry& entry, const std::string& where, StepSpec& step,
                    NodeSpec* node) {
    const Value& value = entry.value;
    if (entry.key == "from") {
      if (node == nullptr) {
        Error("CFG-FROM", entry.at,
              fmt::format("{}: 'from' belongs to a node, not to a step of a chain", where));
        return;
      }
      node->from = ReadFrom(value, where);
      node->from_at = entry.at;
    } else if (entry.key == "p") {
      step.p = ReadProbability(value, where);
    } else if (entry.key == "weight") {
      if (value.IsNumber() && value.number >= 0 && std::isfinite(value.number)) {
        step.weight = value.number;
      } else {
        Error("CFG-VALUE", value.at,
              fmt::format("{}: weight: expected a number of at least 0, got {}", where,
                          value.Describe()));
      }
    } else if (entry.key == "fields") {
      step.fields = ReadWords(value, where, "fields");
      step.fields_at = entry.at;
    } else if (entry.key == "scope") {
      if (value.IsScalar() && (value.text == "clip" || value.text == "frame")) {
        step.scope = value.text;
      } else {
        Error("CFG-VALUE", value.at,
              fmt::format("{}: scope: expected clip or frame, got {}", where, value.Describe()));
      }
    } else if (entry.key == "name") {
      if (value.IsScalar() && IsStepName(value.text)) {
        step.name = value.text;
      } else {
        Error("CFG-NAME", value.at,
              fmt::format("{}: name: use lower-case letters, digits and _, a letter first, got {}",
                          where, value.Describe()));
      }
    } else if (entry.key == "resample") {
      if (value.IsScalar() && (value.text == "each" || value.text == "once")) {
        step.resample_each = value.text == "each";
      } else {
        Error("CFG-VALUE", value.at,
              fmt::format("{}: resample: expected each or once, got {}", where, value.Describe()));
      }
    } else if (entry.key == "on_error") {
      if (node == nullptr) {
        Error("CFG-KEY", entry.at,
              fmt::format("{}: on_error belongs to a node, not to a step of a chain", where));
        return;
      }
      step.on_error = ReadPolicy(value, diagnostics_);
    }
  }

  std::vector<std::string> ReadWords(const Value& value, const std::string& where,
                                     std::string_view what) {
    std::vector<std::string> words;
    const std::vector<Value> items =
        value.kind == Value::Kind::kList ? value.items : std::vector<Value>{value};
    for (const Value& item : items) {
      if (item.kind == Value::Kind::kString && IsName(item.text)) {
        words.push_back(item.text);
      } else {
        Error("CFG-VALUE", item.at,
              fmt::format("{}: {}: expected names, got {}", where, what, item.Describe()));
      }
    }
    return words;
  }

  std::optional<double> ReadProbability(const Value& value, const std::string& where) {
    if (value.IsNumber() && value.number >= 0 && value.number <= 1) return value.number;
    Error("CFG-VALUE", value.at,
          fmt::format("{}: p: expected a number in [0, 1], got {}", where, value.Describe()));
    return std::nullopt;
  }

  std::vector<Reference> ReadFrom(const Value& value, const std::string& where) {
    std::vector<Reference> from;
    const auto add = [&](const Value& item, const std::string& port) {
      const std::size_t dot = item.text.find('.');
      const std::string node = item.text.substr(0, dot);
      const std::string output = dot == std::string::npos ? "" : item.text.substr(dot + 1);
      if (item.kind != Value::Kind::kString || !IsName(node) ||
          (dot != std::string::npos && !IsName(output))) {
        Error(
            "CFG-FROM", item.at,
            fmt::format("{}: from: expected NODE or NODE.OUTPUT, got {}", where, item.Describe()));
        return;
      }
      from.push_back({port, node, output, item.at});
    };
    if (value.kind == Value::Kind::kList) {
      for (const Value& item : value.items) add(item, "");
    } else if (value.kind == Value::Kind::kMap) {
      for (const Value::Entry& entry : value.entries) add(entry.value, entry.key);
    } else {
      add(value, "");
    }
    return from;
  }

  // `p` may stand inside the arguments; it is the step's, not the verb's.
  void TakeInnerProbability(StepSpec& step, const std::string& where) {
    if (step.args.kind != Value::Kind::kMap || step.verb == "split" || step.verb == "join") return;
    auto& entries = step.args.entries;
    const auto it = std::find_if(entries.begin(), entries.end(),
                                 [](const Value::Entry& e) { return e.key == "p"; });
    if (it == entries.end()) return;
    if (step.p) {
      Error("CFG-DUP", it->at,
            fmt::format("{}: {}: p stands inside the arguments and beside the verb; keep one",
                        where, step.verb));
    } else {
      step.p = ReadProbability(it->value, where + " (" + step.verb + ")");
    }
    entries.erase(it);
  }

  // [{when: EXPRESSION, then: [steps]}, ..., {else: [steps]}]
  void ReadCases(StepSpec& step, const std::string& where) {
    if (step.args.kind != Value::Kind::kList || step.args.items.empty()) {
      Error(
          "CFG-STEPS", step.args.at,
          fmt::format("{}: switch: expected a list of {{when: EXPRESSION, then: [steps]}}, got {}",
                      where, step.args.Describe()));
      return;
    }
    for (const Value& item : step.args.items) {
      if (auto one = ReadCase(item, &item == &step.args.items.back(), where + ": switch")) {
        step.steps.push_back(std::move(*one));
      }
    }
    step.args = Value::Map({}, step.args.at);
  }

  std::optional<StepSpec> ReadCase(const Value& item, bool last, const std::string& where) {
    constexpr std::string_view kForms =
        "a case is {when: EXPRESSION, then: [steps]}, the last one may be {else: [steps]}";
    if (item.kind != Value::Kind::kMap) {
      Error("CFG-STEPS", item.at, fmt::format("{}: {}, got {}", where, kForms, item.Describe()));
      return std::nullopt;
    }
    static const std::vector<std::string> kKeys{"when", "then", "else"};
    bool known = true;
    for (const Value::Entry& entry : item.entries) {
      if (entry.key.starts_with("x-") || Contains(kKeys, entry.key)) continue;
      Error("CFG-KEY", entry.at,
            fmt::format("{}: unknown key '{}' in a case{}", where, entry.key,
                        Suggestion(entry.key, kKeys)));
      known = false;
    }
    const Value* when = item.Find("when");
    const Value* then = item.Find("then");
    const Value* otherwise = item.Find("else");
    const bool whole = otherwise == nullptr ? when != nullptr && then != nullptr
                                            : when == nullptr && then == nullptr;
    if (!whole) {
      if (known) Error("CFG-STEPS", item.at, fmt::format("{}: {}", where, kForms));
      return std::nullopt;
    }
    if (otherwise != nullptr && !last) {
      Error("CFG-STEPS", item.at,
            where + ": 'else' stands last; the cases behind it would never be tried");
    }
    StepSpec one;
    one.verb = "chain";
    one.at = item.at;
    if (when != nullptr) one.when = *when;
    // A case may say that there is nothing to do.
    const Value& steps = otherwise != nullptr ? *otherwise : *then;
    const bool nothing = steps.kind == Value::Kind::kList && steps.items.empty();
    if (!nothing) one.steps = ReadSteps(steps, where);
    return one;
  }

  void ReadChildren(StepSpec& step, const std::string& where) {
    if (step.verb == "switch") return ReadCases(step, where);
    const bool cache = step.verb == "cache";  // its steps may be missing
    if (cache && step.args.kind == Value::Kind::kNull) step.args = Value::Map({}, step.args.at);
    if (step.args.kind != Value::Kind::kMap) {
      step.steps = ReadSteps(step.args, where);
      step.args = Value::Map({}, step.args.at);
      return;
    }
    const bool sometimes = step.verb == "sometimes";
    const std::string steps_key = sometimes ? "then" : "steps";
    std::vector<std::string> known{steps_key};
    if (sometimes) known.push_back("else");
    if (step.verb == "some_of") known.push_back("n");
    if (step.verb == "repeat") known.push_back("times");
    if (cache) known.insert(known.end(), {"path", "memory", "disk"});
    std::vector<Value::Entry> kept;
    bool found = false;
    for (Value::Entry& entry : step.args.entries) {
      if (entry.key == steps_key) {
        step.steps = ReadSteps(entry.value, where);
        found = true;
      } else if (sometimes && entry.key == "else") {
        step.otherwise = ReadSteps(entry.value, where);
      } else if (Contains(known, entry.key) || IsScope(step.verb)) {
        kept.push_back(std::move(entry));
      } else if (!entry.key.starts_with("x-")) {
        Error("CFG-KEY", entry.at,
              fmt::format("{}: unknown key '{}' in {}{}", where, entry.key, step.verb,
                          Suggestion(entry.key, known)));
      }
    }
    if (!found && !cache) {
      Error("CFG-MISSING", step.args.at,
            fmt::format("{}: {} needs '{}', a list of steps", where, step.verb, steps_key));
    }
    step.args.entries = std::move(kept);
  }

  const std::vector<std::string>& verbs_;
  Variables& variables_;
  Diagnostics& diagnostics_;
  std::set<std::string> including_;
};

}  // namespace

const std::vector<std::string>& CompositeVerbs() {
  static const std::vector<std::string> verbs = [] {
    std::vector<std::string> all{"chain",        "one_of", "some_of", "sometimes",
                                 "random_order", "repeat", "switch"};
    all.insert(all.end(), kScopes.begin(), kScopes.end());
    return all;
  }();
  return verbs;
}

bool IsComposite(std::string_view verb) { return Contains(CompositeVerbs(), verb); }

bool IsScope(std::string_view verb) { return Contains(kScopes, verb); }

const std::vector<std::string>& StructureVerbs() {
  static const std::vector<std::string> verbs{"cache", "copies", "filter",
                                              "join",  "merge",  "split"};
  return verbs;
}

bool IsStructure(std::string_view verb) { return Contains(StructureVerbs(), verb); }

std::vector<StepSpec> ParseSteps(const Value& list, const std::vector<std::string>& verbs,
                                 const std::string& where, Diagnostics& diagnostics) {
  Variables none;
  return GraphParser(verbs, none, diagnostics).Steps(list, where);
}

std::optional<GraphSpec> ParseGraph(const Value& document, const std::vector<std::string>& verbs,
                                    Variables& variables, Diagnostics& diagnostics) {
  return GraphParser(verbs, variables, diagnostics).Run(document);
}

}  // namespace pixloom
