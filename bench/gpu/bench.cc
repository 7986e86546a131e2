// SPDX-License-Identifier: Apache-2.0
// Pictures through a network as a run of Pixloom drives it: Batcher's threads, each packs a batch
// of u8 pictures into (pinned) floats, runs the backend plugin, and unpacks what comes. Needs the
// standard library alone; bench/gpu/run.py builds it, runs it and compares with bare PyTorch.
//
//   bench_gpu --plugin FILE.so --model FILE.pt [--device cuda] [--fp16] [--extra k=v,k=v]
//             [--batch 32] [--dims 3x128x128] [--batches 200] [--threads 2] [--timeline 12]
//             [--input FLOATS --output FLOATS]     one batch, for comparing numbers; no timing
// One JSON object on standard output.
#include <dlfcn.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "models/plugin_abi.h"
#include "pipeline/batcher.h"

namespace {

using Clock = std::chrono::steady_clock;

std::int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// As the libtorch backend has it.
struct RunTimes {
  std::uint32_t struct_size;
  void (*last)(std::int64_t nanoseconds[4]);
};

struct Options {
  std::map<std::string, std::string> given;
  std::string Get(const std::string& name, const std::string& otherwise) const {
    const auto found = given.find(name);
    return found == given.end() ? otherwise : found->second;
  }
  int Number(const std::string& name, int otherwise) const {
    return std::atoi(Get(name, std::to_string(otherwise)).c_str());
  }
};

// Memory that the device copies from fastest, where it has such.
class Floats {
 public:
  Floats(const pixloom_pinned_memory* pinned, std::size_t count) : pinned_(pinned) {
    if (pinned_ != nullptr) {
      data_ = static_cast<float*>(pinned_->allocate(count * sizeof(float)));
      if (data_ == nullptr) throw std::runtime_error("no pinned memory left");
    } else {
      heap_.resize(count);
      data_ = heap_.data();
    }
  }
  Floats(const Floats&) = delete;
  ~Floats() {
    if (pinned_ != nullptr) pinned_->release(data_);
  }
  float* data() { return data_; }

 private:
  const pixloom_pinned_memory* pinned_;
  std::vector<float> heap_;
  float* data_ = nullptr;
};

// Where one thread keeps its batch and what came of it.
struct Lane {
  int number = 0;
  std::unique_ptr<Floats> input, output;
  std::size_t input_size = 0, output_size = 0;
  std::vector<std::int64_t> output_dims;
  const pixloom_pinned_memory* pinned = nullptr;
};

float* Place(void* context, std::uint32_t index, std::uint32_t ndim, const std::int64_t* dims) {
  Lane& lane = *static_cast<Lane*>(context);
  if (index != 0) return nullptr;
  std::size_t size = 1;
  for (std::uint32_t i = 0; i < ndim; ++i) size *= static_cast<std::size_t>(dims[i]);
  if (size > lane.output_size) {
    lane.output = std::make_unique<Floats>(lane.pinned, size);
    lane.output_size = size;
  }
  lane.output_dims.assign(dims, dims + ndim);
  return lane.output->data();
}

struct Span {
  int batch = 0, lane = 0;
  // pack begins, run begins, on the device, worked out, copied, run returned, unpacked
  std::array<std::int64_t, 7> at{};
};

class Bench {
 public:
  explicit Bench(const Options& options);
  ~Bench() {
    if (self_ != nullptr) api_->destroy(self_);
  }
  Bench(const Bench&) = delete;

  void RunOnce(const std::string& from, const std::string& to);
  void RunMany();

 private:
  void Check(pixloom_status status, const char* what) const {
    if (status == PIXLOOM_OK) return;
    throw std::runtime_error(std::string(what) + ": status " + std::to_string(status) + ": " +
                             api_->last_error(self_));
  }
  std::size_t Items() const { return static_cast<std::size_t>(dims_[0]); }
  std::size_t ItemSize() const {
    std::size_t size = 1;
    for (std::size_t i = 1; i < dims_.size(); ++i) size *= static_cast<std::size_t>(dims_[i]);
    return size;
  }
  Lane NewLane(int number) const;
  void RunBatch(Lane& lane) const;
  void Pack(int batch, Lane& lane) const;
  std::uint64_t Unpack(const Lane& lane, std::vector<std::uint8_t>& pictures) const;
  Span OneBatch(int batch);

