// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_journal.h"

#include <fcntl.h>

#include <array>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <nlohmann/json.hpp>

namespace pixloom {

namespace {

using Json = nlohmann::json;

constexpr std::array<char, 4> kMagic{'P', 'X', 'L', 'J'};
constexpr std::uint32_t kMaxRecord = 64u << 20;

struct Head {
  std::array<char, 4> magic = kMagic;
  std::uint32_t bytes = 0;
};
static_assert(sizeof(Head) == 8);

Json ToJson(const Column& column) {
  return {{"path", column.path},
          {"per", column.per},
          {"element", static_cast<int>(column.element)},
          {"shape", column.shape}};
}

Column ColumnFrom(const Json& json) {
  Column column;
  column.path = json.at("path").get<std::string>();
  column.per = json.at("per").get<std::string>();
  column.element = static_cast<Element>(json.at("element").get<int>());
  column.shape = json.at("shape").get<std::vector<std::uint64_t>>();
  return column;
}

std::uint64_t SealOf(const std::string& payload, std::uint64_t before) {
  return XXH64(payload.data(), payload.size(), before);
}

}  // namespace

std::uint64_t ChainHash(std::uint64_t chain, std::uint64_t piece) {
  return XXH64(&piece, sizeof piece, chain);
}

std::string JournalRecord::ToJson() const {
  Json json = {{"next_unit", next_unit},   {"rows", rows},           {"quarantined", quarantined},
               {"unit_rows", unit_rows},   {"unit_hash", unit_hash}, {"first_row", first_row},
               {"data_bytes", data_bytes}, {"complete", complete}};
  Json& list = json["streams"] = Json::array();
  for (const StreamState& stream : streams) {
    Json item = pixloom::ToJson(stream.column);
    item["kind"] = static_cast<int>(stream.kind);
    item["bytes"] = stream.bytes;
    item["total"] = stream.total;
    item["chain"] = stream.chain;
    item["hash"] = stream.hash;
    list.push_back(std::move(item));
  }
  if (shard) {
    Json& item = json["shard"] = {{"file", shard->file},
                                  {"rows", shard->rows},
                                  {"bytes", shard->bytes},
                                  {"hash", shard->hash},
                                  {"row_hashes_at", shard->row_hashes_at}};
    item["columns"] = Json::array();
    for (const Column& column : shard->columns) item["columns"].push_back(pixloom::ToJson(column));
  }
  return json.dump();
}

std::optional<JournalRecord> JournalRecord::FromJson(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    JournalRecord record;
    record.next_unit = json.at("next_unit");
    record.rows = json.at("rows");
    record.quarantined = json.at("quarantined");
    record.unit_rows = json.at("unit_rows");
    record.unit_hash = json.at("unit_hash");
    record.first_row = json.at("first_row");
    record.data_bytes = json.at("data_bytes");
    record.complete = json.at("complete");
    for (const Json& item : json.at("streams")) {
      StreamState stream;
      stream.kind = static_cast<StreamState::Kind>(item.at("kind").get<int>());
      stream.column = ColumnFrom(item);
      stream.bytes = item.at("bytes");
      stream.total = item.at("total");
      stream.chain = item.at("chain");
      stream.hash = item.at("hash");
      record.streams.push_back(std::move(stream));
    }
    if (const auto it = json.find("shard"); it != json.end()) {
      FinishedShard& shard = record.shard.emplace();
      shard.file = it->at("file").get<std::string>();
      shard.rows = it->at("rows");
      shard.bytes = it->at("bytes");
      shard.hash = it->at("hash");
      shard.row_hashes_at = it->at("row_hashes_at");
      for (const Json& column : it->at("columns")) shard.columns.push_back(ColumnFrom(column));
    }
    return record;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

JournalContent ReadJournal(const std::string& path, std::uint64_t set_seed) {
  JournalContent content;
  content.seal = set_seed;
  const auto file = SetFile::OpenExisting(path, O_RDONLY);
  if (!file) return content;
  std::string payload;
  while (true) {
    Head head;
    std::uint64_t seal = 0;
    const auto read = [&](void* to, std::size_t count, std::uint64_t at) {
      return file->ReadUpTo({static_cast<std::uint8_t*>(to), count}, at) == count;
    };
    if (!read(&head, sizeof head, content.bytes)) break;
    if (head.magic != kMagic || head.bytes > kMaxRecord) break;
    payload.resize(head.bytes);
    if (!read(payload.data(), payload.size(), content.bytes + sizeof head)) break;
    if (!read(&seal, sizeof seal, content.bytes + sizeof head + payload.size())) break;
    if (seal != SealOf(payload, content.seal)) break;
    auto record = JournalRecord::FromJson(payload);
    if (!record) break;
    content.bytes += sizeof head + payload.size() + sizeof seal;
    content.seal = seal;
    content.before.reset();
    if (record->shard) {
      content.shards.push_back(*record->shard);
    } else if (content.last && content.last->first_row == record->first_row) {
      content.before = std::move(content.last);
    }
    content.last = std::move(record);
  }
  return content;
}

JournalFile::JournalFile(const std::string& path, const JournalContent& content)
    : file_(path, O_RDWR | O_CREAT), bytes_(content.bytes), seal_(content.seal) {
  if (file_.Size() != bytes_) {
    file_.Truncate(bytes_);
    file_.SyncData();
  }
}

void JournalFile::Append(const JournalRecord& record) {
  const std::string payload = record.ToJson();
  PIXLOOM_CHECK(payload.size() <= kMaxRecord, "record of the journal");
  Head head;
  head.bytes = static_cast<std::uint32_t>(payload.size());
  const std::uint64_t seal = SealOf(payload, seal_);
  std::string bytes(sizeof head + payload.size() + sizeof seal, '\0');
  std::memcpy(bytes.data(), &head, sizeof head);
  std::memcpy(bytes.data() + sizeof head, payload.data(), payload.size());
  std::memcpy(bytes.data() + sizeof head + payload.size(), &seal, sizeof seal);
  file_.WriteAt({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, bytes_);
  file_.SyncData();
  bytes_ += bytes.size();
  seal_ = seal;
}

}  // namespace pixloom
