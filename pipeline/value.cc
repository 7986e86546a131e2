// SPDX-License-Identifier: Apache-2.0
// The strict scalar grammar, and the words that messages use for values.
#include "pipeline/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace pixloom {
namespace {

constexpr std::size_t kShownBytes = 60;        // of a text inside a message
constexpr std::size_t kLongestSuggested = 64;  // edit distance is quadratic in the length

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t CountDigits(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size() && IsDigit(text[n])) ++n;
  return n;
}

// std::from_chars takes a minus but no plus.
std::string_view WithoutPlus(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return text;
}

enum class NumberShape { kNone, kInt, kFloat };

// [+-] digits [. digits] [e [+-] digits]; a number with an exponent or a point is a float.
// Several digits that start with 0 are no number: elsewhere they are octal.
NumberShape ShapeOf(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  const std::size_t whole = CountDigits(text);
  if (whole > 1 && text[0] == '0') return NumberShape::kNone;
  text.remove_prefix(whole);
  if (text.empty()) return whole > 0 ? NumberShape::kInt : NumberShape::kNone;

  std::size_t fraction = 0;
  if (text[0] == '.') {
    fraction = CountDigits(text.substr(1));
    text.remove_prefix(1 + fraction);
  }
  if (whole + fraction == 0) return NumberShape::kNone;
  if (text.empty()) return NumberShape::kFloat;

  if (text[0] != 'e' && text[0] != 'E') return NumberShape::kNone;
  text.remove_prefix(1);
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  const bool exponent = !text.empty() && CountDigits(text) == text.size();
  return exponent ? NumberShape::kFloat : NumberShape::kNone;
}

template <class T>
std::optional<T> ReadNumber(std::string_view text) {
  text = WithoutPlus(text);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Shortest text that reads back to the same double and is a float in the grammar above.
std::string FloatText(double value) {
  std::array<char, 32> buffer;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  PIXLOOM_CHECK(error == std::errc(), "32 bytes hold every double");
  std::string text(buffer.data(), end);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// Length of the well formed UTF-8 sequence at the start of `text`, or 0. REQUIRES: not empty.
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second > 0x9F;
  const bool too_large = lead == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_large ? 0 : length;
}

// Damerau-Levenshtein in the "optimal string alignment" form: insert, delete, replace, swap.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

const Value* Value::Find(std::string_view key) const {
  PIXLOOM_CHECK(kind == Kind::kMap, "looked up " + Quoted(key) + " in " + Describe());
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::string Value::Describe() const {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return boolean ? "bool true" : "bool false";
    case Kind::kInt:
      return fmt::format("int {}", integer);
    case Kind::kFloat:
      return "float " + (text.size() <= kShownBytes ? text : FloatText(number));
    case Kind::kString:
      return "string " + Quoted(text);
    case Kind::kList:
      return fmt::format("list of {}", items.size());
    case Kind::kMap:
      return fmt::format("map of {}", entries.size());
  }
  return "value";
}

Value Value::Plain(std::string text, Position at) {
  Value value;
  value.at = std::move(at);
  // The spellings Null and NULL never get here from YAML as text: its library reads them as null.
  // They are null here too, so that a variable means the same as what is written in its place.
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    value.kind = Kind::kNull;
  } else if (text == "true" || text == "false") {
    value.kind = Kind::kBool;
    value.boolean = text == "true";
  } else {
    // A number that does not fit stays a string, so no reader gets a wrong one silently.
    value.kind = Kind::kString;
    const NumberShape shape = ShapeOf(text);
    if (shape == NumberShape::kInt) {
      if (const auto integer = ReadNumber<std::int64_t>(text)) {
        value.kind = Kind::kInt;
        value.integer = *integer;
        value.number = static_cast<double>(*integer);
      }
    } else if (shape == NumberShape::kFloat) {
      if (const auto number = ReadNumber<double>(text)) {
        value.kind = Kind::kFloat;
        value.number = *number;
      }
    }
  }
  value.text = std::move(text);
  return value;
}

Value Value::String(std::string text, Position at) {
  Value value;
  value.kind = Kind::kString;
  value.text = std::move(text);
  value.at = std::move(at);
  return value;
}

Value Value::Int(std::int64_t integer, Position at) {
  Value value;
  value.kind = Kind::kInt;
  value.integer = integer;
  value.number = static_cast<double>(integer);
  value.text = std::to_string(integer);
  value.at = std::move(at);
  return value;
}

Value Value::Float(double number, Position at) {
  Value value;
  value.kind = Kind::kFloat;
  value.number = number;
  value.text = FloatText(number);
  value.at = std::move(at);
  return value;
}

Value Value::Bool(bool boolean, Position at) {
  Value value;
  value.kind = Kind::kBool;
  value.boolean = boolean;
  value.text = boolean ? "true" : "false";
  value.at = std::move(at);
  return value;
}

Value Value::List(std::vector<Value> items, Position at) {
  Value value;
  value.kind = Kind::kList;
  value.items = std::move(items);
  value.at = std::move(at);
  return value;
}

Value Value::Map(std::vector<Entry> entries, Position at) {
  Value value;
  value.kind = Kind::kMap;
  value.entries = std::move(entries);
  value.at = std::move(at);
  return value;
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& known) {
  if (word.size() > kLongestSuggested) return "";
  const std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
  std::string best;
  std::size_t best_distance = allowed + 1;
  for (const std::string& name : known) {
    const std::size_t longer = std::max(word.size(), name.size());
    if (longer > std::min(word.size(), name.size()) + allowed) continue;
    const std::size_t distance = EditDistance(word, name);
    // Words that have nothing in common are not alike, however short they are.
    if (distance < best_distance && distance < longer) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

std::string Suggestion(std::string_view word, const std::vector<std::string>& known) {
  const std::string name = DidYouMean(word, known);
  return name.empty() ? "" : fmt::format("; did you mean {}?", Quoted(name));
}

std::string Quoted(std::string_view text) {
  std::string shown = "'";
  while (!text.empty()) {
    if (shown.size() > kShownBytes) return shown + "...'";
    std::size_t length = Utf8Length(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    // U+0080..U+009F are control characters too: a terminal may obey them.
    const bool c1 = length == 2 && lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0 || c1 || lead < 0x20 || lead == 0x7F) {
      length = 1;
      shown += fmt::format("\\x{:02x}", lead);
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return shown + "'";
}

std::size_t FirstInvalidUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = Utf8Length(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace pixloom
