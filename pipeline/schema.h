// SPDX-License-Identifier: Apache-2.0
// A parameter is declared once, as a struct member; its initialiser is the default.
//
//   struct Rotate {
//     Range angle{-15, 15};
//     static constexpr auto Params() {
//       return std::tuple{Param("angle", &Rotate::angle).In(-180, 180).Unit("deg").Doc("...")};
//     }
//   };
//
// From that table come YAML binding, checks, `pixloom ops`, the JSON Schema, docs/ops.md, Python
// signatures and the fuzz dictionary. Everything here is pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "pipeline/error.h"
#include "pipeline/geometry.h"
#include "pipeline/rng.h"
#include "pipeline/value.h"

namespace pixloom {

// Specialised beside each enum: kAll is an array of (value, name).
template <class E>
struct EnumNames;

enum class ParamType { kBool, kInt, kFloat, kString, kChoice, kRange, kSize, kFloats, kWords };

std::string_view ParamTypeName(ParamType type);

// What every reader of the schema sees; no C++ types leak out.
struct ParamInfo {
  std::string name;
  ParamType type = ParamType::kFloat;
  std::string doc;
  std::string unit;
  Value default_value;
  bool required = false;
  bool primary = false;  // may be written as `verb: value`
  std::optional<std::pair<double, double>> range;
  std::vector<std::string> choices;
  std::vector<std::string> aliases;
};

struct VerbInfo {
  std::string name;
  std::string doc;
  std::string group;  // where the reference lists it; not of sources and sinks
  std::vector<ParamInfo> params;
  std::vector<std::string> aliases;

  const ParamInfo* Param(std::string_view name) const;
  std::vector<std::string> ParamNames() const;
};

// A peer's spelling of a parameter. `convert` turns the peer's value into ours (null: same value).
struct ParamAlias {
  std::string_view name;
  Value (*convert)(const Value&) = nullptr;
};

template <class Op, class T>
struct Field {
  std::string_view name;
  T Op::*member;
  std::string_view doc{};
  std::string_view unit{};
  std::optional<std::pair<double, double>> range{};
  bool required = false;
  bool primary = false;
  std::array<ParamAlias, 3> aliases{};

  constexpr Field Doc(std::string_view text) const {
    return With([&](Field& f) { f.doc = text; });
  }
  constexpr Field Unit(std::string_view u) const {
    return With([&](Field& f) { f.unit = u; });
  }
  constexpr Field In(double lo, double hi) const {
    return With([&](Field& f) { f.range = std::pair{lo, hi}; });
  }
  constexpr Field Required() const {
    return With([](Field& f) { f.required = true; });
  }
  constexpr Field Primary() const {
    return With([](Field& f) { f.primary = true; });
  }
  constexpr Field Alias(std::string_view a, Value (*convert)(const Value&) = nullptr) const {
    return With([&](Field& f) {
      for (ParamAlias& slot : f.aliases) {
        if (slot.name.empty()) {
          slot = {a, convert};
          return;
        }
      }
    });
  }

