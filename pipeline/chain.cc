// SPDX-License-Identifier: Apache-2.0
#include "pipeline/chain.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include <fmt/format.h>

#include "pipeline/chain_groups.h"
#include "pipeline/decode.h"
#include "pipeline/exact_math.h"
#include "pipeline/labels.h"
#include "pipeline/lower.h"
#include "pipeline/model.h"

namespace pixloom {

namespace {

// Of every frame, what the steps inside a scope must leave alone.
struct PartShape {
  std::string field;
  ValueRange range;
  std::vector<std::pair<Size, int>> frames;  // size and OpenCV's type

  bool operator==(const PartShape&) const = default;
  std::string Text() const {
    if (frames.empty()) return fmt::format("no frame of '{}'", field);
    const auto& [size, type] = frames.front();
    return fmt::format("{} frame{} of {}x{} {} x{} in [{}, {}] in '{}'", frames.size(),
                       frames.size() == 1 ? "" : "s", size.width, size.height,
                       cv::depthToString(CV_MAT_DEPTH(type)), CV_MAT_CN(type), range.lo, range.hi,
                       field);
  }
};

std::vector<PartShape> ShapesOf(const Sample& part) {
  std::vector<PartShape> shapes;
  for (const auto& [name, field] : part.images) {
    PartShape& shape = shapes.emplace_back(PartShape{name, field.range, {}});
    for (const Frame& frame : field.frames) {
      shape.frames.emplace_back(frame.size(), frame.pixels.type());
    }
  }
  return shapes;
}

}  // namespace

// One sample on its way through one chain. Steps are drawn in order; geometry and colour wait in
// `pending_` until something needs pixels, so that a crop is known before anything is decoded.
class ChainRun {
 public:
  ChainRun(const ChainRunner& runner, const Node& node, Sample& sample)
      : runner_(runner),
        node_(node),
        sample_(sample),
        groups_({runner.families_, runner.codec_, runner.seed_, runner.epoch_}, node, sample) {}

  std::optional<DataError> Apply(std::span<const AffineStep> steps) {
    Start();
    for (const AffineStep& step : steps) {
      if (auto error = Add(step, {}, 0)) return error;
    }
    return Flush();
  }

  // The output of a kRoute node: the child that was picked; behind those, or behind "applied", the
  // way around all of them.
  Result<int> Route() {
    if (sample_.images.empty() || sample_.images[0].second.frames.empty()) {
      return DataError{"SMP-EMPTY", "sample has no picture", "", ""};
    }
    Start();
    const ChainStep& step = node_.steps[0];
    const auto choice = Choose(step);
    if (!choice) return choice.Error();
    const bool many = step.kind == ChainStep::Kind::kOneOf || step.kind == ChainStep::Kind::kSwitch;
    if (!many) return choice->applied ? 0 : 1;
    const bool any = choice->applied && !choice->picked.empty();
    return static_cast<int>(any ? choice->picked[0] : step.children.size());
  }

  std::optional<DataError> Run() {
    if (sample_.images.empty() || sample_.images[0].second.frames.empty()) {
      return DataError{"SMP-EMPTY", "sample has no picture", "", ""};
    }
    Start();
    for (const ChainStep& step : node_.steps) {
      if (auto error = Visit(step)) return error;
    }
    return Flush();
  }

 private:
  using Error = std::optional<DataError>;

  void Start() {
    const Frame& first = sample_.images[0].second.frames[0];
    size_ = first.size();
    depth_ = first.depth();
    channels_ = first.channels();
  }

  Rng StreamOf(const ChainStep& step, std::uint32_t frame, Rng::Record* record) const {
    const Identity& who = sample_.identity;
    return Rng({DrawKey(runner_.seed_, runner_.epoch_, who.branch, frame), who.id, step.stream_id},
               record);
  }

  // ---- choosing ---------------------------------------------------------------------------------

  Error Visit(const ChainStep& step) {
    if (sample_.filtered) return std::nullopt;
    if (step.kind == ChainStep::Kind::kOperator) return VisitOperator(step);
    if (step.kind == ChainStep::Kind::kScope) return VisitScope(step);
    if (!step.holds_model || step.IsPlainSequence()) return VisitChoice(step);
    if (auto error = Flush()) return error;
    if (auto error = VisitChoice(step)) return error;
    return Flush();
  }

