// SPDX-License-Identifier: Apache-2.0
#include "datasets/sidecar.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/text.h"

namespace pixloom {

namespace {

using Json = nlohmann::ordered_json;

std::string Text(std::string_view text) {
  return IsUtf8(text) ? std::string(text) : EscapeName(text);
}

Json Class(int label, const Sample& sample) {
  Json json{{"index", label}};
  const auto index = static_cast<std::size_t>(label);
  if (sample.names && label >= 0 && index < sample.names->classes.size()) {
    json["name"] = Text(sample.names->classes[index]);
  }
  return json;
}

Json Ring(const std::vector<Point>& ring) {
  Json json = Json::array();
  for (const Point& p : ring) json.push_back({p.x, p.y});
  return json;
}

Json Object(const Instance& instance, const Sample& sample, Size size) {
  Json json{{"id", instance.id}};
  if (instance.label) json["class"] = Class(*instance.label, sample);
  const std::vector<Polygon> visible = VisiblePolygons(instance, size);
  if (const auto box = VisibleBox(instance, visible, size)) json["box"] = *box;
  if (instance.quad && instance.oriented) {
    json["quad"] = Ring({instance.quad->begin(), instance.quad->end()});
  }
  if (!visible.empty()) {
    Json polygons = Json::array();
    for (const Polygon& polygon : visible) {
      Json rings = Json::array();
      for (const auto& ring : polygon.rings) rings.push_back(Ring(ring));
      polygons.push_back(std::move(rings));
    }
    json["polygons"] = std::move(polygons);
  }
  if (!instance.keypoints.empty()) {
    Json points = Json::array();
    for (const Keypoint& k : instance.keypoints) {
      points.push_back({k.at.x, k.at.y, VisibilityIn(k, size)});
    }
    json["keypoints"] = std::move(points);
  }
  if (!instance.attributes.empty()) {
    Json attributes = Json::object();
    for (const auto& [name, value] : instance.attributes) attributes[Text(name)] = Text(value);
    json["attributes"] = std::move(attributes);
  }
  if (instance.original_area > 0) json["original_area"] = instance.original_area;
  return json;
}

Json RecipeJson(const Recipe& recipe) {
  const std::string text = recipe.ToJson();
  Json json = Json::parse(text, nullptr, false);
  // A draw that is not finite has no JSON form; the text still says what happened.
  return json.is_discarded() ? Json(Text(text)) : json;
}

void AddLabels(Json& json, const Sample& sample) {
  const SampleLabels& labels = sample.labels;
  if (labels.label) json["class"] = Class(*labels.label, sample);
  if (!labels.multi_hot.empty()) json["multi_hot"] = labels.multi_hot;
  if (!labels.soft.empty()) json["soft"] = labels.soft;
  for (const auto& [name, value] : sample.scalars) json["scalars"][Text(name)] = value;
  for (const auto& [name, value] : sample.text) json["text"][Text(name)] = Text(value);
}

}  // namespace

std::string SidecarJson(const Sample& sample, const std::vector<const Instance*>& visible,
                        const SidecarFiles& files, bool with_recipe) {
  const ImageField* image = sample.Image();
  PIXLOOM_CHECK(image != nullptr && !image->frames.empty(), "sample without an image");
  const Frame& frame = image->frames[0];
  const Size size = frame.size();

  Json json;
  json["key"] = Text(sample.key);
  if (!IsUtf8(sample.key)) json["key_base64"] = Base64(sample.key);
  // As text: readers that keep numbers as doubles would round it.
  json["id"] = fmt::format("{:016x}", sample.identity.id);
  json["branch"] = BranchText(sample.identity.branch);
  json["source"] = Text(sample.source);
  json["image"] = {{"file", Text(files.image)},
                   {"width", size.width},
                   {"height", size.height},
                   {"channels", frame.channels()},
                   {"depth", DepthName(frame.depth())}};
  if (image->frames.size() > 1) json["image"]["frames"] = image->frames.size();
  for (const auto& [name, frames] : files.fields) {
    Json& field = json["fields"][Text(name)] = Json::array();
    for (const std::string& file : frames) field.push_back(Text(file));
  }
  AddLabels(json, sample);
  if (!sample.instances.empty()) {
    Json objects = Json::array();
    for (const Instance* instance : visible) objects.push_back(Object(*instance, sample, size));
    json["instances"] = std::move(objects);
  }
  if (!files.instances.empty()) json["instance_masks"] = Text(files.instances);
  for (const auto& [name, file] : files.masks) {
    json["masks"][Text(name)] = {{"file", Text(file)},
                                 {"ignore_index", sample.masks.at(name).ignore_index}};
  }
  if (with_recipe) json["recipe"] = RecipeJson(sample.recipe);
  return json.dump(1) + "\n";
}

std::string RenameInSidecar(const std::string& json, const std::string& base,
                            const std::string& renamed) {
  Json document = Json::parse(json);
  const auto rename = [&](Json& file) {
    file = Text(renamed) + file.get<std::string>().substr(Text(base).size());
  };
  rename(document["image"]["file"]);
  if (document.contains("fields")) {
    for (auto& frames : document["fields"]) {
      for (auto& file : frames) rename(file);
    }
  }
  if (document.contains("masks")) {
    for (auto& mask : document["masks"]) rename(mask["file"]);
  }
  if (document.contains("instance_masks")) rename(document["instance_masks"]);
  return document.dump(1) + "\n";
}

}  // namespace pixloom
