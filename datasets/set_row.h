// SPDX-License-Identifier: Apache-2.0
// What a stored data set is made of: rows, and the columns and groups they have.
//
// A column has one value of fixed shape per entry of what it describes: per row, or per entry of a
// group. A group is a list of any length, per row or per entry of another group: the objects of a
// picture, the rings of an object, the bytes of a key. In the file a group GROUP is the dataset
// GROUP/offsets (i64, one more than what it is per: entry i has [offsets[i], offsets[i+1])), and
// its columns have as many entries as the last offset says.
//
//   images                    u8 [N,H,W,C]     per row
//   encoded/bytes             u8 [B]           per byte of group "encoded", which is per row
//   instances/box             f32 [M,4]        per object of group "instances", which is per row
//   instances/polygons/xy     f32 [P,2]        ... of "instances/polygons/rings" ... and so on
//
// A row has only the cells it has something to say about; what is missing reads as Fill(), and a
// group that is missing is empty. Plain values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <opencv2/core.hpp>

namespace pixloom {

enum class Element : std::uint8_t { kU8, kU16, kU32, kU64, kI32, kI64, kF32, kF64 };

std::size_t SizeOf(Element element);
std::string_view ElementName(Element element);  // "u8", "f32"
// What stands for "nothing": not a number, -1, or 0 for what has no sign.
std::span<const std::uint8_t> Fill(Element element);

struct Column {
  std::string path;  // dataset, without leading slash: "images", "instances/box"
  std::string per;   // group whose entries it describes; "": rows
  Element element = Element::kU8;
  std::vector<std::uint64_t> shape;  // of one entry; {}: one number

  std::uint64_t EntryBytes() const;
  bool operator==(const Column&) const = default;
};

struct Group {
  std::string path;
  std::string per;  // group; "": rows
  bool operator==(const Group&) const = default;
};

// A column of one row: all its entries, one behind the other (per row: exactly one).
struct Cell {
  Column column;
  std::vector<std::uint8_t> bytes;
  cv::Mat pixels;  // instead of `bytes`: continuous

  std::span<const std::uint8_t> Bytes() const;
};

// A group of one row: how many entries each entry of `group.per` has (per row: one number). Parents
// come before children.
struct GroupCounts {
  Group group;
  std::vector<std::uint64_t> counts;
};

struct Row {
  std::vector<GroupCounts> groups;
  std::vector<Cell> cells;

  const Cell* Find(std::string_view path) const;
  const GroupCounts* FindGroup(std::string_view path) const;
  std::size_t Bytes() const;
};

// The cell says nothing: it may be left out, and reads the same.
bool HoldsOnlyFill(const Cell& cell);

// Over everything the row says: cells by path, whatever their order; a cell that holds nothing but
// fill and a group without entries count as absent, so that a row hashes the same before it is
// written and after it is read.
std::uint64_t RowHash(const Row& row);

// Over the hashes of all rows in order: equal for equal data sets, however they are cut into files.
std::uint64_t ContentHash(std::span<const std::uint64_t> row_hashes);

struct Attribute {
  std::string name;
  std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>,
               std::vector<std::string>>
      value;
  bool operator==(const Attribute&) const = default;
};

// Attributes of one object of the file; path "" is the file itself.
using Attributes = std::vector<std::pair<std::string, std::vector<Attribute>>>;

}  // namespace pixloom
