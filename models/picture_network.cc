// SPDX-License-Identifier: Apache-2.0
#include "models/picture_network.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "models/node_base.h"
#include "models/resample.h"
#include "models/tile_blender.h"
#include "pipeline/model.h"

namespace pixloom {

namespace {

constexpr std::int64_t kWholePixels = std::int64_t{1} << 20;  // larger ones are cut up
constexpr int kTile = 512;
constexpr int kLeastTile = 64;
// Pixels of all items of one run on a device: what a network keeps between its layers is some
// hundred times as much.
constexpr std::int64_t kDeviceRunPixels = std::int64_t{1} << 22;

ValueRange RangeOf(const Sample& sample, const Frame* frame) {
  for (const auto& [name, field] : sample.images) {
    for (const Frame& one : field.frames) {
      if (&one == frame) return field.range;
    }
  }
  return {};
}

std::string Allowed(const Dims& dims, std::int64_t channels, const std::optional<Size>& size) {
  if (dims.size() == 1) {
    if (!size) return "a flat picture needs a size in the manifest";
    const std::int64_t count = channels * size->Area();
    if (dims[0] < 0 || dims[0] == count) return "";
    return fmt::format("{} values are not {} channels of {}x{}", dims[0], channels, size->width,
                       size->height);
  }
  if (dims.size() != 3) return fmt::format("{} is no picture", DimsText(dims));
  if (dims[0] >= 0 && dims[0] != channels) {
    return fmt::format("{} has {} channels, the manifest's color {}", DimsText(dims), dims[0],
                       channels);
  }
  return "";
}

// Mean of squares of what changed, in the network's range.
double SquaredError(std::span<const float> sent, std::span<const float> got,
                    const PictureInput& input, const PictureOutput& output, Size item, Size real) {
  const bool residual = output.kind == PictureOutput::Kind::kResidual;
  const auto channels = static_cast<std::size_t>(input.channels());
  const double gain = (input.hi - input.lo) / (output.hi != output.lo ? output.hi - output.lo : 1);
  double sum = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    const double mean = input.mean.empty() ? 0 : input.mean[c];
    const double deviation = input.deviation.empty() ? 1 : input.deviation[c];
    for (int y = 0; y < real.height; ++y) {
      const std::size_t row =
          (c * static_cast<std::size_t>(item.height) + static_cast<std::size_t>(y)) *
          static_cast<std::size_t>(item.width);
      for (std::size_t x = 0; x < static_cast<std::size_t>(real.width); ++x) {
        const double was = static_cast<double>(sent[row + x]) * deviation + mean;
        const auto made = static_cast<double>(got[row + x]);
        const double change = residual ? made * gain : input.lo + (made - output.lo) * gain - was;
        sum += change * change;
      }
    }
  }
  return sum / static_cast<double>(channels) / static_cast<double>(real.Area());
}

}  // namespace

