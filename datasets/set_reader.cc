// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_reader.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/file_io.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

using Json = nlohmann::json;

constexpr const char* kIndex = "index.json";
constexpr std::string_view kOffsets = "/offsets";
constexpr std::string_view kRowHashes = "checksum/row";
constexpr std::int64_t kMostIndexBytes = std::int64_t{64} << 20;

template <class T>
const T* ValueOf(const std::vector<Attribute>& attributes, std::string_view name) {
  for (const Attribute& attribute : attributes) {
    if (attribute.name == name) return std::get_if<T>(&attribute.value);
  }
  return nullptr;
}

std::uint64_t NumberOf(const std::vector<Attribute>& attributes, std::string_view name) {
  const auto* value = ValueOf<std::int64_t>(attributes, name);
  return value == nullptr || *value < 0 ? 0 : static_cast<std::uint64_t>(*value);
}

bool IsBelow(std::string_view path, std::string_view group) {
  return path.size() > group.size() + 1 && path.starts_with(group) && path[group.size()] == '/';
}

// What one file has, and where.
struct SetFilePart {
  struct InGroup {
    Group group;
    const Hdf5Dataset* offsets = nullptr;
    std::size_t parent = 0;  // 0: rows; else 1 + index
    std::uint64_t entries = 0;
  };
  struct InColumn {
    Column column;
    const Hdf5Dataset* data = nullptr;
    std::size_t per = 0;
  };

  std::unique_ptr<Hdf5File> file;
  std::uint64_t first = 0;  // row of the set
  std::uint64_t rows = 0;
  const Hdf5Dataset* hashes = nullptr;
  std::vector<InGroup> groups;  // parents first
  std::vector<InColumn> columns;

  std::string Find();
  std::uint64_t EntriesOf(std::size_t per) const {
    return per == 0 ? rows : groups[per - 1].entries;
  }

 private:
  std::string FindGroups();
  std::string FindColumns();
};

// "" or what is wrong.
std::string SetFilePart::Find() {
  const auto* format = ValueOf<std::string>(file->Root(), "format");
  if (format == nullptr || *format != "pixloom") return "was not written by pixloom";
  hashes = file->Find(kRowHashes);
  if (hashes == nullptr || !hashes->Readable() || hashes->element != Element::kU64 ||
      hashes->dims.size() != 1) {
    return fmt::format("has no '{}'", kRowHashes);
  }
  rows = hashes->dims[0];
  if (NumberOf(file->Root(), "rows") != rows) {
    return fmt::format("says it has {} rows, and has {}", NumberOf(file->Root(), "rows"), rows);
  }
  std::string problem = FindGroups();
  return problem.empty() ? FindColumns() : problem;
}

std::string SetFilePart::FindGroups() {
  for (const Hdf5Dataset& dataset : file->Datasets()) {
    if (!dataset.path.ends_with(kOffsets) || dataset.path.size() == kOffsets.size()) continue;
    groups.push_back(
        {{dataset.path.substr(0, dataset.path.size() - kOffsets.size()), ""}, &dataset, 0, 0});
  }
  // A path is longer than those it lies below.
  std::stable_sort(groups.begin(), groups.end(), [](const InGroup& a, const InGroup& b) {
    return a.group.path.size() < b.group.path.size();
  });
  for (std::size_t i = 0; i < groups.size(); ++i) {
    InGroup& group = groups[i];
    for (std::size_t j = i; j-- > 0 && group.parent == 0;) {
      if (IsBelow(group.group.path, groups[j].group.path)) group.parent = j + 1;
    }
    if (group.parent != 0) group.group.per = groups[group.parent - 1].group.path;
    const Hdf5Dataset& offsets = *group.offsets;
    if (!offsets.Readable() || offsets.element != Element::kI64 || offsets.dims.size() != 1 ||
        offsets.dims[0] != EntriesOf(group.parent) + 1) {
      return fmt::format("'{}' does not fit what it is about", EscapeName(offsets.path));
    }
    const auto last = file->Read(offsets, offsets.dims[0] - 1, 1);
    if (!last) return last.Error();
    std::memcpy(&group.entries, last->data(), sizeof group.entries);
    if (group.entries >> 62 != 0) {
      return fmt::format("'{}' is damaged", EscapeName(offsets.path));
    }
  }
  return "";
}

