// SPDX-License-Identifier: Apache-2.0
#include "models/libtorch/device.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#ifdef PIXLOOM_LIBTORCH_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#endif

namespace pixloom::torch_backend {

using plugin::Error;

// ---- The processor ------------------------------------------------------------------------------

namespace {

// In whatever way LibTorch itself would find it: `symbol` of its matrix products.
void* BlasSymbol(const char* symbol) {
  Dl_info torch;
  if (::dladdr(reinterpret_cast<void*>(&at::get_num_threads), &torch) == 0) return nullptr;
  static void* const library = ::dlopen(torch.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  return library == nullptr ? nullptr : ::dlsym(library, symbol);
}

}  // namespace

std::string BlasText() {
  void* const product = BlasSymbol("sgemm_");
  Dl_info found;
  if (product == nullptr || ::dladdr(product, &found) == 0) return at::hasMKL() ? "MKL" : "no BLAS";
  std::error_code ignored;
  const std::string path = std::filesystem::canonical(found.dli_fname, ignored).string();
  for (const auto& [part, name] :
       {std::pair{"openblas", "OpenBLAS"}, {"mkl", "MKL"}, {"blis", "BLIS"}, {"atlas", "ATLAS"}}) {
    if (path.find(part) != std::string::npos) return name;
  }
  if (path.find("libtorch") != std::string::npos) return at::hasMKL() ? "MKL" : "its own BLAS";
  return "reference BLAS: install libopenblas0-pthread";
}

void UseThreads(int threads) {
  // OpenBLAS has threads of its own, which would fight with those of the callers: it gets one.
  static std::once_flag once;
  std::call_once(once, [] {
    if (void* const set = BlasSymbol("openblas_set_num_threads")) {
      reinterpret_cast<void (*)(int)>(set)(1);
    }
  });
  thread_local int current = 0;
  if (current != threads) at::set_num_threads(threads);
  current = threads;
}

// ---- Devices ------------------------------------------------------------------------------------

bool BuiltWithCuda() { return c10::impl::hasDeviceGuardImpl(c10::DeviceType::CUDA); }

namespace {

int CudaDevices() {
  if (!BuiltWithCuda()) return 0;
  return c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).deviceCount();
}

}  // namespace

c10::Device ReadDevice(const std::string& text) {
  if (text == "cpu") return c10::Device(c10::DeviceType::CPU);
  if (text != "cuda" && !text.starts_with("cuda:")) {
    throw Error(PIXLOOM_NO_DEVICE, "libtorch runs on cpu or cuda, not on '" + text + "'");
  }
  if (!BuiltWithCuda()) {
    throw Error(PIXLOOM_NO_DEVICE, "this LibTorch was built without CUDA; use device cpu");
  }
  char* end = nullptr;
  const char* const number = text.size() > 5 ? text.c_str() + 5 : "0";
  const long index = std::strtol(number, &end, 10);
  const int count = CudaDevices();
  if (count == 0) {
    throw Error(PIXLOOM_NO_DEVICE, "no CUDA device is there, or its driver is too old");
  }
  if (end == number || *end != 0 || index < 0 || index >= count) {
    throw Error(PIXLOOM_NO_DEVICE, "there is no device '" + text +
                                       "'; they are cuda:0 to cuda:" + std::to_string(count - 1));
  }
  return c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
}

c10::Stream StreamOfThread(c10::Device device) {
  thread_local std::map<int, c10::Stream> streams;
  const auto found = streams.find(device.index());
  if (found != streams.end()) return found->second;
  const c10::impl::VirtualGuardImpl cuda(device.type());
  return streams.emplace(device.index(), cuda.getStreamFromGlobalPool(device)).first->second;
}

void Wait(const c10::Stream& stream) {
  // CUDA's own waiting keeps a core busy.
  while (!stream.query()) std::this_thread::sleep_for(std::chrono::microseconds(50));
}

void FinishWork(c10::Device device) {
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).getStream(device).synchronize();
}

void GiveBackUnusedMemory() {
#ifdef PIXLOOM_LIBTORCH_CUDA
  c10::cuda::CUDACachingAllocator::emptyCache();
#endif
}

