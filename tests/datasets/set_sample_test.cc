// SPDX-License-Identifier: Apache-2.0
// Samples as rows of a stored set and back. What comes back is compared by what the sidecar of
// image_folder says about it, and by bits.
#include "datasets/set_sample.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/set_pixels.h"
#include "datasets/sidecar.h"
#include "datasets/text.h"
#include "tests/support/inputs.h"
#include "tests/support/run_chain.h"

namespace pixloom {
namespace {

using nlohmann::json;
using testing::ChainUnderTest;
using testing::MakeInput;
using testing::PixelsOf;
using testing::SamePixels;

SetLayoutSpec SpecOf(const Sample& sample) {
  SetLayoutSpec spec;
  const Frame& frame = sample.images[0].second.frames[0];
  spec.size = frame.size();
  spec.depth = frame.depth();
  spec.channels = frame.channels();
  spec.planar = frame.Planar();
  spec.names = sample.names;
  spec.keypoints = sample.names ? static_cast<int>(sample.names->keypoints.size()) : 0;
  spec.fields.clear();
  for (const auto& [name, field] : sample.images) spec.fields.push_back(name);
  return spec;
}

Row MustRow(const Sample& sample, const SetLayoutSpec& spec) {
  auto row = RowOf(sample.Clone(), spec, BuiltInCodec());
  if (!row) FAIL(row.Error().code << ": " << row.Error().message);
  return *std::move(row);
}

Sample MustSample(const Row& row, const SetLayoutSpec& spec) {
  auto sample = SampleOf(row, spec, spec.names, BuiltInCodec());
  if (!sample) FAIL(sample.Error().code << ": " << sample.Error().message);
  return *std::move(sample);
}

std::string ErrorCode(Sample sample, const SetLayoutSpec& spec) {
  const auto row = RowOf(std::move(sample), spec, BuiltInCodec());
  return row ? "" : row.Error().code;
}

// "" or where the two differ by more than f32 rounds.
std::string Difference(const json& a, const json& b, const std::string& where = "") {
  if (a.is_number() && b.is_number()) {
    const double x = a.get<double>(), y = b.get<double>();
    if (std::abs(x - y) <= 1e-6 * (1 + std::abs(x))) return "";
    return fmt::format("{}: {} and {}", where, x, y);
  }
  if (a.type() != b.type() || a.size() != b.size()) {
    return fmt::format("{}: {} and {}", where, a.dump(), b.dump());
  }
  if (!a.is_structured()) return a == b ? "" : fmt::format("{}: {}, {}", where, a.dump(), b.dump());
  for (const auto& [key, value] : a.items()) {
    if (a.is_object() && !b.contains(key)) return fmt::format("{}.{}: missing", where, key);
    const json& other = a.is_object() ? b[key] : b[std::stoul(key)];
    if (auto text = Difference(value, other, where + "." + key); !text.empty()) return text;
  }
  return "";
}

json Said(const Sample& sample) {
  const Size size = sample.images[0].second.frames[0].size();
  SidecarFiles files;
  for (const auto& [name, mask] : sample.masks) files.masks.emplace_back(name, name);
  json said = json::parse(SidecarJson(sample, VisibleInstances(sample, size), files, false));
  // A row does not tell no objects from none that is visible.
  if (said.contains("instances") && said["instances"].empty()) said.erase("instances");
  return said;
}

void CheckSame(const Sample& before, Sample after, bool pixels = true) {
  after.identity = before.identity;
  after.source = before.source;
  CHECK(Difference(Said(before), Said(after)) == "");
  REQUIRE(before.images.size() == after.images.size());
  for (std::size_t i = 0; i < before.images.size() && pixels; ++i) {
    CHECK(before.images[i].first == after.images[i].first);
    CHECK(before.images[i].second.range == after.images[i].second.range);
    CHECK(SamePixels(before.images[i].second.frames[0].pixels,
                     after.images[i].second.frames[0].pixels));
  }
  for (const auto& [name, mask] : before.masks) {
    REQUIRE(after.masks.contains(name));
    CHECK(SamePixels(mask.pixels, after.masks[name].pixels));
  }
  const Size size = before.images[0].second.frames[0].size();
  const auto visible = VisibleInstances(before, size);
  REQUIRE(visible.size() == after.instances.size());
  for (std::size_t i = 0; i < visible.size(); ++i) {
    REQUIRE(visible[i]->HasMask() == after.instances[i].HasMask());
    if (visible[i]->HasMask()) CHECK(SamePixels(visible[i]->Bits(), after.instances[i].Bits()));
  }
}

// Decodes what came back encoded.
Sample Decoded(Sample sample) {
  CHECK_FALSE(sample.images[0].second.frames[0].Decoded());
  CHECK_FALSE(DecodeAll(sample, BuiltInCodec()));
  return sample;
}

void CheckBothLayouts(const Sample& sample) {
  SetLayoutSpec spec = SpecOf(sample);
  CheckSame(sample, MustSample(MustRow(sample, spec), spec));
  if (spec.depth == Depth::kF32) return;
  spec.encoded = true;
  spec.channels = 0;
  CheckSame(sample, Decoded(MustSample(MustRow(sample, spec), spec)));
}

// Everything a picture can say about itself as a whole, with names that a path cannot hold.
Sample Talkative(Sample sample) {
  sample.key = "cats/ma\xffu\n.jpg";
  sample.labels.soft = {0.25F, 0.75F};
  sample.labels.multi_hot = {1, 0, 1};
  sample.scalars["score"] = 0.1;
  sample.scalars["per/cent"] = -1e300;
  sample.text["caption"] = "two \"cats\" \xC3\xA9";
  sample.text[".."] = "dots";
  sample.text["a\\x2Fb"] = "backslash";
  const Size size = sample.images[0].second.frames[0].size();
  cv::Mat depth(size.height, size.width, CV_16UC1);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      depth.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(300 * y + x);
    }
  }
  sample.masks["depth"] = {depth, 65535};
  return sample;
}

