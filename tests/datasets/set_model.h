// SPDX-License-Identifier: Apache-2.0
// What a file of rows should hold, made the slow and obvious way: first all columns and groups,
// then row by row every entry of each.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/set_row.h"

namespace pixloom::testing {

class SetModel {
 public:
  // Columns and groups that `known` has are there even when `rows` have none of them.
  SetModel(const std::vector<Row>& known, const std::vector<Row>& rows) {
    Learn(known);
    Learn(rows);
    for (const Row& row : rows) Add(row);
    for (const Row& row : rows) {
      const std::uint64_t hash = RowHash(row);
      Put("checksum/row", {reinterpret_cast<const std::uint8_t*>(&hash), 8});
    }
    columns_["checksum/row"] = {"checksum/row", "", Element::kU64, {}};
    rows_ = rows.size();
  }

  nlohmann::json Datasets() const {
    nlohmann::json json;
    for (const auto& [path, column] : columns_) {
      std::vector<std::uint64_t> shape{column.per.empty() ? rows_ : totals_.at(column.per)};
      shape.insert(shape.end(), column.shape.begin(), column.shape.end());
      json[path] = {fmt::format("<{}{}",
                                ElementName(column.element)[0] == 'f'   ? 'f'
                                : ElementName(column.element)[0] == 'i' ? 'i'
                                                                        : 'u',
                                SizeOf(column.element)),
                    shape, Hex(path)};
    }
    for (const auto& [path, group] : groups_) {
      const auto it = bytes_.find(path + "/offsets");
      json[path + "/offsets"] = {"<i8", {it->second.size() / 8}, Hex(path + "/offsets")};
    }
    return json;
  }

 private:
  void Learn(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      for (const GroupCounts& counts : row.groups) {
        if (groups_.emplace(counts.group.path, counts.group).second) {
          totals_[counts.group.path] = 0;
          PutNumber(counts.group.path + "/offsets", 0);
        }
      }
      for (const Cell& cell : row.cells) columns_[cell.column.path] = cell.column;
    }
  }

  void Add(const Row& row) {
    std::map<std::string, std::uint64_t> entries{{"", 1}};
    // By the length of the path: parents before children.
    std::vector<const Group*> order;
    for (const auto& [path, group] : groups_) order.push_back(&group);
    std::stable_sort(order.begin(), order.end(), [](const Group* a, const Group* b) {
      return a->path.size() < b->path.size();
    });
    for (const Group* group : order) {
      const GroupCounts* counts = row.FindGroup(group->path);
      std::uint64_t sum = 0;
      for (std::uint64_t i = 0; i < entries.at(group->per); ++i) {
        const std::uint64_t count = counts != nullptr ? counts->counts.at(i) : 0;
        sum += count;
        totals_[group->path] += count;
        PutNumber(group->path + "/offsets", totals_[group->path]);
      }
      entries[group->path] = sum;
    }
    for (const auto& [path, column] : columns_) {
      if (const Cell* cell = row.Find(path)) {
        Put(path, cell->Bytes());
        continue;
      }
      const std::uint64_t bytes = entries.at(column.per) * column.EntryBytes();
      for (std::uint64_t i = 0; i < bytes; i += SizeOf(column.element)) {
        Put(path, Fill(column.element));
      }
    }
  }

  void Put(const std::string& path, std::span<const std::uint8_t> bytes) {
    auto& all = bytes_[path];
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  void PutNumber(const std::string& path, std::uint64_t number) {
    Put(path, {reinterpret_cast<const std::uint8_t*>(&number), 8});
  }
  std::string Hex(const std::string& path) const {
    std::string text;
    const auto it = bytes_.find(path);
    if (it == bytes_.end()) return text;
    for (const std::uint8_t byte : it->second) text += fmt::format("{:02x}", byte);
    return text;
  }

  std::map<std::string, Column> columns_;
  std::map<std::string, Group> groups_;
  std::map<std::string, std::uint64_t> totals_;
  std::map<std::string, std::vector<std::uint8_t>> bytes_;
  std::uint64_t rows_ = 0;
};

}  // namespace pixloom::testing
