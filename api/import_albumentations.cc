// SPDX-License-Identifier: Apache-2.0
// Reads what albumentations saves: the tree of A.to_dict() as JSON or YAML.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/import_rules.h"
#include "pipeline/config.h"

namespace pixloom::importing {

namespace {

constexpr std::size_t kMaxBytes = 4 << 20;
constexpr int kMaxDepth = 64;
constexpr const char* kClass = "__class_fullname__";

[[noreturn]] void Refuse(const Position& at, std::string text) {
  Diagnostics diagnostics;
  diagnostics.Error("CFG-IMPORT", at, std::move(text));
  throw ConfigError(diagnostics);
}

Position PositionOf(std::string_view text, std::size_t byte, const std::string& name) {
  Position at{name, 1, 1};
  for (std::size_t i = 0; i < std::min(byte, text.size()); ++i) {
    at.column = text[i] == '\n' ? 1 : at.column + 1;
    at.line += text[i] == '\n';
  }
  return at;
}

// Whatever JSON means. YAML's own reader would take most of it too, but not its tabs, and would
// word its errors for YAML.
Value ReadJson(std::string_view text, const std::string& name) {
  using Json = nlohmann::ordered_json;
  const auto guard = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth) {
      Refuse({name, 1, 1}, fmt::format("nested deeper than {} levels", kMaxDepth));
    }
    return true;
  };
  try {
    return FromJson(Json::parse(text, guard).dump());
  } catch (const nlohmann::json::parse_error& error) {
    const std::string what = error.what();
    const std::size_t cut = what.find("syntax error");
    Refuse(PositionOf(text, error.byte > 0 ? error.byte - 1 : 0, name),
           fmt::format("no valid JSON: {}; save the pipeline again with A.save",
                       cut == std::string::npos ? what : what.substr(cut)));
  } catch (const nlohmann::json::exception& error) {
    Refuse({name, 1, 1},
           fmt::format("no valid JSON: {}; save the pipeline again with A.save", error.what()));
  }
}

Value ReadYaml(std::string_view text, const std::string& name) {
  // Text such as $(X) in the file means itself.
  std::string escaped;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("$(")) escaped += '$';
    escaped += text[i];
  }
  Diagnostics diagnostics;
  Variables none;
  none.use_environment = false;
  ConfigLimits limits;
  limits.bytes = kMaxBytes;
  const auto value = ParseYaml(escaped, name, none, diagnostics, limits);
  if (!value) throw ConfigError(diagnostics);
  return *value;
}

// It is written into comments and reports as it stands.
bool IsClassName(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  };
  return !text.empty() && text.size() <= 200 && !text.ends_with('.') &&
         std::all_of(text.begin(), text.end(), allowed);
}

std::string ShortName(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  PeerStep Read(const Value& value, const std::string& path) {
    const Position at = value.at.line > 0 ? value.at : Position{file_, 0, 0};
    if (++count_ > kMaxPeerSteps) Refuse(at, fmt::format("more than {} transforms", kMaxPeerSteps));
    if (value.kind != Value::Kind::kMap) {
      Refuse(at, fmt::format("{}: expected a transform, a map with {}, got {}", path, kClass,
                             value.Describe()));
    }
    const Value* name = value.Find(kClass);
    if (name == nullptr || name->kind != Value::Kind::kString || !IsClassName(name->text)) {
      Refuse(at, fmt::format("{}: {} must name the class of the transform, {}", path, kClass,
                             name == nullptr ? "but is not there" : "got " + name->Describe()));
    }
    PeerStep step;
    step.name = ShortName(name->text);
    step.path = path;
    for (const Value::Entry& entry : value.entries) {
      if (entry.key == kClass) continue;
      if (entry.key == "transforms") {
        ReadList(entry.value, path + ".transforms", step.children);
      } else if (entry.value.kind == Value::Kind::kMap && entry.value.Find(kClass) != nullptr) {
        // OneOrOther of early versions.
        step.children.push_back(Read(entry.value, path + "." + entry.key));
      } else {
        step.args.push_back(entry);
      }
    }
    return step;
  }

 private:
  void ReadList(const Value& list, const std::string& path, std::vector<PeerStep>& steps) {
    if (list.kind == Value::Kind::kNull) return;
    if (list.kind != Value::Kind::kList) {
      Refuse(list.at.line > 0 ? list.at : Position{file_, 0, 0},
             fmt::format("{}: expected a list of transforms, got {}", path, list.Describe()));
    }
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      steps.push_back(Read(list.items[i], fmt::format("{}[{}]", path, i)));
    }
  }

  std::string file_;
  std::size_t count_ = 0;
};

}  // namespace

PeerFile ReadAlbumentations(std::string_view text, const std::string& name) {
  if (text.size() > kMaxBytes) {
    Refuse({name, 0, 0},
           fmt::format("{} bytes; a saved pipeline has at most {}", text.size(), kMaxBytes));
  }
  if (const std::size_t bad = FirstInvalidUtf8(text); bad != std::string_view::npos) {
    Refuse(PositionOf(text, bad, name), "this is no UTF-8 text");
  }
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) Refuse({name, 0, 0}, "the file is empty");
  const bool json = text[first] == '{' || text[first] == '[';
  const Value document = json ? ReadJson(text, name) : ReadYaml(text, name);
  if (document.kind != Value::Kind::kMap) {
    Refuse({name, 1, 1}, fmt::format("expected what A.save writes, a map with 'transform', got {}",
                                     document.Describe()));
  }
  PeerFile file;
  if (const Value* version = document.Find("__version__"); version != nullptr) {
    if (version->IsScalar()) file.version = version->text;
  }
  const Value* transform = document.Find("transform");
  const bool bare = transform == nullptr && document.Find(kClass) != nullptr;
  if (transform == nullptr && !bare) {
    Refuse({name, 1, 1}, "there is no 'transform'; give a file that A.save wrote");
  }
  PeerStep step = Reader(name).Read(bare ? document : *transform, "transform");
  if (step.name == "Compose" || step.name == "ReplayCompose") {
    file.settings = step.args;
    file.root = std::move(step);
  } else {
    // A.save takes a transform by itself, too.
    file.root.name = "Compose";
    file.root.path = "transform";
    file.root.children.push_back(std::move(step));
  }
  return file;
}

// ---- The table ----------------------------------------------------------------------------------

const std::vector<CompositeRow>& AlbumentationsComposites() {
  static const std::vector<CompositeRow> rows{
      {"Compose", Composite::kSequence, 1},
      {"ReplayCompose", Composite::kSequence, 1},
      {"Sequential", Composite::kSequence, 0.5},
      {"OneOf", Composite::kOneOf, 0.5},
      {"SomeOf", Composite::kSomeOf, 1},
      {"RandomOrder", Composite::kRandomOrder, 1},
      {"OneOrOther", Composite::kOneOrOther, 0.5},
      {"SelectiveChannelTransform", Composite::kChannels, 1},
  };
  return rows;
}

const std::vector<Row>& AlbumentationsRows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all = AlbumentationsSpaceRows();
    const std::vector<Row>& pixels = AlbumentationsPixelRows();
    all.insert(all.end(), pixels.begin(), pixels.end());
    return all;
  }();
  return rows;
}

}  // namespace pixloom::importing
