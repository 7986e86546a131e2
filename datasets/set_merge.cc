// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_merge.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "datasets/in_order.h"
#include "datasets/set_facts.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

// Rows on their way at a time; pictures of any size fit into memory some dozens of times.
constexpr std::uint64_t kAhead = 32;

[[noreturn]] void Refuse(std::string text) {
  Diagnostics diagnostics;
  diagnostics.Error("SET-MERGE", {}, std::move(text));
  throw ConfigError(diagnostics);
}

struct Input {
  std::string path;
  std::unique_ptr<SetReader> set;
  std::uint64_t first = 0, end = 0;  // units

  std::string Name() const { return "'" + EscapeName(path) + "'"; }
};

std::string Units(std::uint64_t first, std::uint64_t end) {
  return end == first + 1 ? fmt::format("unit {}", first)
                          : fmt::format("units {} to {}", first, end - 1);
}

std::vector<Input> OpenAll(const MergeRequest& request) {
  if (request.inputs.empty()) Refuse("merge: no input; name at least one finished set");
  std::vector<Input> inputs;
  for (const std::string& path : request.inputs) {
    Input input;
    input.path = FindSet(path);
    input.set = OpenSet(input.path);
    std::tie(input.first, input.end) = input.set->Units();
    inputs.push_back(std::move(input));
  }
  return inputs;
}

// Parts of one plan, brought into its order.
void CheckParts(std::vector<Input>& inputs, bool part) {
  const std::string fingerprint = TextIn(inputs[0].set->Root(), "fingerprint");
  for (const Input& input : inputs) {
    const std::string other = TextIn(input.set->Root(), "fingerprint");
    if (other == fingerprint) continue;
    Refuse(
        fmt::format("{} (fingerprint {}) and {} ({}) are results of different runs; parts of "
                    "one plan have one fingerprint; --any joins them all the same",
                    inputs[0].Name(), fingerprint, input.Name(), other));
  }
  std::stable_sort(inputs.begin(), inputs.end(), [](const Input& a, const Input& b) {
    return std::pair(a.first, a.end) < std::pair(b.first, b.end);
  });
  std::vector<std::string> missing;
  const auto total =
      static_cast<std::uint64_t>(IntegerIn(inputs[0].set->Root(), "units")
                                     .value_or(static_cast<std::int64_t>(inputs.back().end)));
  std::uint64_t next = part ? inputs[0].first : 0;
  const Input* before = nullptr;
  for (const Input& input : inputs) {
    if (input.first < next && input.end > input.first) {
      Refuse(fmt::format("{} appear twice: in {} and in {}; name each part once",
                         Units(input.first, std::min(next, input.end)),
                         before == nullptr ? input.Name() : before->Name(), input.Name()));
    }
    if (input.first > next) missing.push_back(Units(next, input.first));
    next = std::max(next, input.end);
    before = &input;
  }
  if (!part && next < total) missing.push_back(Units(next, total));
  if (missing.empty()) return;
  std::string text = missing[0];
  for (std::size_t i = 1; i < missing.size(); ++i) text += ", " + missing[i];
  Refuse(fmt::format("parts are missing: no input has {} of {}; run these parts, or name them",
                     text, total));
}

// Sets of different runs: columns that both have are alike, and names mean the same.
void CheckColumns(const std::vector<Input>& inputs) {
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    for (const Column& column : inputs[i].set->Columns()) {
      for (const Column& other : inputs[0].set->Columns()) {
        if (column.path != other.path || column == other) continue;
        Refuse(
            fmt::format("{} and {}: '{}' has entries of another type or shape; only sets with "
                        "the same columns can be joined",
                        inputs[0].Name(), inputs[i].Name(), column.path));
      }
    }
    for (const std::string_view name : {"class_names", "keypoint_names"}) {
      if (TextIn(inputs[0].set->Root(), name) == TextIn(inputs[i].set->Root(), name)) continue;
      Refuse(
          fmt::format("{} and {}: {} differ, so their numbers mean different things; make both "
                      "with the same classes",
                      inputs[0].Name(), inputs[i].Name(), name));
    }
  }
}

// What the writer says about each file itself; everything else is handed on.
bool IsWritersOwn(std::string_view object, std::string_view name) {
  static constexpr std::array<std::string_view, 11> kRoot{
      "format",     "format_version", "rows",  "quarantined", "content_hash", "fingerprint",
      "first_unit", "end_unit",       "units", "shard",       "rows_planned"};
  return object.empty() && std::find(kRoot.begin(), kRoot.end(), name) != kRoot.end();
}

