// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_patch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "datasets/chunk_filters.h"
#include "datasets/set_facts.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr const char* kRowHashes = "checksum/row";

std::string OffsetsOf(const std::string& group) { return group + "/offsets"; }

void WriteAll(int fd, std::span<const std::uint8_t> bytes, std::uint64_t at,
              const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      throw EnvironmentError(fmt::format("cannot write '{}': {}", EscapeName(path),
                                         ErrnoText(n < 0 ? errno : ENOSPC)));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
}

}  // namespace

SetPatch::SetPatch(const Hdf5File& file, std::vector<Column> columns, std::vector<Group> groups)
    : file_(file), columns_(std::move(columns)), groups_(std::move(groups)) {
  handle_ = FileHandle(open(file.Path().c_str(), O_RDWR | O_CLOEXEC));
  if (!handle_.Valid()) {
    throw EnvironmentError(
        fmt::format("cannot open '{}' for writing: {}", EscapeName(file.Path()), ErrnoText(errno)));
  }
}

std::string SetPatch::Write(const Hdf5Dataset& dataset, std::uint64_t entry,
                            std::span<const std::uint8_t> bytes) {
  if (bytes.empty() || dataset.dims.empty() || dataset.dims[0] == 0) return "";
  const std::uint64_t each = dataset.EntryBytes();
  const std::uint64_t count = bytes.size() / each;
  if (entry + count > dataset.dims[0]) {
    return fmt::format("{} ends before it", dataset.path);
  }
  const auto stored = file_.Read(dataset, entry, count);
  if (stored && std::ranges::equal(*stored, bytes)) return "";
  if (const auto extent = file_.Extent(dataset, entry)) {
    WriteAll(handle_.Get(), bytes, extent->first, file_.Path());
  } else if (std::string error = WriteChunk(dataset, entry, bytes); !error.empty()) {
    return error;
  }
  written_.insert(dataset.path);
  return "";
}

std::string SetPatch::WriteChunk(const Hdf5Dataset& dataset, std::uint64_t entry,
                                 std::span<const std::uint8_t> bytes) {
  const auto filters = FiltersOf(dataset);
  if (!filters) return filters.Error();
  const auto extent = file_.ChunkExtent(dataset, entry);
  if (!extent || bytes.size() != dataset.EntryBytes()) {
    return fmt::format("it is not known where {} lies", dataset.path);
  }
  if (std::string missing = Unavailable(*filters); !missing.empty()) return missing;
  const auto packed = Pack(*filters, SizeOf(*dataset.element), bytes);
  if (packed.size() != extent->second) {
    return fmt::format(
        "{}: compressed again it has {} bytes, {} are there; another version of the "
        "library made it",
        dataset.path, packed.size(), extent->second);
  }
  WriteAll(handle_.Get(), packed, extent->first, file_.Path());
  return "";
}

bool SetPatch::PutEnds() {
  bool any = false;
  const auto& all = file_.Datasets();
  for (const Hdf5Dataset& offsets : all) {
    constexpr std::string_view kName = "/offsets";
    if (!offsets.path.ends_with(kName) || offsets.element != Element::kI64 ||
        offsets.dims.size() != 1 || offsets.dims[0] == 0) {
      continue;
    }
    const std::string group = offsets.path.substr(0, offsets.path.size() - kName.size());
    const std::uint64_t parents = offsets.dims[0] - 1;
    std::optional<std::uint64_t> entries;
    for (const Hdf5Dataset& other : all) {
      if (!other.path.starts_with(group + "/") || &other == &offsets || other.dims.empty())
        continue;
      const std::string_view name = std::string_view(other.path).substr(group.size() + 1);
      const bool child = name.ends_with(kName);
      if (std::count(name.begin(), name.end(), '/') != (child ? 1 : 0)) continue;
      // Beside its entries a group may have columns that are about the group as a whole.
      const std::uint64_t about = child ? other.dims[0] - 1 : other.dims[0];
      if (!entries || *entries == parents) entries = about;
    }
    if (!entries) continue;
    const auto put = [&](std::uint64_t at, std::uint64_t number) {
      const std::span bytes(reinterpret_cast<const std::uint8_t*>(&number), sizeof number);
      const auto stored = file_.Read(offsets, at, 1);
      if (stored && std::ranges::equal(*stored, bytes)) return;
      any = Write(offsets, at, bytes).empty() || any;
    };
    put(0, 0);
    put(parents, *entries);
  }
  return any;
}

