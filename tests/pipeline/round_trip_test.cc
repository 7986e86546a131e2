// SPDX-License-Identifier: Apache-2.0
// What explain --yaml writes is a configuration that does the same: results, draws and streams.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/verbs.h"

namespace pixloom {
namespace {

using testing::Outcome;

constexpr const char* kEverything = R"(version: 1
seed: 7
on_error: {policy: quarantine, max_bad: 40%}
memory: 512MiB
limits: {max_side: 1234}
nodes:
  a: {canvas: {count: 6, size: [40, 44], fail_every: 5, x-why: a note}}
  b: {canvas: {count: 4, first: 100, size: $(SIZE:-32)}}
  all: {merge: {}, from: [a, b]}
  views: {copies: 3}
  look:
    - {hflip: {}, p: 0}
    - {hflip: {}, p: 0.5}
    - HorizontalFlip: {p: 0.3}
    - {rotate: {limit: 20, border: reflect}, name: turn}
    - one_of:
        - {gamma: [0.5, 2], weight: 3}
        - [gaussian_blur: {sigma: {choice: [0.5, 1.5]}}, vflip]
        - {hflip: {}, weight: 0}
      p: 0.7
    - some_of: {n: [1, 2], steps: [vflip, gaussian_noise: 0.05, {jpeg: [40, 60], weight: 2}]}
    - sometimes: {then: [color_jitter], else: [{gamma: 2, p: 0.5}]}
    - {sometimes: {then: [affine: {scale: [0.9, 1.1], rotate: [-5, 5]}]}, p: 1}
    - random_order: [hue_saturation, {brightness_contrast: {}, name: bright}]
    - repeat: {times: 2, steps: [gaussian_noise: {std: [0.01, 0.02]}, {rotate: [-3, 3], p: 0.5}]}
    - {chain: [rotate: [-9, 9], elastic: {alpha: 5}], resample: each}
    - {chain: [gamma: [0.8, 1.2], hflip], fields: [image], scope: frame, p: 0.8}
    - {gaussian_blur: 1, fields: image}
    - {rotate: [-5, 5], scope: frame, name: shaky}
    - random_crop: [24, 28]
  small: {resize: [20, 20]}
  parts: {split: {train: 0.6, val: 0.4}}
  shown: {vflip: {}, from: parts.val, on_error: fail}
  out: {collect: out, from: [parts.train, shown]}
  whole: {collect: whole, from: look}
)";

void CheckSame(const Outcome& a, const Outcome& b) {
  CHECK(a.errors == "");
  CHECK(b.errors == "");
  REQUIRE(a.samples.size() == b.samples.size());
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    CHECK(a.samples[i].sink == b.samples[i].sink);
    CHECK(testing::SampleDifference(a[i], b[i]) == "");
    CHECK(a[i].recipe.ToJson() == b[i].recipe.ToJson());
  }
  CHECK(a.quarantine == b.quarantine);
}

std::string Written(const std::string& yaml, LoadOptions options = testing::TestOptions()) {
  return Pipeline::Parse(yaml, "t.yaml", options).ToYaml();
}

TEST_CASE("a pipeline written out gives the same results and draws") {
  const Outcome first = testing::RunYaml(kEverything);
  CHECK(first.samples.size() > 40);
  CHECK(first.quarantine.size() == 2);
  const std::string written = Written(kEverything);
  CAPTURE(written);
  CHECK(testing::ErrorsOf(written) == std::vector<std::string>{});
  CheckSame(first, testing::RunYaml(written));
  CHECK(Written(written) == written);
}

TEST_CASE("whatever passes ran before it was written") {
  LoadOptions without = testing::TestOptions();
  without.disabled_passes = {"prune", "push_down", "fuse", "schedule"};
  const std::string written = Written(kEverything, without);
  const Outcome first = testing::RunYaml(kEverything);
  const Outcome again = testing::RunYaml(written);
  REQUIRE(first.samples.size() == again.samples.size());
  for (std::size_t i = 0; i < first.samples.size(); ++i) {
    CHECK(testing::SampleDifference(first[i], again[i]) == "");
  }
  CHECK(Written(Written(written)) == Written(written));
}

TEST_CASE("every from, every default and the policy are written out") {
  const std::string written = Written(kEverything);
  const auto has = [&](std::string_view text) {
    CAPTURE(text);
    CHECK(written.find(text) != std::string::npos);
  };
  has("seed: 7");
  has("max_bad: \"40%\"");
  has("memory: 536870912");
  has("max_side: 1234");
  has("from:");
  has("parts.train");
  has("interpolation: linear");  // a default
  has("border: reflect");
  has("size: 32");  // the variable's value
  CHECK(written.find("$(") == std::string::npos);
  CHECK(written.find("limit:") == std::string::npos);  // a peer's name
}

TEST_CASE("a seed that was chosen is written, so that the run can be repeated") {
  const std::string yaml =
      "version: 1\nnodes:\n  src: {canvas: 3}\n  look: [rotate: 20]\n  out: {collect: out}\n";
  Pipeline pipeline = Pipeline::Parse(yaml, "t.yaml", testing::TestOptions());
  CHECK(pipeline.ToYaml().find(fmt::format("seed: {}", pipeline.graph().seed)) !=
        std::string::npos);
  CheckSame(testing::RunPipeline(pipeline), testing::RunYaml(pipeline.ToYaml()));
}

TEST_CASE("max_bad as a count and the policy fail survive") {
  const std::string written = Written(
      "version: 1\nseed: 1\non_error: {policy: fail, max_bad: 7}\nnodes:\n  src: {canvas: 3}\n"
      "  out: {collect: out}\n");
  CHECK(written.find("policy: fail") != std::string::npos);
  CHECK(written.find("max_bad: 7") != std::string::npos);
  CHECK(Written(written) == written);
}

}  // namespace
}  // namespace pixloom