TEST_CASE("whatever a path gives a meaning comes back from a part of it") {
  for (const std::string text : {"", ".", "..", "...", "a/b", "/", "\\x2F", "a\\", "\n", "\xff",
                                 "x", "caf\xC3\xA9", "\\x"}) {
    const std::string part = PathPart(text);
    CHECK(part.find('/') == std::string::npos);
    CHECK_FALSE(part.empty());
    CHECK(part != ".");
    CHECK(part != "..");
    CHECK(FromPathPart(part) == text);
  }
}

TEST_CASE("scenes come back as they are shown, whatever happened to them") {
  int cut = 0, turned = 0, keypoints = 0;
  for (const std::string input : {"scene", "scene_turned", "scene_large", "pair"}) {
    for (const std::string chain :
         {"[hflip]", "[rotate: [-180, 180], random_crop: 48]",
          "[rotate: [-40, 40], translate: {x: [-0.6, 0.6], y: [-0.6, 0.6]}]",
          "[perspective: {}, random_crop: [40, 56]]"}) {
      const ChainUnderTest look(chain);
      for (int index = 0; index < 3; ++index) {
        const Sample sample =
            look.Run(Talkative(MakeInput(input, index)), static_cast<std::uint32_t>(index));
        CAPTURE(input);
        CAPTURE(chain);
        CAPTURE(index);
        CheckBothLayouts(sample);
        const Size size = sample.images[0].second.frames[0].size();
        for (const Instance& instance : sample.instances) {
          for (const Polygon& polygon : VisiblePolygons(instance, size)) {
            cut += polygon.Area() < instance.original_area * 0.99;
          }
          turned += instance.oriented;
          for (const Keypoint& k : instance.keypoints) keypoints += VisibilityIn(k, size) == 0;
        }
      }
    }
  }
  // The cases that matter did occur.
  CHECK(cut > 50);
  CHECK(turned > 20);
  CHECK(keypoints > 50);
}