Attributes Inherited(const std::vector<Input>& inputs) {
  const SetReader& first = *inputs[0].set;
  Attributes attributes;
  const auto add = [&](const std::string& object, const std::vector<Attribute>& all) {
    std::vector<Attribute> kept;
    for (const Attribute& attribute : all) {
      if (IsWritersOwn(object, attribute.name)) continue;
      // What the inputs do not agree on is true of none of the result.
      const bool agreed =
          !object.empty() || std::all_of(inputs.begin(), inputs.end(), [&](const Input& input) {
            const Attribute* other = input.set->RootAttribute(attribute.name);
            return other != nullptr && *other == attribute;
          });
      if (agreed) kept.push_back(attribute);
    }
    if (!kept.empty()) attributes.emplace_back(object, std::move(kept));
  };
  add("", first.Root());
  for (const auto& [path, list] : first.File(0).GroupAttributes()) add(path, list);
  for (const Hdf5Dataset& dataset : first.File(0).Datasets()) add(dataset.path, dataset.attributes);
  return attributes;
}

// Groups that a column needs, parents first.
std::vector<Group> GroupsOf(const SetReader& set, const Column& column) {
  std::vector<Group> groups;
  std::string per = column.per;
  while (!per.empty()) {
    const auto it = std::find_if(set.Groups().begin(), set.Groups().end(),
                                 [&](const Group& group) { return group.path == per; });
    if (it == set.Groups().end()) break;
    groups.insert(groups.begin(), *it);
    per = it->per;
  }
  return groups;
}

// A column begins in the file where a row has it first, and a row that was read back has all
// columns of its file. What stands for "nothing" is taken out, so that columns begin where they
// began; of unsigned numbers nobody knows, and they are mostly there. The last row of a file keeps
// everything: the result has every column that its inputs have.
void DropWhatSaysNothing(Row& row, const Column& first) {
  const auto is_unsigned = [](Element element) { return element <= Element::kU64; };
  std::erase_if(row.cells, [&](const Cell& cell) {
    if (cell.column.path == first.path) return false;
    return cell.Bytes().empty() || (!is_unsigned(cell.column.element) && HoldsOnlyFill(cell));
  });
  std::erase_if(row.groups, [&](const GroupCounts& counts) {
    return !first.per.starts_with(counts.group.path) &&
           std::none_of(counts.counts.begin(), counts.counts.end(),
                        [](std::uint64_t count) { return count > 0; });
  });
}

class Merge {
 public:
  Merge(const MergeRequest& request, std::vector<Input> inputs)
      : request_(request), inputs_(std::move(inputs)), writer_(request.out) {
    for (const Input& input : inputs_) rows_ += input.set->Rows();
  }

  MergeReport Run() {
    const auto first = FirstColumnOf(*inputs_[0].set);
    if (!first) Refuse(fmt::format("{}: {}", inputs_[0].Name(), first.Error()));
    first_ = *first;
    const std::uint64_t next_unit = writer_.Open(Plan());
    std::uint64_t unit = 0;  // with `any`: rows are units
    for (const Input& input : inputs_) {
      const std::uint64_t begin = request_.any ? unit : input.first;
      const std::uint64_t end = request_.any ? unit + input.set->Rows() : input.end;
      if (end > next_unit || (begin == end && input.set->Quarantined() > 0)) {
        if (!Copy(input, begin, end, next_unit)) {
          writer_.Leave();
          return {.set = {}, .interrupted = true};
        }
      } else {
        done_ += input.set->Rows();
      }
      unit = end;
    }
    return Finished(writer_.Finish());
  }

 private:
  SetPlan Plan() {
    const SetReader& set = *inputs_[0].set;
    SetPlan plan;
    plan.first = first_;
    plan.first_groups = GroupsOf(set, first_);
    plan.attributes = request_.attributes ? *request_.attributes : Inherited(inputs_);
    // What the run expected decides where data begins: the same bytes need the same number.
    plan.rows = 0;
    for (const Input& input : inputs_) {
      plan.rows +=
          static_cast<std::uint64_t>(IntegerIn(input.set->Root(), "rows_planned")
                                         .value_or(static_cast<std::int64_t>(input.set->Rows())));
    }
    plan.row_bytes = first_.per.empty() ? first_.EntryBytes() : 0;
    plan.overwrite = request_.overwrite;
    plan.notice = request_.notice;
    if (request_.any) {
      for (const Input& input : inputs_) {
        plan.fingerprint.facts.emplace_back(
            "merged from",
            fmt::format("{} units {} to {}", TextIn(input.set->Root(), "fingerprint"), input.first,
                        input.end));
      }
      plan.end_unit = plan.units = rows_;
      return plan;
    }
    plan.digest = TextIn(set.Root(), "fingerprint");
    plan.fingerprint.facts.emplace_back("merged", plan.digest);
    plan.first_unit = inputs_.front().first;
    plan.end_unit = inputs_.back().end;
    plan.units = static_cast<std::uint64_t>(
        IntegerIn(set.Root(), "units").value_or(static_cast<std::int64_t>(plan.end_unit)));
    plan.part = request_.part;
    plan.parts = request_.parts;
    return plan;
  }

