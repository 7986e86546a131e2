// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/import_rules.h"
#include "pipeline/schema.h"

namespace pixloom::importing {

namespace {

Value ToValue(const nlohmann::ordered_json& json) {
  using Kind = nlohmann::ordered_json::value_t;
  switch (json.type()) {
    case Kind::boolean:
      return Value::Bool(json.get<bool>());
    case Kind::number_integer:
      return Value::Int(json.get<std::int64_t>());
    case Kind::number_unsigned:
      return json.get<std::uint64_t>() > INT64_MAX ? Value::Float(json.get<double>())
                                                   : Value::Int(json.get<std::int64_t>());
    case Kind::number_float:
      return Value::Float(json.get<double>());
    case Kind::string:
      return Value::String(json.get<std::string>(), {});
    case Kind::array: {
      std::vector<Value> items;
      for (const auto& item : json) items.push_back(ToValue(item));
      return Value::List(std::move(items));
    }
    case Kind::object: {
      std::vector<Value::Entry> entries;
      for (const auto& [key, item] : json.items()) entries.push_back({key, {}, ToValue(item)});
      return Value::Map(std::move(entries));
    }
    default:
      return {};
  }
}

}  // namespace

// ---- Steps --------------------------------------------------------------------------------------

const Value* PeerStep::Find(std::string_view key) const {
  for (const Value::Entry& entry : args) {
    if (entry.key == key) return entry.value.kind == Value::Kind::kNull ? nullptr : &entry.value;
  }
  return nullptr;
}

const Value* ImportedStep::Find(std::string_view param) const {
  for (const Value::Entry& entry : args) {
    if (entry.key == param) return &entry.value;
  }
  return nullptr;
}

void ImportedStep::Set(std::string_view param, Value value) {
  for (Value::Entry& entry : args) {
    if (entry.key == param) {
      entry.value = std::move(value);
      return;
    }
  }
  args.push_back({std::string(param), {}, std::move(value)});
}

void Conversion::Close(std::string text) {
  if (item.likeness == Likeness::kExact) item.likeness = Likeness::kClose;
  const bool said = std::find(item.notes.begin(), item.notes.end(), text) != item.notes.end();
  if (!said) item.notes.push_back(std::move(text));
}

void Conversion::Missing(std::string text) {
  // The first reason is the one to read; differences no longer matter.
  if (item.likeness != Likeness::kMissing) item.notes.clear();
  item.likeness = Likeness::kMissing;
  item.notes.push_back(std::move(text));
}

void Conversion::NeedsSize(std::string_view param) {
  if (picture_known) return;
  Close(
      fmt::format("{} counts pixels, Pixloom parts of a side: pictures of {} x {} are assumed; "
                  "give theirs with --size",
                  param, picture.height, picture.width));
}

Rules Join(std::initializer_list<Rules> lists) {
  Rules all;
  for (const Rules& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

// ---- Values -------------------------------------------------------------------------------------

Value Number(double value) { return schema::To(value); }

Value Numbers(const std::vector<double>& values) {
  std::vector<Value> items;
  for (const double value : values) items.push_back(Number(value));
  return Value::List(std::move(items));
}

Value Text(std::string_view text) { return Value::String(std::string(text), {}); }

Value Choice(const std::vector<double>& values) {
  return Value::Map({{"choice", {}, Numbers(values)}});
}

Value FromJson(std::string_view json) { return ToValue(nlohmann::ordered_json::parse(json)); }

std::optional<std::pair<double, double>> AsPair(const Value& value) {
  if (value.IsNumber()) return std::pair{value.number, value.number};
  if (value.kind != Value::Kind::kList || value.items.size() != 2) return std::nullopt;
  if (!value.items[0].IsNumber() || !value.items[1].IsNumber()) return std::nullopt;
  return std::pair{value.items[0].number, value.items[1].number};
}

void Unexpected(const Value& value, std::string_view expected, Conversion& c) {
  c.Missing(fmt::format("expected {}, got {}", expected, value.Describe()));
}

Value Scaled(const Value& value, double factor, double offset) {
  if (value.IsNumber()) return Number(value.number * factor + offset);
  Value scaled = value;
  for (Value& item : scaled.items) item = Scaled(item, factor, offset);
  for (Value::Entry& entry : scaled.entries) entry.value = Scaled(entry.value, factor, offset);
  return scaled;
}

// ---- Conversions --------------------------------------------------------------------------------

void Same(const Value& value, std::string_view ours, Conversion& c) { c.step.Set(ours, value); }

void Symmetric(const Value& value, std::string_view ours, Conversion& c) {
  if (!value.IsNumber()) return Same(value, ours, c);
  const double n = std::abs(value.number);
  c.step.Set(ours, Numbers({-n, n}));
}

void FromZero(const Value& value, std::string_view ours, Conversion& c) {
  if (!value.IsNumber()) return Same(value, ours, c);
  c.step.Set(ours, Numbers({std::min(value.number, 0.0), std::max(value.number, 0.0)}));
}

void AroundOne(const Value& value, std::string_view ours, Conversion& c) {
  if (!value.IsNumber()) return c.step.Set(ours, Scaled(value, 1, 1));
  const double n = std::abs(value.number);
  c.step.Set(ours, Numbers({1 - n, 1 + n}));
}

void Percent(const Value& value, std::string_view ours, Conversion& c) {
  c.step.Set(ours, Scaled(value, 0.01));
}

void Levels(const Value& value, std::string_view ours, Conversion& c) {
  c.step.Set(ours, Scaled(value, 1 / 255.0));
}

void Roi(const Value& value, std::string_view, Conversion& c) {
  static constexpr std::string_view kSides[] = {"x_min", "y_min", "x_max", "y_max"};
  if (value.kind != Value::Kind::kList || value.items.size() != 4) {
    return Unexpected(value, "[x_min, y_min, x_max, y_max]", c);
  }
  for (std::size_t i = 0; i < 4; ++i) c.step.Set(kSides[i], value.items[i]);
}

void MaskFill(const Value& value, std::string_view ours, Conversion& c) {
  const bool list = value.kind == Value::Kind::kList && !value.items.empty();
  const Value& first = list ? value.items[0] : value;
  if (!first.IsNumber()) return Unexpected(value, "a class index", c);
  c.step.Set(ours, Number(std::round(first.number)));
  if (list && value.items.size() > 1) c.Close("masks have one channel: the first of the fill");
}

void OneOfList(const Value& value, std::string_view ours, Conversion& c) {
  if (value.kind != Value::Kind::kList) return Same(value, ours, c);
  c.step.Set(ours, Value::Map({{"choice", {}, value}}));
}

// ---- Words and numbers of OpenCV ----------------------------------------------------------------

void CvInterpolation(const Value& value, std::string_view ours, Conversion& c) {
  static constexpr std::string_view kNames[] = {"nearest", "linear", "cubic",  "area",
                                                "lanczos", "linear", "nearest"};
  if (value.kind != Value::Kind::kInt || value.integer < 0 || value.integer > 6) {
    return Unexpected(value, "one of OpenCV's interpolations, 0 to 6", c);
  }
  c.step.Set(ours, Text(kNames[value.integer]));
  if (value.integer == 4) c.Close("another window of Lanczos than OpenCV's");
}

// Of resizes, where OpenCV's nearest is the upper left one.
void CvResizing(const Value& value, std::string_view ours, Conversion& c) {
  CvInterpolation(value, ours, c);
  if (value.kind == Value::Kind::kInt && value.integer == 0) {
    c.Close("nearest goes by the centres of pixels, as OpenCV's nearest exact");
  }
}

// Angles that grow the other way.
void Clockwise(const Value& value, std::string_view ours, Conversion& c) {
  const auto pair = AsPair(value);
  if (!pair) return Unexpected(value, "two angles", c);
  if (pair->second - pair->first >= 360) return c.step.Set(ours, FromJson("[0, 360]"));
  c.step.Set(ours, Numbers({-pair->second, -pair->first}));
}

}  // namespace pixloom::importing
