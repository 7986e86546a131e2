// SPDX-License-Identifier: Apache-2.0
// Verbs for tests: `canvas`, a source of pictures of any pixel type with labels of every kind, and
// `collect`, a sink that keeps what arrives. And what it takes to run a configuration with them.
//
// One test at a time: what was collected is kept in one place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/pixloom.h"

namespace pixloom::testing {

// `canvas` and `collect`, for private registries.
void AddTestVerbs(Registry& registry);

// Everything built in, and the verbs above.
const Registry& TestRegistry();

struct Collected {
  std::string sink;  // the argument of `collect`
  Sample sample;
};

struct Outcome {
  RunReport report;
  std::vector<Collected> samples;       // by sink, then in the order of arrival
  std::vector<std::string> quarantine;  // lines
  std::string errors;                   // of the configuration; "" when it ran
  const Sample& operator[](std::size_t i) const { return samples.at(i).sample; }

  // "KEY" or "KEY:BRANCH" of what arrived in `sink`, in order.
  std::vector<std::string> Keys(std::string_view sink = "out") const;
  // Draws named `draw` of the step `step` ("look/hflip#1"), over all samples in order.
  std::vector<double> Draws(std::string_view step, std::string_view draw) const;
};

LoadOptions TestOptions();

// Runs; errors of the configuration end in Outcome::errors.
Outcome RunYaml(const std::string& yaml, int threads = 1, LoadOptions options = TestOptions());
Outcome RunPipeline(Pipeline& pipeline, int threads = 1, RunOptions options = {});
Outcome RunPipeline(Pipeline& pipeline, RunOptions options);

// What a configuration is refused for, one line each as Diagnostic::Text(); empty when it is fine.
std::vector<std::string> ErrorsOf(const std::string& yaml, LoadOptions options = TestOptions());

// The recipe entry of the step, or nullptr.
const RecipeEntry* Find(const Sample& sample, std::string_view step);

// "" or the first thing that differs. Pixels are compared bit by bit; recipes are left out.
std::string LabelDifference(const Sample& a, const Sample& b);
std::string PixelDifference(const Sample& a, const Sample& b);
std::string SampleDifference(const Sample& a, const Sample& b);

// A folder that goes away with its owner.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string Path(const std::string& name = "") const;
  void Write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

}  // namespace pixloom::testing
