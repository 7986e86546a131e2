// SPDX-License-Identifier: Apache-2.0
#include "datasets/hdf5_sink.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "datasets/set_parts.h"
#include "datasets/set_recut.h"
#include "datasets/text.h"
#include "pipeline/version.h"

namespace pixloom {

namespace {

constexpr std::string_view kOneSize =
    "put resize or a crop before the sink, or set layout: encoded";

// What stands at the root of a set anyway.
constexpr std::array<std::string_view, 13> kTaken{
    "attributes",  "checksum", "encoded", "fields", "ignore_index", "instances", "labels_multi",
    "labels_soft", "masks",    "meta",    "range",  "recipe",       "text"};

std::string ProblemOfName(std::string_view param, const std::string& name) {
  if (name.empty()) return "";
  if (std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end()) {
    return fmt::format("{}: '{}' is the name of something else in the file", param, name);
  }
  if (PathPart(name) != name) {
    return fmt::format("{}: '{}' is no name of a dataset at the root", param, EscapeName(name));
  }
  return "";
}

struct DatasetNames {
  std::string_view images, labels;
};

DatasetNames NamesOf(SetProfile profile) {
  switch (profile) {
    case SetProfile::kKeras:
    case SetProfile::kPcam:
      return {"x", "y"};
    case SetProfile::kCaffe:
      return {"data", "label"};
    case SetProfile::kPixloom:
      break;
  }
  return {"images", "labels"};
}

SetLayoutSpec SpecOf(const Hdf5SinkParams& params) {
  const bool caffe = params.profile == SetProfile::kCaffe;
  const DatasetNames names = NamesOf(params.profile);
  SetLayoutSpec spec;
  spec.profile = params.profile;
  spec.format = params.format;
  spec.quality = params.quality;
  spec.order = params.order.value_or(caffe ? ChannelOrder::kBgr : ChannelOrder::kRgb);
  spec.images = params.images.empty() ? std::string(names.images) : params.images;
  spec.labels = params.labels.empty() ? std::string(names.labels) : params.labels;
  spec.recipe = params.recipe;
  return spec;
}

std::string EncodedProblem(const Hdf5SinkParams& params, const Meta& meta) {
  if (meta.depth == Depth::kF32) {
    return "PNG and JPEG cannot hold float32; put resize or a crop before the sink, or "
           "'cast: {to: uint8}'";
  }
  if (params.format == ImageFormat::kJpeg && meta.depth == Depth::kU16) {
    return "JPEG cannot hold uint16; set format: png, or put 'cast: {to: uint8}' before the sink";
  }
  return "";
}

std::string DenseProblem(const SetLayoutSpec& spec, const Meta& meta) {
  if (meta.depth && *meta.depth != spec.depth) {
    return fmt::format("depth: {}, but gets {}; put 'cast: {{to: {}}}' before the sink",
                       DepthName(spec.depth), DepthName(*meta.depth), DepthName(spec.depth));
  }
  const bool widens = spec.channels == 3 && meta.channels == 1;
  if (meta.channels && *meta.channels != spec.channels && !widens) {
    return fmt::format("channels: {}, but gets {}; put '{}' before the sink", spec.channels,
                       *meta.channels, spec.channels == 1 ? "to_gray" : "to_rgb");
  }
  return "";
}

}  // namespace

std::string ProblemOf(const Hdf5SinkParams& params) {
  const bool encoded = params.layout == SetLayout::kEncoded;
  if (params.set.path.empty()) return "path: is empty";
  for (const auto& [param, name] :
       {std::pair{"images", &params.images}, {"labels", &params.labels}}) {
    if (std::string problem = ProblemOfName(param, *name); !problem.empty()) return problem;
  }
  const SetLayoutSpec spec = SpecOf(params);
  if (spec.images == spec.labels) {
    return fmt::format("images and labels are both called '{}'", spec.images);
  }
  if (encoded && params.set.filters.Any()) {
    return "layout: encoded holds files that are compressed already; drop compression and "
           "fletcher32, or set layout: dense";
  }
  if (encoded && params.profile != SetProfile::kPixloom) {
    return "layout: encoded, but readers of this profile expect pixels; set layout: dense";
  }
  if (encoded && (params.planes.value_or(false) || params.order == ChannelOrder::kBgr)) {
    return "layout: encoded holds files, which have RGB pixels; drop planes and order, or set "
           "layout: dense";
  }
  if (params.set.shard_rows == 0 && params.set.master) {
    return "master: a virtual data set joins shards; set shards: {rows: N}";
  }
  return Unavailable(params.set.filters);
}

Result<SetLayoutSpec, std::string> LayoutFor(const Hdf5SinkParams& params, const Meta& meta) {
  SetLayoutSpec spec = SpecOf(params);
  spec.fields = meta.fields;
  // Everything that only pixels can be keeps an unknown size from meaning `encoded`.
  const bool pixels = params.profile != SetProfile::kPixloom || params.set.filters.Any() ||
                      params.planes.value_or(false) || params.order == ChannelOrder::kBgr;
  spec.encoded = params.layout == SetLayout::kEncoded ||
                 (params.layout == SetLayout::kAuto && !meta.size && !pixels);
  std::string problem;
  if (spec.encoded) {
    spec.channels = params.channels.value_or(0);
    problem = EncodedProblem(params, meta);
  } else if (!meta.size) {
    problem = fmt::format("pictures of one size are needed, but sizes differ; {}",
                          pixels && params.layout == SetLayout::kAuto
                              ? "put resize or a crop before the sink"
                              : kOneSize);
  } else {
    const bool caffe = params.profile == SetProfile::kCaffe;
    spec.size = *meta.size;
    spec.depth = params.depth.value_or(meta.depth.value_or(Depth::kU8));
    spec.channels = params.channels.value_or(meta.channels.value_or(3));
    spec.planar = params.planes.value_or(caffe || meta.planar);
    problem = DenseProblem(spec, meta);
  }
  if (problem.empty() && meta.planar && params.planes == false) {
    problem =
        "planes: false, but gets planar pictures; drop planes, or the step that makes them so";
  }
  if (!problem.empty()) return problem;
  return spec;
}

namespace {

// The names that all sources agree on. Throws ConfigError where they do not: an integer must not
// mean two things.
class AgreedNames {
 public:
  void Add(const std::string& source, std::shared_ptr<const LabelNames> names) {
    Agree(source, "class", names->classes, agreed_.classes, class_source_);
    Agree(source, "keypoint", names->keypoints, agreed_.keypoints, keypoint_source_);
    // Pairs only matter to who reads the set again.
    if (class_source_ == source) agreed_.class_swaps = names->class_swaps;
    if (keypoint_source_ == source) agreed_.keypoint_swaps = names->keypoint_swaps;
    given_.push_back(std::move(names));
  }

