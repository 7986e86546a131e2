// SPDX-License-Identifier: Apache-2.0
#include "tests/support/verbs.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

#include "datasets/register.h"
#include "ops/register.h"
#include "pipeline/rng.h"

namespace pixloom {

namespace {

enum class CanvasDepth { kU8, kU16, kF32 };
enum class CanvasContent { kNoise, kPlaces };

}  // namespace

template <>
struct EnumNames<CanvasDepth> {
  static constexpr std::array<std::pair<CanvasDepth, std::string_view>, 3> kAll{
      {{CanvasDepth::kU8, "u8"}, {CanvasDepth::kU16, "u16"}, {CanvasDepth::kF32, "f32"}}};
};
template <>
struct EnumNames<CanvasContent> {
  static constexpr std::array<std::pair<CanvasContent, std::string_view>, 2> kAll{
      {{CanvasContent::kNoise, "noise"}, {CanvasContent::kPlaces, "places"}}};
};

namespace {

std::vector<testing::Collected>& Kept() {
  static std::vector<testing::Collected> kept;
  return kept;
}

// ---- canvas -------------------------------------------------------------------------------------

struct Canvas {
  std::int64_t count = 3;
  std::int64_t first = 0;
  Size size{24, 20};
  CanvasDepth depth = CanvasDepth::kU8;
  std::int64_t channels = 3;
  CanvasContent content = CanvasContent::kNoise;
  bool declared = true;
  std::int64_t fail_every = 0;

  static constexpr std::string_view kName = "canvas";
  static constexpr std::string_view kDoc = "Pictures of any type with labels of every kind.";
  static constexpr auto Params() {
    using C = Canvas;
    return std::tuple{
        Param("count", &C::count).In(1, 1e6).Unit("pictures").Primary().Doc("How many."),
        Param("first", &C::first).In(0, 1e6).Unit("index").Doc("Number of the first."),
        Param("size", &C::size).In(1, 4096).Unit("px").Doc("Size."),
        Param("depth", &C::depth).Doc("Pixel type."),
        Param("channels", &C::channels).In(1, 8).Unit("channels").Doc("Channels."),
        Param("content", &C::content)
            .Doc("noise, or places: the channels hold x, y and 1 of the pixel's centre."),
        Param("declared", &C::declared).Doc("Say in advance what the pictures look like."),
        Param("fail_every", &C::fail_every).In(0, 1e6).Unit("pictures").Doc("Bad pictures.")};
  }
  std::unique_ptr<Source> Make(const Services&) const;
};

class CanvasSource final : public Source {
 public:
  explicit CanvasSource(const Canvas& canvas) : canvas_(canvas) {}

  Result<std::vector<SourceEntry>, std::string> List(
      const std::function<void(std::string)>&) override {
    std::vector<SourceEntry> entries;
    for (std::int64_t i = 0; i < canvas_.count; ++i) {
      entries.push_back({fmt::format("c{}", canvas_.first + i), 1});
    }
    return entries;
  }

  Result<Sample> Read(const SourceEntry& entry) const override {
    const std::int64_t index = std::stoll(entry.key.substr(1));
    if (canvas_.fail_every > 0 && index % canvas_.fail_every == 0) {
      return DataError{"TST-BAD", "this picture is bad on purpose", "", ""};
    }
    Sample sample;
    sample.images.emplace_back("image", ImageField::Of(Paint(index)));
    if (canvas_.content == CanvasContent::kPlaces) {
      const auto longest = static_cast<float>(std::max(canvas_.size.width, canvas_.size.height));
      sample.images[0].second.range = {0, longest};
    }
    AddLabels(index, sample);
    return sample;
  }

  Meta OutputMeta() const override {
    Meta meta;
    if (canvas_.declared) {
      meta.size = canvas_.size;
      meta.depth = DepthHere();
      meta.channels = static_cast<int>(canvas_.channels);
    }
    meta.targets = kTargetAll;
    return meta;
  }

 private:
  Depth DepthHere() const {
    return canvas_.depth == CanvasDepth::kU8    ? Depth::kU8
           : canvas_.depth == CanvasDepth::kU16 ? Depth::kU16
                                                : Depth::kF32;
  }