  Error VisitChoice(const ChainStep& step) {
    const auto choice = Choose(step);
    if (!choice) return choice.Error();
    if (!choice->applied) {
      for (const ChainStep& child : step.otherwise) {
        if (auto error = Visit(child)) return error;
      }
      return std::nullopt;
    }
    if (step.kind == ChainStep::Kind::kModel) return VisitModel(step);
    const bool outer = compose_;
    compose_ = compose_ && !step.resample_each;
    if (compose_ != outer) closed_ = true;
    for (std::size_t i : choice->picked) {
      if (auto error = Visit(step.children[i])) return error;
    }
    if (compose_ != outer) closed_ = true;
    compose_ = outer;
    return std::nullopt;
  }

  // What a step with children draws and measures before any of them runs; stands in the recipe.
  struct Choice {
    bool applied = true;
    std::vector<std::size_t> picked;  // children, in the order they run
  };

  Result<Choice> Choose(const ChainStep& step) {
    RecipeEntry entry{step.stream, true};
    Rng rng = StreamOf(step, 0, &entry.draws);
    Choice choice;
    choice.applied = rng.Chance("", step.p);
    entry.applied = choice.applied;
    if (step.kind == ChainStep::Kind::kSwitch) {
      if (choice.applied) {
        if (auto error = FirstCase(step, choice, entry)) return *error;
      }
    } else {
      choice.picked = Pick(step, rng);
    }
    const bool listed =
        step.kind != ChainStep::Kind::kSequence && step.kind != ChainStep::Kind::kModel;
    if (choice.applied && listed) {
      for (std::size_t i : choice.picked) rng.Note("picked", static_cast<double>(i));
    }
    const bool recorded = step.kind != ChainStep::Kind::kSequence || step.p < 1;
    if (recorded) sample_.recipe.entries.push_back(std::move(entry));
    return choice;
  }

  // The first case that holds for the sample as it is here. What was measured stands in the recipe,
  // then which case it was; none where no case holds.
  Error FirstCase(const ChainStep& step, Choice& choice, RecipeEntry& entry) {
    if (auto error = Flush()) return error;
    SampleFacts facts(sample_);
    for (std::size_t i = 0; choice.picked.empty() && i < step.children.size(); ++i) {
      const ChainStep& one = step.children[i];
      if (one.when != nullptr) {
        if (one.when->NeedsPixels()) {
          if (auto error = DecodeAll(sample_, runner_.codec_)) return error;
        }
        if (auto error = one.when->Lacks(sample_)) return error;
        if (!one.when->Holds(facts)) continue;
      }
      choice.picked = {i};
    }
    entry.draws = facts.Seen();
    return std::nullopt;
  }

  // Indices of the children that run, in the order they run. Takes a fixed number of draws.
  static std::vector<std::size_t> Pick(const ChainStep& step, Rng& rng) {
    const std::size_t n = step.children.size();
    std::vector<std::size_t> all(n);
    std::iota(all.begin(), all.end(), std::size_t{0});
    switch (step.kind) {
      case ChainStep::Kind::kOneOf: {
        double total = 0;
        for (const ChainStep& child : step.children) total += child.weight;
        double at = rng.Unit() * total;
        for (std::size_t i = 0; i < n; ++i) {
          at -= step.children[i].weight;
          if (at < 0 && step.children[i].weight > 0) return {i};
        }
        return {n - 1};
      }
      case ChainStep::Kind::kSomeOf: {
        const auto spread = static_cast<std::uint32_t>(step.count_max - step.count_min + 1);
        const std::size_t count =
            std::min(n, static_cast<std::size_t>(step.count_min) + rng.Below("", spread));
        // Exponential races: the `count` smallest arrival times are a weighted draw without
        // replacement.
        std::vector<std::pair<double, std::size_t>> arrivals;
        for (std::size_t i = 0; i < n; ++i) {
          const double wait = -exact::Log(1.0 - rng.Unit());
          const double weight = step.children[i].weight;
          arrivals.emplace_back(weight > 0 ? wait / weight : 1e300, i);
        }
        std::sort(arrivals.begin(), arrivals.end());
        std::vector<std::size_t> picked;
        for (std::size_t i = 0; i < count; ++i) picked.push_back(arrivals[i].second);
        std::sort(picked.begin(), picked.end());
        return picked;
      }
      case ChainStep::Kind::kRandomOrder: {
        std::vector<double> keys;
        for (std::size_t i = 0; i < n; ++i) keys.push_back(rng.Unit());
        std::sort(all.begin(), all.end(),
                  [&](std::size_t a, std::size_t b) { return keys[a] < keys[b]; });
        return all;
      }
      default:
        return all;
    }
  }

