// SPDX-License-Identifier: Apache-2.0
#include "tests/models/backend_checks.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "tests/models/onnx_file.h"

namespace pixloom {
namespace {

using Sizes = std::vector<std::int64_t>;
using Doubles = std::vector<double>;

std::vector<float> Weights(std::size_t count, double step) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(0.4 * std::sin(step * static_cast<double>(i) + step));
  }
  return values;
}

std::size_t Count(const Sizes& sizes) {
  std::size_t count = 1;
  for (const std::int64_t n : sizes) count *= static_cast<std::size_t>(n);
  return count;
}

struct Picture {  // {batch, channels, height, width} in double precision
  std::int64_t n, c, h, w;
  Doubles data;
  Picture(std::int64_t n_, std::int64_t c_, std::int64_t h_, std::int64_t w_)
      : n(n_), c(c_), h(h_), w(w_), data(static_cast<std::size_t>(n_ * c_ * h_ * w_)) {}
  double& At(std::int64_t b, std::int64_t k, std::int64_t y, std::int64_t x) {
    return data[static_cast<std::size_t>(((b * c + k) * h + y) * w + x)];
  }
  double Or0(std::int64_t b, std::int64_t k, std::int64_t y, std::int64_t x) {
    return y < 0 || x < 0 || y >= h || x >= w ? 0 : At(b, k, y, x);
  }
};

Picture Read(const Numbers& numbers) {
  Picture picture(numbers.dims[0], numbers.dims[1], numbers.dims[2], numbers.dims[3]);
  picture.data.assign(numbers.data.begin(), numbers.data.end());
  return picture;
}

Numbers Write(const Sizes& dims, const Doubles& data) { return {dims, {data.begin(), data.end()}}; }

template <class Visit>
void ForEach(const Picture& p, Visit visit) {
  for (std::int64_t b = 0; b < p.n; ++b)
    for (std::int64_t k = 0; k < p.c; ++k)
      for (std::int64_t y = 0; y < p.h; ++y)
        for (std::int64_t x = 0; x < p.w; ++x) visit(b, k, y, x);
}

// 3x3, padding 1.
Picture Conv(Picture& in, const std::vector<float>& weights, const std::vector<float>& bias) {
  Picture out(in.n, static_cast<std::int64_t>(bias.size()), in.h, in.w);
  ForEach(out, [&](auto b, auto k, auto y, auto x) {
    double sum = bias[static_cast<std::size_t>(k)];
    for (std::int64_t c = 0; c < in.c; ++c)
      for (std::int64_t i = 0; i < 9; ++i)
        sum += weights[static_cast<std::size_t>((k * in.c + c) * 9 + i)] *
               in.Or0(b, c, y + i / 3 - 1, x + i % 3 - 1);
    out.At(b, k, y, x) = sum;
  });
  return out;
}

// 4x4, stride 2, padding 1: twice the size.
Picture Deconv(Picture& in, const std::vector<float>& weights, std::int64_t channels) {
  Picture out(in.n, channels, in.h * 2, in.w * 2);
  ForEach(in, [&](auto b, auto c, auto y, auto x) {
    for (std::int64_t k = 0; k < channels; ++k)
      for (std::int64_t i = 0; i < 16; ++i) {
        const std::int64_t v = 2 * y - 1 + i / 4, u = 2 * x - 1 + i % 4;
        if (v < 0 || u < 0 || v >= out.h || u >= out.w) continue;
        out.At(b, k, v, u) +=
            weights[static_cast<std::size_t>((c * channels + k) * 16 + i)] * in.At(b, c, y, x);
      }
  });
  return out;
}

const std::vector<float> kConv1 = Weights(8 * 3 * 9, 0.7), kBias1 = Weights(8, 1.1);
const std::vector<float> kConv2 = Weights(3 * 8 * 9, 0.3), kBias2 = Weights(3, 2.3);
const std::vector<float> kDense = Weights(2 * 8, 0.9), kDenseBias = Weights(2, 1.7);
const std::vector<float> kDeconv = Weights(6 * 5 * 16, 0.77);
const std::vector<float> kGain = {1.3f, 0.7f, -0.9f, 1.1f, 0.5f}, kShift = Weights(5, 0.5);
const std::vector<float> kMean = Weights(5, 1.9), kVariance = {0.5f, 1.2f, 0.8f, 2.0f, 0.3f};

}  // namespace

