// SPDX-License-Identifier: Apache-2.0
#include "datasets/shapes.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "datasets/shapes_paint.h"
#include "datasets/shapes_raster.h"
#include "datasets/shapes_scene.h"

namespace pixloom {

namespace {

constexpr std::string_view kKeyPrefix = "shape_";
constexpr int kMaxObjects = 1000;

std::string KeyOf(std::int64_t index) { return fmt::format("{}{:06}", kKeyPrefix, index); }

std::shared_ptr<const LabelNames> MakeNames() {
  auto names = std::make_shared<LabelNames>();
  for (int i = 0; i < shapes::kKinds; ++i) {
    names->classes.emplace_back(shapes::KindName(static_cast<shapes::Kind>(i)));
  }
  names->keypoints = {"centre", "left", "right", "top"};
  names->keypoint_swaps = {{shapes::kLeft, shapes::kRight}};
  return names;
}

Quad BoxOf(const Polygon& polygon) {
  const std::vector<Point>& ring = polygon.rings[0];
  Point lo = ring[0];
  Point hi = ring[0];
  for (Point p : ring) {
    lo = {std::min(lo.x, p.x), std::min(lo.y, p.y)};
    hi = {std::max(hi.x, p.x), std::max(hi.y, p.y)};
  }
  return BoxQuad(lo.x, lo.y, hi.x, hi.y);
}

class ShapesSource final : public Source {
 public:
  ShapesSource(const ShapesParams& params, const Codec* codec)
      : params_(params), codec_(codec), names_(MakeNames()) {
    PIXLOOM_CHECK(codec != nullptr || params.encode == ShapesEncode::kNone,
                  "encoded shapes need a codec");
  }

  Result<std::vector<SourceEntry>, std::string> List(
      const std::function<void(std::string)>& notice) override {
    static_cast<void>(notice);  // nothing is ever skipped
    std::string problem = Problem();
    if (!problem.empty()) return problem;
    std::vector<SourceEntry> entries;
    entries.reserve(static_cast<std::size_t>(params_.count));
    // Nothing is stored, so there are no bytes to tell one version of an entry from another: the
    // configuration is all there is.
    for (std::int64_t i = 0; i < params_.count; ++i) entries.push_back({KeyOf(i), 0});
    return entries;
  }

  Result<Sample> Read(const SourceEntry& entry) const override {
    std::int64_t index = -1;
    const std::string& key = entry.key;
    if (key.starts_with(kKeyPrefix)) {
      std::from_chars(key.data() + kKeyPrefix.size(), key.data() + key.size(), index);
    }
    if (index < 0 || index >= params_.count || KeyOf(index) != key) {
      return DataError{"SRC-KEY",
                       fmt::format("no scene '{}': keys run from {} to {}", key, KeyOf(0),
                                   KeyOf(params_.count - 1)),
                       {},
                       {}};
    }
    return ReadScene(key, static_cast<std::uint64_t>(index));
  }

  Meta OutputMeta() const override {
    Meta meta;
    meta.size = params_.size;
    meta.depth = Depth::kU8;
    meta.channels = 3;
    meta.targets = kTargetImage | kTargetInstance;
    if (params_.masks) meta.targets |= kTargetMask;
    return meta;
  }

 private:
  // Why these parameters cannot be used, or "".
  std::string Problem() const {
    const int shorter = std::min(params_.size.width, params_.size.height);
    if (params_.count < 1) return fmt::format("count is {}; at least 1 scene", params_.count);
    if (params_.objects[0] < 0 || params_.objects[1] < params_.objects[0] ||
        params_.objects[1] > kMaxObjects) {
      return fmt::format("objects is [{}, {}]; use [min, max] within 0..{}", params_.objects[0],
                         params_.objects[1], kMaxObjects);
    }
    if (params_.min_object < 8) {
      return fmt::format("min_object is {} px; at least 8 px, or the classes cannot be told apart",
                         params_.min_object);
    }
    // Half of the shorter side leaves room for the diagonal of a turned square.
    if (params_.min_object > shorter / 2) {
      return fmt::format("min_object is {} px; at most half of the shorter side ({} px)",
                         params_.min_object, shorter / 2);
    }
    if (params_.quality < 1 || params_.quality > 100) {
      return fmt::format("quality is {}; use 1..100", params_.quality);
    }
    return {};
  }

