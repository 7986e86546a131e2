// SPDX-License-Identifier: Apache-2.0
#include "pipeline/chain.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "pipeline/decode.h"
#include "pipeline/exact_math.h"
#include "pipeline/lower.h"

namespace pixloom {

// One sample on its way through one chain. Steps are drawn in order; geometry and colour wait in
// `pending_` until something needs pixels, so that a crop is known before anything is decoded.
class ChainRun {
 public:
  ChainRun(const ChainRunner& runner, const Node& node, Sample& sample)
      : runner_(runner), node_(node), sample_(sample) {}

  std::optional<DataError> Run() {
    if (sample_.images.empty() || sample_.images[0].second.frames.empty()) {
      return DataError{"SMP-EMPTY", "sample has no picture", "", ""};
    }
    const Frame& first = sample_.images[0].second.frames[0];
    size_ = first.size();
    depth_ = first.depth();
    channels_ = first.channels();
    for (const ChainStep& step : node_.steps) {
      if (auto error = Visit(step)) return error;
    }
    return Flush();
  }

 private:
  using Error = std::optional<DataError>;

  Rng StreamOf(const ChainStep& step, std::uint32_t frame, Rng::Record* record) const {
    const Identity& who = sample_.identity;
    return Rng({DrawKey(runner_.seed_, runner_.epoch_, who.branch, frame), who.id, step.stream_id},
               record);
  }

  // ---- choosing ---------------------------------------------------------------------------------