std::string SetPatch::LoadOffsets() {
  if (std::exchange(loaded_, true)) return "";
  for (const Group& group : groups_) {
    auto offsets = NumbersOf<std::int64_t>(file_, OffsetsOf(group.path));
    if (!offsets) return offsets.Error();
    offsets_[group.path] = std::move(*offsets);
  }
  return "";
}

std::uint64_t SetPatch::EntriesBefore(const std::string& group, std::uint64_t row) const {
  if (group.empty()) return row;
  const auto it =
      std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) { return g.path == group; });
  const std::uint64_t entry = it == groups_.end() ? 0 : EntriesBefore(it->per, row);
  const auto& offsets = offsets_.at(group);
  return entry < offsets.size() ? static_cast<std::uint64_t>(offsets[entry]) : 0;
}

std::string SetPatch::PutOffsets(std::uint64_t first, std::span<const Row* const> rows) {
  if (std::string error = LoadOffsets(); !error.empty()) return error;
  const auto before = offsets_;
  for (const Group& group : groups_) {
    auto& offsets = offsets_[group.path];
    if (offsets.empty()) continue;
    // Parents come first, so theirs are right already.
    std::uint64_t entry = EntriesBefore(group.per, first);
    const std::uint64_t end = EntriesBefore(group.per, first + rows.size());
    if (end < entry || end >= offsets.size()) {
      offsets_ = before;
      return OffsetsOf(group.path) + " does not fit what it describes";
    }
    if (entry == 0) offsets[0] = 0;
    const std::int64_t last = offsets[end];
    std::int64_t now = offsets[entry];
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const GroupCounts* counts = rows[i]->FindGroup(group.path);
      const std::uint64_t entries =
          EntriesBefore(group.per, first + i + 1) - EntriesBefore(group.per, first + i);
      for (std::uint64_t k = 0; k < entries && entry < end; ++k) {
        if (counts != nullptr && k < counts->counts.size()) {
          now += static_cast<std::int64_t>(counts->counts[k]);
        }
        offsets[++entry] = now;
      }
    }
    const bool at_the_end = end + 1 == offsets.size();
    if (now != last && !at_the_end) {
      offsets_ = before;
      return OffsetsOf(group.path) + " does not lead to the next row";
    }
  }
  for (const Group& group : groups_) {
    const auto& offsets = offsets_[group.path];
    if (offsets == before.at(group.path)) continue;
    const Hdf5Dataset* dataset = file_.Find(OffsetsOf(group.path));
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(offsets.data()),
                          offsets.size() * sizeof(std::int64_t));
    if (std::string error = Write(*dataset, 0, bytes); !error.empty()) return error;
  }
  return "";
}

std::string SetPatch::PutRow(std::uint64_t row, const Row& content) {
  if (std::string error = LoadOffsets(); !error.empty()) return error;
  for (const Column& column : columns_) {
    const Hdf5Dataset* dataset = file_.Find(column.path);
    if (dataset == nullptr) continue;
    const std::uint64_t first = EntriesBefore(column.per, row);
    const std::uint64_t end = EntriesBefore(column.per, row + 1);
    if (end < first) return column.path + " has offsets that fall";
    const std::uint64_t size = (end - first) * column.EntryBytes();
    const Cell* cell = content.Find(column.path);
    std::vector<std::uint8_t> fill;
    std::span<const std::uint8_t> bytes;
    if (cell != nullptr) {
      bytes = cell->Bytes();
    } else {
      const auto one = Fill(column.element);
      while (fill.size() < size) fill.insert(fill.end(), one.begin(), one.end());
      bytes = fill;
    }
    if (bytes.size() != size) {
      return fmt::format("{} has {} bytes for it, {} are needed", column.path, size, bytes.size());
    }
    if (std::string error = Write(*dataset, first, bytes); !error.empty()) return error;
  }
  return "";
}

std::string SetPatch::PutHash(std::uint64_t row, std::uint64_t hash) {
  const Hdf5Dataset* dataset = file_.Find(kRowHashes);
  if (dataset == nullptr) return std::string(kRowHashes) + " is missing";
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(&hash), sizeof hash);
  return Write(*dataset, row, bytes);
}

std::set<std::string> SetPatch::TakeWritten() { return std::exchange(written_, {}); }

void SetPatch::Flush() {
  if (fsync(handle_.Get()) != 0) {
    throw EnvironmentError(
        fmt::format("cannot flush '{}': {}", EscapeName(file_.Path()), ErrnoText(errno)));
  }
}

}  // namespace pixloom