std::string SetFilePart::FindColumns() {
  for (const Hdf5Dataset& dataset : file->Datasets()) {
    const bool offsets = std::any_of(groups.begin(), groups.end(),
                                     [&](const InGroup& g) { return g.offsets == &dataset; });
    if (offsets || dataset.path == kRowHashes) continue;
    if (!dataset.Readable() || dataset.dims.empty()) {
      return fmt::format("'{}' {}", EscapeName(dataset.path),
                         dataset.problem.empty() ? "has no rows" : dataset.problem);
    }
    // What lies below a group is about its entries, or, where it has as many as there are rows,
    // about the group as a whole: the shape beside the bytes of a picture.
    std::optional<std::size_t> per;
    for (std::size_t j = groups.size(); j-- > 0 && !per;) {
      if (IsBelow(dataset.path, groups[j].group.path) && dataset.dims[0] == groups[j].entries) {
        per = j + 1;
      }
    }
    if (!per && dataset.dims[0] == rows) per = 0;
    if (!per) {
      return fmt::format("'{}' has {} entries, which fits nothing", EscapeName(dataset.path),
                         dataset.dims[0]);
    }
    columns.push_back({{dataset.path,
                        *per == 0 ? "" : groups[*per - 1].group.path,
                        *dataset.element,
                        {dataset.dims.begin() + 1, dataset.dims.end()}},
                       &dataset,
                       *per});
  }
  return "";
}

}  // namespace

struct SetReader::State {
  std::vector<SetFilePart> parts;
  std::vector<std::string> files;
  std::vector<Column> columns;
  std::vector<Group> groups;
  std::uint64_t rows = 0;
  std::uint64_t quarantined = 0;
  std::pair<std::uint64_t, std::uint64_t> units;

  std::string Add(const std::string& path, const Hdf5Limits& limits);
  std::string AddShard(const std::string& folder, const Json& shard, const std::string& fingerprint,
                       const Hdf5Limits& limits);
  std::string AddFolder(const std::string& folder, const Hdf5Limits& limits);
  Result<Row, std::string> Read(std::uint64_t row, const std::set<std::string_view>* paths) const;
};

// ---- Opening ----------------------------------------------------------------------------------

std::string SetReader::State::Add(const std::string& path, const Hdf5Limits& limits) {
  auto file = Hdf5File::Open(path, limits);
  if (!file) return file.Error();
  SetFilePart part;
  part.file = std::move(*file);
  part.first = rows;
  if (std::string problem = part.Find(); !problem.empty()) {
    return fmt::format("'{}' {}", EscapeName(path), problem);
  }
  rows += part.rows;
  quarantined += NumberOf(part.file->Root(), "quarantined");
  for (const auto& column : part.columns) {
    const auto known = std::find_if(columns.begin(), columns.end(),
                                    [&](const Column& c) { return c.path == column.column.path; });
    if (known == columns.end()) {
      columns.push_back(column.column);
    } else if (*known != column.column && part.rows > 0) {
      return fmt::format("'{}' has another '{}' than the files before it", EscapeName(path),
                         EscapeName(column.column.path));
    }
  }
  for (const auto& group : part.groups) {
    if (std::find(groups.begin(), groups.end(), group.group) == groups.end()) {
      groups.push_back(group.group);
    }
  }
  files.push_back(path);
  parts.push_back(std::move(part));
  return "";
}

