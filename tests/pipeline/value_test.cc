// SPDX-License-Identifier: Apache-2.0
// The scalar grammar and the wording helpers.
#include "pipeline/value.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace pixloom {
namespace {

Value::Kind KindOf(const std::string& text) { return Value::Plain(text, {}).kind; }

TEST_CASE("plain scalars: null and bool have few spellings") {
  for (const char* text : {"", "~", "null", "Null", "NULL"}) {
    CAPTURE(text);
    CHECK(KindOf(text) == Value::Kind::kNull);
  }
  CHECK(Value::Plain("true", {}).boolean);
  CHECK(KindOf("false") == Value::Kind::kBool);
  for (const char* text : {"True", "TRUE", "yes", "no", "on", "off", "y", "nULL", " ", "nil"}) {
    CAPTURE(text);
    CHECK(KindOf(text) == Value::Kind::kString);
  }
}

TEST_CASE("plain scalars: decimal integers only") {
  const Value seven = Value::Plain("+7", {"a.yaml", 3, 5});
  CHECK(seven.kind == Value::Kind::kInt);
  CHECK(seven.integer == 7);
  CHECK(seven.number == 7.0);
  CHECK(seven.text == "+7");
  CHECK(seven.at.Text() == "a.yaml:3:5");

  CHECK(Value::Plain("0", {}).integer == 0);
  CHECK(Value::Plain("-12", {}).integer == -12);
  CHECK(Value::Plain("9223372036854775807", {}).integer ==
        std::numeric_limits<std::int64_t>::max());
  CHECK(Value::Plain("-9223372036854775808", {}).integer ==
        std::numeric_limits<std::int64_t>::min());
  for (const char* text : {"010", "-007", "00", "0x10", "0o7", "1_000", "1:30", "+", "-", "--1",
                           "+-1", "1 ", "9223372036854775808"}) {
    CAPTURE(text);
    CHECK(KindOf(text) == Value::Kind::kString);
  }
}

TEST_CASE("plain scalars: decimal floats with optional exponent") {
  CHECK(Value::Plain("1e3", {}).number == 1000.0);
  CHECK(Value::Plain("-2.5E-1", {}).number == -0.25);
  CHECK(Value::Plain("+.5", {}).number == 0.5);
  CHECK(Value::Plain("5.", {}).number == 5.0);
  for (const char* text : {"1e3", "0.5", ".5", "5.", "1E+2", "0e0"}) {
    CAPTURE(text);
    CHECK(KindOf(text) == Value::Kind::kFloat);
  }
  for (const char* text : {".inf", ".nan", "inf", "nan", "-inf", "infinity", ".", "e3", ".e3", "1e",
                           "1e+", "1.2.3", "01.5", "1e999", "0x1p3", "1.5f"}) {
    CAPTURE(text);
    CHECK(KindOf(text) == Value::Kind::kString);
  }
}

TEST_CASE("built floats are spelt so that they read back as the same float") {
  for (const double number : {0.0, -0.0, 1.0, 0.1, -1.0 / 3.0, 1e22, 1e-300, 5e-324, 123456789.0,
                              std::numeric_limits<double>::max()}) {
    const Value built = Value::Float(number);
    CAPTURE(built.text);
    const Value read = Value::Plain(built.text, {});
    CHECK(read.kind == Value::Kind::kFloat);
    CHECK(read.number == number);
    CHECK(std::signbit(read.number) == std::signbit(number));
  }
}

TEST_CASE("values are built, found and described") {
  const Value map = Value::Map(
      {{"a", {}, Value::Int(7)}, {"b", {}, Value::List({Value::Bool(true), Value::Float(0.5)})}});
  REQUIRE(map.Find("b") != nullptr);
  CHECK(map.Find("c") == nullptr);
  CHECK_THROWS_AS(Value::Int(1).Find("a"), InternalError);

  CHECK(map.Describe() == "map of 2");
  CHECK(map.Find("a")->Describe() == "int 7");
  CHECK(map.Find("b")->Describe() == "list of 2");
  CHECK(map.Find("b")->items[0].Describe() == "bool true");
  CHECK(map.Find("b")->items[1].Describe() == "float 0.5");
  CHECK(Value().Describe() == "null");
  CHECK(Value::String("a\nb", {}).Describe() == "string 'a\\x0ab'");
  CHECK(Value::Int(1).IsNumber());
  CHECK(Value::Int(1).IsScalar());
  CHECK_FALSE(map.IsScalar());
}

TEST_CASE("did you mean: near names only") {
  const std::vector<std::string> known = {"probability", "quality", "p", "size", "brightness"};
  CHECK(DidYouMean("probabilty", known) == "probability");
  CHECK(DidYouMean("qualtiy", known) == "quality");  // a swap counts once
  CHECK(DidYouMean("sise", known) == "size");
  CHECK(DidYouMean("brihgtnes", known) == "brightness");
  CHECK(DidYouMean("contrast", known).empty());
  CHECK(DidYouMean("q", known).empty());
  CHECK(DidYouMean("", known).empty());
  CHECK(DidYouMean(std::string(1 << 20, 'p'), known).empty());
  CHECK(Suggestion("sise", known) == "; did you mean 'size'?");
  CHECK(Suggestion("nothing_like_it", known).empty());
}

TEST_CASE("quoted text cannot forge a line of output") {
  CHECK(Quoted("plain") == "'plain'");
  CHECK(Quoted("a\nb\x1b[0m\x7f") == "'a\\x0ab\\x1b[0m\\x7f'");
  CHECK(Quoted("caf\xc3\xa9") == "'caf\xc3\xa9'");
  CHECK(Quoted("\xc2\x9b"
               "1m") == "'\\xc2\\x9b1m'");
  CHECK(Quoted("\xff") == "'\\xff'");
  CHECK(Quoted(std::string(1000, 'x')).size() < 80);
}

TEST_CASE("UTF-8 is checked to the letter") {
  for (const char* good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                           "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    CAPTURE(good);
    CHECK(FirstInvalidUtf8(good) == std::string::npos);
  }
  CHECK(FirstInvalidUtf8("ab\xff") == 2);
  CHECK(FirstInvalidUtf8("\xc3") == 0);              // cut
  CHECK(FirstInvalidUtf8("a\x80") == 1);             // continuation alone
  CHECK(FirstInvalidUtf8("\xc0\xaf") == 0);          // overlong
  CHECK(FirstInvalidUtf8("\xe0\x80\xaf") == 0);      // overlong
  CHECK(FirstInvalidUtf8("\xf0\x80\x80\xaf") == 0);  // overlong
  CHECK(FirstInvalidUtf8("\xed\xa0\x80") == 0);      // surrogate
  CHECK(FirstInvalidUtf8("\xf4\x90\x80\x80") == 0);  // beyond U+10FFFF
}

}  // namespace
}  // namespace pixloom
