// SPDX-License-Identifier: Apache-2.0
// Sets that pixloom wrote, as a source.
#include <cstring>

#include <fmt/format.h>

#include "datasets/hdf5_source.h"
#include "datasets/set_parts.h"
#include "datasets/text.h"

namespace pixloom {

namespace {

std::optional<Depth> DepthOfElement(Element element) {
  switch (element) {
    case Element::kU8:
      return Depth::kU8;
    case Element::kU16:
      return Depth::kU16;
    case Element::kF32:
      return Depth::kF32;
    default:
      return std::nullopt;
  }
}

// All texts of a group of bytes that every row has one of; empty without such a group.
Result<std::vector<std::string>, std::string> Texts(const SetReader& set, std::string_view group) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < set.Files().size(); ++i) {
    const Hdf5File& file = set.File(i);
    const Hdf5Dataset* offsets = file.Find(parts::Below(group, "offsets"));
    const Hdf5Dataset* bytes = file.Find(parts::Below(group, parts::kBytes));
    if (offsets == nullptr || bytes == nullptr) return std::vector<std::string>{};
    const auto places = file.Read(*offsets, 0, offsets->Entries());
    if (!places) return places.Error();
    const auto all = file.Read(*bytes, 0, bytes->Entries());
    if (!all) return all.Error();
    std::vector<std::uint64_t> ends(places->size() / sizeof(std::uint64_t));
    std::memcpy(ends.data(), places->data(), places->size());
    for (std::size_t row = 1; row < ends.size(); ++row) {
      if (ends[row] < ends[row - 1] || ends[row] > all->size()) {
        return fmt::format("'{}' of '{}' is damaged at row {}", group, EscapeName(file.Path()),
                           row - 1);
      }
      texts.emplace_back(reinterpret_cast<const char*>(all->data()) + ends[row - 1],
                         ends[row] - ends[row - 1]);
    }
  }
  return texts;
}

class OwnSet final : public Hdf5Content {
 public:
  OwnSet(std::unique_ptr<SetReader> set, const Codec& codec, bool check)
      : set_(std::move(set)), spec_(LayoutIn(set_->Root())), codec_(codec), check_(check) {}

  std::uint64_t Rows() const override { return set_->Rows(); }

  std::uint64_t RowBytes() const override {
    std::uint64_t bytes = 0;
    for (const Column& column : set_->Columns()) {
      if (column.per.empty()) bytes += column.EntryBytes();
    }
    return bytes;
  }

  Meta OutputMeta() const override {
    Meta meta;
    meta.fields = spec_.fields;
    for (const Column& column : set_->Columns()) {
      if (column.path.starts_with(parts::kMasks)) meta.targets |= kTargetMask;
      if (column.path.starts_with(parts::kInstances)) meta.targets |= kTargetInstance;
      if (spec_.encoded || column.path != spec_.images || column.shape.size() != 3) continue;
      const auto side = [&](std::size_t i) { return static_cast<int>(column.shape[i]); };
      meta.size = spec_.planar ? Size{side(2), side(1)} : Size{side(1), side(0)};
      meta.channels = spec_.planar ? side(0) : side(2);
      meta.depth = DepthOfElement(column.element);
    }
    return meta;
  }

  Result<std::vector<std::string>, std::string> Keys() const override {
    auto keys = Texts(*set_, parts::kKey);
    if (!keys) return keys.Error();
    const auto branches = Texts(*set_, parts::kBranch);
    if (!branches) return branches.Error();
    for (std::size_t row = 0; row < keys->size() && row < branches->size(); ++row) {
      if (!(*branches)[row].empty()) (*keys)[row] += "_" + (*branches)[row];
    }
    if (keys->size() != Rows()) keys->clear();
    return keys;
  }

  Result<Sample> Read(std::uint64_t row) const override {
    const auto damaged = [&](std::string why) {
      return DataError{"DEC-DAMAGED", std::move(why), "pixloom verify says what else is damaged",
                       ""};
    };
    const auto stored = set_->Read(row);
    if (!stored) return damaged(stored.Error());
    if (check_) {
      const auto hash = set_->StoredHash(row);
      if (!hash) return damaged(hash.Error());
      if (*hash != RowHash(*stored)) {
        return damaged(fmt::format("row {} differs from its checksum", row));
      }
    }
    return SampleOf(*stored, spec_, spec_.names, codec_);
  }

  std::string Notice() const override { return ""; }
  std::shared_ptr<const LabelNames> Names() const override { return spec_.names; }

 private:
  const std::unique_ptr<SetReader> set_;
  const SetLayoutSpec spec_;
  const Codec& codec_;
  const bool check_;
};

}  // namespace

Hdf5ContentResult OpenOwnSet(const Hdf5SourceParams& params, const Codec& codec) {
  for (const auto& [name, text] : {std::pair{"labels", &params.labels},
                                   {"labels_path", &params.labels_path},
                                   {"mask", &params.mask}}) {
    if (!text->empty()) {
      return fmt::format("'{}' was written by pixloom and says itself what it holds; leave out {}:",
                         EscapeName(params.path), name);
    }
  }
  auto set = SetReader::Open(params.path);
  if (!set) return set.Error();
  return std::unique_ptr<Hdf5Content>(
      std::make_unique<OwnSet>(std::move(*set), codec, params.check));
}

}  // namespace pixloom
