// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_columns.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "datasets/text.h"

namespace pixloom {

namespace {

std::span<const std::uint8_t> BytesOf(const std::uint64_t& number) {
  return {reinterpret_cast<const std::uint8_t*>(&number), sizeof number};
}

}  // namespace

std::string StreamName(StreamState::Kind kind, std::string_view path) {
  if (kind == StreamState::Kind::kRows) return "%rows";  // no path gives a name like this
  std::string name;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-';
    name += plain ? std::string(1, c) : c == '/' ? "." : fmt::format("%{:02X}", byte);
  }
  if (kind == StreamState::Kind::kOffsets) name += ".offsets%";
  constexpr std::size_t kLongest = 200;
  if (name.size() <= kLongest) return name;
  return fmt::format("{}%{:016x}", name.substr(0, kLongest), XXH64(name.data(), name.size(), 0));
}

SetColumns::SetColumns(std::string folder, Column first, const std::vector<Group>& first_groups)
    : folder_(std::move(folder)), first_(std::move(first)) {
  Add(StreamState::Kind::kRows, {"", "", Element::kU64, {2}});
  Add(StreamState::Kind::kColumn, {kRowHashPath, "", Element::kU64, {}});
  for (const Group& group : first_groups) {
    Begin(Add(StreamState::Kind::kOffsets, {group.path, group.per, Element::kI64, {}}));
  }
}

SetColumns::SetColumns(std::string folder, Column first, const JournalRecord& record,
                       const JournalRecord* before)
    : folder_(std::move(folder)), first_(std::move(first)) {
  rows_ = record.rows - record.first_row;
  std::set<std::string> known;
  for (std::size_t i = 0; i < record.streams.size(); ++i) {
    const StreamState& state = record.streams[i];
    // Streams are only ever added at the end.
    const StreamState* since =
        before != nullptr && i < before->streams.size() ? &before->streams[i] : nullptr;
    const std::string name = StreamName(state.kind, state.column.path);
    known.insert(name);
    streams_.push_back(std::make_unique<Stream>(Stream{
        state.kind, state.column, state.total, StreamFile(folder_ + "/" + name, state, since)}));
    if (state.kind == StreamState::Kind::kColumn)
      columns_[state.column.path] = streams_.back().get();
    if (state.kind == StreamState::Kind::kOffsets)
      groups_[state.column.path] = streams_.back().get();
  }
  for (const std::string& name : NamesIn(folder_)) {
    if (!known.contains(name)) RemoveFile(folder_ + "/" + name);
  }
  BeginOffsets();
}

SetColumns::Stream& SetColumns::Add(StreamState::Kind kind, Column column) {
  PIXLOOM_CHECK(IsUtf8(column.path), "name of a column");
  const std::string path = column.path;
  streams_.push_back(std::make_unique<Stream>(
      Stream{kind, std::move(column), 0, StreamFile(folder_ + "/" + StreamName(kind, path))}));
  created_ = true;
  Stream& stream = *streams_.back();
  if (kind == StreamState::Kind::kColumn) columns_[path] = &stream;
  if (kind == StreamState::Kind::kOffsets) groups_[path] = &stream;
  return stream;
}

// What a stream says about the rows so far, which know nothing of it.
void SetColumns::Begin(Stream& stream) {
  const Column& column = stream.column;
  std::uint64_t entries = rows_;
  if (!column.per.empty()) {
    const auto group = groups_.find(column.per);
    PIXLOOM_CHECK(group != groups_.end(),
                  fmt::format("'{}' is per '{}', which is no group", column.path, column.per));
    entries = group->second->total;
  }
  if (stream.kind == StreamState::Kind::kOffsets) {
    stream.file.AppendRepeated(BytesOf(0), entries + 1);
  } else {
    stream.file.AppendRepeated(Fill(column.element),
                               entries * (column.EntryBytes() / SizeOf(column.element)));
  }
}

std::string SetColumns::Mismatch(const Row& row) const {
  const auto text = [](const Column& column) {
    return fmt::format("{} [{}]", ElementName(column.element), fmt::join(column.shape, ", "));
  };
  for (const Cell& cell : row.cells) {
    const auto known = columns_.find(cell.column.path);
    if (known == columns_.end() || known->second->column == cell.column) continue;
    return fmt::format("'{}' is {} here and {} before", cell.column.path, text(cell.column),
                       text(known->second->column));
  }
  return "";
}

