// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/interpreter.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "tests/reference/parts.h"

namespace pixloom::reference {

const Image64& Outcome::Image(std::string_view name) const {
  for (const auto& [field, frames] : images) {
    if (field == name) return frames.at(0);
  }
  PIXLOOM_CHECK(false, fmt::format("no image field '{}'", name));
}

Interpreter::Interpreter(Sample input, std::span<const RecipeEntry> entries, const Context& context)
    : context_(context),
      identity_(input.identity),
      names_(input.names),
      masks_(std::move(input.masks)),
      instances_(std::move(input.instances)),
      labels_(std::move(input.labels)),
      key_(std::move(input.key)),
      source_(std::move(input.source)),
      scalars_(std::move(input.scalars)),
      text_(std::move(input.text)),
      entries_(entries) {
  PIXLOOM_CHECK(input.Image() != nullptr, "a sample without an image");
  for (auto& [name, field] : input.images) {
    FieldState state{name, field.range, {}};
    for (Frame& frame : field.frames) {
      FrameState& s = state.frames.emplace_back();
      if (frame.Decoded()) {
        s.pixels = FromMat(frame.pixels, field.range);
      } else {
        s.encoded = frame.encoded;
      }
    }
    fields_.push_back(std::move(state));
  }
}

Size Interpreter::FrameState::size() const {
  return encoded ? encoded->header->UprightSize() : pixels.size;
}

void Interpreter::Problem(std::string text) { problems_.push_back(std::move(text)); }

Size Interpreter::CurrentSize() const {
  return pending_ ? pending_->out : fields_.front().frames.front().size();
}

// ---- Replaying the recipe -----------------------------------------------------------------------

const RecipeEntry* Interpreter::TakeEntry(const ChainStep& step) {
  const std::string& expected = *step.stream;
  if (next_entry_ == entries_.size()) {
    Problem(fmt::format("the recipe ends before '{}'", expected));
    stopped_ = true;
    return nullptr;
  }
  const RecipeEntry& entry = entries_[next_entry_];
  if (entry.stream == nullptr || *entry.stream != expected) {
    Problem(fmt::format("entry {} of the recipe is '{}', the chain says '{}'", next_entry_,
                        entry.stream ? *entry.stream : "", expected));
    stopped_ = true;
    return nullptr;
  }
  ++next_entry_;
  return &entry;
}

void Interpreter::CheckChance(const ChainStep& step, const RecipeEntry& entry) {
  if (step.p >= 1 && !entry.applied) {
    Problem(fmt::format("'{}' has p = 1 and was not applied", *step.stream));
  }
  if (step.p <= 0 && entry.applied) {
    Problem(fmt::format("'{}' has p = 0 and was applied", *step.stream));
  }
}

void Interpreter::RunChain(const std::vector<ChainStep>& steps) {
  ReplayAll(steps);
  ClosePending();
}

void Interpreter::ReplayAll(const std::vector<ChainStep>& steps) {
  for (const ChainStep& step : steps) {
    if (!stopped_) Replay(step);
  }
}

void Interpreter::Replay(const ChainStep& step) {
  if (step.kind == ChainStep::Kind::kOperator) {
    ReplayOperator(step);
    return;
  }
  // A sequence that always runs has nothing to record.
  if (step.kind == ChainStep::Kind::kSequence && step.p >= 1) {
    ReplaySequence(step);
    return;
  }
  const RecipeEntry* entry = TakeEntry(step);
  if (entry == nullptr) return;
  CheckChance(step, *entry);
  switch (step.kind) {
    case ChainStep::Kind::kSequence:
      if (entry->applied) ReplaySequence(step);
      return;
    case ChainStep::Kind::kSometimes:
      ReplayAll(entry->applied ? step.children : step.otherwise);
      return;
    case ChainStep::Kind::kSwitch:
      if (entry->applied) ReplaySwitch(step, *entry);
      return;
    default:
      if (entry->applied) ReplayPicked(step, *entry);
      return;
  }
}

void Interpreter::ReplaySequence(const ChainStep& step) {
  if (!step.resample_each) {
    ReplayAll(step.children);
    return;
  }
  ClosePending();
  const bool outer = std::exchange(apart_, true);
  ReplayAll(step.children);
  apart_ = outer;
}

// one_of, some_of and random_order say by `picked` which children follow.
void Interpreter::ReplayPicked(const ChainStep& step, const RecipeEntry& entry) {
  std::vector<int> picked;
  for (const auto& [name, value] : entry.draws) {
    const auto child = static_cast<int>(value);
    if (name != "picked" || child != value || child < 0 ||
        child >= static_cast<int>(step.children.size())) {
      Problem(fmt::format("'{}': {} = {} picks no child", *step.stream, name, value));
      stopped_ = true;
      return;
    }
    picked.push_back(child);
  }
  const int n = static_cast<int>(step.children.size());
  const int count = static_cast<int>(picked.size());
  if (std::set<int>(picked.begin(), picked.end()).size() != picked.size()) {
    Problem(fmt::format("'{}' picked a child twice", *step.stream));
  }
  if (step.kind == ChainStep::Kind::kOneOf && count != 1) {
    Problem(fmt::format("'{}' picked {} children instead of one", *step.stream, count));
  }
  if (step.kind == ChainStep::Kind::kRandomOrder && count != n) {
    Problem(fmt::format("'{}' ordered {} of {} children", *step.stream, count, n));
  }
  if (step.kind == ChainStep::Kind::kSomeOf) {
    if (count < std::min(step.count_min, n) || count > std::min(step.count_max, n)) {
      Problem(fmt::format("'{}' picked {} children, outside [{}, {}]", *step.stream, count,
                          step.count_min, step.count_max));
    }
    if (!std::is_sorted(picked.begin(), picked.end())) {
      Problem(fmt::format("'{}' left the order of the file", *step.stream));
    }
  }
  for (int child : picked) {
    const ChainStep& next = step.children[static_cast<std::size_t>(child)];
    if (step.kind != ChainStep::Kind::kRandomOrder && next.weight <= 0) {
      Problem(fmt::format("'{}' picked '{}', which has no weight", *step.stream, *next.stream));
    }
    if (!stopped_) Replay(next);
  }
}

void Interpreter::ReplayOperator(const ChainStep& step) {
  const OpRule* rule = FindRule(step.op->Info().name);
  if (rule == nullptr) {
    Problem(fmt::format("the reference has no operator '{}'", step.op->Info().name));
    stopped_ = true;
    return;
  }
  // A step of frame scope is drawn once per frame of the main image, in order.
  const bool per_frame = step.scope == Scope::kFrame;
  const int times = per_frame ? static_cast<int>(fields_.front().frames.size()) : 1;
  if (!rule->photometric && times > 1) return ReplayEachFrame(step, times);
  for (int i = 0; i < times && !stopped_; ++i) {
    const RecipeEntry* entry = TakeEntry(step);
    if (entry == nullptr) return;
    CheckChance(step, *entry);
    if (entry->applied) ApplyOperator(step, *entry, per_frame ? i : -1);
  }
}

// Geometry of frame scope: every frame is moved alone, as if the others did not exist.
void Interpreter::ReplayEachFrame(const ChainStep& step, int times) {
  ClosePending();
  std::vector<FieldState> all = std::move(fields_);
  for (int i = 0; i < times && !stopped_; ++i) {
    const auto frame = static_cast<std::size_t>(i);
    fields_.clear();
    for (FieldState& field : all) {
      fields_.push_back({field.name, field.range, {std::move(field.frames[frame])}});
    }
    const RecipeEntry* entry = TakeEntry(step);
    if (entry != nullptr) {
      CheckChance(step, *entry);
      if (entry->applied) ApplyOperator(step, *entry, i);
      ClosePending();
    }
    for (std::size_t f = 0; f < all.size(); ++f) {
      all[f].frames[frame] = std::move(fields_[f].frames[0]);
    }
  }
  fields_ = std::move(all);
}

void Interpreter::ApplyOperator(const ChainStep& step, const RecipeEntry& entry, int frame) {
  const OpRule& rule = *FindRule(step.op->Info().name);
  // Tries that were thrown away have no name.
  std::vector<std::string_view> drawn;
  for (const auto& [name, value] : entry.draws) {
    if (!name.empty()) drawn.push_back(name);
    if (!std::isfinite(value)) Problem(fmt::format("'{}': {} is not finite", *step.stream, name));
  }
  if (drawn != rule.draws) {
    Problem(fmt::format("'{}' recorded [{}], the operator draws [{}]", *step.stream,
                        fmt::join(drawn, ", "), fmt::join(rule.draws, ", ")));
    stopped_ = true;
    return;
  }
  if (rule.needs_masks) ClosePending();
  const FieldState& main = fields_.front();
  const FrameState& first = main.frames.front();
  OpState state;
  state.size = CurrentSize();
  state.channels = !first.encoded                 ? first.pixels.channels
                   : first.encoded->channels != 0 ? first.encoded->channels
                                                  : first.encoded->header->channels;
  // Frame 0 of a key is the whole clip.
  state.key = {DrawKey(context_.seed, context_.epoch, identity_.branch,
                       static_cast<std::uint32_t>(frame + 1)),
               identity_.id, step.stream_id};
  state.codec = context_.codec;
  state.instances = &instances_;
  state.masks = &masks_;

  const Value written = step.op->Arguments();
  const Arguments arguments(written);
  const Draws draws(entry);
  std::vector<std::string> problems;
  rule.check(arguments, draws, state, problems);
  for (std::string& problem : problems) {
    Problem(fmt::format("'{}': {}", *step.stream, problem));
  }
  for (const RefStep& next : rule.steps(arguments, draws, state)) {
    std::visit(
        [&](const auto& s) {
          using T = std::decay_t<decltype(s)>;
          if constexpr (std::is_same_v<T, MapStep>) {
            AddMap(s);
          } else if constexpr (std::is_same_v<T, FieldStep>) {
            RunField(s);
          } else if constexpr (std::is_same_v<T, ObjectStep>) {
            s.run(instances_);
          } else if constexpr (std::is_same_v<T, WholeStep>) {
            RunWhole(s);
          } else {
            RunPicture(s, step, frame);
          }
        },
        next);
  }
}

// ---- Composition --------------------------------------------------------------------------------

bool Interpreter::Compose(const MapStep& step) {
  Pending& group = *pending_;
  if (group.cropped && !IsWholeRectangle(step.map, group.out, step.out)) return false;
  if (group.border && step.border && !(*group.border == *step.border)) return false;
  const auto smooth = [](Resampling r) { return r != Resampling::kNearest; };
  if (group.resampling && step.resampling &&
      smooth(*group.resampling) != smooth(*step.resampling)) {
    return false;
  }
  if (IsCut(step.map, group.out, step.out)) {
    if (IsCopy(group.map, group.in, group.out) && !group.border) {
      // The part of the source that stays visible.
      const Matrix inverse = Invert(Multiply(step.map, group.map));
      const Point a = Apply(inverse, {0, 0});
      const Point b = Apply(inverse, {1.0 * step.out.width, 1.0 * step.out.height});
      const auto corner = [](double x, double y) {
        return cv::Point(static_cast<int>(std::round(x)), static_cast<int>(std::round(y)));
      };
      group.window = cv::Rect(corner(std::min(a.x, b.x), std::min(a.y, b.y)),
                              corner(std::max(a.x, b.x), std::max(a.y, b.y)));
    }
    group.cropped = true;
  }
  group.map = Multiply(step.map, group.map);
  group.out = step.out;
  if (!group.border) group.border = step.border;
  // Of two smooth ways the later in the list wins: it is the one that avoids more aliasing.
  if (step.resampling) {
    group.resampling = std::max(group.resampling.value_or(*step.resampling), *step.resampling);
  }
  return true;
}

void Interpreter::AddMap(const MapStep& step) {
  const bool repeats = step.border && step.border->duplicate_labels;
  if (repeats) ClosePending();
  std::vector<Instance> repeated;
  if (repeats) repeated = RepeatedBy(step);
  if (!pending_ || !Compose(step)) {
    ClosePending();
    pending_.emplace();
    pending_->in = pending_->out = fields_.front().frames.front().size();
    PIXLOOM_CHECK(Compose(step), "a step composes with nothing before it");
  }
  if (apart_ || repeats) ClosePending();
  MoveInstances(step.map, instances_);
  if (names_ && Determinant3(step.map) < 0) SwapSides(*names_, instances_, labels_);
  AppendRepeated(std::move(repeated));
}

// Objects where the border shows the picture again: the plane around it is tiled with images of it.
std::vector<Instance> Interpreter::RepeatedBy(const MapStep& step) const {
  std::vector<Instance> repeated;
  const Size in = fields_.front().frames.front().size();
  const Matrix inverse = Invert(step.map);
  double seen[4] = {1e300, 1e300, -1e300, -1e300};
  for (const Point corner : {Point(0, 0), Point(step.out.width, 0), Point(0, step.out.height),
                             Point(step.out.width, step.out.height)}) {
    const Point p = Apply(inverse, corner);
    seen[0] = std::min(seen[0], p.x), seen[1] = std::min(seen[1], p.y);
    seen[2] = std::max(seen[2], p.x), seen[3] = std::max(seen[3], p.y);
  }
  for (const Matrix& image : ImagesOf(step.border->mode, in, seen)) {
    const Matrix map = Multiply(step.map, image);
    for (Instance copy : instances_) {
      std::vector<Instance> one{std::move(copy)};
      MoveInstances(map, one);
      SampleLabels unused;
      if (names_ && Determinant3(map) < 0) SwapSides(*names_, one, unused);
      if (!one[0].mask.empty()) {
        one[0].mask = MapMask(one[0].mask, map, step.out, 0, context_.nearest_shift);
      }
      if (IsSeen(one[0], step.out)) repeated.push_back(std::move(one[0]));
    }
  }
  return repeated;
}

void Interpreter::AppendRepeated(std::vector<Instance> repeated) {
  std::int64_t id = 0;
  for (const Instance& instance : instances_) id = std::max(id, instance.id);
  for (Instance& instance : repeated) {
    instance.id = ++id;
    instances_.push_back(std::move(instance));
  }
}

void Interpreter::ClosePending() {
  if (!pending_) return;
  const Pending group = *pending_;
  pending_.reset();
  const auto scaled = [&](Size own) {  // the group for a picture of another size
    if (own == group.in) return group;
    const double x = static_cast<double>(own.width) / group.in.width;
    const double y = static_cast<double>(own.height) / group.in.height;
    Pending other = group;
    other.in = own;
    other.out = {std::max(1, static_cast<int>(std::floor(group.out.width * x + 0.5))),
                 std::max(1, static_cast<int>(std::floor(group.out.height * y + 0.5)))};
    // Both pictures span [0, 1] x [0, 1] before and after; rounding the size does not shift them.
    const Matrix grow = Stretch(static_cast<double>(other.out.width) / group.out.width,
                                static_cast<double>(other.out.height) / group.out.height);
    other.map = Multiply(grow, Multiply(group.map, Stretch(1 / x, 1 / y)));
    if (group.window) {
      const cv::Rect& w = *group.window;
      other.window = cv::Rect(
          cv::Point(static_cast<int>(std::floor(w.x * x)), static_cast<int>(std::floor(w.y * y))),
          cv::Point(static_cast<int>(std::ceil((w.x + w.width) * x)),
                    static_cast<int>(std::ceil((w.y + w.height) * y))));
    }
    return other;
  };
  for (FieldState& field : fields_) {
    for (FrameState& frame : field.frames) {
      if (stopped_) return;
      frame.pixels = ResampleFrame(frame, field.range, scaled(frame.size()));
    }
  }
  const bool mirrors = names_ && Determinant3(group.map) < 0;
  for (auto& [name, mask] : masks_) {
    const Pending own = scaled({mask.pixels.cols, mask.pixels.rows});
    const int fill =
        (group.border ? group.border->mask_fill : std::nullopt).value_or(mask.ignore_index);
    const Border mode =
        group.border && group.border->duplicate_labels ? group.border->mode : Border::kConstant;
    mask.pixels = MapMask(mask.pixels, own.map, own.out, fill, context_.nearest_shift, mode);
    if (mirrors) SwapMaskClasses(*names_, mask.pixels);
  }
  for (Instance& instance : instances_) {
    if (instance.mask.empty()) continue;
    const Pending own = scaled({instance.mask.cols, instance.mask.rows});
    instance.mask = MapMask(instance.mask, own.map, own.out, 0, context_.nearest_shift);
  }
}

// ---- Pixels -------------------------------------------------------------------------------------

bool Interpreter::Decode(FrameState& frame, ValueRange range, int denominator) {
  if (!frame.encoded) return true;
  const std::shared_ptr<const EncodedImage> encoded = std::move(frame.encoded);
  frame.encoded.reset();
  std::string problem = "encoded input needs a codec";
  if (context_.codec != nullptr) {
    DecodeRequest request;
    request.denominator = denominator;
    request.channels = encoded->channels;
    request.truncated =
        encoded->accept_truncated ? TruncatedPolicy::kAccept : TruncatedPolicy::kQuarantine;
    const auto decoded = context_.codec->Decode(encoded->bytes, *encoded->header, request);
    if (decoded) {
      frame.pixels = FromMat(decoded->pixels, range);
      return true;
    }
    problem = decoded.Error().code + " " + decoded.Error().message;
  }
  Problem(problem);
  stopped_ = true;
  return false;
}

Image64 Interpreter::ResampleFrame(FrameState& frame, ValueRange range, const Pending& group) {
  Sampling sampling;
  sampling.map = group.map;
  sampling.out = group.out;
  sampling.border = group.border;
  sampling.resampling = group.resampling.value_or(Resampling::kLinear);
  sampling.window = group.window;
  sampling.nearest_shift = context_.nearest_shift;
  int denominator = 1;
  if (frame.encoded && !frame.encoded->exact &&
      frame.encoded->header->format == ImageFormat::kJpeg && !IsProjective(group.map) &&
      sampling.resampling != Resampling::kNearest) {
    for (int d : {2, 4, 8}) {
      if (LargestStretch(group.map) * d <= 1 + 1e-9) denominator = d;
    }
    // Turned upright, blocks of the stored picture start at its corner only in whole multiples.
    const Size upright = frame.encoded->header->UprightSize();
    while (frame.encoded->header->orientation != 1 && denominator > 1 &&
           (upright.width % denominator != 0 || upright.height % denominator != 0)) {
      denominator /= 2;
    }
  }
  if (!Decode(frame, range, denominator)) return {};
  if (denominator > 1) {
    sampling.map = Multiply(group.map, Stretch(denominator, denominator));
    if (group.window) {
      const cv::Rect& w = *group.window;
      const auto up = [&](int v) { return (v + denominator - 1) / denominator; };
      sampling.window = cv::Rect(cv::Point(w.x / denominator, w.y / denominator),
                                 cv::Point(up(w.x + w.width), up(w.y + w.height)));
    }
  }
  Image64 result = Resample(frame.pixels, sampling);
  RoundToDepth(result, context_.rounding_shift);
  return result;
}

void Interpreter::RunField(const FieldStep& step) {
  ClosePending();
  const auto scaled = [&](Size own) {  // the field for a picture of another size
    if (own == step.field.size) return step.field;
    const double x = static_cast<double>(own.width) / step.field.size.width;
    const double y = static_cast<double>(own.height) / step.field.size.height;
    Field64 other{own, {}, {}};
    for (int row = 0; row < own.height; ++row) {
      for (int column = 0; column < own.width; ++column) {
        const Point d = step.field.At({(column + 0.5) / x, (row + 0.5) / y});
        other.dx.push_back(d.x * x);
        other.dy.push_back(d.y * y);
      }
    }
    return other;
  };
  for (FieldState& field : fields_) {
    for (FrameState& frame : field.frames) {
      if (stopped_ || !Decode(frame, field.range, 1)) return;
      FieldStep own{scaled(frame.size()), step.border, step.resampling, step.moves_labels};
      frame.pixels = Displace(frame.pixels, own, context_.nearest_shift);
      RoundToDepth(frame.pixels, context_.rounding_shift);
    }
  }
  for (auto& [name, mask] : masks_) {
    mask.pixels =
        DisplaceMask(mask.pixels, scaled({mask.pixels.cols, mask.pixels.rows}),
                     step.border.mask_fill.value_or(mask.ignore_index), context_.nearest_shift);
  }
  for (Instance& instance : instances_) {
    if (instance.mask.empty()) continue;
    instance.mask = DisplaceMask(instance.mask, scaled({instance.mask.cols, instance.mask.rows}), 0,
                                 context_.nearest_shift);
  }
  if (step.moves_labels) MoveInstances(step.field, instances_);
}

void Interpreter::RunWhole(const WholeStep& step) {
  ClosePending();
  for (FieldState& field : fields_) {
    for (FrameState& frame : field.frames) {
      if (stopped_ || !Decode(frame, field.range, 1)) return;
      step.picture(frame.pixels);
      RoundToDepth(frame.pixels, context_.rounding_shift);
    }
  }
  for (auto& [name, mask] : masks_) step.mask(mask.pixels);
  for (Instance& instance : instances_) {
    if (!instance.mask.empty()) step.mask(instance.mask);
  }
  step.objects(instances_);
}

void Interpreter::RunPicture(const PictureStep& step, const ChainStep& selection, int frame) {
  ClosePending();
  const std::vector<std::string>& chosen = selection.fields;
  for (std::size_t f = 0; f < fields_.size(); ++f) {
    FieldState& field = fields_[f];
    const bool taken =
        chosen.empty() || std::find(chosen.begin(), chosen.end(), field.name) != chosen.end();
    for (int i = 0; taken && i < static_cast<int>(field.frames.size()); ++i) {
      if (frame >= 0 && i != frame) continue;
      FrameState& state = field.frames[static_cast<std::size_t>(i)];
      if (stopped_ || !Decode(state, field.range, 1)) return;
      // Noise differs between the frames of a clip and between fields, whatever the scope.
      std::uint64_t key =
          DrawKey(context_.seed, context_.epoch, identity_.branch, static_cast<std::uint32_t>(i));
      if (f > 0) key = HashCombine(key, f);
      const StreamKey noise{key, identity_.id, selection.stream_id};
      std::string problem;
      step.run(state.pixels, noise.Pixels(), problem);
      if (!problem.empty()) {
        Problem(fmt::format("'{}': {}", *selection.stream, problem));
        stopped_ = true;
        return;
      }
      RoundToDepth(state.pixels, context_.rounding_shift);
      if (frame < 0 && i + 1 == static_cast<int>(field.frames.size())) {
        field.range = state.pixels.range;
      }
    }
  }
}

Outcome Interpreter::Finish() {
  ClosePending();
  Outcome outcome;
  for (FieldState& field : fields_) {
    std::vector<Image64>& frames = outcome.images.emplace_back(field.name, 0).second;
    for (FrameState& frame : field.frames) {
      if (!stopped_) Decode(frame, field.range, 1);
      frames.push_back(std::move(frame.pixels));
    }
  }
  if (!stopped_ && next_entry_ < entries_.size()) {
    Problem(fmt::format("the recipe goes on after the chain: entry {} of {}", next_entry_,
                        entries_.size()));
  }
  for (auto& [name, mask] : masks_) outcome.masks[name] = mask.pixels;
  outcome.instances = std::move(instances_);
  outcome.labels = std::move(labels_);
  outcome.problems = std::move(problems_);
  return outcome;
}

Outcome Run(const Node& chain_node, Sample input, const Recipe& recipe, const Context& context) {
  Interpreter interpreter(std::move(input), recipe.entries, context);
  interpreter.RunChain(chain_node.steps);
  return interpreter.Finish();
}

}  // namespace pixloom::reference