  const Options& options_;
  const pixloom_plugin_info* info_ = nullptr;
  const pixloom_backend* api_ = nullptr;
  const pixloom_pinned_memory* pinned_ = nullptr;
  const RunTimes* times_ = nullptr;
  void* self_ = nullptr;
  pixloom_description description_{};
  std::vector<std::int64_t> dims_;
  std::vector<std::uint8_t> pictures_;  // u8, colours together, as files have them
  std::atomic<int> lanes_{0};
  std::atomic<std::uint64_t> sum_{0};
};

Bench::Bench(const Options& options) : options_(options) {
  const std::string path = options.Get("plugin", "");
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  const auto entry =
      reinterpret_cast<pixloom_plugin_entry_fn>(dlsym(library, PIXLOOM_PLUGIN_ENTRY));
  if (entry == nullptr) throw std::runtime_error("'" + path + "' is no plugin");
  char error[512] = "";
  if (entry(PIXLOOM_ABI_VERSION, &info_, &api_, error, sizeof error) != PIXLOOM_OK) {
    throw std::runtime_error(error);
  }
  dims_ = {options.Number("batch", 32)};
  std::string dims = options.Get("dims", "3x128x128");
  for (std::size_t at = 0; at < dims.size(); at = std::min(dims.find('x', at), dims.size()) + 1) {
    dims_.push_back(std::atoi(dims.c_str() + at));
  }
  const std::string model = options.Get("model", ""), device = options.Get("device", "cuda");
  std::string extra = options.Get("extra", "");
  std::replace(extra.begin(), extra.end(), ',', '\n');
  pixloom_options asked{};
  asked.struct_size = sizeof asked;
  asked.model_path = model.c_str();
  asked.format = "torchscript";
  asked.device = device.c_str();
  asked.precision = options.given.contains("fp16") ? PIXLOOM_FP16 : PIXLOOM_FP32;
  asked.threads = 1;
  asked.extra = extra.c_str();
  Check(api_->create(&asked, &self_), "loading");
  description_.struct_size = sizeof description_;
  Check(api_->describe(self_, &description_), "describing");
  pinned_ =
      static_cast<const pixloom_pinned_memory*>(api_->get_extension(self_, "pinned-memory/1"));
  times_ = static_cast<const RunTimes*>(api_->get_extension(self_, "run-times/1"));
  if (device == "cpu") pinned_ = nullptr;

  pictures_.resize(Items() * 4 * ItemSize());
  std::uint64_t state = 1;
  for (std::uint8_t& value : pictures_) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<std::uint8_t>(state >> 56);
  }
}

Lane Bench::NewLane(int number) const {
  Lane lane;
  lane.number = number;
  lane.pinned = pinned_;
  lane.input_size = Items() * ItemSize();
  lane.input = std::make_unique<Floats>(pinned_, lane.input_size);
  return lane;
}

void Bench::RunBatch(Lane& lane) const {
  pixloom_tensor input = {lane.input->data(), static_cast<std::uint32_t>(dims_.size()), {}};
  std::copy(dims_.begin(), dims_.end(), input.dims);
  pixloom_outputs outputs = {sizeof outputs, &lane, Place};
  Check(api_->run(self_, &input, 1, &outputs), "running");
}

// u8 HWC -> float CHW in [0, 1].
void Bench::Pack(int batch, Lane& lane) const {
  const auto channels = static_cast<std::size_t>(dims_[1]);
  const std::size_t area = ItemSize() / channels;
  const std::uint8_t* from =
      pictures_.data() + static_cast<std::size_t>(batch % 4) * lane.input_size;
  for (std::size_t n = 0; n < Items(); ++n) {
    float* const to = lane.input->data() + n * ItemSize();
    for (std::size_t i = 0; i < area; ++i, from += channels) {
      for (std::size_t c = 0; c < channels; ++c) to[c * area + i] = from[c] * (1.0f / 255);
    }
  }
}

// float CHW -> u8 HWC, rounded and clipped; the sum keeps the work from being left out.
std::uint64_t Bench::Unpack(const Lane& lane, std::vector<std::uint8_t>& pictures) const {
  const auto channels = static_cast<std::size_t>(lane.output_dims.at(1));
  const std::size_t area = lane.output_size / Items() / channels;
  pictures.resize(lane.output_size);
  std::uint8_t* to = pictures.data();
  for (std::size_t n = 0; n < Items(); ++n) {
    const float* const from = lane.output->data() + n * area * channels;
    for (std::size_t i = 0; i < area; ++i) {
      for (std::size_t c = 0; c < channels; ++c) {
        const float value = from[c * area + i] * 255 + 0.5f;
        *to++ = static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
      }
    }
  }
  return pictures[pictures.size() / 2] + pictures.back();
}

Span Bench::OneBatch(int batch) {
  thread_local Lane lane = NewLane(lanes_++);
  thread_local std::vector<std::uint8_t> pictures;
  Span span;
  span.batch = batch;
  span.lane = lane.number;
  span.at[0] = Now();
  Pack(batch, lane);
  span.at[1] = Now();
  RunBatch(lane);
  span.at[5] = Now();
  std::int64_t inside[4] = {span.at[1], span.at[1], span.at[5], span.at[5]};
  if (times_ != nullptr) times_->last(inside);
  std::copy(inside + 1, inside + 4, span.at.begin() + 2);
  sum_ += Unpack(lane, pictures);
  span.at[6] = Now();
  return span;
}

