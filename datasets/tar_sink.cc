// SPDX-License-Identifier: Apache-2.0
#include "datasets/tar_sink.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/output_file.h"
#include "datasets/sidecar.h"
#include "datasets/tar_format.h"
#include "datasets/text.h"
#include "pipeline/decode.h"

namespace pixloom {

namespace {

struct PreparedTar final : PreparedExport {
  struct Member {
    std::string suffix;  // ".mask.classes.png"
    std::vector<std::uint8_t> bytes;
  };
  std::vector<Member> members;
  std::string json;
  std::optional<int> label;

  std::size_t Bytes() const override {
    std::size_t bytes = PreparedExport::Bytes() + json.size();
    for (const Member& member : members) bytes += member.bytes.size();
    return bytes;
  }
};

// A part of a suffix: no slash leads anywhere, no dot begins another field.
std::string SuffixPart(std::string_view name) {
  std::string part = PlainText(name);
  std::replace(part.begin(), part.end(), '/', '_');
  std::replace(part.begin(), part.end(), '.', '_');
  return part;
}

class TarSink final : public Sink {
 public:
  TarSink(TarSinkParams params, const Codec& codec) : params_(std::move(params)), codec_(codec) {
    const std::size_t slash = params_.path.rfind('/');
    folder_ = slash == std::string::npos ? "." : params_.path.substr(0, slash);
    stem_ = std::string(BaseName(params_.path));
    if (slash == 0) folder_ = "/";
  }

  std::string Refuses(const Meta& meta) const override {
    return RefusedPictures(meta, params_.pictures.format);
  }
  std::uint64_t Open(const RunInfo& run, const Expected& expected) override;
  Result<std::unique_ptr<Prepared>> Prepare(Sample sample) const override;
  void Write(std::unique_ptr<Prepared> prepared) override;
  void Close(bool complete) override;
  std::string Location() const override { return params_.path; }

 private:
  std::string ShardPath(std::uint64_t shard) const {
    return fmt::format("{}-{:06}.tar", params_.path, shard);
  }
  std::string HiddenPath(std::string_view what) const {
    return fmt::format("{}/.{}.{}", folder_, stem_, what);
  }
  bool IsShard(std::string_view name) const;
  void ClearShards(bool overwrite);
  void AddMember(const std::string& name, std::span<const std::uint8_t> bytes);
  void FinishShard();
  void WriteText(const std::string& path, std::string_view text);

