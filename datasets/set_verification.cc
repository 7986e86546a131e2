// SPDX-License-Identifier: Apache-2.0
#include "datasets/set_verification.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <nlohmann/json.hpp>

#include "datasets/file_io.h"
#include "datasets/in_order.h"
#include "datasets/set_facts.h"
#include "datasets/set_sample.h"
#include "datasets/text.h"

namespace pixloom {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;

// What is found out about one row in any thread.
struct Finding {
  std::uint64_t stored = 0;
  std::string what;  // "" when it is good
};

std::int64_t LargestClass(const Row& row) {
  std::int64_t largest = -1;
  for (const Cell& cell : row.cells) {
    const auto bytes = cell.Bytes();
    const auto each = [&](auto zero) {
      for (std::size_t i = 0; i + sizeof zero <= bytes.size(); i += sizeof zero) {
        std::memcpy(&zero, bytes.data() + i, sizeof zero);
        largest = std::max(largest, static_cast<std::int64_t>(zero));
      }
    };
    if (cell.column.path == "labels" && cell.column.element == Element::kI64) each(std::int64_t{});
    if (cell.column.path == "instances/class" && cell.column.element == Element::kI32) {
      each(std::int32_t{});
    }
  }
  return largest;
}

constexpr std::int64_t kMaxIndex = 1 << 30;

Result<std::uint64_t, std::string> HashOfFile(const std::string& path) {
  const FileHandle file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.Valid()) return ErrnoText(errno);
  std::vector<std::uint8_t> buffer(std::size_t{1} << 20);
  const std::unique_ptr<XXH64_state_t, XXH_errorcode (*)(XXH64_state_t*)> state(XXH64_createState(),
                                                                                XXH64_freeState);
  XXH64_reset(state.get(), 0);
  while (true) {
    const ssize_t n = read(file.Get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoText(errno);
    if (n == 0) return XXH64_digest(state.get());
    XXH64_update(state.get(), buffer.data(), static_cast<std::size_t>(n));
  }
}

class Verification {
 public:
  Verification(const std::string& path, const Codec& codec, const VerifyOptions& options)
      : codec_(codec), options_(options), set_(OpenSet(path)) {
    report_.set = FactsOf(*set_, path);
    if (const auto names = NamesIn(set_->Root())) classes_ = names->classes.size();
  }

  VerifyReport Run() {
    CheckIndex();
    for (std::size_t i = 0; i < set_->Files().size(); ++i) CheckOffsets(set_->File(i));
    CheckRows();
    if (!report_.interrupted) {
      report_.set.content_hash = ContentHash(stored_);
      CheckContentHashes();
    }
    return std::move(report_);
  }

 private:
  void Fault(std::string text) { report_.faults.push_back(std::move(text)); }

  // The index of a folder knows every byte of its files, also those between the datasets.
  void CheckIndex() {
    const fs::path path = fs::path(report_.set.path) / "index.json";
    if (!fs::is_directory(report_.set.path)) return;
    const auto bytes = ReadWholeFile(path.string(), kMaxIndex, true);
    if (!bytes) return Fault(bytes.Error().message);
    const Json index = Json::parse(bytes->begin(), bytes->end(), nullptr, false);
    if (!index.is_object() || !index.contains("shards") || !index["shards"].is_array()) {
      return Fault("index.json lists no shards");
    }
    content_hash_ = index.value("content_hash", "");
    const Json& shards = index["shards"];
    InOrder(
        0, shards.size(), ThreadsFor(options_.threads), 8,
        [&](std::uint64_t i) -> std::string {
          const Json& shard = shards[i];
          if (!shard.is_object()) return "index.json has an entry that is no shard";
          const std::string name = shard.value("file", "");
          const auto hash = HashOfFile((fs::path(report_.set.path) / name).string());
          if (!hash) return name + ": " + hash.Error();
          const std::string is = fmt::format("{:016x}", *hash);
          const std::string was = shard.value("xxh64", "");
          return is == was
                     ? ""
                     : fmt::format("{}: hash of the file {}, index.json says {}", name, is, was);
        },
        [&](std::uint64_t, std::string fault) {
          if (!fault.empty()) Fault(std::move(fault));
          return options_.stop == nullptr || !*options_.stop;
        });
  }

