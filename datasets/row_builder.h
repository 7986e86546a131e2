// SPDX-License-Identifier: Apache-2.0
// RowBuilder puts typed values into a row. One thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>

#include "datasets/set_parts.h"
#include "datasets/set_row.h"
#include "pipeline/error.h"

namespace pixloom {

class RowBuilder {
 public:
  // All entries of the column, one behind the other. No entries, no cell.
  template <class T>
  void Add(Column column, const std::vector<T>& values) {
    PIXLOOM_CHECK(parts::ElementOf<T>() == column.element,
                  "values of another type: " + column.path);
    PIXLOOM_CHECK(values.size() * sizeof(T) % column.EntryBytes() == 0,
                  "an entry that is cut short: " + column.path);
    if (values.empty()) return;
    Cell& cell = row_.cells.emplace_back();
    cell.column = std::move(column);
    cell.bytes.resize(values.size() * sizeof(T));
    std::memcpy(cell.bytes.data(), values.data(), cell.bytes.size());
  }

  // REQUIRES: continuous.
  void Add(Column column, cv::Mat pixels) {
    Cell& cell = row_.cells.emplace_back();
    cell.column = std::move(column);
    cell.pixels = std::move(pixels);
    PIXLOOM_CHECK(cell.Bytes().size() == cell.column.EntryBytes(),
                  "pixels of another shape: " + cell.column.path);
  }

  // One count per entry of `per`. No entries at all, no group.
  void AddGroup(std::string_view path, std::string_view per, std::vector<std::uint64_t> counts) {
    if (std::all_of(counts.begin(), counts.end(), [](std::uint64_t n) { return n == 0; })) return;
    row_.groups.push_back({{std::string(path), std::string(per)}, std::move(counts)});
  }

  // Bytes of the row, or of each entry of `per` when `counts` says how many each has.
  void AddText(std::string_view group, std::string_view text) {
    AddBytes(group, "", {text.size()}, {text.begin(), text.end()});
  }
  void AddBytes(std::string_view group, std::string_view per, std::vector<std::uint64_t> counts,
                const std::vector<std::uint8_t>& bytes) {
    AddGroup(group, per, std::move(counts));
    Add({parts::Below(group, parts::kBytes), std::string(group), Element::kU8, {}}, bytes);
  }

  // A picture as the bytes of a file.
  void AddEncoded(const std::string& group, const cv::Mat& pixels,
                  const std::vector<std::uint8_t>& bytes) {
    AddBytes(group, "", {bytes.size()}, bytes);
    Add({parts::Below(group, parts::kShape), "", Element::kI32, {3}},
        std::vector<std::int32_t>{pixels.rows, pixels.cols, pixels.channels()});
  }

  Row Take() { return std::move(row_); }

 private:
  Row row_;
};

}  // namespace pixloom
