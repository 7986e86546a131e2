// SPDX-License-Identifier: Apache-2.0
// Expansion of $(NAME) and $(NAME:-default) in one scalar. Internal to pipeline/config.cc; pure but
// for Variables, which the caller owns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "pipeline/config.h"

namespace pixloom {

struct Expansion {
  std::string text;
  bool changed = false;   // anything was replaced, "$$(" included
  bool too_long = false;  // more than `room` bytes; text is cut
  std::string error;      // "" or what is wrong with the first variable that cannot be expanded
};

// Expands `text` to at most `room` bytes.
Expansion ExpandVariables(std::string_view text, std::size_t room, Variables& variables);

}  // namespace pixloom
