// SPDX-License-Identifier: Apache-2.0
// Runs one chain on one sample, and compares what comes out of two. For tests on one thread.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "api/pixloom.h"
#include "pipeline/chain.h"
#include "tests/reference/interpreter.h"
#include "tests/support/inputs.h"

namespace pixloom::testing {

// A chain that is parsed once and run often.
class ChainUnderTest {
 public:
  explicit ChainUnderTest(const std::string& chain)
      : pipeline_(Pipeline::Parse("version: 1\nseed: 11\nnodes:\n  in: {given: scene}\n  look: " +
                                      chain + "\n  out: {nowhere: {}}\n",
                                  "chain.yaml", Options())) {}

  // `branch` decides what is drawn.
  Sample Run(Sample sample, std::uint32_t branch = 0) const {
    const Graph& graph = pipeline_.graph();
    sample.identity.branch = {branch};
    const ChainRunner runner(BuiltInFamilies(), BuiltInCodec(), graph.seed);
    const auto error = runner.Run(graph.nodes[static_cast<std::size_t>(graph.Find("look"))],  //
                                  sample);
    if (error) FAIL(error->message);
    return sample;
  }

 private:
  static LoadOptions Options() {
    LoadOptions options;
    options.registry = &RegistryWithInputs();
    return options;
  }
  Pipeline pipeline_;
};

inline Sample PictureSample(const cv::Mat& pixels) {
  Sample sample;
  sample.images.emplace_back("image", ImageField::Of(pixels));
  return sample;
}

inline const cv::Mat& PixelsOf(const Sample& sample) {
  return sample.images.at(0).second.frames.at(0).pixels;
}

inline bool SamePixels(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

// Pixels, masks, classes; points to 1e-9 px.
inline bool SameSample(const Sample& a, const Sample& b) {
  if (!SamePixels(PixelsOf(a), PixelsOf(b))) return false;
  reference::Outcome expected;
  for (const auto& [name, mask] : a.masks) expected.masks[name] = mask.pixels;
  expected.instances = a.instances;
  expected.labels = a.labels;
  return reference::MaskDifferences(expected, b) == 0 &&
         reference::LabelDifference(expected, b) < 1e-9;
}

// A value drawn by entry `entry` of the recipe.
inline double DrawnIn(const Sample& sample, std::size_t entry, const std::string& name) {
  for (const auto& [key, value] : sample.recipe.entries.at(entry).draws) {
    if (key == name) return value;
  }
  FAIL("nothing recorded as " << name);
  return 0;
}

}  // namespace pixloom::testing
