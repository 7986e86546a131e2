// SPDX-License-Identifier: Apache-2.0
// Random rows with everything a set can hold, and a writer's whole run over them.
#pragma once

#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "datasets/set_writer.h"
#include "pipeline/rng.h"

namespace pixloom::testing {

// Numbers that depend on (seed, what was asked before) alone.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(Mix64(seed + 1)) {}
  std::uint64_t Next() { return Mix64(state_ += 0x9E3779B97F4A7C15u); }
  std::uint64_t Below(std::uint64_t end) { return Next() % end; }

 private:
  std::uint64_t state_;
};

template <class T>
Cell CellOf(Column column, const std::vector<T>& values) {
  Cell cell;
  cell.column = std::move(column);
  cell.bytes.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(cell.bytes.data(), values.data(), cell.bytes.size());
  return cell;
}

inline void AddBytes(Row& row, const std::string& group, std::string_view text) {
  row.groups.push_back({{group, ""}, {text.size()}});
  row.cells.push_back(
      CellOf<char>({group + "/bytes", group, Element::kU8, {}}, {text.begin(), text.end()}));
}

// What rows of a set look like; everything about a row follows from its number.
struct RowMaker {
  bool encoded = false;  // the first column is ragged
  std::uint64_t height = 16, width = 16;
  std::uint64_t late = 20;  // some columns begin with this row

  Column First() const {
    if (encoded) return {"encoded/bytes", "encoded", Element::kU8, {}};
    return {"images", "", Element::kU8, {height, width, 3}};
  }
  std::vector<Group> FirstGroups() const {
    if (encoded) return {{"encoded", ""}};
    return {};
  }

  Row Make(std::uint64_t number) const {
    Dice dice(number);
    Row row;
    if (encoded) {
      std::string bytes(dice.Below(5) == 0 ? 0 : dice.Below(3000), '\0');
      for (char& c : bytes) c = static_cast<char>(dice.Next());
      AddBytes(row, "encoded", bytes);
    } else {
      cv::Mat pixels(static_cast<int>(height), static_cast<int>(width), CV_8UC3);
      // Runs, so that there is something to compress.
      for (std::size_t i = 0; i < pixels.total() * 3; ++i) {
        pixels.data[i] = static_cast<std::uint8_t>(i % 8 == 0 ? dice.Next() : pixels.data[i - 1]);
      }
      Cell cell;
      cell.column = First();
      cell.pixels = pixels;
      row.cells.push_back(std::move(cell));
    }
    row.cells.push_back(CellOf<std::int64_t>({"labels", "", Element::kI64, {}},
                                             {static_cast<std::int64_t>(dice.Below(10))}));
    if (dice.Below(4) > 0) AddBytes(row, "meta/key", fmt::format("picture {}", number));
    if (number >= late) {
      row.cells.push_back(
          CellOf<float>({"labels_soft", "", Element::kF32, {3}}, {.5f, .25f, .25f}));
      row.cells.push_back(
          CellOf<std::uint16_t>({"masks/depth", "", Element::kU16, {2, 3}},
                                {1, 2, 3, 4, 5, static_cast<std::uint16_t>(number)}));
    }
    if (dice.Below(3) > 0) Objects(dice, number, row);
    return row;
  }

 private:
  void Objects(Dice& dice, std::uint64_t number, Row& row) const {
    const std::uint64_t objects = dice.Below(4);
    row.groups.push_back({{"instances", ""}, {objects}});
    std::vector<std::int64_t> ids;
    std::vector<float> boxes;
    std::vector<std::uint64_t> rings, points;
    std::vector<float> xy;
    for (std::uint64_t i = 0; i < objects; ++i) {
      ids.push_back(static_cast<std::int64_t>(dice.Below(1000)));
      for (int k = 0; k < 4; ++k) boxes.push_back(static_cast<float>(dice.Below(100)) / 7);
      rings.push_back(dice.Below(3));
      for (std::uint64_t k = 0; k < rings.back(); ++k) {
        points.push_back(3 + dice.Below(3));
        for (std::uint64_t p = 0; p < 2 * points.back(); ++p) {
          xy.push_back(static_cast<float>(dice.Below(50)));
        }
      }
    }
    row.cells.push_back(CellOf({"instances/id", "instances", Element::kI64, {}}, ids));
    row.cells.push_back(CellOf({"instances/box", "instances", Element::kF32, {4}}, boxes));
    if (number < late || objects == 0) return;
    row.groups.push_back({{"instances/rings", "instances"}, rings});
    row.groups.push_back({{"instances/rings/points", "instances/rings"}, points});
    row.cells.push_back(
        CellOf({"instances/rings/points/xy", "instances/rings/points", Element::kF32, {2}}, xy));
  }
};

// Units that give no, one or several rows; some are bad.
struct UnitMaker {
  std::uint64_t Rows(std::uint64_t unit) const { return Dice(unit + 1'000'000).Below(4); }
  std::uint64_t Bad(std::uint64_t unit) const { return Dice(unit + 2'000'000).Below(7) == 0; }
};

struct SetRun {
  SetOptions options;
  RowMaker rows;
  UnitMaker unit_rows;
  std::uint64_t units = 40;
  bool overwrite = false;
  std::string version = "1";  // part of the fingerprint
  int part = 1, parts = 1;
  std::vector<std::string> notices;

  SetPlan Plan() {
    SetPlan plan;
    plan.first = rows.First();
    plan.first_groups = rows.FirstGroups();
    plan.attributes = {
        {"", {{"seed", std::int64_t{7}}, {"classes", std::vector<std::string>{"cat", "dog"}}}},
        {"images", {{"colour", std::string("rgb")}}},
        {"instances", {{"note", std::string("visible parts")}}},
        {"never/there", {{"note", std::string("dropped")}}}};
    plan.fingerprint.facts = {{"version", version}, {"seed", "7"}};
    plan.fingerprint.inputs = {{"photos", "a.jpg", 10, 20, 0}};
    plan.end_unit = plan.units = units;
    plan.part = part;
    plan.parts = parts;
    plan.overwrite = overwrite;
    plan.notice = [this](std::string text) { notices.push_back(std::move(text)); };
    return plan;
  }

  // From where it stands to the end; nothing when `stop` said so after a row or unit.
  std::optional<SetSummary> Go(const std::function<bool()>& stop = [] { return false; }) {
    SetWriter writer(options);
    for (std::uint64_t unit = writer.Open(Plan()); unit < units; ++unit) {
      for (std::uint64_t i = 0; i < unit_rows.Rows(unit); ++i) {
        writer.Append(writer.Pack(rows.Make(4 * unit + i)));
        if (stop()) {
          writer.Leave();
          return std::nullopt;
        }
      }
      writer.Advance(unit + 1, unit_rows.Bad(unit));
      if (stop()) {
        writer.Leave();
        return std::nullopt;
      }
    }
    return writer.Finish();
  }

  // All rows of the set, in order.
  std::vector<Row> AllRows() const {
    std::vector<Row> all;
    for (std::uint64_t unit = 0; unit < units; ++unit) {
      for (std::uint64_t i = 0; i < unit_rows.Rows(unit); ++i)
        all.push_back(rows.Make(4 * unit + i));
    }
    return all;
  }
};

}  // namespace pixloom::testing
