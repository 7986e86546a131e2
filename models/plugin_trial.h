// SPDX-License-Identifier: Apache-2.0
// Trial: a plugin is loaded in a child process first, so that one that crashes or hangs while it
// loads ends that process and not the run.
//
// The child is a fork that opens the library, calls its entry and ends; only how it ended counts,
// what the entry says does not. A fork and no program of its own: the library may be part of any
// program, and a trial must see the same environment. Trials cost as much as loading (most of a
// second for LibTorch), so a library that loaded well is remembered by path, size and times in the
// user's cache; the memory is taken away while it loads again, and a crash there is not forgotten.
//
// Functions may be called from any thread; one at a time for one library.
#pragma once

#include <chrono>
#include <string>

namespace pixloom {

// "", or what happened: "crashes while it is loaded (signal 11)".
std::string TryPlugin(const std::string& library, std::chrono::milliseconds limit);

// Before and after the process loads it itself. The first makes the trial where one is needed.
std::string BeforeLoading(const std::string& library);
void AfterLoading(const std::string& library);

}  // namespace pixloom
