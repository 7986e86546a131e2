// SPDX-License-Identifier: Apache-2.0
// One pass from left to right: what a variable brings in is never looked at again.
#include "pipeline/config_variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace pixloom {
namespace {

bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNamePart(char c) { return IsNameStart(c) || (c >= '0' && c <= '9'); }

struct Reference {
  std::string name;
  std::optional<std::string_view> fallback;
};

// Splits "NAME" or "NAME:-default"; nullopt when it is neither.
std::optional<Reference> ReadReference(std::string_view inside) {
  std::size_t end = 0;
  while (end < inside.size() && IsNamePart(inside[end])) ++end;
  if (end == 0 || !IsNameStart(inside[0])) return std::nullopt;
  Reference reference{std::string(inside.substr(0, end)), std::nullopt};
  const std::string_view rest = inside.substr(end);
  if (rest.starts_with(":-")) {
    reference.fallback = rest.substr(2);
  } else if (!rest.empty()) {
    return std::nullopt;
  }
  return reference;
}

// The value of a reference, or an error text.
Result<std::string, Expansion> ValueOf(const Reference& reference, Variables& variables) {
  Expansion failed;
  const std::optional<std::string> found = variables.Lookup(reference.name);
  if (found && (!found->empty() || !reference.fallback)) {
    if (FirstInvalidUtf8(*found) == std::string::npos && found->find('\0') == std::string::npos) {
      return *found;
    }
    failed.error = fmt::format("value {} of variable {}; a value is UTF-8 text; give another value",
                               Quoted(*found), reference.name);
    return failed;
  }
  if (reference.fallback) return std::string(*reference.fallback);
  failed.error = fmt::format(
      "variable {0} is not set; one without a default needs a value; give --set {0}=VALUE, set it "
      "in the environment or write $({0}:-default)",
      reference.name);
  return failed;
}

}  // namespace

std::optional<std::string> Variables::Lookup(const std::string& name) {
  std::optional<std::string> found;
  if (const auto given = set.find(name); given != set.end()) {
    found = given->second;
  } else if (use_environment) {
    if (const char* value = std::getenv(name.c_str())) found = value;
  }
  if (found) used[name] = *found;
  return found;
}

Expansion ExpandVariables(std::string_view text, std::size_t room, Variables& variables) {
  Expansion result;
  while (!text.empty() && !result.too_long) {
    if (text.starts_with("$$(")) {
      result.text += "$(";
      result.changed = true;
      text.remove_prefix(3);
    } else if (text.starts_with("$(")) {
      result.changed = true;
      const std::size_t close = text.find(')');
      const auto reference =
          close == std::string_view::npos ? std::nullopt : ReadReference(text.substr(2, close - 2));
      if (!reference) {
        result.error = fmt::format(
            "{} is no variable; the form is $(NAME) or $(NAME:-default) with a name of letters, "
            "digits and '_'; write $$( for the characters $(",
            Quoted(text.substr(0, close == std::string_view::npos ? close : close + 1)));
        return result;
      }
      Result<std::string, Expansion> value = ValueOf(*reference, variables);
      if (!value) return value.Error();
      result.text += *value;
      text.remove_prefix(close + 1);
    } else {
      const std::size_t next = std::min(text.find('$', 1), text.size());
      result.text += text.substr(0, next);
      text.remove_prefix(next);
    }
    result.too_long = result.text.size() > room;
  }
  return result;
}

}  // namespace pixloom
