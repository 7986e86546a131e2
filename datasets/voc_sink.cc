// SPDX-License-Identifier: Apache-2.0
#include "datasets/voc_sink.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "datasets/export_shapes.h"
#include "datasets/output_file.h"
#include "datasets/palette_png.h"

namespace pixloom {

namespace {

constexpr const char* kMainList = "ImageSets/Main/all.txt";
constexpr const char* kSegmentationList = "ImageSets/Segmentation/all.txt";
constexpr int kMostIndices = 254;  // 0 is background, 255 void

struct PreparedVoc final : PreparedExport {
  std::string objects;                           // XML
  std::vector<std::uint8_t> classes, instances;  // PNG; both or none
  std::size_t Bytes() const override {
    return PreparedExport::Bytes() + objects.size() + classes.size() + instances.size();
  }
};

// Character data of XML 1.0. Control characters have no form in it and become "?".
std::string Xml(std::string_view text) {
  std::string out;
  for (const char c : ShownText(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

std::string Element(int depth, std::string_view name, std::string_view text) {
  return fmt::format("{0:{1}}<{2}>{3}</{2}>\n", "", 2 * depth, name, Xml(text));
}

std::string Element(int depth, std::string_view name, int value) {
  return Element(depth, name, std::to_string(value));
}

std::string ObjectXml(const ExportObject& object, const LabelNames* names, Size size) {
  const Instance& instance = *object.instance;
  const Box& box = *object.box;
  constexpr double kTouch = 1e-3;
  const auto low = [](double v, int side) {
    return std::clamp(static_cast<int>(std::floor(v + kTouch)) + 1, 1, side);
  };
  const auto high = [](double v, int least, int side) {
    return std::clamp(static_cast<int>(std::ceil(v - kTouch)), least, side);
  };
  const int xmin = low(box[0], size.width), ymin = low(box[1], size.height);
  const auto pose = instance.attributes.find("pose");
  std::string xml = "  <object>\n";
  xml += Element(2, "name", ClassText(names, *instance.label));
  xml += Element(2, "pose", pose == instance.attributes.end() ? "Unspecified" : pose->second);
  xml += Element(2, "truncated", IsSet(instance, "truncated") ? 1 : 0);
  xml += Element(2, "difficult", IsSet(instance, "difficult") ? 1 : 0);
  xml += Element(2, "occluded", IsSet(instance, "occluded") ? 1 : 0);
  xml += "    <bndbox>\n" + Element(3, "xmin", xmin) + Element(3, "ymin", ymin) +
         Element(3, "xmax", high(box[2], xmin, size.width)) +
         Element(3, "ymax", high(box[3], ymin, size.height)) + "    </bndbox>\n";
  std::string others;
  for (const auto& [name, value] : instance.attributes) {
    if (name == "pose" || name == "truncated" || name == "difficult" || name == "occluded")
      continue;
    others += "      <attribute>\n" + Element(4, "name", name) + Element(4, "value", value) +
              "      </attribute>\n";
  }
  if (!others.empty()) xml += "    <attributes>\n" + others + "    </attributes>\n";
  return xml + "  </object>\n";
}

class VocSink final : public Sink {
 public:
  VocSink(VocSinkParams params, const Codec& codec)
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
  std::optional<DataError> DrawMasks(const Sample& sample, const std::vector<ExportObject>& objects,
                                     PreparedVoc& prepared) const;
  std::string LabelMap() const;

  const VocSinkParams params_;
  const Codec& codec_;
  OutputFolder folder_;
  bool name_sources_ = false;
  std::function<void(std::string)> notice_;
  TakenNames taken_;
  ClassTable known_;    // when the run began; masks are drawn by it
  ClassTable classes_;  // with what samples added
  LeftOut left_out_;
  std::unique_ptr<OutputFile> main_, segmentation_;
};

std::uint64_t VocSink::Open(const RunInfo& run, const Expected& expected) {
  name_sources_ = run.source_names.size() > 1;
  notice_ = run.notice;
  folder_.Open(run);
  folder_.Remove(kMainList);
  folder_.Remove(kSegmentationList);
  known_.AddAll(expected);
  classes_.AddAll(expected);
  main_ = std::make_unique<OutputFile>(folder_.Temporary("main"));
  segmentation_ = std::make_unique<OutputFile>(folder_.Temporary("segmentation"));
  return run.first_unit;
}

std::optional<DataError> VocSink::DrawMasks(const Sample& sample,
                                            const std::vector<ExportObject>& objects,
                                            PreparedVoc& prepared) const {
  const Size size = prepared.size;
  const auto semantic = sample.masks.find(params_.mask);
  const bool drawn = semantic == sample.masks.end();
  if (drawn && std::none_of(objects.begin(), objects.end(), HasShape)) return std::nullopt;
  cv::Mat classes = cv::Mat::zeros(size.height, size.width, CV_8UC1);
  cv::Mat instances = classes.clone();
  bool fits = objects.size() <= kMostIndices;
  for (std::size_t i = 0; fits && i < objects.size(); ++i) {
    if (!HasShape(objects[i])) continue;
    const int label = *objects[i].instance->label;
    const int index = known_.Find(sample.names.get(), label).value_or(label);
    fits = index < kMostIndices;
    const cv::Mat bits = BitsOf(objects[i], size);
    classes.setTo(index + 1, bits);
    instances.setTo(static_cast<double>(i + 1), bits);
  }
  if (!drawn && fits) {
    const SemanticMask& mask = semantic->second;
    const cv::Mat ignored = mask.pixels == mask.ignore_index;
    double largest = 0;
    cv::minMaxLoc(mask.pixels, nullptr, &largest, nullptr, nullptr, ~ignored);
    fits = largest <= kMostIndices;
    mask.pixels.convertTo(classes, CV_8U);
    classes.setTo(255, ignored);
  }
  if (!fits) {
    ++prepared.left_out["pictures without masks: more than 254 objects or classes"];
    return std::nullopt;
  }
  for (auto& [pixels, png] :
       {std::pair{&classes, &prepared.classes}, std::pair{&instances, &prepared.instances}}) {
    auto bytes = EncodePalettePng(*pixels, codec_);
    if (!bytes) return bytes.Error();
    *png = *std::move(bytes);
  }
  return std::nullopt;
}

Result<std::unique_ptr<Sink::Prepared>> VocSink::Prepare(Sample sample) const {
  auto prepared = std::make_unique<PreparedVoc>();
  if (auto error = FillExport(sample, params_.pictures, codec_, name_sources_, NameStyle::kFlat,
                              *prepared)) {
    return *error;
  }
  std::vector<ExportObject> objects;
  for (ExportObject& object : ExportObjects(sample, prepared->size)) {
    const auto label = object.instance->label;
    if (!label || *label < 0) {
      ++prepared->left_out["objects left out: no class"];
    } else if (!object.box) {
      ++prepared->left_out["objects left out: nothing to draw a box around"];
    } else {
      if (!object.keypoints.empty()) ++prepared->left_out["objects without their keypoints"];
      prepared->objects += ObjectXml(object, sample.names.get(), prepared->size);
      objects.push_back(std::move(object));
    }
  }
  if (auto error = DrawMasks(sample, objects, *prepared)) return *error;
  return std::unique_ptr<Prepared>(std::move(prepared));
}

void VocSink::Write(std::unique_ptr<Prepared> parcel) {
  auto& prepared = static_cast<PreparedVoc&>(*parcel);
  MakeUnique(prepared, taken_);
  classes_.Add(prepared.names);
  left_out_.Add(prepared.left_out);
  const std::string file = prepared.name + params_.pictures.Extension();
  const bool segmented = !prepared.classes.empty();
  folder_.Write("JPEGImages/" + file, prepared.picture);
  if (segmented) {
    folder_.Write("SegmentationClass/" + prepared.name + ".png", prepared.classes);
    folder_.Write("SegmentationObject/" + prepared.name + ".png", prepared.instances);
    segmentation_->Append(prepared.name + "\n");
  }
  std::string xml = "<annotation>\n";
  xml += Element(1, "folder", "JPEGImages") + Element(1, "filename", file);
  xml += "  <source>\n" + Element(2, "database", "Unknown") + "  </source>\n";
  xml += "  <size>\n" + Element(2, "width", prepared.size.width) +
         Element(2, "height", prepared.size.height) + Element(2, "depth", prepared.channels) +
         "  </size>\n";
  xml += Element(1, "segmented", segmented ? 1 : 0) + prepared.objects + "</annotation>\n";
  folder_.Write("Annotations/" + prepared.name + ".xml", xml);
  main_->Append(prepared.name + "\n");
}

// As annotation tools have it: the name and the colour.
std::string VocSink::LabelMap() const {
  const auto palette = VocPalette();
  std::string text = "# label:color_rgb:parts:actions\nbackground:0,0,0::\n";
  for (std::size_t i = 0; i < classes_.Names().size() && i < kMostIndices; ++i) {
    const std::uint8_t* colour = palette.data() + 3 * (i + 1);
    text += fmt::format("{}:{},{},{}::\n", PlainText(classes_.Names()[i]), colour[0], colour[1],
                        colour[2]);
  }
  return text;
}

void VocSink::Close(bool complete) {
  if (!folder_.IsOpen()) return;
  if (complete) {
    if (segmentation_->Size() > 0) folder_.Write("labelmap.txt", LabelMap());
    folder_.Flush();
    if (segmentation_->Size() > 0) {
      folder_.MakeParents(kSegmentationList);
      segmentation_->FinishAs(folder_.Below(kSegmentationList));
    }
    folder_.MakeParents(kMainList);
    main_->FinishAs(folder_.Below(kMainList));
  }
  main_.reset();
  segmentation_.reset();
  folder_.Close();
  left_out_.Report(params_.path, notice_);
}

}  // namespace

std::unique_ptr<Sink> MakeVocSink(VocSinkParams params, const Codec& codec) {
  return std::make_unique<VocSink>(std::move(params), codec);
}

}  // namespace pixloom