TEST_CASE("objects of one picture may have different parts") {
  Sample sample = MakeInput("u8x3@40x30", 1);
  const auto ring = [](double x, double y, double side) {
    return std::vector<Point>{{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}};
  };
  Instance nothing;
  nothing.id = 4;
  nothing.label = 2;
  Instance outlined;
  outlined.polygons = {{{ring(1, 1, 8), ring(3, 3, 2)}}, {{ring(20, 5, 9)}}, {{ring(5, 20, 6)}}};
  Instance covered;
  covered.mask = cv::Mat::zeros(30, 40, CV_8UC1);
  covered.mask(cv::Rect(3, 4, 5, 6)) = 255;
  covered.original_area = 30;
  Instance runs;
  runs.rle = EncodeRle(covered.mask);
  runs.keypoints = {{{7, 8}, 1, 0, 1}};
  Instance boxed;
  boxed.quad = BoxQuad(-3, 4, 12, 100);
  boxed.attributes = {{"pose", "lying"}, {"\xC3\xA9", "\"\\"}};
  sample.instances.push_back(std::move(nothing));
  sample.instances.push_back(std::move(outlined));
  sample.instances.push_back(std::move(covered));
  sample.instances.push_back(std::move(boxed));
  sample.instances.push_back(std::move(runs));
  sample.names = std::make_shared<LabelNames>();
  CheckBothLayouts(sample);
  SetLayoutSpec spec = SpecOf(sample);
  const Sample back = MustSample(MustRow(sample, spec), spec);
  REQUIRE(back.instances[1].polygons.size() == 3);
  CHECK(back.instances[1].polygons[0].rings.size() == 2);
  CHECK(back.instances[3].attributes == sample.instances[3].attributes);
}

TEST_CASE("pictures of every type come back bit by bit") {
  for (const std::string input :
       {"u8x1@7x5", "u8x3@7x5", "u8x4@7x5", "u16x1@7x5", "u16x3@9x4", "f32x1@7x5", "f32x3@7x5"}) {
    CAPTURE(input);
    const Sample sample = MakeInput(input, 1);
    CheckBothLayouts(sample);
    SetLayoutSpec spec = SpecOf(sample);
    spec.planar = true;
    spec.order = ChannelOrder::kBgr;
    const Row row = MustRow(sample, spec);
    CHECK(row.Find("images")->column == FirstColumn(spec));
    CheckSame(sample, MustSample(row, spec));
  }
}

TEST_CASE("planes and colour order lie as the layout says") {
  const Sample sample = MakeInput("u8x3@7x5", 2);
  const cv::Mat& pixels = PixelsOf(sample);
  SetLayoutSpec spec = SpecOf(sample);
  const auto at = [&](std::size_t i) { return MustRow(sample, spec).Find("images")->Bytes()[i]; };
  const auto rgb = [&](int y, int x, int c) { return pixels.at<cv::Vec3b>(y, x)[c]; };
  CHECK(at((2 * 7 + 4) * 3 + 0) == rgb(2, 4, 0));
  spec.order = ChannelOrder::kBgr;
  CHECK(at((2 * 7 + 4) * 3 + 0) == rgb(2, 4, 2));
  spec.planar = true;
  CHECK(at(0 * 35 + 2 * 7 + 4) == rgb(2, 4, 2));
  CHECK(at(2 * 35 + 2 * 7 + 4) == rgb(2, 4, 0));
  spec.order = ChannelOrder::kRgb;
  CHECK(at(2 * 35 + 2 * 7 + 4) == rgb(2, 4, 2));
}

TEST_CASE("planar pictures stay planar, or are put together") {
  const ChainUnderTest look("[crop_mirror_normalize: {size: 24, layout: chw}]");
  const Sample sample = look.Run(MakeInput("u8x3@40x30", 1));
  const cv::Mat& planes = PixelsOf(sample);
  REQUIRE(planes.dims == 3);
  SetLayoutSpec spec = SpecOf(sample);
  const Row row = MustRow(sample, spec);
  CHECK(row.Find("images")->column.shape == std::vector<std::uint64_t>{3, 24, 24});
  CHECK(row.Find("images")->pixels.data == planes.data);  // nothing was copied
  const Sample back = MustSample(row, spec);
  REQUIRE(PixelsOf(back).type() == CV_32FC3);
  CHECK(PixelsOf(back).at<cv::Vec3f>(5, 7)[2] == planes.at<float>(2, 5, 7));
  CHECK(back.images[0].second.range == sample.images[0].second.range);
  spec.planar = false;
  CHECK(SamePixels(PixelsOf(MustSample(MustRow(sample, spec), spec)), PixelsOf(back)));
}