  // Groups are told by their offsets; what they describe must have as many entries as they say.
  void CheckOffsets(const Hdf5File& file) {
    const std::string name = fs::path(file.Path()).filename().string();
    for (const Group& group : set_->Groups()) {
      const std::string path = group.path + "/offsets";
      if (file.Find(path) == nullptr) continue;
      const auto offsets = NumbersOf<std::int64_t>(file, path);
      if (!offsets) {
        Fault(fmt::format("{}: {}: {}", name, path, offsets.Error()));
        continue;
      }
      for (std::size_t i = 0; i < offsets->size(); ++i) {
        const std::int64_t before = i == 0 ? 0 : (*offsets)[i - 1];
        if ((*offsets)[i] >= before && (i > 0 || (*offsets)[i] == 0)) continue;
        Fault(fmt::format("{}: {}: entry {} is {} after {}; offsets begin with 0 and never fall",
                          name, path, i, (*offsets)[i], before));
        break;
      }
      if (offsets->empty()) continue;
      for (const Column& column : set_->Columns()) {
        const Hdf5Dataset* dataset = column.per == group.path ? file.Find(column.path) : nullptr;
        if (dataset == nullptr || dataset->dims.empty()) continue;
        if (static_cast<std::int64_t>(dataset->dims[0]) != offsets->back()) {
          Fault(fmt::format("{}: {} has {} entries, {} ends with {}", name, column.path,
                            dataset->dims[0], path, offsets->back()));
        }
      }
    }
  }

  Finding Look(std::uint64_t row) const {
    Finding finding;
    const auto stored = set_->StoredHash(row);
    if (!stored) {
      finding.what = stored.Error();
      return finding;
    }
    finding.stored = *stored;
    const auto read = set_->Read(row);
    if (!read) {
      finding.what = read.Error();
    } else if (const std::uint64_t hash = RowHash(*read); hash != *stored) {
      finding.what = fmt::format("hash {:016x}, was written with {:016x}", hash, *stored);
    } else {
      finding.what = Unsound(*read);
    }
    return finding;
  }

  // What is as it was written and cannot be right all the same.
  std::string Unsound(const Row& row) const {
    if (const Cell* encoded = row.Find("encoded/bytes")) {
      const auto header = codec_.ReadHeader(encoded->Bytes());
      if (!header) return "encoded/bytes: " + header.Error().message;
    }
    if (classes_ > 0) {
      const std::int64_t largest = LargestClass(row);
      if (largest >= static_cast<std::int64_t>(classes_)) {
        return fmt::format("class {} has no name: class_names has {}", largest, classes_);
      }
    }
    return "";
  }

  void CheckRows() {
    const std::uint64_t rows = set_->Rows();
    stored_.reserve(rows);
    const int threads = ThreadsFor(options_.threads);
    InOrder(
        0, rows, threads, static_cast<std::uint64_t>(threads) * 8,
        [&](std::uint64_t row) { return Look(row); },
        [&](std::uint64_t row, Finding finding) {
          stored_.push_back(finding.stored);
          if (!finding.what.empty()) Bad(row, std::move(finding.what));
          if (options_.progress) options_.progress(row + 1, rows);
          report_.interrupted = options_.stop != nullptr && *options_.stop && row + 1 < rows;
          return !report_.interrupted;
        });
  }

  void Bad(std::uint64_t row, std::string what) {
    const auto [file, row_in_file] = set_->Locate(row);
    BadRow bad;
    bad.row = row;
    bad.file = fs::path(set_->File(file).Path()).filename().string();
    bad.row_in_file = row_in_file;
    if (report_.bad.size() < VerifyReport::kShown) {
      bad.key = TextOf(*set_, row, "meta/key/bytes").value_or("");
    }
    bad.what = std::move(what);
    report_.bad.push_back(std::move(bad));
  }

  void CheckContentHashes() {
    std::uint64_t first = 0;
    for (std::size_t i = 0; i < set_->Files().size(); ++i) {
      const Hdf5File& file = set_->File(i);
      std::uint64_t end = first;
      while (end < set_->Rows() && set_->Locate(end).first == i) ++end;
      const std::string written = TextIn(file.Root(), "content_hash");
      const std::string is =
          fmt::format("{:016x}", ContentHash(std::span(stored_).subspan(first, end - first)));
      if (!written.empty() && written != is) {
        Fault(fmt::format("{}: content hash {}, was written with {}",
                          fs::path(file.Path()).filename().string(), is, written));
      }
      first = end;
    }
    if (!content_hash_.empty()) {
      const std::string is = fmt::format("{:016x}", ContentHash(stored_));
      if (is != content_hash_) {
        Fault(fmt::format("content hash {}, index.json says {}", is, content_hash_));
      }
    }
  }

  const Codec& codec_;
  const VerifyOptions& options_;
  std::unique_ptr<SetReader> set_;
  std::size_t classes_ = 0;
  std::string content_hash_;  // as index.json says
  std::vector<std::uint64_t> stored_;
  VerifyReport report_;
};

}  // namespace

VerifyReport VerifySet(const std::string& path, const Codec& codec, const VerifyOptions& options) {
  const std::string found = FindSet(path);
  try {
    return Verification(found, codec, options).Run();
  } catch (const DamagedSetError& error) {
    VerifyReport report;
    report.set.path = found;
    report.faults.push_back(error.what());
    return report;
  }
}

}  // namespace pixloom
