// SPDX-License-Identifier: Apache-2.0
// A cache changes how fast results come and nothing else: same bytes cold, warm, and without one;
// what an entry is known by; and how it stands in the language.
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/cached.h"

namespace pixloom::testing {
namespace {

// ---- same bytes ---------------------------------------------------------------------------------

struct SameCase {
  const char* source;
  const char* steps;
  const char* look = "[hflip: {p: 0.5}, gaussian_noise: {std: 0.1}]";
};

const std::vector<SameCase>& SameCases() {
  static const std::vector<SameCase> cases{
      {kScenes, "[resize: [30, 44]]"},                                    // decoded at 1/4
      {kScenes, "[resize: [90, 130]]"},                                   // at full scale
      {kScenes, "[crop: {x_min: 31, y_min: 17, x_max: 99, y_max: 80}]"},  // a region
      {kScenes, "[center_crop: 100, resize: 50, hflip, to_gray: {single: true}]"},
      {kScenes, "[{chain: [resize: 64, rotate: 10], resample: each}, letter_box: [70, 50]]"},
      {kScenes, "[smallest_max_size: 60, sanitize: {min_area: 40, drop_empty: true}]"},
      {"canvas: {count: 12, size: [40, 60]}", "[resize: [33, 50], dilate: {kernel: 3}, vflip]"},
      {"canvas: {count: 12, size: [40, 60], depth: u16, channels: 1}",
       "[pad: 3, gaussian_blur: 1, remap: {map: tests/support/maps/swirl.npy}]"},
      {"canvas: {count: 12, size: [40, 60], depth: f32, channels: 5}", "[transpose, resize: 20]"},
      {"canvas: {count: 12, size: [40, 60]}", "[resize: 20, normalize: {}, layout: chw]", "[]"}};
  return cases;
}

TEST_CASE("cold, warm and no cache at all give the same bytes, recipes included") {
  for (const SameCase& c : SameCases()) {
    CAPTURE(c.steps);
    const bool nothing_behind = std::string_view(c.look) == "[]";
    const auto yaml = [&](const std::string& small) {
      std::string text = Yaml(c.source, small, c.look);
      if (nothing_behind) text.replace(text.find("  look: []\n"), 11, "");
      return text;
    };
    const Outcome chain = RunWith(yaml(c.steps));
    CHECK(chain.samples.size() == 12);
    const TempFolder folder;
    for (const int threads : {1, 2, 5, 8}) {
      const std::string path = folder.Path(std::to_string(threads));
      for (std::uint64_t round = 0; round < 3; ++round) {
        CAPTURE(threads);
        CAPTURE(round);
        Pipeline pipeline = Pipeline::Parse(yaml(OnDisk(c.steps, path)), "t.yaml", TestOptions());
        const Outcome outcome = RunPipeline(pipeline, Disturbed(threads, round));
        CHECK(Difference(chain, outcome) == "");
        const Counts& counts = CountsOf(outcome);
        const bool warm = round > 0;
        CHECK(counts.at(warm ? "hits" : "misses") == 12);
        CHECK(counts.count(warm ? "misses" : "hits") == 0);
        CHECK(NodeOf(outcome, "small").in == 12);
        CHECK(NodeOf(outcome, "small").out == 12);
        if (warm) CHECK(outcome.report.decode_seconds == 0);
      }
      CHECK(Entries(path).size() == 12);
      // The first round through memory alone, the second from it.
      Pipeline memory =
          Pipeline::Parse(yaml(fmt::format("{{cache: {{steps: {}, memory: 64MiB}}}}", c.steps)),
                          "t.yaml", TestOptions());
      for (std::uint64_t round = 0; round < 3; ++round) {
        const Outcome outcome = RunPipeline(memory, Disturbed(threads, round));
        CHECK(Difference(chain, outcome) == "");
        CHECK(CountsOf(outcome).at(round > 0 ? "hits" : "misses") == 12);
      }
    }
  }
}

TEST_CASE("the report counts the steps' own counts, cold and warm alike") {
  const TempFolder folder;
  const std::string steps =
      "[crop: {x_min: 0, y_min: 0, x_max: 70, y_max: 60}, sanitize: "
      "{min_area: 60, drop_empty: true}]";
  const std::string yaml = Yaml("shapes: {count: 40, size: [150, 210], encode: jpeg, objects: 2}",
                                OnDisk(steps, folder.Path("c")));
  const Outcome cold = RunWith(yaml, 3);
  const Outcome warm = RunWith(yaml, 3);
  CHECK(Difference(cold, warm) == "");
  CHECK(NodeOf(cold, "small").filtered > 0);
  CHECK(NodeOf(warm, "small").filtered == NodeOf(cold, "small").filtered);
  CHECK(cold.report.sources[0].filtered == warm.report.sources[0].filtered);
  CHECK(warm.report.decode_seconds == 0);
  Counts before = CountsOf(cold);
  Counts after = CountsOf(warm);
  CHECK(before.at("objects kept") > 0);
  CHECK(before.at("pictures without objects") == NodeOf(cold, "small").filtered);
  for (const char* own : {"misses", "stored"}) before.erase(own);
  after.erase("hits");
  CHECK(before == after);
}

TEST_CASE("what stands behind writes to its own pixels, never to those in memory") {
  const std::string look =
      "[gamma: 0.7, {brightness: 1.2}, gaussian_noise: {std: 0.1}, erasing: {scale: 0.2}, "
      "coarse_dropout: {holes: 3}, elastic: {alpha: 5}, pixel_dropout: {rate: 0.1}]";
  Pipeline pipeline = Pipeline::Parse(
      Yaml("canvas: {count: 9, size: [40, 60]}", "{cache: {steps: [hflip], memory: 9MiB}}", look),
      "t.yaml", TestOptions());
  const Outcome first = RunPipeline(pipeline);
  for (int round = 0; round < 3; ++round) {
    const Outcome again = RunPipeline(pipeline, Disturbed(4, static_cast<std::uint64_t>(round)));
    CHECK(CountsOf(again).at("hits") == 9);
    CHECK(Difference(first, again) == "");
  }
}

TEST_CASE("several readers of a cache get samples of their own") {
  const std::string yaml =
      "version: 1\nseed: 5\nnodes:\n  photos: {canvas: {count: 6, size: [30, 40]}}\n"
      "  small: {cache: {steps: [resize: 20], memory: 9MiB}}\n  a: [gamma: 0.5]\n"
      "  b: {chain: [invert], from: small}\n  out: {collect: a, from: a}\n"
      "  out_b: {collect: b, from: b}\n  plain: {collect: plain, from: small}\n";
  Pipeline pipeline = Pipeline::Parse(yaml, "t.yaml", TestOptions());
  const Outcome first = RunPipeline(pipeline);
  const Outcome again = RunPipeline(pipeline, Disturbed(4, 1));
  CHECK(first.samples.size() == 18);
  CHECK(Difference(first, again) == "");
}

// ---- keys ---------------------------------------------------------------------------------------

// How many of the pictures are known after `before` when `after` runs.
std::uint64_t Hits(const std::string& before, const std::string& after) {
  RunWith(before);
  const Counts& counts = CountsOf(RunWith(after));
  return counts.count("hits") > 0 ? counts.at("hits") : 0;
}

TEST_CASE("other steps, other decoding, other limits and other labels are other entries") {
  const TempFolder folder;
  int n = 0;
  const auto hits = [&](const std::string& source, const std::string& steps,
                        const std::string& other_source, const std::string& other_steps,
                        const std::string& head = "") {
    const std::string path = folder.Path(std::to_string(n++));
    return Hits(Yaml(source, OnDisk(steps, path)),
                head + Yaml(other_source, OnDisk(other_steps, path)));
  };
  const std::string canvas = "canvas: {count: 4, size: [40, 60]}";
  CHECK(hits(canvas, "[resize: 20]", canvas, "[resize: 20]") == 4);
  CHECK(hits(canvas, "[resize: 20]", canvas, "[{resize: {size: 20, interpolation: linear}}]") == 4);
  CHECK(hits(canvas, "[resize: 20]", canvas, "[resize: 21]") == 0);
  CHECK(hits(canvas, "[resize: 20]", canvas, "[{resize: {size: 20, interpolation: area}}]") == 0);
  CHECK(hits(canvas, "[hflip, vflip]", canvas, "[vflip, hflip]") == 0);
  CHECK(hits(canvas, "[gamma: 0.5]", canvas, "[{gamma: 0.5, fields: [image]}]") == 0);
  CHECK(hits(canvas, "[resize: 20]", canvas, "[{chain: [resize: 20], resample: each}]") == 0);
  CHECK(hits(canvas, "[resize: 20]", canvas, "[resize: 20]", "limits: {max_scans: 99}\n") == 0);
  // c2 and c3 of three are c0 and c1 of others; labels and pixels come with the number.
  CHECK(hits("canvas: {count: 4}", "[hflip]", "canvas: {count: 4, first: 2}", "[hflip]") == 2);
  CHECK(hits("canvas: {count: 4}", "[hflip]", "canvas: {count: 4, depth: u16}", "[hflip]") == 0);
  // The same pixels with other labels beside them.
  const std::string scenes = "shapes: {count: 4, size: [80, 90], encode: png, masks: false";
  CHECK(hits(scenes + "}", "[hflip]", scenes + "}", "[hflip]") == 4);
  CHECK(hits(scenes + "}", "[hflip]", scenes + ", oriented: true}", "[hflip]") == 0);
  CHECK(hits(scenes + "}", "[hflip]", scenes + ", keypoints: false}", "[hflip]") == 0);
}

TEST_CASE("files are known by what is in them and keep who they are") {
  const TempFolder work;
  const auto copy = [&](const std::string& to, int which) {
    fs::create_directories(fs::path(work.Path(to)).parent_path());
    fs::copy_file(Photos().Path(fmt::format("jpg/shape_{:06}.jpg", which)), work.Path(to),
                  fs::copy_options::overwrite_existing);
  };
  copy("in/one.jpg", 0);
  copy("in/two.jpg", 0);  // the same bytes
  copy("in/three.jpg", 1);
  const std::string yaml = Yaml(Folder(work.Path("in")), OnDisk("[resize: 32]", work.Path("c")));
  const std::string plain = Yaml(Folder(work.Path("in")), "[resize: 32]");
  const Outcome cold = RunWith(yaml);
  CHECK(CountsOf(cold) == Counts{{"hits", 1}, {"misses", 2}, {"stored", 2}});
  CHECK(Entries(work.Path("c")).size() == 2);
  CHECK(cold.Keys() == std::vector<std::string>{"one.jpg", "three.jpg", "two.jpg"});
  // The noise behind the cache tells the two apart.
  CHECK(PixelDifference(cold[0], cold[2]) != "");
  CHECK(Difference(RunWith(plain), cold) == "");
  const Outcome warm = RunWith(yaml);
  CHECK(CountsOf(warm) == Counts{{"hits", 3}});
  CHECK(Difference(cold, warm) == "");

  // Changed content misses, a changed name does not.
  copy("in/three.jpg", 2);
  fs::rename(work.Path("in/two.jpg"), work.Path("in/zwei.jpg"));
  const Outcome changed = RunWith(yaml);
  CHECK(CountsOf(changed) == Counts{{"hits", 2}, {"misses", 1}, {"stored", 1}});
  CHECK(Difference(RunWith(plain), changed) == "");

  // The same file under another class is another sample.
  copy("classes/cat/x.jpg", 3);
  copy("classes/dog/x.jpg", 3);
  const std::string by_class =
      Yaml(Folder(work.Path("classes")), OnDisk("[resize: 32]", work.Path("c")));
  const Outcome classes = RunWith(by_class);
  CHECK(CountsOf(classes).at("misses") == 2);
  CHECK(classes[0].labels.label == 0);
  CHECK(classes[1].labels.label == 1);
  CHECK(Difference(classes, RunWith(by_class)) == "");
  // The classes' names are part of what labels mean.
  copy("classes/ape/x.jpg", 4);
  CHECK(CountsOf(RunWith(by_class)).at("misses") == 3);
}

TEST_CASE("how a file is decoded is part of the key") {
  const TempFolder work;
  const std::string path = Photos().Path("jpg");
  const std::string small = OnDisk("[resize: 20]", work.Path("c"));
  const auto misses = [&](const std::string& more) {
    const std::string plain = Yaml(Folder(path, more), "[resize: 20]");
    const Outcome outcome = RunWith(Yaml(Folder(path, more), small));
    CHECK(Difference(RunWith(plain), outcome) == "");
    return CountsOf(outcome).count("misses") > 0 ? CountsOf(outcome).at("misses") : 0;
  };
  CHECK(misses("") == 6);
  CHECK(misses(", decode: exact") == 6);
  CHECK(misses(", channels: 1") == 6);
  CHECK(misses(", truncated: accept") == 6);
  CHECK(misses("") == 0);
}

TEST_CASE("pictures that are only decoded are stored whole") {
  const TempFolder work;
  const std::string path = Photos().Path("jpg");
  const std::string only = fmt::format("{{cache: {{path: {}}}}}", work.Path("c"));
  const std::string behind = "[resize: [20, 30]]";
  const Outcome cold = RunWith(Yaml(Folder(path), only, behind));
  const Outcome warm = RunWith(Yaml(Folder(path), only, behind));
  CHECK(CountsOf(cold) == Counts{{"misses", 6}, {"stored", 6}});
  CHECK(CountsOf(warm) == Counts{{"hits", 6}});
  CHECK(cold.report.decode_seconds > 0);
  CHECK(warm.report.decode_seconds == 0);
  CHECK(Difference(cold, warm) == "");
  // What stands behind reads pixels at full scale.
  const Outcome exact = RunWith(Yaml(Folder(path, ", decode: exact"), behind,
                                     "[transpose, "
                                     "transpose]"));
  for (std::size_t i = 0; i < 6; ++i) CHECK(PixelDifference(exact[i], warm[i]) == "");
}

TEST_CASE("a map that changes makes other entries") {
  const TempFolder work;
  fs::copy_file("tests/support/maps/warm.cube", work.Path("t.cube"));
  const std::string steps = fmt::format("[{{lut: {{file: {}}}}}]", work.Path("t.cube"));
  const std::string yaml = Yaml("canvas: {count: 3}", OnDisk(steps, work.Path("c")));
  RunWith(yaml);
  CHECK(CountsOf(RunWith(yaml)).at("hits") == 3);
  std::string table = BytesOf(work.Path("t.cube"));
  table += "# another one\n";
  WriteBytes(work.Path("t.cube"), table);
  CHECK(CountsOf(RunWith(yaml)).at("misses") == 3);
}

TEST_CASE("a node of another name shares entries and writes its own name") {
  const TempFolder work;
  const std::string yaml =
      Yaml("canvas: {count: 3}", OnDisk("[resize: 20, {gamma: 2, name: light}]", work.Path("c")));
  RunWith(yaml);
  std::string other = yaml;
  other.replace(other.find("  small:"), 8, "  tiny:");
  const Outcome outcome = RunWith(other);
  CHECK(NodeOf(outcome, "tiny").counts.at("hits") == 3);
  CHECK(Find(outcome[0], "tiny/resize#1") != nullptr);
  CHECK(Find(outcome[0], "tiny/light") != nullptr);
  std::string plain = Yaml("canvas: {count: 3}", "[resize: 20, {gamma: 2, name: light}]");
  plain.replace(plain.find("  small:"), 8, "  tiny:");
  CHECK(Difference(RunWith(plain), outcome) == "");
}

TEST_CASE("what happened before the cache stays in the recipe") {
  const TempFolder work;
  const auto yaml = [&](const std::string& small) {
    return "version: 1\nseed: 5\nnodes:\n  photos: {canvas: {count: 3}}\n  views: {copies: 2}\n"
           "  early: [hflip: {p: 0.5}]\n  small: " +
           small + "\n  out: {collect: out}\n";
  };
  const std::string cached = yaml(OnDisk("[resize: 20]", work.Path("c")));
  const Outcome plain = RunWith(yaml("[resize: 20]"));
  const Outcome cold = RunWith(cached);
  const Outcome warm = RunWith(cached);
  CHECK(Difference(plain, cold) == "");
  CHECK(Difference(plain, warm) == "");
  CHECK(CountsOf(warm) == Counts{{"hits", 6}});
  CHECK(Find(warm[0], "early/hflip#1") != nullptr);
  CHECK(Find(warm[0], "small/resize#1") != nullptr);
  CHECK(*warm[0].recipe.entries[0].stream == "early/hflip#1");
}

// ---- the rest of the language -------------------------------------------------------------------

TEST_CASE("replay starts from the source and writes nothing") {
  const TempFolder work;
  const std::string yaml = Yaml("canvas: {count: 3}", OnDisk("[resize: 20]", work.Path("c")));
  Pipeline pipeline = Pipeline::Parse(yaml, "t.yaml", TestOptions());
  auto replayed = pipeline.Replay("c1");
  CHECK(!fs::exists(work.Path("c")));
  const Outcome outcome = RunPipeline(pipeline);  // the cache is back in its place
  CHECK(CountsOf(outcome).at("stored") == 3);
  REQUIRE(replayed.size() == 1);
  CHECK(SampleDifference(outcome[1], replayed[0].sample) == "");
  CHECK(outcome[1].recipe.ToJson() == replayed[0].sample.recipe.ToJson());
}

TEST_CASE("a pipeline written out has the same cache") {
  const TempFolder work;
  const std::string yaml = Yaml(kScenes, OnDisk("[resize: 30, {gamma: 2, name: light}]",
                                                work.Path("c"), ", memory: 64MiB, disk: 2GiB"));
  Pipeline pipeline = Pipeline::Parse(yaml, "t.yaml", TestOptions());
  const Outcome first = RunPipeline(pipeline);
  const std::string written = pipeline.ToYaml();
  CAPTURE(written);
  CHECK(written.find("memory: \"64MiB\"") != std::string::npos);
  CHECK(written.find("disk: \"2GiB\"") != std::string::npos);
  Pipeline again = Pipeline::Parse(written, "t.yaml", TestOptions());
  CHECK(again.ToYaml() == written);
  const Outcome second = RunPipeline(again);
  CHECK(CountsOf(second) == Counts{{"hits", 12}});
  CHECK(Difference(first, second) == "");
  CHECK(pipeline.graph().ToText().find("cache(resize > gamma)") != std::string::npos);
}

TEST_CASE("passes work on a cache as on a chain, and change nothing") {
  const TempFolder work;
  const std::string steps = "[crop: {x_min: 9, y_min: 9, x_max: 90, y_max: 80}, gamma: 2, invert]";
  const auto pipeline = [&](const std::string& small, std::set<std::string> disabled) {
    LoadOptions options = TestOptions();
    options.disabled_passes = std::move(disabled);
    return Pipeline::Parse(Yaml(kScenes, small), "t.yaml", options);
  };
  const Pipeline chain = pipeline(steps, {});
  const Pipeline cache = pipeline(OnDisk(steps, work.Path("c")), {});
  const Node& a = chain.graph().nodes[1];
  const Node& b = cache.graph().nodes[1];
  CHECK(b.kind == Node::Kind::kCache);
  CHECK(b.push_down);
  CHECK(b.push_down == a.push_down);
  CHECK(b.fused == a.fused);
  CHECK(b.meta[0].Text() == a.meta[0].Text());
  CHECK(chain.graph().nodes[0].tokens->largest == cache.graph().nodes[0].tokens->largest);
  // Whatever passes ran, the entries are the same.
  Pipeline bare =
      pipeline(OnDisk(steps, work.Path("c")), {"prune", "push_down", "fuse", "schedule"});
  const Outcome cold = RunPipeline(bare);
  Pipeline usual = pipeline(OnDisk(steps, work.Path("c")), {});
  const Outcome warm = RunPipeline(usual);
  CHECK(CountsOf(warm) == Counts{{"hits", 12}});
  CHECK(Difference(cold, warm) == "");
}

TEST_CASE("tokens cover what a cache makes larger") {
  const auto largest = [](const std::string& small) {
    const Pipeline pipeline =
        Pipeline::Parse(Yaml("canvas: {size: [20, 20]}", small), "t.yaml", TestOptions());
    return pipeline.graph().nodes[0].tokens->largest;
  };
  CHECK(largest("{cache: {steps: [resize: 500], memory: 1GiB}}") == 750'000);
  // Steps of a cache are held to the same rules.
  const auto errors =
      ErrorsOf(Yaml("canvas: {channels: 1}", "{cache: {steps: [to_sepia: 1], memory: 1GiB}}"));
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].find("CFG-TYPE") != std::string::npos);
}

TEST_CASE("steps that always do the same may stand in a cache, others may not") {
  const auto fine = [](const std::string& steps) {
    return ErrorsOf(Yaml("canvas: 1", "{cache: {steps: " + steps + ", memory: 1MiB}}")).empty();
  };
  CHECK(fine("[rotate: 15]"));
  CHECK(!fine("[rotate: [15, 16]]"));
  CHECK(!fine("[rotate: {angle: {choice: [15, 30]}}]"));
  CHECK(fine("[letter_box: 90]"));
  CHECK(!fine("[letter_box: {size: 90, position: random}]"));
  CHECK(!fine("[{hflip: {}, p: 0.5}]"));
  CHECK(fine("[{hflip: {}, p: 1}]"));
  CHECK(!fine("[random_crop: 10]"));
  CHECK(!fine("[gaussian_noise: {std: 0.1}]"));
  CHECK(!fine("[one_of: [hflip, vflip]]"));
  CHECK(!fine("[sometimes: {p: 1, then: [hflip]}]"));
  CHECK(!fine("[random_order: [hflip, vflip]]"));
  CHECK(!fine("[{switch: [{else: [hflip]}]}]"));
  CHECK(fine("[chain: [hflip, {repeat: {times: 2, steps: [vflip]}}]]"));
  CHECK(!fine("[chain: [hflip, {repeat: {times: 2, steps: [rotate: [0, 9]]}}]]"));
}

}  // namespace
}  // namespace pixloom::testing
