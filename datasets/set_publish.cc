// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_publish.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/hdf5_structure.h"
#include "datasets/set_finish.h"

namespace pixloom {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kIndexVersion = 1;

// A virtual data set over the columns that every shard has.
void WriteMaster(const BegunSet& begun, const SetPlan& plan, const FileFacts& facts) {
  std::vector<MasterDataset> datasets;
  for (const Column& column : begun.shards.front().columns) {
    const bool everywhere =
        std::all_of(begun.shards.begin(), begun.shards.end(), [&](const FinishedShard& shard) {
          return std::find(shard.columns.begin(), shard.columns.end(), column) !=
                 shard.columns.end();
        });
    if (everywhere) datasets.push_back({column.path, column.element, column.shape});
  }
  std::vector<std::pair<std::string, std::uint64_t>> files;
  for (const FinishedShard& shard : begun.shards) files.emplace_back(shard.file, shard.rows);
  const std::string path = begun.paths.InWork(kSetMaster);
  RemoveFile(path);
  Attributes attributes = AttributesOf(plan.attributes, begun.set, facts);
  std::erase_if(attributes, [&](const auto& item) {
    return !item.first.empty() &&
           std::none_of(datasets.begin(), datasets.end(),
                        [&](const MasterDataset& dataset) { return dataset.path == item.first; });
  });
  CreateMaster(path, datasets, files, attributes);
  SetFile(path, O_RDWR).Sync();
}

}  // namespace

std::vector<Column> RowColumns(const SetColumns& columns, const Column& first) {
  std::vector<Column> list;
  if (first.per.empty()) list.push_back(first);
  for (const auto& stream : columns.Streams()) {
    const bool column = stream->kind == StreamState::Kind::kColumn;
    if (column && stream->column.per.empty()) list.push_back(stream->column);
  }
  return list;
}

SetSummary WriteIndex(const BegunSet& begun, const SetPlan& plan, std::uint64_t quarantined,
                      bool master) {
  FileFacts facts;
  facts.quarantined = quarantined;
  Json shards = Json::array();
  ContentHasher content;
  SetSummary summary;
  for (const FinishedShard& shard : begun.shards) {
    shards.push_back({{"file", shard.file},
                      {"rows", shard.rows},
                      {"first_row", facts.rows},
                      {"bytes", shard.bytes},
                      {"xxh64", fmt::format("{:016x}", shard.hash)}});
    content.Add(SetFile(begun.paths.InWork(shard.file), O_RDONLY), shard.row_hashes_at, shard.rows);
    facts.rows += shard.rows;
    summary.files.push_back(begun.paths.target + "/" + shard.file);
  }
  facts.content_hash = content.Value();
  if (master) WriteMaster(begun, plan, facts);
  const Json json = {{"format", "pixloom"},
                     {"version", kIndexVersion},
                     {"fingerprint", begun.set.digest},
                     {"rows", facts.rows},
                     {"quarantined", quarantined},
                     {"content_hash", fmt::format("{:016x}", facts.content_hash)},
                     {"first_unit", begun.set.first_unit},
                     {"end_unit", begun.set.end_unit},
                     {"units", begun.set.units},
                     {"part", begun.set.part},
                     {"parts", begun.set.parts},
                     {"shards", std::move(shards)}};
  WriteTextDurably(begun.paths.InWork(kSetIndex), json.dump(1) + "\n");
  summary.rows = facts.rows;
  summary.quarantined = quarantined;
  summary.content_hash = facts.content_hash;
  return summary;
}

void PublishFolder(BegunSet& begun) {
  const SetPaths& paths = begun.paths;
  for (const std::string& name : NamesIn(paths.InWork(kSetColumns))) {
    RemoveFile(paths.InWork(kSetColumns) + "/" + name);
  }
  RemoveFolder(paths.InWork(kSetColumns));
  // set.json says whether something may be replaced, so it stays until that is done.
  for (const char* name : {kSetJournal, kSetData, kSetMoved, kSetFacts, kSetInputs}) {
    RemoveFile(paths.InWork(name));
  }
  SyncFolder(paths.Work());
  const std::string replaced = paths.Replaced();
  if (!PathExists(paths.target)) {
    RenamePath(paths.Work(), paths.target);
  } else if (!ExchangePaths(paths.Work(), paths.target)) {
    RenamePath(paths.target, replaced);
    RenamePath(paths.Work(), paths.target);
  }
  begun.lock.MovedTo(paths.target);
  SyncFolder(FolderOf(paths.target));
  RemoveFile(paths.target + "/" + kSetDescription);
  begun.lock.Release();
  for (const std::string& old : {paths.Work(), replaced}) {
    if (PathExists(old)) RemoveSetFolder(old, false);
  }
}

void PublishFile(BegunSet& begun, const std::string& file) {
  const SetPaths& paths = begun.paths;
  RenamePath(file, paths.target);
  SyncFolder(FolderOf(paths.target));
  SyncFolder(paths.Work());
  RemoveSetFolder(paths.Work(), true);
  begun.lock.Release();
}

}  // namespace pixloom
