// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_nodes.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "pipeline/model.h"

namespace pixloom::testing {

namespace {
enum class FailKind { kData, kBug, kMemory, kOpenCv };
}  // namespace

}  // namespace pixloom::testing

namespace pixloom {
template <>
struct EnumNames<testing::FailKind> {
  using K = testing::FailKind;
  static constexpr std::array<std::pair<K, std::string_view>, 4> kAll{
      {{K::kData, "data"}, {K::kBug, "bug"}, {K::kMemory, "memory"}, {K::kOpenCv, "opencv"}}};
};
}  // namespace pixloom

namespace pixloom::testing {

namespace {

class NumberSource final : public Source {
 public:
  struct Settings {
    std::int64_t count, side, bad_every;
    bool vary, same_key;
    std::string prefix;
  };
  explicit NumberSource(Settings settings) : settings_(std::move(settings)) {}

  Result<std::vector<SourceEntry>, std::string> List(
      const std::function<void(std::string)>&) override {
    std::vector<SourceEntry> entries;
    for (std::int64_t i = 0; i < settings_.count; ++i) {
      const std::int64_t name = settings_.same_key ? 0 : i;
      entries.push_back({settings_.prefix + std::to_string(name), 0});
    }
    return entries;
  }

  Result<Sample> Read(const SourceEntry& entry) const override {
    const std::int64_t i = std::stoll(entry.key.substr(settings_.prefix.size()));
    if (settings_.bad_every > 0 && i % settings_.bad_every == 0) {
      return DataError{"TST-BAD", "made to fail", "", ""};
    }
    // Sizes differ by up to eight times when asked to.
    const auto side = static_cast<int>(settings_.side * (settings_.vary ? 1 + i * 7 % 8 : 1));
    Sample sample;
    cv::Mat pixels(side, side, CV_8UC3);
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side * 3; ++x) {
        pixels.ptr(y)[x] = static_cast<std::uint8_t>(
            Mix64(static_cast<std::uint64_t>(((i * 1009 + y) * 4099) + x)) >> 56);
      }
    }
    sample.images.emplace_back("image", ImageField::Of(pixels));
    return sample;
  }

  Meta OutputMeta() const override {
    Meta meta;
    meta.depth = Depth::kU8;
    meta.channels = 3;
    return meta;
  }

 private:
  Settings settings_;
};

struct TestNumbers {
  std::int64_t count = 10, side = 8, bad_every = 0;
  bool vary = false, same_key = false;
  std::string prefix = "n";
  static constexpr std::string_view kName = "test_numbers";
  static constexpr std::string_view kDoc = "Small pictures of noise.";
  static constexpr auto Params() {
    using S = TestNumbers;
    return std::tuple{Param("count", &S::count),         Param("side", &S::side),
                      Param("bad_every", &S::bad_every), Param("vary", &S::vary),
                      Param("same_key", &S::same_key),   Param("prefix", &S::prefix)};
  }
  std::unique_ptr<Source> Make(const Services&) const {
    return std::make_unique<NumberSource>(
        NumberSource::Settings{count, side, bad_every, vary, same_key, prefix});
  }
};

class KeepSink final : public Sink {
 public:
  struct Held : Prepared {
    Sample sample;
    std::size_t Bytes() const override { return sample.Bytes(); }
  };
  KeepSink(std::string name, std::int64_t delay_us, std::int64_t fail_at)
      : name_(std::move(name)), delay_us_(delay_us), fail_at_(fail_at) {}

  std::uint64_t Open(const RunInfo& run, const Expected&) override {
    written_ = 0;
    return run.first_unit;
  }
  Result<std::unique_ptr<Prepared>> Prepare(Sample sample) const override {
    auto held = std::make_unique<Held>();
    held->sample = std::move(sample);
    return std::unique_ptr<Prepared>(std::move(held));
  }
  void Write(std::unique_ptr<Prepared> prepared) override {
    if (delay_us_ > 0) std::this_thread::sleep_for(std::chrono::microseconds(delay_us_));
    if (fail_at_ >= 0 && written_ >= fail_at_) throw EnvironmentError("disk full, as asked for");
    ++written_;
    Sample sample = std::move(static_cast<Held&>(*prepared).sample);
    KeptSample kept;
    kept.sink = name_;
    kept.key = sample.key;
    kept.branch = sample.identity.branch;
    kept.hash = ContentHash(sample);
    kept.recipe = sample.recipe.ToJson();
    kept.text = sample.text;
    kept.sample = std::move(sample);
    Kept().push_back(std::move(kept));
  }
  void Close(bool) override {}
  std::string Location() const override { return ""; }

