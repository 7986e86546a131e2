// SPDX-License-Identifier: Apache-2.0
// One parameter table, many readers: description, binding, aliases, the primary form, round trip.
#include "pipeline/schema.h"

#include <limits>

#include <doctest/doctest.h>

#include "pipeline/config.h"

namespace pixloom {
namespace {

enum class Mode { kSoft, kHard };

}  // namespace

template <>
struct EnumNames<Mode> {
  static constexpr std::array<std::pair<Mode, std::string_view>, 2> kAll{
      {{Mode::kSoft, "soft"}, {Mode::kHard, "hard"}}};
};

namespace {

Value Doubled(const Value& value) { return Value::Float(2 * value.number); }

struct Everything {
  bool flag = true;
  std::int64_t count = 3;
  double factor = 0.5;
  std::string label = "none";
  Mode mode = Mode::kHard;
  Range angle{-10, 10};
  Size size{640, 480};
  std::vector<double> fill{0};
  std::int64_t needed = 0;

  static constexpr std::string_view kName = "everything";
  static constexpr std::string_view kDoc = "Has one parameter of each type.";
  static constexpr std::array<std::string_view, 1> kAliases{"Everything"};
  static constexpr auto Params() {
    using E = Everything;
    return std::tuple{
        Param("flag", &E::flag).Doc("A flag."),
        Param("count", &E::count).In(0, 9).Unit("items").Doc("A count."),
        Param("factor", &E::factor).In(0, 1).Unit("factor").Alias("half", Doubled).Doc("A factor."),
        Param("label", &E::label).Doc("A text."),
        Param("mode", &E::mode).Doc("A mode."),
        Param("angle", &E::angle)
            .In(-90, 90)
            .Unit("deg")
            .Primary()
            .Alias("limit")
            .Alias("degrees")
            .Doc("An angle."),
        Param("size", &E::size).In(1, 4096).Unit("px").Doc("A size."),
        Param("fill", &E::fill).In(0, 255).Unit("levels").Doc("Levels."),
        Param("needed", &E::needed).In(0, 5).Unit("items").Required().Doc("Must be given.")};
  }
  std::string Check() const { return count > 5 && flag ? "count above 5 needs flag: false" : ""; }
};

struct Bound {
  Everything op;
  std::vector<std::string> errors;
  std::vector<std::string> notices;
};

Bound Bind(const std::string& yaml) {
  Bound bound;
  Variables variables;
  Diagnostics diagnostics;
  const auto value = ParseYaml(yaml, "t.yaml", variables, diagnostics);
  REQUIRE(value.has_value());
  BindArguments(bound.op, *value, "look (everything)", diagnostics);
  for (const Diagnostic& d : diagnostics.All()) {
    (d.severity == Severity::kError ? bound.errors : bound.notices).push_back(d.Text());
  }
  return bound;
}

using Texts = std::vector<std::string>;

std::string One(const std::string& yaml) {
  const Texts errors = Bind(yaml).errors;
  return errors.size() == 1 ? errors[0] : std::to_string(errors.size()) + " errors";
}

TEST_CASE("the description says what the members say") {
  const VerbInfo verb = DescribeVerb<Everything>();
  CHECK(verb.name == "everything");
  CHECK(verb.doc == "Has one parameter of each type.");
  CHECK(verb.aliases == Texts{"Everything"});
  CHECK(verb.ParamNames() ==
        Texts{"flag", "count", "factor", "label", "mode", "angle", "size", "fill", "needed"});
  std::string types;
  for (const ParamInfo& p : verb.params) types += std::string(ParamTypeName(p.type)) + " ";
  CHECK(types == "bool int float string choice range size floats int ");
  const ParamInfo& angle = *verb.Param("angle");
  CHECK(ToJson(angle.default_value) == "[-10, 10]");
  CHECK(angle.unit == "deg");
  CHECK(angle.primary);
  CHECK(!angle.required);
  CHECK(angle.range == std::pair{-90.0, 90.0});
  CHECK(angle.aliases == Texts{"limit", "degrees"});
  CHECK(verb.Param("mode")->choices == Texts{"soft", "hard"});
  CHECK(verb.Param("mode")->default_value.text == "hard");
  CHECK(ToJson(verb.Param("size")->default_value) == "[480, 640]");  // height first
  CHECK(verb.Param("needed")->required);
  CHECK(verb.Param("no_such") == nullptr);
}

TEST_CASE("arguments reach the members") {
  const Bound bound = Bind(
      "{flag: false, count: 9, factor: 1, label: text, mode: soft, angle: 5, size: [10, 20],\n"
      " fill: [1, 2.5], needed: 2}");
  CHECK(bound.errors == Texts{});
  CHECK(!bound.op.flag);
  CHECK(bound.op.count == 9);
  CHECK(bound.op.factor == 1);
  CHECK(bound.op.label == "text");
  CHECK(bound.op.mode == Mode::kSoft);
  CHECK(bound.op.angle == Range(5, 5));
  CHECK(bound.op.size == Size{20, 10});
  CHECK(bound.op.fill == std::vector{1.0, 2.5});
  CHECK(bound.op.needed == 2);
  CHECK(Bind("{needed: 1, size: 7}").op.size == Size{7, 7});
  CHECK(Bind("{needed: 1, fill: 7}").op.fill == std::vector{7.0});
  CHECK(Bind("{needed: 1, label: 3}").op.label == "3");
}

TEST_CASE("a range is a number, an interval or a set") {
  CHECK(Bind("{needed: 1, angle: [-3, 4.5]}").op.angle == Range(-3, 4.5));
  const Range set = Bind("{needed: 1, angle: {choice: [7, -2, 3]}}").op.angle;
  CHECK(set.choice == std::vector{7.0, -2.0, 3.0});
  CHECK(set.Min() == -2);
  CHECK(set.Max() == 7);
  CHECK(One("{needed: 1, angle: [5, 4]}") ==
        "t.yaml:1:20: error[CFG-VALUE] look (everything): angle: [5, 4] has its low end above its "
        "high end");
  for (const char* bad : {"[1]", "[1, 2, 3]", "[]", "text", "true", "{choice: []}", "{choice: 3}",
                          "{choice: [a]}", "{choice: [1], more: 2}", "~"}) {
    CAPTURE(bad);
    CHECK(One(std::string("{needed: 1, angle: ") + bad + "}").find("expected a number, [low, ") !=
          std::string::npos);
  }
}

TEST_CASE("the primary parameter may stand alone") {
  const auto missing = [](const Bound& bound) {
    return bound.errors.size() == 1 && bound.errors[0].find("'needed'") != std::string::npos;
  };
  for (const char* yaml : {"5", "[5, 5]", "{choice: [5]}"}) {
    CAPTURE(yaml);
    const Bound bound = Bind(yaml);
    CHECK(missing(bound));
    CHECK(bound.op.angle.Min() == 5);
  }
  CHECK(missing(Bind("")));
}

TEST_CASE("ranges bound every part of a value, NaN and infinity included") {
  CHECK(One("{needed: 1, count: 10}") ==
        "t.yaml:1:20: error[CFG-VALUE] look (everything): count: 10 is outside [0, 9]");
  CHECK(One("{needed: 1, count: -1}").find("-1 is outside [0, 9]") != std::string::npos);
  CHECK(One("{needed: 1, angle: [-91, 0]}").find("[-91, 0] is outside [-90, 90]") !=
        std::string::npos);
  CHECK(One("{needed: 1, angle: {choice: [0, 91]}}").find("is outside") != std::string::npos);
  CHECK(One("{needed: 1, size: [0, 5]}").find("[0, 5] is outside [1, 4096]") != std::string::npos);
  CHECK(One("{needed: 1, fill: [1, 256]}").find("is outside") != std::string::npos);
  CHECK(One("{needed: 1, factor: 1e400}") != "0 errors");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(schema::CheckRange(Value::Float(nan), {0, 1}) != "");
  CHECK(schema::CheckRange(Value::Float(std::numeric_limits<double>::infinity()), {0, 1}) != "");
  CHECK(schema::CheckRange(Value::Float(0), {0, 1}) == "");
  CHECK(schema::CheckRange(Value::Float(1), {0, 1}) == "");
}

TEST_CASE("types are strict") {
  for (const char* bad :
       {"flag: 1", "flag: yes", "count: 2.0", "count: '2'", "count: true", "factor: '0.5'",
        "label: [a]", "label: ~", "mode: 1", "mode: Soft", "mode: [soft]", "size: 2.5", "size: [1]",
        "size: [1, 2, 3]", "fill: []", "fill: text", "fill: [a]"}) {
    CAPTURE(bad);
    CHECK(One(std::string("{needed: 1, ") + bad + "}").find("expected") != std::string::npos);
  }
  CHECK(One("{needed: 1, mode: sof}")
            .find("expected one of soft, hard, got string 'sof'; did you "
                  "mean 'soft'?") != std::string::npos);
}

TEST_CASE("unknown, doubled and missing names are all reported") {
  const Bound bound = Bind("{angel: 3, colour: 2, count: 12, limit: 4, angle: 5, x-note: 1}");
  CHECK(bound.errors ==
        Texts{"t.yaml:1:2: error[CFG-KEY] look (everything): unknown parameter 'angel'; did you "
              "mean 'angle'?",
              "t.yaml:1:12: error[CFG-KEY] look (everything): unknown parameter 'colour'; known: "
              "flag, count, factor, label, mode, angle, size, fill, needed",
              "t.yaml:1:34: error[CFG-DUP] look (everything): 'limit' is another name of 'angle', "
              "which is given too",
              "t.yaml:1:1: error[CFG-MISSING] look (everything): parameter 'needed' is required",
              "t.yaml:1:30: error[CFG-VALUE] look (everything): count: 12 is outside [0, 9]"});
  CHECK(One("{needed: 1, limit: 3, degrees: 4}").find("CFG-DUP") != std::string::npos);
}

TEST_CASE("a peer's name is read with a notice, and converted") {
  const Bound bound = Bind("{needed: 1, half: 0.25, limit: [1, 2]}");
  CHECK(bound.errors == Texts{});
  CHECK(bound.op.factor == 0.5);
  CHECK(bound.op.angle == Range(1, 2));
  CHECK(bound.notices ==
        Texts{"t.yaml:1:13: notice[CFG-ALIAS] look (everything): 'half' is read as 'factor'",
              "t.yaml:1:25: notice[CFG-ALIAS] look (everything): 'limit' is read as 'angle'"});
  CHECK(One("{needed: 1, half: 0.75}") ==
        "t.yaml:1:19: error[CFG-VALUE] look (everything): factor: 1.5 is outside [0, 1]");
}

TEST_CASE("rules between parameters are checked when each is fine by itself") {
  CHECK(One("{needed: 1, count: 6}") ==
        "t.yaml:1:1: error[CFG-VALUE] look (everything): count above 5 needs flag: false");
  CHECK(Bind("{needed: 1, count: 6, flag: false}").errors == Texts{});
  CHECK(Bind("{needed: 1, count: 6, factor: 7}").errors.size() == 1);
}

TEST_CASE("arguments written out are read back") {
  for (const char* yaml :
       {"{needed: 1}", "{needed: 5, flag: false, count: 7, factor: 0.1, label: 'a: b', mode: soft}",
        "{needed: 0, angle: {choice: [1, 2.5]}, size: [1, 4096], fill: [0.1, 255]}",
        "{needed: 0, angle: [-0.1, 1e-9], label: 'true'}"}) {
    CAPTURE(yaml);
    const Value first = DumpArguments(Bind(yaml).op);
    const Bound again = Bind(ToYaml(first));
    CHECK(again.errors == Texts{});
    CHECK(again.notices == Texts{});
    CHECK(ToJson(DumpArguments(again.op)) == ToJson(first));
  }
  CHECK(ToJson(DumpArguments(Everything{})) ==
        R"({"flag": true, "count": 3, "factor": 0.5, "label": "none", "mode": "hard", )"
        R"("angle": [-10, 10], "size": [480, 640], "fill": [0], "needed": 0})");
}

}  // namespace
}  // namespace pixloom
