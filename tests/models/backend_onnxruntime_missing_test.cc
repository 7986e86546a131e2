// SPDX-License-Identifier: Apache-2.0
// Apart from the other tests: once a library is open, the process keeps it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/models/backend_checks.h"

namespace pixloom {
namespace {

std::string RefusalWith(const std::string& library) {
  setenv("PIXLOOM_ONNXRUNTIME", library.c_str(), 1);
  const PluginHost host("onnxruntime");
  unsetenv("PIXLOOM_ONNXRUNTIME");
  return host.api == nullptr ? host.refusal : "";
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("onnxruntime: without a library that fits it says why, and what helps") {
  const std::string none = RefusalWith("/nowhere/libonnxruntime.so.1");
  CHECK(Has(none, "/nowhere/libonnxruntime.so.1"));
  CHECK(Has(none, "./dev deps"));

  const ModelFile text("this is no library");
  CHECK(Has(RefusalWith(text.path()), text.path()));

  const char* build = std::getenv("PIXLOOM_BINARY_DIR");
  REQUIRE(build != nullptr);
  const std::string other = std::string(build) + "/plugins/pixloom_opencv.so";
  CHECK(RefusalWith(other) == "'" + other + "' is no ONNX Runtime: no OrtGetApiBase in it");

  const char* old = std::getenv("PIXLOOM_OLD_ONNXRUNTIME");
  REQUIRE(old != nullptr);
  CHECK(RefusalWith(old) ==
        "'" + std::string(old) + "' is ONNX Runtime 1.9.2; 1.21 or newer is needed");
}

TEST_CASE("onnxruntime: a refusal is not for ever") {
  CHECK(!RefusalWith("/nowhere/libonnxruntime.so.1").empty());
  const PluginHost host("onnxruntime");
  if (host.api == nullptr) {
    std::printf("[skipped] backend onnxruntime: %s\n", host.refusal.c_str());
    return;
  }
  CheckPortsAndNumbers(host);
}

}  // namespace
}  // namespace pixloom
