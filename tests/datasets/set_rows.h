// SPDX-License-Identifier: Apache-2.0
// Small sets for tests: rows with something of everything, some of them without.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/set_row.h"
#include "datasets/set_writer.h"

namespace pixloom::testing {

template <class T>
Cell CellOf(Column column, const std::vector<T>& numbers) {
  Cell cell;
  cell.column = std::move(column);
  cell.bytes.resize(numbers.size() * sizeof(T));
  if (!numbers.empty()) std::memcpy(cell.bytes.data(), numbers.data(), cell.bytes.size());
  return cell;
}

inline Column Pictures() { return {"images", "", Element::kU8, {6, 5, 3}}; }

// A pure function of its arguments.
inline Row RowOfUnit(std::uint64_t unit, std::uint64_t copy) {
  std::uint64_t state = unit * 77 + copy * 13 + 1;
  const auto next = [&] { return state = state * 6364136223846793005u + 1442695040888963407u; };
  Row row;
  std::vector<std::uint8_t> pixels(90);
  for (auto& p : pixels) p = static_cast<std::uint8_t>(next() >> 59);
  row.cells.push_back(CellOf(Pictures(), pixels));
  row.cells.push_back(CellOf<std::uint64_t>({"meta/seq", "", Element::kU64, {}}, {unit}));
  const auto text = [&](const std::string& group, const std::string& value) {
    row.groups.push_back({{group, ""}, {value.size()}});
    row.cells.push_back(CellOf<std::uint8_t>({group + "/bytes", group, Element::kU8, {}},
                                             {value.begin(), value.end()}));
  };
  text("meta/key", "folder/picture " + std::to_string(unit) + ".png");
  if (copy > 0) text("meta/branch", std::to_string(copy));
  if (unit % 3 != 0) {
    row.cells.push_back(CellOf<std::int64_t>({"labels", "", Element::kI64, {}},
                                             {static_cast<std::int64_t>(unit % 4)}));
  }
  // Objects come late, so that the first files know nothing of them.
  const std::uint64_t objects = unit < 6 ? 0 : unit % 4;
  if (objects > 0) {
    std::vector<float> boxes(objects * 4);
    for (float& b : boxes) b = static_cast<float>(next() >> 58);
    std::vector<std::int32_t> classes(objects);
    std::vector<std::uint64_t> counts(objects);
    std::vector<std::uint32_t> runs;
    for (std::size_t i = 0; i < objects; ++i) {
      classes[i] = static_cast<std::int32_t>(i % 3);
      counts[i] = (unit + i) % 3;
      for (std::uint64_t k = 0; k < counts[i]; ++k) {
        runs.push_back(static_cast<std::uint32_t>(next() >> 40) + 1);
      }
    }
    row.groups.push_back({{"instances", ""}, {objects}});
    row.cells.push_back(CellOf({"instances/box", "instances", Element::kF32, {4}}, boxes));
    row.cells.push_back(CellOf({"instances/class", "instances", Element::kI32, {}}, classes));
    row.groups.push_back({{"instances/runs", "instances"}, counts});
    row.cells.push_back(
        CellOf({"instances/runs/counts", "instances/runs", Element::kU32, {}}, runs));
  }
  return row;
}

// Unit 4, 11, 18...: nothing (quarantined); 2, 9, 16...: two copies.
inline std::uint64_t CopiesOf(std::uint64_t unit) {
  return unit % 7 == 4 ? 0 : unit % 7 == 2 ? 2 : 1;
}

struct SetCase {
  std::string path;
  std::uint64_t first = 0, end = 40, units = 40;
  int part = 1, parts = 1;
  std::uint64_t shard_rows = 0;
  ChunkFilters filters{};
  std::string seed = "7";
  bool bad = true;  // some units are quarantined
};

inline SetSummary WriteSet(const SetCase& c) {
  SetOptions options;
  options.path = c.path;
  options.shard_rows = c.shard_rows;
  options.filters = c.filters;
  SetWriter writer(options);
  SetPlan plan;
  plan.first = Pictures();
  plan.attributes = {{"",
                      {{"images", std::string("images")},
                       {"labels", std::string("labels")},
                       {"layout", std::string("NHWC")},
                       {"seed", std::int64_t{7}},
                       {"class_names", std::vector<std::string>{"cat", "dog", "owl", "yak"}}}},
                     {"images", {{"color", std::string("RGB")}}}};
  plan.fingerprint.facts = {{"seed", c.seed}};
  plan.first_unit = c.first;
  plan.end_unit = c.end;
  plan.units = c.units;
  plan.part = c.part;
  plan.parts = c.parts;
  plan.rows = 2 * (c.end - c.first);
  writer.Open(plan);
  for (std::uint64_t unit = c.first; unit < c.end; ++unit) {
    const std::uint64_t copies =
        c.bad ? CopiesOf(unit) : std::max<std::uint64_t>(1, CopiesOf(unit));
    for (std::uint64_t copy = 0; copy < copies; ++copy) {
      writer.Append(writer.Pack(RowOfUnit(unit, copy)));
    }
    writer.Advance(unit + 1, copies == 0 ? 1 : 0);
  }
  return writer.Finish();
}

}  // namespace pixloom::testing
