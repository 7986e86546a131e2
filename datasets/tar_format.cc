// SPDX-License-Identifier: Apache-2.0
#include "datasets/tar_format.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "pipeline/error.h"

namespace pixloom {

namespace {

// Name and prefix, joined by a slash when read; nullopt when it has no such form.
std::optional<std::pair<std::string_view, std::string_view>> Split(std::string_view path) {
  constexpr std::size_t kName = 100, kPrefix = 155;
  if (path.size() <= kName) return std::pair{path, std::string_view()};
  const std::size_t slash = path.find('/', path.size() - kName - 1);
  if (slash == std::string_view::npos || slash == 0 || slash > kPrefix) return std::nullopt;
  return std::pair{path.substr(slash + 1), path.substr(0, slash)};
}

std::string Block(std::string_view name, std::string_view prefix, std::uint64_t bytes, char type) {
  PIXLOOM_CHECK(bytes < std::uint64_t{1} << 33, "a member of a tar file has 8 GiB at most");
  std::string block(kTarBlock, '\0');
  const auto put = [&](std::size_t at, std::string_view text) {
    block.replace(at, text.size(), text);
  };
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", bytes));
  put(136, "00000000000");
  put(148, "        ");
  block[156] = type;
  put(257, "ustar");
  put(263, "00");
  put(345, prefix);
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum));
  block[154] = '\0';
  return block;
}

// "27 path=...\n", where the number counts itself.
std::string PaxRecord(std::string_view path) {
  const std::size_t rest = path.size() + 7;
  std::size_t length = rest + 1;
  while (length != rest + std::to_string(length).size()) ++length;
  return fmt::format("{} path={}\n", length, path);
}

}  // namespace

std::string TarHeader(std::string_view name, std::uint64_t bytes) {
  if (const auto parts = Split(name)) return Block(parts->first, parts->second, bytes, '0');
  const std::string record = PaxRecord(name);
  return Block("pax_header", "", record.size(), 'x') + record + TarPadding(record.size()) +
         Block(name.substr(name.size() - 100), "", bytes, '0');
}

std::string TarPadding(std::uint64_t bytes) {
  return std::string((kTarBlock - bytes % kTarBlock) % kTarBlock, '\0');
}

std::string TarEnd() { return std::string(2 * kTarBlock, '\0'); }

}  // namespace pixloom
