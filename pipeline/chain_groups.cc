// SPDX-License-Identifier: Apache-2.0
#include "pipeline/chain_groups.h"

#include <algorithm>
#include <cmath>

#include "pipeline/chain.h"
#include "pipeline/decode.h"
#include "pipeline/labels.h"

namespace pixloom {

namespace {

// The group for a picture of another size: the same map relative to the size.
AffineGroup ForFieldOfSize(const AffineGroup& group, Size size) {
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

// The field for a picture of another size: the same displacement relative to the size.
WarpField FieldOfSize(const WarpField& field, Size size) {
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

Size SizeOf(const cv::Mat& pixels) { return {pixels.cols, pixels.rows}; }

BorderRule MaskBorder(const BorderRule& of_image, int fill) {
  const double level = fill;
  BorderRule rule;
  if (of_image.duplicate_labels) rule.mode = of_image.mode;
  rule.fill = {level, level, level, level};
  return rule;
}

}  // namespace

std::optional<DataError> GroupRunner::Run(const Group& group) {
  return std::visit([&](const auto& g) { return Execute(g); }, group);
}

cv::Mat GroupRunner::MoveMask(const cv::Mat& pixels, const AffineGroup& group, int fill) const {
  AffineGroup own = ForFieldOfSize(group, SizeOf(pixels));
  own.resampling = Resampling::kNearest;
  if (own.has_border) own.border = MaskBorder(group.border, fill);
  return tools_.families.Affine(ImageView::Whole(pixels), own);
}

cv::Mat GroupRunner::MoveMask(const cv::Mat& pixels, const WarpField& field, int fill) const {
  WarpField own = FieldOfSize(field, SizeOf(pixels));
  own.resampling = Resampling::kNearest;
  own.border = MaskBorder(field.border, fill);
  return tools_.families.Field(pixels, own);
}

std::optional<DataError> GroupRunner::Execute(const AffineGroup& group) {
  for (auto& [name, field] : sample_.images) {
    for (Frame& frame : field.frames) {
      AffineGroup own = ForFieldOfSize(group, frame.size());
      ImageView view;
      if (frame.Decoded()) {
        view = ImageView::Whole(frame.pixels);
      } else {
        auto decoded = DecodeFor(*frame.encoded, own, tools_.codec, node_.push_down);
        if (!decoded) return decoded.Error();
        view = std::move(decoded->view);
        own = decoded->group;
        NoteWarnings(decoded->warnings);
      }
      frame.pixels = tools_.families.Affine(view, own);
      frame.encoded.reset();
    }
  }
  for (auto& [name, mask] : sample_.masks) {
    mask.pixels = MoveMask(mask.pixels, group, group.border.mask_fill.value_or(mask.ignore_index));
  }
  // An object's own bits are never repeated: what a border shows again is an object of its own.
  AffineGroup alone = group;
  alone.border.duplicate_labels = false;
  for (Instance& instance : sample_.instances) {
    if (instance.HasMask()) instance.SetBits(MoveMask(instance.Bits(), alone, 0));
  }
  return std::nullopt;
}

std::optional<DataError> GroupRunner::Execute(const FieldGroup& group) {
  if (auto error = DecodeAll(sample_, tools_.codec)) return error;
  for (auto& [name, field] : sample_.images) {
    for (Frame& frame : field.frames) {
      frame.pixels = tools_.families.Field(frame.pixels, FieldOfSize(group.field, frame.size()));
    }
  }
  for (auto& [name, mask] : sample_.masks) {
    const int fill = group.field.border.mask_fill.value_or(mask.ignore_index);
    mask.pixels = MoveMask(mask.pixels, group.field, fill);
  }
  WarpField alone = group.field;
  alone.border.duplicate_labels = false;
  for (Instance& instance : sample_.instances) {
    if (instance.HasMask()) instance.SetBits(MoveMask(instance.Bits(), alone, 0));
  }
  return std::nullopt;
}

std::vector<Instance> GroupRunner::Repeat(const AffineStep& step) const {
  std::vector<Instance> repeated;
  const Size in = sample_.images[0].second.frames[0].size();
  for (const Matrix& image : RepeatedImages(step.border->mode, in, SeenBy(step))) {
    AffineStep own = step;
    own.map = step.map * image;
    own.border = BorderRule{};
    const AffineGroup group = MakeGroup(own, in);
    for (Instance copy : sample_.instances) {
      MoveInstances(own.map, {&copy, 1}, sample_.names.get());
      if (copy.HasMask()) copy.SetBits(MoveMask(copy.Bits(), group, 0));
      if (IsVisible(copy, step.out)) repeated.push_back(std::move(copy));
    }
  }
  return repeated;
}

std::vector<Instance> GroupRunner::Repeat(const WarpField& step) const {
  std::vector<Instance> repeated;
  const cv::Mat& d = step.displacement;
  const Size size = SizeOf(d);
  for (const Matrix& image : RepeatedImages(step.border.mode, size, SeenBy(step))) {
    // Bits are read through the image: out + displacement lies in it, its pixels in the picture.
    const Matrix back = image.Inverse();
    WarpField own = step;
    own.border = BorderRule{};
    own.displacement = cv::Mat(d.size(), d.type());
    for (int y = 0; y < d.rows; ++y) {
      for (int x = 0; x < d.cols; ++x) {
        const auto& shift = d.at<cv::Vec2f>(y, x);
        const Point out(x + 0.5, y + 0.5);
        const Point from = back(out + Point(shift[0], shift[1])) - out;
        own.displacement.at<cv::Vec2f>(y, x) = {static_cast<float>(from.x),
                                                static_cast<float>(from.y)};
      }
    }
    Sample copies;
    copies.instances = sample_.instances;
    copies.names = sample_.names;
    MoveInstances(image, copies.instances, sample_.names.get());
    MoveLabels(step, copies);
    for (Instance& copy : copies.instances) {
      if (copy.HasMask()) copy.SetBits(MoveMask(copy.Bits(), own, 0));
      if (IsVisible(copy, size)) repeated.push_back(std::move(copy));
    }
  }
  return repeated;
}

template <class F>
std::optional<DataError> GroupRunner::ForSelected(const Selection& selection, F change) {
  for (std::size_t i = 0; i < sample_.images.size(); ++i) {
    auto& [name, field] = sample_.images[i];
    if (!selection.Takes(name)) continue;
    for (std::size_t f = 0; f < field.frames.size(); ++f) {
      if (selection.frame >= 0 && static_cast<std::size_t>(selection.frame) != f) continue;
      int warnings = 0;
      if (auto error = DecodeFrame(field.frames[f], tools_.codec, &warnings)) return error;
      NoteWarnings(warnings);
      if (auto error = change(field.frames[f], field.range, i, f)) return error;
    }
  }
  return std::nullopt;
}

std::optional<DataError> GroupRunner::Execute(const ColourGroup& group) {
  return ForSelected(group.selection,
                     [&](Frame& frame, ValueRange range, std::size_t, std::size_t) -> Error {
                       MakeUnique(frame.pixels);
                       tools_.families.Colour(frame.pixels, group.steps, range, node_.fused);
                       return std::nullopt;
                     });
}

std::optional<DataError> GroupRunner::Execute(const ImageGroup& group) {
  const auto failed = ForSelected(
      group.selection,
      [&](Frame& frame, ValueRange range, std::size_t field, std::size_t f) -> Error {
        const Identity& who = sample_.identity;
        std::uint64_t key =
            DrawKey(tools_.seed, tools_.epoch, who.branch, static_cast<std::uint32_t>(f));
        // Two fields of one sample are two pictures: their noise is independent.
        if (field > 0) key = HashCombine(key, field);
        const FrameContext context{range, StreamKey{key, who.id, group.stream.stream}.Pixels()};
        auto result = group.step.run(frame.pixels, context);
        if (!result) return result.Error();
        frame.pixels = std::move(*result);
        return std::nullopt;
      });
  if (failed || !group.step.range) return failed;
  for (auto& [name, field] : sample_.images) {
    // Frame by frame, the range changes when all have.
    const int last = static_cast<int>(field.frames.size()) - 1;
    const bool done = group.selection.frame < 0 || group.selection.frame == last;
    if (group.selection.Takes(name) && done) field.range = *group.step.range;
  }
  return std::nullopt;
}

std::optional<DataError> GroupRunner::Execute(const SampleGroup& group) {
  if ((group.step.touches & kTargetImage) != 0) {
    if (auto error = DecodeAll(sample_, tools_.codec)) return error;
  }
  return group.step.run(sample_);
}

void GroupRunner::NoteWarnings(int warnings) {
  if (warnings > 0) sample_.scalars["decode_warnings"] += warnings;
}

}  // namespace pixloom
