// SPDX-License-Identifier: Apache-2.0
// The YAML loader: what it reads, what it refuses and where it points.
#include "pipeline/config.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <random>

namespace pixloom {
namespace {

struct Parsed {
  std::optional<Value> value;
  Diagnostics found;
  Variables variables;

  // "CODE line:column" of every finding.
  std::vector<std::string> Where() const {
    std::vector<std::string> all;
    for (const Diagnostic& d : found.All()) {
      all.push_back(d.code + " " + std::to_string(d.at.line) + ":" + std::to_string(d.at.column));
    }
    return all;
  }
  std::string Text(std::size_t i = 0) const {
    return i < found.All().size() ? found.All()[i].Text() : "";
  }
};

Parsed Parse(const std::string& text, const ConfigLimits& limits = {},
             std::map<std::string, std::string> set = {}) {
  Parsed parsed;
  parsed.variables.set = std::move(set);
  parsed.variables.use_environment = false;
  parsed.value = ParseYaml(text, "t.yaml", parsed.variables, parsed.found, limits);
  CHECK(parsed.value.has_value() == !parsed.found.HasErrors());
  return parsed;
}

std::string Json(const std::string& text) {
  const Parsed parsed = Parse(text);
  return parsed.value ? ToJson(*parsed.value) : parsed.Text();
}

using Places = std::vector<std::string>;
Places Errors(const std::string& text) { return Parse(text).Where(); }

std::string Repeat(const std::string& part, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += part;
  return all;
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool Equal(const Value& a, const Value& b) {
  if (a.kind != b.kind || a.items.size() != b.items.size()) return false;
  if (a.entries.size() != b.entries.size()) return false;
  if (a.boolean != b.boolean || a.integer != b.integer || a.number != b.number) return false;
  if (a.kind == Value::Kind::kString && a.text != b.text) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!Equal(a.items[i], b.items[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    if (a.entries[i].key != b.entries[i].key) return false;
    if (!Equal(a.entries[i].value, b.entries[i].value)) return false;
  }
  return true;
}

TEST_CASE("documents become values in file order") {
  CHECK(Json("b: 1\na: [x, 2.5, true, ~, '3', \"4\", 010]\n") ==
        R"({"b": 1, "a": ["x", 2.5, true, null, "3", "4", "010"]})");
  CHECK(Json("a: |\n  x\n  y\nb: >\n  x\n  y\n") == R"({"a": "x\ny\n", "b": "x y\n"})");
  CHECK(Json("a: {}\nb: []\nc:\n") == R"({"a": {}, "b": [], "c": null})");
  CHECK(Json("1: x\ntrue: y\n\"<<\": z\n'null': n") ==
        R"({"1": "x", "true": "y", "<<": "z", "null": "n"})");
  CHECK(Json("\xEF\xBB\xBF"
             "a: 1\r\nb: 2\r\n") == R"({"a": 1, "b": 2})");
  CHECK(Json("a: ! 5") == R"({"a": "5"})");
  CHECK(Json("%YAML 1.2\n---\na: 1\n...\n") == R"({"a": 1})");
  CHECK(Json("") == "null");
  CHECK(Json("# nothing\n\n") == "null");
}

TEST_CASE("keys and values keep their places") {
  const Parsed parsed = Parse("nodes:\n  crop:\n    {size: [224, 7]}\n  last:\n  next: 1\n");
  REQUIRE(parsed.value);
  CHECK(parsed.value->at.Text() == "t.yaml:1:1");
  const Value& nodes = *parsed.value->Find("nodes");
  CHECK(parsed.value->entries[0].at.Text() == "t.yaml:1:1");
  CHECK(nodes.entries[0].at.Text() == "t.yaml:2:3");
  CHECK(nodes.Find("crop")->at.Text() == "t.yaml:3:5");
  CHECK(nodes.Find("crop")->entries[0].at.Text() == "t.yaml:3:6");
  CHECK(nodes.Find("crop")->Find("size")->items[1].at.Text() == "t.yaml:3:18");
  CHECK(nodes.Find("last")->at.Text() == "t.yaml:4:3");  // left out: the place of its key
}

TEST_CASE("aliases replay values") {
  const Parsed parsed = Parse("a: &x {p: 0.5, q: [1]}\nb: *x\nc: [*x, *x]\n");
  REQUIRE(parsed.value);
  CHECK(ToJson(*parsed.value->Find("b")) == R"({"p": 0.5, "q": [1]})");
  CHECK(parsed.value->Find("c")->items.size() == 2);
  CHECK(parsed.value->Find("b")->at.Text() == "t.yaml:2:4");
  CHECK(parsed.value->Find("b")->Find("p")->at.Text() == "t.yaml:1:11");
  CHECK(Errors("a: *none") == Places{"CFG-YAML 1:4"});
}

TEST_CASE("cycles through aliases are refused") {
  CHECK(Errors("&x [*x]") == Places{"CFG-YAML 1:5"});
  CHECK(Errors("a: &x\n  b: {c: *x}\n") == Places{"CFG-YAML 2:10"});
  CHECK(Contains(Parse("&x [*x]").Text(), "alias of the value that it stands in (line 1)"));
}

TEST_CASE("duplicate keys are all reported, with both lines") {
  const Parsed parsed = Parse("a: 1\nb: {c: 1, c: 2}\na: 2\n");
  CHECK(parsed.Where() == Places{"CFG-DUP 2:11", "CFG-DUP 3:1"});
  CHECK(parsed.Text(1) ==
        "t.yaml:3:1: error[CFG-DUP] key 'a' is already given in line 1; a key stands once in its "
        "map; remove one of the two");
  CHECK(Errors("'a': 1\na: 2") == Places{"CFG-DUP 2:1"});
}

TEST_CASE("everything wrong is reported in one pass") {
  CHECK(Errors("a: !!str 5\nb: !foo {}\n<<: 3\n? [1]\n: 3\n~: 4\n&q z: 1\n*q : 5\na: $(NO)\n") ==
        Places{"CFG-TAG 1:4", "CFG-TAG 2:4", "CFG-YAML 3:1", "CFG-YAML 4:3", "CFG-YAML 6:1",
               "CFG-YAML 7:1", "CFG-YAML 8:1", "CFG-DUP 9:1", "CFG-VAR 9:4"});
}

TEST_CASE("keys are text") {
  CHECK(Contains(Parse("<<: *x").Text(), "merge key '<<'"));
  CHECK(Contains(Parse("? {a: 1}\n: 2").Text(), "key is a map"));
  CHECK(Contains(Parse(": 2").Text(), "key is null"));
  CHECK(Contains(Parse("&a : 1\nb: *a").Text(), "key is null"));
}

TEST_CASE("tabs do not indent") {
  CHECK(Errors("\ta: 1") == Places{"CFG-YAML 1:1"});
  CHECK(Errors("a:\n  - 1\n \t- 2\n\t- 3\n") == Places{"CFG-YAML 3:2", "CFG-YAML 4:1"});
  CHECK(Parse(Repeat("\ta\n", 1000)).found.ErrorCount() == 20);
  // Not indentation: blank lines, comments, behind a value, inside quoted and literal text.
  CHECK(Json("a: 1\t# x\n\t\n\t# y\nb: \"x\n\ty\"\nc: |\n  \tz\n") ==
        R"({"a": 1, "b": "x y", "c": "\tz\n"})");
}

TEST_CASE("one document") {
  CHECK(Errors("a: 1\n---\nb: 2\n") == Places{"CFG-YAML 2:1"});
  CHECK(Errors("a: 1\n...\nb: 2\n") == Places{"CFG-YAML 3:1"});
  CHECK(Errors("[1] foo") == Places{"CFG-YAML 1:5"});
  CHECK(Errors("[a]\n, b") == Places{"CFG-YAML 2:1"});  // the library would go on for ever
}

TEST_CASE("bytes that are no text") {
  CHECK(Errors("a: 1\nb: \xff") == Places{"CFG-YAML 2:4"});
  CHECK(Errors(std::string("a: \0b", 5)) == Places{"CFG-YAML 1:4"});
  CHECK(Errors("a: 1\n\x04: 2") == Places{"CFG-YAML 2:1"});  // the library's end of file
  CHECK(Errors("a: 1\rb: 2") == Places{"CFG-YAML 1:5"});
  CHECK(Errors("a: \"x\\0y\"") == Places{"CFG-YAML 1:4"});
  CHECK(Errors(std::string("\xff\xfe"
                           "a\0",
                           4)) == Places{"CFG-YAML 1:1"});  // UTF-16
  CHECK(Json("a: \"\\x04\"") == "{\"a\": \"\\u0004\"}");
}

TEST_CASE("syntax errors point at the place to repair") {
  CHECK(Errors("a: b: c") == Places{"CFG-YAML 1:5"});
  CHECK(Errors("a: 1\nb: @x") == Places{"CFG-YAML 2:4"});
  CHECK(Errors("a: {x: 1}}") == Places{"CFG-YAML 1:10"});
  CHECK(Errors("a: 1\nb: [1, [2, 3]\nc: 4\n") == Places{"CFG-YAML 2:4"});
  CHECK(Errors("a: {x: 1,\nb: 2") == Places{"CFG-YAML 1:4"});
  CHECK(Contains(Parse("a: [1").Text(), "this bracket is not closed"));
  // The library closes a quote at the end of the file by itself; this must not pass.
  for (const char* text : {"a: \"x\nb: 3\n", "a: 'x\nb: 3\n", "a: 'x", "a: \"x"}) {
    CAPTURE(text);
    CHECK(Errors(text) == Places{"CFG-YAML 1:4"});
    CHECK(Contains(Parse(text).Text(), "this quote is not closed"));
  }
}

TEST_CASE("brackets in quotes, comments and plain text do not count as nesting") {
  const std::string many = Repeat("[{", 200);
  for (const std::string& text :
       {"a: '" + many + "'\n", "a: \"\\\"" + many + "\"\n", "a: 1 # " + many + "\n",
        "# " + many + "\na: 1\n", "a: x" + many + "\n", "a: x\n  " + many + "\nb: 1\n",
        "a: |\n  " + many + "\n" + "b: >2\n  " + many + "\n", "- a: |\n    " + many + "\n- b\n",
        "a:\n  |\n  " + many + "\n", "a: [x, \"" + many + "\", 'it''s " + many + "']\n",
        "a: [x, # " + many + "\n  y]\n", "a: don't\nb: x" + many + "\n", "!x a" + many + ": 1\n"}) {
    CAPTURE(text);
    const Parsed parsed = Parse(text);
    for (const Diagnostic& d : parsed.found.All()) CHECK(d.code == "CFG-TAG");
  }
}

TEST_CASE("variables") {
  const Parsed parsed = Parse(
      "a: $(N)\nb: '$(N)'\nc: $(M:-1.5)\nd: \"$(M:-1.5)\"\ne: {p: $(D:-data/photos)/x}\n"
      "f: $$(N)\ng: cost $5 $$ $x\nh: $(T)\ni: $(E)\nj: $(E:-7)\n$(N): key\nk: [$(N), $(M:-)]\n",
      {}, {{"N", "4"}, {"T", "$(N)"}, {"E", ""}});
  REQUIRE(parsed.value);
  CHECK(ToJson(*parsed.value) ==
        R"j({"a": 4, "b": "4", "c": 1.5, "d": "1.5", "e": {"p": "data/photos/x"}, "f": "$(N)", )j"
        R"j("g": "cost $5 $$ $x", "h": "$(N)", "i": null, "j": 7, "$(N)": "key", )j"
        R"j("k": [4, null]})j");
  CHECK(parsed.variables.used ==
        std::map<std::string, std::string>{{"N", "4"}, {"T", "$(N)"}, {"E", ""}});
}

TEST_CASE("variables that cannot be expanded") {
  const Parsed parsed = Parse("a: 1\nb: [x, $(NO_SUCH)]\nc: $(1x)\nd: $(\ne: $(A-b)\nf: $()\n");
  CHECK(parsed.Where() ==
        Places{"CFG-VAR 2:8", "CFG-VAR 3:4", "CFG-VAR 4:4", "CFG-VAR 5:4", "CFG-VAR 6:4"});
  CHECK(parsed.Text() ==
        "t.yaml:2:8: error[CFG-VAR] variable NO_SUCH is not set; one without a default needs a "
        "value; give --set NO_SUCH=VALUE, set it in the environment or write $(NO_SUCH:-default)");
  CHECK(Parse("a: $(X)", {}, {{"X", "\xff"}}).Where() == Places{"CFG-VAR 1:4"});
  // What an alias replays is not expanded again, so it is not reported again.
  CHECK(Errors("a: &x $(NO)\nb: *x\n") == Places{"CFG-VAR 1:4"});
}

TEST_CASE("--set comes before the environment") {
  ::setenv("PIXLOOM_TEST_VARIABLE", "outer", 1);
  Variables variables;
  CHECK(variables.Lookup("PIXLOOM_TEST_VARIABLE") == "outer");
  CHECK(variables.used.at("PIXLOOM_TEST_VARIABLE") == "outer");
  variables.set["PIXLOOM_TEST_VARIABLE"] = "inner";
  CHECK(variables.Lookup("PIXLOOM_TEST_VARIABLE") == "inner");
  CHECK(variables.used.at("PIXLOOM_TEST_VARIABLE") == "inner");
  variables.set.clear();
  variables.use_environment = false;
  CHECK_FALSE(variables.Lookup("PIXLOOM_TEST_VARIABLE"));
  ::unsetenv("PIXLOOM_TEST_VARIABLE");
}

TEST_CASE("limits are exact") {
  ConfigLimits limits;
  limits.depth = 3;
  CHECK(Parse("a: [[1]]", limits).value);
  CHECK(Parse("a: [[[1]]]", limits).Where() == Places{"CFG-LIMIT 1:6"});
  CHECK(Parse("- - - - 1", limits).Where() == Places{"CFG-LIMIT 1:7"});
  CHECK(Parse("a: &x [1]\nb: [*x]", limits).value);
  CHECK(Parse("a: &x [1]\nb: [[*x]]", limits).Where() == Places{"CFG-LIMIT 2:6"});

  limits = {};
  limits.nodes = 3;  // the list and two items
  CHECK(Parse("[1, 2]", limits).value);
  CHECK(Parse("[1, 2, 3]", limits).Where() == Places{"CFG-LIMIT 1:8"});

  limits = {};
  limits.keys = 2;
  CHECK(Parse("a: {b: 1}", limits).value);
  CHECK(Parse("a: {b: 1, c: 2}", limits).Where() == Places{"CFG-LIMIT 1:11"});

  limits = {};
  limits.alias_nodes = 6;
  CHECK(Parse("a: &x [1, 2]\nb: [*x, *x]", limits).value);
  CHECK(Parse("a: &x [1, 2]\nb: [*x, *x, *x]", limits).Where() == Places{"CFG-LIMIT 2:13"});

  limits = {};
  limits.bytes = 4;
  CHECK(Parse("a: 1", limits).value);
  CHECK(Parse("a: 12", limits).Where() == Places{"CFG-LIMIT 0:0"});

  limits = {};
  limits.text = 10;
  CHECK(Parse("a: &x 12345\nb: 67", limits).value);
  CHECK(Parse("a: &x 12345\nb: *x", limits).Where() == Places{"CFG-LIMIT 2:4"});
  CHECK(Parse("a: $(X)", limits, {{"X", "1234567890"}}).Where() == Places{"CFG-LIMIT 1:4"});
}

TEST_CASE("a configuration as large as the limits allow is read") {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "key" + std::to_string(i) + ": {}\n";
  CHECK(Parse(text).value);
  CHECK(Parse(Repeat("- 1\n", 19'999)).value);
  CHECK(Parse("[" + Repeat("1, ", 19'998) + "1]").value);
  CHECK(Parse(Repeat("[", 64) + Repeat("]", 64)).value);
}

// Ten levels of nine: 439 bytes that stand for more than three thousand million values.
std::string AliasBomb() {
  std::string text = "a: &a [" + Repeat("lol, ", 8) + "lol]\n";
  for (char name = 'b'; name <= 'j'; ++name) {
    const std::string before = std::string("*") + static_cast<char>(name - 1);
    text += std::string(1, name) + ": &" + name + " [" + Repeat(before + ", ", 8) + before + "]\n";
  }
  return text;
}

TEST_CASE("hostile text is refused at once") {
  std::string deep_block;
  for (int i = 0; i < 600; ++i)
    deep_block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  const std::string huge =
      "a: &a \"" + std::string(500'000, 'x') + "\"\nb: [" + Repeat("*a, ", 19'000) + "*a]\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"alias bomb", AliasBomb()},
      {"600 flow lists", Repeat("[", 600) + Repeat("]", 600)},
      {"600 flow maps", Repeat("{a: ", 600) + "1" + Repeat("}", 600)},
      {"600 block maps", deep_block},
      {"600 block lists", Repeat("- ", 600) + "1"},
      {"600 explicit keys", Repeat("? ", 600) + "1"},
      {"open lists", Repeat("[", 1 << 20)},
      {"flow set", "{" + Repeat("a,", (1 << 19) - 2) + "}"},
      {"flow pairs", "[" + Repeat("a: ", 300'000) + "]"},
      {"block list", Repeat("- 1\n", 1 << 18)},
      {"large scalar, many aliases", huge},
      {"10 MB", Repeat("a: 1\n", 2 << 20)},
  };
  for (const auto& [name, text] : cases) {
    CAPTURE(name);
    const auto begin = std::chrono::steady_clock::now();
    const Parsed parsed = Parse(text);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    CHECK_FALSE(parsed.value);
    CHECK(spent.count() < 1.0);
    REQUIRE(!parsed.found.All().empty());
    const Diagnostic& last = parsed.found.All().back();
    CHECK(last.code == "CFG-LIMIT");
    if (name != "10 MB") CHECK(last.at.line > 0);
  }
}

TEST_CASE("files") {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      ("pixloom_config_test_" + std::to_string(::getpid()) + ".yaml");
  Variables variables;
  Diagnostics found;
  std::ofstream(path) << "a: 1\n";
  const std::optional<Value> value = LoadYaml(path.string(), variables, found);
  REQUIRE(value);
  CHECK(value->entries[0].at.file == path.string());

  std::ofstream(path) << Repeat("a: 1\n", 2 << 20);
  CHECK_FALSE(LoadYaml(path.string(), variables, found));
  CHECK(found.All().back().code == "CFG-LIMIT");
  std::filesystem::remove(path);

  CHECK_FALSE(LoadYaml(path.string(), variables, found));
  CHECK(found.All().back().code == "CFG-READ");
  CHECK(Contains(found.All().back().text, "no such file or directory"));
  CHECK_FALSE(LoadYaml(std::filesystem::temp_directory_path().string(), variables, found));
  CHECK(found.All().back().code == "CFG-READ");
  CHECK(found.ErrorCount() == 3);
}

TEST_CASE("writing YAML: readable where it can be, quoted where it must be") {
  const Parsed parsed = Parse(
      "a: {size: [224, 7.0], path: ../data/x-1, s: 'no', n: '010'}\n"
      "b: [{c: 1, d: [x]}, [[1], []], {}]\ne: \"l1\\nl2\"\nf: $$(N)\n");
  REQUIRE(parsed.value);
  CHECK(ToYaml(*parsed.value) ==
        "a:\n  size: [224, 7.0]\n  path: ../data/x-1\n  s: \"no\"\n  n: \"010\"\n"
        "b:\n  - c: 1\n    d: [x]\n  - - [1]\n    - []\n  - {}\ne: \"l1\\nl2\"\n"
        "f: \"$$(N)\"\n");
}

TEST_CASE("writing YAML: random values read back equal") {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  static constexpr const char* kParts[] = {"a",           "Z",    "1",        "0",
                                           "e",           "-",    " ",        ".",
                                           ":",           "#",    "$",        "$(",
                                           "(N)",         "\"",   "'",        "\\",
                                           "\n",          "\t",   "[",        "{",
                                           ",",           "*",    "&",        "!",
                                           "|",           ">",    "%",        "@",
                                           "`",           "~",    "null",     "true",
                                           "yes",         "<<",   "\xc3\xa9", "\xe2\x80\xa8",
                                           "\r",          "\x01", "\x7f",     "---",
                                           "\xc2\x85",    "...",  "? ",       "\xf0\x9f\x98\x80",
                                           "\xef\xbb\xbf"};
  const auto text = [&] {
    std::string all;
    for (int n = below(5); n > 0; --n) all += kParts[below(std::size(kParts))];
    return below(200) == 0 ? Repeat(all + "x", 1500) : all;
  };
  const std::function<Value(int)> make = [&](int depth) -> Value {
    const int kind = below(depth > 3 ? 5 : 8);
    if (kind == 0) return Value();
    if (kind == 1) return Value::Bool(below(2) == 0);
    if (kind == 2) return Value::Int(static_cast<std::int64_t>(random()) - (1LL << 31));
    if (kind == 3) return Value::Float((below(2000) - 1000) * std::pow(10.0, below(40) - 20));
    if (kind == 4 || depth > 3) return Value::String(text(), {});
    if (kind == 5) {
      std::vector<Value> items;
      for (int n = below(4); n > 0; --n) items.push_back(make(depth + 1));
      return Value::List(std::move(items));
    }
    Value map = Value::Map({});
    for (int n = below(4); n > 0; --n) {
      std::string key = text();
      if (!map.Find(key)) map.entries.push_back({std::move(key), {}, make(depth + 1)});
    }
    return map;
  };
  for (int i = 0; i < 3000; ++i) {
    const Value value = make(0);
    const std::string yaml = ToYaml(value);
    CAPTURE(yaml);
    const Parsed parsed = Parse(yaml);
    CAPTURE(parsed.Text());
    REQUIRE(parsed.value);
    REQUIRE(Equal(*parsed.value, value));
    // JSON is YAML too, as long as nothing in it is expanded and keys are short.
    const std::string json = ToJson(value);
    if (json.size() > 1000 || Contains(json, "$(")) continue;
    CAPTURE(json);
    const Parsed from_json = Parse(json);
    CAPTURE(from_json.Text());
    REQUIRE(from_json.value);
    REQUIRE(Equal(*from_json.value, value));
  }
}

TEST_CASE("writing JSON") {
  CHECK(ToJson(Value::Float(std::numeric_limits<double>::infinity())) == "null");
  CHECK(ToJson(Value::Map({})) == "{}");
  CHECK(ToJson(Value::List({Value::Int(-1), Value::Float(2), Value()})) == "[-1, 2.0, null]");
  CHECK(ToJson(Value::String("\"\\\n\x01\xc3\xa9", {})) == "\"\\\"\\\\\\n\\u0001\xc3\xa9\"");
}

}  // namespace
}  // namespace pixloom
