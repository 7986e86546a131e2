// SPDX-License-Identifier: Apache-2.0
// The backend plugins of this installation: listed from their texts, and loaded on request.
//
//   for (const PluginState& plugin : ListPlugins()) ...
//
// Values. Functions may be called from any thread.
#pragma once

#include <string>
#include <vector>

namespace pixloom {

struct PluginState {
  std::string id, name, version;
  std::string library;                        // full path; "": part of the program
  std::vector<std::string> formats, devices;  // of models that it loads; that it may use
  std::string needs;                          // what must be installed, for people
  std::string runtime;                        // "onnxruntime 1.21.0"; "" unless it was loaded
  std::string problem;                        // "" when nothing is known
};

// All of them, the one that `auto` prefers first. Loads nothing.
std::vector<PluginState> ListPlugins();
// Loads those, or all when `ids` is empty; one that there is not has that as its problem.
std::vector<PluginState> CheckPlugins(const std::vector<std::string>& ids);

// A table, with problems below it; and the folders searched when there are none.
std::string PluginsText(const std::vector<PluginState>& plugins);
std::string PluginsJson(const std::vector<PluginState>& plugins);

}  // namespace pixloom
