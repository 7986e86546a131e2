// SPDX-License-Identifier: Apache-2.0
#include "pipeline/set_report.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "pipeline/report.h"

namespace pixloom {

namespace {

using Json = nlohmann::ordered_json;

std::string Bytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits{"kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1000; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string Count(std::uint64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// Characters, not bytes.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Columns as wide as their widest cell; the last one is ragged.
std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += " " + row[i] + std::string(widths[i] - Width(row[i]) + 1, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

Json ToJson(const SetFacts& set) {
  Json json;
  json["path"] = EscapeForLog(set.path);
  json["rows"] = set.rows;
  json["bytes"] = set.bytes;
  json["quarantined"] = set.quarantined;
  if (set.content_hash != 0) json["content_hash"] = fmt::format("{:016x}", set.content_hash);
  if (!set.fingerprint.empty()) json["fingerprint"] = set.fingerprint;
  Json& files = json["files"] = Json::array();
  for (const std::string& file : set.files) files.push_back(EscapeForLog(file));
  return json;
}

Json ToJson(const std::vector<BadRow>& rows) {
  Json list = Json::array();
  for (const BadRow& bad : rows) {
    list.push_back({{"row", bad.row},
                    {"file", EscapeForLog(bad.file)},
                    {"row_in_file", bad.row_in_file},
                    {"key", EscapeForLog(bad.key)},
                    {"what", EscapeForLog(bad.what)}});
  }
  return list;
}

Json Lines(const std::vector<std::string>& lines) {
  Json list = Json::array();
  for (const std::string& line : lines) list.push_back(EscapeForLog(line));
  return list;
}

std::string RowTable(const std::vector<BadRow>& rows, std::size_t most) {
  std::vector<std::vector<std::string>> table{{"row", "in file", "key", "what"}};
  for (std::size_t i = 0; i < std::min(most, rows.size()); ++i) {
    const BadRow& bad = rows[i];
    table.push_back({std::to_string(bad.row),
                     fmt::format("{}:{}", EscapeForLog(bad.file), bad.row_in_file),
                     bad.key.empty() ? "?" : EscapeForLog(bad.key), EscapeForLog(bad.what)});
  }
  std::string text = Table(table);
  if (rows.size() > most) text += fmt::format("  and {} more\n", rows.size() - most);
  return text;
}

std::string FaultLines(const std::vector<std::string>& faults) {
  std::string text;
  for (const std::string& fault : faults) text += "  " + EscapeForLog(fault) + "\n";
  return text;
}

std::string Summary(const SetFacts& set) {
  return fmt::format("{}: {}, {} in {}{}", EscapeForLog(set.path), Count(set.rows, "row"),
                     Bytes(set.bytes), Count(set.files.size(), "file"),
                     set.quarantined > 0 ? fmt::format(", {} quarantined", set.quarantined) : "");
}

}  // namespace

std::string MergeReport::ToText() const {
  if (interrupted) return "stopped on request; the same command goes on where it ended\n";
  return fmt::format("{}\ncontent hash {:016x}\n", Summary(set), set.content_hash);
}

std::string MergeReport::ToJson() const {
  Json json = pixloom::ToJson(set);
  json["interrupted"] = interrupted;
  return Dump(json);
}

std::string VerifyReport::ToText() const {
  if (Good()) {
    return fmt::format("{}\nall rows are what was written; content hash {:016x}\n", Summary(set),
                       set.content_hash);
  }
  std::string text = Summary(set) + "\n";
  if (!faults.empty()) text += "damaged:\n" + FaultLines(faults);
  if (!bad.empty()) {
    text += fmt::format("{} damaged:\n{}",
                        bad.size() == 1 ? "1 row is" : fmt::format("{} rows are", bad.size()),
                        RowTable(bad, kShown));
    text += "rows are made again by: pixloom repair " + EscapeForLog(set.path) + "\n";
  }
  if (interrupted) text += "stopped on request; not all rows were read\n";
  return text;
}

std::string VerifyReport::ToJson() const {
  Json json;
  json["good"] = Good();
  json["set"] = pixloom::ToJson(set);
  json["interrupted"] = interrupted;
  json["faults"] = Lines(faults);
  json["bad_rows"] = bad.size();
  json["bad"] = pixloom::ToJson(bad);
  return Dump(json);
}

std::string RepairReport::ToText() const {
  std::string text = Summary(set) + "\n";
  if (offsets) text += "offsets that did not fit their columns were put right\n";
  if (repaired.empty() && !offsets && Good()) return text + "nothing is damaged\n";
  if (!repaired.empty()) {
    text +=
        fmt::format("{} repaired:\n{}",
                    repaired.size() == 1 ? "1 row is" : fmt::format("{} rows are", repaired.size()),
                    RowTable(repaired, VerifyReport::kShown));
  }
  if (!left.empty()) {
    text += fmt::format("{} still damaged:\n{}",
                        left.size() == 1 ? "1 row is" : fmt::format("{} rows are", left.size()),
                        RowTable(left, VerifyReport::kShown));
  }
  if (!faults.empty()) text += "damaged beyond rows:\n" + FaultLines(faults);
  if (!remedy.empty()) text += remedy + "\n";
  if (Good())
    text += fmt::format("all rows are what was written; content hash {:016x}\n", set.content_hash);
  return text;
}

std::string RepairReport::ToJson() const {
  Json json;
  json["good"] = Good();
  json["set"] = pixloom::ToJson(set);
  json["offsets"] = offsets;
  json["repaired"] = pixloom::ToJson(repaired);
  json["left"] = pixloom::ToJson(left);
  json["faults"] = Lines(faults);
  if (!remedy.empty()) json["remedy"] = EscapeForLog(remedy);
  return Dump(json);
}

std::string StatusReport::ToText() const {
  std::string text;
  if (finished) {
    text += fmt::format("{}\nfinished; fingerprint {}\n", Summary(set), set.fingerprint);
  }
  if (partial.empty()) return text;
  const double percent =
      units == 0 ? 100.0 : 100.0 * static_cast<double>(units_done) / static_cast<double>(units);
  text += fmt::format("{}: not finished\n", EscapeForLog(partial));
  text += fmt::format("  {} of {} done ({:.1f} %), {}{}, {} quarantined\n", units_done,
                      Count(units, "unit"), percent, Count(rows, "row"),
                      rows_expected > 0 ? fmt::format(" of {} at the most", rows_expected) : "",
                      quarantined);
  text += fmt::format("  {} stored", Bytes(bytes));
  if (shards > 0) {
    text += fmt::format(", {} finished", Count(static_cast<std::uint64_t>(shards), "shard"));
  }
  if (locked) {
    text += fmt::format("\n  a run is working on it: process {}\n", EscapeForLog(holder));
  } else {
    text += "\n  nobody is working on it; the command that was stopped, given again, goes on\n";
  }
  return text;
}

std::string StatusReport::ToJson() const {
  Json json;
  json["finished"] = finished;
  if (finished) json["set"] = pixloom::ToJson(set);
  if (!partial.empty()) {
    Json& progress = json["progress"];
    progress["partial"] = EscapeForLog(partial);
    progress["units_done"] = units_done;
    progress["units"] = units;
    progress["rows"] = rows;
    if (rows_expected > 0) progress["rows_expected"] = rows_expected;
    progress["quarantined"] = quarantined;
    progress["bytes"] = bytes;
    progress["shards"] = shards;
    progress["locked"] = locked;
    if (locked) progress["holder"] = EscapeForLog(holder);
  }
  return Dump(json);
}

std::string InspectReport::ToText() const {
  std::string text =
      fmt::format("{}: {} in {}\n", EscapeForLog(path), Bytes(bytes), Count(files.size(), "file"));
  if (ours) {
    text += fmt::format("\n{}, {} quarantined\n", Count(set.rows, "row"), set.quarantined);
    std::vector<std::vector<std::string>> table;
    for (const auto& [name, value] : facts) table.push_back({name, EscapeForLog(value)});
    text += Table(table);
  }
  std::vector<std::vector<std::string>> table{{"dataset", "type", "size", "storage", "attributes"}};
  for (const DatasetFacts& d : datasets) {
    table.push_back({EscapeForLog(d.path), d.type, d.dims, d.storage, EscapeForLog(d.attributes)});
  }
  text += "\n" + Table(table);
  if (!classes.empty()) {
    std::uint64_t most = 1;
    bool rows = false, counted = false;
    for (const ClassCount& c : classes) {
      most = std::max({most, c.rows, c.objects});
      rows = rows || c.rows > 0;
      counted = counted || c.objects > 0;
    }
    std::vector<std::vector<std::string>> bars{{"class"}};
    if (rows) bars[0].push_back("rows");
    if (counted) bars[0].push_back("objects");
    constexpr std::uint64_t kBar = 40;
    for (const ClassCount& c : classes) {
      std::vector<std::string> line{EscapeForLog(c.name)};
      if (rows) line.push_back(std::to_string(c.rows));
      if (counted) line.push_back(std::to_string(c.objects));
      const std::uint64_t shown = rows ? c.rows : c.objects;
      line.emplace_back(static_cast<std::size_t>((shown * kBar + most - 1) / most), '#');
      bars.push_back(std::move(line));
    }
    text += "\n" + Table(bars);
    if (rows && unlabelled > 0)
      text += fmt::format("  {} without a label\n", Count(unlabelled, "row"));
  }
  if (objects) {
    text += fmt::format("\n{}; per picture {} to {}, {:.2f} on average; {} without any\n",
                        Count(objects->total, "object"), objects->least, objects->most,
                        objects->mean, Count(objects->without, "picture"));
  }
  if (!parts.empty()) {
    std::vector<std::vector<std::string>> sizes;
    for (const auto& [name, size] : parts) sizes.push_back({name, Bytes(size)});
    text += "\n" + Table(sizes);
  }
  if (!read_with.empty()) text += "\nto read: " + read_with + "\n";
  if (!sheet.empty()) text += fmt::format("sheet: {}\n", EscapeForLog(sheet));
  return text;
}

std::string InspectReport::ToJson() const {
  Json json;
  json["path"] = EscapeForLog(path);
  json["bytes"] = bytes;
  json["files"] = Lines(files);
  Json& list = json["datasets"] = Json::array();
  for (const DatasetFacts& d : datasets) {
    list.push_back({{"path", EscapeForLog(d.path)},
                    {"type", d.type},
                    {"size", d.dims},
                    {"storage", d.storage},
                    {"bytes", d.bytes},
                    {"attributes", EscapeForLog(d.attributes)}});
  }
  if (!images.empty()) json["images"] = EscapeForLog(images);
  if (!read_with.empty()) json["read_with"] = EscapeForLog(read_with);
  json["ours"] = ours;
  if (ours) {
    json["set"] = pixloom::ToJson(set);
    for (const auto& [name, value] : facts) json["facts"][name] = EscapeForLog(value);
  }
  if (!classes.empty()) {
    Json& counts = json["classes"] = Json::array();
    for (const ClassCount& c : classes) {
      counts.push_back({{"name", EscapeForLog(c.name)}, {"rows", c.rows}, {"objects", c.objects}});
    }
    json["unlabelled"] = unlabelled;
  }
  if (objects) {
    json["objects"] = {{"total", objects->total},
                       {"least", objects->least},
                       {"most", objects->most},
                       {"mean", objects->mean},
                       {"without", objects->without}};
  }
  for (const auto& [name, size] : parts) json["parts"][name] = size;
  if (!sheet.empty()) json["sheet"] = EscapeForLog(sheet);
  return Dump(json);
}

}  // namespace pixloom
