// SPDX-License-Identifier: Apache-2.0
// What is stored comes back bit by bit, and no bytes whatever do harm.
#include "pipeline/sample_io.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <doctest/doctest.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pipeline/contracts.h"
#include "pipeline/rng.h"
#include "tests/support/stored.h"

namespace pixloom {
namespace {

using testing::ByteList;
using testing::ContentOf;
using testing::FromStored;
using testing::StoredForm;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kHead = 8;
constexpr std::size_t kTail = 16;

cv::Mat Noise(int rows, int cols, int type, std::uint64_t seed) {
  cv::Mat pixels(rows, cols, type);
  for (int y = 0; y < rows; ++y) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(cols) * pixels.elemSize(); ++i) {
      pixels.ptr(y)[i] = static_cast<std::uint8_t>(
          Mix64(seed * 7919 + i * 31 + static_cast<std::uint64_t>(y)) >> 40);
    }
  }
  return pixels;
}

Frame EncodedFrame() {
  auto header = std::make_shared<ImageHeader>();
  header->format = ImageFormat::kPng;
  header->size = {31, 17};
  header->channels = 4;
  header->bits = 16;
  header->orientation = 6;
  auto encoded = std::make_shared<EncodedImage>();
  encoded->header = std::move(header);
  encoded->bytes = {0, 1, 2, 255, 254};
  encoded->exact = true;
  encoded->accept_truncated = true;
  encoded->channels = 3;
  return {std::move(encoded), {}};
}

// One of everything that a sample can carry.
Sample Everything() {
  Sample sample;
  sample.images.emplace_back("image", ImageField::Of(Noise(7, 5, CV_8UC3, 1)));
  ImageField clip;
  clip.range = {-2.5F, 7};
  for (const int type : {CV_16UC1, CV_32FC4, CV_8UC(7)}) {
    clip.frames.push_back({nullptr, Noise(3, 4, type, 2)});
  }
  const std::array<int, 3> planar{3, 4, 5};
  cv::Mat planes(3, planar.data(), CV_32F);
  for (std::size_t i = 0; i < planes.total(); ++i)
    planes.ptr<float>()[i] = 0.5F * static_cast<float>(i);
  clip.frames.push_back({nullptr, planes});
  clip.frames.push_back(EncodedFrame());
  sample.images.emplace_back("target", std::move(clip));
  sample.masks["classes"] = {Noise(7, 5, CV_8UC1, 3), 255};
  sample.masks["depth"] = {Noise(7, 5, CV_16UC1, 4), -1};

  Instance whole;
  whole.id = -7;
  whole.label = 3;
  whole.quad = Quad{Point{-0.0, 1e300}, Point{5e-324, 2}, Point{kNaN, -1}, Point{1, 1}};
  whole.oriented = true;
  whole.polygons.push_back({{{{0, 0}, {4, 0}, {4, 4}}, {{1, 1}, {2, 1}, {2, 2}}}});
  whole.polygons.emplace_back();
  whole.mask = Noise(7, 5, CV_8UC1, 5);
  whole.keypoints.push_back({{1.5, 2.5}, 1, 0.25, 2});
  whole.keypoints.emplace_back();
  whole.attributes = {{"colour", "red"}, {"", std::string("\0\n\xff", 3)}};
  whole.original_area = 12.5;
  Instance runs;
  runs.rle = Rle{{5, 7}, {10, 20, 5}};
  sample.instances.push_back(std::move(whole));
  sample.instances.push_back(std::move(runs));
  sample.instances.emplace_back();

  sample.labels.label = -1;
  sample.labels.multi_hot = {1, 0, -5};
  sample.labels.soft = {0.1F, std::numeric_limits<float>::infinity()};
  sample.scalars = {{"a", -0.0}, {"b", kNaN}};
  sample.text = {{"note", std::string("a\0b", 3)}};
  sample.counts = {{"objects kept", ~std::uint64_t{0}}};
  RecipeEntry entry{std::make_shared<const std::string>("small/resize#1")};
  entry.draws = {{"size", 224}, {"size", 7}, {"", kNaN}};
  sample.recipe.entries.push_back(std::move(entry));
  sample.recipe.entries.push_back({std::make_shared<const std::string>(""), false});
  return sample;
}

