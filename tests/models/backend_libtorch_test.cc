// SPDX-License-Identifier: Apache-2.0
// The backend libtorch through its C tables alone: networks written by its own extension against
// double arithmetic and against Python's torch, several threads, refusals, damaged files.
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "pipeline/rng.h"
#include "tests/support/libtorch.h"

namespace pixloom {
namespace {

using namespace testing;
namespace fs = std::filesystem;

// ---- A network with every kind of weight, and the same in double precision ----------------------

constexpr const char* kSource = R"(
def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
    a = torch.conv2d(x, self.c_weight, self.c_bias, [2, 2], [1, 1])
    a = torch.batch_norm(a, self.n_weight, self.n_bias, self.n_mean, self.n_var, self.training,
                         0.1, 1e-05, False)
    a = torch.relu(a)
    b = torch.conv_transpose2d(a, self.d_weight, self.d_bias, [2, 2], [1, 1], [1, 1], 1, [1, 1])
    return torch.linear(torch.tanh(b).flatten(1), self.l_weight, self.l_bias), b
)";
constexpr int kIn = 3, kMid = 5, kOut = 2, kSide = 6, kHalf = 3, kDense = 4;

Weights DrawnWeights() {
  Weights weights = {{"c_weight", Drawn(1, {kMid, kIn, 3, 3})},
                     {"c_bias", Drawn(2, {kMid})},
                     {"n_weight", Drawn(3, {kMid})},
                     {"n_bias", Drawn(4, {kMid})},
                     {"n_mean", Drawn(5, {kMid})},
                     {"n_var", Drawn(6, {kMid})},
                     {"d_weight", Drawn(7, {kMid, kOut, 3, 3})},
                     {"d_bias", Drawn(8, {kOut})},
                     {"l_weight", Drawn(9, {kDense, kOut * kSide * kSide})},
                     {"l_bias", Drawn(10, {kDense})}};
  for (float& variance : weights["n_var"].data) variance = 1.5f + variance;
  return weights;
}

// {dense, picture} of one item.
std::pair<std::vector<double>, std::vector<double>> Expected(const Weights& weights,
                                                             const float* x) {
  const auto weight = [&](const char* name, int i) -> double {
    return weights.at(name).data[static_cast<std::size_t>(i)];
  };
  std::vector<double> middle(kMid * kHalf * kHalf), picture(kOut * kSide * kSide), dense(kDense);
  for (int c = 0; c < kMid; ++c) {
    for (int y = 0; y < kHalf; ++y) {
      for (int z = 0; z < kHalf; ++z) {
        double sum = weight("c_bias", c);
        for (int k = 0; k < kIn; ++k) {
          for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 3; ++j) {
              const int row = 2 * y - 1 + i, column = 2 * z - 1 + j;
              if (row < 0 || row >= kSide || column < 0 || column >= kSide) continue;
              sum += weight("c_weight", ((c * kIn + k) * 3 + i) * 3 + j) *
                     x[(k * kSide + row) * kSide + column];
            }
          }
        }
        sum = (sum - weight("n_mean", c)) / std::sqrt(weight("n_var", c) + 1e-5) *
                  weight("n_weight", c) +
              weight("n_bias", c);
        middle[static_cast<std::size_t>((c * kHalf + y) * kHalf + z)] = std::max(sum, 0.0);
      }
    }
  }
  for (int o = 0; o < kOut; ++o) {
    for (int i = 0; i < kSide * kSide; ++i) {
      picture[static_cast<std::size_t>(o * kSide * kSide + i)] = weight("d_bias", o);
    }
  }
  for (int c = 0; c < kMid; ++c) {
    for (int o = 0; o < kOut; ++o) {
      for (int y = 0; y < kHalf; ++y) {
        for (int z = 0; z < kHalf; ++z) {
          for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 3; ++j) {
              const int row = 2 * y - 1 + i, column = 2 * z - 1 + j;
              if (row < 0 || row >= kSide || column < 0 || column >= kSide) continue;
              picture[static_cast<std::size_t>((o * kSide + row) * kSide + column)] +=
                  middle[static_cast<std::size_t>((c * kHalf + y) * kHalf + z)] *
                  weight("d_weight", ((c * kOut + o) * 3 + i) * 3 + j);
            }
          }
        }
      }
    }
  }
  for (int f = 0; f < kDense; ++f) {
    double sum = weight("l_bias", f);
    for (std::size_t i = 0; i < picture.size(); ++i) {
      sum += weight("l_weight", f * static_cast<int>(picture.size()) + static_cast<int>(i)) *
             std::tanh(picture[i]);
    }
    dense[static_cast<std::size_t>(f)] = sum;
  }
  return {dense, picture};
}