std::string SmallNetwork() {
  OnnxFile file;
  file.Input("x", {-1, 3, -1, -1});
  file.Weight("w1", {8, 3, 3, 3}, kConv1);
  file.Weight("b1", {8}, kBias1);
  file.Weight("w2", {3, 8, 3, 3}, kConv2);
  file.Weight("b2", {3}, kBias2);
  file.Weight("w3", {2, 8}, kDense);
  file.Weight("b3", {2}, kDenseBias);
  const std::vector<OnnxFile::Attribute> conv = {OnnxFile::List("kernel_shape", {3, 3}),
                                                 OnnxFile::List("pads", {1, 1, 1, 1})};
  file.Node("Conv", {"x", "w1", "b1"}, "c1", conv);
  file.Node("LeakyRelu", {"c1"}, "r1", {OnnxFile::Real("alpha", 0.25f)});
  file.Node("Conv", {"r1", "w2", "b2"}, "c2", conv);
  file.Node("Add", {"x", "c2"}, "y");
  file.Node("GlobalAveragePool", {"r1"}, "pool");
  file.Node("Flatten", {"pool"}, "flat", {OnnxFile::One("axis", 1)});
  file.Node("Gemm", {"flat", "w3", "b3"}, "scores", {OnnxFile::One("transB", 1)});
  file.Output("y", {-1, 3, -1, -1});
  file.Output("scores", {-1, 2});
  return file.Done();
}

std::vector<Numbers> SmallNetworkResults(const Numbers& input) {
  Picture x = Read(input);
  Picture r1 = Conv(x, kConv1, kBias1);
  for (double& v : r1.data) v = v < 0 ? 0.25 * v : v;
  Picture y = Conv(r1, kConv2, kBias2);
  for (std::size_t i = 0; i < y.data.size(); ++i) y.data[i] += x.data[i];
  Doubles scores(static_cast<std::size_t>(x.n * 2));
  for (std::int64_t b = 0; b < x.n; ++b)
    for (std::size_t s = 0; s < 2; ++s) {
      double sum = kDenseBias[s];
      for (std::int64_t k = 0; k < 8; ++k) {
        double mean = 0;
        for (std::int64_t v = 0; v < x.h; ++v)
          for (std::int64_t u = 0; u < x.w; ++u) mean += r1.At(b, k, v, u);
        sum += kDense[s * 8 + static_cast<std::size_t>(k)] * mean / static_cast<double>(x.h * x.w);
      }
      scores[static_cast<std::size_t>(b) * 2 + s] = sum;
    }
  return {Write(input.dims, y.data), Write({x.n, 2}, scores)};
}

std::string TwoInputs() {
  OnnxFile file;
  file.Input("a", {-1, 4});
  file.Input("b", {-1, 4});
  file.Weight("two", {4, 4}, {2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2});
  file.Weight("none", {4}, {0, 0, 0, 0});
  file.Node("Gemm", {"a", "two", "none"}, "doubled", {OnnxFile::One("transB", 1)});
  file.Node("Sub", {"doubled", "b"}, "c");
  file.Output("c", {-1, 4});
  return file.Done();
}

std::string DeconvNetwork() {
  OnnxFile file;
  file.Input("z", {-1, 6, -1, -1});
  file.Weight("w", {6, 5, 4, 4}, kDeconv);
  file.Weight("gain", {5}, kGain);
  file.Weight("shift", {5}, kShift);
  file.Weight("mean", {5}, kMean);
  file.Weight("variance", {5}, kVariance);
  file.Node("ConvTranspose", {"z", "w"}, "d",
            {OnnxFile::List("kernel_shape", {4, 4}), OnnxFile::List("strides", {2, 2}),
             OnnxFile::List("pads", {1, 1, 1, 1})});
  file.Node("BatchNormalization", {"d", "gain", "shift", "mean", "variance"}, "n",
            {OnnxFile::Real("epsilon", 1e-5f)});
  file.Node("Tanh", {"n"}, "picture");
  file.Output("picture", {-1, 5, -1, -1});
  return file.Done();
}

Numbers DeconvResult(const Numbers& input) {
  Picture z = Read(input);
  Picture out = Deconv(z, kDeconv, 5);
  ForEach(out, [&](auto b, auto c, auto y, auto x) {
    const auto k = static_cast<std::size_t>(c);
    double& v = out.At(b, c, y, x);
    v = std::tanh((v - kMean[k]) / std::sqrt(kVariance[k] + 1e-5) * kGain[k] + kShift[k]);
  });
  return Write({out.n, out.c, out.h, out.w}, out.data);
}