// After a change of the content: what the tail must say for it to be looked at.
void MendTail(ByteList& bytes) {
  const std::uint64_t content = bytes.size() - kHead - kTail;
  std::memcpy(bytes.data() + bytes.size() - kTail, &content, 8);
  const std::uint64_t sum = XXH64(bytes.data(), bytes.size() - 8, 0);
  std::memcpy(bytes.data() + bytes.size() - 8, &sum, 8);
}

// What users of a sample do first; none of it may trip over what was read.
void Use(const Sample& sample) {
  const Sample copy = sample.Clone();
  CHECK(copy.Bytes() == sample.Bytes());
  for (const auto& [name, field] : copy.images) {
    CHECK(!field.frames.empty());
    for (const Frame& frame : field.frames) {
      CHECK(!frame.size().Empty());
      CHECK(frame.channels() >= 1);
      if (frame.Decoded()) CHECK(frame.pixels.total() > 0);
    }
  }
  for (const Instance& instance : copy.instances) {
    // Runs of a mask that would fill the memory are none of an entry's faults.
    if (instance.rle && instance.rle->size.Area() > (1 << 24)) continue;
    if (instance.HasMask()) CHECK(instance.Bits().type() == CV_8UC1);
  }
  CHECK(!ContentOf(copy).empty());
}

TEST_CASE("everything a sample carries comes back, bit by bit") {
  const Sample sample = Everything();
  const ByteList bytes = StoredForm(sample);
  CHECK(bytes.size() == StoredSize(sample));
  CHECK(bytes.size() == ContentOf(sample).size() + kHead + kTail);
  const auto again = FromStored(bytes);
  REQUIRE(again.Ok());
  CHECK(ContentOf(*again) == ContentOf(sample));
  CHECK(StoredForm(*again) == bytes);

  REQUIRE(again->images.size() == 2);
  CHECK(again->images[0].first == "image");
  const ImageField& clip = again->images[1].second;
  CHECK(clip.range == ValueRange{-2.5F, 7});
  REQUIRE(clip.frames.size() == 5);
  CHECK(clip.frames[0].pixels.type() == CV_16UC1);
  CHECK(clip.frames[1].pixels.type() == CV_32FC4);
  CHECK(clip.frames[2].pixels.channels() == 7);
  CHECK(clip.frames[3].Planar());
  CHECK(clip.frames[3].size() == Size{5, 4});
  CHECK(clip.frames[3].pixels.ptr<float>()[59] == 29.5F);
  CHECK(!clip.frames[4].Decoded());
  CHECK(clip.frames[4].size() == Size{17, 31});  // turned upright
  CHECK(clip.frames[4].depth() == Depth::kU16);
  CHECK(clip.frames[4].encoded->exact);
  CHECK(clip.frames[4].encoded->accept_truncated);
  CHECK(clip.frames[4].encoded->channels == 3);
  CHECK(clip.frames[4].encoded->bytes == ByteList{0, 1, 2, 255, 254});
  CHECK(again->masks.at("depth").ignore_index == -1);
  REQUIRE(again->instances.size() == 3);
  const Instance& whole = again->instances[0];
  CHECK(whole.id == -7);
  CHECK(whole.label == 3);
  CHECK(std::signbit((*whole.quad)[0].x));
  CHECK(std::isnan((*whole.quad)[2].x));
  CHECK(whole.oriented);
  CHECK(whole.polygons.size() == 2);
  CHECK(whole.polygons[0].rings[1][2] == Point(2, 2));
  CHECK(whole.keypoints[0].angle == 0.25);
  CHECK(whole.attributes.at("colour") == "red");
  CHECK(whole.original_area == 12.5);
  CHECK(again->instances[1].rle == Rle{{5, 7}, {10, 20, 5}});
  CHECK(!again->instances[2].HasMask());
  CHECK(again->labels.multi_hot == std::vector<int>{1, 0, -5});
  CHECK(again->text.at("note").size() == 3);
  CHECK(again->counts.at("objects kept") == ~std::uint64_t{0});
  CHECK(*again->recipe.entries[0].stream == "small/resize#1");
  CHECK(again->recipe.entries[0].draws[1].second == 7);
  CHECK(!again->recipe.entries[1].applied);
  Use(*again);
}

