// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bind_cache.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <fmt/format.h>
#include <opencv2/core/version.hpp>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pipeline/version.h"

namespace pixloom {

namespace {

// Raised when what is stored, or how it is keyed, changes.
constexpr int kFormat = 1;

class CacheBinder {
 public:
  CacheBinder(const NodeSpec& spec, const CodecLimits& limits, Diagnostics& diagnostics)
      : spec_(spec), where_(spec.name + " (cache)"), limits_(limits), diagnostics_(diagnostics) {}

  std::shared_ptr<SampleCache> Run(const std::vector<ChainStep>& steps) {
    const int errors = diagnostics_.ErrorCount();
    SampleCache::Settings settings;
    settings.node = spec_.name;
    ReadArguments(settings);
    RequireFixed(steps);
    if (diagnostics_.ErrorCount() > errors) return nullptr;
    settings.depends =
        fmt::format("cache {}, pixloom {}, opencv {}\nlimits {} {} {} {}\n{}", kFormat, kVersion,
                    CV_VERSION, limits_.max_pixels, limits_.max_side, limits_.max_ratio,
                    limits_.max_scans, StepsText(steps));
    AddFiles(steps, settings.depends);
    return std::make_shared<SampleCache>(std::move(settings));
  }

 private:
  void Error(std::string code, const Position& at, std::string text) {
    diagnostics_.Error(std::move(code), at, std::move(text));
  }

  // ---- arguments --------------------------------------------------------------------------------

  void ReadArguments(SampleCache::Settings& settings) {
    const Value& args = spec_.step.args;
    const Value* path = args.Find("path");
    const Value* memory = args.Find("memory");
    const Value* disk = args.Find("disk");
    if (path == nullptr && memory == nullptr) {
      Error(
          "CFG-MISSING", spec_.step.at,
          where_ + ": needs a path, a folder that is kept across runs, or memory, a size as 2GiB");
    }
    if (path != nullptr) {
      if (path->kind == Value::Kind::kString && !path->text.empty()) {
        settings.folder = path->text;
      } else {
        Error("CFG-VALUE", path->at,
              fmt::format("{}: path: expected a folder, got {}", where_, path->Describe()));
      }
    }
    if (memory != nullptr) settings.memory = ReadSize(*memory, "memory");
    if (disk != nullptr) settings.disk = ReadSize(*disk, "disk");
    if (disk != nullptr && path == nullptr) {
      Error("CFG-VALUE", disk->at,
            where_ + ": disk limits the folder that path names; give a path, or take disk out");
    }
  }

  std::optional<std::uint64_t> ReadSize(const Value& value, std::string_view name) {
    const auto bytes = value.IsScalar() ? ParseBytes(value.text) : std::nullopt;
    if (bytes && *bytes > 0) return bytes;
    Error("CFG-VALUE", value.at,
          fmt::format("{}: {}: expected a size above 0, as 512MiB or 20GiB, got {}", where_, name,
                      value.Describe()));
    return std::nullopt;
  }

  // ---- steps ------------------------------------------------------------------------------------

  void RequireFixed(const std::vector<ChainStep>& steps) {
    for (const ChainStep& step : steps) {
      const std::string why = WhyNotFixed(step);
      if (!why.empty()) {
        Error("CFG-CACHE", step.at,
              fmt::format("{} ({}): {} put it behind the cache", spec_.name, VerbOf(step), why));
      } else {
        RequireFixed(step.children);
      }
    }
  }

  static std::string WhyNotFixed(const ChainStep& step) {
    if (step.p < 1) return fmt::format("acts by chance, p is {};", schema::Number(step.p));
    if (step.kind == ChainStep::Kind::kSequence) return "";
    if (step.kind == ChainStep::Kind::kScope) return "may draw at random;";
    if (step.kind == ChainStep::Kind::kModel) return "is a network;";
    if (step.kind != ChainStep::Kind::kOperator) return "chooses among steps;";
    if (step.op == nullptr) return "";  // reported already
    if (!step.op->Info().fixed) return "draws at random;";
    if (!step.op->IsFixed() || SaysRandom(*step.op)) {
      return "draws at random with these arguments; give plain numbers, or";
    }
    return "";
  }

  // Of an operator that draws nothing but its ranges, and places where a choice says so.
  static bool SaysRandom(const Operator& op) {
    const Value arguments = op.Arguments();
    return std::any_of(op.Info().params.begin(), op.Info().params.end(), [&](const ParamInfo& p) {
      const Value* value = arguments.Find(p.name);
      return p.type == ParamType::kChoice && value != nullptr && value->text == "random";
    });
  }

  static std::string VerbOf(const ChainStep& step) {
    switch (step.kind) {
      case ChainStep::Kind::kOperator:
        return step.op != nullptr ? step.op->Info().name : "step";
      case ChainStep::Kind::kScope:
      case ChainStep::Kind::kModel:
        return step.verb;
      case ChainStep::Kind::kSequence:
        return "chain";
      case ChainStep::Kind::kOneOf:
        return "one_of";
      case ChainStep::Kind::kSomeOf:
        return "some_of";
      case ChainStep::Kind::kSometimes:
        return "sometimes";
      case ChainStep::Kind::kRandomOrder:
        return "random_order";
      case ChainStep::Kind::kSwitch:
        return "switch";
    }
    return "step";
  }

  // Tables and maps that operators read: a file that changes makes other pictures.
  static void AddFiles(const std::vector<ChainStep>& steps, std::string& text) {
    for (const ChainStep& step : steps) {
      AddFiles(step.children, text);
      if (step.op == nullptr) continue;
      const Value arguments = step.op->Arguments();
      for (const ParamInfo& p : step.op->Info().params) {
        const Value* value = arguments.Find(p.name);
        if (p.type != ParamType::kString || value == nullptr) continue;
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(value->text, ignored)) continue;
        std::ifstream file(value->text, std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(file), {});
        const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
        text += fmt::format("\n{} {:016x}{:016x}", p.name, hash.high64, hash.low64);
      }
    }
  }

  const NodeSpec& spec_;
  const std::string where_;
  const CodecLimits& limits_;
  Diagnostics& diagnostics_;
};

}  // namespace

std::shared_ptr<SampleCache> BindCache(const NodeSpec& spec, const std::vector<ChainStep>& steps,
                                       const CodecLimits& limits, Diagnostics& diagnostics) {
  return CacheBinder(spec, limits, diagnostics).Run(steps);
}

}  // namespace pixloom
