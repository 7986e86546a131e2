// SPDX-License-Identifier: Apache-2.0
#include "api/sets.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "api/pixloom.h"
#include "datasets/set_facts.h"
#include "datasets/set_inspect.h"
#include "datasets/set_merge.h"
#include "datasets/set_repair.h"
#include "datasets/set_sample.h"
#include "datasets/set_status.h"
#include "datasets/set_verification.h"

namespace pixloom::sets {

namespace {

VerifyOptions VerifyWith(const Work& work) {
  return {.threads = work.threads, .stop = work.stop, .progress = work.progress};
}

// How the set's samples became rows. What its attributes leave open its columns say.
SetLayoutSpec SpecOf(const SetReader& set) {
  SetLayoutSpec spec = LayoutIn(set.Root());
  for (const Column& column : set.Columns()) {
    if (column.path == spec.images && column.shape.size() == 3) {
      const auto& s = column.shape;
      spec.channels = static_cast<int>(spec.planar ? s[0] : s[2]);
      spec.size.height = static_cast<int>(spec.planar ? s[1] : s[0]);
      spec.size.width = static_cast<int>(spec.planar ? s[2] : s[1]);
      spec.depth = column.element == Element::kU16   ? Depth::kU16
                   : column.element == Element::kF32 ? Depth::kF32
                                                     : Depth::kU8;
    }
    if (column.path == "recipe/bytes") spec.recipe = true;
    if (column.path == "instances/keypoints" && !column.shape.empty()) {
      spec.keypoints = static_cast<int>(column.shape[0]);
    }
  }
  return spec;
}

Pipeline PipelineOf(const SetReader& set, const std::optional<std::string>& config) {
  if (config) return Pipeline::Load(*config);
  const std::string text = ConfigIn(set);
  if (text.empty()) {
    Diagnostics diagnostics;
    diagnostics.Error(
        "SET-REPAIR", {},
        "the set has no configuration in it; name the one it was made with: --config");
    throw ConfigError(diagnostics);
  }
  return Pipeline::Parse(text, "configuration of the set");
}

}  // namespace

MergeReport Merge(const MergeOptions& options, const Work& work) {
  MergeRequest request;
  request.inputs = options.inputs;
  request.any = options.any;
  request.overwrite = options.overwrite;
  request.threads = work.threads;
  request.stop = work.stop;
  request.progress = work.progress;
  if (work.notice) request.notice = work.notice;
  request.out.path = options.out;
  request.out.shard_rows = options.shard_rows;
  request.out.master = options.master;
  if (!options.inputs.empty()) {
    const auto first = OpenSet(FindSet(options.inputs[0]));
    const auto filters = FiltersOf(*first);
    if (!filters) throw DamagedSetError(filters.Error());
    request.out.filters = *filters;
  }
  return MergeSets(request);
}

VerifyReport Verify(const std::string& path, const Work& work) {
  return VerifySet(path, BuiltInCodec(), VerifyWith(work));
}

StatusReport Status(const std::string& path) { return StatusOf(path); }

RepairReport Repair(const std::string& path, const std::optional<std::string>& config,
                    const Work& work) {
  std::optional<Pipeline> pipeline;  // only when something is damaged
  std::optional<SetLayoutSpec> spec;
  const RemakeRows remake =
      [&](const std::string& key,
          const std::string& branch) -> Result<std::vector<Row>, std::string> {
    if (!pipeline) {
      const auto set = OpenSet(FindSet(path));
      spec = SpecOf(*set);
      pipeline = PipelineOf(*set, config);
    }
    std::vector<Row> rows;
    std::string error;
    try {
      for (Pipeline::Replayed& replayed : pipeline->Replay(key, branch)) {
        auto row = RowOf(std::move(replayed.sample), *spec, BuiltInCodec());
        if (row) {
          rows.push_back(std::move(*row));
        } else {
          error = row.Error().message;
        }
      }
    } catch (const ConfigError& refused) {
      error = refused.what();
    }
    if (rows.empty()) {
      return error.empty() ? std::string("its source entry leaves no result any more") : error;
    }
    return rows;
  };
  RepairReport report = RepairSet(path, BuiltInCodec(), remake, VerifyWith(work));
  if (!report.Good()) {
    report.remedy =
        fmt::format("what is left needs the whole set again: pixloom run {} --overwrite",
                    config ? *config : "CONFIG");
  }
  return report;
}

InspectReport Inspect(const std::string& path, const InspectOptions& options) {
  return InspectFile(path, BuiltInCodec(), {.sheet = options.sheet, .pictures = options.pictures});
}

}  // namespace pixloom::sets
