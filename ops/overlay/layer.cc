// SPDX-License-Identifier: Apache-2.0
#include "ops/overlay/layer.h"

#include <cmath>
#include <mutex>

#include <opencv2/imgproc.hpp>

#include "ops/families.h"
#include "ops/kernels/unit_image.h"
#include "ops/labels/class_choice.h"
#include "pipeline/lower.h"

namespace pixloom {

namespace {

// Alpha this close to nothing or all comes from rounding.
constexpr float kTie = 1e-5F;
constexpr float kHalf = 0.5F - kTie;

cv::Mat Premultiplied(const cv::Mat& rgba) {
  cv::Mat out(rgba.size(), CV_32FC4);
  for (int y = 0; y < rgba.rows; ++y) {
    const float* in = rgba.ptr<float>(y);
    float* to = out.ptr<float>(y);
    for (int x = 0; x < rgba.cols; ++x, in += 4, to += 4) {
      for (int c = 0; c < 3; ++c) to[c] = in[c] * in[3];
      to[3] = in[3];
    }
  }
  return out;
}

// Where alpha is at least one half.
cv::Mat OpaqueBits(const cv::Mat& pixels, float opacity = 1) {
  cv::Mat bits(pixels.size(), CV_8U);
  for (int y = 0; y < pixels.rows; ++y) {
    const float* in = pixels.ptr<float>(y);
    auto* out = bits.ptr<std::uint8_t>(y);
    for (int x = 0; x < pixels.cols; ++x) out[x] = in[4 * x + 3] * opacity >= kHalf ? 255 : 0;
  }
  return bits;
}

int WholePixels(double length) { return std::max(1, static_cast<int>(std::floor(length + 0.5))); }

// How much room it takes when it is turned.
cv::Size2d Turned(double width, double height, double angle) {
  const double c = std::abs(exact::Cos(angle));
  const double s = std::abs(exact::Sin(angle));
  return {width * c + height * s, width * s + height * c};
}

float Mixed(BlendMode mode, float below, float own) {
  switch (mode) {
    case BlendMode::kMultiply:
      return below * own;
    case BlendMode::kScreen:
      return 1 - (1 - below) * (1 - own);
    case BlendMode::kDarken:
      return std::min(below, own);
    case BlendMode::kLighten:
      return std::max(below, own);
    case BlendMode::kNormal:
      break;
  }
  return own;
}

// Layers of one draw in the sizes that fields come in.
class LayerCache {
 public:
  explicit LayerCache(std::function<Result<Layer>(Size)> make) : make_(std::move(make)) {}

  Result<std::shared_ptr<const Layer>> For(Size picture) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [size, layer] : made_) {
      if (size == picture) return layer;
    }
    Result<Layer> layer = make_(picture);
    if (!layer) return layer.Error();
    auto kept = std::make_shared<const Layer>(std::move(*layer));
    if (made_.size() < kMost) made_.emplace_back(picture, kept);
    return std::shared_ptr<const Layer>(kept);
  }

 private:
  static constexpr std::size_t kMost = 8;
  std::function<Result<Layer>(Size)> make_;
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<Size, std::shared_ptr<const Layer>>> made_;
};

}  // namespace

Layer PlaceLayer(const cv::Mat& rgba, const Placement& placement, Size picture) {
  const Size own{rgba.cols, rgba.rows};
  const cv::Size2d room = Turned(own.width, own.height, placement.angle);
  const double scale =
      std::min({placement.scale, picture.width / room.width, picture.height / room.height});
  AffineStep step;
  if (placement.angle == 0) {
    step.out = {WholePixels(own.width * scale), WholePixels(own.height * scale)};
    step.map = Matrix::Scale(static_cast<double>(step.out.width) / own.width,
                             static_cast<double>(step.out.height) / own.height);
  } else {
    const auto whole = [](double length) {
      return std::max(1, static_cast<int>(std::ceil(length - 1e-6)));
    };
    step.out = {whole(room.width * scale), whole(room.height * scale)};
    step.map = Matrix::Translate(step.out.width / 2.0, step.out.height / 2.0) *
               Matrix::Rotate(placement.angle) * Matrix::Scale(scale, scale) *
               Matrix::Translate(-own.width / 2.0, -own.height / 2.0);
    step.border = BorderRule{};
  }
  step.resampling = Resampling::kArea;
  static const std::unique_ptr<Families> families = MakeFamilies();
  Layer layer;
  layer.pixels = families->Affine(ImageView::Whole(Premultiplied(rgba)), MakeGroup(step, own));
  const auto start = [](double share, int side, int length) {
    return static_cast<int>(std::floor(share * (side - length) + 0.5));
  };
  layer.at = {start(placement.x, picture.width, step.out.width),
              start(placement.y, picture.height, step.out.height)};
  layer.area = cv::countNonZero(OpaqueBits(layer.pixels));
  const cv::Rect tight = cv::boundingRect(OpaqueBits(rgba));
  layer.quad = BoxQuad(tight.x, tight.y, tight.x + tight.width, tight.y + tight.height);
  const Matrix map = Matrix::Translate(layer.at.x, layer.at.y) * step.map;
  for (Point& corner : layer.quad) corner = map(corner);
  return layer;
}