double Furthest(const std::vector<double>& expected, const float* got) {
  double furthest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double off = std::abs(expected[i] - got[i]);
    if (!(off <= furthest)) furthest = off;  // not a number counts
  }
  return furthest;
}

std::string WriteNetwork(const Plugin& plugin, const Folder& folder) {
  const std::string path = folder / "net.pt";
  REQUIRE_MESSAGE(Write(plugin, path, kSource, DrawnWeights()) == PIXLOOM_OK,
                  std::string(plugin.api->last_error(nullptr)));
  return path;
}

// ---- Tests --------------------------------------------------------------------------------------

TEST_CASE("the plugin says what it found, and which BLAS") {
  const Plugin* const plugin = Libtorch();
  if (plugin == nullptr) return;
  CHECK(plugin->info->id == std::string("libtorch"));
  CHECK(plugin->info->abi_version == PIXLOOM_ABI_VERSION);
  const std::string runtime = plugin->info->runtime;
  INFO(runtime);
  CHECK(runtime.starts_with("libtorch "));
  const fs::path blas = "/usr/lib/x86_64-linux-gnu/libblas.so.3";
  CHECK(runtime.find("no BLAS") == std::string::npos);
  if (fs::exists(blas) && runtime.find("MKL") == std::string::npos) {
    const bool open = fs::canonical(blas).string().find("openblas") != std::string::npos;
    const bool reference = runtime.find("reference BLAS: install libopenblas") != std::string::npos;
    CHECK((runtime.find("OpenBLAS") != std::string::npos) == open);
    CHECK(reference == !open);
  }
}

TEST_CASE("a written network gives what double arithmetic gives, whatever the batch") {
  const Plugin* const plugin = Libtorch();
  if (plugin == nullptr) return;
  const Folder folder;
  const std::string path = WriteNetwork(*plugin, folder);
  CHECK(plugin->api->probe(path.c_str(), "torchscript", "cpu") == PIXLOOM_OK);
  const Instance instance(*plugin, path, {.outputs = {"features", "picture"}});
  REQUIRE_MESSAGE(instance.status == PIXLOOM_OK, instance.error);
  CHECK(instance.description.input_count == 1);
  CHECK(instance.description.inputs[0].name == std::string("x"));
  CHECK(instance.description.inputs[0].ndim == 0);
  CHECK(instance.description.output_count == 2);
  CHECK(instance.description.outputs[1].name == std::string("picture"));
  CHECK(instance.description.flags == PIXLOOM_RUNS_CONCURRENTLY);
  CHECK(instance.description.waits == 0);
  CHECK(instance.description.device == std::string("cpu"));

  const Weights weights = DrawnWeights();
  const Values all = Drawn(77, {16, kIn, kSide, kSide});
  const std::size_t item = kIn * kSide * kSide;
  for (const int batch : {1, 2, 3, 8, 16, 3, 1}) {
    CAPTURE(batch);
    const Values input{{batch, kIn, kSide, kSide},
                       {all.data.begin(), all.data.begin() + static_cast<long>(item) * batch}};
    const Answer answer = instance.Run({input});
    REQUIRE_MESSAGE(answer.status == PIXLOOM_OK, answer.error);
    REQUIRE(answer.outputs.size() == 2);
    CHECK(answer.outputs[0].dims == Dims{batch, kDense});
    CHECK(answer.outputs[1].dims == Dims{batch, kOut, kSide, kSide});
    for (int n = 0; n < batch; ++n) {
      const auto [dense, picture] = Expected(weights, all.data.data() + item * std::size_t(n));
      CHECK(Furthest(dense, answer.outputs[0].data.data() + n * kDense) < 2e-5);
      CHECK(Furthest(picture, answer.outputs[1].data.data() + n * kOut * kSide * kSide) < 5e-6);
    }
  }
  // One output alone, and the names that the plugin makes up.
  const Instance first(*plugin, path, {.outputs = {"features"}});
  CHECK(first.Run({all}).outputs.size() == 1);
  CHECK(Instance(*plugin, path).description.outputs[1].name == std::string("out1"));
}