 private:
  std::string name_;
  std::int64_t delay_us_, fail_at_, written_ = 0;
};

struct TestKeep {
  std::string name = "keep";
  std::int64_t delay_us = 0, fail_at = -1;
  static constexpr std::string_view kName = "test_keep";
  static constexpr std::string_view kDoc = "Keep results in memory.";
  static constexpr auto Params() {
    return std::tuple{Param("name", &TestKeep::name), Param("delay_us", &TestKeep::delay_us),
                      Param("fail_at", &TestKeep::fail_at)};
  }
  std::unique_ptr<Sink> Make(const Services&) const {
    return std::make_unique<KeepSink>(name, delay_us, fail_at);
  }
};

// Goes on where it was stopped: keeps results of whole units only.
class LedgerSink final : public Sink {
 public:
  struct Line : Prepared {
    std::string text;
    std::size_t Bytes() const override { return text.size(); }
  };
  LedgerSink(std::string name, std::int64_t fail_at) : name_(std::move(name)), fail_at_(fail_at) {}

  std::uint64_t Open(const RunInfo& run, const Expected& expected) override {
    Ledger& ledger = Ledgers()[name_];
    if (ledger.opened++ == 0) ledger.done = run.first_unit;
    ledger.expected = expected.rows;
    ledger.fingerprint = run.fingerprint;
    ledger.sources.clear();
    for (const auto& [source, names] : expected.names) ledger.sources.push_back(source);
    written_ = 0;
    return ledger.done;
  }
  Result<std::unique_ptr<Prepared>> Prepare(Sample sample) const override {
    auto line = std::make_unique<Line>();
    line->text = sample.key + " " + BranchText(sample.identity.branch) + " " +
                 std::to_string(ContentHash(sample)) + " " + sample.recipe.ToJson();
    return std::unique_ptr<Prepared>(std::move(line));
  }
  void Write(std::unique_ptr<Prepared> prepared) override {
    if (fail_at_ >= 0 && written_++ >= fail_at_) throw EnvironmentError("disk full, as asked for");
    Ledgers()[name_].pending.push_back(std::move(static_cast<Line&>(*prepared).text));
  }
  void Advance(std::uint64_t next_unit, std::uint64_t quarantined) override {
    Ledger& ledger = Ledgers()[name_];
    PIXLOOM_CHECK(next_unit == ledger.done + 1, "units out of order");
    ledger.done = next_unit;
    ledger.quarantined += quarantined;
    for (std::string& line : ledger.pending) ledger.lines.push_back(std::move(line));
    ledger.pending.clear();
  }
  void Close(bool) override { Ledgers()[name_].pending.clear(); }
  std::string Location() const override { return ""; }
  bool CanResume() const override { return true; }

 private:
  std::string name_;
  std::int64_t fail_at_, written_ = 0;
};

struct TestLedger {
  std::string name = "ledger";
  std::int64_t fail_at = -1;
  static constexpr std::string_view kName = "test_ledger";
  static constexpr std::string_view kDoc = "Keep results in memory, across runs.";
  static constexpr auto Params() {
    return std::tuple{Param("name", &TestLedger::name), Param("fail_at", &TestLedger::fail_at)};
  }
  std::unique_ptr<Sink> Make(const Services&) const {
    return std::make_unique<LedgerSink>(name, fail_at);
  }
};

// Blends the anchor with the next survivor of its block, as mixup does.
class NeighbourWindow final : public WindowOperator {
 public:
  NeighbourWindow(int size, std::int64_t throw_every) : size_(size), throw_every_(throw_every) {}
  int Size() const override { return size_; }
  Result<Mixed> Run(std::span<const Sample* const> block, std::size_t anchor,
                    Rng& rng) const override {
    if (throw_every_ > 0 &&
        block[anchor]->identity.seq % static_cast<std::uint64_t>(throw_every_) == 0) {
      throw cv::Exception(cv::Error::StsBadSize, "sizes", "f", "f.cc", 1);
    }
    const std::size_t next = (anchor + 1) % block.size();
    const Sample& partner = *block[next];
    Sample result = block[anchor]->Clone();
    const double share = rng.Uniform("share", 0.5, 1);
    cv::Mat& pixels = result.images[0].second.frames[0].pixels;
    const cv::Mat& other = partner.images[0].second.frames[0].pixels;
    MakeUnique(pixels);
    const int rows = std::min(pixels.rows, other.rows);
    const int values = std::min(pixels.cols, other.cols) * 3;
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < values; ++x) {
        pixels.ptr(y)[x] =
            static_cast<std::uint8_t>(share * pixels.ptr(y)[x] + (1 - share) * other.ptr(y)[x]);
      }
    }
    result.text["partner"] = partner.key;
    return Mixed{std::move(result), {next}};
  }

 private:
  int size_;
  std::int64_t throw_every_;
};

