// SPDX-License-Identifier: Apache-2.0
#include "ops/labels/class_choice.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "pipeline/value.h"

namespace pixloom {

Result<int> ClassIndex(const std::string& word, const LabelNames* names, std::string_view verb,
                       std::string_view parameter) {
  const std::vector<std::string> known =
      names == nullptr ? std::vector<std::string>{} : names->classes;
  if (const auto found = std::find(known.begin(), known.end(), word); found != known.end()) {
    return static_cast<int>(found - known.begin());
  }
  int index = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), index);
  if (failed == std::errc() && end == word.data() + word.size()) return index;
  if (known.empty()) {
    return DataError{"OP-CLASS", fmt::format("{}: the source names no classes", verb),
                     "choose by indices", ""};
  }
  return DataError{
      "OP-CLASS",
      fmt::format("{}: no class '{}' in the source{}", verb, word, Suggestion(word, known)),
      fmt::format("correct the name under {}", parameter), ""};
}

Result<std::set<int>> ClassIndices(const std::vector<std::string>& words, const LabelNames* names,
                                   std::string_view verb, std::string_view parameter) {
  std::set<int> chosen;
  for (const std::string& word : words) {
    const auto index = ClassIndex(word, names, verb, parameter);
    if (!index) return index.Error();
    chosen.insert(*index);
  }
  return chosen;
}

}  // namespace pixloom