  // By itself, in a batch that is padded: pass `route` gathers whole batches, to the same end.
  Error VisitModel(const ChainStep& step) {
    if (auto error = Flush()) return error;
    if (auto error = DecodeAll(sample_, runner_.codec_)) return error;
    Rng::Record draws;
    const Rng rng(StreamOf(step, 0, nullptr).Key().Pixels(), &draws);
    if (auto error = RunModelAlone(*step.model, step.fields, sample_, rng)) return error;
    RecordDraws(draws, sample_);
    Start();
    return std::nullopt;
  }

  // Each branch is a run of its own over what the scope hands out.
  Error VisitScope(const ChainStep& step) {
    RecipeEntry entry{step.stream, true};
    Rng rng = StreamOf(step, 0, &entry.draws);
    entry.applied = rng.Chance("", step.p);
    if (!entry.applied) {
      sample_.recipe.entries.push_back(std::move(entry));
      return std::nullopt;
    }
    if (auto error = Flush()) return error;
    if (auto error = DecodeAll(sample_, runner_.codec_)) return error;
    std::vector<Sample> parts;
    std::vector<RecipeEntry> inside;
    for (std::size_t b = 0; b < step.children.size(); ++b) {
      auto part = step.scope_operator->Enter(sample_, b, step.fields, rng);
      if (!part) return part.Error();
      if (part->images.empty()) {
        entry.applied = false;
        sample_.recipe.entries.push_back(std::move(entry));
        return std::nullopt;
      }
      const std::vector<PartShape> shapes = ShapesOf(*part);
      part->recipe.entries.clear();
      ChainRun run(runner_, node_, *part);
      run.compose_ = compose_;
      run.Start();
      if (auto error = run.Visit(step.children[b])) return error;
      if (auto error = run.Flush()) return error;
      if (auto error = DecodeAll(*part, runner_.codec_)) return error;
      if (part->filtered) {
        sample_.filtered = true;
        return std::nullopt;
      }
      if (auto error = ShapeError(step, shapes, ShapesOf(*part))) return error;
      std::move(part->recipe.entries.begin(), part->recipe.entries.end(),
                std::back_inserter(inside));
      parts.push_back(std::move(*part));
    }
    if (auto error = step.scope_operator->Leave(sample_, std::move(parts), step.fields, rng)) {
      return error;
    }
    sample_.recipe.entries.push_back(std::move(entry));
    std::move(inside.begin(), inside.end(), std::back_inserter(sample_.recipe.entries));
    Start();
    return std::nullopt;
  }

  // What was not known in advance may turn out to change its type only here.
  Error ShapeError(const ChainStep& step, const std::vector<PartShape>& before,
                   const std::vector<PartShape>& after) const {
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (i < after.size() && before[i] == after[i]) continue;
      return DataError{
          "OP-SCOPE",
          fmt::format("{} ({}): the steps inside make {} of {}; size, type and range must stay",
                      node_.name, step.verb, i < after.size() ? after[i].Text() : "nothing",
                      before[i].Text()),
          "take the step that changes them out of there", ""};
    }
    return std::nullopt;
  }

  // ---- drawing ----------------------------------------------------------------------------------

  Error VisitOperator(const ChainStep& step) {
    const OpInfo& info = step.op->Info();
    if (sample_.images[0].second.frames[0].Planar()) {
      return DataError{"OP-TYPE",
                       fmt::format("{} ({}): gets a planar picture", node_.name, info.name),
                       "change the layout last", ""};
    }
    if (!info.support.Accepts(depth_, channels_)) {
      return DataError{"OP-TYPE",
                       fmt::format("{} ({}) works on {}, got {} with {} channels", node_.name,
                                   info.name, info.support.Text(), DepthName(depth_), channels_),
                       "set channels on the source, or take the operator out", ""};
    }
    if (info.needs_pixels || info.needs_masks) {
      if (auto error = Flush()) return error;
    }
    if (info.needs_pixels) {
      if (auto error = DecodeAll(sample_, runner_.codec_)) return error;
    }
    if (step.scope != Scope::kFrame) return Draw(step, -1, -1);
    const std::size_t frames = sample_.images[0].second.frames.size();
    if (info.IsGeometric() && frames > 1) return MoveEachFrame(step, frames);
    if (info.Has("sample") && frames > 1) {
      if (auto error = RefuseLabels(step)) return error;
    }
    for (std::size_t f = 0; f < frames; ++f) {
      if (auto error = Draw(step, static_cast<int>(f), static_cast<int>(f))) return error;
    }
    return std::nullopt;
  }

  DataError FrameError(const ChainStep& step, std::string text, std::string remedy) const {
    return {"OP-FRAMES", fmt::format("{} ({}): {}", node_.name, step.op->Info().name, text),
            std::move(remedy), ""};
  }

