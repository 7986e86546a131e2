// SPDX-License-Identifier: Apache-2.0
// What sets say about themselves: set.json of one that is being written, the attributes or
// index.json of one that is finished.
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/set_facts.h"
#include "datasets/set_folder.h"
#include "datasets/set_reader.h"

namespace pixloom {

namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;

std::string ColumnText(const Column& column) {
  return fmt::format("{} {} [{}]", column.path, ElementName(column.element),
                     fmt::join(column.shape, ", "));
}

std::string FiltersText(const ChunkFilters& filters) {
  if (!filters.Any()) return "none";
  return fmt::format("compression {} level {}{}{}", static_cast<int>(filters.compression),
                     filters.level, filters.shuffle ? ", shuffle" : "",
                     filters.fletcher32 ? ", fletcher32" : "");
}

template <class T>
bool ReadNumber(const std::string& text, T& number, int base) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number, base);
  return !text.empty() && result.ec == std::errc() && result.ptr == end;
}

// Whatever lies there: it is opened where it can do no harm.
std::optional<FinishedSet> ReadFinishedFile(const std::string& path) {
  const auto file = Hdf5File::Open(path);
  if (!file) return std::nullopt;
  const std::vector<Attribute>& root = (*file)->Root();
  const auto rows = IntegerIn(root, "rows"), quarantined = IntegerIn(root, "quarantined");
  FinishedSet set;
  set.digest = TextIn(root, "fingerprint");
  if (set.digest.empty() || !rows || !quarantined || *rows < 0 || *quarantined < 0 ||
      !ReadNumber(TextIn(root, "content_hash"), set.summary.content_hash, 16)) {
    return std::nullopt;
  }
  set.summary.rows = static_cast<std::uint64_t>(*rows);
  set.summary.quarantined = static_cast<std::uint64_t>(*quarantined);
  set.summary.files = {path};
  return set;
}

std::optional<FinishedSet> ReadFinishedFolder(const std::string& path) {
  const auto text = ReadTextIfThere(path + "/" + kSetIndex);
  if (!text) return std::nullopt;
  try {
    const Json json = Json::parse(*text);
    if (json.at("format") != "pixloom") return std::nullopt;
    FinishedSet set;
    set.digest = json.at("fingerprint").get<std::string>();
    set.summary.rows = json.at("rows");
    set.summary.quarantined = json.at("quarantined");
    if (!ReadNumber(json.at("content_hash").get<std::string>(), set.summary.content_hash, 16)) {
      return std::nullopt;
    }
    for (const Json& shard : json.at("shards")) {
      set.summary.files.push_back(path + "/" + shard.at("file").get<std::string>());
    }
    return set;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::string SetDescription::ToJson() const {
  Json groups = Json::array();
  for (const Group& group : first_groups) groups.push_back({group.path, group.per});
  const Json json = {{"format", "pixloom set"},
                     {"version", kVersion},
                     {"fingerprint", digest},
                     {"first",
                      {{"path", first.path},
                       {"per", first.per},
                       {"element", ElementName(first.element)},
                       {"element_id", static_cast<int>(first.element)},
                       {"shape", first.shape}}},
                     {"first_groups", groups},
                     {"filters",
                      {{"compression", static_cast<int>(filters.compression)},
                       {"level", filters.level},
                       {"shuffle", filters.shuffle},
                       {"fletcher32", filters.fletcher32}}},
                     {"first_unit", first_unit},
                     {"end_unit", end_unit},
                     {"units", units},
                     {"part", part},
                     {"parts", parts},
                     {"rows_expected", rows_expected},
                     {"shard_rows", shard_rows},
                     {"data_start", data_start},
                     {"replaces", replaces}};
  return json.dump(1) + "\n";
}

Result<SetDescription, std::string> SetDescription::FromJson(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (json.at("format") != "pixloom set") return std::string("no set of pixloom");
    if (json.at("version") != kVersion) return std::string("of another version of pixloom");
    SetDescription set;
    set.digest = json.at("fingerprint").get<std::string>();
    const Json& first = json.at("first");
    set.first.path = first.at("path").get<std::string>();
    set.first.per = first.at("per").get<std::string>();
    set.first.element = static_cast<Element>(first.at("element_id").get<int>());
    set.first.shape = first.at("shape").get<std::vector<std::uint64_t>>();
    for (const Json& group : json.at("first_groups")) {
      set.first_groups.push_back({group.at(0).get<std::string>(), group.at(1).get<std::string>()});
    }
    const Json& filters = json.at("filters");
    set.filters.compression = static_cast<Compression>(filters.at("compression").get<int>());
    set.filters.level = filters.at("level");
    set.filters.shuffle = filters.at("shuffle");
    set.filters.fletcher32 = filters.at("fletcher32");
    set.first_unit = json.at("first_unit");
    set.end_unit = json.at("end_unit");
    set.units = json.at("units");
    set.part = json.at("part");
    set.parts = json.at("parts");
    set.rows_expected = json.at("rows_expected");
    set.shard_rows = json.at("shard_rows");
    set.data_start = json.at("data_start");
    set.replaces = json.at("replaces");
    return set;
  } catch (const Json::exception& error) {
    return std::string(error.what());
  }
}

std::vector<std::string> SetDescription::Differences(const SetDescription& now) const {
  std::vector<std::string> lines;
  const auto compare = [&](std::string_view what, const auto& before, const auto& after) {
    if (before != after) lines.push_back(fmt::format("{}: was {}, is {}", what, before, after));
  };
  compare("first column", ColumnText(first), ColumnText(now.first));
  compare("filters", FiltersText(filters), FiltersText(now.filters));
  compare("units", fmt::format("{} to {} of {}", first_unit, end_unit, units),
          fmt::format("{} to {} of {}", now.first_unit, now.end_unit, now.units));
  return lines;
}

std::optional<FinishedSet> ReadFinishedSet(const std::string& path, bool folder) {
  return folder ? ReadFinishedFolder(path) : ReadFinishedFile(path);
}

}  // namespace pixloom
