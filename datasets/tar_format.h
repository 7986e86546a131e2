// SPDX-License-Identifier: Apache-2.0
// Members of a tar file (POSIX ustar; a pax record before a name that does not fit): nothing in
// them but names and bytes, so equal contents make equal files. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pixloom {

inline constexpr std::size_t kTarBlock = 512;

// What stands before the bytes of a member.
std::string TarHeader(std::string_view name, std::uint64_t bytes);
// What fills its last block.
std::string TarPadding(std::uint64_t bytes);
// What ends the file.
std::string TarEnd();

}  // namespace pixloom