struct TestNeighbour {
  std::int64_t size = 2, throw_every = 0;
  static constexpr std::string_view kName = "test_neighbour";
  static constexpr std::string_view kDoc = "Blend with the next sample of the block.";
  static constexpr auto Params() {
    return std::tuple{Param("size", &TestNeighbour::size),
                      Param("throw_every", &TestNeighbour::throw_every)};
  }
  std::shared_ptr<const WindowOperator> Make(const Services&) const {
    return std::make_shared<NeighbourWindow>(static_cast<int>(size), throw_every);
  }
};

// Adds a level to every value, as a network would change every pixel; its runs are always full.
class AddingModel final : public ModelOperator {
 public:
  AddingModel(const Pace& pace, int level, int fail_at, int fixed_us, int each_us)
      : pace_(pace), level_(level), fail_at_(fail_at), fixed_us_(fixed_us), each_us_(each_us) {}
  Pace GetPace() const override { return pace_; }
  ModelUse GetUse() const override {
    const std::lock_guard lock(mutex_);
    return use_;
  }
  std::vector<std::optional<DataError>> Run(std::span<Item> block, bool) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::optional<DataError>> errors(block.size());
    const auto start = std::chrono::steady_clock::now();
    for (Item& item : block) item.rng.Uniform("luck", 0, 1);
    for (const auto& group : GroupPictures(block, static_cast<std::size_t>(pace_.block))) {
      {
        static std::mutex all;
        const std::lock_guard for_all(all);
        BatchSizes().push_back(group.size());
      }
      // As a device would: so much a run, so much a picture.
      const auto cost = fixed_us_ + each_us_ * static_cast<std::int64_t>(group.size());
      if (cost > 0) std::this_thread::sleep_for(std::chrono::microseconds(cost));
      ++use_.runs;
      use_.pictures += group.size();
      const bool bad = std::any_of(group.begin(), group.end(), [this](const BlockPicture& p) {
        return p.frame->pixels.ptr(0)[0] == fail_at_;
      });
      for (const BlockPicture& picture : group) {
        if (bad) {
          errors[picture.item] = DataError{"TST-MODEL", "made to fail", "", ""};
          continue;
        }
        cv::Mat made = picture.frame->pixels.clone();
        for (int y = 0; y < made.rows; ++y) {
          for (int x = 0; x < made.cols * made.channels(); ++x) {
            made.ptr(y)[x] = static_cast<std::uint8_t>(made.ptr(y)[x] + level_);
          }
        }
        picture.frame->pixels = made;
      }
    }
    use_.nanoseconds += static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count());
    return errors;
  }

 private:
  const Pace pace_;
  const int level_, fail_at_, fixed_us_, each_us_;
  mutable std::mutex mutex_;
  ModelUse use_{"a simulated device"};
};

struct TestModel {
  std::int64_t batch = 4;
  std::int64_t level = 7;
  std::int64_t fail_at = -1;
  std::int64_t in_flight = 1;
  bool waits = false;
  std::int64_t fixed_us = 0, each_us = 0;
  static constexpr std::string_view kName = "test_model";
  static constexpr std::string_view kDoc = "Add a level to every value, in batches.";
  static constexpr auto Params() {
    return std::tuple{
        Param("batch", &TestModel::batch),     Param("level", &TestModel::level),
        Param("fail_at", &TestModel::fail_at), Param("in_flight", &TestModel::in_flight),
        Param("waits", &TestModel::waits),     Param("fixed_us", &TestModel::fixed_us),
        Param("each_us", &TestModel::each_us)};
  }
  std::shared_ptr<ModelOperator> Make(const Services&) const {
    return std::make_shared<AddingModel>(
        ModelOperator::Pace{static_cast<int>(batch), static_cast<int>(in_flight), waits},
        static_cast<int>(level), static_cast<int>(fail_at), static_cast<int>(fixed_us),
        static_cast<int>(each_us));
  }
};