TEST_CASE("Python's torch loads what was written and agrees") {
  const Plugin* const plugin = Libtorch();
  if (plugin == nullptr) return;
  if (std::system("/usr/bin/python3 -W ignore -c 'import torch' 2>/dev/null") != 0) {
    MESSAGE("skipped: /usr/bin/python3 has no torch");
    return;
  }
  const Folder folder;
  const Values input = Drawn(5, {3, kIn, kSide, kSide});
  const std::string path = WriteNetwork(*plugin, folder);
  const Answer answer = Instance(*plugin, path).Run({input});
  std::ofstream(folder / "x", std::ios::binary)
      .write(reinterpret_cast<const char*>(input.data.data()),
             static_cast<std::streamsize>(input.data.size() * sizeof(float)));
  std::ofstream(folder / "check.py") << R"(
import sys, torch
module = torch.jit.load('net.pt')
assert not module.training
assert all(p.requires_grad for p in module.parameters()), 'to be trained on'
assert sorted(n for n, _ in module.named_buffers()) == ['n_mean', 'n_var']
x = torch.frombuffer(bytearray(open('x', 'rb').read()), dtype=torch.float32).reshape(3, 3, 6, 6)
open('y', 'wb').write(module(x)[0].detach().numpy().tobytes())
)";
  REQUIRE(std::system(
              ("cd " + folder.path.string() + " && /usr/bin/python3 -W ignore check.py").c_str()) ==
          0);
  std::ifstream file(folder / "y", std::ios::binary);
  std::vector<float> theirs(3 * kDense);
  file.read(reinterpret_cast<char*>(theirs.data()), 3 * kDense * sizeof(float));
  REQUIRE(file.good());
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    CHECK(answer.outputs[0].data[i] == doctest::Approx(theirs[i]).epsilon(1e-5));
  }
}

TEST_CASE("several threads run one instance at a time, with the same results") {
  const Plugin* const plugin = Libtorch();
  if (plugin == nullptr) return;
  const Folder folder;
  const Instance instance(*plugin, WriteNetwork(*plugin, folder));
  constexpr int kRounds = 60;
  std::vector<Values> inputs;
  std::vector<std::vector<float>> expected;
  for (int i = 0; i < kRounds; ++i) {
    inputs.push_back(Drawn(100 + static_cast<std::uint64_t>(i), {1 + i % 5, kIn, kSide, kSide}));
    expected.push_back(instance.Run({inputs.back()}).outputs.at(0).data);
  }
  std::vector<int> wrong(3);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const auto at = static_cast<std::size_t>((i * (t + 1) + t) % kRounds);
        const Answer answer = instance.Run({inputs[at]});
        if (answer.status != PIXLOOM_OK || answer.outputs.at(0).data != expected[at]) {
          ++wrong[static_cast<std::size_t>(t)];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>{0, 0, 0});
}

