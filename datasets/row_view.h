// SPDX-License-Identifier: Apache-2.0
// RowView takes typed values out of a row that nobody has checked: counts, types and lengths are
// held against each other before anything is made of them. The first problem stays and everything
// after it is empty, so that callers look once, at the end. One thread at a time; the row must
// outlive it.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "datasets/set_parts.h"
#include "datasets/set_row.h"
#include "datasets/text.h"

namespace pixloom {

class RowView {
 public:
  explicit RowView(const Row& row) : row_(row) {}

  const Row& Whole() const { return row_; }
  const std::string& Problem() const { return problem_; }
  bool Fine() const { return problem_.empty(); }
  void Fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  // How many entries each of the `parents` entries of `per` has; zeros where the group is missing,
  // nothing at all when there is a problem.
  std::vector<std::uint64_t> Counts(std::string_view path, std::string_view per,
                                    std::uint64_t parents) {
    if (!Fine()) return {};
    const GroupCounts* group = row_.FindGroup(path);
    if (group == nullptr) return std::vector<std::uint64_t>(parents);
    if (group->group.per != per || group->counts.size() != parents) {
      Fail(fmt::format("group '{}' does not fit what it belongs to", EscapeName(path)));
      return {};
    }
    std::uint64_t total = 0;
    for (const std::uint64_t n : group->counts) {
      if (n > kMostEntries || total + n > kMostEntries) {
        Fail(fmt::format("group '{}' has more than {} entries", EscapeName(path), kMostEntries));
        return {};
      }
      total += n;
    }
    return group->counts;
  }
  // Of a group per row.
  std::uint64_t Count(std::string_view path) {
    const std::vector<std::uint64_t> counts = Counts(path, "", 1);
    return counts.empty() ? 0 : counts[0];
  }

  // Exactly `entries` entries, or nothing where the column is missing and may be.
  template <class T>
  std::vector<T> Values(const Column& expected, std::uint64_t entries) {
    std::vector<T> values;
    const Cell* cell = Fine() ? row_.Find(expected.path) : nullptr;
    if (cell == nullptr) return values;
    const auto bytes = cell->Bytes();
    if (cell->column != expected || bytes.size() != entries * expected.EntryBytes()) {
      Fail(fmt::format("column '{}' has another type or length than it must have",
                       EscapeName(expected.path)));
      return values;
    }
    values.resize(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  template <class T>
  std::vector<T> Values(const parts::Part& part, std::uint64_t entries) {
    return Values<T>(part.Of(), entries);
  }
  // The same where the group has entries and its column must be there.
  template <class T>
  std::vector<T> Needed(const Column& expected, std::uint64_t entries) {
    std::vector<T> values = Values<T>(expected, entries);
    if (entries > 0 && values.empty()) {
      Fail(fmt::format("column '{}' is missing", EscapeName(expected.path)));
    }
    return values;
  }

  // The bytes of a group per row.
  std::vector<std::uint8_t> Bytes(std::string_view group) {
    const std::uint64_t n = Count(group);
    return Needed<std::uint8_t>(
        {parts::Below(group, parts::kBytes), std::string(group), Element::kU8, {}}, n);
  }
  std::string Text(std::string_view group) {
    const std::vector<std::uint8_t> bytes = Bytes(group);
    return {bytes.begin(), bytes.end()};
  }

 private:
  // Per row, of any group: what follows from more than that would not fit any memory.
  static constexpr std::uint64_t kMostEntries = std::uint64_t{1} << 31;

  const Row& row_;
  std::string problem_;
};

}  // namespace pixloom
