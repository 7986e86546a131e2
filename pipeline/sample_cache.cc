// SPDX-License-Identifier: Apache-2.0
#include "pipeline/sample_cache.h"

#include <string_view>
#include <utility>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pipeline/sample_io.h"

namespace pixloom {

namespace {

// What an entry in memory takes beside its content, roughly.
constexpr std::uint64_t kEntryBytes = 512;

class HashSink final : public ByteSink {
 public:
  HashSink() { XXH3_128bits_reset(&state_); }
  void Write(std::span<const std::uint8_t> bytes) override {
    if (!bytes.empty()) XXH3_128bits_update(&state_, bytes.data(), bytes.size());
  }
  void Number(std::uint64_t value) {
    Write({reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
  void Text(std::string_view text) {
    Number(text.size());
    Write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void Names(const std::vector<std::string>& names) {
    Number(names.size());
    for (const std::string& name : names) Text(name);
  }
  void Pairs(const std::vector<std::pair<int, int>>& pairs) {
    Number(pairs.size());
    for (const auto& [a, b] : pairs) {
      Number(static_cast<std::uint64_t>(a));
      Number(static_cast<std::uint64_t>(b));
    }
  }
  CacheKey Key() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(&state_);
    return {hash.high64, hash.low64};
  }

 private:
  XXH3_state_t state_;
};

// In a buffer of its own, and in no more than it needs: a cut-out would keep the whole alive.
void Detach(cv::Mat& pixels) {
  if (pixels.empty()) return;
  if (pixels.u == nullptr || pixels.isSubmatrix() || !pixels.isContinuous()) {
    pixels = pixels.clone();
  }
}

// What the sample carries; who it is stays behind.
Sample ContentOf(const Sample& sample) {
  Sample content = sample.Clone();
  content.identity = {};
  content.key.clear();
  content.source.clear();
  content.names.reset();
  return content;
}

}  // namespace

SampleCache::SampleCache(Settings settings) : settings_(std::move(settings)) {
  if (!settings_.folder.empty()) folder_.emplace(settings_.folder, settings_.disk);
}

void SampleCache::Open() {
  if (folder_) folder_->Open();
}

CacheKey SampleCache::KeyOf(const Sample& sample) const {
  PIXLOOM_CHECK(sample.recipe.entries.empty(), "a recipe is not what an entry is made of");
  HashSink hash;
  hash.Text(settings_.depends);
  hash.Number(sample.names != nullptr ? 1 : 0);
  if (sample.names != nullptr) {
    hash.Names(sample.names->classes);
    hash.Names(sample.names->keypoints);
    hash.Pairs(sample.names->keypoint_swaps);
    hash.Pairs(sample.names->class_swaps);
  }
  WriteContent(sample, hash);
  return hash.Key();
}

bool SampleCache::Load(const CacheKey& key, Sample& sample, Counts& counts) {
  Sample stored;
  if (const auto entry = Find(key)) {
    stored = entry->Clone();
  } else {
    const auto found = folder_ ? folder_->Load(key, stored) : CacheFolder::Found::kNothing;
    // Bytes that check out and hold no picture are somebody else's file.
    const bool usable =
        found == CacheFolder::Found::kEntry && (stored.filtered || !stored.images.empty());
    if (!usable) {
      if (found != CacheFolder::Found::kNothing) ++counts["damaged"];
      ++counts["misses"];
      return false;
    }
    NameSteps(stored);
    Keep(key, stored);
  }
  ++counts["hits"];
  sample.images = std::move(stored.images);
  sample.masks = std::move(stored.masks);
  sample.instances = std::move(stored.instances);
  sample.labels = std::move(stored.labels);
  sample.scalars = std::move(stored.scalars);
  sample.text = std::move(stored.text);
  sample.filtered = stored.filtered;
  sample.counts = std::move(stored.counts);
  sample.recipe = std::move(stored.recipe);
  return true;
}

void SampleCache::Store(const CacheKey& key, const Sample& sample, Counts& counts) {
  bool stored = false;
  if (settings_.memory) {
    stored = Keep(key, sample);
    if (!stored) ++counts["not stored (memory is full)"];
  }
  if (folder_) {
    switch (folder_->Store(key, sample)) {
      case CacheFolder::Kept::kStored:
        stored = true;
        break;
      case CacheFolder::Kept::kFull:
        ++counts["not stored (limit is reached)"];
        break;
      case CacheFolder::Kept::kNoSpace:
        ++counts["not stored (disk is full)"];
        break;
    }
  }
  if (stored) ++counts["stored"];
}

std::shared_ptr<const Sample> SampleCache::Find(const CacheKey& key) {
  if (!settings_.memory) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  return it != entries_.end() ? it->second : nullptr;
}

// False when there is no room.
bool SampleCache::Keep(const CacheKey& key, const Sample& sample) {
  if (!settings_.memory) return false;
  const std::uint64_t bytes = StoredSize(sample) + kEntryBytes;
  {
    const std::lock_guard lock(mutex_);
    if (entries_.contains(key)) return true;  // of the same content, at the same time
    if (bytes_ + bytes > *settings_.memory) return false;
    bytes_ += bytes;
  }
  auto entry = std::make_shared<Sample>(ContentOf(sample));
  for (auto& [name, field] : entry->images) {
    for (Frame& frame : field.frames) Detach(frame.pixels);
  }
  for (auto& [name, mask] : entry->masks) Detach(mask.pixels);
  for (Instance& instance : entry->instances) Detach(instance.mask);
  const std::lock_guard lock(mutex_);
  if (!entries_.emplace(key, std::move(entry)).second) bytes_ -= bytes;
  return true;
}

// The node that stored the entry may have had another name; the steps are the same.
void SampleCache::NameSteps(Sample& stored) const {
  for (RecipeEntry& entry : stored.recipe.entries) {
    const std::size_t slash = entry.stream->find('/');
    if (slash == std::string::npos) continue;
    entry.stream =
        std::make_shared<const std::string>(settings_.node + entry.stream->substr(slash));
  }
}

}  // namespace pixloom