PictureNetwork::PictureNetwork(std::shared_ptr<const Model> model, std::string_view verb,
                               const PictureSettings& settings)
    : model_(std::move(model)),
      verb_(verb),
      settings_(settings),
      tile_(settings.tile),
      most_(model_->batch) {
  const Manifest& m = manifest();
  const auto reject = [&](const std::string& code, const std::string& why) {
    throw ModelRejectedError(code, fmt::format("{}: {}: {}", m.path, verb_, why));
  };
  const Network& network = model_->At("main");
  if (network.Inputs().size() != 1 || network.Outputs().empty()) {
    reject("MOD-SHAPE", fmt::format("takes a network with one input, a picture; this one has {}",
                                    network.Inputs().size()));
  }
  const std::int64_t channels = m.picture.channels();
  const Port &in = network.Inputs()[0], &out = network.Outputs()[0];
  if (const auto why = Allowed(in.dims, channels, m.picture.size); !why.empty()) {
    reject("MOD-SHAPE", fmt::format("input '{}': {}", in.name, why));
  }
  std::optional<Size> made = m.picture.size;
  if (made) made = Size{made->width * scale(), made->height * scale()};
  if (const auto why = Allowed(out.dims, channels, made); !why.empty()) {
    reject("MOD-SHAPE", fmt::format("output '{}': {}", out.name, why));
  }
  if (scale() < 1) reject("MOD-MANIFEST", fmt::format("scale {} is less than 1", scale()));
  if (scale() > 1 && m.output.kind == PictureOutput::Kind::kResidual) {
    reject("MOD-MANIFEST", fmt::format("a residual is added to the picture as it was, so its scale "
                                       "cannot be {}",
                                       scale()));
  }
  if (settings.tile > 0 && m.tiling.mode == Tiling::Mode::kNever) {
    reject("MOD-MANIFEST", fmt::format("tile: {}, but the manifest says `tiling: never`; leave "
                                       "tile out",
                                       settings.tile));
  }
  if (settings.tile > 0 && m.picture.size &&
      std::min(m.picture.size->width, m.picture.size->height) < 3 * Overlap()) {
    reject("MOD-MANIFEST", fmt::format("tiles of {}x{} with an overlap of {} px on each side are "
                                       "all overlap; set a smaller overlap",
                                       m.picture.size->width, m.picture.size->height, Overlap()));
  }
}

int PictureNetwork::Overlap() const {
  return settings_.overlap > 0 ? settings_.overlap : manifest().tiling.overlap;
}

std::string PictureNetwork::Refuses(Meta meta) const {
  const PictureInput& input = manifest().picture;
  if (settings_.resize || settings_.tile > 0) meta.size.reset();
  if (meta.size) meta.size = PaddedSize(input, *meta.size);
  std::string why = RefusesPicture(input, meta);
  if (!why.empty() && meta.size && input.size && *meta.size != *input.size) {
    if (settings_.whole)
      why += ", or set `resize: true`";
    else if (manifest().tiling.mode != Tiling::Mode::kNever) {
      why += fmt::format(", or set `tile: {}` to go through it piece by piece",
                         std::min(input.size->width, input.size->height));
    }
  }
  return why;
}

Size PictureNetwork::Seen(Size picture) const {
  return settings_.resize ? manifest().picture.size.value_or(picture) : picture;
}

TilePlan PictureNetwork::PlanFor(Size seen) const {
  const Manifest& m = manifest();
  const Size padded = PaddedSize(m.picture, seen);
  const int unit = m.picture.multiple_of;
  if (settings_.whole) return PlanTiles(padded, 0, 0, unit);
  if (settings_.tile > 0 && m.picture.size) {
    return PlanTiles(padded, settings_.tile, Overlap(), unit, *m.picture.size);
  }
  int most = tile_;
  if (most == 0 && m.tiling.mode == Tiling::Mode::kSupported && !m.picture.size &&
      padded.Area() > kWholePixels) {
    most = kTile;
  }
  return PlanTiles(padded, most, Overlap(), unit);
}

bool PictureNetwork::OneByOne() const {
  const Manifest& m = manifest();
  return settings_.batch == 0 && !m.fixed_batch && !m.picture.size &&
         model_->At("main").Device() == "cpu";
}

int PictureNetwork::BatchFor(const TilePlan& plan) const {
  if (OneByOne()) return 1;
  if (settings_.batch > 0 || manifest().fixed_batch || manifest().picture.size) return most_;
  const std::int64_t fit = kDeviceRunPixels / plan.tile.Area();
  return static_cast<int>(std::clamp<std::int64_t>(fit, 1, most_.load()));
}

void PictureNetwork::Shrink(const TilePlan& plan) {
  const Manifest& m = manifest();
  const bool allowed = settings_.tile > 0 || m.tiling.mode == Tiling::Mode::kSupported;
  if (settings_.whole || m.picture.size || !allowed) return;
  const int smaller = std::max(std::max(plan.tile.width, plan.tile.height) / 2, kLeastTile);
  int known = tile_;
  while ((known == 0 || known > smaller) && !tile_.compare_exchange_weak(known, smaller)) {
  }
}

