// SPDX-License-Identifier: Apache-2.0
#include "models/network.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/models/fake_backend.h"
#include "tests/models/fake_model.h"

namespace pixloom {
namespace {

using namespace testing;

TEST_CASE("a model is loaded, checked and runs") {
  ResetFakes(1);
  const Folder folder;
  const auto model = LoadModel(folder.Write(), Fake(0));
  CHECK(Counts(0).runs == 3);  // the check
  CHECK(Counts(0).threads == 1);
  CHECK(Counts(0).seen_inputs == std::vector<std::string>{"x"});
  CHECK(Counts(0).seen_outputs == std::vector<std::string>{"y"});
  CHECK(model->device == "fake0 1.0 on cpu");
  CHECK(model->batch == 16);
  CHECK_FALSE(model->fp16);
  CHECK(model->notes.empty());  // nothing was left to choose
  Network& network = model->At("main");
  CHECK(network.Use().runs == 0);  // its runs are nobody's
  CHECK(network.Use().nanoseconds == 0);
  const auto out = RunOnes(network);
  REQUIRE(out.Ok());
  CHECK((*out)[0].dims() == Dims{2, 3, 4, 5});
  CHECK((*out)[0].data()[7] == 3.0f);
  CHECK(network.Use().runs == 1);
  CHECK(network.Use().pictures == 2);
  CHECK(model->Use().device == "fake0 1.0 on cpu");
  const auto facts = model->Facts();
  const auto fact = [&](const std::string& name) {
    const auto it =
        std::find_if(facts.begin(), facts.end(), [&](const auto& f) { return f.first == name; });
    return it == facts.end() ? "" : it->second;
  };
  CHECK(fact("hash of net.onnx") == folder.manifest.graphs.at("main").hashes.at("onnx"));
  CHECK(fact("hash of net.yaml") == HashFile((folder.path / "net.yaml").string()));
  CHECK(fact("runs with") == "fake0 1.0 on cpu");
  CHECK(fact("precision") == "fp32");
}

TEST_CASE("the same model with the same choice is shared while it is used; a changed one is not") {
  ResetFakes(1);
  Folder folder;
  const std::string path = folder.Write();
  auto model = LoadModel(path, Fake(0));
  CHECK(LoadModel(path, Fake(0)) == model);
  ModelChoice other = Fake(0);
  other.batch = 4;
  CHECK(LoadModel(path, other) != model);
  CHECK(LoadModel(path, other)->batch == 4);
  folder.manifest.batch = 7;
  CHECK(LoadModel(folder.Write(), Fake(0))->batch == 7);
  model.reset();
  CHECK(Counts(0).created == Counts(0).destroyed);
}

TEST_CASE("what a backend places is looked at") {
  ResetFakes(1);
  const Folder folder;
  const auto model = LoadModel(folder.Write(), Fake(0));
  Network& network = model->At("main");
  const auto failure = [&](std::vector<std::pair<std::uint32_t, Dims>> places,
                           pixloom_status status = PIXLOOM_OK) {
    Behaviour(0).run = [=](const pixloom_tensor*, pixloom_outputs* outputs) -> pixloom_status {
      for (const auto& [index, dims] : places) {
        float* memory = outputs->place(outputs->context, index,
                                       static_cast<std::uint32_t>(dims.size()), dims.data());
        if (memory == nullptr) return PIXLOOM_OUT_OF_MEMORY;
        std::fill_n(memory, Elements(dims), 0.0f);
      }
      return status;
    };
    const auto out = RunOnes(network);
    CHECK_FALSE(out.Ok());
    return out.Ok() ? RunFailure{PIXLOOM_OK, "none"} : out.Error();
  };
  const Dims right{2, 3, 4, 5};
  CHECK(failure({}).message == "output y was not given");
  CHECK(failure({{1, right}}).message == "output number 1 was placed, there are 1");
  CHECK(failure({{0, right}, {0, right}}).message == "output y was placed twice");
  CHECK(failure({{0, right}, {0, right}}).status == PIXLOOM_FAILED);
  CHECK(failure({{0, {2, 3, 4}}}).message ==
        "output y is 2x3x4 for a batch of 2, the manifest says 3x?x? each");
  CHECK(failure({{0, {1, 3, 4, 5}}}).status == PIXLOOM_FAILED);
  CHECK(failure({{0, {2, 3, 0, 5}}}).status == PIXLOOM_FAILED);
  CHECK(failure({{0, {2, 3, -4, 5}}}).status == PIXLOOM_FAILED);
  CHECK(failure({{0, {2, 3, 1LL << 40, 1LL << 40}}}).status == PIXLOOM_FAILED);
  CHECK(failure({{0, {2, 3, 1LL << 30, 1LL << 28}}}).status == PIXLOOM_OUT_OF_MEMORY);
  CHECK(failure({{0, right}}, PIXLOOM_DEVICE_LOST).status == PIXLOOM_DEVICE_LOST);
  const std::uint64_t before = network.Use().runs;
  Behaviour(0).run = nullptr;
  CHECK(RunOnes(network).Ok());
  CHECK(network.Use().runs == before + 1);  // those that failed made nothing
}

// Runs from several threads at once; each run waits until `together` are under way, or a moment.
void RunFromThreads(Network& network, int threads, int together) {
  std::atomic<int> under_way{0};
  Behaviour(0).run = [&](const pixloom_tensor* in, pixloom_outputs* outputs) {
    ++under_way;
    for (int i = 0; i < 200 && under_way < together; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    float* to = outputs->place(outputs->context, 0, in->ndim, in->dims);
    for (std::int64_t i = 0; i < 60 * in->dims[0]; ++i) to[i] = in->data[i] + 1;
    return PIXLOOM_OK;
  };
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> all;
    for (int t = 0; t < threads; ++t) {
      all.emplace_back([&, t] {
        for (int i = 0; i < 20; ++i) {
          std::vector<Tensor> inputs;
          inputs.push_back(network.NewInput({2, 3, 4, 5}));
          const auto value = static_cast<float>(100 * t + i);
          std::fill_n(inputs[0].data(), inputs[0].size(), value);
          const auto out = network.Run(inputs);
          wrong += !out.Ok() || (*out)[0].data()[0] != value + 1 ? 1 : 0;
        }
      });
    }
  }
  CHECK(wrong == 0);
  Behaviour(0).run = nullptr;
}

TEST_CASE("an instance that is not concurrent is never used by two threads") {
  ResetFakes(1);
  const Folder folder;
  ModelChoice choice = Fake(0);
  choice.in_flight = 3;
  const auto model = LoadModel(folder.Write(), choice);
  CHECK(Counts(0).created == 1);  // more are made when they are needed
  CHECK(model->At("main").InFlight() == 3);
  RunFromThreads(model->At("main"), 6, 6);
  CHECK(Counts(0).shared == 0);
  CHECK(Counts(0).created == 3);
  CHECK(Counts(0).most_running == 3);
}

TEST_CASE("where there is no memory for another instance, those that are there have to do") {
  ResetFakes(1);
  const Folder folder;
  Behaviour(0).most_instances = 2;
  ModelChoice choice = Fake(0);
  choice.in_flight = 4;
  const auto model = LoadModel(folder.Write(), choice);
  RunFromThreads(model->At("main"), 6, 2);
  CHECK(Counts(0).shared == 0);
  CHECK(Counts(0).created == 2);
}

TEST_CASE("a concurrent backend has one instance for all threads") {
  ResetFakes(1);
  Behaviour(0).concurrent = true;
  const Folder folder;
  ModelChoice choice = Fake(0);
  choice.in_flight = 3;
  auto model = LoadModel(folder.Write(), choice);
  RunFromThreads(model->At("main"), 4, 4);
  CHECK(Counts(0).created == 1);
  CHECK(Counts(0).most_running >= 2);
  // Time during which something ran, not the sum over threads.
  CHECK(model->At("main").Use().nanoseconds > 0);
  model.reset();
  CHECK(Counts(0).destroyed == 1);
}

}  // namespace
}  // namespace pixloom