Numbers DrawNumbers(const Sizes& dims, std::uint64_t seed) {
  std::mt19937_64 draw(seed);
  Numbers numbers{dims, std::vector<float>(Count(dims))};
  for (float& v : numbers.data) v = static_cast<float>(draw() >> 40) / (1 << 23) - 1;
  return numbers;
}

double LargestDifference(const Numbers& a, const Numbers& b) {
  if (a.dims != b.dims || a.data.size() != b.data.size()) {
    return std::numeric_limits<double>::infinity();
  }
  double largest = 0;
  for (std::size_t i = 0; i < a.data.size(); ++i) {
    const double difference = std::abs(double{a.data[i]} - double{b.data[i]});
    largest = difference <= largest ? largest : difference;  // NaN wins
  }
  return largest;
}

ModelFile::ModelFile(const std::string& bytes) {
  std::string pattern = (std::filesystem::temp_directory_path() / "pixloom_model_XXXXXX").string();
  const int file = mkstemp(pattern.data());
  REQUIRE(file >= 0);
  close(file);
  path_ = pattern;
  Write(bytes);
}

ModelFile::~ModelFile() { std::remove(path_.c_str()); }

void ModelFile::Write(const std::string& bytes) const {
  std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
}

// ---- Checks -------------------------------------------------------------------------------------

void CheckPortsAndNumbers(const PluginHost& host) {
  const ModelFile file(SmallNetwork());
  const PluginInstance instance(host, file.path());
  INFO(instance.error);
  REQUIRE(instance.status == PIXLOOM_OK);
  const pixloom_description about = instance.Describe();
  CHECK(std::string(about.device) == "cpu");
  CHECK(about.waits == 0);
  REQUIRE(about.input_count == 1);
  REQUIRE(about.output_count == 2);
  CHECK(std::string(about.inputs[0].name) == "x");
  REQUIRE(about.inputs[0].ndim == 4);
  CHECK(Sizes(about.inputs[0].dims, about.inputs[0].dims + 4) == Sizes{-1, 3, -1, -1});
  CHECK(std::string(about.outputs[0].name) == "y");
  CHECK(std::string(about.outputs[1].name) == "scores");
  CHECK(Sizes(about.outputs[1].dims, about.outputs[1].dims + 2) == Sizes{-1, 2});

  const Numbers input = DrawNumbers({2, 3, 9, 12}, 1);
  const std::vector<Numbers> expected = SmallNetworkResults(input);
  for (int turn = 0; turn < 3; ++turn) {  // the second and third may go another way
    std::vector<Numbers> outputs;
    std::string why;
    REQUIRE_MESSAGE(instance.Run({input}, outputs, why) == PIXLOOM_OK, why);
    CHECK(LargestDifference(outputs[0], expected[0]) < 1e-5);
    CHECK(LargestDifference(outputs[1], expected[1]) < 1e-5);
  }
}

void CheckBatches(const PluginHost& host) {
  const ModelFile small(SmallNetwork()), deconv(DeconvNetwork());
  const PluginInstance first(host, small.path()), second(host, deconv.path());
  REQUIRE(first.status == PIXLOOM_OK);
  REQUIRE(second.status == PIXLOOM_OK);
  for (const std::int64_t batch : {1, 16, 2, 8, 3, 1, 8, 16, 2, 5, 3, 1}) {
    std::vector<Numbers> outputs;
    std::string why;
    const Numbers x = DrawNumbers({batch, 3, 8, 8}, static_cast<std::uint64_t>(batch));
    REQUIRE_MESSAGE(first.Run({x}, outputs, why) == PIXLOOM_OK, why);
    const std::vector<Numbers> expected = SmallNetworkResults(x);
    CHECK(LargestDifference(outputs[0], expected[0]) < 1e-5);
    CHECK(LargestDifference(outputs[1], expected[1]) < 1e-5);

    const Numbers z = DrawNumbers({batch, 6, 4, 5}, static_cast<std::uint64_t>(batch));
    REQUIRE_MESSAGE(second.Run({z}, outputs, why) == PIXLOOM_OK, why);
    CHECK_MESSAGE(LargestDifference(outputs[0], DeconvResult(z)) < 1e-5, "batch " << batch);
  }
}

