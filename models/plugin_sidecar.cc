// SPDX-License-Identifier: Apache-2.0
#include "models/plugin_sidecar.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "pipeline/config.h"

namespace pixloom {

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kKeys = {"id",      "name",    "version", "abi",       "library",
                                        "formats", "devices", "needs",   "preference"};

bool IsId(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// "1.0" as 0x10000.
std::optional<std::uint32_t> AbiVersion(std::string_view text) {
  std::uint16_t major = 0, minor = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, major);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, minor);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return std::uint32_t{major} << 16 | minor;
}

// Collects what is wrong; the first finding is shown.
class SidecarReader {
 public:
  SidecarReader(const Value& map, Diagnostics& found) : map_(map), found_(found) {}

  std::string Text(std::string_view key, std::string otherwise) {
    const Value* value = map_.Find(key);
    if (value == nullptr) return otherwise;
    // A version like 1.10 is a number to YAML; what was written counts.
    if (value->IsScalar() && !value->text.empty()) return value->text;
    Wrong(*value, fmt::format("{} of '{}'; expected text", value->Describe(), key));
    return otherwise;
  }

  std::vector<std::string> Words(std::string_view key, std::vector<std::string> otherwise) {
    const Value* value = map_.Find(key);
    if (value == nullptr) return otherwise;
    std::vector<std::string> words;
    for (const Value& item : value->items) {
      if (item.kind == Value::Kind::kString) words.push_back(item.text);
    }
    if (words.empty() || words.size() != value->items.size()) {
      Wrong(*value, fmt::format("{} of '{}'; expected a list like [onnx]", value->Describe(), key));
    }
    return words;
  }

  int Number(std::string_view key, int otherwise) {
    const Value* value = map_.Find(key);
    if (value == nullptr) return otherwise;
    if (value->kind == Value::Kind::kInt && value->integer >= -1000 && value->integer <= 1000) {
      return static_cast<int>(value->integer);
    }
    Wrong(*value, fmt::format("{} of '{}'; expected a whole number from -1000 to 1000",
                              value->Describe(), key));
    return otherwise;
  }

  void Keys() {
    for (const Value::Entry& entry : map_.entries) {
      if (std::find(kKeys.begin(), kKeys.end(), entry.key) != kKeys.end()) continue;
      found_.Error(
          "MOD-PLUGIN", entry.at,
          fmt::format("unknown key {}{}", Quoted(entry.key), Suggestion(entry.key, kKeys)));
    }
    for (const char* needed : {"id", "abi", "formats"}) {
      if (map_.Find(needed) == nullptr) Wrong(map_, fmt::format("'{}' is missing", needed));
    }
  }

  void Wrong(const Value& at, std::string text) {
    found_.Error("MOD-PLUGIN", at.at, std::move(text));
  }

 private:
  const Value& map_;
  Diagnostics& found_;
};

std::string AbiProblem(const std::string& text) {
  const auto abi = AbiVersion(text);
  if (!abi) return fmt::format("abi {}: expected MAJOR.MINOR like 1.0", Quoted(text));
  return AbiDifference(*abi);
}

}  // namespace

std::string AbiDifference(std::uint32_t version) {
  const std::uint32_t major = version >> 16, minor = version & 0xFFFF;
  if (major == PIXLOOM_ABI_MAJOR && minor <= PIXLOOM_ABI_MINOR) return "";
  const char* remedy = version > PIXLOOM_ABI_VERSION ? "install a newer Pixloom, or an older plugin"
                                                     : "install a newer version of the plugin";
  return fmt::format("it was built for plugin ABI {}.{} and this Pixloom has {}.{}; {}", major,
                     minor, PIXLOOM_ABI_MAJOR, PIXLOOM_ABI_MINOR, remedy);
}

BackendInfo ReadSidecar(const std::string& path) {
  BackendInfo info;
  info.sidecar = path;
  info.id = fs::path(path).stem().string();

  Diagnostics found;
  Variables none{.set = {}, .use_environment = false, .used = {}};
  const auto root = LoadYaml(path, none, found, {.bytes = 64 << 10});
  if (root && root->kind != Value::Kind::kMap) {
    found.Error("MOD-PLUGIN", root->at,
                fmt::format("{}; expected a map with id, abi and formats", root->Describe()));
  } else if (root) {
    SidecarReader reader(*root, found);
    reader.Keys();
    if (const std::string id = reader.Text("id", info.id); IsId(id)) {
      info.id = id;
    } else {
      reader.Wrong(*root->Find("id"),
                   fmt::format("id {}: expected lower-case letters, digits and _", Quoted(id)));
    }
    info.name = reader.Text("name", info.id);
    info.version = reader.Text("version", "");
    info.abi = reader.Text("abi", "");
    const std::string library = reader.Text("library", fs::path(path).stem().string() + ".so");
    info.library = (fs::path(path).parent_path() / library).lexically_normal().string();
    info.formats = reader.Words("formats", {});
    info.devices = reader.Words("devices", {"cpu"});
    info.needs = reader.Text("needs", "");
    info.preference = reader.Number("preference", 0);
  }

  std::error_code ignored;
  if (found.HasErrors()) {
    const Diagnostic& first = found.All().front();
    info.problem = fmt::format("{}: {}; correct the text, or install the plugin again",
                               first.at.Text(), first.text);
  } else if (const std::string difference = AbiProblem(info.abi); !difference.empty()) {
    info.problem = difference;
  } else if (!fs::is_regular_file(info.library, ignored)) {
    info.problem =
        fmt::format("its library {} is not there; install the plugin again, or remove {}",
                    Quoted(info.library), Quoted(path));
  }
  return info;
}

}  // namespace pixloom
