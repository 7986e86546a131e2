// SPDX-License-Identifier: Apache-2.0
#include "datasets/yolo_sink.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/export_shapes.h"

namespace pixloom {

namespace {

constexpr const char* kIndex = "data.yaml";
constexpr std::size_t kMostRings = 64;

struct PreparedYolo final : PreparedExport {
  struct Line {
    int label = 0;
    std::string numbers;  // " 0.5 0.5 ..."
  };
  std::vector<Line> lines;
};

// What one object's line says behind the class; "" when it has no area.
class LineWriter {
 public:
  LineWriter(YoloTask task, Size size, const LabelNames* names)
      : task_(task),
        size_(size),
        keypoints_(names != nullptr ? names->keypoints.size() : std::size_t{0}) {}

  std::size_t dropped = 0;  // rings

  // Why the object cannot be written at all.
  std::optional<DataError> Refused(const ExportObject& object) const {
    if (task_ != YoloTask::kPose || object.keypoints.size() <= keypoints_) return std::nullopt;
    return DataError{"ENC-LABEL",
                     fmt::format("an object has {} keypoints, its source names {}",
                                 object.keypoints.size(), keypoints_),
                     "use the task detect, or a source with names of keypoints", ""};
  }

  std::string Of(const ExportObject& object) {
    std::vector<Point> points;
    switch (task_) {
      case YoloTask::kDetect:
        return BoxNumbers(*object.box);
      case YoloTask::kPose: {
        const std::string box = BoxNumbers(*object.box);
        return box.empty() ? box : box + KeypointNumbers(object);
      }
      case YoloTask::kSegment:
        points = JoinRings(RingsOf(object), kMostRings, dropped);
        break;
      case YoloTask::kObb:
        points = Corners(object);
        break;
    }
    return PointNumbers(points);
  }

 private:
  // In millionths, as they are written.
  static std::int64_t Share(double v, int side) {
    return std::clamp<std::int64_t>(std::llround(v / side * 1e6), 0, 1'000'000);
  }
  static std::string Number(std::int64_t millionths) {
    return fmt::format(" {}.{:06}", millionths / 1'000'000, millionths % 1'000'000);
  }

  std::string BoxNumbers(const Box& box) const {
    const std::int64_t w = Share(box[2] - box[0], size_.width);
    const std::int64_t h = Share(box[3] - box[1], size_.height);
    if (w == 0 || h == 0) return "";
    return Number(Share((box[0] + box[2]) / 2, size_.width)) +
           Number(Share((box[1] + box[3]) / 2, size_.height)) + Number(w) + Number(h);
  }

  std::string KeypointNumbers(const ExportObject& object) const {
    std::string text;
    for (std::size_t i = 0; i < keypoints_; ++i) {
      const bool known = i < object.keypoints.size() && object.keypoints[i].visibility > 0;
      if (!known) {
        text += " 0.000000 0.000000 0";
        continue;
      }
      const Keypoint& k = object.keypoints[i];
      text += Number(Share(k.at.x, size_.width)) + Number(Share(k.at.y, size_.height)) +
              fmt::format(" {}", k.visibility);
    }
    return text;
  }

  static std::vector<Point> Corners(const ExportObject& object) {
    const Instance& instance = *object.instance;
    if (instance.quad && instance.oriented) return {instance.quad->begin(), instance.quad->end()};
    const Quad quad =
        BoxQuad((*object.box)[0], (*object.box)[1], (*object.box)[2], (*object.box)[3]);
    return {quad.begin(), quad.end()};
  }

  std::string PointNumbers(const std::vector<Point>& points) const {
    std::string text;
    std::vector<Point> written;
    for (const Point& p : points) {
      const std::int64_t x = Share(p.x, size_.width);
      const std::int64_t y = Share(p.y, size_.height);
      written.emplace_back(static_cast<double>(x), static_cast<double>(y));
      text += Number(x) + Number(y);
    }
    return written.size() < 3 || SignedArea(written) == 0 ? "" : text;
  }

  const YoloTask task_;
  const Size size_;
  const std::size_t keypoints_;
};

class YoloSink final : public Sink {
 public:
  YoloSink(YoloSinkParams params, const Codec& codec)
      : params_(std::move(params)), codec_(codec), folder_(params_.path) {}

  std::string Refuses(const Meta& meta) const override {
    return RefusedPictures(meta, params_.pictures.format);
  }
  std::uint64_t Open(const RunInfo& run, const Expected& expected) override;
  Result<std::unique_ptr<Prepared>> Prepare(Sample sample) const override;
  void Write(std::unique_ptr<Prepared> prepared) override;
  void Close(bool complete) override;
  std::string Location() const override { return params_.path; }

 private:
  std::string Index() const;
  std::uint64_t Strangers() const;

