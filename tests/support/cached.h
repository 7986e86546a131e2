// SPDX-License-Identifier: Apache-2.0
// Pipelines with a cache, what they count, and how their results are compared.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "pipeline/rng.h"
#include "tests/support/stored.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {

namespace fs = std::filesystem;
using Counts = std::map<std::string, std::uint64_t>;

inline constexpr const char* kScenes =
    "shapes: {count: 12, size: [150, 210], encode: jpeg, masks: true}";

// A source, `small`, something random behind it, and a sink.
inline std::string Yaml(const std::string& source, const std::string& small,
                        const std::string& look = "[hflip: {p: 0.5}, gaussian_noise: {std: 0.1}]") {
  return fmt::format(
      "version: 1\nseed: 5\non_error: {{max_bad: 100%}}\nnodes:\n  photos: {{{}}}\n  small: {}\n"
      "  look: {}\n  out: {{collect: out}}\n",
      source, small, look);
}

inline std::string OnDisk(const std::string& steps, const std::string& folder,
                          const std::string& more = "") {
  return fmt::format("{{cache: {{steps: {}, path: {}{}}}}}", steps, folder, more);
}

inline Outcome RunWith(const std::string& yaml, int threads = 1) {
  Outcome outcome = RunYaml(yaml, threads);
  INFO(outcome.errors);
  REQUIRE(outcome.errors.empty());
  return outcome;
}

// Threads meet in other orders each time.
inline RunOptions Disturbed(int threads, std::uint64_t salt) {
  RunOptions options;
  options.threads = threads;
  options.before_node = [salt](std::string_view node, std::uint64_t seq) {
    const std::uint64_t word = Mix64(salt * 1009 + seq * 31 + node.size());
    if (word % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(word / 3 % 800));
  };
  return options;
}

// Who arrived with what, recipes and all.
inline std::string Difference(const Outcome& a, const Outcome& b) {
  if (a.samples.size() != b.samples.size()) {
    return fmt::format("{} or {} results", a.samples.size(), b.samples.size());
  }
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    const Sample& left = a[i];
    const Sample& right = b[i];
    const std::string who = left.key + ": ";
    if (left.key != right.key || left.source != right.source ||
        left.identity.id != right.identity.id || left.identity.branch != right.identity.branch) {
      return who + "identity";
    }
    const auto classes = [](const Sample& s) {
      return s.names ? s.names->classes : std::vector<std::string>{};
    };
    if (classes(left) != classes(right)) return who + "names";
    if (const std::string what = SampleDifference(left, right); !what.empty()) return who + what;
    if (left.recipe.ToJson() != right.recipe.ToJson()) {
      return who + "recipe " + left.recipe.ToJson() + " or " + right.recipe.ToJson();
    }
    if (ContentOf(left) != ContentOf(right)) return who + "content";
  }
  return a.quarantine == b.quarantine ? "" : "quarantine";
}

inline const NodeCounts& NodeOf(const Outcome& outcome, std::string_view name) {
  for (const NodeCounts& node : outcome.report.nodes) {
    if (node.name == name) return node;
  }
  FAIL("no node " << std::string(name));
  return outcome.report.nodes.front();
}

inline const Counts& CountsOf(const Outcome& outcome) { return NodeOf(outcome, "small").counts; }

inline std::vector<fs::path> Entries(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".pxl") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

inline std::string BytesOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteBytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A folder of JPEGs, made once for the process.
inline const TempFolder& Photos() {
  static const TempFolder& folder = *[] {
    auto* made = new TempFolder;
    RunWith(
        "version: 1\nseed: 1\nnodes:\n  a: {shapes: {count: 6, size: [90, 130], masks: false}}\n"
        "  b: {image_folder: {path: " +
        made->Path("jpg") + ", format: jpg}}\n");
    return made;
  }();
  return folder;
}

inline std::string Folder(const std::string& path, const std::string& more = "") {
  return "image_folder: {path: " + path + more + "}";
}

}  // namespace pixloom::testing