struct TestFail {
  std::int64_t every = 1;
  FailKind kind = FailKind::kData;
  static constexpr std::string_view kName = "test_fail";
  static constexpr std::string_view kDoc = "Fail in the way asked for.";
  static constexpr Support kSupport = kAnyPixels;
  static constexpr Determinism kDeterminism = Determinism::kExact;
  static constexpr auto Params() {
    return std::tuple{Param("every", &TestFail::every), Param("kind", &TestFail::kind)};
  }
  SampleStep Draw(Rng&, const Facts&) const {
    return {kTargetNone, [n = every, how = kind](Sample& sample) -> std::optional<DataError> {
              if (sample.identity.seq % static_cast<std::uint64_t>(n) != 0) return std::nullopt;
              switch (how) {
                case FailKind::kData:
                  return DataError{"TST-STEP", "made to fail", "", ""};
                case FailKind::kBug:
                  throw InternalError("a bug, as asked for");
                case FailKind::kMemory:
                  throw std::bad_alloc();
                case FailKind::kOpenCv:
                  throw cv::Exception(cv::Error::StsBadSize, "sizes", "f", "f.cc", 1);
              }
              return std::nullopt;
            }};
  }
};

}  // namespace

std::vector<std::size_t>& BatchSizes() {
  static std::vector<std::size_t> sizes;
  return sizes;
}

std::vector<KeptSample>& Kept() {
  static std::vector<KeptSample> kept;
  return kept;
}

std::map<std::string, Ledger>& Ledgers() {
  static std::map<std::string, Ledger> ledgers;
  return ledgers;
}

void RegisterTestNodes(Registry& registry) {
  RegisterBuiltIns(registry);
  registry.AddSource<TestNumbers>();
  registry.AddSink<TestKeep>();
  registry.AddSink<TestLedger>();
  registry.AddWindow<TestNeighbour>();
  registry.AddModel<TestModel>();
  registry.AddOperator<TestFail>();
}

const Registry& TestRegistry() {
  static const Registry& registry = *[] {
    auto* r = new Registry;
    RegisterTestNodes(*r);
    return r;
  }();
  return registry;
}

std::vector<std::string> RunKept(const std::string& yaml, RunOptions options,
                                 const std::set<std::string>& disabled) {
  LoadOptions load;
  load.registry = &TestRegistry();
  load.disabled_passes = disabled;
  Pipeline pipeline = Pipeline::Parse(yaml, "test.yaml", load);
  Kept().clear();
  pipeline.Run(std::move(options));
  std::vector<std::string> lines;
  for (const KeptSample& kept : Kept()) {
    lines.push_back(kept.sink + " " + kept.key + " " + BranchText(kept.branch) + " " +
                    std::to_string(kept.hash) + " " + kept.recipe);
  }
  return lines;
}

std::uint64_t LeastBudget(const std::string& yaml, int threads) {
  std::uint64_t low = 1, high = std::uint64_t{1} << 40;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    try {
      RunKept(yaml, {.threads = threads, .memory = middle, .limit = 1});
      high = middle;
    } catch (const ConfigError&) {
      low = middle + 1;
    }
  }
  return low;
}

std::string TemporaryFile(const std::string& name) {
  std::string folder = (std::filesystem::temp_directory_path() / "pixloom_test_XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return folder + "/" + name;
}

std::uint64_t ContentHash(const Sample& sample) {
  std::uint64_t hash = 0;
  const auto add = [&](std::uint64_t value) { hash = HashCombine(hash, value); };
  const auto add_mat = [&](const cv::Mat& m) {
    add(static_cast<std::uint64_t>(m.rows));
    add(static_cast<std::uint64_t>(m.cols));
    add(static_cast<std::uint64_t>(m.type()));
    for (int y = 0; y < m.rows; ++y) {
      const auto* row = m.ptr(y);
      const std::size_t bytes = static_cast<std::size_t>(m.cols) * m.elemSize();
      for (std::size_t i = 0; i < bytes; ++i) hash = (hash ^ row[i]) * 0x100000001B3u;
    }
  };
  const auto add_point = [&](const Point& p) {
    add(std::bit_cast<std::uint64_t>(p.x));
    add(std::bit_cast<std::uint64_t>(p.y));
  };
  for (const auto& [name, field] : sample.images) {
    for (const Frame& frame : field.frames) add_mat(frame.pixels);
  }
  for (const auto& [name, mask] : sample.masks) add_mat(mask.pixels);
  for (const Instance& instance : sample.instances) {
    add(static_cast<std::uint64_t>(instance.label.value_or(-1)));
    if (instance.quad) {
      for (const Point& p : *instance.quad) add_point(p);
    }
    for (const Polygon& polygon : instance.polygons) {
      for (const auto& ring : polygon.rings) {
        for (const Point& p : ring) add_point(p);
      }
    }
    for (const Keypoint& k : instance.keypoints) {
      add_point(k.at);
      add(std::bit_cast<std::uint64_t>(k.angle));
      add(std::bit_cast<std::uint64_t>(k.scale));
    }
    if (!instance.mask.empty()) add_mat(instance.mask);
  }
  return hash;
}

}  // namespace pixloom::testing
