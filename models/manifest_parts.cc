// SPDX-License-Identifier: Apache-2.0
// What a manifest says beside its graphs.
#include <array>
#include <limits>

#include <fmt/format.h>

#include "models/manifest.h"
#include "models/manifest_words.h"
#include "models/value_reader.h"

namespace pixloom {

namespace {

constexpr std::int64_t kMostPixels = 65'535;  // of a side
constexpr std::int64_t kMostBatch = 65'536;

class PartsReader {
 public:
  PartsReader(Manifest& manifest, Diagnostics& diagnostics)
      : to_(manifest), read_("MOD-MANIFEST", diagnostics) {}

  void Read(const Value& parts) {
    read_.Map(parts, "",
              {{"role", [&](const Value& v) { read_.Choice(v, "role", kRoleWords, to_.role); }},
               {"picture", [&](const Value& v) { ReadPicture(v); }},
               {"output", [&](const Value& v) { ReadOutput(v); }},
               {"latent", [&](const Value& v) { ReadLatent(v); }},
               {"condition",
                [&](const Value& v) { read_.Text(v, "condition", to_.condition.emplace()); }},
               {"state", [&](const Value& v) { ReadState(v); }},
               {"features", [&](const Value& v) { ReadTexts(v, "features", to_.features); }},
               {"classes", [&](const Value& v) { ReadTexts(v, "classes", to_.classes); }},
               {"batch", [&](const Value& v) { ReadBatch(v); }},
               {"tiling", [&](const Value& v) { ReadTiling(v); }},
               {"precision", [&](const Value& v) { ReadPrecision(v); }},
               {"training", [&](const Value& v) { to_.training = v; }}});
  }

 private:
  void ReadPicture(const Value& value) {
    PictureInput& to = to_.picture;
    read_.Map(
        value, "picture",
        {{"color", [&](const Value& v) { read_.Choice(v, "color", kColorWords, to.color); }},
         {"range", [&](const Value& v) { read_.Range(v, "range", to.lo, to.hi); }},
         {"mean", [&](const Value& v) { ReadPerChannel(v, "mean", to.mean); }},
         {"std", [&](const Value& v) { ReadPerChannel(v, "std", to.deviation); }},
         {"size", [&](const Value& v) { ReadSize(v, to.size); }},
         {"multiple_of",
          [&](const Value& v) { read_.Int(v, "multiple_of", 1, kMostPixels, to.multiple_of); }},
         {"least", [&](const Value& v) { read_.Int(v, "least", 1, kMostPixels, to.least); }}});
    for (const double d : to.deviation) {
      if (!(d > 0)) {
        read_.Error(value.Find("std")->at, fmt::format("std: {} divides nothing; it must be more "
                                                       "than 0",
                                                       d));
      }
    }
  }

  // One number for all channels, or a list. How many there must be is known once colour is.
  void ReadPerChannel(const Value& value, const std::string& where, std::vector<double>& into) {
    into.clear();
    if (value.kind != Value::Kind::kList) {
      double all = 1;
      read_.Number(value, where, all);
      into.assign(1, all);
      return;
    }
    read_.List(value, where,
               [&](const Value& item) { read_.Number(item, where, into.emplace_back(1.0)); });
  }

  void ReadSize(const Value& value, std::optional<Size>& into) {
    Dims sides;
    read_.Sizes(value, "size", false, sides);
    if (sides.size() == 2 && sides[0] <= kMostPixels && sides[1] <= kMostPixels) {
      into = Size{static_cast<int>(sides[1]), static_cast<int>(sides[0])};
    } else if (!sides.empty()) {
      read_.Error(value.at, fmt::format("size: expected [height, width], each at most {}, got {}",
                                        kMostPixels, value.Describe()));
    }
  }

  void ReadOutput(const Value& value) {
    PictureOutput& to = to_.output;
    read_.Map(value, "output",
              {{"kind", [&](const Value& v) { read_.Choice(v, "kind", kOutputWords, to.kind); }},
               {"sign", [&](const Value& v) { read_.Choice(v, "sign", kSignWords, to.subtract); }},
               {"range", [&](const Value& v) { read_.Range(v, "range", to.lo, to.hi); }},
               {"scale", [&](const Value& v) { read_.Int(v, "scale", 1, 64, to.scale); }}});
  }

  void ReadLatent(const Value& value) {
    LatentSpace& to = to_.latent.emplace();
    read_.Map(value, "latent",
              {{"dims", [&](const Value& v) { read_.Sizes(v, "dims", false, to.dims); }},
               {"input", [&](const Value& v) { read_.Text(v, "input", to.input); }},
               {"mean", [&](const Value& v) { read_.Text(v, "mean", to.mean); }},
               {"log_variance",
                [&](const Value& v) { read_.Text(v, "log_variance", to.log_variance); }}});
    if (value.kind == Value::Kind::kMap && value.Find("dims") == nullptr) {
      read_.Error(value.at, "latent: dims is missing, as in {dims: [16]}");
    }
  }

  void ReadState(const Value& value) {
    to_.state.clear();
    read_.List(value, "state", [&](const Value& item) {
      StatePort& to = to_.state.emplace_back();
      read_.Map(item, "state",
                {{"input", [&](const Value& v) { read_.Text(v, "input", to.input); }},
                 {"output", [&](const Value& v) { read_.Text(v, "output", to.output); }},
                 {"start", [&](const Value& v) { read_.Number(v, "start", to.start); }}});
      if (item.kind == Value::Kind::kMap &&
          (item.Find("input") == nullptr || item.Find("output") == nullptr)) {
        read_.Error(item.at, "state: needs input and output, as in {input: h, output: h_next}");
      }
    });
  }

  void ReadTexts(const Value& value, const std::string& where, std::vector<std::string>& into) {
    into.clear();
    read_.List(value, where,
               [&](const Value& item) { read_.Text(item, where, into.emplace_back()); });
  }

  void ReadBatch(const Value& value) {
    read_.Map(value, "batch",
              {{"size", [&](const Value& v) { read_.Int(v, "size", 1, kMostBatch, to_.batch); }},
               {"fixed", [&](const Value& v) { read_.Bool(v, "fixed", to_.fixed_batch); }}});
  }

  void ReadTiling(const Value& value) {
    Tiling& to = to_.tiling;
    read_.Map(value, "tiling",
              {{"mode", [&](const Value& v) { read_.Choice(v, "mode", kTilingWords, to.mode); }},
               {"overlap",
                [&](const Value& v) { read_.Int(v, "overlap", 0, kMostPixels, to.overlap); }}});
  }

  void ReadPrecision(const Value& value) {
    read_.Map(value, "precision",
              {{"fp16", [&](const Value& v) { read_.Bool(v, "fp16", to_.fp16); }}});
  }

  Manifest& to_;
  ValueReader read_;
};

}  // namespace

std::string_view RoleName(ModelRole role) { return WordOf(kRoleWords, role); }

bool ReadManifestParts(const Value& parts, Manifest& manifest, Diagnostics& diagnostics) {
  const int before = diagnostics.ErrorCount();
  if (parts.kind != Value::Kind::kNull) PartsReader(manifest, diagnostics).Read(parts);
  return diagnostics.ErrorCount() == before;
}

}  // namespace pixloom