  // A source's own names where they say it all: its samples are then known by the pointer.
  std::shared_ptr<const LabelNames> Take() {
    for (const auto& names : given_) {
      if (names->classes == agreed_.classes && names->keypoints == agreed_.keypoints) return names;
    }
    return given_.empty() ? nullptr : std::make_shared<const LabelNames>(std::move(agreed_));
  }

 private:
  static void Agree(const std::string& source, std::string_view what,
                    const std::vector<std::string>& here, std::vector<std::string>& agreed,
                    std::string& agreed_source) {
    if (here.empty() || here == agreed) return;
    if (agreed.empty()) {
      agreed = here;
      agreed_source = source;
      return;
    }
    const auto [a, b] = std::mismatch(agreed.begin(), agreed.end(), here.begin(), here.end());
    const auto shown = [](const std::vector<std::string>& names, auto at) {
      return at == names.end() ? std::string("missing") : fmt::format("'{}'", EscapeName(*at));
    };
    Diagnostics diagnostics;
    diagnostics.Error(
        "CFG-CLASSES", {},
        fmt::format("{} {} is {} in '{}' and {} in '{}'; give both the same, or each a sink of its "
                    "own",
                    what, a - agreed.begin(), shown(agreed, a), agreed_source, shown(here, b),
                    source));
    throw ConfigError(std::move(diagnostics));
  }

  LabelNames agreed_;
  std::vector<std::shared_ptr<const LabelNames>> given_;
  std::string class_source_, keypoint_source_;
};

struct PackedRow final : Sink::Prepared {
  SetWriter::Packed packed;
  std::string key;  // for messages
  std::size_t Bytes() const override { return packed.Bytes() + key.size(); }
};

class Hdf5Sink final : public Sink {
 public:
  Hdf5Sink(Hdf5SinkParams params, const Codec& codec)
      : params_(std::move(params)),
        codec_(codec),
        writer_(std::make_unique<SetWriter>(params_.set)) {}

  std::string Refuses(const Meta& meta) const override {
    const auto spec = LayoutFor(params_, meta);
    return spec ? "" : spec.Error();
  }

  std::uint64_t Open(const RunInfo& run, const Expected& expected) override;
  Result<std::unique_ptr<Prepared>> Prepare(Sample sample) const override;
  void Write(std::unique_ptr<Prepared> prepared) override;
  void Advance(std::uint64_t next_unit, std::uint64_t quarantined) override {
    Guarded([&] { writer_->Advance(next_unit, quarantined); });
  }
  void Close(bool complete) override;
  std::string Location() const override { return place_.empty() ? writer_->Target() : place_; }
  bool CanResume() const override { return true; }

 private:
  template <class What>
  void Guarded(What what) {
    try {
      what();
    } catch (...) {
      broken_ = true;
      throw;
    }
  }
  std::uint64_t RowBytes(const Meta& meta) const;
  Attributes AllAttributes(const RunInfo& run) const;