  TarSinkParams params_;
  const Codec& codec_;
  std::string folder_, stem_;
  bool name_sources_ = false;
  PathLock lock_;
  TakenNames taken_;
  ClassTable classes_;
  std::unique_ptr<OutputFile> shard_;
  std::uint64_t rows_ = 0;  // in the open shard
  nlohmann::ordered_json shards_ = nlohmann::ordered_json::array();
};

bool TarSink::IsShard(std::string_view name) const {
  if (!name.starts_with(stem_ + "-") || !name.ends_with(".tar")) return false;
  name.remove_prefix(stem_.size() + 1);
  name.remove_suffix(4);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return name.size() >= 6 && std::all_of(name.begin(), name.end(), is_digit);
}

void TarSink::ClearShards(bool overwrite) {
  std::vector<std::string> found;
  ForEachName(folder_, [&](std::string_view name) {
    if (IsShard(name) || name == stem_ + ".json") found.emplace_back(name);
    return true;
  });
  if (!overwrite && !found.empty()) {
    throw OutputBusyError(fmt::format(
        "output '{}' exists ('{}' is there); choose another path, or use --overwrite to replace it",
        EscapeName(params_.path), EscapeName(*std::min_element(found.begin(), found.end()))));
  }
  // A set of old and new shards would be neither.
  for (const std::string& name : found) ::unlink(fmt::format("{}/{}", folder_, name).c_str());
}

std::uint64_t TarSink::Open(const RunInfo& run, const Expected& expected) {
  name_sources_ = run.source_names.size() > 1;
  const bool absolute = folder_.starts_with('/');
  MakeDirectories(absolute ? "" : ".", absolute ? folder_.substr(1) : folder_);
  lock_.Take(HiddenPath("lock"), params_.path);
  ClearShards(run.overwrite);
  classes_.AddAll(expected);
  if (!run.config_text.empty()) WriteText(params_.path + ".pipeline.yaml", run.config_text);
  return run.first_unit;
}

void TarSink::WriteText(const std::string& path, std::string_view text) {
  WriteWholeFile(HiddenPath("file"), path,
                 {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Result<std::unique_ptr<Sink::Prepared>> TarSink::Prepare(Sample sample) const {
  auto prepared = std::make_unique<PreparedTar>();
  if (auto error = FillExport(sample, params_.pictures, codec_, name_sources_, NameStyle::kFolders,
                              *prepared)) {
    return *error;
  }
  prepared->left_out.clear();  // nothing is
  std::string& name = prepared->name;
  const auto base = static_cast<std::ptrdiff_t>(name.size() - BaseName(name).size());
  std::replace(name.begin() + base, name.end(), '.', '_');
  const std::string stem(BaseName(name));
  SidecarFiles files;
  files.image = stem + params_.pictures.Extension();

  EncodeRequest request;
  request.format = params_.pictures.format;
  request.quality = params_.pictures.quality;
  const auto add = [&](const cv::Mat& pixels, const EncodeRequest& how,
                       std::string suffix) -> std::optional<DataError> {
    auto bytes = codec_.Encode(pixels, how);
    if (!bytes) return bytes.Error();
    prepared->members.push_back({std::move(suffix), *std::move(bytes)});
    return std::nullopt;
  };
  int warnings = 0;
  for (std::size_t i = 1; i < sample.images.size(); ++i) {
    auto& [field, image] = sample.images[i];
    if (auto error = DecodeFrame(image.frames.at(0), codec_, &warnings)) return *error;
    const std::string suffix = "." + SuffixPart(field) + params_.pictures.Extension();
    if (auto error = add(image.frames[0].pixels, request, suffix)) return *error;
    files.fields.emplace_back(field, std::vector<std::string>{stem + suffix});
  }
  for (const auto& [mask_name, mask] : sample.masks) {
    const std::string suffix = fmt::format(".mask.{}.png", SuffixPart(mask_name));
    if (auto error = add(mask.pixels, {}, suffix)) return *error;
    files.masks.emplace_back(mask_name, stem + suffix);
  }
  const auto visible = VisibleInstances(sample, prepared->size);
  auto map = InstanceMap(visible, prepared->size);
  if (!map) return map.Error();
  if (!map->empty()) {
    if (auto error = add(*map, {}, ".instances.png")) return *error;
    files.instances = stem + ".instances.png";
  }
  prepared->json = SidecarJson(sample, visible, files, params_.recipe);
  prepared->label = sample.labels.label;
  return std::unique_ptr<Prepared>(std::move(prepared));
}

void TarSink::AddMember(const std::string& name, std::span<const std::uint8_t> bytes) {
  shard_->Append(TarHeader(name, bytes.size()));
  shard_->Append(bytes);
  shard_->Append(TarPadding(bytes.size()));
}

void TarSink::Write(std::unique_ptr<Prepared> parcel) {
  PIXLOOM_CHECK(lock_.Held(), "sink is not open");
  auto& prepared = static_cast<PreparedTar&>(*parcel);
  const std::string before(BaseName(prepared.name));
  MakeUnique(prepared, taken_);
  const std::string after(BaseName(prepared.name));
  if (after != before) prepared.json = RenameInSidecar(prepared.json, before, after);
  classes_.Add(prepared.names);

  auto& members = prepared.members;
  members.push_back({params_.pictures.Extension(), std::move(prepared.picture)});
  members.push_back({".json", {prepared.json.begin(), prepared.json.end()}});
  if (prepared.label && *prepared.label >= 0) {
    const std::string text = std::to_string(classes_.IndexOf(prepared.names, *prepared.label));
    members.push_back({".cls", {text.begin(), text.end()}});
  }
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return a.suffix < b.suffix; });
  if (shard_ == nullptr) shard_ = std::make_unique<OutputFile>(HiddenPath("shard"));
  for (const auto& member : members) AddMember(prepared.name + member.suffix, member.bytes);
  if (++rows_ == params_.rows) FinishShard();
}

void TarSink::FinishShard() {
  shard_->Append(TarEnd());
  const std::string path = ShardPath(shards_.size());
  shards_.push_back(
      {{"file", ShownText(BaseName(path))}, {"samples", rows_}, {"bytes", shard_->Size()}});
  shard_->FinishAs(path);
  shard_.reset();
  rows_ = 0;
}

void TarSink::Close(bool complete) {
  if (!lock_.Held()) return;
  if (complete) {
    if (shard_ != nullptr) FinishShard();
    nlohmann::ordered_json index{{"shards", shards_}, {"classes", nlohmann::json::array()}};
    for (const std::string& name : classes_.Names()) index["classes"].push_back(ShownText(name));
    WriteText(params_.path + ".json", index.dump(1) + "\n");
  }
  shard_.reset();
  lock_.Release();
}

}  // namespace

std::unique_ptr<Sink> MakeTarSink(TarSinkParams params, const Codec& codec) {
  return std::make_unique<TarSink>(std::move(params), codec);
}

}  // namespace pixloom
