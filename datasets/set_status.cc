// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_status.h"

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "datasets/set_facts.h"
#include "datasets/set_writer.h"
#include "datasets/text.h"

namespace pixloom {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSuffix = ".partial";

bool IsFolder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// The folder of a set that is being made under this name, or "".
std::string PartialOf(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.ends_with(kSuffix)) return IsFolder(path) ? path : "";
  for (const std::string& name : {path, path + ".h5"}) {
    if (IsFolder(name + std::string(kSuffix))) return name + std::string(kSuffix);
  }
  return "";
}

}  // namespace

StatusReport StatusOf(const std::string& path) {
  StatusReport status;
  status.partial = PartialOf(path);
  if (!status.partial.empty()) {
    const auto progress = ReadProgress(status.partial);
    if (!progress) {
      Diagnostics diagnostics;
      diagnostics.Error("SET-STATUS", {},
                        fmt::format("'{}': {}", EscapeName(status.partial), progress.Error()));
      throw ConfigError(diagnostics);
    }
    status.units_done = progress->units_done - progress->first_unit;
    status.units = progress->end_unit - progress->first_unit;
    status.rows = progress->rows;
    status.rows_expected = progress->rows_expected;
    status.quarantined = progress->quarantined;
    status.bytes = progress->bytes;
    status.shards = progress->shards;
    status.locked = progress->locked;
    status.holder = progress->holder;
  }
  // A finished set may be there as well, which a run with overwrite is about to replace.
  const std::string found = FindSet(path);
  std::error_code error;
  const bool named_partial = found == status.partial;
  if (!named_partial && (status.partial.empty() || fs::exists(found, error))) {
    status.set = FactsOf(*OpenSet(found), found);
    status.finished = true;
  }
  return status;
}

}  // namespace pixloom
