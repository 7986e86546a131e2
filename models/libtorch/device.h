// SPDX-License-Identifier: Apache-2.0
// Where LibTorch computes: threads and BLAS of the processor, CUDA devices, their streams and
// memory.
//
// Devices are reached through LibTorch's own abstraction, so that this compiles with any LibTorch;
// only their memory needs CUDA's headers (PIXLOOM_LIBTORCH_CUDA, set by the build). All functions
// may be called from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <c10/core/Device.h>
#include <c10/core/Stream.h>

#include "models/plugin.h"

namespace pixloom::torch_backend {

// "OpenBLAS"; the reference BLAS, with which dense and recurrent layers are about 15 times as slow,
// is named with what would help.
std::string BlasText();

// Of the calling thread, inside one run.
void UseThreads(int threads);

bool BuiltWithCuda();

// "cpu", "cuda", "cuda:1"; throws plugin::Error(PIXLOOM_NO_DEVICE) when it is not there.
c10::Device ReadDevice(const std::string& text);

// Every thread has its own, so that one copies while another computes.
c10::Stream StreamOfThread(c10::Device device);

// Until all work of the stream is done; leaves the processor alone meanwhile.
void Wait(const c10::Stream& stream);

// Waits for what this thread gave the device outside of the streams above. They do not.
void FinishWork(c10::Device device);

void GiveBackUnusedMemory();
plugin::MemoryUse MemoryOf(c10::Device device);

// When the steps of a run happen: begun, inputs on the device, results worked out, results copied.
// A device's own clock tells; without CUDA's headers, and on the processor, the caller's does.
class RunClock {
 public:
  RunClock(c10::Device device, bool wanted) : device_(device), wanted_(wanted) {}
  void Mark(int step) const;
  void Finish() const;  // the stream has been waited for

  // Of the last run on this thread, nanoseconds of std::chrono::steady_clock.
  static std::array<std::int64_t, 4>& Last();

 private:
  const c10::Device device_;
  const bool wanted_;
};

// Null when there is no device that needs it.
const pixloom_pinned_memory* PinnedMemory();

}  // namespace pixloom::torch_backend
