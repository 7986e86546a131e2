// SPDX-License-Identifier: Apache-2.0
// Which backend, device and precision a model gets, and what is said when it gets none.

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "models/network.h"
#include "tests/models/fake_backend.h"
#include "tests/models/fake_model.h"

namespace pixloom {
namespace {

using namespace testing;

TEST_CASE("auto tells whom it chose and whom it refused, and why") {
  ResetFakes(4);
  Behaviour(0).create = PIXLOOM_UNSUPPORTED_OP;
  Behaviour(1).value = [](float x, bool) { return 2.9f * x; };
  Behaviour(2).outputs[0].name = "z";
  const Folder folder;
  const auto model = LoadModel(folder.Write(), {});
  CHECK(model->device == "fake3 1.0 on cpu");
  REQUIRE(model->notes.size() == 1);
  const std::string& note = model->notes[0];
  CHECK(Has(note, "net: chose fake3 1.0 on cpu; fake0 on cpu refused: "));
  CHECK(Has(note,
            "net.onnx: fake create; fake1 on cpu refused: graph main does not pass its check: "
            "output y: "));
  CHECK(Has(note, "fake2 on cpu refused: "));
  CHECK(Has(note, "its outputs are 'z', the manifest says 'y'"));
  CHECK(Counts(1).created == Counts(1).destroyed);
  CHECK(Counts(2).created == Counts(2).destroyed);
}

TEST_CASE("each way to fail has its code") {
  ResetFakes(4);
  Folder folder;
  const std::string path = folder.Write();
  const std::string onnx = (folder.path / "net.onnx").string();

  CHECK(Rejected((folder.path / "no.yaml").string(), {}).code == "MOD-FILE");
  const Rejection unknown = Rejected(path, [] {
    ModelChoice choice;
    choice.backend = "fake9";
    return choice;
  }());
  CHECK(unknown.code == "MOD-BACKEND");
  CHECK(Has(unknown.text, "fake9"));

  const Rejection device = Rejected(path, Fake(0, "cuda"));
  CHECK(device.code == "MOD-DEVICE");
  CHECK(device.text == path + ": fake0: knows no device cuda, only cpu");

  Behaviour(0).create = PIXLOOM_BAD_MODEL;
  const Rejection damaged = Rejected(path, Fake(0));
  CHECK(damaged.code == "MOD-LOAD");
  CHECK(damaged.text == path + ": fake0 on cpu: " + onnx +
                            ": damaged or not ONNX (fake0: fake create); its hash is " +
                            HashFile(onnx) + ", as the manifest says; export it again");
  Behaviour(0).create = PIXLOOM_BAD_SHAPE;
  CHECK(Rejected(path, Fake(0)).code == "MOD-SHAPE");
  Behaviour(0).create = PIXLOOM_OK;
  Behaviour(0).probe = PIXLOOM_UNSUPPORTED_OP;
  CHECK(Has(Rejected(path, Fake(0)).text, "net.onnx: fake probe"));
  Behaviour(0).probe = PIXLOOM_OK;

  Behaviour(0).runs_on = "gpu";
  const Rejection elsewhere = Rejected(path, Fake(0));
  CHECK(elsewhere.code == "MOD-DEVICE");
  CHECK(Has(elsewhere.text, "cpu was asked for, it runs on gpu"));
  Behaviour(0).runs_on = "";

  Behaviour(0).value = [](float, bool) { return std::numeric_limits<float>::quiet_NaN(); };
  const Rejection nan = Rejected(path, Fake(0));
  CHECK(nan.code == "MOD-CHECK");
  CHECK(Has(nan.text, "not finite"));

  std::ofstream(onnx) << "something else";
  const Rejection other = Rejected(path, Fake(1));
  CHECK(other.code == "MOD-FILE");
  CHECK(Has(other.text, "its hash is " + HashFile(onnx) + ", the manifest says " +
                            folder.Main().hashes["onnx"] + "; export it again"));
  fs::remove(onnx);
  const Rejection missing = Rejected(path, Fake(1));
  CHECK(missing.code == "MOD-FILE");
  CHECK(Has(missing.text, onnx + ": there is no such file"));

  folder.Main().files = {{"torchscript", "net.pt"}};
  folder.Main().hashes.clear();
  const Rejection format = Rejected(folder.Write(), Fake(1));
  CHECK(format.code == "MOD-BACKEND");
  CHECK(Has(format.text, "reads onnx; graph main is there as torchscript"));
  std::ofstream(path) << "pixloom_model: 1\n";
  CHECK(Rejected(path, Fake(1)).code == "MOD-MANIFEST");
}

TEST_CASE("when all refuse, the one that came farthest decides the code") {
  ResetFakes(2);
  const Folder folder;
  Behaviour(0).create = PIXLOOM_BAD_MODEL;
  Behaviour(1).value = [](float x, bool) { return 2 * x; };
  ModelChoice choice;
  choice.device = "cpu";
  const Rejection all = Rejected(folder.Write(), choice);
  CHECK(all.code == "MOD-CHECK");
  CHECK(Has(all.text, "no backend can run it; "));
  CHECK(Has(all.text, "fake0 on cpu: "));
  CHECK(Has(all.text, "fake1 on cpu: graph main does not pass"));
}

TEST_CASE("memory that is not there is no fault of the network") {
  ResetFakes(1);
  const Folder folder;
  Behaviour(0).create = PIXLOOM_OUT_OF_MEMORY;
  CHECK_THROWS_AS(LoadModel(folder.Write(), Fake(0)), EnvironmentError);
}

TEST_CASE("ports of the graph and of the manifest must be the same") {
  ResetFakes(1);
  const Folder folder;
  const std::string path = folder.Write();
  const auto with = [&](std::vector<testing::FakePort> in, std::vector<testing::FakePort> out) {
    Behaviour(0).inputs = std::move(in);
    Behaviour(0).outputs = std::move(out);
    const Rejection r = Rejected(path, Fake(0));
    CHECK((r.code.empty() || r.code == "MOD-SHAPE"));
    return r.text;
  };
  const testing::FakePort x{"x", {-1, 3, -1, -1}}, y{"y", {-1, 3, -1, -1}};
  CHECK(with({x}, {y}) == "");
  CHECK(with({{"x", {}}}, {{"y", {}}}) == "");  // not known before it ran
  CHECK(with({{"", {-1, 3, -1, -1}}}, {{"", {}}}) == "");
  CHECK(with({x}, {{"y", {-1, 3, 8, 8}}}) == "");
  CHECK(Has(with({{"x", {-1, 1, -1, -1}}}, {y}),
            "input 'x' is ?x1x?x? with the batch, the "
            "manifest says 3x?x? without it"));
  CHECK(Has(with({{"x", {-1, 3, 32, 32}}}, {y}), "input 'x' is ?x3x32x32"));
  CHECK(Has(with({{"x", {-1, 3, -1}}}, {y}), "input 'x' is ?x3x?"));
  CHECK(Has(with({{"x", {8, 3, -1, -1}}}, {y}),
            "it takes batches of 8 only; write batch: {size: 8, fixed: true}"));
  CHECK(Has(with({x, {"h", {}}}, {y}), "its inputs are 'x', 'h', the manifest says 'x'"));
  CHECK(Has(with({x}, {{"y", {-1, 4, -1, -1}}}), "output 'y' is ?x4x?x?"));
}

TEST_CASE("a fixed batch is the only one") {
  ResetFakes(1);
  Folder folder;
  folder.manifest.batch = 8;
  folder.manifest.fixed_batch = true;
  Behaviour(0).inputs[0].dims[0] = 8;
  const std::string path = folder.Write();
  CHECK(LoadModel(path, Fake(0))->batch == 8);
  ModelChoice choice = Fake(0);
  choice.batch = 4;
  CHECK(Rejected(path, choice).code == "MOD-SHAPE");
}

TEST_CASE("a device is taken where it is there, and never replaced when it was asked for") {
  ResetFakes(2, {"cpu", "cuda"});
  const Folder folder;
  const std::string path = folder.Write();
  const Rejection asked = Rejected(path, Fake(0, "cuda"));
  CHECK(asked.code == "MOD-DEVICE");
  CHECK(asked.text == path + ": fake0 on cuda: there is no cuda");

  ModelChoice any;
  const auto fallen = LoadModel(path, any);
  CHECK(fallen->device == "fake0 1.0 on cpu");
  CHECK(Has(fallen->notes.at(0), "fake0 on cuda refused: there is no cuda; fake1 on cuda refused"));

  Behaviour(1).devices = {"cpu", "cuda", "cuda:1"};
  Behaviour(1).runs_on = "cuda:0";
  Behaviour(1).waits = true;
  Behaviour(1).pinned = true;
  ModelChoice with_batch;  // another choice: not the model from before
  with_batch.batch = 2;
  const auto gpu = LoadModel(path, with_batch);
  CHECK(gpu->device == "fake1 1.0 on cuda:0");
  CHECK(gpu->At("main").Waits());
  CHECK(gpu->At("main").InFlight() == 3);
  CHECK(gpu->At("main").Device() == "cuda:0");
  CHECK(Counts(1).pinned > 0);
  const int before = Counts(1).pinned;
  CHECK(RunOnes(gpu->At("main")).Ok());
  CHECK(Counts(1).pinned == before + 2);  // what goes in, and what comes out

  const Rejection second = Rejected(path, Fake(1, "cuda:1"));
  CHECK(second.code == "MOD-DEVICE");
  CHECK(Has(second.text, "cuda:1 was asked for, it runs on cuda:0"));
}

TEST_CASE("fp16 only where the manifest and the numbers allow it") {
  ResetFakes(1, {"cpu", "cuda"});
  Behaviour(0).devices = {"cpu", "cuda"};
  Folder folder;
  std::string path = folder.Write();
  auto half = Fake(0, "cuda");
  half.precision = "fp16";
  CHECK(Rejected(path, half).code == "MOD-MANIFEST");
  auto model = LoadModel(path, Fake(0, "cuda"));
  CHECK_FALSE(model->fp16);
  CHECK(Has(model->notes.at(0), "fp32, since the manifest does not allow fp16"));

  folder.manifest.fp16 = true;
  path = folder.Write();
  Behaviour(0).value = [](float x, bool fp16) { return fp16 ? 3.01f * x : 3 * x; };
  model = LoadModel(path, Fake(0, "cuda"));
  CHECK(model->fp16);
  CHECK(model->Use().device == "fake0 1.0 on cuda, fp16");
  CHECK_FALSE(LoadModel(path, Fake(0))->fp16);  // not on the CPU
  auto cpu_half = Fake(0);
  cpu_half.precision = "fp16";
  CHECK(Rejected(path, cpu_half).code == "MOD-DEVICE");
  auto full = Fake(0, "cuda");
  full.precision = "fp32";
  CHECK_FALSE(LoadModel(path, full)->fp16);

  Behaviour(0).value = [](float x, bool fp16) { return fp16 ? 70000.0f / 0.0f : 3 * x; };
  model.reset();
  model = LoadModel(path, Fake(0, "cuda"));
  CHECK_FALSE(model->fp16);
  CHECK(Has(model->notes.at(0), "fp16 refused by fake0 on cuda: graph main does not pass"));
  CHECK(Rejected(path, half).code == "MOD-CHECK");
  half.precision = "fp8";
  CHECK(Has(Rejected(path, half).text, "precision: expected auto, fp32 or fp16, got 'fp8'"));
}

TEST_CASE("a graph file by itself is guessed, and the guess is told") {
  ResetFakes(1);
  const Folder folder;
  const std::string path = (folder.path / "net.onnx").string();
  const auto model = LoadModel(path, Fake(0));
  CHECK(model->manifest.guessed);
  CHECK(model->manifest.role == ModelRole::kEnhancer);
  CHECK(model->manifest.picture.color == PictureInput::Color::kRgb);
  CHECK(model->manifest.graphs.at("main").inputs[0].dims == Dims{3, -1, -1});
  CHECK(model->At("main").Outputs()[0].name == "y");
  CHECK(model->notes.at(0) ==
        path +
            ": there is no manifest; guessed an enhancer of rgb pictures with "
            "values from 0 to 1 that makes pictures; a manifest beside it can "
            "say otherwise");
  const auto out = RunOnes(model->At("main"));
  REQUIRE(out.Ok());
  CHECK((*out)[0].data()[0] == 3.0f);
}

TEST_CASE("a guess finds the scale, gray and fixed sizes, and refuses what is no picture") {
  ResetFakes(1);
  const Folder folder;
  const std::string path = (folder.path / "net.onnx").string();
  Behaviour(0).inputs = {{"in", {4, 1, 8, 6}}};
  Behaviour(0).outputs = {{"out", {}}};
  Behaviour(0).run = [](const pixloom_tensor* in, pixloom_outputs* outputs) {
    const Dims dims{in->dims[0], 1, in->dims[2] * 2, in->dims[3] * 2};
    float* to = outputs->place(outputs->context, 0, 4, dims.data());
    if (to == nullptr) return PIXLOOM_OUT_OF_MEMORY;
    std::fill_n(to, Elements(dims), 0.5f);
    return PIXLOOM_OK;
  };
  auto model = LoadModel(path, Fake(0));
  CHECK(model->manifest.picture.color == PictureInput::Color::kGray);
  CHECK(model->manifest.picture.size == Size{6, 8});
  CHECK(model->manifest.output.scale == 2);
  CHECK(model->manifest.graphs.at("main").outputs[0].dims == Dims{1, 16, 12});
  CHECK(model->batch == 4);
  CHECK(model->manifest.fixed_batch);
  CHECK(Has(model->notes.at(0), "2 times as large"));
  model.reset();

  Behaviour(0).inputs = {{"in", {-1, 784}}};
  CHECK(Rejected(path, Fake(0)).code == "MOD-MANIFEST");
  CHECK(Has(Rejected(path, Fake(0)).text, "it has 'in' ?x784; write a manifest"));
  Behaviour(0).inputs = {{"in", {}}};
  CHECK(Has(Rejected(path, Fake(0)).text, "it has 'in' of unknown size"));
  Behaviour(0).inputs = {{"in", {-1, 3, -1, -1}}};
  Behaviour(0).run = [](const pixloom_tensor* in, pixloom_outputs* outputs) {
    const Dims dims{in->dims[0], 3, 7, 9};
    float* to = outputs->place(outputs->context, 0, 4, dims.data());
    if (to == nullptr) return PIXLOOM_OUT_OF_MEMORY;
    std::fill_n(to, Elements(dims), 0.5f);
    return PIXLOOM_OK;
  };
  CHECK(Has(Rejected(path, Fake(0)).text, "it makes 1x3x7x9 of 1x3x64x64"));
}

}  // namespace
}  // namespace pixloom
