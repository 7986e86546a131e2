// SPDX-License-Identifier: Apache-2.0
#include "pipeline/expression.h"

#include <limits>
#include <map>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "pipeline/expression_tree.h"
#include "pipeline/value.h"

namespace pixloom {
namespace {

Instance Object(int label, double x1, double y1, double x2, double y2) {
  Instance instance;
  instance.label = label;
  instance.quad = BoxQuad(x1, y1, x2, y2);
  return instance;
}

// 40 x 20: black on the left, white on the right. Two people and a 'traffic light', which is cut in
// half by the edge of the picture.
Sample Scene() {
  Sample sample;
  cv::Mat pixels = cv::Mat::zeros(20, 40, CV_8UC3);
  pixels.colRange(20, 40).setTo(cv::Scalar(255, 255, 255));
  sample.images.emplace_back("image", ImageField::Of(pixels));
  sample.key = "day 2/img_007.jpg";
  sample.source = "photos";
  sample.identity.branch = {1, 3};
  sample.labels.label = 1;
  sample.scalars["score"] = 0.75;
  sample.text["camera"] = "left";
  sample.masks["classes"] = {};
  auto names = std::make_shared<LabelNames>();
  names->classes = {"person", "cat", "traffic light", "7"};
  sample.names = names;
  sample.instances.push_back(Object(0, 0, 0, 8, 10));
  sample.instances.push_back(Object(0, 10, 10, 20, 20));
  sample.instances.push_back(Object(2, 30, 0, 50, 4));
  sample.instances[0].keypoints = {{{1, 1}, 2}, {{2, 2}, 0}, {{3, 3}, 1}};
  sample.instances[1].polygons.push_back({{{{10, 10}, {20, 10}, {20, 20}}}});
  return sample;
}

bool Holds(const std::string& text, const Sample& sample) {
  const auto expression = Expression::Parse(text);
  INFO(text);
  if (!expression) FAIL(expression.Error());
  CHECK(expression->Text() == text);
  CHECK(!expression->Lacks(sample).has_value());
  return expression->Holds(sample);
}

std::string ErrorOf(const std::string& text) {
  const auto expression = Expression::Parse(text);
  return expression ? "accepted" : expression.Error();
}

void AllHold(const std::vector<std::string>& expressions, const Sample& sample) {
  for (const std::string& text : expressions) {
    CAPTURE(text);
    CHECK(Holds(text, sample));
    CHECK(!Holds("not (" + text + ")", sample));
  }
}

TEST_CASE("numbers, comparisons and their order") {
  AllHold(
      {
          "true",
          "not false",
          "1 < 2",
          "2 <= 2",
          "2 >= 2",
          "3 > 2",
          "2 == 2.0",
          "2 != 3",
          "1 < 2 < 3",
          "not 1 < 3 < 3",
          "3 > 2 > 1 >= 1",
          "1 < 3 > 2",  // neighbours only
          "1 + 2 * 3 == 7",
          "(1 + 2) * 3 == 9",
          "10 - 4 - 3 == 3",
          "16 / 4 / 2 == 2",
          "2 - -2 == 4",
          "-2 * -3 == 6",
          "--2 == 2",
          "- (1 + 1) == -2",
          "7 - 2 * 3 + 1 == 2",
          ".5 == 0.5",
          "1e2 == 100",
          "2.5e-1 == 0.25",
          "6 / 4 == 1.5",
          "1 / 0 > 1e308",
          "2 in [1, 2]",
          "3 not in [1, 2]",
          "not 3 in [1, 2]",
          "1 + 1 in [4 / 2]",
          "true or false and false",
          "not false and true",
          "not (true and false)",
          "not not true",
          "false or false or true",
          "(false or true) and true",
          "true == true",
          "true != false",
          "true in [false, true]",
          "min(3, 1, 2) == 1",
          "max(3, 1 + 3) == 4",
          "abs(2 - 5) == 3",
          " \t1<2\n ",
      },
      Scene());
}

TEST_CASE("names of the picture and its labels") {
  AllHold(
      {
          "width == 40",
          "height == 20",
          "aspect == 2",
          "area == 800",
          "channels == 3",
          "frames == 1",
          "depth == uint8",
          "objects == 3",
          "boxes == 3",
          "polygons == 1",
          "keypoints == 2",  // labelled ones
          "masks == 1",
          "class == cat",
          "cat == class",
          "class in [dog, cat]",
          "class != dog",
          "class not in [dog, 'traffic light']",
          "key == 'day 2/img_007.jpg'",
          "key == \"day 2/img_007.jpg\"",
          "source == photos",
          "copy == 3",
          "class == class",
          "min(width, height) >= 20",
          "width / height > 1.5",
          "scalar(score) == 0.75",
          "scalar(score, 9) == 0.75",
          "scalar(other, -9) == -9",
          "text(camera) == left",
          "text(lens, none) == none",
          "text(lens, '') == ''",
          "text(camera) in [left, right]",
          "has(person)",
          "not has(dog)",
          "has('traffic light')",
          "count(person) == 2",
          "count(person) + count('traffic light') == objects",
          "has(person) == true",
          // A number is an index, unless a class has it for a name.
          "count(0) == 2",
          "count(2) == 1",
          "not has(7)",
          "not has(3)",
          "count(00) == 0",
      },
      Scene());
}

TEST_CASE("a class without a name is its number; without a class there is no text") {
  Sample sample = Scene();
  sample.names = nullptr;
  AllHold({"class == 1", "class in [0, 1]", "class != cat", "count(0) == 2", "class == '1'",
           "not has(person)"},
          sample);
  sample.labels.label.reset();
  sample.instances[0].label.reset();
  AllHold({"class == ''", "class != 0", "count(0) == 1", "objects == 3"}, sample);
  sample.names = Scene().names;
  sample.labels.label = 99;
  AllHold({"class == 99"}, sample);
  sample.labels.label = 3;
  sample.instances[0].label = 3;
  AllHold({"class == 7", "has(7)", "has(3)", "count(0) == 1"}, sample);
}

TEST_CASE("sizes of objects are of what lies inside the picture") {
  Sample sample = Scene();
  AllHold(
      {
          "object_area(min) == 40 / 800",          // the light, half of it
          "object_area(max) == 80 / 800",          // the first person
          "object_area(min, person) == 50 / 800",  // a triangle is tighter than its box
          "object_side(min) == 4",
          "object_side(max) == 10",
          "object_side(max, person) == 10",
          "object_visible(min) == 0.5",
          "object_visible(max) == 1",
          "object_visible(min, person) == 1",
          // Nothing there: all objects are large, none is.
          "object_area(min, dog) == 1",
          "object_area(max, dog) == 0",
          "object_side(min, dog) == 20",
          "object_side(max, dog) == 0",
          "object_visible(min, dog) == 1",
          "object_visible(max, dog) == 0",
      },
      sample);
  sample.instances[0].original_area = 320;  // three quarters were cut away
  AllHold({"object_visible(min) == 0.25", "object_visible(max) == 0.5 + 0.5"}, sample);
  SUBCASE("bits") {
    cv::Mat bits = cv::Mat::zeros(20, 40, CV_8U);
    bits(cv::Rect(3, 2, 5, 2)).setTo(255);
    bits(cv::Rect(3, 2, 1, 6)).setTo(255);
    sample.instances[0] = Instance();
    sample.instances[0].label = 1;
    sample.instances[0].mask = bits;
    AllHold({"object_area(max, cat) == 14 / 800", "object_side(max, cat) == 5",
             "object_visible(min, cat) == 1", "boxes == 2"},
            sample);
    sample.instances[0].mask = cv::Mat();
    sample.instances[0].rle = EncodeRle(bits);
    AllHold({"object_area(max, cat) == 14 / 800", "object_side(max, cat) == 5"}, sample);
  }
  SUBCASE("nothing but keypoints has no size") {
    sample.instances[0].quad.reset();
    AllHold({"object_area(max) == 50 / 800", "objects == 3", "boxes == 2"}, sample);
    sample.instances.erase(sample.instances.begin() + 1, sample.instances.end());
    AllHold({"object_area(min) == 1", "object_area(max) == 0", "objects == 1"}, sample);
  }
  SUBCASE("wholly outside") {
    sample.instances[0].quad = BoxQuad(60, 0, 70, 10);
    sample.instances[0].original_area = 0;
    AllHold({"object_area(min) == 0", "object_side(min) == 0", "object_visible(min) == 0"}, sample);
  }
}

TEST_CASE("pixels are measured") {
  AllHold(
      {
          "brightness == 0.5",
          "contrast == 0.5",
          "saturation == 0",
          "luma(0.5) == 0",
          "luma(0.51) == 1",
          "luma(0) == 0",
          "luma(1) == 1",
          "darker(0.5) == 0.5",
          "brighter(0.5) == 0.5",
          "darker(0) == 0",
          "entropy == 1",
          "0 < blur < 1",
          "noise == 0",  // a straight edge is none
          "sharpness > 0",
      },
      Scene());
}

TEST_CASE("patterns") {
  using expression::IsLike;
  CHECK(IsLike("", ""));
  CHECK(IsLike("", "*"));
  CHECK(!IsLike("", "?"));
  CHECK(IsLike("abc", "abc"));
  CHECK(!IsLike("abc", "ab"));
  CHECK(!IsLike("ab", "abc"));
  CHECK(IsLike("abc", "a*c"));
  CHECK(IsLike("abc", "*b*"));
  CHECK(IsLike("abcbd", "*b?"));
  CHECK(IsLike("aXbXc", "a*X?"));
  CHECK(!IsLike("abc", "a?"));
  CHECK(IsLike("abc", "a??"));
  CHECK(IsLike("grün", "gr?n"));
  CHECK(!IsLike("grün", "gr??n"));
  CHECK(IsLike("a*b", "a*b"));
  // A backtracking matcher would not come back from this one.
  CHECK(!IsLike(std::string(4000, 'a'), "*a*a*a*a*a*a*a*a*a*a*a*a*b"));
  AllHold(
      {"matches(key, 'day 2/*.jpg')", "matches(key, '*img_???.jpg')", "not matches(key, 'img*')",
       "matches(class, 'c*')", "matches(class, cat)", "matches(text(camera), 'l*') == true"},
      Scene());
}

TEST_CASE("what is wrong is said with its place") {
  const std::map<std::string, std::string> errors{
      {"", "at 1: expected a value, got the end"},
      {"width", "at 1: expected a condition, as width >= 64, got a number"},
      {"class", "at 1: expected a condition, as width >= 64, got text"},
      {"width >= and 3", "at 10: expected a value, got 'and'"},
      {"width >= 3 height", "at 12: expected and, or or the end, got 'height'"},
      {"width >= 3 adn true", "at 12: expected and, or or the end, got 'adn'; did you mean 'and'?"},
      {"widht >= 3", "at 1: unknown name 'widht'; did you mean 'width'?"},
      {"class == cat and lumma > 3", "at 18: unknown name 'lumma'; did you mean 'luma'?"},
      {"cuont(cat) > 1", "at 1: unknown function 'cuont'; did you mean 'count'?"},
      {"count > 1", "at 1: 'count' takes arguments: count(CLASS)"},
      {"max(1, luma) > 1", "at 8: 'luma' takes arguments: luma(QUANTILE)"},
      {"width(3) > 1", "at 1: 'width' is a name and takes no arguments"},
      {"count() > 1", "at 1: 'count' takes 1 argument: count(CLASS)"},
      {"count(a, b) > 1", "at 1: 'count' takes 1 argument: count(CLASS)"},
      {"scalar() > 1", "at 1: 'scalar' takes 1 or 2 arguments: scalar(NAME, DEFAULT)"},
      {"min(1) > 1", "at 1: 'min' takes at least 2 arguments: min(A, B)"},
      {"matches(key)", "at 1: 'matches' takes 2 arguments: matches(TEXT, 'PATTERN')"},
      {"matches(width, a)", "at 9: matches(TEXT, 'PATTERN'): expected text, got a number"},
      {"count(a b) > 1", "at 9: expected ',' or ')', got 'b'"},
      {"count(-) > 1", "at 7: count(CLASS): expected a word, a number or quoted text, got '-'"},
      {"luma(2) > 1", "at 6: luma(QUANTILE): 2 is outside [0, 1]"},
      {"luma(-0.5) > 1", "at 6: luma(QUANTILE): -0.5 is outside [0, 1]"},
      {"luma(x) > 1", "at 6: luma(QUANTILE): expected a number, got 'x'"},
      {"object_area(least) > 1",
       "at 13: object_area(min | max, CLASS): expected min or max, got 'least'"},
      {"class < cat", "at 1: '<' compares numbers, got text"},
      {"1 < 2 == true", "at 10: '<' compares numbers, got a condition"},
      {"class == width", "at 10: a number is compared with text; if text is meant, write 'width'"},
      {"width == '3'", "at 10: text is compared with a number"},
      {"class in [cat, 1 + 1]", "at 16: a number is compared with text"},
      {"width in [1, heigth]", "at 14: unknown name 'heigth'; did you mean 'height'?"},
      {"width in []", "at 11: expected a value, got ']'"},
      {"width in 3", "at 10: expected a list, as [a, b], got '3'"},
      {"width in [1 2]", "at 13: expected ',' or ']', got '2'"},
      {"width and true", "at 1: 'and' joins conditions, got a number"},
      {"true or 3", "at 9: 'or' joins conditions, got a number"},
      {"not width", "at 5: 'not' takes a condition, got a number"},
      {"-class == 3", "at 2: '-' takes a number, got text"},
      {"1 + class == 3", "at 5: '+' takes numbers, got text"},
      {"(width > 3) * 2 > 1", "at 2: '*' takes numbers, got a condition"},
      {"(width > 3", "at 11: expected ')', got the end"},
      {"width > 3)", "at 10: expected and, or or the end, got ')'"},
      {"width = 3", "at 7: unexpected '='; write =="},
      {"a && b", "at 3: unexpected '&&'; write and"},
      {"a || b", "at 3: unexpected '||'; write or"},
      {"!true", "at 1: unexpected '!'; write not"},
      {"width % 3 == 1", "at 7: unexpected '%'"},
      {"class == 'cat", "at 10: this quote is never closed"},
      {"width > 1e999", "at 9: this number is too large"},
      {"width > 3px", "at 10: expected and, or or the end, got 'px'"},
      {"class == grün and widht > 3", "at 19: unknown name 'widht'; did you mean 'width'?"},
      {"width > \x01", "at 9: unexpected '\\x01'"},
      {"width > \xff", "at 9: not UTF-8"},
  };
  for (const auto& [text, expected] : errors) {
    CAPTURE(text);
    CHECK(ErrorOf(text) == expected);
  }
  CHECK(ErrorOf("frobnicate > 3").starts_with("at 1: unknown name 'frobnicate'; known: width, "));
  CHECK(ErrorOf("frobnicate(1) > 3").starts_with("at 1: unknown function 'frobnicate'; known: "));
}

TEST_CASE("hostile texts are refused, not suffered") {
  const auto repeated = [](std::string_view what, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += what;
    return text;
  };
  CHECK(ErrorOf(repeated("(", 60)) == "at 51: nested deeper than 50 levels");
  CHECK(ErrorOf(repeated("min(1,", 600)) == "at 299: nested deeper than 50 levels");
  CHECK(ErrorOf(repeated("(1 in [", 500)).find("nested deeper") != std::string::npos);
  CHECK(ErrorOf(repeated("a", 5000)) == "at 1: longer than 4000 characters");
  // Long, but flat.
  const Sample sample = Scene();
  CHECK(Holds(repeated("not ", 900) + "true", sample));
  CHECK(Holds(repeated("-", 1000) + "1 == 1", sample));
  CHECK(Holds(repeated("1+", 900) + "1 == 901", sample));
  CHECK(Holds(repeated("true and ", 400) + "true", sample));
  CHECK(Holds(repeated("false or ", 400) + "true", sample));
  CHECK(Holds(repeated("1 < ", 5) + "2", sample) == false);
  CHECK(Holds("1" + repeated(" == 1", 600), sample));
  CHECK(Holds(repeated("(", 49) + "true" + repeated(")", 49), sample));
  // Every prefix and every single character changed: an answer or a message, never a crash.
  const std::string whole =
      "0.2 < brightness < 0.8 and class in [cat, 'a b'] or not has(x) "
      "and -min(width, 3) * 2 >= scalar(s, -1)";
  int refused = 0;
  for (std::size_t i = 0; i <= whole.size(); ++i) {
    refused += ErrorOf(whole.substr(0, i)) != "accepted" ? 1 : 0;
    for (const char c : {'(', ')', '[', '\'', ',', '-', '<', ' ', '0', 'a', '\n', '\xc3'}) {
      std::string changed = whole;
      if (i < whole.size()) changed[i] = c;
      const std::string error = ErrorOf(changed);
      CHECK((error == "accepted" || error.starts_with("at ")));
    }
  }
  CHECK(refused > 80);
}

TEST_CASE("every name and function has an evaluation of its type and a place in messages") {
  for (const expression::Word& word : expression::Words()) {
    CAPTURE(word.name);
    CHECK((word.number != nullptr) == (word.type == expression::Type::kNumber));
    CHECK((word.text != nullptr) == (word.type == expression::Type::kText));
    CHECK((word.truth != nullptr) == (word.type == expression::Type::kTruth));
    CHECK(word.IsFunction() == !word.arguments.empty());
    CHECK(expression::FindWord(word.name) == &word);
    const std::string name(word.name);
    if (word.IsFunction()) {
      CHECK(word.usage.starts_with(name + "("));
      CHECK(ErrorOf(name + "() == 1").find(word.usage) != std::string::npos);
    }
  }
}

TEST_CASE("what was looked up is told, once each, and nothing that did not matter") {
  const Sample sample = Scene();
  const auto seen = [&](const std::string& text) {
    std::vector<std::pair<std::string, double>> found;
    Expression::Parse(text)->Holds(sample, &found);
    std::string all;
    for (const auto& [name, value] : found) all += fmt::format("{}={} ", name, value);
    return all;
  };
  CHECK(seen("width > 3 and width < 100 and class == cat") == "width=40 ");
  CHECK(seen("has(person) and count('traffic light') > 3 or has(dog)") ==
        "has(person)=1 count(traffic light)=1 has(dog)=0 ");
  CHECK(seen("width < 3 and brightness > 0.1") == "width=40 ");
  CHECK(seen("width > 3 or brightness > 0.1") == "width=40 ");
  CHECK(seen("0.9 < brightness < height") == "brightness=0.5 ");
  CHECK(seen("max(width, height) > abs(luma(0.50) - 1)") == "width=40 height=20 luma(0.5)=0 ");
  CHECK(seen("scalar(none, 1) > 3 or scalar(none, 5) > 3") ==
        "scalar(none, 1)=1 scalar(none, 5)=5 ");
  CHECK(seen("matches(key, '*') and true") == "");
}

TEST_CASE("expressions that are asked in turn share what they know") {
  Sample sample = Scene();
  SampleFacts facts(sample);
  CHECK(Expression::Parse("brightness > 0.4")->Holds(facts));
  // Not measured again: the pixels it would see now are others.
  sample.images[0].second.frames[0].pixels.setTo(cv::Scalar(0, 0, 0));
  CHECK(Expression::Parse("brightness > 0.4 and contrast > 0.4")->Holds(facts));
  REQUIRE(facts.Seen().size() == 2);
  CHECK(facts.Seen()[1] == std::pair<std::string, double>("contrast", 0.5));
  CHECK(!Expression::Parse("brightness > 0.4")->Holds(sample));
}

TEST_CASE("whether pixels are needed") {
  CHECK(!Expression::Parse("width > 3 and class == brightness_high")->NeedsPixels());
  CHECK(!Expression::Parse("object_area(min) > 0.1 and depth == uint8")->NeedsPixels());
  CHECK(Expression::Parse("width > 3 and not (brightness > 0.5)")->NeedsPixels());
  CHECK(Expression::Parse("min(width, luma(0.5)) > 3")->NeedsPixels());
}

TEST_CASE("a sample without what is asked for is bad, unless there is a default") {
  const Sample sample = Scene();
  const auto lacks = [&](const std::string& text, const Sample& s) {
    const auto error = Expression::Parse(text)->Lacks(s);
    return error ? error->code + ": " + error->message + "; " + error->remedy : "";
  };
  CHECK(lacks("scalar(score) > 1 and text(camera) == left", sample).empty());
  CHECK(lacks("scalar(other, 0) > 1 or text(lens, '') == ''", sample).empty());
  CHECK(lacks("scalar(other) > 1", sample) ==
        "SMP-MISSING: sample has no scalar 'other' for 'scalar(other) > 1'; write what stands for "
        "it where it is missing: scalar(other, 0)");
  // Whatever else holds: that a file lacks a value does not depend on the values of others.
  CHECK(
      lacks("true or text(lens) == wide", sample).starts_with("SMP-MISSING: sample has no text "));
  CHECK(lacks("width > 3", Sample()).starts_with("SMP-EMPTY"));
  Sample planar = Scene();
  const int planes[] = {3, 20, 40};
  planar.images[0].second.frames[0].pixels = cv::Mat(3, planes, CV_32F, cv::Scalar(0.5));
  CHECK(lacks("width == 40 and height == 20 and channels == 3", planar).empty());
  CHECK(Holds("width == 40 and height == 20 and channels == 3", planar));
  CHECK(lacks("brightness > 0.5", planar).starts_with("OP-TYPE"));
}

}  // namespace
}  // namespace pixloom
