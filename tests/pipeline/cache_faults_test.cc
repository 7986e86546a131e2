// SPDX-License-Identifier: Apache-2.0
// A cache that is full, damaged, shared or taken away changes no result.
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "pipeline/sample_cache.h"
#include "tests/support/cached.h"

namespace pixloom::testing {
namespace {

// ---- limits -------------------------------------------------------------------------------------

TEST_CASE("memory is kept to its limit, and results do not depend on it") {
  const std::string source = "canvas: {count: 10, size: [40, 60]}";
  const Outcome chain = RunWith(Yaml(source, "[hflip]"));
  // A picture and its masks take 40 x 60 x (3 + 1 + 1) bytes, its points 4000 more.
  for (const auto& [limit, most] :
       std::vector<std::pair<int, std::uint64_t>>{{100, 0}, {20'000, 1}, {70'000, 4}}) {
    CAPTURE(limit);
    Pipeline pipeline = Pipeline::Parse(
        Yaml(source, fmt::format("{{cache: {{steps: [hflip], memory: {}}}}}", limit)), "t.yaml",
        TestOptions());
    for (int round = 0; round < 3; ++round) {
      const Outcome outcome = RunPipeline(pipeline, 3);
      CHECK(Difference(chain, outcome) == "");
      const Counts& counts = CountsOf(outcome);
      const auto count = [&](const char* what) {
        return counts.count(what) > 0 ? counts.at(what) : 0;
      };
      CHECK(count("stored") == (round == 0 ? most : 0));
      CHECK(count("hits") == (round == 0 ? 0 : most));
      CHECK(count("not stored (memory is full)") == 10 - most);
    }
  }
}

TEST_CASE("a cut-out in memory does not keep the whole picture alive") {
  SampleCache cache({.node = "small", .depends = "", .memory = 1 << 20});
  Sample cut;
  const cv::Mat whole(1000, 1000, CV_8UC3, cv::Scalar::all(7));
  cut.images.emplace_back("image", ImageField::Of(whole(cv::Rect(10, 10, 20, 20))));
  SampleCache::Counts counts;
  cache.Store({1, 2}, cut, counts);
  CHECK(whole.u->refcount == 2);  // its own and that of `cut`
  Sample back;
  back.key = "me";
  CHECK(cache.Load({1, 2}, back, counts));
  CHECK(back.key == "me");
  CHECK(PixelDifference(cut, back) == "");
  CHECK(!cache.Load({1, 3}, back, counts));
  CHECK(!cache.Load({2, 2}, back, counts));
  CHECK(counts == Counts{{"hits", 1}, {"misses", 2}, {"stored", 1}});
  // Pixels that belong to somebody else are copied, too.
  std::vector<std::uint8_t> foreign(300, 9);
  Sample theirs;
  theirs.images.emplace_back("image", ImageField::Of(cv::Mat(10, 10, CV_8UC3, foreign.data())));
  cache.Store({4, 4}, theirs, counts);
  foreign.assign(300, 0);
  CHECK(cache.Load({4, 4}, back, counts));
  CHECK(back.Image()->frames[0].pixels.at<cv::Vec3b>(5, 5) == cv::Vec3b(9, 9, 9));
}

TEST_CASE("the folder is kept to its limit, across runs") {
  const TempFolder work;
  const std::string source = "canvas: {count: 10, size: [40, 60]}";
  const Outcome chain = RunWith(Yaml(source, "[hflip]"));
  const auto run = [&](const std::string& limit) {
    const Outcome outcome =
        RunWith(Yaml(source, OnDisk("[hflip]", work.Path("c"), ", disk: " + limit)));
    CHECK(Difference(chain, outcome) == "");
    return CountsOf(outcome);
  };
  CHECK(run("70kB") == Counts{{"misses", 10}, {"stored", 4}, {"not stored (limit is reached)", 6}});
  CHECK(run("70kB") == Counts{{"hits", 4}, {"misses", 6}, {"not stored (limit is reached)", 6}});
  CHECK(run("100kB") ==
        Counts{{"hits", 4}, {"misses", 6}, {"stored", 2}, {"not stored (limit is reached)", 4}});
  CHECK(run("1GiB") == Counts{{"hits", 6}, {"misses", 4}, {"stored", 4}});
}

TEST_CASE("memory before the folder") {
  const TempFolder work;
  const std::string yaml =
      Yaml("canvas: {count: 5}", OnDisk("[hflip]", work.Path("c"), ", memory: 9MiB"));
  Pipeline pipeline = Pipeline::Parse(yaml, "t.yaml", TestOptions());
  const Outcome cold = RunPipeline(pipeline);
  CHECK(CountsOf(cold) == Counts{{"misses", 5}, {"stored", 5}});
  for (const fs::path& path : Entries(work.Path("c"))) fs::remove(path);
  const Outcome from_memory = RunPipeline(pipeline);
  CHECK(CountsOf(from_memory) == Counts{{"hits", 5}});
  CHECK(Difference(cold, from_memory) == "");
  RunWith(yaml);
  Pipeline other = Pipeline::Parse(yaml, "t.yaml", TestOptions());
  CHECK(Difference(cold, RunPipeline(other)) == "");  // from the folder, into memory
  for (const fs::path& path : Entries(work.Path("c"))) fs::remove(path);
  const Outcome again = RunPipeline(other);
  CHECK(CountsOf(again) == Counts{{"hits", 5}});
  CHECK(Difference(cold, again) == "");
}

// What a file of the process may hold, for as long as it lives; beyond it a write fails as on a
// full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

TEST_CASE("without space the run goes on and leaves nothing half written") {
  const TempFolder work;
  const std::string source = "canvas: {count: 8, size: [40, 60]}";
  const Outcome chain = RunWith(Yaml(source, "[hflip]"));
  const std::string yaml = Yaml(source, OnDisk("[hflip]", work.Path("c")));
  {
    const FileSizeLimit limit(9'000);
    const Outcome outcome = RunWith(yaml, 2);
    CHECK(Difference(chain, outcome) == "");
    CHECK(CountsOf(outcome) == Counts{{"misses", 8}, {"not stored (disk is full)", 8}});
  }
  CHECK(Entries(work.Path("c")).empty());
  CHECK(fs::is_empty(work.Path("c/.tmp")));
  CHECK(CountsOf(RunWith(yaml)).at("stored") == 8);
  CHECK(CountsOf(RunWith(yaml)) == Counts{{"hits", 8}});
}

TEST_CASE("a folder that cannot be used stops the run before it starts") {
  const TempFolder work;
  work.Write("file", "no folder");
  for (const char* path : {"file", "file/below"}) {
    const std::string yaml = Yaml("canvas: 2", OnDisk("[hflip]", work.Path(path)));
    CHECK_THROWS_AS(RunYaml(yaml), EnvironmentError);
  }
  try {
    RunYaml(Yaml("canvas: 2", OnDisk("[hflip]", work.Path("file"))));
  } catch (const EnvironmentError& error) {
    const std::string text = error.what();
    CHECK(text.find(work.Path("file")) != std::string::npos);
    CHECK(text.find("ENOTDIR") != std::string::npos);
    CHECK(text.find("take the cache out") != std::string::npos);
  }
}

// ---- damage -------------------------------------------------------------------------------------

TEST_CASE("damaged files are made again, counted and replaced") {
  const TempFolder work;
  const std::string yaml =
      Yaml("canvas: {count: 6, size: [40, 60]}", OnDisk("[hflip, pad: 2]", work.Path("c")));
  const Outcome cold = RunWith(yaml);
  const std::vector<fs::path> files = Entries(work.Path("c"));
  REQUIRE(files.size() == 6);
  const std::vector<std::function<void(const fs::path&)>> harms{
      [](const fs::path& p) { fs::resize_file(p, fs::file_size(p) - 1); },
      [](const fs::path& p) { fs::resize_file(p, 0); },
      [](const fs::path& p) {
        std::string bytes = BytesOf(p);
        bytes[bytes.size() / 2] ^= 4;
        WriteBytes(p, bytes);
      },
      [](const fs::path& p) { WriteBytes(p, BytesOf(p) + "more"); },
      [](const fs::path& p) { WriteBytes(p, "<!DOCTYPE html>" + std::string(5000, 'x')); },
      [&](const fs::path& p) {
        fs::remove(p);
        fs::create_symlink("/dev/zero", p);
      }};
  for (std::size_t i = 0; i < harms.size(); ++i) harms[i](files[i]);
  const Outcome again = RunWith(yaml, 3);
  CHECK(Difference(cold, again) == "");
  CHECK(CountsOf(again) == Counts{{"damaged", 6}, {"misses", 6}, {"stored", 6}});
  const Outcome warm = RunWith(yaml);
  CHECK(CountsOf(warm) == Counts{{"hits", 6}});
  CHECK(Difference(cold, warm) == "");
}

TEST_CASE("an entry that holds no picture is damaged") {
  const TempFolder work;
  const std::string yaml = Yaml("canvas: {count: 1}", OnDisk("[hflip]", work.Path("c")));
  const Outcome cold = RunWith(yaml);
  const ByteList bytes = StoredForm(Sample());
  WriteBytes(Entries(work.Path("c")).at(0), std::string(bytes.begin(), bytes.end()));
  const Outcome again = RunWith(yaml);
  CHECK(CountsOf(again).at("damaged") == 1);
  CHECK(Difference(cold, again) == "");
}

TEST_CASE("the folder may go away while it is in use") {
  const TempFolder work;
  const std::string yaml = Yaml("canvas: {count: 6}", OnDisk("[hflip]", work.Path("c")));
  Pipeline pipeline = Pipeline::Parse(yaml, "t.yaml", TestOptions());
  RunOptions options;
  options.threads = 1;
  int seen = 0;
  options.before_node = [&](std::string_view node, std::uint64_t) {
    if (node == "small" && ++seen == 3) fs::remove_all(work.Path("c"));
  };
  const Outcome outcome = RunPipeline(pipeline, options);
  CHECK(CountsOf(outcome) == Counts{{"misses", 6}, {"stored", 6}});
  CHECK(Entries(work.Path("c")).size() == 4);
}

TEST_CASE("what a killed run left is cleared, what another run writes is not") {
  const TempFolder work;
  const std::string yaml = Yaml("canvas: {count: 2}", OnDisk("[hflip]", work.Path("c")));
  work.Write("c/.tmp/1-0", "half of an entry");
  work.Write("c/.tmp/2-0", "of a run that is at it");
  std::FILE* busy = std::fopen(work.Path("c/.tmp/2-0").c_str(), "r+");
  REQUIRE(busy != nullptr);
  REQUIRE(::flock(fileno(busy), LOCK_EX) == 0);
  RunWith(yaml);
  CHECK(!fs::exists(work.Path("c/.tmp/1-0")));
  CHECK(fs::exists(work.Path("c/.tmp/2-0")));
  std::fclose(busy);
  RunWith(yaml);
  CHECK(fs::is_empty(work.Path("c/.tmp")));
}

TEST_CASE("an unfinished file of the same name is not touched") {
  const TempFolder work;
  const std::string yaml = Yaml("canvas: {count: 2}", OnDisk("[hflip]", work.Path("c")));
  const std::string name = fmt::format("c/.tmp/{}-0", ::getpid());
  work.Write(name, "of a process on another machine");
  std::FILE* busy = std::fopen(work.Path(name).c_str(), "r+");
  REQUIRE(::flock(fileno(busy), LOCK_EX) == 0);
  CHECK(CountsOf(RunWith(yaml)).at("stored") == 2);
  CHECK(BytesOf(work.Path(name)) == "of a process on another machine");
  std::fclose(busy);
}

TEST_CASE("runs that share a folder disturb each other in nothing") {
  const std::string source = "shapes: {count: 40, size: [90, 120], encode: jpeg, masks: false}";
  // No randomness behind: `collect` keeps results of one run at a time, so these write files.
  const TempFolder work;
  const auto yaml = [&](const std::string& small, const std::string& out) {
    return "version: 1\nseed: 5\nnodes:\n  photos: {" + source + "}\n  small: " + small +
           "\n  look: [gaussian_noise: {std: 0.1}]\n  out: {image_folder: {path: " +
           work.Path(out) + "}}\n";
  };
  RunYaml(yaml("[resize: 40]", "plain"));
  const std::string small = OnDisk("[resize: 40]", work.Path("c"), ", disk: 1GiB");
  const auto hash = [&](const std::string& out) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(work.Path(out))) {
      // What made them names the folder of the cache.
      if (entry.path().filename() == "pipeline.yaml") continue;
      files[entry.path().filename()] = BytesOf(entry.path());
    }
    return files;
  };
  const auto plain = hash("plain");
  CHECK(plain.size() == 80);
  std::vector<std::thread> runs;
  std::vector<RunReport> reports(4);
  for (std::size_t r = 0; r < 4; ++r) {
    runs.emplace_back([&, r] {
      Pipeline pipeline = Pipeline::Parse(yaml(small, fmt::format("out{}", r)), "t.yaml");
      reports[r] = pipeline.Run(Disturbed(2, r));
    });
  }
  for (std::thread& run : runs) run.join();
  for (std::size_t r = 0; r < 4; ++r) {
    CHECK(hash(fmt::format("out{}", r)) == plain);
    CHECK(reports[r].nodes[1].counts.count("damaged") == 0);
  }
  CHECK(Entries(work.Path("c")).size() == 40);
  CHECK(fs::is_empty(work.Path("c/.tmp")));
}

TEST_CASE("bad pictures are quarantined every time and never stored") {
  const TempFolder work;
  const std::string good = BytesOf(Photos().Path("jpg/shape_000000.jpg"));
  work.Write("in/a.jpg", good);
  work.Write("in/b.jpg", good.substr(0, good.size() / 2));
  work.Write("in/c.jpg", "no picture");
  const std::string yaml = Yaml(Folder(work.Path("in")), OnDisk("[resize: 32]", work.Path("c")));
  const Outcome plain = RunWith(Yaml(Folder(work.Path("in")), "[resize: 32]"));
  for (int round = 0; round < 2; ++round) {
    const Outcome outcome = RunWith(yaml);
    CHECK(outcome.quarantine.size() == 2);
    CHECK(Difference(plain, outcome) == "");
    CHECK(NodeOf(outcome, "small").failed == 1);
    CHECK(CountsOf(outcome).at("misses") == (round == 0 ? 2 : 1));
  }
  CHECK(Entries(work.Path("c")).size() == 1);
}

}  // namespace
}  // namespace pixloom::testing
