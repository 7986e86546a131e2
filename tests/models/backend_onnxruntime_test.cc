// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "tests/models/backend_checks.h"
#include "tests/models/onnx_file.h"

namespace pixloom {
namespace {

// Null where there is none: tests then print why and return.
const PluginHost* Host() {
  static const PluginHost host("onnxruntime");
  if (host.api != nullptr) return &host;
  std::printf("[skipped] backend onnxruntime: %s\n", host.refusal.c_str());
  return nullptr;
}

TEST_CASE("onnxruntime: it says what it is") {
  if (Host() == nullptr) return;
  CHECK(std::string(Host()->info->id) == "onnxruntime");
  CHECK(std::string(Host()->info->runtime).starts_with("onnxruntime 1."));
}

TEST_CASE("onnxruntime: ports and numbers") {
  if (Host() != nullptr) CheckPortsAndNumbers(*Host());
}

TEST_CASE("onnxruntime: batches of changing size") {
  if (Host() != nullptr) CheckBatches(*Host());
}

TEST_CASE("onnxruntime: inputs and outputs come in the order asked for") {
  if (Host() != nullptr) CheckOrderOfPorts(*Host());
}

TEST_CASE("onnxruntime: what it cannot do it refuses") {
  if (Host() != nullptr) CheckRefusals(*Host());
}

TEST_CASE("onnxruntime: damaged files are refused and kill nothing") {
  if (Host() != nullptr) CheckDamagedFiles(*Host());
}

TEST_CASE("onnxruntime: a device is used or refused, and never replaced by another") {
  if (Host() == nullptr) return;
  const ModelFile file(SmallNetwork());
  for (const std::string device : {"cuda", "cuda:1", "tensorrt", "cuda:x", "cpu:1", ""}) {
    InstanceOptions options;
    options.device = device;
    const PluginInstance instance(*Host(), file.path(), options);
    CAPTURE(device);
    CAPTURE(instance.error);
    if (instance.status == PIXLOOM_OK) {  // a machine with such a device
      CHECK(std::string(instance.Describe().device).starts_with(device.substr(0, 4)));
      CHECK(instance.Describe().waits == 1);
    } else {
      CHECK(instance.status == PIXLOOM_NO_DEVICE);
      CHECK(instance.error.size() > 20);
      CHECK(Host()->api->probe(file.path().c_str(), "onnx", device.c_str()) == PIXLOOM_NO_DEVICE);
    }
  }
}

TEST_CASE("onnxruntime: two threads run one instance at the same time") {
  if (Host() == nullptr) return;
  const ModelFile file(SmallNetwork());
  const PluginInstance instance(*Host(), file.path());
  REQUIRE(instance.status == PIXLOOM_OK);
  CHECK((instance.Describe().flags & PIXLOOM_RUNS_CONCURRENTLY) != 0);
  std::atomic<int> wrong = 0;
  const auto work = [&](std::uint64_t seed) {
    for (std::int64_t turn = 0; turn < 60; ++turn) {
      const Numbers input =
          DrawNumbers({1 + turn % 5, 3, 8, 7}, seed + static_cast<std::uint64_t>(turn));
      std::vector<Numbers> outputs;
      std::string why;
      if (instance.Run({input}, outputs, why) != PIXLOOM_OK) {
        ++wrong;
        continue;
      }
      const std::vector<Numbers> expected = SmallNetworkResults(input);
      if (!(LargestDifference(outputs[0], expected[0]) < 1e-5) ||
          !(LargestDifference(outputs[1], expected[1]) < 1e-5)) {
        ++wrong;
      }
    }
  };
  std::thread one(work, 100), two(work, 200);
  one.join();
  two.join();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace pixloom