TEST_CASE("a CUDA device gives the same numbers, from pinned memory and from other") {
  const Plugin* const plugin = Libtorch();
  if (plugin == nullptr) return;
  const Folder folder;
  const std::string path = WriteNetwork(*plugin, folder);
  if (plugin->api->probe(path.c_str(), "torchscript", "cuda") != PIXLOOM_OK) {
    MESSAGE("skipped: " << std::string(plugin->api->last_error(nullptr)));
    return;
  }
  const Instance here(*plugin, path);
  for (const std::uint32_t precision : {PIXLOOM_FP32, PIXLOOM_FP16}) {
    for (const char* const extra : {"", "channels_last=1\ntimes=1"}) {
      CAPTURE(precision);
      CAPTURE(extra);
      const Instance there(*plugin, path,
                           {.device = "cuda", .extra = extra, .precision = precision});
      REQUIRE_MESSAGE(there.status == PIXLOOM_OK, there.error);
      CHECK(there.description.device == std::string("cuda:0"));
      CHECK(there.description.waits == 1);
      for (const int batch : {1, 8, 3, 1}) {
        const Values input = Drawn(std::uint64_t(batch), {batch, kIn, kSide, kSide});
        const Answer expected = here.Run({input});
        const Answer answer = there.Run({input});
        REQUIRE_MESSAGE(answer.status == PIXLOOM_OK, answer.error);
        for (std::size_t i = 0; i < 2; ++i) {
          const std::vector<double> wanted(expected.outputs[i].data.begin(),
                                           expected.outputs[i].data.end());
          CHECK(Furthest(wanted, answer.outputs[i].data.data()) <
                (precision == PIXLOOM_FP32 ? 5e-5 : 0.2));
        }
      }
      CHECK(there.Run({Drawn(1, {1, kIn + 1, kSide, kSide})}).status == PIXLOOM_BAD_SHAPE);
    }
  }
  const auto* const pinned = static_cast<const pixloom_pinned_memory*>(
      plugin->api->get_extension(nullptr, "pinned-memory/1"));
  REQUIRE(pinned != nullptr);
  auto* const memory = static_cast<float*>(pinned->allocate(4096));
  REQUIRE(memory != nullptr);
  CHECK(reinterpret_cast<std::uintptr_t>(memory) % 64 == 0);
  pinned->release(memory);
}

