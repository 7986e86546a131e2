// SPDX-License-Identifier: Apache-2.0
// Runs a pipeline from C++ and reads its report: run_pipeline FILE [THREADS]
#include <cstdio>
#include <cstdlib>

#include "api/pixloom.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: run_pipeline FILE [THREADS]\n");
    return pixloom::kExitConfig;
  }
  try {
    pixloom::Pipeline pipeline = pixloom::Pipeline::Load(argv[1]);
    pixloom::RunOptions options;
    options.threads = argc > 2 ? std::atoi(argv[2]) : 0;
    options.overwrite = true;
    const pixloom::RunReport report = pipeline.Run(options);
    std::printf("%s", report.ToText().c_str());
    return report.quarantined > 0 ? pixloom::kExitSomeQuarantined : pixloom::kExitOk;
  } catch (const pixloom::ConfigError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return pixloom::kExitConfig;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return pixloom::kExitEnvironment;
  }
}
