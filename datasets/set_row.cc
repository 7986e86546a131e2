// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_row.h"

#include <algorithm>
#include <array>
#include <limits>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pipeline/error.h"

namespace pixloom {

namespace {

struct ElementFacts {
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array<ElementFacts, 8> kElements{{{"u8", 1},
                                                 {"u16", 2},
                                                 {"u32", 4},
                                                 {"u64", 8},
                                                 {"i32", 4},
                                                 {"i64", 8},
                                                 {"f32", 4},
                                                 {"f64", 8}}};

const ElementFacts& FactsOf(Element element) {
  return kElements[static_cast<std::size_t>(element)];
}

class Hasher {
 public:
  Hasher() : state_(XXH64_createState()) { XXH64_reset(state_, 0); }
  ~Hasher() { XXH64_freeState(state_); }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void Add(const void* bytes, std::size_t count) { XXH64_update(state_, bytes, count); }
  void Add(std::uint64_t number) { Add(&number, sizeof number); }
  void Add(std::string_view text) {
    Add(text.size());
    Add(text.data(), text.size());
  }
  std::uint64_t Digest() const { return XXH64_digest(state_); }

 private:
  XXH64_state_t* state_;
};

}  // namespace

std::size_t SizeOf(Element element) { return FactsOf(element).bytes; }

std::string_view ElementName(Element element) { return FactsOf(element).name; }

std::span<const std::uint8_t> Fill(Element element) {
  // Little endian; the bit patterns of quiet NaNs.
  static constexpr std::array<std::uint8_t, 8> kZero{};
  static constexpr std::array<std::uint8_t, 8> kMinusOne{0xff, 0xff, 0xff, 0xff,
                                                         0xff, 0xff, 0xff, 0xff};
  static constexpr std::array<std::uint8_t, 4> kNan32{0, 0, 0xc0, 0x7f};
  static constexpr std::array<std::uint8_t, 8> kNan64{0, 0, 0, 0, 0, 0, 0xf8, 0x7f};
  switch (element) {
    case Element::kI32:
    case Element::kI64:
      return {kMinusOne.data(), SizeOf(element)};
    case Element::kF32:
      return kNan32;
    case Element::kF64:
      return kNan64;
    default:
      return {kZero.data(), SizeOf(element)};
  }
}

std::uint64_t Column::EntryBytes() const {
  std::uint64_t bytes = SizeOf(element);
  for (const std::uint64_t side : shape) bytes *= side;
  return bytes;
}

std::span<const std::uint8_t> Cell::Bytes() const {
  if (pixels.empty()) return bytes;
  PIXLOOM_CHECK(pixels.isContinuous(), "pixels of a cell with gaps");
  return {pixels.data, pixels.total() * pixels.elemSize()};
}

const Cell* Row::Find(std::string_view path) const {
  const auto it = std::find_if(cells.begin(), cells.end(),
                               [&](const Cell& cell) { return cell.column.path == path; });
  return it == cells.end() ? nullptr : &*it;
}

const GroupCounts* Row::FindGroup(std::string_view path) const {
  const auto it = std::find_if(groups.begin(), groups.end(),
                               [&](const GroupCounts& g) { return g.group.path == path; });
  return it == groups.end() ? nullptr : &*it;
}

std::size_t Row::Bytes() const {
  std::size_t bytes = sizeof(*this);
  for (const GroupCounts& group : groups) bytes += sizeof group + 8 * group.counts.size();
  for (const Cell& cell : cells) bytes += sizeof cell + cell.Bytes().size();
  return bytes;
}

bool HoldsOnlyFill(const Cell& cell) {
  const auto fill = Fill(cell.column.element);
  const auto bytes = cell.Bytes();
  for (std::size_t i = 0; i < bytes.size(); i += fill.size()) {
    if (!std::equal(fill.begin(), fill.end(), bytes.begin() + static_cast<std::ptrdiff_t>(i))) {
      return false;
    }
  }
  return true;
}

std::uint64_t RowHash(const Row& row) {
  Hasher hasher;
  std::vector<const GroupCounts*> groups;
  for (const GroupCounts& group : row.groups) {
    const bool any = std::any_of(group.counts.begin(), group.counts.end(),
                                 [](std::uint64_t count) { return count > 0; });
    if (any) groups.push_back(&group);
  }
  std::sort(groups.begin(), groups.end(), [](const GroupCounts* a, const GroupCounts* b) {
    return a->group.path < b->group.path;
  });
  for (const GroupCounts* group : groups) {
    hasher.Add(group->group.path);
    hasher.Add(group->counts.data(), group->counts.size() * sizeof(std::uint64_t));
  }
  std::vector<const Cell*> cells;
  for (const Cell& cell : row.cells) {
    if (!HoldsOnlyFill(cell)) cells.push_back(&cell);
  }
  std::sort(cells.begin(), cells.end(),
            [](const Cell* a, const Cell* b) { return a->column.path < b->column.path; });
  for (const Cell* cell : cells) {
    hasher.Add(cell->column.path);
    hasher.Add(ElementName(cell->column.element));
    const auto bytes = cell->Bytes();
    hasher.Add(bytes.size());
    hasher.Add(bytes.data(), bytes.size());
  }
  return hasher.Digest();
}

std::uint64_t ContentHash(std::span<const std::uint64_t> row_hashes) {
  return XXH64(row_hashes.data(), row_hashes.size_bytes(), 0);
}

}  // namespace pixloom