TEST_CASE("inputs come by name, and are left alone by modules that work in place") {
  const Plugin* const plugin = Libtorch();
  if (plugin == nullptr) return;
  const Folder folder;
  const std::string path = folder / "m.pt";
  const Values one{{2, 2}, {1, 2, 3, 4}}, other{{2, 2}, {10, 20, 30, 40}};

  REQUIRE(Write(*plugin, path, R"(
def forward(self, a: Tensor, scale: float = 2.0, b: Optional[Tensor] = None) -> Tensor:
    return a * scale + b if b is not None else a * scale
)") == PIXLOOM_OK);
  CHECK(Instance(*plugin, path).Run({one}).outputs.at(0).data == std::vector<float>{2, 4, 6, 8});
  const Instance named(*plugin, path, {.inputs = {"b", "a"}});
  REQUIRE_MESSAGE(named.status == PIXLOOM_OK, named.error);
  CHECK(named.description.inputs[0].name == std::string("b"));
  CHECK(named.Run({one, other}).outputs.at(0).data == std::vector<float>{21, 42, 63, 84});
  CHECK(named.Run({one}).status == PIXLOOM_BAD_SHAPE);
  // Names that nothing in the graph has say nothing; one of two that has does.
  CHECK(Instance(*plugin, path, {.inputs = {"image"}}).Run({one}).status == PIXLOOM_OK);
  const Instance half(*plugin, path, {.inputs = {"a", "c"}});
  CHECK(half.status == PIXLOOM_BAD_MODEL);
  CHECK(half.error.find("no input 'c'") != std::string::npos);

  REQUIRE(Write(*plugin, path, R"(
def forward(self, x: Tensor) -> List[Tensor]:
    y = x.flatten()
    y.mul_(3.0)
    return [x, x.t()]
)") == PIXLOOM_OK);
  CHECK(Instance(*plugin, path).status == PIXLOOM_UNSUPPORTED_OP);
  const Instance in_place(*plugin, path, {.outputs = {"same", "turned"}});
  const std::vector<Values> given = {one};
  const Answer answer = in_place.Run(given);
  REQUIRE_MESSAGE(answer.status == PIXLOOM_OK, answer.error);
  CHECK(answer.outputs.at(0).data == std::vector<float>{3, 6, 9, 12});
  CHECK(answer.outputs.at(1).data == std::vector<float>{3, 9, 6, 12});
  CHECK(given[0].data == std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("a module that remembers is run by one thread at a time") {
  const Plugin* const plugin = Libtorch();
  if (plugin == nullptr) return;
  const Folder folder;
  const std::string path = folder / "m.pt";
  REQUIRE(Write(*plugin, path, R"(
def forward(self, x: Tensor) -> Tensor:
    self.count.add_(1.0)
    return x + self.count
)",
                {{"count", {{1}, {0}}}}) == PIXLOOM_OK);
  const Instance instance(*plugin, path);
  REQUIRE_MESSAGE(instance.status == PIXLOOM_OK, instance.error);
  CHECK(instance.description.flags == 0);
  instance.Run({{{1, 1}, {5}}});
  CHECK(instance.Run({{{1, 1}, {5}}}).outputs.at(0).data == std::vector<float>{7});
}

TEST_CASE("what cannot be done is refused in words") {
  const Plugin* const plugin = Libtorch();
  if (plugin == nullptr) return;
  const Folder folder;
  const std::string path = WriteNetwork(*plugin, folder);
  const auto refused = [&](const Asked& asked, pixloom_status status, const std::string& words,
                           const std::string& file) {
    const Instance instance(*plugin, file, asked);
    CAPTURE(words);
    CHECK(instance.status == status);
    CHECK_MESSAGE(instance.error.find(words) != std::string::npos, instance.error);
  };
  if (std::string(plugin->info->runtime).find("CUDA") == std::string::npos) {
    refused({.device = "cuda"}, PIXLOOM_NO_DEVICE, "this LibTorch was built without CUDA", path);
    CHECK(plugin->api->probe(path.c_str(), "torchscript", "cuda:0") == PIXLOOM_NO_DEVICE);
    CHECK(plugin->api->get_extension(nullptr, "pinned-memory/1") == nullptr);
  }
  refused({.device = "tensorrt"}, PIXLOOM_NO_DEVICE, "not on 'tensorrt'", path);
  refused({.precision = PIXLOOM_FP16}, PIXLOOM_FAILED, "use precision fp32", path);
  refused({.format = "onnx"}, PIXLOOM_BAD_MODEL, "not 'onnx'", path);
  refused({.extra = "channels_last=1\nspeed=9"}, PIXLOOM_FAILED, "'speed=9'", path);
  refused({.outputs = {"a", "b", "c"}}, PIXLOOM_BAD_MODEL, "no output 'c'", path);
  refused({}, PIXLOOM_BAD_MODEL, "cannot open", folder / "none.pt");
  CHECK(plugin->api->probe((folder / "none.pt").c_str(), "torchscript", "cpu") ==
        PIXLOOM_BAD_MODEL);
  CHECK(Instance(*plugin, path, {.extra = "channels_last=1"}).status == PIXLOOM_OK);

  const Instance instance(*plugin, path);
  const Values good = Drawn(1, {2, kIn, kSide, kSide});
  const std::vector<float> before = instance.Run({good}).outputs.at(0).data;
  const Answer channels = instance.Run({Drawn(1, {2, kIn + 1, kSide, kSide})});
  CHECK(channels.status == PIXLOOM_BAD_SHAPE);
  CHECK(channels.error.find("channels") != std::string::npos);
  CHECK(channels.error.find('\n') == std::string::npos);
  CHECK(instance.Run({Drawn(1, {2, kIn, kSide + 4, kSide})}).status == PIXLOOM_BAD_SHAPE);
  CHECK(instance.Run({Drawn(1, {2, kIn})}).status == PIXLOOM_BAD_SHAPE);
  CHECK(instance.Run({good}, /*memory=*/false).status == PIXLOOM_OUT_OF_MEMORY);
  CHECK(instance.Run({good}).outputs.at(0).data == before);

  const std::string odd = folder / "odd.pt";
  CHECK(Write(*plugin, odd, "def forward(self, x: Tensor) -> Tensor:\n    return nonsense(x)\n") !=
        PIXLOOM_OK);
  CHECK_FALSE(fs::exists(odd));
  CHECK(Write(*plugin, folder / "no/such/folder.pt", kSource, DrawnWeights()) == PIXLOOM_FAILED);
  REQUIRE(Write(*plugin, odd, R"(
def forward(self, x: Tensor) -> Tensor:
    return x + torch.zeros([1099511627776, 64]).sum()
)") == PIXLOOM_OK);
  const Answer large = Instance(*plugin, odd).Run({{{1, 1}, {1}}});
  CHECK_MESSAGE(large.status == PIXLOOM_OUT_OF_MEMORY, large.error);
  REQUIRE(
      Write(*plugin, odd, "def forward(self, x: Tensor, n: int) -> Tensor:\n    return x * n\n") ==
      PIXLOOM_OK);
  refused({}, PIXLOOM_UNSUPPORTED_OP, "'n' of type int", odd);
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 2);  // nothing half written
}

// What a child process makes of a file: 'g' the right numbers, 'r' refused as damaged, 'w' wrong
// numbers, 'o' another status, 's' killed by a signal.
char InChild(const Plugin& plugin, const std::string& path, const Values& input,
             const std::vector<float>& expected) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(60);
    const Instance instance(plugin, path);
    char verdict = instance.status == PIXLOOM_BAD_MODEL ? 'r' : 'o';
    if (instance.status == PIXLOOM_OK) {
      const Answer answer = instance.Run({input});
      verdict = answer.status == PIXLOOM_OK && answer.outputs.at(0).data == expected ? 'g' : 'w';
    }
    ::_exit(verdict);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? static_cast<char>(WEXITSTATUS(status)) : 's';
}

TEST_CASE("a damaged file is refused, and never computes something else") {
  const Plugin* const plugin = Libtorch();
  if (plugin == nullptr) return;
  const Folder folder;
  const std::string path = WriteNetwork(*plugin, folder);
  const Values input = Drawn(3, {2, kIn, kSide, kSide});
  const std::vector<float> expected = Instance(*plugin, path).Run({input}).outputs.at(0).data;
  std::ifstream file(path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(file)), {});
  const std::string damaged = folder / "damaged.pt";
  REQUIRE(InChild(*plugin, path, input, expected) == 'g');
  std::map<char, int> verdicts;
  for (std::uint64_t round = 0; round < 300; ++round) {
    std::string bytes = whole;
    std::uint64_t state = Mix64(round + 1);
    const auto next = [&](std::size_t below) {
      state = Mix64(state);
      return static_cast<std::size_t>(state % below);
    };
    const std::size_t at = next(bytes.size());
    const std::size_t length = std::min<std::size_t>(64, bytes.size() - at);
    switch (round % 4) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        for (std::size_t n = 1 + next(20); n > 0; --n) {
          bytes[next(bytes.size())] ^= static_cast<char>(1 << next(8));
        }
        break;
      case 2:
        bytes.replace(at, length, length, '\0');
        break;
      default:
        for (std::size_t i = 0; i < length; ++i) bytes[at + i] = static_cast<char>(next(256));
    }
    std::ofstream(damaged, std::ios::binary) << bytes;
    const char verdict = InChild(*plugin, damaged, input, expected);
    ++verdicts[verdict];
    if (verdict != 'g' && verdict != 'r') FAIL_CHECK("round " << round << ": " << verdict);
  }
  MESSAGE(verdicts['r'] << " refused, " << verdicts['g'] << " read rightly all the same");
  CHECK(verdicts['r'] >= 150);
}

}  // namespace
}  // namespace pixloom