// One picture: `pixels` becomes what the network made of it, unless there is an error.
struct PictureNetwork::Job {
  cv::Mat* pixels = nullptr;
  ValueRange range;
  float strength = 1;
  std::optional<DataError> error{};
  double squared_error = 0;
  bool finished = false;
};

std::vector<PictureOutcome> PictureNetwork::Run(std::span<ModelOperator::Item> block,
                                                std::span<const float> strengths, bool may_shrink) {
  std::map<const cv::Mat*, Job> done;
  for (const auto& group : GroupPictures(block, std::numeric_limits<std::size_t>::max())) {
    std::vector<Job> jobs;
    for (const BlockPicture& picture : group) {
      const Sample& sample = *block[picture.item].sample;
      jobs.push_back(
          {&picture.frame->pixels, RangeOf(sample, picture.frame), strengths[picture.item]});
    }
    RunEqual(jobs, may_shrink);
    for (Job& job : jobs) done.emplace(job.pixels, std::move(job));
  }
  // In the order of the sample: which groups there were depends on the others.
  std::vector<PictureOutcome> outcomes(block.size());
  for (std::size_t i = 0; i < block.size(); ++i) {
    int pictures = 0;
    for (const auto& [name, field] : block[i].sample->images) {
      for (const Frame& frame : field.frames) {
        const auto job = done.find(&frame.pixels);
        if (job == done.end()) continue;
        ++pictures;
        outcomes[i].squared_error += job->second.squared_error;
        if (job->second.error && !outcomes[i].error) outcomes[i].error = job->second.error;
      }
    }
    if (pictures > 0) outcomes[i].squared_error /= pictures;
  }
  return outcomes;
}

void PictureNetwork::RunEqual(std::span<Job> jobs, bool may_shrink) {
  if (const std::string why = Refuses(MetaOf(*jobs[0].pixels)); !why.empty()) {
    for (Job& job : jobs) job.error = DataError{"MOD-SHAPE", why, "", ""};
    return;
  }
  const Size seen = Seen(SizeOf(*jobs[0].pixels));
  for (;;) {
    const TilePlan plan = PlanFor(seen);
    try {
      return RunPlan(plan, jobs, may_shrink);
    } catch (const ItemTooLarge& e) {
      Shrink(plan);
      if (PlanFor(seen).tile == plan.tile) {
        throw EnvironmentError(
            fmt::format("{}: {}; pieces of {}x{} px are the smallest there can be", verb_, e.what(),
                        plan.tile.width, plan.tile.height));
      }
    }
  }
}

// What a run over some pictures keeps: the one picture whose tiles are coming back.
class PictureNetwork::Work {
 public:
  Work(const PictureNetwork& self, const TilePlan& plan, Size seen)
      : manifest_(self.manifest()), plan_(plan), seen_(seen), measure_(self.settings_.measure) {}

  void Pack(const Job& job, std::size_t tile, std::span<float> item) {
    const PictureInput& input = manifest_.picture;
    const cv::Mat& pixels = *job.pixels;
    if (!Resamples(pixels)) {
      return PackPicture(pixels, job.range, plan_.tiles[tile], input, item);
    }
    resampled_.resize(pixels.total() * static_cast<std::size_t>(input.channels()));
    PackPicture(pixels, job.range, {0, 0, pixels.cols, pixels.rows}, input, resampled_);
    ResamplePlanes(resampled_, SizeOf(pixels), item, seen_);
  }