  cv::Mat Paint(std::int64_t index) const {
    const auto channels = static_cast<int>(canvas_.channels);
    cv::Mat pixels(canvas_.size.height, canvas_.size.width,
                   CV_MAKETYPE(CvDepth(DepthHere()), channels));
    const StreamKey key{static_cast<std::uint64_t>(index), 7, 1};
    std::uint32_t block = 0;
    for (int y = 0; y < pixels.rows; ++y) {
      for (int x = 0; x < pixels.cols; ++x) {
        const PhiloxBlock words = key.Block(block++);
        for (int c = 0; c < channels; ++c) {
          const std::uint32_t word = words[static_cast<std::size_t>(c % 4)] >> (c / 4);
          const int at = x * channels + c;
          if (canvas_.content == CanvasContent::kPlaces) {
            const float place = c == 0   ? static_cast<float>(x) + 0.5F
                                : c == 1 ? static_cast<float>(y) + 0.5F
                                         : 1.0F;
            pixels.ptr<float>(y)[at] = place;
          } else if (DepthHere() == Depth::kU8) {
            pixels.ptr<std::uint8_t>(y)[at] = static_cast<std::uint8_t>(word);
          } else if (DepthHere() == Depth::kU16) {
            pixels.ptr<std::uint16_t>(y)[at] = static_cast<std::uint16_t>(word);
          } else {
            pixels.ptr<float>(y)[at] = static_cast<float>(word >> 8) * 0x1p-24F;
          }
        }
      }
    }
    return pixels;
  }

  // A 9x9 grid of keypoints on pixel centres, a box, an oriented box with a hole in its polygon,
  // masks, and one of everything else.
  void AddLabels(std::int64_t index, Sample& sample) const {
    const int w = canvas_.size.width;
    const int h = canvas_.size.height;
    Instance points;
    points.id = 1;
    points.label = 0;
    points.quad = BoxQuad(0.25 * w, 0.25 * h, 0.75 * w, 0.5 * h);
    for (int j = 1; j <= 9; ++j) {
      for (int i = 1; i <= 9; ++i) {
        points.keypoints.push_back({{i * w / 10 + 0.5, j * h / 10 + 0.5}, 2, 0.1 * i, 1.0});
      }
    }
    Instance shape;
    shape.id = 2;
    shape.label = 1;
    shape.oriented = true;
    shape.quad = Quad{Point{0.5 * w, 0.1 * h}, Point{0.9 * w, 0.5 * h}, Point{0.5 * w, 0.9 * h},
                      Point{0.1 * w, 0.5 * h}};
    shape.polygons.push_back(
        {{{{0.5 * w, 0.1 * h}, {0.9 * w, 0.5 * h}, {0.5 * w, 0.9 * h}, {0.1 * w, 0.5 * h}},
          {{0.5 * w, 0.4 * h}, {0.6 * w, 0.5 * h}, {0.5 * w, 0.6 * h}}}});
    shape.mask = cv::Mat(h, w, CV_8U);
    SemanticMask classes{cv::Mat(h, w, CV_8U), 255};
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        shape.mask.at<std::uint8_t>(y, x) = (x + y) % 3 == 0 ? 255 : 0;
        classes.pixels.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>((x / 2 + y) % 5);
      }
    }
    shape.attributes["colour"] = "red";
    sample.instances.push_back(std::move(points));
    sample.instances.push_back(std::move(shape));
    sample.masks.emplace("classes", std::move(classes));
    sample.labels.label = static_cast<int>(index % 3);
    sample.labels.multi_hot = {1, 0, 1};
    sample.labels.soft = {0.25F, 0.75F, 0};
    sample.scalars["score"] = 0.5;
    sample.text["note"] = "as it is";
    auto names = std::make_shared<LabelNames>();
    names->classes = {"grid", "shape", "third"};
    sample.names = std::move(names);
  }

  Canvas canvas_;
};

std::unique_ptr<Source> Canvas::Make(const Services&) const {
  return std::make_unique<CanvasSource>(*this);
}

// ---- collect ------------------------------------------------------------------------------------

struct Collect {
  std::string into = "out";

