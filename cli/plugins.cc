// SPDX-License-Identifier: Apache-2.0
// pixloom plugins: which backends there are, and whether they work.
#include "api/plugins.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.h"

namespace pixloom::cli {

int Plugins(const PluginArguments& arguments) {
  const auto plugins = arguments.check ? CheckPlugins(arguments.ids) : ListPlugins();
  if (arguments.json) {
    fmt::print("{}\n", PluginsJson(plugins));
  } else {
    fmt::print("{}", PluginsText(plugins));
  }
  const bool good = std::all_of(plugins.begin(), plugins.end(),
                                [](const PluginState& plugin) { return plugin.problem.empty(); });
  return good || !arguments.check ? kExitOk : kExitModelRejected;
}

}  // namespace pixloom::cli