  Error Visit(const ChainStep& step) {
    if (step.kind == ChainStep::Kind::kOperator) return VisitOperator(step);
    RecipeEntry entry{step.stream, true, {}};
    Rng rng = StreamOf(step, 0, &entry.draws);
    const bool chosen = rng.Chance("", step.p);
    entry.applied = chosen;
    const std::vector<std::size_t> picked = Pick(step, rng);
    const bool drawn = step.kind != ChainStep::Kind::kSequence || step.p < 1;
    if (chosen) {
      for (std::size_t i : picked) {
        if (step.kind != ChainStep::Kind::kSequence) rng.Note("picked", static_cast<double>(i));
      }
    }
    if (drawn) sample_.recipe.entries.push_back(std::move(entry));
    if (!chosen) {
      for (const ChainStep& child : step.otherwise) {
        if (auto error = Visit(child)) return error;
      }
      return std::nullopt;
    }
    const bool outer = compose_;
    compose_ = compose_ && !step.resample_each;
    if (compose_ != outer) closed_ = true;
    for (std::size_t i : picked) {
      if (auto error = Visit(step.children[i])) return error;
    }
    if (compose_ != outer) closed_ = true;
    compose_ = outer;
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

  // ---- drawing ----------------------------------------------------------------------------------

  Error VisitOperator(const ChainStep& step) {
    const OpInfo& info = step.op->Info();
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
    const std::size_t frames = sample_.images[0].second.frames.size();
    if (step.scope == Scope::kFrame && !info.IsGeometric()) {
      for (std::size_t f = 0; f < frames; ++f) {
        if (auto error = Draw(step, static_cast<int>(f))) return error;
      }
      return std::nullopt;
    }
    return Draw(step, -1);
  }

  Error Draw(const ChainStep& step, int frame) {
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
      if (step.op->Info().needs_masks) facts.masks = &sample_.masks;
      if (step.op->Info().needs_pixels) facts.pixels = &sample_.images[0].second.frames[0].pixels;
      steps = step.op->Draw(rng, facts);
    }
    sample_.recipe.entries.push_back(std::move(entry));
    const Selection selection{step.fields, frame};
    for (Step& drawn : steps) {
      if (auto error = Add(std::move(drawn), selection, step.stream_id)) return error;
    }
    return std::nullopt;
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
      MoveLabels(affine->map, sample_);
      auto* open = pending_.empty() ? nullptr : std::get_if<AffineGroup>(&pending_.back());
      if (open == nullptr || closed_ || !compose_ || !Compose(*open, *affine)) {
        pending_.push_back(MakeGroup(*affine, size_));
      }
      size_ = affine->out;
    } else if (auto* field = std::get_if<WarpField>(&drawn)) {
      if (field->moves_labels) MoveLabels(*field, sample_);
      size_ = {field->displacement.cols, field->displacement.rows};
      pending_.push_back(FieldGroup{std::move(*field)});
    } else if (auto* image = std::get_if<ImageStep>(&drawn)) {
      pending_.push_back(ImageGroup{std::move(*image), selection, {0, 0, stream_id}});
    } else if (auto* labels = std::get_if<LabelStep>(&drawn)) {
      labels->run(sample_.instances);
      return std::nullopt;
    } else if (auto* whole = std::get_if<SampleStep>(&drawn)) {
      // Steps on the whole sample look at labels, which must be those of the pixels so far.
      pending_.push_back(SampleGroup{std::move(*whole)});
      return Flush();
    } else {
      AddColour(std::move(drawn), selection);
    }
    closed_ = false;
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
      Error error = std::visit([&](auto& g) { return Execute(g); }, group);
      if (error) return error;
    }
    pending_.clear();
    const Frame& first = sample_.images[0].second.frames[0];
    depth_ = first.depth();
    channels_ = first.channels();
    return std::nullopt;
  }

  Error Execute(const AffineGroup& group) {
    for (auto& [name, field] : sample_.images) {
      for (Frame& frame : field.frames) {
        AffineGroup own = ForFieldOfSize(group, frame.size());
        ImageView view;
        if (frame.Decoded()) {
          view = ImageView::Whole(frame.pixels);
        } else {
          auto decoded = DecodeFor(*frame.encoded, own, runner_.codec_, node_.push_down);
          if (!decoded) return decoded.Error();
          view = std::move(decoded->view);
          own = decoded->group;
          NoteWarnings(decoded->warnings);
        }
        frame.pixels = runner_.families_.Affine(view, own);
        frame.encoded.reset();
      }
    }
    for (auto& [name, mask] : sample_.masks) {
      const int fill = group.border.mask_fill.value_or(mask.ignore_index);
      mask.pixels = MoveMask(mask.pixels, group, fill);
    }
    for (Instance& instance : sample_.instances) {
      if (!instance.mask.empty()) instance.mask = MoveMask(instance.mask, group, 0);
    }
    return std::nullopt;
  }

  static AffineGroup ForFieldOfSize(const AffineGroup& group, Size size) {
    if (size == group.in) return group;
    AffineGroup own = group;
    const double sx = static_cast<double>(size.width) / group.in.width;
    const double sy = static_cast<double>(size.height) / group.in.height;
    own.in = size;
    own.out = {std::max(1, static_cast<int>(std::floor(group.out.width * sx + 0.5))),
               std::max(1, static_cast<int>(std::floor(group.out.height * sy + 0.5)))};
    const double ox = static_cast<double>(own.out.width) / group.out.width;
    const double oy = static_cast<double>(own.out.height) / group.out.height;
    own.map = Matrix::Scale(ox, oy) * group.map * Matrix::Scale(1 / sx, 1 / sy);
    if (group.window) {
      const cv::Rect& w = *group.window;
      const int x0 = static_cast<int>(std::floor(w.x * sx));
      const int y0 = static_cast<int>(std::floor(w.y * sy));
      const int x1 = std::min(size.width, static_cast<int>(std::ceil((w.x + w.width) * sx)));
      const int y1 = std::min(size.height, static_cast<int>(std::ceil((w.y + w.height) * sy)));
      own.window = cv::Rect(x0, y0, x1 - x0, y1 - y0);
    }
    if (!own.IsExactCopy()) own.resampled = true;
    return own;
  }

  // Class indices are picked, never blended, and never invented outside the picture.
  cv::Mat MoveMask(const cv::Mat& pixels, const AffineGroup& group, double fill) const {
    AffineGroup own = ForFieldOfSize(group, {pixels.cols, pixels.rows});
    own.resampling = Resampling::kNearest;
    if (own.has_border) own.border = {Border::kConstant, {fill, fill, fill, fill}};
    return runner_.families_.Affine(ImageView::Whole(pixels), own);
  }

  Error Execute(const FieldGroup& group) {
    if (auto error = DecodeAll(sample_, runner_.codec_)) return error;
    for (auto& [name, field] : sample_.images) {
      for (Frame& frame : field.frames) {
        frame.pixels =
            runner_.families_.Field(frame.pixels, FieldOfSize(group.field, frame.size()));
      }
    }
    const auto move_mask = [&](cv::Mat& pixels, double fill) {
      WarpField own = FieldOfSize(group.field, {pixels.cols, pixels.rows});
      own.resampling = Resampling::kNearest;
      own.border = {Border::kConstant, {fill, fill, fill, fill}};
      pixels = runner_.families_.Field(pixels, own);
    };
    for (auto& [name, mask] : sample_.masks) {
      move_mask(mask.pixels, group.field.border.mask_fill.value_or(mask.ignore_index));
    }
    for (Instance& instance : sample_.instances) {
      if (!instance.mask.empty()) move_mask(instance.mask, 0);
    }
    return std::nullopt;
  }

  // The field for a picture of another size: the same displacement relative to the size.
  static WarpField FieldOfSize(const WarpField& field, Size size) {
    const cv::Mat& d = field.displacement;
    if (size == Size{d.cols, d.rows}) return field;
    const double sx = static_cast<double>(size.width) / d.cols;
    const double sy = static_cast<double>(size.height) / d.rows;
    WarpField own = field;
    own.displacement = cv::Mat(size.height, size.width, CV_32FC2);
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        const Point at = DisplacementAt(d, {(x + 0.5) / sx, (y + 0.5) / sy});
        own.displacement.at<cv::Vec2f>(y, x) = {static_cast<float>(at.x * sx),
                                                static_cast<float>(at.y * sy)};
      }
    }
    return own;
  }

  // Calls change(frame, range, field index, frame index) for every selected, decoded frame.
  template <class F>
  Error ForSelected(const Selection& selection, F change) {
    for (std::size_t i = 0; i < sample_.images.size(); ++i) {
      auto& [name, field] = sample_.images[i];
      if (!selection.Takes(name)) continue;
      for (std::size_t f = 0; f < field.frames.size(); ++f) {
        if (selection.frame >= 0 && static_cast<std::size_t>(selection.frame) != f) continue;
        int warnings = 0;
        if (auto error = DecodeFrame(field.frames[f], runner_.codec_, &warnings)) return error;
        NoteWarnings(warnings);
        if (auto error = change(field.frames[f], field.range, i, f)) return error;
      }
    }
    return std::nullopt;
  }

  Error Execute(const ColourGroup& group) {
    return ForSelected(group.selection,
                       [&](Frame& frame, ValueRange range, std::size_t, std::size_t) -> Error {
                         MakeUnique(frame.pixels);
                         runner_.families_.Colour(frame.pixels, group.steps, range, node_.fused);
                         return std::nullopt;
                       });
  }

  Error Execute(const ImageGroup& group) {
    return ForSelected(
        group.selection,
        [&](Frame& frame, ValueRange range, std::size_t field, std::size_t f) -> Error {
          const Identity& who = sample_.identity;
          std::uint64_t key =
              DrawKey(runner_.seed_, runner_.epoch_, who.branch, static_cast<std::uint32_t>(f));
          // Two fields of one sample are two pictures: their noise is independent.
          if (field > 0) key = HashCombine(key, field);
          const FrameContext context{range, StreamKey{key, who.id, group.stream.stream}.Pixels()};
          auto result = group.step.run(frame.pixels, context);
          if (!result) return result.Error();
          frame.pixels = std::move(*result);
          return std::nullopt;
        });
  }

  Error Execute(const SampleGroup& group) {
    if (auto error = DecodeAll(sample_, runner_.codec_)) return error;
    return group.step.run(sample_);
  }

  void NoteWarnings(int warnings) {
    if (warnings > 0) sample_.scalars["decode_warnings"] += warnings;
  }

  const ChainRunner& runner_;
  const Node& node_;
  Sample& sample_;
  std::vector<Group> pending_;
  Size size_;
  Depth depth_ = Depth::kU8;
  int channels_ = 3;
  bool compose_ = true;  // false inside {chain: [...], resample: each}
  bool closed_ = false;  // the group before must not take further steps
};

std::optional<DataError> ChainRunner::Run(const Node& node, Sample& sample) const {
  return ChainRun(*this, node, sample).Run();
}

}  // namespace pixloom