TEST_CASE("an empty sample and a filtered one come back") {
  CHECK(ContentOf(*FromStored(StoredForm(Sample()))) == ContentOf(Sample()));
  Sample filtered;
  filtered.filtered = true;
  CHECK(FromStored(StoredForm(filtered))->filtered);
}

TEST_CASE("a cut-out is stored as what it shows") {
  const cv::Mat whole = Noise(20, 30, CV_8UC3, 8);
  Sample cut;
  cut.images.emplace_back("image", ImageField::Of(whole(cv::Rect(3, 5, 11, 7))));
  Sample copied;
  copied.images.emplace_back("image", ImageField::Of(whole(cv::Rect(3, 5, 11, 7)).clone()));
  CHECK(StoredForm(cut) == StoredForm(copied));
}

TEST_CASE("any other content is other bytes") {
  const ByteList plain = ContentOf(Everything());
  int changes = 0;
  const auto differs = [&](auto change) {
    Sample sample = Everything();
    change(sample);
    CHECK(ContentOf(sample) != plain);
    ++changes;
  };
  differs([](Sample& s) { s.images[0].first = "imag"; });
  differs([](Sample& s) { s.images[0].second.range.hi = 2; });
  differs([](Sample& s) { s.images[0].second.frames[0].pixels.data[50] ^= 1; });
  differs([](Sample& s) {
    cv::Mat& pixels = s.images[0].second.frames[0].pixels;
    pixels = pixels.reshape(3, 5);  // the same bytes, another shape
  });
  differs([](Sample& s) { s.images[1].second.frames.pop_back(); });
  differs([](Sample& s) { s.masks["classes"].ignore_index = 254; });
  differs([](Sample& s) { s.masks["depth"].pixels.at<std::uint16_t>(0, 0) ^= 1; });
  differs([](Sample& s) { s.instances[0].id = 0; });
  differs([](Sample& s) { s.instances[0].label.reset(); });
  differs([](Sample& s) { (*s.instances[0].quad)[3].x = 2; });
  differs([](Sample& s) { s.instances[0].quad.reset(); });
  differs([](Sample& s) { s.instances[0].oriented = false; });
  differs([](Sample& s) { s.instances[0].polygons[0].rings[0][0].y = 1; });
  differs([](Sample& s) { s.instances[0].mask.data[3] ^= 1; });
  differs([](Sample& s) { s.instances[1].rle->counts = {10, 19, 6}; });
  differs([](Sample& s) { s.instances[0].keypoints[0].visibility = 2; });
  differs([](Sample& s) { s.instances[0].keypoints[0].scale = 1; });
  differs([](Sample& s) { s.instances[0].attributes["colour"] = "blue"; });
  differs([](Sample& s) { s.instances[0].original_area = 0; });
  differs([](Sample& s) { s.labels.label = 0; });
  differs([](Sample& s) { s.labels.multi_hot[1] = 1; });
  differs([](Sample& s) { s.labels.soft[0] = 0.2F; });
  differs([](Sample& s) { s.scalars["a"] = 0; });
  differs([](Sample& s) { s.text["note"] = "a"; });
  differs([](Sample& s) { s.filtered = true; });
  differs([](Sample& s) { s.counts["objects kept"] = 1; });
  differs([](Sample& s) { s.recipe.entries[0].draws[0].second = 225; });
  differs([](Sample& s) {
    auto encoded = std::make_shared<EncodedImage>(*s.images[1].second.frames[4].encoded);
    encoded->exact = false;
    s.images[1].second.frames[4].encoded = std::move(encoded);
  });
  CHECK(changes == 28);
}

TEST_CASE("who it is is not part of what it carries") {
  Sample one = Everything();
  Sample other = Everything();
  other.identity.id = 99;
  other.identity.branch = {1, 2};
  other.key = "another";
  other.source = "elsewhere";
  other.names = std::make_shared<LabelNames>();
  CHECK(ContentOf(one) == ContentOf(other));
}

TEST_CASE("a stored sample that is cut anywhere is an error") {
  const ByteList bytes = StoredForm(Everything());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    CHECK(!FromStored(std::span(bytes).first(n)).Ok());
  }
  ByteList longer = bytes;
  longer.push_back(0);
  CHECK(!FromStored(longer).Ok());
}