// ---- pinned-memory/1 ----------------------------------------------------------------------------

namespace {

struct PinnedBlocks {
  std::mutex mutex;
  std::unordered_map<void*, at::Tensor> held;
};
PinnedBlocks& Pinned() {
  static auto& blocks = *new PinnedBlocks;  // outlives whoever releases last
  return blocks;
}

void* AllocatePinned(std::uint64_t bytes) {
  try {
    const auto size = static_cast<std::int64_t>(std::max<std::uint64_t>(bytes, 1));
    at::Tensor block = at::empty({size}, at::TensorOptions(at::kByte).pinned_memory(true));
    void* const memory = block.data_ptr();
    const std::lock_guard lock(Pinned().mutex);
    Pinned().held.emplace(memory, std::move(block));
    return memory;
  } catch (...) {
    return nullptr;
  }
}

void ReleasePinned(void* memory) {
  const std::lock_guard lock(Pinned().mutex);
  Pinned().held.erase(memory);
}

}  // namespace

namespace {

std::int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

#ifdef PIXLOOM_LIBTORCH_CUDA
// A moment that the device and the processor both know, and events of this thread.
struct DeviceClock {
  explicit DeviceClock(const c10::Stream& stream) {
    cudaEventCreate(&zero);
    for (cudaEvent_t& step : steps) cudaEventCreate(&step);
    Record(zero, stream);
    cudaEventSynchronize(zero);
    start = Now();
  }
  static void Record(cudaEvent_t event, const c10::Stream& stream) {
    cudaEventRecord(event, c10::cuda::CUDAStream(stream).stream());
  }
  cudaEvent_t zero = nullptr;
  std::array<cudaEvent_t, 4> steps{};
  std::int64_t start = 0;
};

DeviceClock& ClockOfThread(c10::Device device) {
  thread_local std::map<int, DeviceClock> clocks;
  return clocks.try_emplace(device.index(), StreamOfThread(device)).first->second;
}
#endif

}  // namespace

std::array<std::int64_t, 4>& RunClock::Last() {
  thread_local std::array<std::int64_t, 4> last{};
  return last;
}

void RunClock::Mark(int step) const {
  if (!wanted_) return;
  const auto at = static_cast<std::size_t>(step);
#ifdef PIXLOOM_LIBTORCH_CUDA
  if (device_.is_cuda()) {
    DeviceClock::Record(ClockOfThread(device_).steps[at], StreamOfThread(device_));
    return;
  }
#endif
  Last()[at] = Now();
}

void RunClock::Finish() const {
#ifdef PIXLOOM_LIBTORCH_CUDA
  if (!wanted_ || !device_.is_cuda()) return;
  const DeviceClock& clock = ClockOfThread(device_);
  for (std::size_t i = 0; i < clock.steps.size(); ++i) {
    float milliseconds = 0;
    cudaEventElapsedTime(&milliseconds, clock.zero, clock.steps[i]);
    Last()[i] = clock.start + static_cast<std::int64_t>(double{milliseconds} * 1e6);
  }
#endif
}

const pixloom_pinned_memory* PinnedMemory() {
  static constexpr pixloom_pinned_memory kTable = {sizeof(pixloom_pinned_memory), AllocatePinned,
                                                   ReleasePinned};
  return CudaDevices() > 0 ? &kTable : nullptr;
}

plugin::MemoryUse MemoryOf([[maybe_unused]] c10::Device device) {
  plugin::MemoryUse use;
#ifdef PIXLOOM_LIBTORCH_CUDA
  if (device.is_cuda()) {
    const c10::StreamGuard guard(StreamOfThread(device));  // makes the device the current one
    std::size_t unused = 0, total = 0;
    if (cudaMemGetInfo(&unused, &total) != cudaSuccess) return use;
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(device.index());
    use.used = static_cast<std::uint64_t>(stats.reserved_bytes[0].current);  // of all its pools
    use.limit = total;
  }
#endif
  return use;
}

}  // namespace pixloom::torch_backend