void CheckOrderOfPorts(const PluginHost& host) {
  const ModelFile two(TwoInputs()), small(SmallNetwork());
  const Numbers a{{1, 4}, {1, 2, 3, 4}}, b{{1, 4}, {10, 20, 30, 40}};
  std::vector<Numbers> outputs;
  std::string why;
  InstanceOptions options;
  options.inputs = {"b", "a"};
  const PluginInstance turned(host, two.path(), options);
  REQUIRE_MESSAGE(turned.status == PIXLOOM_OK, turned.error);
  REQUIRE(turned.Run({b, a}, outputs, why) == PIXLOOM_OK);
  CHECK(outputs[0].data == std::vector<float>{-8, -16, -24, -32});

  options.inputs = {};
  options.outputs = {"scores", "y"};
  const PluginInstance back(host, small.path(), options);
  REQUIRE(back.status == PIXLOOM_OK);
  REQUIRE(back.Run({DrawNumbers({3, 3, 8, 8}, 2)}, outputs, why) == PIXLOOM_OK);
  CHECK(outputs[0].dims == Sizes{3, 2});
  CHECK(outputs[1].dims == Sizes{3, 3, 8, 8});
  options.outputs = {"scores"};  // some outputs are enough
  const PluginInstance one(host, small.path(), options);
  REQUIRE(one.status == PIXLOOM_OK);
  CHECK(one.Describe().output_count == 1);

  options.outputs = {"nothing"};
  const PluginInstance wrong(host, small.path(), options);
  CHECK(wrong.status == PIXLOOM_BAD_SHAPE);
  CHECK(wrong.error == "the graph has no output 'nothing'; it has y, scores");
  options.outputs = {};
  options.inputs = {"a"};
  const PluginInstance half(host, two.path(), options);
  CHECK(half.status == PIXLOOM_BAD_SHAPE);
}

void CheckRefusals(const PluginHost& host) {
  const ModelFile file(SmallNetwork());
  const PluginInstance instance(host, file.path());
  REQUIRE(instance.status == PIXLOOM_OK);
  std::vector<Numbers> outputs;
  std::string why;
  CHECK(instance.Run({DrawNumbers({1, 4, 8, 8}, 1)}, outputs, why) == PIXLOOM_BAD_SHAPE);
  CHECK(why == "input 'x' is 1x4x8x8; the graph takes ?x3x?x?");
  CHECK(instance.Run({DrawNumbers({1, 3, 8}, 1)}, outputs, why) == PIXLOOM_BAD_SHAPE);
  CHECK(instance.Run({}, outputs, why) == PIXLOOM_BAD_SHAPE);
  CHECK(instance.Run({{{0, 3, 8, 8}, {}}}, outputs, why) == PIXLOOM_BAD_SHAPE);
  // It still works.
  CHECK(instance.Run({DrawNumbers({1, 3, 8, 8}, 1)}, outputs, why) == PIXLOOM_OK);

  const PluginInstance missing(host, file.path() + ".none");
  CHECK(missing.status == PIXLOOM_BAD_MODEL);
  CHECK(missing.error.find(file.path() + ".none") != std::string::npos);
  const auto create = [&](auto change) {
    InstanceOptions options;
    change(options);
    return PluginInstance(host, file.path(), options).status;
  };
  CHECK(create([](auto& o) { o.format = "torchscript"; }) == PIXLOOM_BAD_MODEL);
  CHECK(create([](auto& o) { o.device = "abacus"; }) == PIXLOOM_NO_DEVICE);
  CHECK(create([](auto& o) { o.precision = PIXLOOM_FP16; }) == PIXLOOM_UNSUPPORTED_OP);
  CHECK(host.api->probe(file.path().c_str(), "onnx", "cpu") == PIXLOOM_OK);
  CHECK(host.api->probe(file.path().c_str(), "onnx", "abacus") == PIXLOOM_NO_DEVICE);
  CHECK(host.api->probe((file.path() + ".none").c_str(), "onnx", "cpu") == PIXLOOM_BAD_MODEL);

  OnnxFile strange;
  strange.Input("x", {-1, 4});
  strange.Node("Frobnicate", {"x"}, "y");
  strange.Output("y", {-1, 4});
  file.Write(strange.Done());
  const PluginInstance unknown(host, file.path());
  CHECK_MESSAGE(unknown.status == PIXLOOM_UNSUPPORTED_OP, unknown.error);
}

