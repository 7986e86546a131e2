// SPDX-License-Identifier: Apache-2.0
// Values as YAML and JSON text. A string is left unquoted only where every YAML reader agrees on
// it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "pipeline/config.h"

namespace pixloom {
namespace {

constexpr int kIndent = 2;
constexpr std::size_t kLongestSimpleKey = 1000;  // YAML allows 1024 up to the colon

// A JSON string; a YAML double-quoted scalar reads it the same way.
std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04x}", c);
    } else if (c == 0xC2 && rest.size() > 1 && static_cast<unsigned char>(rest[1]) < 0xA0) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(rest[1]));
      ++i;
    } else if (rest.starts_with("\u2028") || rest.starts_with("\u2029")) {
      out += rest.starts_with("\u2028") ? "\\u2028" : "\\u2029";
      i += 2;
    } else if (rest.starts_with("\uFEFF")) {
      out += "\\ufeff";
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out + '"';
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsPlainCharacter(char c) {
  return IsLetter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '/' || c == '+' ||
         c == '-' || c == ' ';
}

// What YAML 1.1 readers take for a bool, in any case.
bool IsWordWithMeaning(std::string_view text) {
  static constexpr std::array<std::string_view, 6> kWords = {"true", "false", "yes",
                                                             "no",   "on",    "off"};
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

bool MayStandUnquoted(std::string_view text) {
  if (text.empty() || text.ends_with(' ') || IsWordWithMeaning(text)) return false;
  const bool path = text.starts_with("./") || text.starts_with("../") || text.starts_with('/');
  if (!path && !IsLetter(text[0]) && text[0] != '_') return false;
  if (!std::all_of(text.begin(), text.end(), IsPlainCharacter)) return false;
  return Value::Plain(std::string(text), {}).kind == Value::Kind::kString;
}

std::string YamlString(std::string_view text) {
  return MayStandUnquoted(text) ? std::string(text) : JsonString(text);
}

// Keys are not expanded, values are: there "$(" is written so that it stays text.
std::string YamlStringValue(std::string_view text) {
  std::string escaped;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("$(")) escaped += '$';
    escaped += text[i];
  }
  return YamlString(escaped);
}

std::string NumberText(const Value& value) {
  return value.kind == Value::Kind::kInt ? std::to_string(value.integer)
                                         : Value::Float(value.number).text;
}

bool FitsOneLine(const Value& value) {
  if (value.kind == Value::Kind::kMap) return value.entries.empty();
  return std::all_of(value.items.begin(), value.items.end(),
                     [](const Value& item) { return item.IsScalar(); });
}

// REQUIRES: FitsOneLine(value).
std::string OneLine(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kBool:
      return value.boolean ? "true" : "false";
    case Value::Kind::kInt:
    case Value::Kind::kFloat:
      return NumberText(value);
    case Value::Kind::kString:
      return YamlStringValue(value.text);
    case Value::Kind::kMap:
      return "{}";
    case Value::Kind::kList:
      break;
  }
  std::string out = "[";
  for (const Value& item : value.items) {
    if (out.size() > 1) out += ", ";
    out += OneLine(item);
  }
  return out + "]";
}

void WriteBlock(const Value& value, int indent, std::string& out) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  if (FitsOneLine(value)) {
    out += margin + OneLine(value) + '\n';
    return;
  }
  for (const Value& item : value.items) {
    // The first line of the item shares its line with the dash.
    const std::size_t begin = out.size();
    WriteBlock(item, indent + kIndent, out);
    out[begin + margin.size()] = '-';
  }
  for (const Value::Entry& entry : value.entries) {
    const std::string key = YamlString(entry.key);
    const bool simple = key.size() <= kLongestSimpleKey;
    out += margin + (simple ? key : "? " + key + '\n' + margin) + ':';
    if (FitsOneLine(entry.value)) {
      out += ' ' + OneLine(entry.value) + '\n';
    } else {
      out += '\n';
      WriteBlock(entry.value, indent + kIndent, out);
    }
  }
}

void WriteJson(const Value& value, std::string& out) {
  switch (value.kind) {
    case Value::Kind::kNull:
      out += "null";
      return;
    case Value::Kind::kBool:
      out += value.boolean ? "true" : "false";
      return;
    case Value::Kind::kInt:
    case Value::Kind::kFloat:
      out += std::isfinite(value.number) ? NumberText(value) : "null";
      return;
    case Value::Kind::kString:
      out += JsonString(value.text);
      return;
    case Value::Kind::kList: {
      const char* separator = "[";
      for (const Value& item : value.items) {
        out += separator;
        WriteJson(item, out);
        separator = ", ";
      }
      out += value.items.empty() ? "[]" : "]";
      return;
    }
    case Value::Kind::kMap: {
      const char* separator = "{";
      for (const Value::Entry& entry : value.entries) {
        out += separator + JsonString(entry.key) + ": ";
        WriteJson(entry.value, out);
        separator = ", ";
      }
      out += value.entries.empty() ? "{}" : "}";
      return;
    }
  }
}

}  // namespace

std::string ToYaml(const Value& value) {
  std::string out;
  WriteBlock(value, 0, out);
  return out;
}

std::string ToJson(const Value& value) {
  std::string out;
  WriteJson(value, out);
  return out;
}

}  // namespace pixloom