  Error RefuseLabels(const ChainStep& step) const {
    if (sample_.instances.empty() && sample_.masks.empty()) return std::nullopt;
    return FrameError(step,
                      "changes every frame differently, but the labels belong to the whole clip",
                      "take out scope: frame, so that one draw serves all frames");
  }

  // Geometry drawn anew for every frame: each goes its own way as a picture of its own. Labels
  // belong to all frames at once, so there may be none.
  Error MoveEachFrame(const ChainStep& step, std::size_t frames) {
    const auto problem = [&](std::string text, std::string remedy) {
      return FrameError(step, std::move(text), std::move(remedy));
    };
    if (auto error = RefuseLabels(step)) return error;
    if (auto error = Flush()) return error;
    for (std::size_t f = 0; f < frames; ++f) {
      Sample one;
      one.identity = sample_.identity;
      for (auto& [name, field] : sample_.images) {
        if (field.frames.size() != frames) {
          return problem(
              fmt::format("'{}' has {} frames, the picture {}", name, field.frames.size(), frames),
              "give all fields the same number of frames");
        }
        one.images.push_back({name, {{field.frames[f]}, field.range}});
      }
      ChainRun run(runner_, node_, one);
      run.Start();
      if (auto error = run.Draw(step, static_cast<int>(f), -1)) return error;
      if (auto error = run.Flush()) return error;
      std::move(one.recipe.entries.begin(), one.recipe.entries.end(),
                std::back_inserter(sample_.recipe.entries));
      for (std::size_t i = 0; i < sample_.images.size(); ++i) {
        sample_.images[i].second.frames[f] = std::move(one.images[i].second.frames[0]);
        if (f + 1 == frames) sample_.images[i].second.range = one.images[i].second.range;
      }
      const Size size = sample_.images[0].second.frames[f].size();
      if (f > 0 && !(size == size_)) {
        return problem(fmt::format("leaves frames of {}x{} and {}x{} in one clip", size_.width,
                                   size_.height, size.width, size.height),
                       "fix the size it gives, or take out scope: frame");
      }
      size_ = size;
    }
    Start();  // the type may be another one, too
    return std::nullopt;
  }

  // Draws for frame `frame` of the clip, or for all of them (-1), and adds what comes out for frame
  // `only` of this run's sample, or for all of them.
  Error Draw(const ChainStep& step, int frame, int only) {
    RecipeEntry entry{step.stream, true, {}};
    const auto frame_key = static_cast<std::uint32_t>(frame + 1);
    Rng rng = StreamOf(step, frame_key, &entry.draws);
    entry.applied = rng.Chance("", step.p);
    std::vector<Step> steps;
    if (entry.applied) {
      Facts facts;
      facts.size = size_;
      facts.depth = depth_;
      facts.channels = channels_;
      facts.range = sample_.images[0].second.range;
      facts.instances = &sample_.instances;
      facts.names = sample_.names.get();
      if (step.op->Info().needs_masks) facts.masks = &sample_.masks;
      if (step.op->Info().needs_pixels) facts.pixels = &sample_.images[0].second.frames[0].pixels;
      steps = step.op->Draw(rng, facts);
    }
    sample_.recipe.entries.push_back(std::move(entry));
    const Selection selection{step.fields, only};
    for (Step& drawn : steps) {
      if (auto error = Add(std::move(drawn), selection, step.stream_id)) return error;
    }
    if (!steps.empty() && selection.Takes(sample_.images[0].first)) FollowType(*step.op);
    return std::nullopt;
  }

  // What waits may change the type of the picture that later steps are drawn for.
  void FollowType(const Operator& op) {
    Meta meta;
    meta.size = size_;
    meta.depth = depth_;
    meta.channels = channels_;
    meta = op.Out(meta);
    depth_ = meta.depth.value_or(depth_);
    channels_ = meta.channels.value_or(channels_);
  }

  // ---- grouping ---------------------------------------------------------------------------------

