// SPDX-License-Identifier: Apache-2.0
#include "datasets/hdf5_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "datasets/text.h"

namespace pixloom {

namespace {

constexpr std::size_t kLeastDigits = 7;

bool IsOurs(const Hdf5File& file) {
  return std::any_of(file.Root().begin(), file.Root().end(), [](const Attribute& attribute) {
    const auto* text = std::get_if<std::string>(&attribute.value);
    return attribute.name == "format" && text != nullptr && *text == "pixloom";
  });
}

std::uint64_t HashOf(std::string_view key) { return XXH64(key.data(), key.size(), 0); }

class Hdf5Source final : public Source {
 public:
  Hdf5Source(Hdf5SourceParams params, const Codec& codec)
      : params_(std::move(params)), codec_(codec) {}

  Result<std::vector<SourceEntry>, std::string> List(
      const std::function<void(std::string)>& notice) override {
    if (std::string problem = Open(); !problem.empty()) return problem;
    if (const std::string said = content_->Notice(); !said.empty()) notice(said);
    if (content_->Rows() == 0) return fmt::format("no rows in '{}'", EscapeName(params_.path));
    auto keys = content_->Keys();
    if (!keys) return keys.Error();
    struct stat info = {};
    const std::int64_t changed =
        ::stat(params_.path.c_str(), &info) == 0
            ? std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec
            : 0;
    MakeUnique(*keys);
    std::vector<SourceEntry> entries;
    entries.reserve(content_->Rows());
    for (std::uint64_t row = 0; row < content_->Rows(); ++row) {
      entries.push_back({std::move((*keys)[row]), content_->RowBytes(), changed});
    }
    return entries;
  }

  Result<Sample> Read(const SourceEntry& entry) const override {
    const std::pair wanted(HashOf(entry.key), std::uint64_t{0});
    const auto at = std::lower_bound(rows_.begin(), rows_.end(), wanted);
    PIXLOOM_CHECK(at != rows_.end() && at->first == wanted.first, "entry of another source");
    auto sample = content_->Read(at->second);
    if (sample) {
      sample->key = entry.key;
      sample->names = names_;
    }
    return sample;
  }

  Meta OutputMeta() const override {
    try {
      if (Open().empty()) return content_->OutputMeta();
    } catch (const EnvironmentError&) {
      // List() meets it again, and reports it.
    }
    return {};
  }

 private:
  // "" or why there is nothing to read.
  std::string Open() const {
    const std::lock_guard lock(mutex_);
    if (content_) return "";
    auto content = OpenContent();
    if (!content) return content.Error();
    content_ = std::move(*content);
    names_ = content_->Names() ? content_->Names() : std::make_shared<const LabelNames>();
    return "";
  }

  Hdf5ContentResult OpenContent() const {
    struct stat info = {};
    const bool folder = ::stat(params_.path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    if (folder) return OpenOwnSet(params_, codec_);
    auto file = Hdf5File::Open(params_.path);
    if (!file) return file.Error();
    if (IsOurs(**file) && params_.images.empty()) {
      file->reset();
      return OpenOwnSet(params_, codec_);
    }
    return OpenForeignFile(params_, std::move(*file));
  }

  // Rows are found by the hash of their key. One that is there already (as key, or by chance as
  // hash) gets its row's number.
  void MakeUnique(std::vector<std::string>& keys) {
    const std::uint64_t count = content_->Rows();
    const std::size_t digits = std::max(kLeastDigits, std::to_string(count - 1).size());
    const bool none = keys.empty();
    keys.resize(count);
    if (none) {
      for (std::uint64_t row = 0; row < count; ++row)
        keys[row] = fmt::format("{:0{}}", row, digits);
    }
    while (true) {
      rows_.clear();
      for (std::uint64_t row = 0; row < count; ++row) rows_.emplace_back(HashOf(keys[row]), row);
      std::sort(rows_.begin(), rows_.end());
      bool again = false;
      for (std::size_t i = 1; i < rows_.size(); ++i) {
        if (rows_[i].first != rows_[i - 1].first) continue;
        keys[rows_[i].second] += fmt::format("#{}", rows_[i].second);
        again = true;
      }
      if (!again) return;
    }
  }

  const Hdf5SourceParams params_;
  const Codec& codec_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<Hdf5Content> content_;
  mutable std::shared_ptr<const LabelNames> names_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows_;  // hash of the key, row; sorted
};

}  // namespace

std::unique_ptr<Source> MakeHdf5Source(Hdf5SourceParams params, const Codec& codec) {
  return std::make_unique<Hdf5Source>(std::move(params), codec);
}

}  // namespace pixloom