  // Tiles come in order; behind one that was left out, the rest of its picture is ignored.
  void Unpack(Job& job, std::size_t tile, std::span<const float> item) {
    if (tile == 0) Start(job);
    if (current_ != &job || arrived_ != tile) return;
    ++arrived_;
    const int scale = manifest_.output.scale;
    const Unpacking how{&manifest_.picture, &manifest_.output, job.pixels, job.range, job.strength};
    if (blender_) {
      const cv::Rect finished = blender_->Add(item);
      UnpackPicture(blender_->Values(), how, finished, made_);
    } else {
      if (measure_) Measure(job, item);
      cv::Rect to(0, 0, plan_.tile.width * scale, plan_.tile.height * scale);
      if (Resamples(*job.pixels)) {
        to = {0, 0, made_.cols, made_.rows};
        resampled_.resize(made_.total() * static_cast<std::size_t>(manifest_.picture.channels()));
        ResamplePlanes(item, {seen_.width * scale, seen_.height * scale}, resampled_,
                       SizeOf(made_));
        item = resampled_;
      }
      UnpackPicture(item, how, to, made_);
    }
    if (arrived_ < plan_.tiles.size()) return;
    *job.pixels = std::exchange(made_, {});
    job.finished = true;
  }

 private:
  bool Resamples(const cv::Mat& pixels) const { return SizeOf(pixels) != seen_; }

  void Start(const Job& job) {
    const int scale = manifest_.output.scale;
    current_ = &job;
    arrived_ = 0;
    made_ = cv::Mat(job.pixels->rows * scale, job.pixels->cols * scale, job.pixels->type());
    if (plan_.tiles.size() > 1) blender_.emplace(plan_, manifest_.picture.channels(), scale);
  }

  void Measure(Job& job, std::span<const float> got) {
    std::vector<float> sent(got.size());
    Pack(job, 0, sent);
    job.squared_error =
        SquaredError(sent, got, manifest_.picture, manifest_.output, plan_.tile, seen_);
  }

  const Manifest& manifest_;
  const TilePlan& plan_;
  const Size seen_;
  const bool measure_;
  const Job* current_ = nullptr;
  std::size_t arrived_ = 0;
  cv::Mat made_;
  std::optional<TileBlender> blender_;
  std::vector<float> resampled_;
};

void PictureNetwork::RunPlan(const TilePlan& plan, std::span<Job> jobs, bool may_shrink) {
  Network& network = model_->At("main");
  const std::size_t tiles = plan.tiles.size();
  const std::int64_t channels = manifest().picture.channels();
  const std::int64_t width = plan.tile.width, height = plan.tile.height;
  Dims dims{channels, height, width};
  const Dims wanted{channels, height * scale(), width * scale()};
  if (network.Inputs()[0].dims.size() == 1) dims = {Elements(dims)};
  std::vector<Job*> left;
  for (Job& job : jobs) {
    if (!job.finished && !job.error) left.push_back(&job);
  }
  if (left.empty()) return;
  Work work(*this, plan, Seen(SizeOf(*left[0]->pixels)));

  const auto pack = [&](std::size_t i, std::span<const std::span<float>> inputs) {
    work.Pack(*left[i / tiles], i % tiles, inputs[0]);
  };
  const auto unpack = [&](std::size_t i, std::span<const std::span<const float>> outputs,
                          std::span<const Dims> output_dims) {
    Job& job = *left[i / tiles];
    const Dims& got = output_dims[0];
    if (Elements(got) == Elements(wanted) && (got.size() == 1 || got == wanted)) {
      return work.Unpack(job, i % tiles, outputs[0]);
    }
    job.error = DataError{"MOD-SHAPE",
                          fmt::format("the network made {} of {}; with scale {} it should be {}",
                                      DimsText(got), DimsText(dims), scale(), DimsText(wanted)),
                          "correct `output` in the manifest", ""};
  };
  std::atomic<int> batch = BatchFor(plan);
  const int start = batch;
  ItemRun run{&network, &batch, may_shrink && !manifest().fixed_batch, {dims}, &padding_};
  run.tiles = manifest().role == ModelRole::kEnhancer;
  const auto errors = RunItems(run, left.size() * tiles, pack, unpack);
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (errors[i] && !left[i / tiles]->error) left[i / tiles]->error = errors[i];
  }
  int known = most_;
  const int now = batch;
  while (now < start && now < known && !most_.compare_exchange_weak(known, now)) {
  }
}

}  // namespace pixloom