  const YoloSinkParams params_;
  const Codec& codec_;
  OutputFolder folder_;
  bool name_sources_ = false;
  bool overwrite_ = false;
  std::function<void(std::string)> notice_;
  TakenNames taken_;
  ClassTable classes_;
  LeftOut left_out_;
};

std::uint64_t YoloSink::Open(const RunInfo& run, const Expected& expected) {
  name_sources_ = run.source_names.size() > 1;
  overwrite_ = run.overwrite;
  notice_ = run.notice;
  folder_.Open(run);
  folder_.Remove(kIndex);
  classes_.AddAll(expected);
  return run.first_unit;
}

Result<std::unique_ptr<Sink::Prepared>> YoloSink::Prepare(Sample sample) const {
  auto prepared = std::make_unique<PreparedYolo>();
  if (auto error = FillExport(sample, params_.pictures, codec_, name_sources_, NameStyle::kFlat,
                              *prepared)) {
    return *error;
  }
  if (!sample.masks.empty()) prepared->left_out["pictures without their semantic masks"] = 1;
  LineWriter writer(params_.task, prepared->size, sample.names.get());
  for (const ExportObject& object : ExportObjects(sample, prepared->size)) {
    const auto label = object.instance->label;
    if (!label || *label < 0) {
      ++prepared->left_out["objects left out: no class"];
      continue;
    }
    if (auto error = writer.Refused(object)) return *error;
    std::string numbers = object.box ? writer.Of(object) : "";
    if (numbers.empty()) {
      ++prepared->left_out["objects left out: no area in 6 digits"];
      continue;
    }
    prepared->text_bytes += numbers.size();
    prepared->lines.push_back({*label, std::move(numbers)});
  }
  if (writer.dropped > 0) {
    prepared->left_out[fmt::format("parts and holes left out: an object has more than {}",
                                   kMostRings)] = writer.dropped;
  }
  return std::unique_ptr<Prepared>(std::move(prepared));
}

void YoloSink::Write(std::unique_ptr<Prepared> parcel) {
  auto& prepared = static_cast<PreparedYolo&>(*parcel);
  MakeUnique(prepared, taken_);
  classes_.Add(prepared.names);
  left_out_.Add(prepared.left_out);
  std::string text;
  for (const auto& line : prepared.lines) {
    text += fmt::format("{}{}\n", classes_.IndexOf(prepared.names, line.label), line.numbers);
  }
  // Labels first: a picture without a file of labels would be one without objects.
  folder_.Write("labels/" + prepared.name + ".txt", text);
  folder_.Write("images/" + prepared.name + params_.pictures.Extension(), prepared.picture);
}

std::string YoloSink::Index() const {
  std::string text = "# paths are relative to this file\ntrain: images\nval: images\nnames:";
  const auto& names = classes_.Names();
  if (names.empty()) text += " {}";
  text += "\n";
  // A string of JSON is one of YAML.
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("  {}: {}\n", i, nlohmann::json(ShownText(names[i])).dump());
  }
  const LabelNames* first = classes_.First();
  if (params_.task != YoloTask::kPose || first == nullptr || first->keypoints.empty()) return text;
  const int k = static_cast<int>(first->keypoints.size());
  std::vector<int> flip;
  for (int i = 0; i < k; ++i) flip.push_back(i);
  for (const auto& [a, b] : first->keypoint_swaps) {
    if (a >= 0 && b >= 0 && a < k && b < k) {
      std::swap(flip[static_cast<std::size_t>(a)], flip[static_cast<std::size_t>(b)]);
    }
  }
  return text + fmt::format("kpt_shape: [{}, 3]\nflip_idx: {}\n", k, nlohmann::json(flip).dump());
}

// Pictures of an earlier run that this one did not replace.
std::uint64_t YoloSink::Strangers() const {
  std::uint64_t count = 0;
  ForEachName(folder_.Below("images"), [&](std::string_view name) {
    if (!taken_.Contains(name.substr(0, name.rfind('.')))) ++count;
    return true;
  });
  return count;
}

void YoloSink::Close(bool complete) {
  if (!folder_.IsOpen()) return;
  if (complete) {
    folder_.MakeParents("images/");
    folder_.MakeParents("labels/");
    folder_.Flush();
    folder_.Write(kIndex, Index());
    const std::uint64_t strangers = overwrite_ ? Strangers() : 0;
    if (strangers > 0) {
      left_out_.Count("pictures of an earlier run are still in images/ and belong to the set",
                      strangers);
    }
  }
  folder_.Close();
  left_out_.Report(params_.path, notice_);
}

}  // namespace

std::unique_ptr<Sink> MakeYoloSink(YoloSinkParams params, const Codec& codec) {
  return std::make_unique<YoloSink>(std::move(params), codec);
}

}  // namespace pixloom
