// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/models/backend_checks.h"
#include "tests/models/onnx_file.h"

namespace pixloom {
namespace {

const PluginHost& Host() {
  static const PluginHost host("opencv");
  REQUIRE_MESSAGE(host.api != nullptr, host.refusal);
  return host;
}

TEST_CASE("opencv: it says what it is") {
  CHECK(std::string(Host().info->id) == "opencv");
  CHECK(std::string(Host().info->runtime).starts_with("opencv 4."));
}

TEST_CASE("opencv: ports and numbers") { CheckPortsAndNumbers(Host()); }

TEST_CASE("opencv: batches of changing size, also behind a transposed convolution") {
  CheckBatches(Host());
}

TEST_CASE("opencv: inputs and outputs come in the order asked for") { CheckOrderOfPorts(Host()); }

TEST_CASE("opencv: what it cannot do it refuses") { CheckRefusals(Host()); }

TEST_CASE("opencv: damaged files are refused and kill nothing") { CheckDamagedFiles(Host()); }

}  // namespace
}  // namespace pixloom