void SetColumns::AddNew(const Row& row) {
  for (const GroupCounts& counts : row.groups) {
    const Group& group = counts.group;
    const auto known = groups_.find(group.path);
    if (known == groups_.end()) {
      Begin(Add(StreamState::Kind::kOffsets, {group.path, group.per, Element::kI64, {}}));
    } else {
      PIXLOOM_CHECK(known->second->column.per == group.per, "group of another parent");
    }
  }
  for (const Cell& cell : row.cells) {
    if (cell.column.path == first_.path) {
      PIXLOOM_CHECK(cell.column == first_, fmt::format("column '{}' of another kind", first_.path));
      continue;
    }
    const auto known = columns_.find(cell.column.path);
    if (known == columns_.end()) {
      Begin(Add(StreamState::Kind::kColumn, cell.column));
    } else {
      PIXLOOM_CHECK(known->second->column == cell.column,
                    fmt::format("column '{}' of another kind", cell.column.path));
    }
  }
}

std::uint64_t SetColumns::EntriesOfRow(const std::string& per) const {
  if (per.empty()) return 1;
  const auto it = row_entries_.find(per);
  return it == row_entries_.end() ? 0 : it->second;
}

void SetColumns::AppendGroups(const Row& row) {
  row_entries_.clear();
  for (const auto& stream : streams_) {  // parents were added before children
    if (stream->kind != StreamState::Kind::kOffsets) continue;
    const std::uint64_t parents = EntriesOfRow(stream->column.per);
    const std::uint64_t before = stream->total;
    if (const GroupCounts* group = row.FindGroup(stream->column.path)) {
      PIXLOOM_CHECK(group->counts.size() == parents,
                    fmt::format("group '{}' of {} parents has {} counts", stream->column.path,
                                parents, group->counts.size()));
      for (const std::uint64_t count : group->counts) {
        stream->total += count;
        stream->file.Append(BytesOf(stream->total));
      }
    } else {
      stream->file.AppendRepeated(BytesOf(stream->total), parents);
    }
    row_entries_[stream->column.path] = stream->total - before;
  }
}

void SetColumns::Append(const Row& row, std::uint64_t row_hash, const StoredRow& stored) {
  PIXLOOM_CHECK(row.Find(kRowHashPath) == nullptr, "the writer adds the hash of a row");
  AddNew(row);
  AppendGroups(row);
  std::map<std::string_view, const Cell*> cells;
  for (const Cell& cell : row.cells) cells[cell.column.path] = &cell;
  for (const auto& stream : streams_) {
    const Column& column = stream->column;
    if (stream->kind == StreamState::Kind::kRows) {
      stream->file.Append(BytesOf(stored.bytes));
      stream->file.Append(BytesOf(stored.hash));
    } else if (stream->kind == StreamState::Kind::kColumn && column.path == kRowHashPath) {
      stream->file.Append(BytesOf(row_hash));
    } else if (stream->kind == StreamState::Kind::kColumn) {
      const std::uint64_t bytes = EntriesOfRow(column.per) * column.EntryBytes();
      if (const auto cell = cells.find(column.path); cell != cells.end()) {
        const auto given = cell->second->Bytes();
        PIXLOOM_CHECK(given.size() == bytes, fmt::format("column '{}' has {} bytes instead of {}",
                                                         column.path, given.size(), bytes));
        stream->file.Append(given);
      } else {
        stream->file.AppendRepeated(Fill(column.element), bytes / SizeOf(column.element));
      }
    }
  }
  ++rows_;
}

// In a file without rows offsets have their first number already; the journal calls them empty.
void SetColumns::BeginOffsets() {
  for (const auto& stream : streams_) {
    const bool offsets = stream->kind == StreamState::Kind::kOffsets;
    if (offsets && stream->file.Bytes() == 0) Begin(*stream);
  }
}

void SetColumns::Restart() {
  rows_ = 0;
  for (const auto& stream : streams_) {
    stream->file.Restart();
    stream->total = 0;
  }
  BeginOffsets();
}

std::vector<StreamState> SetColumns::DescribeRestarted() const {
  std::vector<StreamState> states;
  for (const auto& stream : streams_) {
    StreamState& state = states.emplace_back();
    state.kind = stream->kind;
    state.column = stream->column;
  }
  return states;
}

const SetColumns::Stream* SetColumns::Find(StreamState::Kind kind, std::string_view path) const {
  for (const auto& stream : streams_) {
    if (stream->kind == kind && stream->column.path == path) return stream.get();
  }
  return nullptr;
}

std::vector<StreamState> SetColumns::Describe() const {
  std::vector<StreamState> states;
  for (const auto& stream : streams_) {
    StreamState state;
    state.kind = stream->kind;
    state.column = stream->column;
    state.total = stream->total;
    stream->file.Describe(state);
    states.push_back(std::move(state));
  }
  return states;
}

}  // namespace pixloom