namespace {

// Loads what is in the file and runs it once.
pixloom_status TryFile(const PluginHost& host, const ModelFile& file) {
  const PluginInstance instance(host, file.path());
  if (instance.status != PIXLOOM_OK) return instance.status;
  std::vector<Numbers> outputs, inputs;
  const pixloom_description about = instance.Describe();
  for (std::uint32_t i = 0; i < about.input_count; ++i) {
    Sizes dims(about.inputs[i].dims, about.inputs[i].dims + about.inputs[i].ndim);
    for (std::int64_t& n : dims) n = n < 0 ? 6 : n;
    if (Count(dims) > 1'000'000) return PIXLOOM_BAD_SHAPE;
    inputs.push_back(DrawNumbers(dims, 1));
  }
  std::string why;
  return instance.Run(inputs, outputs, why);
}

// Works through `count` files in children; a child that dies is followed by another that goes on
// behind the file that killed it. Returns what each file gave; -1: it killed its child.
std::vector<int> TryInChildren(const PluginHost& host, int count, const auto& bytes_of) {
  const std::size_t size = sizeof(int) * static_cast<std::size_t>(count + 1);
  int* shared = static_cast<int*>(
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  REQUIRE(shared != MAP_FAILED);
  int& next = shared[count];
  std::fill_n(shared, count, -1);
  const ModelFile file("");
  while (next < count) {
    const int begun = next;
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // What libraries print about damaged files is not looked at.
      if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(2);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
      const rlimit memory = {rlim_t{4} << 30, rlim_t{4} << 30};
      setrlimit(RLIMIT_AS, &memory);
#endif
      while (next < count) {
        const int index = next++;
        alarm(60);
        file.Write(bytes_of(index));
        shared[index] = TryFile(host, file);
      }
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (next == begun) break;  // it could not even begin
  }
  const std::vector<int> results(shared, shared + count);
  munmap(shared, size);
  return results;
}

// What ended the process in ONNX Runtime 1.21 or OpenCV 4.6 when their parsers were asked alone.
std::vector<std::string> DeadlyFiles() {
  std::vector<std::string> files;
  const auto deconv = [&](const Sizes& strides, const Sizes& weight_sizes) {
    OnnxFile file;
    file.Input("z", {-1, 6, -1, -1});
    file.Weight("w", weight_sizes, kDeconv);
    file.Node("ConvTranspose", {"z", "w"}, "d",
              {OnnxFile::List("kernel_shape", {4, 4}), OnnxFile::List("strides", strides)});
    file.Output("d", {-1, 5, -1, -1});
    files.push_back(file.Done());
  };
  deconv({2, 0}, {6, 5, 4, 4});
  deconv({2, 2}, {});
  deconv({2, 2}, {6, 5, 400, 4});
  deconv({2, 2}, {std::int64_t{1} << 40, std::int64_t{1} << 40, 4, 4});
  OnnxFile dense;  // weights without values
  dense.Input("x", {-1, 8});
  dense.Weight("w", {2, 8}, {});
  dense.Node("Gemm", {"x", "w"}, "y", {OnnxFile::One("transB", 1)});
  dense.Output("y", {-1, 2});
  files.push_back(dense.Done());
  return files;
}

}  // namespace

void CheckDamagedFiles(const PluginHost& host) {
  const std::vector<std::string> deadly = DeadlyFiles();
  const auto one = [&](int i) { return deadly[static_cast<std::size_t>(i)]; };
  for (const int status : TryInChildren(host, static_cast<int>(deadly.size()), one)) {
    CHECK(status == PIXLOOM_BAD_MODEL);
  }
  for (const std::string& whole : {SmallNetwork(), DeconvNetwork()}) {
    const auto cut = [&](int i) {
      return whole.substr(0, whole.size() * static_cast<std::size_t>(i) / 50);
    };
    for (const int status : TryInChildren(host, 50, cut)) CHECK(status == PIXLOOM_BAD_MODEL);

    const auto flipped = [&](int index) {
      std::mt19937_64 draw(static_cast<std::uint64_t>(index));
      std::string bytes = whole;
      // Weights are most of the bytes and all values of theirs are fine: half of the changes go
      // where the structure is, around names and tags, that is to bytes that are text or small.
      const int changes = 1 + index % 4;
      for (int done = 0; done < changes;) {
        char& byte = bytes[draw() % bytes.size()];
        if (index % 2 == 0 && !(byte >= 0 && byte < 127)) continue;
        byte = static_cast<char>(byte ^ (1u << draw() % 8));
        ++done;
      }
      return bytes;
    };
    const std::vector<int> results = TryInChildren(host, 500, flipped);
    for (std::size_t i = 0; i < results.size(); ++i) {
      CHECK_MESSAGE(results[i] >= 0, "file " << i << " killed the process");
    }
    CHECK(std::count(results.begin(), results.end(), PIXLOOM_BAD_MODEL) > 50);
  }
}

}  // namespace pixloom