 private:
  template <class F>
  constexpr Field With(F change) const {
    Field copy = *this;
    change(copy);
    return copy;
  }
};

template <class Op, class T>
constexpr Field<Op, T> Param(std::string_view name, T Op::*member) {
  return Field<Op, T>{name, member};
}

// Conversions between Values and parameter types. From() returns "" or what was expected.
namespace schema {

std::string From(const Value& value, bool& out);
std::string From(const Value& value, std::int64_t& out);
std::string From(const Value& value, double& out);
std::string From(const Value& value, std::string& out);
std::string From(const Value& value, Range& out);
std::string From(const Value& value, Size& out);
std::string From(const Value& value, std::vector<double>& out);
std::string From(const Value& value, std::vector<std::string>& out);

Value To(bool value);
Value To(std::int64_t value);
Value To(double value);
Value To(const std::string& value);
Value To(const Range& value);
Value To(const Size& value);
Value To(const std::vector<double>& value);
Value To(const std::vector<std::string>& value);

// Text of a number as it appears in messages and docs.
std::string Number(double value);

template <class T>
constexpr ParamType TypeOf() {
  if constexpr (std::is_same_v<T, bool>)
    return ParamType::kBool;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return ParamType::kInt;
  else if constexpr (std::is_same_v<T, double>)
    return ParamType::kFloat;
  else if constexpr (std::is_same_v<T, std::string>)
    return ParamType::kString;
  else if constexpr (std::is_same_v<T, Range>)
    return ParamType::kRange;
  else if constexpr (std::is_same_v<T, Size>)
    return ParamType::kSize;
  else if constexpr (std::is_same_v<T, std::vector<double>>)
    return ParamType::kFloats;
  else if constexpr (std::is_same_v<T, std::vector<std::string>>)
    return ParamType::kWords;
  else {
    static_assert(std::is_enum_v<T>,
                  "a parameter is bool, int64_t, double, string, Range, Size, vector<double>, "
                  "vector<string> or an enum with EnumNames");
    return ParamType::kChoice;
  }
}

template <class E>
std::string FromEnum(const Value& value, E& out) {
  std::vector<std::string> names;
  for (const auto& [e, name] : EnumNames<E>::kAll) {
    if (value.IsScalar() && value.text == name) {
      out = e;
      return "";
    }
    names.emplace_back(name);
  }
  std::string expected = "expected one of ";
  for (std::size_t i = 0; i < names.size(); ++i) expected += (i > 0 ? ", " : "") + names[i];
  return expected + ", got " + value.Describe() + Suggestion(value.text, names);
}

// "" or "[-200, 10] is outside [-180, 180]".
std::string CheckRange(const Value& value, std::pair<double, double> range);

}  // namespace schema

template <class Op, class T>
Value DefaultOrCurrent(const Op& op, const Field<Op, T>& field) {
  if constexpr (std::is_enum_v<T>) {
    for (const auto& [e, name] : EnumNames<T>::kAll) {
      if (e == op.*field.member) return Value::String(std::string(name), {});
    }
    return {};
  } else {
    return schema::To(op.*field.member);
  }
}

template <class Op, class T>
ParamInfo Describe(const Field<Op, T>& field) {
  ParamInfo info;
  info.name = field.name;
  info.type = schema::TypeOf<T>();
  info.doc = field.doc;
  info.unit = field.unit;
  info.default_value = DefaultOrCurrent(Op{}, field);  // the initialiser IS the default
  info.required = field.required;
  info.primary = field.primary;
  info.range = field.range;
  if constexpr (std::is_enum_v<T>) {
    for (const auto& [e, name] : EnumNames<T>::kAll) info.choices.emplace_back(name);
  }
  for (const ParamAlias& alias : field.aliases) {
    if (!alias.name.empty()) info.aliases.emplace_back(alias.name);
  }
  return info;
}

template <class Op>
VerbInfo DescribeVerb() {
  VerbInfo verb;
  verb.name = Op::kName;
  verb.doc = Op::kDoc;
  std::apply([&](const auto&... field) { (verb.params.push_back(Describe(field)), ...); },
             Op::Params());
  if constexpr (requires { Op::kAliases; }) {
    for (std::string_view alias : Op::kAliases) verb.aliases.emplace_back(alias);
  }
  return verb;
}

// One argument on its way to a parameter, after aliases and the primary form were resolved.
struct Argument {
  std::string_view param;
  Value value;
};

// Turns what stands after a verb (nothing, one value, or a mapping) into arguments by name; reports
// unknown and missing names. `where` opens every message: "look (rotate)".
std::vector<Argument> ResolveArguments(
    const VerbInfo& verb, const std::vector<std::pair<std::string_view, ParamAlias>>& aliases,
    const Value& args, const std::string& where, Diagnostics& diagnostics);

namespace schema {
template <class Op, class T>
void Assign(Op& op, const Field<Op, T>& field, const Argument& argument, const std::string& where,
            Diagnostics& diagnostics) {
  if (argument.param != field.name) return;
  std::string problem;
  if constexpr (std::is_enum_v<T>) {
    problem = FromEnum(argument.value, op.*field.member);
  } else {
    problem = From(argument.value, op.*field.member);
    // Checked on the value as parsed, so that a scalar for a range is checked at both ends.
    if (problem.empty() && field.range) {
      problem = CheckRange(To(op.*field.member), *field.range);
    }
  }
  if (!problem.empty()) {
    diagnostics.Error("CFG-VALUE", argument.value.at,
                      where + ": " + std::string(field.name) + ": " + problem);
  }
}
}  // namespace schema

// Fills `op` from `args`, reporting every problem rather than the first.
template <class Op>
void BindArguments(Op& op, const Value& args, const std::string& where, Diagnostics& diagnostics) {
  static const VerbInfo verb = DescribeVerb<Op>();
  static const auto aliases = [] {
    std::vector<std::pair<std::string_view, ParamAlias>> list;
    std::apply(
        [&](const auto&... field) {
          (
              [&] {
                for (const ParamAlias& alias : field.aliases) {
                  if (!alias.name.empty()) list.emplace_back(field.name, alias);
                }
              }(),
              ...);
        },
        Op::Params());
    return list;
  }();
  const int errors_before = diagnostics.ErrorCount();
  for (const Argument& argument : ResolveArguments(verb, aliases, args, where, diagnostics)) {
    std::apply(
        [&](const auto&... field) {
          (schema::Assign(op, field, argument, where, diagnostics), ...);
        },
        Op::Params());
  }
  if constexpr (requires {
                  { op.Check() } -> std::convertible_to<std::string>;
                }) {
    if (diagnostics.ErrorCount() == errors_before) {
      if (std::string problem = op.Check(); !problem.empty()) {
        diagnostics.Error("CFG-VALUE", args.at, where + ": " + problem);
      }
    }
  }
}

// The parameters of `op` as a mapping that BindArguments reads back.
template <class Op>
Value DumpArguments(const Op& op) {
  std::vector<Value::Entry> entries;
  const auto add = [&](std::string_view name, Value value) {
    Value::Entry& entry = entries.emplace_back();
    entry.key = name;
    entry.value = std::move(value);
  };
  std::apply([&](const auto&... field) { (add(field.name, DefaultOrCurrent(op, field)), ...); },
             Op::Params());
  return Value::Map(std::move(entries), {});
}

}  // namespace pixloom
