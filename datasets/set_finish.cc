// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_finish.h"

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "datasets/set_damage.h"
#include "datasets/set_verify.h"

namespace pixloom {

namespace {

using Kind = StreamState::Kind;

// For the columns and groups that rows bring with them: some forty of each are usual.
constexpr std::uint64_t kSpare = std::uint64_t{64} << 10;
constexpr int kFormatVersion = 1;

Attribute Number(const char* name, std::uint64_t value) {
  return {name, static_cast<std::int64_t>(value)};
}

std::vector<std::uint64_t> DimsOf(std::uint64_t entries, const Column& column) {
  std::vector<std::uint64_t> dims{entries};
  dims.insert(dims.end(), column.shape.begin(), column.shape.end());
  return dims;
}

// Attributes find their dataset or group; those of what the set does not have are left out.
void GiveAttributes(const Attributes& attributes, Structure& structure) {
  std::set<std::string, std::less<>> groups{""};
  for (const StructureDataset& dataset : structure.datasets) {
    for (std::size_t end = dataset.path.find('/'); end != std::string::npos;
         end = dataset.path.find('/', end + 1)) {
      groups.insert(dataset.path.substr(0, end));
    }
  }
  for (const auto& [path, list] : attributes) {
    const auto dataset = std::find_if(structure.datasets.begin(), structure.datasets.end(),
                                      [&](const auto& d) { return d.path == path; });
    if (dataset != structure.datasets.end()) {
      dataset->attributes.insert(dataset->attributes.end(), list.begin(), list.end());
    } else if (groups.contains(path)) {
      structure.attributes.emplace_back(path, list);
    }
  }
}

// The structure of a file, and what each dataset's bytes come from.
struct Layout {
  Structure structure;
  std::vector<const SetColumns::Stream*> streams;  // null: the first column
};

Layout LayoutOf(const FileToFinish& file, const Attributes& attributes) {
  Layout layout;
  const Column& first = file.set.first;
  StructureDataset data;
  data.path = first.path;
  data.element = first.element;
  std::uint64_t entries = file.columns.Rows();
  if (!first.per.empty()) entries = file.columns.Find(Kind::kOffsets, first.per)->total;
  data.dims = DimsOf(entries, first);
  if (file.set.filters.Any()) {
    data.chunked = true;
    data.chunks.filters = file.set.filters;
    StoredRowReader rows(*file.columns.StoredRows().file.File(), file.columns.Rows());
    for (std::uint64_t i = 0; i < file.columns.Rows(); ++i) {
      data.chunks.sizes.push_back(rows.Next().bytes);
    }
  }
  std::vector<std::pair<StructureDataset, const SetColumns::Stream*>> others;
  for (const auto& stream : file.columns.Streams()) {
    if (stream->kind == Kind::kRows) continue;
    StructureDataset dataset;
    dataset.path = stream->column.path;
    if (stream->kind == Kind::kOffsets) dataset.path += "/offsets";
    dataset.element = stream->column.element;
    dataset.dims = DimsOf(stream->file.Bytes() / stream->column.EntryBytes(), stream->column);
    others.emplace_back(std::move(dataset), stream.get());
  }
  std::sort(others.begin(), others.end(),
            [](const auto& a, const auto& b) { return a.first.path < b.first.path; });
  layout.structure.datasets.push_back(std::move(data));
  layout.streams.push_back(nullptr);
  for (auto& [dataset, stream] : others) {
    layout.structure.datasets.push_back(std::move(dataset));
    layout.streams.push_back(stream);
  }
  GiveAttributes(attributes, layout.structure);
  layout.structure.data_start = file.set.data_start;
  return layout;
}

// Moves data_start when the structure needs more.
StructureBytes MakeStructureThatFits(Structure& structure) {
  std::uint64_t needed = 0;
  try {
    return MakeStructure(structure, &needed);
  } catch (const EnvironmentError&) {
    if (needed <= structure.data_start) throw;
  }
  constexpr std::uint64_t kPage = 4096;
  structure.data_start = (needed + kPage - 1) / kPage * kPage;
  return MakeStructure(structure);
}

}  // namespace

// ---- Content ----------------------------------------------------------------------------------

ContentHasher::ContentHasher() : state_(XXH64_createState()) {
  XXH64_reset(static_cast<XXH64_state_t*>(state_), 0);
}

ContentHasher::~ContentHasher() { XXH64_freeState(static_cast<XXH64_state_t*>(state_)); }

void ContentHasher::Add(const SetFile& file, std::uint64_t at, std::uint64_t rows) {
  std::vector<std::uint8_t> buffer(kStreamBlock);
  for (std::uint64_t left = rows * sizeof(std::uint64_t); left > 0;) {
    const auto part = std::span(buffer).first(std::min<std::uint64_t>(left, buffer.size()));
    file.ReadAt(part, at);
    XXH64_update(static_cast<XXH64_state_t*>(state_), part.data(), part.size());
    at += part.size();
    left -= part.size();
  }
}

std::uint64_t ContentHasher::Value() const {
  return XXH64_digest(static_cast<const XXH64_state_t*>(state_));
}

// ---- Attributes and room ----------------------------------------------------------------------

Attributes AttributesOf(const Attributes& planned, const SetDescription& set,
                        const FileFacts& facts) {
  std::vector<Attribute> own{{"format", std::string("pixloom")},
                             Number("format_version", kFormatVersion),
                             Number("rows", facts.rows),
                             {"content_hash", fmt::format("{:016x}", facts.content_hash)},
                             {"fingerprint", set.digest},
                             Number("first_unit", set.first_unit),
                             Number("end_unit", set.end_unit),
                             Number("units", set.units),
                             Number("rows_planned", set.rows_expected)};
  if (facts.shard >= 0) {
    own.push_back({"shard", facts.shard});
  } else {
    own.push_back(Number("quarantined", facts.quarantined));
  }
  Attributes all;
  for (const auto& [path, list] : planned) {
    for (const Attribute& attribute : list) {
      const bool ours = path.empty() && std::any_of(own.begin(), own.end(), [&](const auto& a) {
                          return a.name == attribute.name;
                        });
      PIXLOOM_CHECK(!ours, fmt::format("attribute '{}' is the writer's", attribute.name));
    }
    if (!path.empty()) {
      all.emplace_back(path, list);
    } else {
      own.insert(own.end(), list.begin(), list.end());
    }
  }
  all.insert(all.begin(), {"", std::move(own)});
  return all;
}

std::uint64_t DataStartOf(const SetDescription& set, const Attributes& planned) {
  std::uint64_t rows = set.rows_expected;
  if (set.shard_rows > 0) rows = rows == 0 ? set.shard_rows : std::min(rows, set.shard_rows);
  Structure structure;
  StructureDataset& data = structure.datasets.emplace_back();
  data.path = set.first.path;
  data.element = set.first.element;
  data.dims = DimsOf(rows, set.first);
  if (set.filters.Any()) {
    data.chunked = true;
    data.chunks.filters = set.filters;
    data.chunks.sizes.assign(rows, set.first.EntryBytes());
  }
  for (const Group& group : set.first_groups) {
    structure.datasets.push_back({group.path + "/offsets", Element::kI64, {rows + 1}, {}});
  }
  structure.datasets.push_back({kRowHashPath, Element::kU64, {rows}, {}});
  // All attributes will find what they belong to.
  const FileFacts facts{rows, 0, 0, set.shard_rows > 0 ? 0 : -1};
  structure.attributes = AttributesOf(planned, set, facts);
  for (StructureDataset& dataset : structure.datasets) {
    for (auto& [path, list] : structure.attributes) {
      if (path == dataset.path) dataset.attributes.swap(list);
    }
  }
  std::erase_if(structure.attributes, [](const auto& item) { return item.second.empty(); });
  return RoomFor(structure, kSpare);
}

// ---- Finishing --------------------------------------------------------------------------------

FinishedFile FinishFile(const FileToFinish& file) {
  FinishedFile finished;
  finished.rows = file.columns.Rows();
  FileFacts facts = file.facts;
  facts.rows = finished.rows;
  {
    ContentHasher content;
    content.Add(*file.columns.Find(Kind::kColumn, kRowHashPath)->file.File(), 0, finished.rows);
    facts.content_hash = finished.content_hash = content.Value();
  }
  Layout layout = LayoutOf(file, AttributesOf(file.planned, file.set, facts));
  const StructureBytes structure = MakeStructureThatFits(layout.structure);
  const Places& places = structure.places;

  SetFile& data = *file.data.File();
  const std::uint64_t data_bytes = file.data.Bytes();
  const bool moved = layout.structure.data_start != file.set.data_start;
  SetFile target;
  if (moved) {
    target = SetFile(file.moved_path, O_RDWR | O_CREAT | O_TRUNC);
    target.CopyFrom(data, file.set.data_start, layout.structure.data_start, data_bytes);
  } else {
    target = SetFile(data.Path(), O_RDWR);
    // An earlier attempt may have been here; and what is reserved beyond is given back.
    target.Truncate(file.set.data_start + data_bytes);
  }
  target.Truncate(places.end);
  for (std::size_t i = 0; i < places.written.size(); ++i) {
    target.WriteAt(structure.parts[i], places.written[i].first);
  }
  for (std::size_t i = 0; i < layout.streams.size(); ++i) {
    const SetColumns::Stream* stream = layout.streams[i];
    if (stream == nullptr) continue;
    target.CopyFrom(*stream->file.File(), 0, places.data[i], stream->file.Bytes());
    if (stream->kind == Kind::kColumn && stream->column.path == kRowHashPath) {
      finished.row_hashes_at = places.data[i];
    }
  }
  target.Sync();

  const FileToVerify written{target, structure, layout.streams, file.columns, data_bytes};
  if (file.facts.shard >= 0 || file.verify == VerifyResult::kAll) {
    finished.hash = VerifyEverything(written);  // the index of a folder names the hash of a shard
  } else if (file.verify == VerifyResult::kSample) {
    VerifySample(written);
  }
  CheckOpens(target.Path(), layout.structure, places);
  finished.path = target.Path();
  finished.bytes = places.end;
  return finished;
}

}  // namespace pixloom
