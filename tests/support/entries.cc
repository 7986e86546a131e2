// SPDX-License-Identifier: Apache-2.0
#include "tests/support/entries.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "datasets/register.h"
#include "ops/register.h"
#include "pipeline/rng.h"

namespace pixloom::testing {

namespace {

std::mutex reads_mutex;
std::map<std::string, int>& Reads() {
  static std::map<std::string, int> reads;
  return reads;
}

struct Entries {
  std::vector<double> counts{10};
  std::string prefix;
  bool objects = false;
  std::int64_t frames = 1, changed = 0, bad_every = 0, first = 0;
  bool quiet = false;  // counts no reads

  static constexpr std::string_view kName = "entries";
  static constexpr std::string_view kDoc = "As many entries of each class.";
  static constexpr auto Params() {
    using E = Entries;
    return std::tuple{Param("counts", &E::counts).Primary(),
                      Param("prefix", &E::prefix),
                      Param("objects", &E::objects),
                      Param("frames", &E::frames),
                      Param("changed", &E::changed),
                      Param("bad_every", &E::bad_every),
                      Param("first", &E::first),
                      Param("quiet", &E::quiet)};
  }
  std::unique_ptr<Source> Make(const Services&) const;
};

class EntrySource final : public Source {
 public:
  explicit EntrySource(const Entries& settings) : settings_(settings) {
    auto names = std::make_shared<LabelNames>();
    for (std::size_t c = 0; c < settings.counts.size(); ++c) names->classes.push_back(NameOf(c));
    names_ = std::move(names);
  }

  Result<std::vector<SourceEntry>, std::string> List(
      const std::function<void(std::string)>&) override {
    std::vector<SourceEntry> entries;
    for (std::size_t c = 0; c < settings_.counts.size(); ++c) {
      for (int i = 0; i < static_cast<int>(settings_.counts[c]); ++i) {
        entries.push_back({fmt::format("{}/{}", NameOf(c), i), 10, settings_.changed});
      }
    }
    return entries;
  }

  Result<Sample> Read(const SourceEntry& entry) const override {
    if (!settings_.quiet) {
      const std::lock_guard lock(reads_mutex);
      ++Reads()[entry.key];
    }
    const std::string name = ClassOfKey(entry.key);
    const int number = std::stoi(entry.key.substr(entry.key.find('/') + 1));
    const int label =
        std::stoi(name.substr(settings_.prefix.size() + 1)) - static_cast<int>(settings_.first);
    if (settings_.bad_every > 0 && number % settings_.bad_every == 0) {
      return DataError{"TST-BAD", "made to fail", "", ""};
    }
    Sample sample;
    cv::Mat pixels(9, 10, CV_8UC1);
    for (int i = 0; i < 90; ++i) {
      const auto at = static_cast<std::uint64_t>((label * 1'000'003 + number) * 100 + i);
      pixels.ptr(i / 10)[i % 10] = static_cast<std::uint8_t>(Mix64(at) >> 56);
    }
    ImageField field = ImageField::Of(pixels);
    while (static_cast<std::int64_t>(field.frames.size()) < settings_.frames) {
      field.frames.push_back(field.frames[0]);
    }
    sample.images.emplace_back("image", std::move(field));
    sample.names = names_;
    if (!settings_.objects) {
      sample.labels.label = label;
      return sample;
    }
    // Every picture shows its own class and all before it.
    for (int c = 0; c <= label; ++c) {
      Instance object;
      object.id = c + 1;
      object.label = c;
      object.quad = BoxQuad(1, 1, 5, 5);
      sample.instances.push_back(object);
    }
    return sample;
  }

  Meta OutputMeta() const override {
    Meta meta;
    meta.targets = kTargetAll;
    return meta;
  }

 private:
  std::string NameOf(std::size_t c) const {
    return fmt::format("{}c{}", settings_.prefix, static_cast<std::int64_t>(c) + settings_.first);
  }
  const Entries settings_;
  std::shared_ptr<const LabelNames> names_;
};

std::unique_ptr<Source> Entries::Make(const Services&) const {
  return std::make_unique<EntrySource>(*this);
}

class PairsWindow final : public WindowOperator {
 public:
  explicit PairsWindow(int size) : size_(size) {}
  int Size() const override { return size_; }
  Result<Mixed> Run(std::span<const Sample* const> block, std::size_t anchor, Rng&) const override {
    const std::size_t next = (anchor + 1) % block.size();
    Sample result = block[anchor]->Clone();
    result.text["partner"] = block[next]->key;
    return Mixed{std::move(result), {next}};
  }

 private:
  int size_;
};

struct Pairs {
  std::int64_t size = 2;
  static constexpr std::string_view kName = "pairs";
  static constexpr std::string_view kDoc = "Note the next sample of the block.";
  static constexpr auto Params() { return std::tuple{Param("size", &Pairs::size)}; }
  std::shared_ptr<const WindowOperator> Make(const Services&) const {
    return std::make_shared<PairsWindow>(static_cast<int>(size));
  }
};

}  // namespace

const Registry& EntryRegistry() {
  static const Registry& registry = *[] {
    auto* r = new Registry;
    RegisterOps(*r);
    RegisterDatasets(*r);
    AddTestVerbs(*r);
    r->AddSource<Entries>();
    r->AddWindow<Pairs>();
    return r;
  }();
  return registry;
}

std::map<std::string, int> TakeReads() {
  const std::lock_guard lock(reads_mutex);
  return std::exchange(Reads(), {});
}

Outcome RunEntries(const std::string& yaml, EntryRun how) {
  LoadOptions load;
  load.registry = &EntryRegistry();
  try {
    Pipeline pipeline = Pipeline::Parse(yaml, "t.yaml", load);
    return RunPipeline(pipeline, how.threads, std::move(how.options));
  } catch (const ConfigError& error) {
    Outcome outcome;
    outcome.errors = error.what();
    return outcome;
  }
}

Outcome Fine(const std::string& yaml, EntryRun how) {
  Outcome outcome = RunEntries(yaml, std::move(how));
  INFO(outcome.errors);
  REQUIRE(outcome.errors.empty());
  for (const NodeCounts& n : outcome.report.nodes) {
    CAPTURE(n.name);
    CHECK(n.in + n.generated == n.out + n.filtered + n.failed);
  }
  return outcome;
}

std::map<std::string, int> PerClass(const std::vector<std::string>& keys) {
  std::map<std::string, int> counts;
  for (const std::string& key : keys) ++counts[ClassOfKey(key)];
  return counts;
}

std::size_t Differing(std::vector<std::string> a, std::vector<std::string> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::vector<std::string> only;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only));
  return only.size();
}

const NodeCounts& CountsOf(const Outcome& outcome, std::string_view node) {
  for (const NodeCounts& counts : outcome.report.nodes) {
    if (counts.name == node) return counts;
  }
  throw std::out_of_range("no such node in the report");
}

std::string ClassOfKey(const std::string& key) { return key.substr(0, key.find('/')); }

Environment::Environment(std::string name, const std::string& value) : name_(std::move(name)) {
  const char* before = std::getenv(name_.c_str());
  was_set_ = before != nullptr;
  if (was_set_) before_ = before;
  setenv(name_.c_str(), value.c_str(), 1);
}

Environment::~Environment() {
  if (was_set_)
    setenv(name_.c_str(), before_.c_str(), 1);
  else
    unsetenv(name_.c_str());
}

}  // namespace pixloom::testing
