// SPDX-License-Identifier: Apache-2.0
// Classes as a user writes them: names of the source, or indices. Values and pure functions.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/error.h"
#include "pipeline/sample.h"

namespace pixloom {

// The index of a class; a word that names none is an index where it is a whole number. `verb` and
// `parameter` stand in the message.
Result<int> ClassIndex(const std::string& word, const LabelNames* names, std::string_view verb,
                       std::string_view parameter);

Result<std::set<int>> ClassIndices(const std::vector<std::string>& words, const LabelNames* names,
                                   std::string_view verb, std::string_view parameter);

}  // namespace pixloom