  static constexpr std::string_view kName = "collect";
  static constexpr std::string_view kDoc = "Keep what arrives.";
  static constexpr auto Params() {
    return std::tuple{Param("into", &Collect::into).Primary().Doc("Name of the heap.")};
  }
  std::unique_ptr<Sink> Make(const Services&) const;
};

class KeepingSink final : public Sink {
 public:
  struct Held : Prepared {
    Sample sample;
    std::size_t Bytes() const override { return sample.Bytes(); }
  };
  explicit KeepingSink(std::string into) : into_(std::move(into)) {}
  std::uint64_t Open(const RunInfo& run, const Expected&) override { return run.first_unit; }
  Result<std::unique_ptr<Prepared>> Prepare(Sample sample) const override {
    auto held = std::make_unique<Held>();
    held->sample = std::move(sample);
    return std::unique_ptr<Prepared>(std::move(held));
  }
  void Write(std::unique_ptr<Prepared> prepared) override {
    Kept().push_back({into_, std::move(static_cast<Held&>(*prepared).sample)});
  }
  void Close(bool) override {}
  std::string Location() const override { return into_; }

 private:
  std::string into_;
};

std::unique_ptr<Sink> Collect::Make(const Services&) const {
  return std::make_unique<KeepingSink>(into);
}

}  // namespace

namespace testing {

void AddTestVerbs(Registry& registry) {
  registry.AddSource<Canvas>();
  registry.AddSink<Collect>();
}

const Registry& TestRegistry() {
  static const Registry& registry = *[] {
    auto* r = new Registry;
    RegisterOps(*r);
    RegisterDatasets(*r);
    AddTestVerbs(*r);
    return r;
  }();
  return registry;
}

LoadOptions TestOptions() {
  LoadOptions options;
  options.registry = &TestRegistry();
  return options;
}

// ---- running ------------------------------------------------------------------------------------

Outcome RunPipeline(Pipeline& pipeline, int threads, RunOptions options) {
  options.threads = threads;
  return RunPipeline(pipeline, std::move(options));
}

Outcome RunPipeline(Pipeline& pipeline, RunOptions options) {
  const TempFolder folder;
  Outcome outcome;
  options.quarantine_file = folder.Path("quarantine.jsonl");
  Kept().clear();
  outcome.report = pipeline.Run(options);
  outcome.samples = std::move(Kept());
  // Between sinks there is no order.
  std::stable_sort(outcome.samples.begin(), outcome.samples.end(),
                   [](const Collected& a, const Collected& b) { return a.sink < b.sink; });
  Kept().clear();
  std::ifstream lines(options.quarantine_file);
  for (std::string line; std::getline(lines, line);) outcome.quarantine.push_back(line);
  return outcome;
}

Outcome RunYaml(const std::string& yaml, int threads, LoadOptions options) {
  try {
    Pipeline pipeline = Pipeline::Parse(yaml, "t.yaml", options);
    return RunPipeline(pipeline, threads);
  } catch (const ConfigError& error) {
    Outcome outcome;
    outcome.errors = error.what();
    return outcome;
  }
}

std::vector<std::string> ErrorsOf(const std::string& yaml, LoadOptions options) {
  std::vector<std::string> errors;
  try {
    Pipeline::Parse(yaml, "t.yaml", options);
  } catch (const ConfigError& error) {
    for (const Diagnostic& d : error.Found().All()) {
      if (d.severity == Severity::kError) errors.push_back(d.Text());
    }
  }
  return errors;
}

std::vector<std::string> Outcome::Keys(std::string_view sink) const {
  std::vector<std::string> keys;
  for (const Collected& c : samples) {
    if (c.sink != sink) continue;
    const std::string branch = BranchText(c.sample.identity.branch);
    keys.push_back(c.sample.key + (branch.empty() ? "" : ":" + branch));
  }
  return keys;
}

const RecipeEntry* Find(const Sample& sample, std::string_view step) {
  for (const RecipeEntry& entry : sample.recipe.entries) {
    if (*entry.stream == step) return &entry;
  }
  return nullptr;
}

std::vector<double> Outcome::Draws(std::string_view step, std::string_view draw) const {
  std::vector<double> values;
  for (const Collected& c : samples) {
    const RecipeEntry* entry = Find(c.sample, step);
    if (entry == nullptr) continue;
    for (const auto& [name, value] : entry->draws) {
      if (name == draw) values.push_back(value);
    }
  }
  return values;
}

// ---- comparing ----------------------------------------------------------------------------------

namespace {

std::string MatDifference(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size()) return fmt::format("{}x{} or {}x{}", a.cols, a.rows, b.cols, b.rows);
  if (a.type() != b.type()) return "another pixel type";
  const std::size_t bytes = static_cast<std::size_t>(a.cols) * a.elemSize();
  for (int y = 0; y < a.rows; ++y) {
    if (std::memcmp(a.ptr(y), b.ptr(y), bytes) != 0) return fmt::format("pixels of row {}", y);
  }
  return "";
}

bool SameKeypoint(const Keypoint& a, const Keypoint& b) {
  return a.at == b.at && a.visibility == b.visibility && a.angle == b.angle && a.scale == b.scale;
}

std::string InstanceDifference(const Instance& a, const Instance& b) {
  if (a.id != b.id || a.label != b.label) return "id or label";
  if (a.quad != b.quad || a.oriented != b.oriented) return "box";
  if (a.attributes != b.attributes || a.original_area != b.original_area) return "attributes";
  const auto rings = [](const Polygon& p, const Polygon& q) { return p.rings == q.rings; };
  if (!std::equal(a.polygons.begin(), a.polygons.end(), b.polygons.begin(), b.polygons.end(),
                  rings)) {
    return "polygons";
  }
  if (!std::equal(a.keypoints.begin(), a.keypoints.end(), b.keypoints.begin(), b.keypoints.end(),
                  SameKeypoint)) {
    return "keypoints";
  }
  const std::string mask = MatDifference(a.mask, b.mask);
  return mask.empty() ? "" : "mask: " + mask;
}

}  // namespace

