// SPDX-License-Identifier: Apache-2.0
// What caches rely on: operators that claim to be fixed are, and no operator writes to pixels that
// somebody else holds.
#include <algorithm>
#include <cmath>

#include "pipeline/config.h"
#include "tests/ops/contract_checks.h"
#include "tests/ops/contract_report.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {

namespace {

constexpr const char* kDepths[] = {"u8", "u16", "f32"};
constexpr Depth kDepthValues[] = {Depth::kU8, Depth::kU16, Depth::kF32};

// One number of what may be a range.
Value PlainNumber(const Value& value) {
  if (value.kind == Value::Kind::kMap) return value.entries.at(0).value.items.at(0);
  if (value.kind != Value::Kind::kList) return value;
  const double lo = value.items.at(0).number;
  const double span = value.items.back().number - lo;
  // Some take whole numbers only, as their ranges show.
  const bool whole = std::floor(lo) == lo && std::floor(span) == span && span >= 2;
  return Value::Float(lo + (whole ? std::floor(span / 2) : span / 2));
}

void Set(Value& args, const std::string& name, Value value) {
  std::erase_if(args.entries, [&](const Value::Entry& e) { return e.key == name; });
  args.entries.push_back({name, {}, std::move(value)});
}

// The table's arguments with plain numbers for ranges and no place at random.
Value PlainArguments(const OpInfo& op, const std::string& args) {
  Variables variables;
  Diagnostics diagnostics;
  Value plain = *ParseYaml("{" + args + "}", "args.yaml", variables, diagnostics);
  for (const ParamInfo& p : op.params) {
    const Value* given = plain.Find(p.name);
    if (p.type == ParamType::kRange) {
      if (given != nullptr || !p.required) {
        Set(plain, p.name, PlainNumber(given != nullptr ? *given : p.default_value));
      }
    } else if (given != nullptr && given->text == "random") {
      Set(plain, p.name, p.default_value);
    }
  }
  return plain;
}

// The arguments, and every choice and switch of theirs the other way; no place at random.
std::vector<Value> Variants(const OpInfo& op, const Value& plain) {
  std::vector<Value> variants{plain};
  for (const ParamInfo& p : op.params) {
    std::vector<Value> values;
    if (p.type == ParamType::kBool) values = {Value::Bool(false), Value::Bool(true)};
    if (p.type == ParamType::kChoice) {
      for (const std::string& choice : p.choices) {
        if (choice != "random") values.push_back(Value::String(choice, {}));
      }
    }
    for (Value& value : values) {
      Value other = plain;
      Set(other, p.name, std::move(value));
      Diagnostics diagnostics;
      // A rule between parameters may forbid it.
      op.bind(other, {&BuiltInCodec()}, op.name, diagnostics);
      if (!diagnostics.HasErrors()) variants.push_back(std::move(other));
    }
  }
  return variants;
}

std::string Inside(const Value& map) {
  const std::string json = ToJson(map);
  return json.substr(1, json.size() - 2);
}

}  // namespace

Violations CheckFixed(const OpInfo& op, const Registry& registry) {
  Report report(op);
  if (!op.fixed) return report.Found();
  const std::string args = ArgumentsFor(op, report.Found());
  if (!report.Found().empty()) return report.Found();
  if (op.determinism != Determinism::kExact) {
    report.Add("claims to be fixed and is not exact: machines that share a cache would differ");
  }
  const LoadOptions options = OptionsFor(registry);
  const Value plain = PlainArguments(op, args);
  const auto compare = [&](const Value& arguments, const std::string& canvas) {
    const std::string what = Inside(arguments) + ", " + canvas;
    Diagnostics diagnostics;
    const auto bound = op.bind(arguments, {&BuiltInCodec()}, op.name, diagnostics);
    if (diagnostics.HasErrors()) return report.Add("{}: is refused", what);
    if (!bound->IsFixed()) return report.Add("{}: plain numbers do not make it fixed", what);
    std::vector<Outcome> runs;
    runs.reserve(4);
    for (const int seed : {11, 12}) {
      // Another name of the source makes other ids.
      for (const char* source : {"src", "other"}) {
        const std::string yaml = fmt::format(
            "version: 1\nseed: {}\nnodes:\n  {}: {{canvas: {{count: 2, size: [41, 46], {}}}}}\n"
            "  twice: {{copies: 2}}\n  op: {{{}: {{{}}}}}\n  out: {{collect: out}}\n",
            seed, source, canvas, op.name, Inside(arguments));
        Outcome outcome = RunYaml(yaml, 1, options);
        if (outcome.samples.size() != 4) {
          return report.Add("{}: does not run: {}", what, outcome.errors);
        }
        runs.push_back(std::move(outcome));
        const Outcome& now = runs.back();
        for (std::size_t i = 0; i < 4; ++i) {
          const Sample& expected = runs.front()[i / 2 * 2];  // of the same picture
          std::string difference = PixelDifference(expected, now[i]);
          if (difference.empty()) difference = LabelDifference(expected, now[i]);
          if (difference.empty() && expected.recipe.ToJson() != now[i].recipe.ToJson()) {
            difference = "recipe";
          }
          if (!difference.empty()) {
            return report.Add("{}: claims to be fixed, but seeds or ids change: {}", what,
                              difference);
          }
        }
      }
    }
  };
  for (std::size_t d = 0; d < 3; ++d) {
    for (const int channels : {1, 3, 4, 5}) {
      if (!op.support.Accepts(kDepthValues[d], channels)) continue;
      compare(plain, fmt::format("depth: {}, channels: {}", kDepths[d], channels));
    }
  }
  const bool u8 = op.support.Accepts(Depth::kU8, 3);
  for (const Value& variant : Variants(op, plain)) {
    compare(variant, u8 ? "depth: u8" : "depth: f32");
  }
  return report.Found();
}

Violations CheckSharing(const OpInfo& op, const Registry& registry) {
  Report report(op);
  const std::string args = ArgumentsFor(op, report.Found());
  if (!report.Found().empty()) return report.Found();
  const LoadOptions options = OptionsFor(registry);
  for (std::size_t d = 0; d < 3; ++d) {
    const int channels = op.support.three ? 3 : op.support.one ? 1 : 4;
    if (!op.support.Accepts(kDepthValues[d], channels)) continue;
    const std::string canvas =
        fmt::format("count: 2, size: [66, 70], depth: {}, channels: {}", kDepths[d], channels);
    const std::string source = "version: 1\nseed: 3\nnodes:\n  src: {canvas: {" + canvas + "}}\n";
    const Outcome untouched = RunYaml(source + "  kept: {collect: kept}\n", 1, options);
    const Outcome shared = RunYaml(source + "  kept: {collect: kept}\n  op: {" + op.name + ": {" +
                                       args + "}, from: src}\n  out: {collect: out}\n",
                                   1, options);
    if (shared.samples.size() != 4 || untouched.samples.size() != 2) {
      report.Add("{}: does not run: {}", canvas, shared.errors);
      continue;
    }
    for (std::size_t i = 0; i < 2; ++i) {
      const std::string difference = SampleDifference(untouched[i], shared[i]);
      if (!difference.empty()) {
        report.Add("{}: writes to what another reader holds: {}", canvas, difference);
      }
    }
  }
  return report.Found();
}

}  // namespace pixloom::testing
