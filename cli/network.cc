// SPDX-License-Identifier: Apache-2.0
// Commands on networks: make, show, check.
#include <cstdio>

#include <fmt/format.h>

#include "api/networks.h"
#include "cli/commands.h"

namespace pixloom::cli {

int MakeNetwork(const NetworkArguments& arguments) {
  networks::MakeOptions options;
  options.list = arguments.path;
  options.out = arguments.out;
  options.seed = arguments.seed;
  options.test_weights = arguments.test_weights;
  options.torchscript = !arguments.no_torchscript;
  const networks::MakeReport report = networks::Make(options);
  if (arguments.json) {
    fmt::print("{}\n", report.ToJson());
  } else {
    fmt::print("{}", report.ToText());
  }
  return kExitOk;
}

int ShowNetwork(const NetworkArguments& arguments) {
  fmt::print("{}", networks::Show(arguments.path));
  return kExitOk;
}

int CheckNetwork(const NetworkArguments& arguments) {
  const networks::CheckReport report =
      networks::Check({arguments.path, arguments.backend, arguments.device, arguments.precision});
  if (arguments.json) {
    fmt::print("{}\n", report.ToJson());
  } else {
    fmt::print("{}", report.ToText());
  }
  return kExitOk;
}

}  // namespace pixloom::cli