std::string LabelDifference(const Sample& a, const Sample& b) {
  if (a.instances.size() != b.instances.size()) return "number of instances";
  for (std::size_t i = 0; i < a.instances.size(); ++i) {
    const std::string what = InstanceDifference(a.instances[i], b.instances[i]);
    if (!what.empty()) return fmt::format("instance {}: {}", i, what);
  }
  if (a.masks.size() != b.masks.size()) return "number of masks";
  for (const auto& [name, mask] : a.masks) {
    const auto other = b.masks.find(name);
    if (other == b.masks.end() || other->second.ignore_index != mask.ignore_index) return name;
    const std::string what = MatDifference(mask.pixels, other->second.pixels);
    if (!what.empty()) return fmt::format("mask {}: {}", name, what);
  }
  if (a.labels.label != b.labels.label || a.labels.multi_hot != b.labels.multi_hot ||
      a.labels.soft != b.labels.soft) {
    return "sample labels";
  }
  if (a.scalars != b.scalars || a.text != b.text) return "scalars or text";
  return "";
}

std::string PixelDifference(const Sample& a, const Sample& b) {
  if (a.images.size() != b.images.size()) return "number of fields";
  for (std::size_t i = 0; i < a.images.size(); ++i) {
    const auto& [name, field] = a.images[i];
    const auto& [other_name, other] = b.images[i];
    if (name != other_name || !(field.range == other.range)) return "field " + name;
    if (field.frames.size() != other.frames.size()) return name + ": number of frames";
    for (std::size_t f = 0; f < field.frames.size(); ++f) {
      const std::string what = MatDifference(field.frames[f].pixels, other.frames[f].pixels);
      if (!what.empty()) return fmt::format("{}: {}", name, what);
    }
  }
  return "";
}

std::string SampleDifference(const Sample& a, const Sample& b) {
  if (a.key != b.key || a.identity.id != b.identity.id || a.identity.branch != b.identity.branch) {
    return "identity";
  }
  const std::string pixels = PixelDifference(a, b);
  return pixels.empty() ? LabelDifference(a, b) : pixels;
}

// ---- files --------------------------------------------------------------------------------------

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "pixloom_test_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempFolder::Path(const std::string& name) const {
  return name.empty() ? path_ : path_ + "/" + name;
}

void TempFolder::Write(const std::string& name, const std::string& text) const {
  const std::filesystem::path path = Path(name);
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace testing

}  // namespace pixloom
