// SPDX-License-Identifier: Apache-2.0
// Wording shared by the modules that talk about files. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pixloom {

// "812 bytes", "1.2 KB", "3.4 MB": powers of 1000.
std::string SizeText(std::uint64_t bytes);

bool IsUtf8(std::string_view text);

// A file name for people: control characters, backslashes and bytes that are not UTF-8 become
// \xNN, so that a name cannot forge a line of a log, and two names never look alike.
std::string EscapeName(std::string_view name);

// Any text as one part of a path inside a file that has no escapes of its own, and back: like
// EscapeName, and what a path gives a meaning ('/', ".", "..", nothing) is escaped too.
std::string PathPart(std::string_view text);
std::string FromPathPart(std::string_view part);

std::string Base64(std::string_view bytes);

}  // namespace pixloom