  const Hdf5SinkParams params_;
  const Codec& codec_;
  std::unique_ptr<SetWriter> writer_;
  std::optional<SetRecut> recut_;
  std::string place_;  // of the set that is wanted, where it differs from the writer's
  SetLayoutSpec spec_;
  bool broken_ = false;  // after an error a writer can only be destroyed
};

// Of a dense set nearly everything is known.
std::uint64_t Hdf5Sink::RowBytes(const Meta& meta) const {
  constexpr std::uint64_t kLabels = 256;
  if (spec_.encoded) return 0;
  std::uint64_t bytes = FirstColumn(spec_).EntryBytes() * spec_.fields.size() + kLabels;
  if ((meta.targets & kTargetMask) != 0) bytes += static_cast<std::uint64_t>(spec_.size.Area());
  return bytes;
}

Attributes Hdf5Sink::AllAttributes(const RunInfo& run) const {
  Attributes all = AttributesOf(spec_);
  std::vector<Attribute>& root = all[0].second;
  root.push_back({"pixloom_version", std::string(kVersion)});
  root.push_back({"seed", static_cast<std::int64_t>(run.seed)});
  root.push_back({"config", run.config_text});
  root.push_back({"sources", run.source_names});
  return all;
}

std::uint64_t Hdf5Sink::Open(const RunInfo& run, const Expected& expected) {
  auto spec = LayoutFor(params_, expected.meta);
  PIXLOOM_CHECK(spec.Ok(), "opened for what it refuses: " + spec.Error());
  spec_ = *std::move(spec);
  AgreedNames agreed;
  for (const auto& [source, names] : expected.names) {
    if (names) agreed.Add(source, names);
  }
  spec_.names = agreed.Take();
  spec_.keypoints = spec_.names ? static_cast<int>(spec_.names->keypoints.size()) : 0;
  if (spec_.encoded && params_.layout == SetLayout::kAuto) {
    run.notice(
        fmt::format("'{}': sizes differ, so pictures are stored as {} files; for pixels put "
                    "resize or a crop before the sink",
                    EscapeName(Location()), spec_.format == ImageFormat::kPng ? "PNG" : "JPEG"));
  }
  SetPlan plan;
  plan.first = FirstColumn(spec_);
  plan.first_groups = FirstGroups(spec_);
  plan.attributes = AllAttributes(run);
  plan.fingerprint = run.fingerprint;
  plan.first_unit = run.first_unit;
  plan.end_unit = run.end_unit;
  plan.units = run.units;
  plan.part = run.part;
  plan.parts = run.parts;
  plan.rows = expected.rows.value_or(0);
  plan.row_bytes = RowBytes(expected.meta);
  plan.overwrite = run.overwrite;
  plan.notice = run.notice;
  plan.sync = run.sync;
  const SetOptions begun = SetRecut::Begun(params_.set, plan);
  writer_ = std::make_unique<SetWriter>(begun);
  const std::uint64_t stored = writer_->Open(plan);
  recut_.emplace(params_.set, begun, plan, writer_->ShardRowsInUse());
  place_ = recut_->Place();
  return stored;
}

Result<std::unique_ptr<Sink::Prepared>> Hdf5Sink::Prepare(Sample sample) const {
  auto prepared = std::make_unique<PackedRow>();
  prepared->key = sample.key;
  auto row = RowOf(std::move(sample), spec_, codec_);
  if (!row) return row.Error();
  prepared->packed = writer_->Pack(*std::move(row));
  return std::unique_ptr<Prepared>(std::move(prepared));
}

void Hdf5Sink::Write(std::unique_ptr<Prepared> prepared) {
  auto& row = static_cast<PackedRow&>(*prepared);
  // Only here rows meet in their order, so only here it is certain which of them is the odd one.
  if (const std::string mismatch = writer_->Mismatch(row.packed); !mismatch.empty()) {
    Diagnostics diagnostics;
    diagnostics.Error("CFG-TYPE", {},
                      fmt::format("'{}' cannot hold '{}': {}; make them alike before the sink, or "
                                  "set layout: encoded where sizes differ",
                                  EscapeName(Location()), EscapeName(row.key), mismatch));
    throw ConfigError(std::move(diagnostics));
  }
  Guarded([&] { writer_->Append(std::move(row.packed)); });
}

void Hdf5Sink::Close(bool complete) {
  if (broken_) return;
  Guarded([&] {
    if (complete) {
      writer_->Finish();
      recut_->Run(writer_->Target());
    } else {
      writer_->Leave();
    }
  });
}

}  // namespace

std::unique_ptr<Sink> MakeHdf5Sink(Hdf5SinkParams params, const Codec& codec) {
  return std::make_unique<Hdf5Sink>(std::move(params), codec);
}

}  // namespace pixloom