  Result<Sample> ReadScene(const std::string& key, std::uint64_t index) const {
    const shapes::SceneStreams streams(params_.seed, index);
    const std::vector<shapes::Object> objects = PlanObjects(
        {params_.size, params_.objects[0], params_.objects[1], params_.min_object, params_.overlap},
        streams);
    const shapes::Mood mood = DrawMood(streams);
    cv::Mat picture = PaintBackdrop(params_.size, streams, mood);

    Sample sample;
    sample.key = key;
    sample.names = names_;
    cv::Mat classes;
    if (params_.masks) classes = cv::Mat::zeros(picture.size(), CV_8U);
    double largest = 0;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const shapes::Object& object = objects[i];
      const shapes::Look look = DrawLook(streams, mood, static_cast<int>(i), object.length);
      PaintObject(object, look, mood, picture);
      sample.instances.push_back(Label(objects, i));
      Instance& instance = sample.instances.back();
      instance.attributes["texture"] = TextureName(look.texture);
      if (params_.masks) {
        instance.mask = cv::Mat::zeros(picture.size(), CV_8U);
        shapes::FillPolygon(object.polygon, 255, instance.mask);
        const auto value = static_cast<std::uint8_t>(*instance.label + 1);
        shapes::FillPolygon(object.polygon, value, classes);
      }
      if (instance.original_area > largest) {
        largest = instance.original_area;
        sample.labels.label = instance.label;
      }
    }
    if (params_.masks) sample.masks["classes"] = {classes, 255};

    if (params_.encode == ShapesEncode::kNone) {
      sample.images.emplace_back("image", ImageField::Of(std::move(picture)));
      return sample;
    }
    Result<ImageField> field = Encoded(picture);
    if (!field) return field.Error();
    sample.images.emplace_back("image", *std::move(field));
    return sample;
  }

  Instance Label(const std::vector<shapes::Object>& objects, std::size_t at) const {
    const shapes::Object& object = objects[at];
    Instance instance;
    instance.id = static_cast<std::int64_t>(at) + 1;
    instance.label = static_cast<int>(object.kind);
    instance.oriented = params_.oriented;
    instance.quad = params_.oriented ? object.frame : BoxOf(object.polygon);
    instance.polygons = {object.polygon};
    instance.original_area = object.polygon.Area();
    if (!params_.keypoints) return instance;
    for (Point p : object.keypoints) {
      const bool hidden = std::any_of(
          objects.begin() + static_cast<std::ptrdiff_t>(at) + 1, objects.end(),
          [p](const shapes::Object& above) { return shapes::Contains(above.polygon, p); });
      instance.keypoints.push_back({p, hidden ? 1 : 2, object.angle, object.length});
    }
    return instance;
  }

  Result<ImageField> Encoded(const cv::Mat& picture) const {
    EncodeRequest request;
    request.format = params_.encode == ShapesEncode::kJpeg ? ImageFormat::kJpeg : ImageFormat::kPng;
    request.quality = params_.quality;
    Result<std::vector<std::uint8_t>> bytes = codec_->Encode(picture, request);
    if (!bytes) return bytes.Error();
    Result<ImageHeader> header = codec_->ReadHeader(*bytes);
    if (!header) return header.Error();
    auto encoded = std::make_shared<EncodedImage>();
    encoded->bytes = *std::move(bytes);
    encoded->header = std::make_shared<const ImageHeader>(*header);
    ImageField field;
    field.frames.push_back({std::move(encoded), {}});
    return field;
  }

  ShapesParams params_;
  const Codec* codec_;
  std::shared_ptr<const LabelNames> names_;
};

}  // namespace

std::unique_ptr<Source> MakeShapesSource(const ShapesParams& params, const Codec* codec) {
  return std::make_unique<ShapesSource>(params, codec);
}

}  // namespace pixloom