TEST_CASE("any bit that is flipped is an error") {
  ByteList bytes = StoredForm(Everything());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] ^= static_cast<std::uint8_t>(1U << bit);
      if (FromStored(bytes).Ok()) FAIL_CHECK("byte " << i << ", bit " << bit);
      bytes[i] ^= static_cast<std::uint8_t>(1U << bit);
    }
  }
  CHECK(FromStored(bytes).Ok());
}

// As if somebody had made the file: the checksum fits, so all there is against it are the rules.
TEST_CASE("content made up with a fitting checksum is an error or a sample") {
  const ByteList bytes = StoredForm(Everything());
  const auto random = [](std::uint64_t n) { return Mix64(n * 0x9E3779B97F4A7C15u + 1); };
  int read = 0;
  int refused = 0;
  for (std::uint64_t round = 0; round < 30'000; ++round) {
    ByteList bad = bytes;
    const std::uint64_t changes = 1 + random(round) % 4;
    for (std::uint64_t c = 0; c < changes; ++c) {
      const std::uint64_t word = random(round * 8 + c + 1'000'000);
      const std::size_t at = kHead + word % (bad.size() - kHead - kTail);
      constexpr std::array<std::uint8_t, 6> kEdges{0, 1, 2, 0x7F, 0x80, 0xFF};
      bad[at] = (word >> 33) % 2 == 0 ? kEdges[(word >> 40) % kEdges.size()]
                                      : static_cast<std::uint8_t>(word >> 50);
      if ((word >> 34) % 16 == 0) {
        bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(at),
                  bad.begin() +
                      static_cast<std::ptrdiff_t>(std::min(at + (word >> 56), bad.size() - kTail)));
      }
    }
    MendTail(bad);
    const auto sample = FromStored(bad);
    if (sample) {
      Use(*sample);
      ++read;
    } else {
      CHECK(!sample.Error().empty());
      ++refused;
    }
  }
  // Both happen: a changed pixel is a picture, a changed length is none.
  CHECK(read > 1000);
  CHECK(refused > 1000);
}

TEST_CASE("the error says what is wrong") {
  ByteList bytes = StoredForm(Everything());
  const auto error = [&](auto change) {
    ByteList bad = bytes;
    change(bad);
    const auto sample = FromStored(bad);
    return sample ? std::string("none") : sample.Error();
  };
  CHECK(error([](ByteList& b) { b.clear(); }) == "ends after 0 bytes");
  CHECK(error([](ByteList& b) { b[0] = 'Q'; }) == "does not begin as a stored sample does");
  CHECK(error([](ByteList& b) { b[4] = 9; }) == "is of version 9, this build reads 1");
  CHECK(error([](ByteList& b) { b[b.size() - 1] ^= 1; }) == "has another checksum than it says");
  CHECK(error([](ByteList& b) { b[b.size() - kTail] ^= 1; }).starts_with("claims "));
  CHECK(error([](ByteList& b) {
          b.insert(b.end() - kTail, 3, 0);
          MendTail(b);
        }) == "has 3 bytes that mean nothing");
  // Four billion fields in a few hundred bytes.
  CHECK(error([](ByteList& b) {
          b[kHead + 3] = 0xFF;
          MendTail(b);
        }) == "ends early");
}

TEST_CASE("a side that would fill the memory is held against what is there") {
  Sample sample;
  sample.images.emplace_back("image", ImageField::Of(Noise(2, 2, CV_8UC1, 1)));
  const ByteList bytes = StoredForm(sample);
  // Fields, name, range, frames, form, dimensions, type, channels; then the sides.
  const std::size_t rows = kHead + 8 + 8 + 5 + 8 + 8 + 1 + 1 + 1 + 2;
  REQUIRE(bytes[rows] == 2);
  for (const std::uint32_t side : {0U, 3U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
    ByteList bad = bytes;
    std::memcpy(bad.data() + rows, &side, 4);
    MendTail(bad);
    CHECK(!FromStored(bad).Ok());
  }
}

TEST_CASE("runs that do not fill their mask are refused") {
  Sample sample;
  Instance& instance = sample.instances.emplace_back();
  instance.rle = Rle{{4, 4}, {10, 7}};
  const auto read = FromStored(StoredForm(sample));
  REQUIRE(!read.Ok());
  CHECK(read.Error() == "has runs that do not fill their mask");
}

}  // namespace
}  // namespace pixloom
