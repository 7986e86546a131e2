// SPDX-License-Identifier: Apache-2.0
// Runs in a temporary folder, and what they complain about.
#pragma once

#include <string>

#include "tests/datasets/folder_fixture.h"
#include "tests/datasets/set_fixture.h"

namespace pixloom::testing {

inline SetRun MakeRun(const TemporaryDirectory& folder, const std::string& name = "out/train") {
  SetRun run;
  run.options.path = folder.path / name;
  run.options.commit_bytes = 3000;
  run.options.commit_seconds = 1000;
  return run;
}

// Stops after some rows and leaves what is there.
inline void GoPartly(SetRun& run, int steps = 40) {
  REQUIRE_FALSE(run.Go([&] { return --steps == 0; }));
}

template <class Error>
std::string MessageOf(SetRun& run) {
  try {
    run.Go();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline void CheckHas(const std::string& text, const std::string& part) {
  CHECK_MESSAGE(text.find(part) != std::string::npos, text, " lacks ", part);
}

}  // namespace pixloom::testing
