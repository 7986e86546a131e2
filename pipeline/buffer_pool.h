// SPDX-License-Identifier: Apache-2.0
// A pool for pixel buffers. Several live buffers per picture make the C library return and fault in
// the same pages again and again (measured: 1.5x the time of a whole chain at 3000x2000).
//
// Used through cv::Mat: every buffer of at least kPooledFrom bytes goes back to the pool when the
// last Mat lets go of it. Thread-safe. Installed once for the process, never removed, since Mats
// may outlive anything.
#pragma once

#include <cstddef>

namespace pixloom {

// Makes the pool the default allocator of cv::Mat. Further calls do nothing.
void InstallBufferPool();

// Most bytes of free buffers that are kept; more goes back to the system.
inline constexpr std::size_t kBufferPoolLimit = std::size_t{64} << 20;

// Bytes of free buffers that are kept now.
std::size_t BufferPoolFreeBytes();

}  // namespace pixloom
