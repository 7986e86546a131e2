// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_repair.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "datasets/set_facts.h"
#include "datasets/set_patch.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

// A bad row, and what it should be.
struct Remade {
  BadRow bad;
  std::optional<Row> row;
  std::optional<std::uint64_t> hash;  // to be stored: the row is right and its hash is not
};

std::string Joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

class Repair {
 public:
  Repair(const std::string& path, const RemakeRows& remake, RepairReport& report)
      : set_(OpenSet(path)), remake_(remake), report_(report) {}

  void Run(const std::vector<BadRow>& bad) {
    std::vector<Remade> remade;
    for (const BadRow& row : bad) remade.push_back(Make(row));
    // Neighbours together: they share offsets.
    for (std::size_t first = 0; first < remade.size();) {
      std::size_t end = first + 1;
      while (end < remade.size() && remade[end].bad.row == remade[end - 1].bad.row + 1 &&
             remade[end].bad.row_in_file == remade[end - 1].bad.row_in_file + 1) {
        ++end;
      }
      Put(std::span(remade).subspan(first, end - first));
      first = end;
    }
    for (auto& [file, patch] : patches_) patch->Flush();
  }

 private:
  void Leave(BadRow bad, std::string why) {
    bad.what = std::move(why);
    report_.left.push_back(std::move(bad));
  }

  Remade Make(const BadRow& bad) {
    Remade remade;
    remade.bad = bad;
    const auto key = TextOf(*set_, bad.row, "meta/key/bytes");
    const auto branch = TextOf(*set_, bad.row, "meta/branch/bytes");
    remade.bad.key = key.value_or("");
    if (!key) {
      Leave(remade.bad, "its key cannot be read, so nobody knows what it was made of");
      return remade;
    }
    auto rows = remake_(*key, branch.value_or(""));
    if (!rows) {
      Leave(remade.bad, rows.Error());
      return remade;
    }
    const auto stored = set_->StoredHash(bad.row);
    const auto read = set_->Read(bad.row);
    for (Row& row : *rows) {
      const std::uint64_t hash = RowHash(row);
      if (stored && hash == *stored) {
        remade.row = std::move(row);
        return remade;
      }
      if (read && hash == RowHash(*read)) {
        remade.hash = hash;
        return remade;
      }
    }
    Leave(remade.bad, "made again it is another row: its hash, inputs or versions have changed");
    return remade;
  }

  SetPatch& PatchOf(std::size_t file) {
    auto& patch = patches_[file];
    if (!patch)
      patch = std::make_unique<SetPatch>(set_->File(file), set_->Columns(), set_->Groups());
    return *patch;
  }

  void Put(std::span<Remade> run) {
    SetPatch& patch = PatchOf(set_->Locate(run[0].bad.row).first);
    // Offsets only where every row between two good ones is known.
    std::vector<const Row*> rows;
    for (const Remade& remade : run) {
      if (remade.row) rows.push_back(&*remade.row);
    }
    std::string offsets;
    if (rows.size() == run.size()) offsets = patch.PutOffsets(run[0].bad.row_in_file, rows);
    for (Remade& remade : run) {
      BadRow bad = remade.bad;
      std::string error;
      if (remade.row) {
        error = patch.PutRow(bad.row_in_file, *remade.row);
        if (error.empty()) error = offsets;
      } else if (remade.hash) {
        error = patch.PutHash(bad.row_in_file, *remade.hash);
      } else {
        continue;  // said already
      }
      if (!error.empty()) {
        Leave(std::move(bad), std::move(error));
        continue;
      }
      const auto written = patch.TakeWritten();
      bad.what = written.empty() ? "with its neighbour" : Joined(written);
      report_.repaired.push_back(std::move(bad));
    }
  }

  std::unique_ptr<SetReader> set_;
  const RemakeRows& remake_;
  RepairReport& report_;
  std::map<std::size_t, std::unique_ptr<SetPatch>> patches_;
};

// A set cannot be opened whose offsets do not end where their columns do; but then the columns say
// where.
bool PutEnds(const std::string& path) {
  std::vector<std::string> files{path};
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    files.clear();
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
      if (entry.path().extension() == ".h5") files.push_back(entry.path().string());
    }
  }
  bool any = false;
  for (const std::string& name : files) {
    const auto file = Hdf5File::Open(name);
    if (!file || TextIn((*file)->Root(), "format") != "pixloom") continue;
    SetPatch patch(**file, {}, {});
    if (!patch.PutEnds()) continue;
    patch.Flush();
    any = true;
  }
  return any;
}

}  // namespace

RepairReport RepairSet(const std::string& path, const Codec& codec, const RemakeRows& remake,
                       const VerifyOptions& options) {
  RepairReport report;
  VerifyReport before = VerifySet(path, codec, options);
  const bool ends = !before.faults.empty() && PutEnds(before.set.path);
  if (ends) before = VerifySet(path, codec, options);
  report.offsets = ends;
  report.set = before.set;
  report.faults = before.faults;
  if (before.bad.empty()) return report;
  Repair(before.set.path, remake, report).Run(before.bad);
  const VerifyReport after = VerifySet(path, codec, options);
  report.set = after.set;
  report.faults = after.faults;
  // What was written and is still wrong is not repaired.
  for (const BadRow& bad : after.bad) {
    const auto same = [&](const BadRow& other) { return other.row == bad.row; };
    std::erase_if(report.repaired, same);
    if (std::none_of(report.left.begin(), report.left.end(), same)) report.left.push_back(bad);
  }
  return report;
}

}  // namespace pixloom
