// SPDX-License-Identifier: Apache-2.0
#include "pipeline/schema.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pixloom {

std::string_view ParamTypeName(ParamType type) {
  switch (type) {
    case ParamType::kBool:
      return "bool";
    case ParamType::kInt:
      return "int";
    case ParamType::kFloat:
      return "float";
    case ParamType::kString:
      return "string";
    case ParamType::kChoice:
      return "choice";
    case ParamType::kRange:
      return "range";
    case ParamType::kSize:
      return "size";
    case ParamType::kFloats:
      return "floats";
    case ParamType::kWords:
      return "words";
  }
  return "?";
}

const ParamInfo* VerbInfo::Param(std::string_view param) const {
  for (const ParamInfo& info : params) {
    if (info.name == param) return &info;
  }
  return nullptr;
}

std::vector<std::string> VerbInfo::ParamNames() const {
  std::vector<std::string> names;
  for (const ParamInfo& info : params) names.push_back(info.name);
  return names;
}

namespace schema {

std::string Number(double value) { return fmt::format("{}", value); }

namespace {
std::string Expected(std::string_view what, const Value& got) {
  return fmt::format("expected {}, got {}", what, got.Describe());
}

bool IsNumberList(const Value& value, std::size_t at_least) {
  return value.kind == Value::Kind::kList && value.items.size() >= at_least &&
         std::all_of(value.items.begin(), value.items.end(),
                     [](const Value& v) { return v.IsNumber(); });
}
}  // namespace

std::string From(const Value& value, bool& out) {
  if (value.kind != Value::Kind::kBool) return Expected("true or false", value);
  out = value.boolean;
  return "";
}

std::string From(const Value& value, std::int64_t& out) {
  if (value.kind != Value::Kind::kInt) return Expected("an integer", value);
  out = value.integer;
  return "";
}

std::string From(const Value& value, double& out) {
  if (!value.IsNumber()) return Expected("a number", value);
  out = value.number;
  return "";
}

std::string From(const Value& value, std::string& out) {
  if (!value.IsScalar() || value.kind == Value::Kind::kNull) return Expected("text", value);
  out = value.text;
  return "";
}

std::string From(const Value& value, Range& out) {
  constexpr std::string_view kForms = "a number, [low, high] or {choice: [...]}";
  if (value.IsNumber()) {
    out = Range(value.number);
    return "";
  }
  if (value.kind == Value::Kind::kMap) {
    const Value* choice = value.Find("choice");
    if (choice == nullptr || value.entries.size() != 1 || !IsNumberList(*choice, 1)) {
      return Expected(kForms, value);
    }
    out = {};
    for (const Value& v : choice->items) out.choice.push_back(v.number);
    out.lo = out.Min();
    out.hi = out.Max();
    return "";
  }
  if (!IsNumberList(value, 2) || value.items.size() != 2) return Expected(kForms, value);
  if (value.items[0].number > value.items[1].number) {
    return fmt::format("[{}, {}] has its low end above its high end", value.items[0].text,
                       value.items[1].text);
  }
  out = Range(value.items[0].number, value.items[1].number);
  return "";
}

std::string From(const Value& value, Size& out) {
  const auto side = [](const Value& v) {
    return v.kind == Value::Kind::kInt && v.integer <= 1 << 24;
  };
  if (side(value)) {
    out = {static_cast<int>(value.integer), static_cast<int>(value.integer)};
    return "";
  }
  if (value.kind == Value::Kind::kList && value.items.size() == 2 && side(value.items[0]) &&
      side(value.items[1])) {
    out = {static_cast<int>(value.items[1].integer), static_cast<int>(value.items[0].integer)};
    return "";
  }
  return Expected("[height, width] or one integer for a square", value);
}

std::string From(const Value& value, std::vector<double>& out) {
  if (value.IsNumber()) {
    out = {value.number};
    return "";
  }
  if (!IsNumberList(value, 1)) return Expected("a number or a list of numbers", value);
  out.clear();
  for (const Value& v : value.items) out.push_back(v.number);
  return "";
}

std::string From(const Value& value, std::vector<std::string>& out) {
  const auto word = [](const Value& v) { return v.IsScalar() && v.kind != Value::Kind::kNull; };
  if (word(value)) {
    out = {value.text};
    return "";
  }
  // {cat: 0.5, dog: 0.5} is read as [cat=0.5, dog=0.5].
  if (value.kind == Value::Kind::kMap && !value.entries.empty() &&
      std::all_of(value.entries.begin(), value.entries.end(),
                  [](const Value::Entry& e) { return e.value.IsNumber(); })) {
    out.clear();
    for (const Value::Entry& e : value.entries) out.push_back(e.key + "=" + e.value.text);
    return "";
  }
  if (value.kind != Value::Kind::kList ||
      !std::all_of(value.items.begin(), value.items.end(), word)) {
    return Expected("a word or a list of words", value);
  }
  out.clear();
  for (const Value& v : value.items) out.push_back(v.text);
  return "";
}

Value To(bool value) { return Value::Bool(value); }
Value To(std::int64_t value) { return Value::Int(value); }
Value To(double value) {
  // Whole numbers read better without ".0"; the parser accepts an int where a float is expected.
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return Value::Int(static_cast<std::int64_t>(value));
  }
  return Value::Float(value);
}
Value To(const std::string& value) { return Value::String(value, {}); }