void Bench::RunOnce(const std::string& from, const std::string& to) {
  Lane lane = NewLane(0);
  std::ifstream input(from, std::ios::binary);
  input.read(reinterpret_cast<char*>(lane.input->data()),
             static_cast<std::streamsize>(lane.input_size * sizeof(float)));
  if (!input) throw std::runtime_error("'" + from + "' does not hold one batch of floats");
  RunBatch(lane);
  std::ofstream(to, std::ios::binary)
      .write(reinterpret_cast<const char*>(lane.output->data()),
             static_cast<std::streamsize>(lane.output_size * sizeof(float)));
  std::printf("{\"runtime\": \"%s\", \"device\": \"%s\"}\n", info_->runtime, description_.device);
}

void Bench::RunMany() {
  const int threads = std::max(options_.Number("threads", 2), 1);
  const int batches = options_.Number("batches", 200), warm = threads * 6;
  std::mutex mutex;
  std::condition_variable done;
  std::vector<Span> spans;
  std::string failure;
  const auto run = [&](pixloom::Batcher<int>::Block block) {
    try {
      const Span span = OneBatch(block.items.at(0));
      const std::lock_guard lock(mutex);
      spans.push_back(span);
    } catch (const std::exception& error) {
      const std::lock_guard lock(mutex);
      failure = error.what();
      spans.push_back({});
    }
    done.notify_one();
  };
  pixloom::Batcher<int> batcher({.size = Items(), .threads = threads}, run);
  // Every thread's stream and handles are made, every algorithm chosen, before the clock runs.
  const auto all = [&](int count) {
    for (int i = 0; i < count; ++i) batcher.SubmitBlock({i}, "full");
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return spans.size() == static_cast<std::size_t>(count); });
    if (!failure.empty()) throw std::runtime_error(failure);
  };
  all(warm);
  spans.clear();
  const std::int64_t start = Now();
  const double cpu = CpuSeconds();
  all(batches);
  const double seconds = double(Now() - start) * 1e-9, cpu_seconds = CpuSeconds() - cpu;

  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.at < b.at; });
  // How long the device worked on at least one batch, as its own clock has it.
  std::vector<std::pair<std::int64_t, std::int64_t>> work;
  for (const Span& span : spans) work.emplace_back(span.at[2], span.at[3]);
  std::sort(work.begin(), work.end());
  std::int64_t busy = 0, until = 0;
  for (const auto& [from, to] : work) {
    busy += std::max<std::int64_t>(0, to - std::max(from, until));
    until = std::max(until, to);
  }
  std::uint64_t used = 0, limit = 0;
  api_->memory(self_, &used, &limit);
  std::printf("{\"runtime\": \"%s\", \"device\": \"%s\", \"images_per_s\": %.2f, ", info_->runtime,
              description_.device, batches * double(Items()) / seconds);
  std::printf("\"seconds\": %.4f, \"cpu_cores\": %.2f, \"device_busy\": %.3f, ", seconds,
              cpu_seconds / seconds, double(busy) * 1e-9 / seconds);
  std::printf("\"memory_mb\": %.0f, \"sum\": %llu, \"timeline_us\": [", double(used) / 1e6,
              static_cast<unsigned long long>(sum_.load()));
  const auto shown =
      std::min(spans.size(), static_cast<std::size_t>(options_.Number("timeline", 12)));
  const std::size_t first = (spans.size() - shown) / 2;  // from the middle of the run
  for (std::size_t i = first; i < first + shown; ++i) {
    const Span& span = spans[i];
    std::printf("%s{\"batch\": %d, \"lane\": %d, \"at\": [", i == first ? "" : ", ", span.batch,
                span.lane);
    for (std::size_t k = 0; k < span.at.size(); ++k) {
      std::printf("%s%.1f", k == 0 ? "" : ", ", double(span.at[k] - spans[first].at[0]) * 1e-3);
    }
    std::printf("]}");
  }
  std::printf("]}\n");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (!name.starts_with("--")) break;
    name.erase(0, 2);
    const bool flag = name == "fp16" || i + 1 == argc;
    options.given[name] = flag ? "1" : argv[++i];
  }
  if (!options.given.contains("plugin") || !options.given.contains("model")) {
    std::puts("left out: run bench/gpu/run.py, which makes what this needs");
    return 0;
  }
  try {
    Bench bench(options);
    if (options.given.contains("input")) {
      bench.RunOnce(options.Get("input", ""), options.Get("output", "output.bin"));
    } else {
      bench.RunMany();
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_gpu: %s\n", error.what());
    return 1;
  }
  return 0;
}