std::string SetReader::State::AddShard(const std::string& folder, const Json& shard,
                                       const std::string& fingerprint, const Hdf5Limits& limits) {
  const std::string name = shard.at("file").get<std::string>();
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.')) {
    return fmt::format("'{}' of '{}' is no name of a file", EscapeName(name), kIndex);
  }
  const std::string path = folder + "/" + name;
  const auto bytes = shard.at("bytes").get<std::uint64_t>();
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) {
    return fmt::format("shard '{}' is missing", EscapeName(path));
  }
  if (static_cast<std::uint64_t>(info.st_size) != bytes) {
    return fmt::format("shard '{}' has {} bytes; {} says {}", EscapeName(path), info.st_size,
                       kIndex, bytes);
  }
  if (std::string problem = Add(path, limits); !problem.empty()) return problem;
  const SetFilePart& part = parts.back();
  const auto* theirs = ValueOf<std::string>(part.file->Root(), "fingerprint");
  if (theirs == nullptr || *theirs != fingerprint) {
    return fmt::format("shard '{}' belongs to another set ({}, not {})", EscapeName(path),
                       theirs == nullptr ? "no fingerprint" : *theirs, fingerprint);
  }
  if (part.rows != shard.at("rows").get<std::uint64_t>()) {
    return fmt::format("shard '{}' has {} rows; {} says {}", EscapeName(path), part.rows, kIndex,
                       shard.at("rows").get<std::uint64_t>());
  }
  return "";
}

std::string SetReader::State::AddFolder(const std::string& folder, const Hdf5Limits& limits) {
  const std::string path = folder + "/" + kIndex;
  const auto bytes = ReadWholeFile(path, kMostIndexBytes, true);
  if (!bytes) return fmt::format("'{}' {}", EscapeName(path), bytes.Error().message);
  try {
    const Json index = Json::parse(bytes->begin(), bytes->end());
    if (index.at("format") != "pixloom") return fmt::format("'{}' is no index of pixloom", path);
    const auto fingerprint = index.at("fingerprint").get<std::string>();
    for (const Json& shard : index.at("shards")) {
      if (std::string problem = AddShard(folder, shard, fingerprint, limits); !problem.empty()) {
        return problem;
      }
    }
    if (rows != index.at("rows").get<std::uint64_t>()) {
      return fmt::format("'{}' has {} rows; {} says {}", EscapeName(folder), rows, kIndex,
                         index.at("rows").get<std::uint64_t>());
    }
    quarantined = index.at("quarantined").get<std::uint64_t>();
    units = {index.at("first_unit").get<std::uint64_t>(),
             index.at("end_unit").get<std::uint64_t>()};
  } catch (const Json::exception& error) {
    return fmt::format("'{}' is damaged: {}", EscapeName(path), error.what());
  }
  if (parts.empty()) return fmt::format("'{}' names no shard", EscapeName(path));
  return "";
}

SetReader::SetReader() : state_(std::make_unique<State>()) {}
SetReader::~SetReader() = default;

Result<std::unique_ptr<SetReader>, std::string> SetReader::Open(const std::string& path,
                                                                const Hdf5Limits& limits) {
  std::unique_ptr<SetReader> reader(new SetReader());
  State& state = *reader->state_;
  struct stat info = {};
  const bool folder = ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  std::string problem = folder ? state.AddFolder(path, limits) : state.Add(path, limits);
  if (!problem.empty()) return problem;
  if (!folder) {
    const auto& root = reader->Root();
    state.units = {NumberOf(root, "first_unit"), NumberOf(root, "end_unit")};
  }
  std::stable_sort(state.groups.begin(), state.groups.end(),
                   [](const Group& a, const Group& b) { return a.path.size() < b.path.size(); });
  return reader;
}

// ---- What there is ----------------------------------------------------------------------------

std::uint64_t SetReader::Rows() const { return state_->rows; }
const std::vector<Column>& SetReader::Columns() const { return state_->columns; }
const std::vector<Group>& SetReader::Groups() const { return state_->groups; }
const std::vector<std::string>& SetReader::Files() const { return state_->files; }
const Hdf5File& SetReader::File(std::size_t index) const { return *state_->parts.at(index).file; }

std::pair<std::size_t, std::uint64_t> SetReader::Locate(std::uint64_t row) const {
  PIXLOOM_CHECK(row < state_->rows, "row of a set");
  const auto after =
      std::upper_bound(state_->parts.begin(), state_->parts.end(), row,
                       [](std::uint64_t r, const SetFilePart& part) { return r < part.first; });
  // Of parts that begin at the same row, those before the last one are empty.
  const auto index = static_cast<std::size_t>(after - state_->parts.begin()) - 1;
  return {index, row - state_->parts[index].first};
}