  // The unit of each row of a file, as far as the set says; where it does not, all rows of the
  // input belong to its first unit.
  std::vector<std::uint64_t> UnitsOfRows(const Hdf5File& file, std::uint64_t begin,
                                         std::uint64_t end) const {
    auto units = NumbersOf<std::uint64_t>(file, "meta/seq");
    if (request_.any || !units || !std::is_sorted(units->begin(), units->end())) return {};
    if (!units->empty() && (units->front() < begin || units->back() >= end)) return {};
    return std::move(*units);
  }

  // False when it was stopped.
  bool Copy(const Input& input, std::uint64_t begin, std::uint64_t end, std::uint64_t next_unit) {
    const SetReader& set = *input.set;
    std::vector<std::uint64_t> units;  // of the file that is being read
    std::size_t current = set.Files().size();
    std::uint64_t first_of_file = 0;
    std::uint64_t reached = std::max(begin, next_unit);
    bool stopped = false;
    const int threads = ThreadsFor(request_.threads);
    // Rows that an earlier merge stored already.
    const std::uint64_t skipped = RowsBefore(set, begin, end, next_unit);
    done_ += skipped;
    InOrder(
        skipped, set.Rows(), threads, kAhead, [&](std::uint64_t row) { return Read(input, row); },
        [&](std::uint64_t row, SetWriter::Packed packed) {
          const auto [file, in_file] = set.Locate(row);
          if (file != current) {
            current = file;
            first_of_file = row - in_file;
            units = UnitsOfRows(set.File(file), begin, end);
          }
          const std::uint64_t at = row - first_of_file;
          const std::uint64_t unit = request_.any        ? begin + row
                                     : at < units.size() ? units[at]
                                                         : reached;
          if (unit > reached) {
            writer_.Advance(unit, 0);
            reached = unit;
          }
          writer_.Append(std::move(packed));
          ++done_;
          if (request_.progress) request_.progress(done_, rows_);
          stopped = request_.stop != nullptr && *request_.stop;
          return !stopped;
        });
    if (stopped) return false;
    writer_.Advance(end, set.Quarantined());
    return true;
  }

  // How many rows belong to units before `unit`.
  std::uint64_t RowsBefore(const SetReader& set, std::uint64_t begin, std::uint64_t end,
                           std::uint64_t unit) const {
    if (unit <= begin) return 0;
    if (request_.any) return std::min(unit - begin, set.Rows());
    std::uint64_t rows = 0;
    for (std::size_t i = 0; i < set.Files().size(); ++i) {
      const auto units = UnitsOfRows(set.File(i), begin, end);
      if (units.empty()) break;
      const auto it = std::lower_bound(units.begin(), units.end(), unit);
      rows += static_cast<std::uint64_t>(it - units.begin());
      if (it != units.end()) break;
    }
    return rows;
  }

  SetWriter::Packed Read(const Input& input, std::uint64_t row) const {
    const SetReader& set = *input.set;
    const auto damaged = [&](const std::string& what) {
      return DamagedSetError(
          fmt::format("{}: row {}: {}; find all such rows with: pixloom verify {}", input.Name(),
                      row, what, input.path));
    };
    auto read = set.Read(row);
    if (!read) throw damaged(read.Error());
    const auto stored = set.StoredHash(row);
    if (!stored) throw damaged(stored.Error());
    const bool last_of_file =
        row + 1 == set.Rows() || set.Locate(row + 1).first != set.Locate(row).first;
    if (!last_of_file) DropWhatSaysNothing(*read, first_);
    SetWriter::Packed packed = writer_.Pack(std::move(*read));
    if (packed.hash != *stored) throw damaged("it is not what was written");
    return packed;
  }

  MergeReport Finished(const SetSummary& summary) const {
    MergeReport report;
    report.set.path = writer_.Target();
    report.set.rows = summary.rows;
    report.set.quarantined = summary.quarantined;
    report.set.content_hash = summary.content_hash;
    report.set.files = summary.files;
    report.set.fingerprint = TextIn(inputs_[0].set->Root(), "fingerprint");
    for (const std::string& file : summary.files) {
      std::error_code error;
      const auto bytes = std::filesystem::file_size(file, error);
      if (!error) report.set.bytes += bytes;
    }
    return report;
  }

  const MergeRequest& request_;
  std::vector<Input> inputs_;
  SetWriter writer_;
  Column first_;
  std::uint64_t rows_ = 0, done_ = 0;
};

}  // namespace

MergeReport MergeSets(const MergeRequest& request) {
  std::vector<Input> inputs = OpenAll(request);
  if (!request.any) CheckParts(inputs, request.parts > 1);
  CheckColumns(inputs);
  return Merge(request, std::move(inputs)).Run();
}

}  // namespace pixloom