  Error Add(Step drawn, const Selection& selection, std::uint32_t stream_id) {
    if (auto* affine = std::get_if<AffineStep>(&drawn)) {
      if (affine->out.Empty()) {
        return DataError{"OP-SIZE",
                         fmt::format("a step of '{}' would leave a picture of {}x{}", node_.name,
                                     affine->out.width, affine->out.height),
                         "", ""};
      }
      if (affine->border && affine->border->duplicate_labels) return AddRepeating(*affine);
      MoveLabels(affine->map, sample_);
      auto* open = pending_.empty() ? nullptr : std::get_if<AffineGroup>(&pending_.back());
      if (open == nullptr || closed_ || !compose_ || !Compose(*open, *affine)) {
        pending_.push_back(MakeGroup(*affine, size_));
      }
      size_ = affine->out;
    } else if (auto* field = std::get_if<WarpField>(&drawn)) {
      if (field->border.duplicate_labels && field->moves_labels) return AddRepeating(*field);
      if (field->moves_labels) MoveLabels(*field, sample_);
      size_ = {field->displacement.cols, field->displacement.rows};
      pending_.push_back(FieldGroup{std::move(*field)});
    } else if (auto* image = std::get_if<ImageStep>(&drawn)) {
      pending_.push_back(ImageGroup{std::move(*image), selection, {0, 0, stream_id}});
    } else if (auto* labels = std::get_if<LabelStep>(&drawn)) {
      labels->run(sample_.instances);
      return std::nullopt;
    } else if (auto* whole = std::get_if<SampleStep>(&drawn)) {
      // Objects are where they should be already; only their bits wait for the pixels.
      const bool bits = std::any_of(sample_.instances.begin(), sample_.instances.end(),
                                    [](const Instance& instance) { return instance.HasMask(); });
      if (whole->touches == kTargetInstance && !bits) return whole->run(sample_);
      pending_.push_back(SampleGroup{std::move(*whole)});
      return Flush();
    } else {
      AddColour(std::move(drawn), selection);
    }
    closed_ = false;
    return std::nullopt;
  }

  // A step whose border shows objects again and labels them: their bits need the pixels before it,
  // so it stands alone.
  Error AddRepeating(const AffineStep& step) {
    if (auto error = Flush()) return error;
    std::vector<Instance> repeated = groups_.Repeat(step);
    MoveLabels(step.map, sample_);
    pending_.push_back(MakeGroup(step, size_));
    size_ = step.out;
    return AppendRepeated(std::move(repeated));
  }

  Error AddRepeating(const WarpField& step) {
    if (auto error = Flush()) return error;
    std::vector<Instance> repeated = groups_.Repeat(step);
    MoveLabels(step, sample_);
    pending_.push_back(FieldGroup{step});
    return AppendRepeated(std::move(repeated));
  }

  Error AppendRepeated(std::vector<Instance> repeated) {
    if (auto error = Flush()) return error;
    std::int64_t id = 0;
    for (const Instance& instance : sample_.instances) id = std::max(id, instance.id);
    for (Instance& instance : repeated) {
      instance.id = ++id;
      sample_.instances.push_back(std::move(instance));
    }
    return std::nullopt;
  }

  void AddColour(Step drawn, const Selection& selection) {
    auto* open = pending_.empty() ? nullptr : std::get_if<ColourGroup>(&pending_.back());
    if (open == nullptr || !(open->selection == selection)) {
      pending_.push_back(ColourGroup{{}, selection});
      open = &std::get<ColourGroup>(pending_.back());
    }
    std::visit(
        [&](auto&& step) {
          using T = std::decay_t<decltype(step)>;
          if constexpr (std::is_same_v<T, Lut> || std::is_same_v<T, ColorMatrix> ||
                        std::is_same_v<T, PixelStep>) {
            open->steps.emplace_back(std::move(step));
          }
        },
        std::move(drawn));
  }

  // ---- executing --------------------------------------------------------------------------------

  Error Flush() {
    for (Group& group : pending_) {
      if (auto error = groups_.Run(group)) return error;
    }
    pending_.clear();
    const Frame& first = sample_.images[0].second.frames[0];
    depth_ = first.depth();
    channels_ = first.channels();
    return std::nullopt;
  }

  const ChainRunner& runner_;
  const Node& node_;
  Sample& sample_;
  GroupRunner groups_;
  std::vector<Group> pending_;
  Size size_;
  Depth depth_ = Depth::kU8;
  int channels_ = 3;
  bool compose_ = true;  // false inside {chain: [...], resample: each}
  bool closed_ = false;  // the group before must not take further steps
};

std::optional<DataError> ChainRunner::Apply(const Node& node, std::span<const AffineStep> steps,
                                            Sample& sample) const {
  return ChainRun(*this, node, sample).Apply(steps);
}

Result<int> ChainRunner::Route(const Node& node, Sample& sample) const {
  return ChainRun(*this, node, sample).Route();
}

std::optional<DataError> ChainRunner::Run(const Node& node, Sample& sample) const {
  return ChainRun(*this, node, sample).Run();
}

}  // namespace pixloom
