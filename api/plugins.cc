// SPDX-License-Identifier: Apache-2.0
#include "api/plugins.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/backends.h"

namespace pixloom {

namespace {

PluginState StateOf(const BackendInfo& info) {
  return {.id = info.id,
          .name = info.name,
          .version = info.version,
          .library = info.library,
          .formats = info.formats,
          .devices = info.devices,
          .needs = info.needs,
          .runtime = "",
          .problem = info.problem};
}

std::string Joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

std::vector<PluginState> ListPlugins() {
  std::vector<PluginState> plugins;
  for (const BackendInfo& info : ListBackends()) plugins.push_back(StateOf(info));
  return plugins;
}

std::vector<PluginState> CheckPlugins(const std::vector<std::string>& ids) {
  const std::vector<PluginState> known = ListPlugins();
  std::vector<PluginState> plugins;
  if (ids.empty()) plugins = known;
  for (const std::string& id : ids) {
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const PluginState& each) { return each.id == id; });
    plugins.push_back(found == known.end() ? PluginState() : *found);
    plugins.back().id = id;
  }
  for (PluginState& plugin : plugins) {
    const auto backend = OpenBackend(plugin.id);
    if (backend) {
      plugin.runtime = (*backend)->runtime;
    } else {
      plugin.problem = backend.Error();
    }
  }
  return plugins;
}

std::string PluginsText(const std::vector<PluginState>& plugins) {
  if (plugins.empty()) {
    return fmt::format("no plugins; folders searched: {}\n", Joined(BackendFolders()));
  }
  constexpr std::size_t kColumns = 6;
  std::vector<std::array<std::string, kColumns>> rows{
      {"id", "version", "formats", "devices", "runtime", "file"}};
  for (const PluginState& p : plugins) {
    rows.push_back({p.id, p.version, Joined(p.formats), Joined(p.devices), p.runtime,
                    p.library.empty() ? "-" : p.library});
  }
  std::array<std::size_t, kColumns> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  const bool checked = std::any_of(plugins.begin(), plugins.end(), [](const PluginState& plugin) {
    return !plugin.runtime.empty();
  });
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < kColumns; ++i) {
      if (i == 4 && !checked) continue;
      text += fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    text += row.back() + "\n";
  }
  for (const PluginState& plugin : plugins) {
    if (!plugin.problem.empty()) text += fmt::format("{}: {}\n", plugin.id, plugin.problem);
  }
  return text;
}

std::string PluginsJson(const std::vector<PluginState>& plugins) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const PluginState& p : plugins) {
    all.push_back({{"id", p.id},
                   {"name", p.name},
                   {"version", p.version},
                   {"file", p.library},
                   {"formats", p.formats},
                   {"devices", p.devices},
                   {"needs", p.needs},
                   {"runtime", p.runtime},
                   {"problem", p.problem}});
  }
  return nlohmann::ordered_json{{"plugins", all}, {"folders", BackendFolders()}}.dump(
      2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace pixloom
