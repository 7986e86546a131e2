// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bind_steps.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "pipeline/config.h"

namespace pixloom {

namespace {

constexpr int kMaxRepeat = 1000;

// What a policy stands for has no place of its own in the file.
void PlaceAt(const Position& at, std::vector<StepSpec>& steps) {
  for (StepSpec& step : steps) {
    step.at = at;
    PlaceAt(at, step.steps);
    PlaceAt(at, step.otherwise);
  }
}

bool MarkModels(std::vector<ChainStep>& steps) {
  bool any = false;
  for (ChainStep& step : steps) {
    const bool inside = MarkModels(step.children);
    const bool other = MarkModels(step.otherwise);
    step.holds_model = step.holds_model || inside || other;
    any = any || step.holds_model;
  }
  return any;
}

}  // namespace

std::shared_ptr<const Expression> BindExpression(const Value& text, const std::string& where,
                                                 Diagnostics& diagnostics) {
  if (!text.IsScalar() || text.text.empty()) {
    diagnostics.Error(
        "CFG-VALUE", text.at,
        fmt::format("{}: expected an expression, as width >= 64, got {}", where, text.Describe()));
    return nullptr;
  }
  auto expression = Expression::Parse(text.text);
  if (!expression) {
    diagnostics.Error("CFG-VALUE", text.at,
                      fmt::format("{}: {}: {}", where, Quoted(text.text), expression.Error()));
    return nullptr;
  }
  return std::make_shared<const Expression>(std::move(*expression));
}

std::vector<ChainStep> StepBinder::BindNode(const NodeSpec& spec) {
  counts_.clear();
  const ChainScope scope{spec.name, "", {}, Scope::kClip, false, ""};
  const bool plain_list = spec.step.verb == "chain" && !spec.step.resample_each && !spec.step.p &&
                          spec.step.fields.empty() && !spec.step.scope;
  std::vector<ChainStep> steps;
  if (plain_list || spec.step.verb == "cache") {
    steps = BindSteps(spec.step.steps, scope);
  } else if (auto step = BindStep(spec.step, scope)) {
    steps.push_back(std::move(*step));
  }
  MarkModels(steps);
  return steps;
}

std::vector<std::string> StepBinder::AllVerbs() const {
  std::vector<std::string> verbs = CompositeVerbs();
  for (const std::string& v : StructureVerbs()) verbs.push_back(v);
  for (std::string& name : registry_.VerbNames()) verbs.push_back(std::move(name));
  return verbs;
}

std::vector<ChainStep> StepBinder::BindSteps(const std::vector<StepSpec>& specs,
                                             const ChainScope& scope) {
  std::vector<ChainStep> steps;
  for (const StepSpec& spec : specs) {
    if (auto step = BindStep(spec, scope)) steps.push_back(std::move(*step));
  }
  return steps;
}

std::optional<ChainStep> StepBinder::BindStep(const StepSpec& spec, ChainScope scope) {
  const std::string where = fmt::format("{} ({})", scope.node, spec.verb);
  ChainStep step;
  step.at = spec.at;
  step.p = spec.p.value_or(1);
  step.weight = spec.weight.value_or(1);
  if (spec.weight && !scope.weighted) {
    Error("CFG-KEY", spec.at, where + ": weight has a meaning only inside one_of and some_of");
  }
  if (spec.resample_each && spec.verb != "chain" && registry_.FindPolicy(spec.verb) == nullptr) {
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
    if (IsScope(spec.verb)) return BindScope(spec, std::move(scope), std::move(step), where);
    return BindComposite(spec, std::move(scope), std::move(step), where);
  }
  if (registry_.FindPolicy(spec.verb) != nullptr) {
    NameStream(spec, scope, step);
    return BindPolicy(spec, scope, std::move(step), where);
  }
  if (registry_.FindModel(spec.verb) != nullptr) {
    NameStream(spec, scope, step);
    return BindModel(spec, scope, std::move(step), where);
  }
  return BindOperator(spec, scope, std::move(step), where);
}

std::optional<ChainStep> StepBinder::BindModel(const StepSpec& spec, const ChainScope&,
                                               ChainStep step, const std::string& where) {
  try {
    step.model = registry_.FindModel(spec.verb)->bind(spec.args, services_, where, diagnostics_);
  } catch (const ModelRejectedError& e) {
    Error(e.Code(), spec.at, fmt::format("{}: {}", where, e.what()));
  }
  if (step.model == nullptr) return std::nullopt;
  for (const std::string& note : step.model->Notes()) {
    diagnostics_.Notice("MOD-NOTE", spec.at, fmt::format("{}: {}", where, note));
  }
  step.kind = ChainStep::Kind::kModel;
  step.holds_model = true;
  step.verb = spec.verb;
  step.args = spec.args;
  return step;
}

std::optional<ChainStep> StepBinder::BindOperator(const StepSpec& spec, const ChainScope& scope,
                                                  ChainStep step, const std::string& where) {
  const OpInfo* info = registry_.FindOperator(spec.verb);
  if (info == nullptr) {
    ReportUnknownVerb(spec, scope);
    return std::nullopt;
  }
  if (info->name != spec.verb) {
    diagnostics_.Notice("CFG-ALIAS", spec.at,
                        fmt::format("{}: '{}' is read as '{}'", scope.node, spec.verb, info->name));
  }
  NameStream(spec, scope, step);
  if (info->IsGeometric() && !spec.fields.empty()) {
    Error("CFG-KEY", spec.at,
          where +
              ": geometry always moves every field and label; fields is for photometric "
              "operators");
  }
  if (info->IsGeometric() && !scope.still.empty()) {
    const bool moves = info->Has("affine") || info->Has("field");
    Error("CFG-KEY", spec.at,
          fmt::format("{}: {}; take it out of there", where,
                      moves ? fmt::format("moves pixels, which {} cannot put back", scope.still)
                            : fmt::format("is about labels, which {} leaves alone", scope.still)));
  }
  step.op = info->bind(spec.args, services_, where, diagnostics_);
  return step;
}

// Arguments of the scope; its steps are one branch, or each of them is.
std::optional<ChainStep> StepBinder::BindScope(const StepSpec& spec, ChainScope scope,
                                               ChainStep step, const std::string& where) {
  const ScopeInfo* info = registry_.FindScope(spec.verb);
  if (info == nullptr) {
    ReportUnknownVerb(spec, scope);
    return std::nullopt;
  }
  step.kind = ChainStep::Kind::kScope;
  step.verb = spec.verb;
  step.args = spec.args;
  step.scope_operator = info->bind(spec.args, services_, where, diagnostics_);
  if (step.scope_operator != nullptr && !step.scope_operator->AllowsGeometry()) {
    scope.still = spec.verb;
  }
  scope.weighted = false;
  step.children = BindSteps(spec.steps, scope);
  if (!info->branches && !step.children.empty()) {
    ChainStep all;
    all.kind = ChainStep::Kind::kSequence;
    all.at = spec.at;
    all.children = std::move(step.children);
    step.children.clear();
    step.children.push_back(std::move(all));
  }
  return step;
}

// The steps a policy stands for draw from streams below its own, so that it shifts no other step's
// and two policies in one chain share none.
std::optional<ChainStep> StepBinder::BindPolicy(const StepSpec& spec, const ChainScope& scope,
                                                ChainStep step, const std::string& where) {
  const PolicyInfo* info = registry_.FindPolicy(spec.verb);
  const std::string text = info->steps(spec.args, where, diagnostics_);
  if (text.empty()) return std::nullopt;
  Variables none;
  Diagnostics inside;
  const auto list = ParseYaml(text, spec.verb, none, inside);
  PIXLOOM_CHECK(list.has_value(), spec.verb + " writes no YAML: " + text);
  std::vector<StepSpec> steps = ParseSteps(*list, AllVerbs(), where, inside);
  PIXLOOM_CHECK(!inside.HasErrors(), spec.verb + " writes no steps: " + text);
  PlaceAt(spec.at, steps);
  ChainScope below = scope;
  below.node = *step.stream;
  below.suffix.clear();
  below.fields = step.fields;
  below.scope = step.scope;
  below.weighted = false;
  std::map<std::string, int> outer;
  std::swap(outer, counts_);
  step.kind = ChainStep::Kind::kSequence;
  step.children = BindSteps(steps, below);
  std::swap(outer, counts_);
  return step;
}

void StepBinder::ReportUnknownVerb(const StepSpec& spec, const ChainScope& scope) {
  if (registry_.FindSource(spec.verb) != nullptr || registry_.FindSink(spec.verb) != nullptr ||
      registry_.FindWindow(spec.verb) != nullptr || registry_.FindViews(spec.verb) != nullptr) {
    Error("CFG-VERB", spec.at,
          fmt::format("{}: {} is a node of its own, not a step of a chain", scope.node, spec.verb));
    return;
  }
  const std::string hint = Suggestion(spec.verb, AllVerbs());
  Error("CFG-VERB", spec.at,
        fmt::format("{}: unknown verb '{}'{}", scope.node, spec.verb,
                    hint.empty() ? "; `pixloom ops` lists them" : hint));
}

std::optional<ChainStep> StepBinder::BindComposite(const StepSpec& spec, ChainScope scope,
                                                   ChainStep step, const std::string& where) {
  const bool weighted = spec.verb == "one_of" || spec.verb == "some_of";
  scope.weighted = weighted;
  if (spec.verb == "switch") {
    scope.weighted = false;
    BindCases(spec, scope, step, where);
    return step;
  }
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

void StepBinder::BindCases(const StepSpec& spec, const ChainScope& scope, ChainStep& step,
                           const std::string& where) {
  step.kind = ChainStep::Kind::kSwitch;
  for (const StepSpec& one : spec.steps) {
    ChainStep bound;
    bound.kind = ChainStep::Kind::kSequence;
    bound.at = one.at;
    if (one.when) bound.when = BindExpression(*one.when, where, diagnostics_);
    bound.children = BindSteps(one.steps, scope);
    step.children.push_back(std::move(bound));
  }
}

void StepBinder::ReadCount(const StepSpec& spec, ChainStep& step, const std::string& where) {
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
std::optional<ChainStep> StepBinder::BindRepeat(const StepSpec& spec, const ChainScope& scope,
                                                ChainStep step, const std::string& where) {
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
void StepBinder::NameStream(const StepSpec& spec, const ChainScope& scope, ChainStep& step) {
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

}  // namespace pixloom
