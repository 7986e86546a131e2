// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/contract_checks.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "pipeline/config.h"
#include "tests/ops/contract_report.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {

namespace {

bool IsSnakeCase(std::string_view name) {
  return !name.empty() && std::islower(static_cast<unsigned char>(name[0])) != 0 &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

// Starts with a capital or a choice's name, ends with a full stop.
bool IsPhrase(std::string_view doc) { return doc.size() > 3 && doc.back() == '.'; }

bool IsOneSentence(std::string_view doc) {
  return IsPhrase(doc) && std::isupper(static_cast<unsigned char>(doc[0])) != 0 &&
         doc.find(". ") == std::string_view::npos && doc.find('\n') == std::string_view::npos;
}

bool IsNumeric(ParamType type) {
  return type == ParamType::kInt || type == ParamType::kFloat || type == ParamType::kRange ||
         type == ParamType::kSize || type == ParamType::kFloats;
}

// Reads "a: 1, b: 2" as a mapping.
Value Mapping(const std::string& inside) {
  Variables variables;
  Diagnostics diagnostics;
  const auto value = ParseYaml("{" + inside + "}", "args.yaml", variables, diagnostics);
  PIXLOOM_CHECK(value.has_value(), "arguments of the table: " + inside);
  return *value;
}

std::shared_ptr<const Operator> Bind(const OpInfo& op, const Value& args,
                                     Diagnostics& diagnostics) {
  return op.bind(args, {&BuiltInCodec()}, "op (" + op.name + ")", diagnostics);
}

Value With(Value args, const std::string& name, Value value) {
  std::erase_if(args.entries, [&](const Value::Entry& e) { return e.key == name; });
  args.entries.push_back({name, {}, std::move(value)});
  return args;
}

// Values of the parameter's type and inside its range, different from each other.
std::vector<Value> InsideValues(const ParamInfo& p) {
  const double lo = p.range ? p.range->first : 0;
  const double hi = p.range ? p.range->second : 1;
  const double third = lo + (hi - lo) / 3;
  const auto whole = [](double v) { return Value::Int(static_cast<std::int64_t>(v)); };
  switch (p.type) {
    case ParamType::kBool:
      return {Value::Bool(false), Value::Bool(true)};
    case ParamType::kInt:
      return {whole(std::ceil(lo)), whole(third), whole(std::floor(hi))};
    case ParamType::kFloat:
      return {Value::Float(lo), Value::Float(third), Value::Float(hi)};
    case ParamType::kString:
      return {Value::String("text", {})};
    case ParamType::kChoice: {
      std::vector<Value> all;
      for (const std::string& choice : p.choices) all.push_back(Value::String(choice, {}));
      return all;
    }
    case ParamType::kRange:
      return {Value::Float(third), Value::List({Value::Float(lo), Value::Float(third)}),
              Value::Map({{"choice", {}, Value::List({Value::Float(third), Value::Float(lo)})}})};
    case ParamType::kSize:
      return {Value::List({whole(std::ceil(lo)), whole(third)})};
    case ParamType::kWords:
      return {Value::List({Value::String("text", {}), Value::String("7", {})}), Value::List({})};
    case ParamType::kFloats:
      return {Value::List({Value::Float(lo)}), Value::List({Value::Float(hi), Value::Float(lo)})};
  }
  return {};
}

std::vector<Value> OutsideValues(const ParamInfo& p) {
  const auto [lo, hi] = *p.range;
  std::vector<Value> outside;
  for (const double v : {lo - 1, hi + 1}) {
    const Value whole = Value::Int(static_cast<std::int64_t>(v));
    if (p.type == ParamType::kInt) outside.push_back(whole);
    if (p.type == ParamType::kSize) outside.push_back(Value::List({whole, whole}));
    if (p.type == ParamType::kFloat || p.type == ParamType::kRange) {
      outside.push_back(Value::Float(v));
    }
    if (p.type == ParamType::kFloats) outside.push_back(Value::List({Value::Float(v)}));
  }
  return outside;
}

}  // namespace

const std::vector<SampleArguments>& ArgumentTable() {
  static const std::vector<SampleArguments> table{
      {"affine",
       "scale: [0.8, 1.25], translate_x: [-0.1, 0.1], translate_y: [-0.1, 0.1], "
       "rotate: [-30, 30], shear_x: [-10, 10], shear_y: [-5, 5]"},
      {"at_least_one_box_crop", "size: [60, 56]"},
      {"auto_contrast", "cutoff: [0, 20]"},
      {"auto_levels", "strength: [0.3, 1]"},
      {"box_blur", "kernel: [1, 101]"},
      {"center_crop", "size: [60, 56]"},
      {"close", "kernel: [1, 61]"},
      {"convolve", "kernel: [0, -1, 0, -1, 5, -1, 0, -1, 0]"},
      {"coarse_dropout", "holes: [1, 4]"},
      {"constrained_dropout", "holes: [1, 2]"},
      {"color_space", "to: lab"},
      {"crop", "x_min: 7, y_min: 3, x_max: 62, y_max: 71"},
      {"crop_and_pad", "px: [-9, 9], fraction: [-0.1, 0.1]"},
      {"crop_non_empty_mask", "size: [60, 56]"},
      {"crop_mirror_normalize",
       "size: [60, 56], place: random, mirror: 0.5, mean: 0, std: 0.009900990099009901, layout: "
       "hwc"},
      {"dilate", "kernel: [1, 61], masks: true"},
      {"dithering", "levels: [2, 9]"},
      {"elastic", "alpha: [10, 30], sigma: 6"},
      {"erode", "kernel: [1, 61], masks: true"},
      {"fda", "reference: tests/support/references"},
      {"grid_distortion", "distort: [-0.4, 0.4]"},
      {"grid_dropout", "angle: [-45, 45]"},
      {"grid_elastic", "magnitude: [2, 8]"},
      {"histogram_matching", "reference: tests/support/references"},
      {"lut", "file: tests/support/maps/warm.cube, levels: [0, 0.7, 1]"},
      {"optical_distortion", "distort: [-0.3, 0.5]"},
      {"overlay_image", "path: tests/support/references, angle: [-30, 30], opacity: [0.4, 1]"},
      {"overlay_text", "angle: [-30, 30], opacity: [0.4, 1]"},
      {"pixel_distribution", "reference: tests/support/references"},
      {"pixel_dropout", "rate: [0.01, 0.3]"},
      {"pixel_spread", "radius: [1, 3]"},
      {"letter_box", "size: [90, 60], position: random"},
      {"longest_max_size", "size: [50, 120]"},
      {"median_blur", "kernel: [1, 101]"},
      {"open", "kernel: [1, 61], shape: ellipse"},
      {"pad", "all: 3, left: 5"},
      {"pad_if_needed", "min_height: 130, min_width: 120, position: random"},
      {"pad_to_aspect", "ratio: 1.6, position: random"},
      {"pad_to_multiple", "of: [40, 24], position: random"},
      {"pad_to_square", "position: random"},
      {"posterize", "bits: [2, 6]"},
      {"random_crop", "size: [60, 56]"},
      {"random_grayscale", "chance: 0.5"},
      {"random_iou_crop", "min_scale: 0.9, options: [0, 0.1]"},
      {"random_resized_crop", "size: [64, 56]"},
      {"remap", "map: tests/support/maps/swirl.npy"},
      {"random_sized_box_safe_crop", "size: [64, 56]"},
      {"random_sized_crop", "size: [64, 56], height: [40, 64]"},
      {"random_shortest_size", "size: [50, 90], max_size: 100"},
      {"resize", "size: [60, 88]"},
      {"rotate", "angle: [-40, 40]"},
      {"safe_rotate", "angle: [-40, 40]"},
      {"scale_jitter", "size: [90, 70], scale: [0.6, 1.4]"},
      {"smallest_max_size", "size: [50, 120]"},
      {"solarize", "threshold: [0.2, 0.8]"},
      {"upscale", "factor: [1, 2.5], interpolation: linear"},
      {"white_balance", "strength: [0.3, 1]"},
      {"xy_masking", "count_x: [1, 2], count_y: [1, 2]"},
      {"to_sepia", "amount: [0.2, 1]"},
      {"translate", "x: [-20, 20], y: [-10, 10], unit: px"},
  };
  return table;
}

// What the table's row of an operator rules out and another choice of arguments allows: bound, not
// run.
static const std::vector<SampleArguments>& OtherArguments() {
  static const std::vector<SampleArguments> others{
      {"coarse_dropout", "hole_height: 9, hole_width: 7, unit: px"},
      {"constrained_dropout", "hole_height: 9, hole_width: 7, unit: px"},
      {"fda", "field: target"},
      {"grid_dropout", "tile: 11, unit: px"},
      {"histogram_matching", "field: target"},
      {"pixel_distribution", "field: target"},
      {"xy_masking", "length_x: 5, length_y: 3, unit: px"},
  };
  return others;
}

std::string ArgumentsFor(const OpInfo& op, Violations& violations) {
  for (const SampleArguments& row : ArgumentTable()) {
    if (row.op == op.name) return std::string(row.yaml);
  }
  for (const ParamInfo& p : op.params) {
    if (!p.required) continue;
    violations.push_back(
        fmt::format("{}: '{}' is required; add sample arguments to ArgumentTable() in "
                    "tests/ops/contract_checks.cc",
                    op.name, p.name));
    break;
  }
  return "";
}

Violations CheckSchema(const OpInfo& op) {
  Report report(op);
  if (!IsSnakeCase(op.name)) report.Add("the name is not snake_case");
  if (!IsOneSentence(op.doc)) report.Add("doc is not one sentence: '{}'", op.doc);
  if (op.classes.empty()) report.Add("no step type");
  if (DeterminismName(op.determinism).empty()) report.Add("no determinism class");
  if (op.support.Text().empty()) report.Add("no pixel types");
  std::set<std::string> names;
  int primaries = 0;
  for (const ParamInfo& p : op.params) {
    primaries += p.primary ? 1 : 0;
    if (!IsSnakeCase(p.name)) report.Add("parameter '{}' is not snake_case", p.name);
    if (!IsPhrase(p.doc)) report.Add("parameter '{}' has no doc", p.name);
    if (p.name == "p") report.Add("'p' belongs to the chain");
    if (!names.insert(p.name).second) report.Add("two parameters '{}'", p.name);
    for (const std::string& alias : p.aliases) {
      if (!names.insert(alias).second) report.Add("two parameters '{}'", alias);
    }
    if (IsNumeric(p.type)) {
      if (p.unit.empty()) report.Add("parameter '{}' has no unit", p.name);
      if (!p.range) {
        report.Add("parameter '{}' has no range", p.name);
      } else if (p.range->first >= p.range->second) {
        report.Add("parameter '{}' has an empty range", p.name);
      } else if (!p.required && !schema::CheckRange(p.default_value, *p.range).empty()) {
        report.Add("default of '{}': {}", p.name, schema::CheckRange(p.default_value, *p.range));
      }
    }
    if (p.type == ParamType::kChoice) {
      const auto& c = p.choices;
      if (c.empty()) report.Add("parameter '{}' has no choices", p.name);
      if (std::find(c.begin(), c.end(), p.default_value.text) == c.end()) {
        report.Add("default of '{}' is none of its choices", p.name);
      }
    }
  }
  if (primaries > 1) report.Add("several primary parameters");
  return report.Found();
}

Violations CheckArguments(const OpInfo& op) {
  Report report(op);
  const Value base = Mapping(ArgumentsFor(op, report.Found()));
  if (!report.Found().empty()) return report.Found();

  const auto round_trip = [&](const Value& args, const std::string& what) {
    Diagnostics diagnostics;
    const auto bound = Bind(op, args, diagnostics);
    if (diagnostics.HasErrors()) return false;
    const Value first = bound->Arguments();
    Variables variables;
    const auto read = ParseYaml(ToYaml(first), "again.yaml", variables, diagnostics);
    const auto again = read ? Bind(op, *read, diagnostics) : nullptr;
    if (again == nullptr || diagnostics.HasErrors()) {
      report.Add("{}: arguments written out are refused: {}", what, ToJson(first));
    } else if (ToJson(again->Arguments()) != ToJson(first)) {
      report.Add("{}: arguments change on the way: {}, {}", what, ToJson(first),
                 ToJson(again->Arguments()));
    }
    for (const Value::Entry& entry : args.entries) {
      const Value* kept = first.Find(entry.key);
      if (kept == nullptr) report.Add("{}: '{}' got lost", what, entry.key);
    }
    return true;
  };
  if (!round_trip(base, "sample arguments")) report.Add("the sample arguments are refused");
  std::vector<Value> bases{base};
  for (const SampleArguments& row : OtherArguments()) {
    if (row.op == op.name) bases.push_back(Mapping(std::string(row.yaml)));
  }
  for (const ParamInfo& p : op.params) {
    // A rule between parameters may refuse some values, never all of them.
    bool any = false;
    std::vector<Value> inside = InsideValues(p);
    // Not every text will do: some name files.
    const Value* sample = base.kind == Value::Kind::kMap ? base.Find(p.name) : nullptr;
    if (p.type == ParamType::kString && sample != nullptr) inside.push_back(*sample);
    for (const Value& value : inside) {
      for (const Value& around : bases) {
        const bool accepted = round_trip(With(around, p.name, value), p.name + " " + ToJson(value));
        any = any || accepted;
      }
    }
    if (!any) report.Add("'{}' refuses every value of its range", p.name);
    const auto refused = [&](const Value& value) {
      Diagnostics diagnostics;
      Bind(op, With(base, p.name, value), diagnostics);
      const bool named =
          std::any_of(diagnostics.All().begin(), diagnostics.All().end(), [&](const Diagnostic& d) {
            return d.code == "CFG-VALUE" && d.text.find(p.name) != std::string::npos;
          });
      if (!named) report.Add("'{}' takes {}", p.name, ToJson(value));
    };
    if (p.range && IsNumeric(p.type)) {
      for (const Value& value : OutsideValues(p)) refused(value);
    }
    refused(Value::Map({{"wrong", {}, Value::Bool(true)}}));
    const bool any_text = p.type == ParamType::kString || p.type == ParamType::kWords;
    if (!any_text) refused(Value::String("no such value", {}));
  }
  return report.Found();
}

// ---- running ------------------------------------------------------------------------------------

namespace {

void CheckMeta(Report& report, const Meta& meta, const Sample& sample, const std::string& what) {
  const Frame& frame = sample.Image()->frames[0];
  if (meta.size && !(*meta.size == frame.size())) {
    report.Add("{}: inferred {}, got {}x{}", what, meta.Text(), frame.size().width,
               frame.size().height);
  }
  if (meta.depth && *meta.depth != frame.depth()) {
    report.Add("{}: inferred {}, got {}", what, meta.Text(), DepthName(frame.depth()));
  }
  if (meta.channels && *meta.channels != frame.channels()) {
    report.Add("{}: inferred {}, got {} channels", what, meta.Text(), frame.channels());
  }
}

constexpr const char* kDepths[] = {"u8", "u16", "f32"};
constexpr Depth kDepthValues[] = {Depth::kU8, Depth::kU16, Depth::kF32};

}  // namespace

Violations CheckPixelTypes(const OpInfo& op, const Registry& registry) {
  Report report(op);
  const std::string args = ArgumentsFor(op, report.Found());
  if (!report.Found().empty()) return report.Found();
  const LoadOptions options = OptionsFor(registry);
  for (std::size_t d = 0; d < 3; ++d) {
    for (const int channels : {1, 3, 4, 5}) {
      const std::string type = fmt::format("depth: {}, channels: {}", kDepths[d], channels);
      if (!op.support.Accepts(kDepthValues[d], channels)) {
        const std::string yaml = OneOp(op, args, type);
        const std::vector<std::string> errors = ErrorsOf(yaml, options);
        if (errors.size() != 1 || errors[0].find("CFG-TYPE") == std::string::npos) {
          report.Add("{}: not refused when compiled", type);
        }
        const Outcome late = RunYaml(OneOp(op, args, type + ", declared: false"), 1, options);
        const bool all_bad = late.report.written == 0 && late.quarantine.size() == 3 &&
                             late.quarantine[0].find("OP-TYPE") != std::string::npos;
        if (!all_bad) report.Add("{}: not refused when run", type);
        continue;
      }
      for (const char* size : {"[1, 1]", "[7, 1]", "[1, 7]", "[99, 101]"}) {
        for (const bool declared : {true, false}) {
          const std::string what = fmt::format("{}, size: {}, declared: {}", type, size, declared);
          try {
            Pipeline pipeline = Pipeline::Parse(OneOp(op, args, what), "t.yaml", options);
            const Outcome outcome = RunPipeline(pipeline);
            if (outcome.samples.size() != 3 || outcome.report.quarantined != 0) {
              report.Add("{}: fails: {}", what,
                         outcome.quarantine.empty() ? "" : outcome.quarantine[0]);
            }
            for (const Collected& c : outcome.samples) {
              CheckMeta(report, pipeline.graph().nodes[1].meta[0], c.sample, what);
            }
          } catch (const std::exception& error) {
            report.Add("{}: {}", what, error.what());
          }
        }
      }
    }
  }
  return report.Found();
}

Violations CheckDraws(const OpInfo& op, const Registry& registry) {
  Report report(op);
  const std::string args = ArgumentsFor(op, report.Found());
  if (!report.Found().empty()) return report.Found();
  LoadOptions options = OptionsFor(registry);
  const std::string canvas =
      op.support.u8 ? "count: 6, size: [66, 70]" : "count: 6, size: [66, 70], depth: f32";
  const Outcome first = RunYaml(OneOp(op, args, canvas), 1, options);
  if (first.samples.size() != 6) {
    report.Add("does not run: {}", first.errors);
    return report.Found();
  }
  const auto same = [&](const Outcome& other, const std::string& what) {
    for (std::size_t i = 0; i < first.samples.size(); ++i) {
      if (i >= other.samples.size()) return report.Add("{}: results are missing", what);
      const std::string difference = SampleDifference(first[i], other[i]);
      if (!difference.empty()) return report.Add("{}: {} differ", what, difference);
      if (first[i].recipe.ToJson() != other[i].recipe.ToJson()) {
        return report.Add("{}: recipes differ", what);
      }
    }
  };
  same(RunYaml(OneOp(op, args, canvas), 1, options), "run twice");
  same(RunYaml(OneOp(op, args, canvas), 4, options), "four threads");
  LoadOptions without = options;
  without.disabled_passes = {"prune", "push_down", "fuse", "schedule"};
  same(RunYaml(OneOp(op, args, canvas), 1, without), "without passes");

  const std::string step = "op/" + op.name + "#1";
  const auto draws = [&](const Sample& sample) {
    const RecipeEntry* entry = Find(sample, step);
    return entry == nullptr ? decltype(RecipeEntry::draws){} : entry->draws;
  };
  const bool random = std::any_of(op.params.begin(), op.params.end(),
                                  [](const ParamInfo& p) { return p.type == ParamType::kRange; });
  if (random && draws(first[0]).empty()) report.Add("takes a range and records no draw");
  if (!draws(first[0]).empty()) {
    bool differs = false;
    for (const Collected& c : first.samples)
      differs = differs || draws(c.sample) != draws(first[0]);
    if (!differs) report.Add("six samples get the same draws");
    const Outcome other = RunYaml(OneOp(op, args, canvas, /*seed=*/12), 1, options);
    if (other.samples.size() == 6 && draws(other[0]) == draws(first[0])) {
      report.Add("another seed gives the same draws");
    }
  }
  // A draw named as a parameter lies inside the argument.
  Diagnostics diagnostics;
  const auto bound = Bind(op, Mapping(args), diagnostics);
  const Value arguments = bound->Arguments();
  for (const ParamInfo& p : op.params) {
    Range range;
    const Value* argument = arguments.Find(p.name);
    if (p.type != ParamType::kRange || argument == nullptr) continue;
    if (!schema::From(*argument, range).empty()) continue;
    for (const double value : first.Draws(step, p.name)) {
      if (value < range.Min() || value > range.Max()) {
        report.Add("drew {} = {} outside {}", p.name, value, ToJson(*argument));
      }
    }
  }
  return report.Found();
}

Violations CheckOperator(const OpInfo& op, const Registry& registry) {
  Violations all = CheckSchema(op);
  const auto append = [&](Violations more) { all.insert(all.end(), more.begin(), more.end()); };
  append(CheckArguments(op));
  append(CheckPixelTypes(op, registry));
  append(CheckDraws(op, registry));
  append(CheckLabels(op, registry));
  append(CheckFixed(op, registry));
  append(CheckSharing(op, registry));
  return all;
}

}  // namespace pixloom::testing
