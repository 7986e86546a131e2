// SPDX-License-Identifier: Apache-2.0
#include "datasets/coco_sink.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/export_shapes.h"
#include "datasets/output_file.h"
#include "pipeline/rle.h"

namespace pixloom {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kIndex = "annotations.json";

struct PreparedCoco final : PreparedExport {
  struct Annotation {
    int label = 0;
    std::string rest;  // its members but those that count: `"bbox":[...],...}`
  };
  std::vector<Annotation> annotations;
};

double Rounded(double v) { return std::round(v * 1000) / 1000; }

Json Polygons(const ExportObject& object) {
  Json parts = Json::array();
  for (const Polygon& polygon : object.polygons) {
    Json part = Json::array();
    for (const Point& p : polygon.rings[0]) {
      part.push_back(Rounded(p.x));
      part.push_back(Rounded(p.y));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

Json Keypoints(const ExportObject& object, int& labelled) {
  Json list = Json::array();
  for (const Keypoint& k : object.keypoints) {
    const bool known = k.visibility > 0;
    labelled += known ? 1 : 0;
    list.push_back(known ? Rounded(k.at.x) : 0.0);
    list.push_back(known ? Rounded(k.at.y) : 0.0);
    list.push_back(k.visibility);
  }
  return list;
}

std::string Members(const ExportObject& object, Size size) {
  const Instance& instance = *object.instance;
  const Box& box = *object.box;
  const bool crowd = IsSet(instance, "iscrowd");
  Json json;
  json["bbox"] = {Rounded(box[0]), Rounded(box[1]), Rounded(box[2] - box[0]),
                  Rounded(box[3] - box[1])};
  double area = (box[2] - box[0]) * (box[3] - box[1]);
  const bool outlines = !object.polygons.empty() && !HasHoles(object.polygons) && !crowd;
  if (outlines) {
    area = 0;
    for (const Polygon& polygon : object.polygons) area += polygon.Area();
    json["segmentation"] = Polygons(object);
  } else if (HasShape(object)) {
    const Rle rle = instance.rle ? *instance.rle : EncodeRle(BitsOf(object, size));
    area = static_cast<double>(rle.Area());
    json["segmentation"] = {{"size", {rle.size.height, rle.size.width}}, {"counts", RleText(rle)}};
  } else {
    json["segmentation"] = Json::array();
  }
  json["area"] = Rounded(area);
  json["iscrowd"] = crowd ? 1 : 0;
  if (!object.keypoints.empty()) {
    int labelled = 0;
    json["keypoints"] = Keypoints(object, labelled);
    json["num_keypoints"] = labelled;
  }
  for (const auto& [name, value] : instance.attributes) {
    if (name != "iscrowd") json["attributes"][ShownText(name)] = ShownText(value);
  }
  return json.dump().substr(1);
}

class CocoSink final : public Sink {
 public:
  CocoSink(CocoSinkParams params, const Codec& codec)
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
  std::string Categories() const;

  const CocoSinkParams params_;
  const Codec& codec_;
  OutputFolder folder_;
  bool name_sources_ = false;
  std::function<void(std::string)> notice_;
  TakenNames taken_;
  ClassTable classes_;
  LeftOut left_out_;
  // The index as it grows, up to the last image, and the annotations that follow then.
  std::unique_ptr<OutputFile> index_, annotations_;
  std::uint64_t images_ = 0, objects_ = 0;
};

std::uint64_t CocoSink::Open(const RunInfo& run, const Expected& expected) {
  name_sources_ = run.source_names.size() > 1;
  notice_ = run.notice;
  folder_.Open(run);
  folder_.Remove(kIndex);
  classes_.AddAll(expected);
  index_ = std::make_unique<OutputFile>(folder_.Temporary(kIndex));
  annotations_ = std::make_unique<OutputFile>(folder_.Temporary("annotations"));
  index_->Append(
      std::string_view("{\"info\":{\"description\":\"written by pixloom\"},"
                       "\"licenses\":[],\n\"images\":["));
  return run.first_unit;
}

Result<std::unique_ptr<Sink::Prepared>> CocoSink::Prepare(Sample sample) const {
  auto prepared = std::make_unique<PreparedCoco>();
  if (auto error = FillExport(sample, params_.pictures, codec_, name_sources_, NameStyle::kFolders,
                              *prepared)) {
    return *error;
  }
  if (!sample.masks.empty()) prepared->left_out["pictures without their semantic masks"] = 1;
  for (const ExportObject& object : ExportObjects(sample, prepared->size)) {
    const auto label = object.instance->label;
    if (!label || *label < 0) {
      ++prepared->left_out["objects left out: no class"];
    } else if (!object.box) {
      ++prepared->left_out["objects left out: nothing to draw a box around"];
    } else {
      prepared->annotations.push_back({*label, Members(object, prepared->size)});
      prepared->text_bytes += prepared->annotations.back().rest.size();
    }
  }
  return std::unique_ptr<Prepared>(std::move(prepared));
}

void CocoSink::Write(std::unique_ptr<Prepared> parcel) {
  auto& prepared = static_cast<PreparedCoco&>(*parcel);
  MakeUnique(prepared, taken_);
  const std::string file = prepared.name + params_.pictures.Extension();
  folder_.Write("images/" + file, prepared.picture);
  ++images_;
  classes_.Add(prepared.names);
  left_out_.Add(prepared.left_out);
  const Json image{{"id", images_},
                   {"file_name", file},
                   {"width", prepared.size.width},
                   {"height", prepared.size.height}};
  index_->Append((images_ > 1 ? ",\n" : "\n") + image.dump());
  for (const auto& annotation : prepared.annotations) {
    ++objects_;
    annotations_->Append(fmt::format("{}{{\"id\":{},\"image_id\":{},\"category_id\":{},{}",
                                     objects_ > 1 ? ",\n" : "\n", objects_, images_,
                                     classes_.IndexOf(prepared.names, annotation.label) + 1,
                                     annotation.rest));
  }
}

std::string CocoSink::Categories() const {
  Json list = Json::array();
  for (std::size_t i = 0; i < classes_.Names().size(); ++i) {
    Json category{{"id", i + 1}, {"name", ShownText(classes_.Names()[i])}, {"supercategory", ""}};
    if (classes_.First() != nullptr && !classes_.First()->keypoints.empty()) {
      for (const std::string& name : classes_.First()->keypoints) {
        category["keypoints"].push_back(ShownText(name));
      }
      category["skeleton"] = Json::array();
    }
    list.push_back(std::move(category));
  }
  return list.dump();
}

void CocoSink::Close(bool complete) {
  if (!folder_.IsOpen()) return;
  if (complete) {
    folder_.Flush();
    index_->Append(std::string_view("],\n\"annotations\":["));
    index_->AppendAll(*annotations_);
    index_->Append("],\n\"categories\":" + Categories() + "}\n");
    index_->FinishAs(folder_.Below(kIndex));
  }
  index_.reset();
  annotations_.reset();
  folder_.Close();
  left_out_.Report(params_.path, notice_);
}

}  // namespace

std::unique_ptr<Sink> MakeCocoSink(CocoSinkParams params, const Codec& codec) {
  return std::make_unique<CocoSink>(std::move(params), codec);
}

}  // namespace pixloom