TEST_CASE("pictures that cannot be stored as the others say why") {
  const Sample gray = MakeInput("u8x1@8x6", 1);
  SetLayoutSpec spec = SpecOf(gray);
  spec.channels = 3;
  const Sample widened = MustSample(MustRow(gray, spec), spec);
  REQUIRE(PixelsOf(widened).channels() == 3);
  for (int c = 0; c < 3; ++c) {
    CHECK(PixelsOf(widened).at<cv::Vec3b>(3, 4)[c] == PixelsOf(gray).at<std::uint8_t>(3, 4));
  }
  CHECK(ErrorCode(MakeInput("u8x4@8x6", 1), spec) == "ENC-TYPE");
  CHECK(ErrorCode(MakeInput("u16x3@8x6", 1), spec) == "ENC-TYPE");
  CHECK(ErrorCode(MakeInput("u8x3@6x8", 1), spec) == "ENC-SIZE");
  CHECK(ErrorCode(MakeInput("frames", 1), SpecOf(MakeInput("frames", 1))) == "ENC-FRAMES");
  spec.fields = {"image", "target"};
  CHECK(ErrorCode(MakeInput("u8x3@8x6", 1), spec) == "ENC-TYPE");
}

TEST_CASE("classes and keypoints must be those of the set") {
  Sample sample = MakeInput("scene", 0);
  SetLayoutSpec spec = SpecOf(sample);
  auto other = std::make_shared<LabelNames>(*sample.names);
  spec.names = other;
  CHECK(ErrorCode(sample.Clone(), spec) == "");  // equal, if not the same
  other->classes[2] = "blob";
  const auto row = RowOf(sample.Clone(), spec, BuiltInCodec());
  REQUIRE_FALSE(row);
  CHECK(row.Error().code == "LBL-CLASS");
  CHECK(row.Error().message ==
        "class 2 is '" + sample.names->classes[2] + "' here and 'blob' in the data set");
  other->classes.resize(2);
  CHECK(ErrorCode(sample.Clone(), spec) == "LBL-CLASS");
  spec.names = nullptr;
  CHECK(ErrorCode(sample.Clone(), spec) == "LBL-CLASS");

  spec = SpecOf(sample);
  spec.keypoints = 3;
  CHECK(ErrorCode(sample.Clone(), spec) == "LBL-POINTS");
  // More than there are: the rest is missing. None are named: as many as there are.
  for (const int named : {7, 0}) {
    spec.keypoints = named;
    const Row kept = MustRow(sample, spec);
    CHECK((kept.Find("instances/keypoints") != nullptr) == (named == 7));
    CHECK((kept.Find("instances/points/xyv") != nullptr) == (named == 0));
    CheckSame(sample, MustSample(kept, spec));
  }
}

TEST_CASE("profiles store the label as their readers expect it") {
  Sample sample = MakeInput("scene", 0);
  sample.labels.label = 5;
  SetLayoutSpec spec = SpecOf(sample);
  spec.labels = "y";
  const auto column = [&] { return MustRow(sample, spec).Find("y")->column; };
  spec.profile = SetProfile::kKeras;
  CHECK(column() == Column{"y", "", Element::kI64, {}});
  CHECK(MustSample(MustRow(sample, spec), spec).labels.label == 5);
  spec.profile = SetProfile::kPcam;
  CHECK(column() == Column{"y", "", Element::kU8, {1, 1, 1}});
  CHECK(MustSample(MustRow(sample, spec), spec).labels.label == 5);
  spec.profile = SetProfile::kCaffe;
  CHECK(column() == Column{"y", "", Element::kF32, {}});
  CHECK(MustSample(MustRow(sample, spec), spec).labels.label == 5);

  sample.labels.label.reset();
  CHECK(ErrorCode(sample.Clone(), spec) == "LBL-VALUE");
  spec.profile = SetProfile::kPixloom;
  CHECK(MustRow(sample, spec).Find("y") == nullptr);
  CHECK_FALSE(MustSample(MustRow(sample, spec), spec).labels.label);
  sample.labels.label = 300;
  spec.profile = SetProfile::kPcam;
  CHECK(ErrorCode(sample.Clone(), spec) == "LBL-VALUE");
}