cv::Mat LayOver(const cv::Mat& picture, ValueRange range, const Layer& layer, double opacity,
                BlendMode mode) {
  cv::Mat out = picture.clone();
  const cv::Rect window =
      cv::Rect(layer.at, layer.pixels.size()) & cv::Rect({0, 0}, picture.size());
  const auto weight = static_cast<float>(opacity);
  const int channels = picture.channels();
  const int colours = ColourCount(channels);
  const bool gray = colours != 3;
  WithDepth(out, [&](auto zero) {
    using T = decltype(zero);
    const bool real = std::is_floating_point_v<T>;
    const float low = real ? range.lo : 0;
    const float width = real ? range.hi - range.lo : static_cast<float>(kLevels<T>);
    for (int y = window.y; y < window.y + window.height; ++y) {
      const float* own =
          layer.pixels.ptr<float>(y - layer.at.y) + std::ptrdiff_t{4} * (window.x - layer.at.x);
      T* to = out.ptr<T>(y) + std::ptrdiff_t{channels} * window.x;
      for (int x = 0; x < window.width; ++x, own += 4, to += channels) {
        float alpha = own[3] * weight;
        if (alpha < kTie) continue;
        if (alpha > 1 - kTie) alpha = 1;
        // Where it is opaque colours are exact: no division.
        const bool opaque = own[3] > 1 - kTie;
        const auto colour = [&](int c) { return opaque ? own[c] : own[c] / own[3]; };
        const float luma =
            gray ? 0.299F * colour(0) + 0.587F * colour(1) + 0.114F * colour(2) : 0.0F;
        for (int c = 0; c < colours; ++c) {
          const float below = (static_cast<float>(to[c]) - low) / width;
          const float mixed = Mixed(mode, below, gray ? luma : colour(c));
          const float unit = alpha < 1 ? below + alpha * (mixed - below) : mixed;
          to[c] = RoundTo<T>(low + unit * width);
        }
      }
    }
  });
  return out;
}

cv::Mat CoveredBits(const Layer& layer, double opacity, Size picture) {
  cv::Mat bits = cv::Mat::zeros(picture.height, picture.width, CV_8U);
  const cv::Rect window =
      cv::Rect(layer.at, layer.pixels.size()) & cv::Rect(0, 0, picture.width, picture.height);
  if (window.empty()) return bits;
  OpaqueBits(layer.pixels(window - layer.at), static_cast<float>(opacity)).copyTo(bits(window));
  return bits;
}

Overlays::Drawn Overlays::DrawPlace(Rng& rng) const {
  Drawn drawn;
  drawn.x = rng.Draw("x", x);
  drawn.y = rng.Draw("y", y);
  drawn.angle = rng.Draw("angle", angle);
  drawn.opacity = rng.Draw("opacity", opacity);
  return drawn;
}

Steps<ImageStep, SampleStep> Overlays::Lay(MakeLayer make, const Drawn& drawn,
                                           std::string_view verb,
                                           std::map<std::string, std::string> attributes) const {
  const double weight = drawn.opacity;
  if (weight <= 0) return {};
  const auto layers = std::make_shared<const LayerCache>(std::move(make));
  Steps<ImageStep, SampleStep> steps;
  steps.push_back(ImageStep{[layers, weight, mode = blend](
                                const cv::Mat& in, const FrameContext& context) -> Result<cv::Mat> {
    const auto layer = layers->For({in.cols, in.rows});
    if (!layer) return layer.Error();
    return LayOver(in, context.range, **layer, weight, mode);
  }});
  const bool hides = occlude && blend == BlendMode::kNormal;
  if (!hides && !erase_masks && label.empty()) return steps;
  LabelRule rule = Limits();
  rule.erase_masks = erase_masks;
  if (mask_fill >= 0) rule.mask_fill = static_cast<int>(mask_fill);
  SampleStep labels;
  labels.touches = (hides || !label.empty() ? kTargetInstance : kTargetNone) |
                   (erase_masks ? kTargetMask : kTargetNone);
  labels.run = [=, own = label, shape = box,
                name = std::string(verb)](Sample& sample) -> std::optional<DataError> {
    const Size picture = sample.images.front().second.frames.front().size();
    const auto found = layers->For(picture);
    if (!found) return found.Error();
    const Layer& layer = **found;
    Holes covered(picture);
    covered.Add(CoveredBits(layer, weight, picture), 0);
    if (hides && !covered.runs.empty()) {
      EraseLabels(sample, covered, rule);
    } else if (rule.erase_masks) {
      EraseMasks(sample, covered, rule.mask_fill);
    }
    if (own.empty()) return std::nullopt;
    const auto index = ClassIndex(own, sample.names.get(), name, "label");
    if (!index) return index.Error();
    const cv::Mat bits = CoveredBits(layer, 1, picture);
    const cv::Rect seen = cv::boundingRect(bits);
    if (seen.empty()) return std::nullopt;
    Instance object;
    for (const Instance& other : sample.instances) object.id = std::max(object.id, other.id);
    ++object.id;
    object.label = *index;
    object.oriented = shape == OverlayBox::kOriented;
    object.quad = object.oriented
                      ? layer.quad
                      : BoxQuad(seen.x, seen.y, seen.x + seen.width, seen.y + seen.height);
    object.mask = bits;
    object.original_area = layer.area;
    object.attributes = attributes;
    sample.instances.push_back(std::move(object));
    return std::nullopt;
  };
  steps.push_back(std::move(labels));
  return steps;
}

}  // namespace pixloom
