// SPDX-License-Identifier: Apache-2.0
// The shapes source is the ground truth of other tests, so its labels are checked against rules
// written down here a second time, not against its own helpers.
#include "datasets/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "datasets/shapes_raster.h"
#include "datasets/shapes_scene.h"

namespace pixloom {
namespace {

// Keeps pixels as they are behind an eight-byte header, whatever the format asked for.
class RawCodec final : public Codec {
 public:
  Result<ImageHeader> ReadHeader(std::span<const std::uint8_t> bytes) const override {
    ImageHeader header;
    header.format = static_cast<ImageFormat>(bytes[8]);
    std::memcpy(&header.size.width, bytes.data(), 4);
    std::memcpy(&header.size.height, bytes.data() + 4, 4);
    header.channels = 3;
    return header;
  }

  Result<DecodedImage> Decode(std::span<const std::uint8_t> bytes, const ImageHeader& header,
                              const DecodeRequest&) const override {
    cv::Mat pixels(header.size.height, header.size.width, CV_8UC3);
    std::memcpy(pixels.data, bytes.data() + 9, pixels.total() * 3);
    return DecodedImage{pixels, 0};
  }

  Result<std::vector<std::uint8_t>> Encode(const cv::Mat& pixels,
                                           const EncodeRequest& request) const override {
    std::vector<std::uint8_t> bytes(9 + pixels.total() * 3);
    std::memcpy(bytes.data(), &pixels.cols, 4);
    std::memcpy(bytes.data() + 4, &pixels.rows, 4);
    bytes[8] = static_cast<std::uint8_t>(request.format);
    std::memcpy(bytes.data() + 9, pixels.data, pixels.total() * 3);
    return bytes;
  }
};

std::vector<Sample> ReadAll(const ShapesParams& params, const Codec* codec = nullptr) {
  const auto source = MakeShapesSource(params, codec);
  const auto entries = source->List({});
  REQUIRE(entries.Ok());
  std::vector<Sample> samples;
  for (const SourceEntry& entry : *entries) {
    Result<Sample> sample = source->Read(entry);
    REQUIRE(sample.Ok());
    samples.push_back(*std::move(sample));
  }
  return samples;
}

const cv::Mat& Pixels(const Sample& sample) { return sample.Image()->frames.at(0).pixels; }

std::uint64_t Hash(const cv::Mat& image) {
  std::uint64_t hash = 14695981039346656037U;
  for (int y = 0; y < image.rows; ++y) {
    const std::uint8_t* row = image.ptr(y);
    for (std::size_t x = 0; x < static_cast<std::size_t>(image.cols) * image.elemSize(); ++x) {
      hash = (hash ^ row[x]) * 1099511628211U;
    }
  }
  return hash;
}

// Every number and name of the labels, in order.
std::string LabelText(const Sample& sample, bool with_masks = true) {
  std::string text = "label " + std::to_string(sample.labels.label.value_or(-1));
  const auto point = [&](Point p) {
    text += " " + std::to_string(p.x) + "," + std::to_string(p.y);
  };
  for (const Instance& instance : sample.instances) {
    text += "\n" + std::to_string(instance.id) + " " + std::to_string(*instance.label) + " " +
            std::to_string(instance.original_area) + " " + instance.attributes.at("texture");
    for (Point p : *instance.quad) point(p);
    for (const Polygon& polygon : instance.polygons) {
      for (const auto& ring : polygon.rings) {
        text += " ring";
        for (Point p : ring) point(p);
      }
    }
    for (const Keypoint& k : instance.keypoints) {
      point(k.at);
      text += "v" + std::to_string(k.visibility);
    }
    if (with_masks) text += " mask " + std::to_string(Hash(instance.mask));
  }
  if (with_masks) text += "\nclasses " + std::to_string(Hash(sample.masks.at("classes").pixels));
  return text;
}

// Even-odd: a ray to the right crosses the outline an odd number of times.
bool Inside(const Polygon& polygon, Point p) {
  int crossings = 0;
  for (const auto& ring : polygon.rings) {
    for (std::size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++) {
      const Point a = ring[i];
      const Point b = ring[j];
      if ((a.y > p.y) == (b.y > p.y)) continue;
      const double side = (b.x - a.x) * (p.y - a.y) - (p.x - a.x) * (b.y - a.y);
      if ((b.y > a.y) ? side > 0 : side < 0) ++crossings;
    }
  }
  return crossings % 2 == 1;
}

std::array<double, 4> OutlineBounds(const Instance& instance) {
  std::array<double, 4> b{1e9, 1e9, -1e9, -1e9};
  for (Point p : instance.polygons.at(0).rings.at(0)) {
    b = {std::min(b[0], p.x), std::min(b[1], p.y), std::max(b[2], p.x), std::max(b[3], p.y)};
  }
  return b;
}

ShapesParams Small(std::int64_t count) {
  ShapesParams params;
  params.count = count;
  params.size = {160, 128};
  params.min_object = 24;
  return params;
}

}  // namespace

TEST_CASE("shapes: two sources and any thread give the same bytes") {
  const std::vector<Sample> a = ReadAll(Small(8));
  const auto source = MakeShapesSource(Small(8), nullptr);
  const auto entries = source->List({});
  REQUIRE(entries.Ok());
  std::vector<Sample> b(a.size());
  std::vector<std::thread> threads;
  for (std::size_t i = a.size(); i-- > 0;) {
    threads.emplace_back([&, i] { b[i] = *source->Read((*entries)[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(Hash(Pixels(a[i])) == Hash(Pixels(b[i])));
    CHECK(LabelText(a[i]) == LabelText(b[i]));
    CHECK(a[i].key == b[i].key);
  }
}

TEST_CASE("shapes: pixels are the same on every machine") {
  // Data sets made from shapes are compared by hash, so a change of looks changes this on purpose.
  ShapesParams params;
  params.count = 6;
  std::uint64_t all = 0;
  for (const Sample& sample : ReadAll(params)) all = all * 31 + Hash(Pixels(sample));
  CHECK(all == 6799263366986955013U);
}

TEST_CASE("shapes: an entry depends on its index, never on how many there are") {
  const std::vector<Sample> few = ReadAll(Small(3));
  const std::vector<Sample> many = ReadAll(Small(9));
  CHECK(few[0].key == "shape_000000");
  CHECK(few[2].key == "shape_000002");
  std::set<std::uint64_t> different;
  for (std::size_t i = 0; i < many.size(); ++i) {
    different.insert(Hash(Pixels(many[i])));
    if (i >= few.size()) continue;
    CHECK(few[i].key == many[i].key);
    CHECK(Hash(Pixels(few[i])) == Hash(Pixels(many[i])));
    CHECK(LabelText(few[i]) == LabelText(many[i]));
  }
  CHECK(different.size() == many.size());

  ShapesParams other = Small(3);
  other.seed = 2;
  CHECK(Hash(Pixels(ReadAll(other)[0])) != Hash(Pixels(few[0])));
}

TEST_CASE("shapes: masks are the polygons by the pixel-centre rule") {
  ShapesParams params = Small(12);
  for (bool overlap : {false, true}) {
    params.overlap = overlap;
    for (const Sample& sample : ReadAll(params)) {
      for (const Instance& instance : sample.instances) {
        REQUIRE(instance.mask.type() == CV_8U);
        REQUIRE(instance.mask.size() == Pixels(sample).size());
        int wrong = 0, set = 0;
        for (int y = 0; y < instance.mask.rows; ++y) {
          for (int x = 0; x < instance.mask.cols; ++x) {
            const bool inside = Inside(instance.polygons[0], {x + 0.5, y + 0.5});
            wrong += instance.mask.at<std::uint8_t>(y, x) != (inside ? 255 : 0);
            set += inside;
          }
        }
        CHECK(wrong == 0);
        CHECK(set == doctest::Approx(instance.original_area).epsilon(0.05));
      }
    }
  }
}

TEST_CASE("shapes: boxes are the bounds of the polygons, and all lies inside the image") {
  const ShapesParams params = Small(40);
  for (const Sample& sample : ReadAll(params)) {
    for (const Instance& instance : sample.instances) {
      CHECK_FALSE(instance.oriented);
      const auto bounds = OutlineBounds(instance);
      CHECK(*instance.quad == BoxQuad(bounds[0], bounds[1], bounds[2], bounds[3]));
      CHECK(std::min(bounds[0], bounds[1]) >= 0);
      CHECK(bounds[2] <= params.size.width);
      CHECK(bounds[3] <= params.size.height);
      // The outline holds its holes, and areas are those of the outline less the holes.
      double area = std::abs(SignedArea(instance.polygons[0].rings[0]));
      for (std::size_t i = 1; i < instance.polygons[0].rings.size(); ++i) {
        CHECK(SignedArea(instance.polygons[0].rings[i]) < 0);
        area += SignedArea(instance.polygons[0].rings[i]);
      }
      CHECK(SignedArea(instance.polygons[0].rings[0]) > 0);
      CHECK(instance.original_area == area);
    }
  }
}

TEST_CASE("shapes: oriented quads are rectangles that the outline touches on all sides") {
  ShapesParams params = Small(40);
  const std::vector<Sample> upright = ReadAll(params);
  params.oriented = true;
  const std::vector<Sample> oriented = ReadAll(params);
  for (std::size_t i = 0; i < oriented.size(); ++i) {
    CHECK(Hash(Pixels(oriented[i])) == Hash(Pixels(upright[i])));
    for (const Instance& instance : oriented[i].instances) {
      CHECK(instance.oriented);
      const Quad& q = *instance.quad;
      const Point u = q[1] - q[0];
      const Point v = q[3] - q[0];
      CHECK(u.dot(v) == doctest::Approx(0).epsilon(1e-9));
      CHECK(u.cross(v) > 0);  // clockwise on screen, as boxes are
      CHECK(cv::norm(q[0] + u + v - q[2]) < 1e-9);
      std::array<double, 4> b{1e9, 1e9, -1e9, -1e9};
      for (Point p : instance.polygons[0].rings[0]) {
        const double s = (p - q[0]).dot(u) / u.dot(u);
        const double t = (p - q[0]).dot(v) / v.dot(v);
        b = {std::min(b[0], s), std::min(b[1], t), std::max(b[2], s), std::max(b[3], t)};
      }
      const std::array<double, 4> whole{0, 0, 1, 1};
      for (std::size_t k = 0; k < 4; ++k) CHECK(std::abs(b[k] - whole[k]) < 1e-9);
      for (Point p : q) {
        CHECK((p.x >= 0 && p.x <= params.size.width));
        CHECK((p.y >= 0 && p.y <= params.size.height));
      }
    }
  }
}

TEST_CASE("shapes: keypoints lie in the box and know left from right") {
  for (const Sample& sample : ReadAll(Small(40))) {
    REQUIRE(sample.names != nullptr);
    const LabelNames& names = *sample.names;
    CHECK(names.keypoints == std::vector<std::string>{"centre", "left", "right", "top"});
    CHECK(names.keypoint_swaps == std::vector<std::pair<int, int>>{{1, 2}});
    for (const Instance& instance : sample.instances) {
      REQUIRE(instance.keypoints.size() == names.keypoints.size());
      const auto bounds = OutlineBounds(instance);
      for (const Keypoint& k : instance.keypoints) {
        CHECK(k.visibility == 2);
        CHECK((k.at.x >= bounds[0] && k.at.x <= bounds[2]));
        CHECK((k.at.y >= bounds[1] && k.at.y <= bounds[3]));
      }
      const Point centre = instance.keypoints[0].at;
      const Point left = instance.keypoints[1].at;
      const Point right = instance.keypoints[2].at;
      const Point up = instance.keypoints[3].at - centre;
      // Mirror images of each other about the axis from centre to top, right one clockwise of it.
      CHECK(up.cross(right - centre) > 0);
      const Point middle = (left + right) * 0.5 - centre;
      CHECK(std::abs(up.cross(middle)) / std::sqrt(up.dot(up)) < 0.01);
      // The angle is that of the object's frame: its x axis runs from left to right.
      const double angle = instance.keypoints[0].angle;
      const Point across = right - left;
      CHECK(std::cos(angle) * across.x + std::sin(angle) * across.y ==
            doctest::Approx(std::sqrt(across.dot(across))).epsilon(1e-3));
    }
  }
}

TEST_CASE("shapes: without overlap no pixel belongs to two objects") {
  ShapesParams params = Small(60);
  params.objects = {3, 5};
  for (const Sample& sample : ReadAll(params)) {
    cv::Mat owners = cv::Mat::zeros(Pixels(sample).size(), CV_8U);
    for (const Instance& instance : sample.instances) owners += instance.mask / 255;
    double most = 0;
    cv::minMaxLoc(owners, nullptr, &most);
    CHECK(most == 1);
    // Nor does any outline reach into another object.
    for (const Instance& a : sample.instances) {
      for (const Instance& b : sample.instances) {
        if (a.id == b.id) continue;
        for (Point p : a.polygons[0].rings[0]) CHECK_FALSE(Inside(b.polygons[0], p));
      }
    }
  }
}

TEST_CASE("shapes: with overlap labels stay whole and the semantic mask shows the topmost") {
  ShapesParams params = Small(40);
  params.objects = {4, 6};
  params.overlap = true;
  int hidden = 0;
  for (const Sample& sample : ReadAll(params)) {
    cv::Mat expected = cv::Mat::zeros(Pixels(sample).size(), CV_8U);
    for (const Instance& instance : sample.instances) {
      expected.setTo(*instance.label + 1, instance.mask);
    }
    const SemanticMask& classes = sample.masks.at("classes");
    CHECK(classes.ignore_index == 255);
    CHECK(cv::countNonZero(expected != classes.pixels) == 0);
    for (std::size_t i = 0; i < sample.instances.size(); ++i) {
      for (const Keypoint& k : sample.instances[i].keypoints) {
        bool covered = false;
        for (std::size_t j = i + 1; j < sample.instances.size(); ++j) {
          covered = covered || Inside(sample.instances[j].polygons[0], k.at);
        }
        CHECK(k.visibility == (covered ? 1 : 2));
        hidden += covered;
      }
    }
  }
  CHECK(hidden > 0);
}

TEST_CASE("shapes: encoding, masks and keypoints change nothing else") {
  const RawCodec codec;
  ShapesParams params = Small(6);
  const std::vector<Sample> plain = ReadAll(params);
  for (ShapesEncode encode : {ShapesEncode::kJpeg, ShapesEncode::kPng}) {
    params.encode = encode;
    const std::vector<Sample> encoded = ReadAll(params, &codec);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      CHECK(LabelText(encoded[i]) == LabelText(plain[i]));
      const Frame& frame = encoded[i].Image()->frames.at(0);
      CHECK_FALSE(frame.Decoded());
      REQUIRE(frame.encoded != nullptr);
      REQUIRE(frame.encoded->header != nullptr);
      CHECK(frame.encoded->header->format ==
            (encode == ShapesEncode::kJpeg ? ImageFormat::kJpeg : ImageFormat::kPng));
      CHECK(frame.size() == params.size);
      const auto decoded = codec.Decode(frame.encoded->bytes, *frame.encoded->header, {});
      REQUIRE(decoded.Ok());
      CHECK(Hash(decoded->pixels) == Hash(Pixels(plain[i])));
    }
  }

  params.encode = ShapesEncode::kNone;
  params.masks = false;
  const std::vector<Sample> bare = ReadAll(params);
  params.keypoints = false;
  const std::vector<Sample> barer = ReadAll(params);
  CHECK(MakeShapesSource(params, nullptr)->OutputMeta().targets ==
        (kTargetImage | kTargetInstance));
  CHECK(MakeShapesSource(Small(1), nullptr)->OutputMeta().targets == kTargetAll);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CHECK(bare[i].masks.empty());
    CHECK(LabelText(bare[i], false) == LabelText(plain[i], false));
    CHECK(Hash(Pixels(bare[i])) == Hash(Pixels(plain[i])));
    CHECK(Hash(Pixels(barer[i])) == Hash(Pixels(plain[i])));
    for (const Instance& instance : bare[i].instances) CHECK(instance.mask.empty());
    for (const Instance& instance : barer[i].instances) CHECK(instance.keypoints.empty());
  }
}

TEST_CASE("shapes: a scene holds what was asked for, and every class and texture turns up") {
  ShapesParams params;
  params.count = 60;
  params.objects = {5, 5};
  std::map<int, int> classes;
  std::map<std::string, int> textures;
  for (const Sample& sample : ReadAll(params)) {
    CHECK(sample.instances.size() == 5);
    double largest = 0;
    int largest_class = -1;
    std::int64_t id = 0;
    for (const Instance& instance : sample.instances) {
      CHECK(instance.id == ++id);
      ++classes[*instance.label];
      ++textures[instance.attributes.at("texture")];
      // Longest side of the object in its own frame; snapping moves a corner by 1/256 px at most.
      const auto& outline = instance.polygons[0].rings[0];
      double longest = 0;
      for (Point a : outline) {
        for (Point b : outline) longest = std::max(longest, std::sqrt((a - b).dot(a - b)));
      }
      CHECK(longest > params.min_object - 0.1);
      if (instance.original_area > largest) {
        largest = instance.original_area;
        largest_class = *instance.label;
      }
      const bool ring_class = *instance.label == static_cast<int>(shapes::Kind::kRing);
      CHECK(instance.polygons[0].rings.size() == (ring_class ? 2 : 1));
      if (!ring_class) continue;
      const cv::Point centre(instance.keypoints[0].at - Point(0.5, 0.5));
      CHECK(instance.mask.at<std::uint8_t>(centre) == 0);
    }
    CHECK(sample.labels.label == largest_class);
  }
  CHECK(classes.size() == 8);
  CHECK(textures.size() == 3);

  params.count = 2;
  params.objects = {0, 0};
  for (const Sample& sample : ReadAll(params)) {
    CHECK(sample.instances.empty());
    CHECK_FALSE(sample.labels.label.has_value());
    CHECK(cv::countNonZero(sample.masks.at("classes").pixels) == 0);
  }
}

TEST_CASE("shapes: the picture covers what the mask covers") {
  const cv::Rect window(0, 0, 96, 80);
  for (int kind = 0; kind < shapes::kKinds; ++kind) {
    for (double angle : {0.0, 0.3, 1.5, 4.0}) {
      const shapes::Object object =
          shapes::MakeObject(static_cast<shapes::Kind>(kind), {47.3, 40.8}, 27, 25, angle, 0.5);
      const auto coverage = shapes::Coverage(object.polygon, window);
      cv::Mat mask = cv::Mat::zeros(window.height, window.width, CV_8U);
      shapes::FillPolygon(object.polygon, 255, mask);
      int samples = 0;
      int wrong = 0, disagree = 0;
      for (int y = 0; y < window.height; ++y) {
        for (int x = 0; x < window.width; ++x) {
          int expected = 0;
          for (int k = 0; k < 16; ++k) {
            expected += Inside(object.polygon, {x + (k % 4 + 0.5) / 4, y + (k / 4 + 0.5) / 4});
          }
          const int found = coverage[static_cast<std::size_t>(y * window.width + x)];
          samples += found;
          wrong += found != expected;
          const bool set = mask.at<std::uint8_t>(y, x) != 0;
          disagree += (found == 16 && !set) || (found == 0 && set);
        }
      }
      CHECK(wrong == 0);
      CHECK(disagree == 0);
      CHECK(samples / 16.0 == doctest::Approx(object.polygon.Area()).epsilon(0.005));
    }
  }
}

TEST_CASE("shapes: parameters and keys that cannot be used say why") {
  const auto problem = [](auto change) {
    ShapesParams params;
    change(params);
    const auto entries = MakeShapesSource(params, nullptr)->List({});
    return entries.Ok() ? std::string() : entries.Error();
  };
  CHECK(problem([](ShapesParams&) {}).empty());
  CHECK(problem([](ShapesParams& p) { p.count = 0; }) == "count is 0; at least 1 scene");
  CHECK(problem([](ShapesParams& p) {
          p.objects = {3, 2};
        }) == "objects is [3, 2]; use [min, max] within 0..1000");
  CHECK(problem([](ShapesParams& p) { p.min_object = 4; }).starts_with("min_object is 4 px"));
  CHECK(problem([](ShapesParams& p) {
          p.size = {400, 60};
        }) == "min_object is 32 px; at most half of the shorter side (30 px)");
  CHECK(problem([](ShapesParams& p) { p.quality = 101; }) == "quality is 101; use 1..100");
  ShapesParams encoded;
  encoded.encode = ShapesEncode::kPng;
  CHECK_THROWS_AS(MakeShapesSource(encoded, nullptr), InternalError);

  const auto source = MakeShapesSource(Small(3), nullptr);
  for (const char* key : {"shape_000003", "shape_2", "shape_", "photo_000001", "shape_-00001"}) {
    const auto sample = source->Read({key, 0});
    REQUIRE_FALSE(sample.Ok());
    CHECK(sample.Error().code == "SRC-KEY");
  }
}

TEST_CASE("shapes: odd sizes work") {
  for (Size size : {Size{16, 16}, Size{17, 301}, Size{999, 33}}) {
    ShapesParams params;
    params.count = 4;
    params.size = size;
    params.min_object = 8;
    for (const Sample& sample : ReadAll(params)) {
      CHECK(sample.Image()->frames.at(0).size() == size);
      CHECK(sample.instances.size() >= 1);
    }
  }
}

}  // namespace pixloom