Value To(const Range& value) {
  if (!value.choice.empty()) {
    return Value::Map({{"choice", {}, To(value.choice)}}, {});
  }
  if (value.lo == value.hi) return To(value.lo);
  return Value::List({To(value.lo), To(value.hi)});
}

Value To(const Size& value) {
  return Value::List({Value::Int(value.height), Value::Int(value.width)});
}

Value To(const std::vector<double>& value) {
  std::vector<Value> items;
  for (double v : value) items.push_back(To(v));
  return Value::List(std::move(items));
}

Value To(const std::vector<std::string>& value) {
  std::vector<Value> items;
  for (const std::string& v : value) items.push_back(To(v));
  return Value::List(std::move(items));
}

namespace {
bool Inside(const Value& value, std::pair<double, double> range) {
  switch (value.kind) {
    case Value::Kind::kInt:
    case Value::Kind::kFloat:
      return value.number >= range.first && value.number <= range.second;
    case Value::Kind::kList:
      return std::all_of(value.items.begin(), value.items.end(),
                         [&](const Value& v) { return Inside(v, range); });
    case Value::Kind::kMap:
      return std::all_of(value.entries.begin(), value.entries.end(),
                         [&](const Value::Entry& e) { return Inside(e.value, range); });
    default:
      return true;
  }
}

std::string Shown(const Value& value) {
  if (value.kind == Value::Kind::kMap) return Shown(value.entries.front().value);
  if (value.kind != Value::Kind::kList) return Number(value.number);
  std::string text = "[";
  for (const Value& v : value.items) text += (text.size() > 1 ? ", " : "") + Number(v.number);
  return text + "]";
}
}  // namespace

std::string CheckRange(const Value& value, std::pair<double, double> range) {
  if (Inside(value, range)) return "";
  return fmt::format("{} is outside [{}, {}]", Shown(value), Number(range.first),
                     Number(range.second));
}

}  // namespace schema

namespace {

const VerbInfo* CheckPlainForm(const VerbInfo& verb, const Value& args, const std::string& where,
                               Diagnostics& diagnostics) {
  const auto primary = std::find_if(verb.params.begin(), verb.params.end(),
                                    [](const ParamInfo& p) { return p.primary; });
  if (primary != verb.params.end()) return &verb;
  diagnostics.Error(
      "CFG-VALUE", args.at,
      verb.params.empty()
          ? fmt::format("{}: takes no parameters, got {}", where, args.Describe())
          : fmt::format("{}: takes no plain value, got {}; name the parameter: {{{}: ...}}", where,
                        args.Describe(), verb.params.front().name));
  return nullptr;
}

}  // namespace

std::vector<Argument> ResolveArguments(
    const VerbInfo& verb, const std::vector<std::pair<std::string_view, ParamAlias>>& aliases,
    const Value& args, const std::string& where, Diagnostics& diagnostics) {
  std::vector<Argument> resolved;
  const auto taken = [&](std::string_view name) {
    return std::any_of(resolved.begin(), resolved.end(),
                       [&](const Argument& a) { return a.param == name; });
  };

  // {choice: [...]} is a value of the primary parameter unless the verb has a parameter "choice".
  const bool bare_choice = args.kind == Value::Kind::kMap && args.entries.size() == 1 &&
                           args.entries[0].key == "choice" && verb.Param("choice") == nullptr;
  if (args.kind != Value::Kind::kNull && (args.kind != Value::Kind::kMap || bare_choice)) {
    if (CheckPlainForm(verb, args, where, diagnostics) != nullptr) {
      for (const ParamInfo& p : verb.params) {
        if (p.primary) resolved.push_back({p.name, args});
      }
    }
  } else {
    for (const Value::Entry& entry : args.entries) {
      if (entry.key.starts_with("x-")) continue;  // the user's notes
      if (const ParamInfo* param = verb.Param(entry.key)) {
        resolved.push_back({param->name, entry.value});
        continue;
      }
      const auto alias = std::find_if(aliases.begin(), aliases.end(),
                                      [&](const auto& a) { return a.second.name == entry.key; });
      if (alias == aliases.end()) {
        std::vector<std::string> known = verb.ParamNames();
        for (const auto& a : aliases) known.emplace_back(a.second.name);
        std::string names;
        for (const std::string& n : verb.ParamNames()) names += (names.empty() ? "" : ", ") + n;
        const std::string hint = Suggestion(entry.key, known);
        diagnostics.Error("CFG-KEY", entry.at,
                          fmt::format("{}: unknown parameter '{}'{}", where, entry.key,
                                      !hint.empty()   ? hint
                                      : names.empty() ? "; it takes no parameters"
                                                      : "; known: " + names));
        continue;
      }
      if (taken(alias->first) || args.Find(alias->first) != nullptr) {
        diagnostics.Error("CFG-DUP", entry.at,
                          fmt::format("{}: '{}' is another name of '{}', which is given too", where,
                                      entry.key, alias->first));
        continue;
      }
      diagnostics.Notice("CFG-ALIAS", entry.at,
                         fmt::format("{}: '{}' is read as '{}'", where, entry.key, alias->first));
      Value value = alias->second.convert ? alias->second.convert(entry.value) : entry.value;
      value.at = entry.value.at;
      resolved.push_back({alias->first, std::move(value)});
    }
  }
  for (const ParamInfo& p : verb.params) {
    if (p.required && !taken(p.name)) {
      diagnostics.Error("CFG-MISSING", args.at,
                        fmt::format("{}: parameter '{}' is required", where, p.name));
    }
  }
  return resolved;
}

}  // namespace pixloom