TEST_CASE("a set says how it is to be read") {
  SetLayoutSpec spec = SpecOf(MakeInput("pair", 0));
  spec.profile = SetProfile::kCaffe;
  spec.images = "data";
  spec.labels = "label";
  spec.planar = true;
  spec.order = ChannelOrder::kBgr;
  auto names = std::make_shared<LabelNames>(*spec.names);
  names->class_swaps = {{0, 1}, {2, 3}};
  spec.names = names;
  for (const bool encoded : {false, true}) {
    spec.encoded = encoded;
    spec.format = encoded ? ImageFormat::kJpeg : ImageFormat::kPng;
    const SetLayoutSpec read = LayoutIn(AttributesOf(spec)[0].second);
    CHECK(read.profile == spec.profile);
    CHECK(read.encoded == encoded);
    CHECK(read.labels == "label");
    CHECK(read.fields == spec.fields);
    CHECK(read.keypoints == 4);
    REQUIRE(read.names);
    CHECK(read.names->classes == names->classes);
    CHECK(read.names->keypoints == names->keypoints);
    CHECK(read.names->class_swaps == names->class_swaps);
    CHECK(read.names->keypoint_swaps == names->keypoint_swaps);
    if (encoded) {
      CHECK(read.format == ImageFormat::kJpeg);
    } else {
      CHECK(read.images == "data");
      CHECK(read.planar);
      CHECK(read.order == ChannelOrder::kBgr);
    }
  }
  // More than fit into an attribute.
  const SetLayoutSpec many =
      LayoutIn({{"class_names", "[\"[a\",\"b\"]"}, {"class_swaps", "[1,0,7,1]"}});
  REQUIRE(many.names);
  CHECK(many.names->classes == std::vector<std::string>{"[a", "b"});
  CHECK(many.names->class_swaps == std::vector<std::pair<int, int>>{{1, 0}});
  // A stranger's file.
  const SetLayoutSpec read = LayoutIn({{"images", std::int64_t{3}}, {"class_swaps", "x"}});
  CHECK(read.images == "images");
  CHECK(read.fields == std::vector<std::string>{"image"});
  CHECK(read.names == nullptr);
}

// Everything in a row that a damaged or malicious file could change, one at a time.
TEST_CASE("rows that do not add up are refused, never believed") {
  for (const bool encoded : {false, true}) {
    const Sample sample = Talkative(MakeInput("pair", 1));
    SetLayoutSpec spec = SpecOf(sample);
    spec.encoded = encoded;
    const auto code = [&](const Row& row) {
      const auto read = SampleOf(row, spec, spec.names, BuiltInCodec());
      return read ? std::string() : read.Error().code;
    };
    const std::size_t cells = MustRow(sample, spec).cells.size();
    REQUIRE(cells > 15);
    for (std::size_t i = 0; i < cells; ++i) {
      Row row = MustRow(sample, spec);
      Cell& cell = row.cells[i];
      const std::string path = cell.column.path;
      CAPTURE(path);
      // Not read back: who it was, and how large the pixels are that are in the bytes.
      const bool told = path.starts_with("meta/") || path.ends_with("/shape");
      const bool ignored = told && path != "meta/key/bytes";
      const auto bytes = cell.Bytes();
      cell.bytes.assign(bytes.begin(), bytes.end());
      cell.pixels.release();
      CHECK(code(row) == "");
      cell.bytes.pop_back();
      CHECK((code(row) != "") == !ignored);
      cell.bytes.insert(cell.bytes.end(), 9, 0);
      CHECK((code(row) != "") == !ignored);
      cell.bytes.pop_back();  // as many as before
      cell.bytes.resize(bytes.size());
      cell.column.shape.insert(cell.column.shape.begin(), std::uint64_t{1} << 62);
      CHECK((code(row) != "") == !ignored);
      cell.column.shape.erase(cell.column.shape.begin());
      cell.column.per = "elsewhere";
      code(row);
      row.cells.erase(row.cells.begin() + static_cast<std::ptrdiff_t>(i));
      code(row);
    }
    const std::size_t groups = MustRow(sample, spec).groups.size();
    for (std::size_t i = 0; i < groups; ++i) {
      for (const std::uint64_t count :
           {std::uint64_t{0}, std::uint64_t{1} << 30, ~std::uint64_t{0}}) {
        Row row = MustRow(sample, spec);
        GroupCounts& group = row.groups[i];
        const bool told = group.group.path == "meta/source" || group.group.path == "meta/branch";
        CAPTURE(group.group.path);
        group.counts[0] = count;
        CHECK((code(row) != "") == !told);
        group.counts.assign(7, ~std::uint64_t{0} / 3);
        code(row);
        group.counts.clear();
        CHECK((code(row) != "") == !told);
      }
    }
    Row row = MustRow(sample, spec);
    for (Cell& cell : row.cells) {
      if (cell.column.path != "instances/mask_size") continue;
      cell.bytes[3] = 0x40;  // a mask of a thousand million rows
      CHECK(code(row) == "DEC-DAMAGED");
    }
  }
}

}  // namespace
}  // namespace pixloom
