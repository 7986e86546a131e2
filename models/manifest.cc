// SPDX-License-Identifier: Apache-2.0
// Reading manifests: the graphs; models/manifest_parts.cc reads the rest.
#include "models/manifest.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include <fmt/format.h>

#include "models/plugin_abi.h"
#include "models/self_check.h"
#include "models/value_reader.h"
#include "pipeline/config.h"

namespace pixloom {

namespace {

constexpr const char* kCode = "MOD-MANIFEST";
constexpr std::int64_t kMostCheckBatch = 64;

bool IsHash(const std::string& text) {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

class GraphReader {
 public:
  GraphReader(std::string name, GraphFile& graph, Diagnostics& diagnostics)
      : name_(std::move(name)), to_(graph), read_(kCode, diagnostics) {}

  void Read(const Value& value) {
    read_.Map(value, name_,
              {{"files", [&](const Value& v) { ReadFiles(v); }},
               {"hashes", [&](const Value& v) { ReadHashes(v); }},
               {"inputs", [&](const Value& v) { ReadPorts(v, "inputs", to_.inputs); }},
               {"outputs", [&](const Value& v) { ReadPorts(v, "outputs", to_.outputs); }},
               {"check", [&](const Value& v) { ReadCheck(v); }}});
    if (value.kind != Value::Kind::kMap) return;
    if (value.Find("files") == nullptr || value.Find("files")->entries.empty()) {
      read_.Error(value.at,
                  fmt::format("{}: files is missing, as in {{onnx: {}.onnx}}", name_, name_));
    }
    const Value* hashes = value.Find("hashes");
    for (const auto& [format, hash] : to_.hashes) {
      if (to_.files.contains(format)) continue;
      read_.Error(hashes->Find(format)->at,
                  fmt::format("hashes: there is no file of format {}", Quoted(format)));
    }
    if (const Value* check = value.Find("check")) CheckCheck(*check);
  }

 private:
  void ReadFiles(const Value& value) {
    read_.Named(value, "files", [&](const std::string& format, const Value& v) {
      read_.Text(v, format, to_.files[format]);
    });
  }

  void ReadHashes(const Value& value) {
    read_.Named(value, "hashes", [&](const std::string& format, const Value& v) {
      // A hash of decimal digits alone reads as a number.
      if (v.IsScalar() && IsHash(v.text)) {
        to_.hashes[format] = v.text;
      } else {
        read_.Error(v.at, fmt::format("hashes: expected 32 hex digits, got {}", v.Describe()));
      }
    });
  }

  void ReadPorts(const Value& value, const std::string& where, std::vector<Port>& ports) {
    read_.Named(value, where, [&](const std::string& name, const Value& v) {
      Port& port = ports.emplace_back(Port{name, {}});
      read_.Sizes(v, name, true, port.dims);
    });
    if (ports.size() > PIXLOOM_MAX_PORTS) {
      read_.Error(value.at, fmt::format("{}: {} of them, at most {} are possible", where,
                                        ports.size(), PIXLOOM_MAX_PORTS));
    }
  }

  void ReadCheck(const Value& value) {
    GraphCheck& check = to_.check.emplace();
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    read_.Map(
        value, "check",
        {{"seed", [&](const Value& v) { read_.Int(v, "seed", 0, most, check.seed); }},
         {"batch", [&](const Value& v) { read_.Int(v, "batch", 1, kMostCheckBatch, check.batch); }},
         {"sizes",
          [&](const Value& v) {
            read_.Named(v, "sizes", [&](const std::string& name, const Value& sizes) {
              read_.Sizes(sizes, name, false, check.sizes[name]);
            });
          }},
         {"outputs", [&](const Value& v) {
            read_.Named(v, "outputs", [&](const std::string& name, const Value& numbers) {
              ReadExpected(name, numbers, check.outputs[name]);
            });
          }}});
  }

  void ReadExpected(const std::string& name, const Value& value, GraphCheck::Expected& to) {
    read_.Map(value, name,
              {{"mean", [&](const Value& v) { read_.Number(v, "mean", to.mean); }},
               {"std", [&](const Value& v) { read_.Number(v, "std", to.deviation); }},
               {"values", [&](const Value& v) {
                  read_.List(v, "values", [&](const Value& item) {
                    read_.Number(item, "values", to.values.emplace_back(0.0));
                  });
                }}});
    if (value.kind != Value::Kind::kMap) return;
    if (to.values.size() != kCheckedValues) {
      read_.Error(value.at, fmt::format("{}: {} values, expected {}", name, to.values.size(),
                                        kCheckedValues));
    }
  }

  // Names and sizes of the check are those of the graph.
  void CheckCheck(const Value& value) {
    const GraphCheck& check = *to_.check;
    for (const Port& port : to_.inputs) {
      const bool open = std::find(port.dims.begin(), port.dims.end(), -1) != port.dims.end();
      const auto sizes = check.sizes.find(port.name);
      if (sizes == check.sizes.end()) {
        if (open) {
          read_.Error(value.at, fmt::format("check: sizes of input {} are missing; it is {}",
                                            Quoted(port.name), DimsText(port.dims)));
        }
        continue;
      }
      bool fits = sizes->second.size() == port.dims.size();
      for (std::size_t i = 0; fits && i < port.dims.size(); ++i) {
        fits = port.dims[i] < 0 || port.dims[i] == sizes->second[i];
      }
      if (!fits) {
        read_.Error(value.at,
                    fmt::format("check: sizes of input {} are {}, but it is {}", Quoted(port.name),
                                DimsText(sizes->second), DimsText(port.dims)));
      }
    }
    const auto unknown = [&](const std::string& name, const std::vector<Port>& ports,
                             const char* word) {
      std::vector<std::string> known;
      for (const Port& port : ports) known.push_back(port.name);
      if (std::find(known.begin(), known.end(), name) != known.end()) return;
      read_.Error(value.at, fmt::format("check: the graph has no {} {}{}", word, Quoted(name),
                                        Suggestion(name, known)));
    };
    for (const auto& [name, sizes] : check.sizes) unknown(name, to_.inputs, "input");
    for (const auto& [name, expected] : check.outputs) unknown(name, to_.outputs, "output");
  }

  std::string name_;
  GraphFile& to_;
  ValueReader read_;
};

void ReadVersion(const Value& document, Diagnostics& diagnostics) {
  const Value* version = document.Find("pixloom_model");
  if (version != nullptr && version->kind == Value::Kind::kInt && version->integer == 1) return;
  diagnostics.Error(kCode, version == nullptr ? document.at : version->at,
                    version == nullptr
                        ? "not a manifest: pixloom_model: 1 is missing"
                        : fmt::format("pixloom_model: expected 1, got {}; a newer Pixloom may read "
                                      "it",
                                      version->Describe()));
}

void ReadDocument(const Value& document, Manifest& manifest, Diagnostics& diagnostics) {
  ValueReader read(kCode, diagnostics);
  if (document.kind != Value::Kind::kMap) {
    read.Error(document.at, "expected a manifest, a mapping, got " + document.Describe());
    return;
  }
  ReadVersion(document, diagnostics);
  if (diagnostics.HasErrors()) return;
  Value parts = Value::Map({}, document.at);
  for (const Value::Entry& entry : document.entries) {
    if (entry.key == "name") {
      read.Text(entry.value, "name", manifest.name);
    } else if (entry.key == "graphs") {
      read.Named(entry.value, "graphs", [&](const std::string& name, const Value& value) {
        GraphReader(name, manifest.graphs[name], diagnostics).Read(value);
      });
    } else if (entry.key != "pixloom_model") {
      parts.entries.push_back(entry);
    }
  }
  for (const char* key : {"role", "graphs"}) {
    if (document.Find(key) == nullptr) read.Error(document.at, fmt::format("{} is missing", key));
  }
  ReadManifestParts(parts, manifest, diagnostics);
  // What does not read cannot fit either.
  if (!diagnostics.HasErrors()) CheckManifest(manifest, document, diagnostics);
}

}  // namespace

Manifest LoadManifest(const std::string& path) {
  Manifest manifest;
  manifest.path = path;
  manifest.folder = std::filesystem::path(path).parent_path().string();
  manifest.name = std::filesystem::path(path).stem().string();
  Diagnostics diagnostics;
  Variables none;
  none.use_environment = false;
  if (const auto document = LoadYaml(path, none, diagnostics)) {
    ReadDocument(*document, manifest, diagnostics);
  }
  if (!diagnostics.HasErrors()) return manifest;
  std::string text;
  for (const Diagnostic& d : diagnostics.All()) {
    if (d.severity != Severity::kError) continue;
    const std::string place = d.at.Text();
    text += (text.empty() ? "" : "\n") + place + (place.empty() ? "" : ": ") + d.text;
  }
  throw ModelRejectedError(kCode, text);
}

}  // namespace pixloom
