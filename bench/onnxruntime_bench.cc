// SPDX-License-Identifier: Apache-2.0
// What the graph costs around ONNX Runtime: pictures through `enhance`, against a bare loop around
// Session::Run over the same batches, packed beforehand, with as many threads. Rounds alternate;
// ratios of medians of one run.
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>

#include "api/pixloom.h"
#include "bench/preloaded.h"
#include "models/layer_list.h"
#include "models/network_files.h"

namespace {

using namespace pixloom;
using Clock = std::chrono::steady_clock;

constexpr int kBatch = 8;

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A bare session: what somebody would write by hand.
class Bare {
 public:
  Bare(const char* library, const std::string& model, int side) : side_(side) {
    void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) throw std::runtime_error(dlerror());
    const auto base = reinterpret_cast<const OrtApiBase* (*)()>(dlsym(handle, "OrtGetApiBase"))();
    Ort::InitApi(base->GetApi(ORT_API_VERSION));
    env_ = Ort::Env(ORT_LOGGING_LEVEL_ERROR, "bench");
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    options.SetInterOpNumThreads(1);
    options.AddConfigEntry("session.intra_op.allow_spinning", "0");
    session_ = Ort::Session(env_, model.c_str(), options);
    input_.assign(static_cast<std::size_t>(kBatch * 3 * side * side), 0.25f);
  }

  double Seconds(int batches, int threads) {
    std::atomic<int> left{batches};
    const auto start = Clock::now();
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
      workers.emplace_back([&] {
        std::vector<float> in = input_, out = input_;
        const std::int64_t dims[] = {kBatch, 3, side_, side_};
        const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
        auto x = Ort::Value::CreateTensor<float>(memory, in.data(), in.size(), dims, 4);
        auto y = Ort::Value::CreateTensor<float>(memory, out.data(), out.size(), dims, 4);
        Ort::AllocatorWithDefaultOptions allocator;
        const auto in_name = session_.GetInputNameAllocated(0, allocator);
        const auto out_name = session_.GetOutputNameAllocated(0, allocator);
        const char* in_names[] = {in_name.get()};
        const char* out_names[] = {out_name.get()};
        while (left-- > 0) {
          session_.Run(Ort::RunOptions{nullptr}, in_names, &x, 1, out_names, &y, 1);
        }
      });
    }
    for (std::thread& worker : workers) worker.join();
    return Since(start);
  }

 private:
  int side_;
  Ort::Env env_{nullptr};
  Ort::Session session_{nullptr};
  std::vector<float> input_;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  const std::string folder =
      (std::filesystem::temp_directory_path() / "pixloom_bench_onnxruntime").string();
  std::filesystem::create_directories(folder);
  Diagnostics diagnostics;
  const auto list = LoadLayerList("configs/networks/cnn_denoiser.yaml", diagnostics);
  if (!list) throw ConfigError(diagnostics);
  std::map<std::string, Parameters> parameters;
  for (const LayerGraph& graph : list->graphs) {
    parameters.emplace(graph.name, DrawParameters(*list, graph, 1, WeightDraw::kTest));
  }
  const NetworkFiles files = WriteNetwork(*list, parameters, folder, false);
  const std::string onnx = folder + "/" + list->name + ".main.onnx";
  const char* library = std::getenv("PIXLOOM_ONNXRUNTIME");
  if (library == nullptr) library = PIXLOOM_ONNXRUNTIME_LIBRARY;

  fmt::print("{:<28}{:>8}{:>14}{:>14}{:>9}\n", list->name, "threads", "bare, pict/s", "graph",
             "ratio");
  for (const int side : {64, 128, 256}) {
    const int batches = side == 64 ? 160 : side == 128 ? 40 : 10;
    const int count = batches * kBatch;
    Bare bare(library, onnx, side);
    const std::string yaml = fmt::format(
        "version: 1\nseed: 1\nnodes:\n"
        "  in: {{shapes: {{count: {}, size: [{}, {}], masks: false, keypoints: false, "
        "min_object: 12}}}}\n"
        "  look: [{{enhance: {{model: {}, backend: onnxruntime, batch: {}}}}}]\n"
        "  out: {{discard: {{}}}}\n",
        count, side, side, files.manifest, kBatch);
    Pipeline pipeline = Pipeline::Parse(yaml);
    auto& nodes = const_cast<Graph&>(pipeline.graph()).nodes;  // the bench owns the graph
    nodes[0].source = std::make_unique<Preloaded>(*nodes[0].source);
    for (const int threads : {1, 2}) {
      std::vector<double> loop, graph;
      for (int r = 0; r <= rounds; ++r) {
        const double a = bare.Seconds(batches, threads);
        const auto start = Clock::now();
        RunOptions options;
        options.threads = threads;
        pipeline.Run(options);
        const double b = Since(start);
        if (r == 0) continue;  // warming up
        loop.push_back(a);
        graph.push_back(b);
      }
      fmt::print("{:<28}{:>8}{:>14.1f}{:>14.1f}{:>9.3f}\n", fmt::format("  {0} x {0}", side),
                 threads, count / Median(loop), count / Median(graph),
                 Median(loop) / Median(graph));
    }
  }
  return 0;
}