const std::vector<Attribute>& SetReader::Root() const { return state_->parts.front().file->Root(); }

const Attribute* SetReader::RootAttribute(std::string_view name) const {
  const auto& root = Root();
  const auto at =
      std::find_if(root.begin(), root.end(), [&](const Attribute& a) { return a.name == name; });
  return at == root.end() ? nullptr : &*at;
}

std::uint64_t SetReader::Quarantined() const { return state_->quarantined; }
std::pair<std::uint64_t, std::uint64_t> SetReader::Units() const { return state_->units; }

// ---- Rows -------------------------------------------------------------------------------------

Result<Row, std::string> SetReader::State::Read(std::uint64_t row,
                                                const std::set<std::string_view>* paths) const {
  if (row >= rows) return fmt::format("row {} of a set of {}", row, rows);
  const auto after = std::upper_bound(
      parts.begin(), parts.end(), row,
      [](std::uint64_t r, const SetFilePart& candidate) { return r < candidate.first; });
  const SetFilePart& part = *(after - 1);
  const auto wanted = [&](const SetFilePart::InColumn& column) {
    return paths == nullptr || paths->contains(column.column.path);
  };
  // Groups that are read: all, or those of the wanted columns and above them.
  std::vector<bool> needed(part.groups.size() + 1, paths == nullptr);
  for (const auto& column : part.columns) {
    if (!wanted(column)) continue;
    for (std::size_t g = column.per; g != 0; g = part.groups[g - 1].parent) needed[g] = true;
  }
  Row out;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges(part.groups.size() + 1);
  ranges[0] = {row - part.first, row - part.first + 1};
  for (std::size_t g = 1; g <= part.groups.size(); ++g) {
    if (!needed[g]) continue;
    const auto& group = part.groups[g - 1];
    const auto [first, end] = ranges[group.parent];
    const auto bytes = part.file->Read(*group.offsets, first, end - first + 1);
    if (!bytes) return bytes.Error();
    std::vector<std::uint64_t> offsets(bytes->size() / sizeof(std::uint64_t));
    std::memcpy(offsets.data(), bytes->data(), bytes->size());
    if (!std::is_sorted(offsets.begin(), offsets.end()) || offsets.back() > group.entries) {
      return fmt::format("'{}' of '{}' is damaged at row {}", EscapeName(group.offsets->path),
                         EscapeName(part.file->Path()), row);
    }
    ranges[g] = {offsets.front(), offsets.back()};
    GroupCounts& counts = out.groups.emplace_back(GroupCounts{group.group, {}});
    for (std::size_t i = 1; i < offsets.size(); ++i) {
      counts.counts.push_back(offsets[i] - offsets[i - 1]);
    }
  }
  for (const auto& column : part.columns) {
    const auto [first, end] = ranges[column.per];
    if (!wanted(column) || first == end) continue;
    auto bytes = part.file->Read(*column.data, first, end - first);
    if (!bytes) return bytes.Error();
    out.cells.push_back({column.column, std::move(*bytes), {}});
  }
  return out;
}

Result<Row, std::string> SetReader::Read(std::uint64_t row) const {
  return state_->Read(row, nullptr);
}

Result<Row, std::string> SetReader::Read(std::uint64_t row,
                                         const std::vector<std::string>& paths) const {
  const std::set<std::string_view> wanted(paths.begin(), paths.end());
  return state_->Read(row, &wanted);
}

Result<std::uint64_t, std::string> SetReader::StoredHash(std::uint64_t row) const {
  if (row >= state_->rows) return fmt::format("row {} of a set of {}", row, state_->rows);
  const auto [index, local] = Locate(row);
  const SetFilePart& part = state_->parts[index];
  const auto bytes = part.file->Read(*part.hashes, local, 1);
  if (!bytes) return bytes.Error();
  std::uint64_t hash = 0;
  std::memcpy(&hash, bytes->data(), sizeof hash);
  return hash;
}

}  // namespace pixloom
