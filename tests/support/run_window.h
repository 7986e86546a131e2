// SPDX-License-Identifier: Apache-2.0
// Runs one window on a block made by hand. For tests on one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "pipeline/contracts.h"
#include "tests/support/verbs.h"

namespace pixloom::testing {

// A window that is parsed once and run often.
class WindowUnderTest {
 public:
  struct Answer {
    Result<WindowOperator::Mixed> mixed;
    Rng::Record draws;

    // REQUIRES: it did not fail.
    const Sample& sample() const { return mixed->sample; }
    double Drawn(const std::string& name) const { return All(name).at(0); }
    std::vector<double> All(const std::string& name) const {
      std::vector<double> values;
      for (const auto& [key, value] : draws) {
        if (key == name) values.push_back(value);
      }
      return values;
    }
  };

  // `window`: "mixup: {alpha: 0.4}"
  explicit WindowUnderTest(const std::string& window)
      : pipeline_(Pipeline::Parse("version: 1\nseed: 11\nnodes:\n  in: {canvas: 2}\n  mix: {" +
                                      window + "}\n  out: {collect: out}\n",
                                  "window.yaml", TestOptions())) {}

  const WindowOperator& Operator() const {
    const Graph& graph = pipeline_.graph();
    return *graph.nodes[static_cast<std::size_t>(graph.Find("mix"))].window;
  }

  // `id` decides what is drawn.
  Answer Try(const std::vector<Sample>& members, std::size_t anchor = 0,
             std::uint64_t id = 1) const {
    std::vector<const Sample*> block;
    for (const Sample& member : members) block.push_back(&member);
    Rng::Record draws;
    Rng rng({5, id, 7}, &draws);
    auto mixed = Operator().Run(block, anchor, rng);
    return {std::move(mixed), std::move(draws)};
  }

  Answer Run(const std::vector<Sample>& members, std::size_t anchor = 0,
             std::uint64_t id = 1) const {
    Answer answer = Try(members, anchor, id);
    if (!answer.mixed) FAIL(answer.mixed.Error().message);
    return answer;
  }

 private:
  Pipeline pipeline_;
};

inline const cv::Mat& Pixels(const Sample& sample, std::string_view field = "image") {
  return sample.Image(field)->frames.at(0).pixels;
}

inline Sample Pictured(const cv::Mat& pixels, const std::string& key = "") {
  Sample sample;
  sample.key = key;
  sample.images.emplace_back("image", ImageField::Of(pixels));
  return sample;
}

template <class... S>
std::vector<Sample> BlockOf(S... samples) {
  std::vector<Sample> block;
  (block.push_back(std::move(samples)), ...);
  return block;
}

}  // namespace pixloom::testing
