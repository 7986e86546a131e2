// SPDX-License-Identifier: Apache-2.0
// Networks as files: made from a layer list, shown, and tried on a backend.
//
//   pixloom::networks::Make({.list = "denoiser.yaml", .out = "models"});
//   fmt::print("{}", pixloom::networks::Check({.manifest = "models/denoiser.yaml"}).ToText());
//
// Functions throw ConfigError (the layer list is wrong), ModelRejectedError (the manifest is, or no
// backend runs the network rightly) and EnvironmentError; they may be called from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pixloom::networks {

struct MakeOptions {
  std::string list;   // a layer list, YAML
  std::string out{};  // folder
  std::uint64_t seed = 1;
  // Weights with which every layer has an effect, for trying backends; else those with which
  // training begins.
  bool test_weights = false;
  bool torchscript = true;
};
struct MakeReport {
  std::string manifest;            // its path
  std::vector<std::string> files;  // all that were written
  std::vector<std::string> notes;  // what was left out, and why
  std::string ToText() const;
  std::string ToJson() const;
};
MakeReport Make(const MakeOptions& options);

// A layer list as a table of layers, or a manifest in words.
std::string Show(const std::string& path);

struct CheckOptions {
  std::string manifest;
  std::string backend = "auto";
  std::string device = "auto";
  std::string precision = "auto";
};
struct Timing {
  std::string graph;
  std::int64_t batch = 1;
  double ms_per_item = 0;  // the best of several runs
};
struct CheckReport {
  std::string name, role, device, precision;
  std::vector<std::string> notes;  // what `auto` chose and whom it refused, and why
  std::vector<Timing> timings;
  std::string ToText() const;
  std::string ToJson() const;
};
// Loads the network, which compares its numbers with those in the manifest, and times it.
CheckReport Check(const CheckOptions& options);

}  // namespace pixloom::networks
