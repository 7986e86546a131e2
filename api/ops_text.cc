// SPDX-License-Identifier: Apache-2.0
// What the registry knows, as text, Markdown, JSON and JSON Schema. One table, many readers.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/pixloom.h"
#include "pipeline/config.h"
#include "pipeline/language.h"

namespace pixloom {

namespace {

using Json = nlohmann::ordered_json;

std::string DefaultText(const ParamInfo& param) {
  return param.required ? "required" : ToJson(param.default_value);
}

std::string RangeText(const ParamInfo& param) {
  std::string text;
  if (param.range) {
    text = fmt::format("[{}, {}]", schema::Number(param.range->first),
                       schema::Number(param.range->second));
  }
  for (const std::string& choice : param.choices) text += (text.empty() ? "" : ", ") + choice;
  return text;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// What a user calls each kind of verb that is no operator.
constexpr const char* kViewsKind = "node: several pictures of one";
constexpr const char* kPlanKind = "node: which entries take part";
constexpr const char* kWindowKind = "node: several samples at once";
constexpr const char* kModelKind = "step: a network";
constexpr const char* kScopeKind = "step around other steps";
constexpr const char* kPolicyKind = "policy: a step that stands for others";

// Calls fn(verb, kind) for everything of a group but operators.
template <class F>
void ForOthers(const Registry& registry, const std::string& group, F fn) {
  const auto visit = [&](const auto& table, const char* kind) {
    for (const auto& [key, verb] : table) {
      if (verb.group == group) fn(verb, kind);
    }
  };
  visit(registry.Views(), kViewsKind);
  visit(registry.Plans(), kPlanKind);
  visit(registry.Windows(), kWindowKind);
  visit(registry.Models(), kModelKind);
  visit(registry.Scopes(), kScopeKind);
  visit(registry.Policies(), kPolicyKind);
}

std::string VerbText(const VerbInfo& verb, const std::string& kind) {
  std::string text = fmt::format("{}  ({})\n  {}\n", verb.name, kind, verb.doc);
  if (!verb.aliases.empty()) text += fmt::format("  also: {}\n", Joined(verb.aliases));
  for (const ParamInfo& p : verb.params) {
    text += fmt::format("  {:<16} {:<7} {:<24} {}{}{}\n", p.name + (p.primary ? "*" : ""),
                        ParamTypeName(p.type), DefaultText(p), RangeText(p),
                        p.unit.empty() ? "" : " " + p.unit + "", "  " + p.doc);
  }
  return text;
}

std::string OpKind(const OpInfo& op) {
  return fmt::format("operator; steps: {}; {}; {}", Joined(op.classes),
                     DeterminismName(op.determinism), op.support.Text());
}

std::string VerbMarkdown(const VerbInfo& verb, const std::string& kind) {
  std::string text = fmt::format("### {}\n\n{}\n\n{}.", verb.name, verb.doc, kind);
  if (!verb.aliases.empty()) text += fmt::format(" Also read as: {}.", Joined(verb.aliases));
  text += "\n\n";
  if (verb.params.empty()) return text + "No parameters.\n\n";
  text += "| parameter | type | default | range | unit | meaning |\n|---|---|---|---|---|---|\n";
  for (const ParamInfo& p : verb.params) {
    std::string name = fmt::format("`{}`", p.name);
    if (p.primary) name += " (primary)";
    std::string doc = p.doc;
    if (!p.aliases.empty()) doc += fmt::format(" Also `{}`.", Joined(p.aliases));
    text += fmt::format("| {} | {} | `{}` | {} | {} | {} |\n", name, ParamTypeName(p.type),
                        DefaultText(p), RangeText(p), p.unit, doc);
  }
  return text + "\n";
}

// Which operator works on what.
std::string SupportTable(const Registry& registry) {
  std::string text =
      "## What works on what\n\n| operator | uint8 | uint16 | float32 | 1 | 3 | 4 | other channels "
      "|\n|---|---|---|---|---|---|---|---|\n";
  const auto mark = [](bool yes) { return yes ? "yes" : ""; };
  for (const auto& [key, op] : registry.Operators()) {
    const Support& s = op.support;
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", key, mark(s.u8), mark(s.u16),
                        mark(s.f32), mark(s.one), mark(s.three), mark(s.four), mark(s.many));
  }
  return text + "\n";
}

Json ParamsJson(const VerbInfo& verb) {
  Json list = Json::array();
  for (const ParamInfo& p : verb.params) {
    Json j;
    j["name"] = p.name;
    j["type"] = ParamTypeName(p.type);
    j["doc"] = p.doc;
    if (!p.unit.empty()) j["unit"] = p.unit;
    if (p.required)
      j["required"] = true;
    else
      j["default"] = Json::parse(ToJson(p.default_value));
    if (p.primary) j["primary"] = true;
    if (p.range) j["range"] = {p.range->first, p.range->second};
    if (!p.choices.empty()) j["choices"] = p.choices;
    if (!p.aliases.empty()) j["aliases"] = p.aliases;
    list.push_back(std::move(j));
  }
  return list;
}

Json VerbJson(const VerbInfo& verb, std::string_view kind) {
  Json j;
  j["name"] = verb.name;
  j["kind"] = kind;
  j["doc"] = verb.doc;
  if (!verb.group.empty()) j["group"] = verb.group;
  if (!verb.aliases.empty()) j["aliases"] = verb.aliases;
  j["params"] = ParamsJson(verb);
  return j;
}

// ---- JSON Schema --------------------------------------------------------------------------------

Json NumberSchema(const ParamInfo& p, std::string_view type) {
  Json j{{"type", type}};
  if (p.range) {
    j["minimum"] = p.range->first;
    j["maximum"] = p.range->second;
  }
  return j;
}

Json ParamSchema(const ParamInfo& p) {
  Json j;
  const Json number = NumberSchema(p, "number");
  switch (p.type) {
    case ParamType::kBool:
      j = {{"type", "boolean"}};
      break;
    case ParamType::kInt:
      j = NumberSchema(p, "integer");
      break;
    case ParamType::kFloat:
      j = number;
      break;
    case ParamType::kString:
      j = {{"type", Json::array({"string", "number", "boolean"})}};
      break;
    case ParamType::kChoice:
      j = {{"enum", p.choices}};
      break;
    case ParamType::kRange: {
      const Json list{{"type", "array"}, {"items", number}, {"minItems", 2}, {"maxItems", 2}};
      const Json choice{
          {"type", "object"},
          {"properties", {{"choice", {{"type", "array"}, {"items", number}, {"minItems", 1}}}}},
          {"required", Json::array({"choice"})},
          {"additionalProperties", false}};
      j = {{"anyOf", Json::array({number, list, choice})}};
      break;
    }
    case ParamType::kSize: {
      const Json side = NumberSchema(p, "integer");
      const Json list{{"type", "array"}, {"items", side}, {"minItems", 2}, {"maxItems", 2}};
      j = {{"anyOf", Json::array({side, list})}};
      break;
    }
    case ParamType::kWords: {
      const Json word{{"type", Json::array({"string", "number", "boolean"})}};
      const Json numbers{{"type", "object"}, {"additionalProperties", number}};
      j = {{"anyOf", Json::array({word, Json{{"type", "array"}, {"items", word}}, numbers})}};
      break;
    }
    case ParamType::kFloats:
      j = {{"anyOf", Json::array({number, Json{{"type", "array"}, {"items", number}}})}};
      break;
  }
  j["description"] = p.unit.empty() ? p.doc : fmt::format("{} ({})", p.doc, p.unit);
  if (!p.required) j["default"] = Json::parse(ToJson(p.default_value));
  return j;
}

Json VerbSchema(const VerbInfo& verb, bool takes_p) {
  Json properties = Json::object();
  Json required = Json::array();
  Json forms = Json::array();
  for (const ParamInfo& p : verb.params) {
    properties[p.name] = ParamSchema(p);
    for (const std::string& alias : p.aliases) {
      properties[alias] = {{"description", "Another name of " + p.name + "."}};
    }
    if (p.required && p.aliases.empty()) required.push_back(p.name);
    if (p.primary) forms.push_back(ParamSchema(p));
  }
  if (takes_p) properties["p"] = {{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
  Json object{{"type", "object"},
              {"properties", properties},
              {"patternProperties", {{"^x-", true}}},
              {"additionalProperties", false}};
  if (!required.empty()) object["required"] = required;
  forms.push_back(object);
  if (required.empty()) forms.push_back({{"type", "null"}});
  return {{"description", verb.doc}, {"anyOf", forms}};
}

}  // namespace

std::string OpsText(const Registry& registry, const std::string& name) {
  std::string text;
  for (const std::string& group : registry.Groups()) {
    if (!name.empty()) break;
    const std::string heading = fmt::format("{}{}\n", text.empty() ? "" : "\n", group);
    text += heading;
    for (const auto& [key, op] : registry.Operators()) {
      if (op.group == group) text += fmt::format("  {:<24} {}\n", key, op.doc);
    }
    ForOthers(registry, group, [&](const VerbInfo& verb, std::string_view kind) {
      text += fmt::format("  {:<24} {}: {}\n", verb.name, kind.substr(0, kind.find(':')), verb.doc);
    });
    if (text.ends_with(heading)) text.resize(text.size() - heading.size());
  }
  if (name.empty()) text += "\nSources and sinks\n";
  for (const auto& [key, source] : registry.Sources()) {
    if (name.empty()) text += fmt::format("  {:<24} source: {}\n", key, source.doc);
  }
  for (const auto& [key, sink] : registry.Sinks()) {
    if (name.empty()) text += fmt::format("  {:<24} sink: {}\n", key, sink.doc);
  }
  if (name.empty()) return text;
  if (const OpInfo* op = registry.FindOperator(name)) text += VerbText(*op, OpKind(*op));
  if (const ViewInfo* views = registry.FindViews(name)) text += VerbText(*views, kViewsKind);
  if (const PlanInfo* plan = registry.FindPlan(name)) text += VerbText(*plan, kPlanKind);
  if (const WindowInfo* window = registry.FindWindow(name)) text += VerbText(*window, kWindowKind);
  if (const ModelInfo* model = registry.FindModel(name)) text += VerbText(*model, kModelKind);
  if (const ScopeInfo* scope = registry.FindScope(name)) text += VerbText(*scope, kScopeKind);
  if (const PolicyInfo* policy = registry.FindPolicy(name)) text += VerbText(*policy, kPolicyKind);
  if (const SourceInfo* source = registry.FindSource(name)) text += VerbText(*source, "source");
  if (const SinkInfo* sink = registry.FindSink(name)) text += VerbText(*sink, "sink");
  return text;
}

std::string OpsMarkdown(const Registry& registry) {
  std::string text =
      "# Verbs\n\nGenerated by `pixloom ops --markdown`; do not edit. The parameter marked primary "
      "may be written\nalone: `rotate: [-15, 15]`. Ranges are a number, `[low, high]` or `{choice: "
      "[...]}`; sizes are\n`[height, width]` or one number.\n\n";
  text += SupportTable(registry);
  for (const std::string& group : registry.Groups()) {
    const std::string heading = fmt::format("## {}\n\n", group);
    text += heading;
    for (const auto& [key, op] : registry.Operators()) {
      if (op.group != group) continue;
      text += VerbMarkdown(
          op, fmt::format("Steps: {}. Determinism: {}. Works on {}", Joined(op.classes),
                          DeterminismName(op.determinism), op.support.Text()));
    }
    ForOthers(registry, group, [&](const VerbInfo& verb, std::string kind) {
      kind[0] = static_cast<char>(kind[0] - 'a' + 'A');
      text += VerbMarkdown(verb, kind);
    });
    if (text.ends_with(heading)) text.resize(text.size() - heading.size());
  }
  text += "## Sources\n\n";
  for (const auto& [key, source] : registry.Sources()) text += VerbMarkdown(source, "Source");
  text += "## Sinks\n\n";
  for (const auto& [key, sink] : registry.Sinks()) text += VerbMarkdown(sink, "Sink");
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

std::string OpsJson(const Registry& registry) {
  Json list = Json::array();
  for (const auto& [key, op] : registry.Operators()) {
    Json j = VerbJson(op, "operator");
    j["steps"] = op.classes;
    j["determinism"] = DeterminismName(op.determinism);
    j["works_on"] = op.support.Text();
    list.push_back(std::move(j));
  }
  for (const auto& [key, views] : registry.Views()) list.push_back(VerbJson(views, "views"));
  for (const auto& [key, one] : registry.Plans()) list.push_back(VerbJson(one, "plan"));
  for (const auto& [key, one] : registry.Windows()) list.push_back(VerbJson(one, "window"));
  for (const auto& [key, one] : registry.Models()) list.push_back(VerbJson(one, "model"));
  for (const auto& [key, one] : registry.Scopes()) list.push_back(VerbJson(one, "scope"));
  for (const auto& [key, one] : registry.Policies()) list.push_back(VerbJson(one, "policy"));
  for (const auto& [key, source] : registry.Sources()) list.push_back(VerbJson(source, "source"));
  for (const auto& [key, sink] : registry.Sinks()) list.push_back(VerbJson(sink, "sink"));
  return list.dump(2);
}

std::string JsonSchema(const Registry& registry) {
  const Json probability{{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
  const Json words{
      {"anyOf", Json::array({Json{{"type", "string"}},
                             Json{{"type", "array"}, {"items", {{"type", "string"}}}}})}};
  const Json step_ref{{"$ref", "#/$defs/step"}};
  const Json steps{{"type", "array"}, {"items", step_ref}, {"minItems", 1}};

  Json step = Json::object();
  step["p"] = probability;
  step["weight"] = {{"type", "number"}, {"minimum", 0}};
  step["fields"] = words;
  step["scope"] = {{"enum", {"clip", "frame"}}};
  step["name"] = {{"type", "string"},
                  {"pattern", "^[a-z][a-z0-9_]*([#@][0-9]+)*(/[a-z][a-z0-9_]*([#@][0-9]+)*)*$"}};
  step["resample"] = {{"enum", {"each", "once"}}};
  Json step_names = Json::array();
  for (const auto& [key, op] : registry.Operators()) {
    step[key] = VerbSchema(op, true);
    step_names.push_back(key);
    for (const std::string& alias : op.aliases) {
      step[alias] = {{"description", "Another name of " + key + "."}};
    }
  }
  for (const auto& [key, policy] : registry.Policies()) {
    step[key] = VerbSchema(policy, true);
    step_names.push_back(key);
  }
  for (const auto& [key, model] : registry.Models()) step[key] = VerbSchema(model, true);
  // The steps of a scope stand among its arguments.
  for (const auto& [key, scope] : registry.Scopes()) {
    step[key] = VerbSchema(scope, true);
    for (Json& form : step[key]["anyOf"]) {
      if (form.contains("properties")) form["properties"]["steps"] = steps;
    }
    step[key]["anyOf"].push_back(steps);
  }
  const auto block = [&](Json properties) {
    return Json{{"anyOf", Json::array({steps, Json{{"type", "object"},
                                                   {"properties", std::move(properties)}}})}};
  };
  step["chain"] = block({{"steps", steps}});
  step["one_of"] = block({{"steps", steps}});
  step["random_order"] = block({{"steps", steps}});
  step["some_of"] = block({{"steps", steps}, {"n", {{"type", Json::array({"integer", "array"})}}}});
  step["sometimes"] = block({{"then", steps}, {"else", steps}, {"p", probability}});
  const Json expression{{"type", Json::array({"string", "boolean"})}};
  const Json listed{{"type", "array"}, {"items", step_ref}};  // may be empty
  step["switch"] = {{"type", "array"},
                    {"items",
                     {{"type", "object"},
                      {"properties", {{"when", expression}, {"then", listed}, {"else", listed}}},
                      {"patternProperties", {{"^x-", true}}},
                      {"additionalProperties", false}}},
                    {"minItems", 1}};
  step["repeat"] = block({{"steps", steps}, {"times", {{"type", "integer"}, {"minimum", 1}}}});

  Json node = step;
  node["from"] = {{"anyOf", Json::array({words, Json{{"type", "object"}}})}};
  node["on_error"] = {{"enum", {"quarantine", "fail"}}};
  node["copies"] = {{"anyOf", Json::array({Json{{"type", "integer"}, {"minimum", 1}},
                                           Json{{"type", "object"}}})}};
  const Json size{{"type", Json::array({"string", "integer"})}};
  node["cache"] = {
      {"type", "object"},
      {"properties",
       {{"steps", steps}, {"path", {{"type", "string"}}}, {"memory", size}, {"disk", size}}}};
  node["merge"] = {{"type", Json::array({"object", "null"})}};
  node["split"] = {{"type", "object"}};
  node["join"] = {{"type", Json::array({"object", "null"})}};
  node["filter"] = expression;
  const auto add = [&](const VerbInfo& verb, bool takes_p = false) {
    const Json one = VerbSchema(verb, takes_p);
    if (node.contains(verb.name))
      node[verb.name] = {{"anyOf", {node[verb.name], one}}};
    else
      node[verb.name] = one;
  };
  for (const auto& [key, views] : registry.Views()) add(views);
  for (const auto& [key, plan] : registry.Plans()) add(plan);
  for (const auto& [key, window] : registry.Windows()) add(window, true);
  for (const auto& [key, source] : registry.Sources()) add(source);
  for (const auto& [key, sink] : registry.Sinks()) add(sink);

  const auto object = [](Json properties) {
    return Json{{"type", "object"},
                {"properties", std::move(properties)},
                {"patternProperties", {{"^x-", true}}},
                {"additionalProperties", false}};
  };
  Json root;
  root["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  root["title"] = "Pixloom pipeline";
  root.update(object({{"version", {{"const", 1}}},
                      {"seed", {{"type", "integer"}, {"minimum", 0}}},
                      {"include", words},
                      {"on_error", {{"type", Json::array({"string", "object"})}}},
                      {"memory", {{"type", Json::array({"string", "integer"})}}},
                      {"limits", {{"type", "object"}}},
                      {"nodes",
                       {{"type", "object"},
                        {"patternProperties", {{"^x-", true}}},
                        {"additionalProperties", {{"$ref", "#/$defs/node"}}}}}}));
  root["required"] = {"version", "nodes"};
  root["$defs"]["step"] = {
      {"anyOf", Json::array({Json{{"enum", step_names}}, steps, object(step)})}};
  root["$defs"]["node"] = {{"anyOf", Json::array({steps, object(node)})}};
  return root.dump(2);
}

}  // namespace pixloom
