// SPDX-License-Identifier: Apache-2.0
#include "tests/support/inputs.h"

#include <cmath>
#include <cstdio>
#include <utility>

#include "api/pixloom.h"
#include "datasets/register.h"
#include "datasets/shapes.h"
#include "ops/register.h"

namespace pixloom::testing {
namespace {

// Gradients, edges and noise from a small congruential generator: neighbours always differ, and
// black and full range both occur.
cv::Mat Picture(Depth depth, int channels, Size size, std::uint32_t seed) {
  cv::Mat picture(size.height, size.width, CV_MAKETYPE(CvDepth(depth), channels));
  std::uint32_t state = seed * 2654435761U + 12345U;
  for (int y = 0; y < size.height; ++y) {
    for (int i = 0; i < size.width * channels; ++i) {
      state = state * 1664525U + 1013904223U;
      const int x = i / channels;
      const double noise = (state >> 8) * 0x1p-24;
      const double slope = 0.5 + 0.5 * std::sin(0.11 * x + 0.07 * y + i % channels);
      const double edge = (x / 9 + y / 13) % 2;
      double unit = 0.45 * slope + 0.35 * edge + 0.3 * noise - 0.05;
      if (depth == Depth::kF32) {
        picture.ptr<float>(y)[i] = static_cast<float>(unit);
        continue;
      }
      unit = std::min(std::max(unit, 0.0), 1.0);
      if (depth == Depth::kU8) {
        picture.ptr<std::uint8_t>(y)[i] = static_cast<std::uint8_t>(unit * 255 + 0.5);
      } else {
        picture.ptr<std::uint16_t>(y)[i] = static_cast<std::uint16_t>(unit * 65535 + 0.5);
      }
    }
  }
  return picture;
}

ImageField Encoded(const cv::Mat& picture, int orientation, bool exact) {
  const auto bytes = BuiltInCodec().Encode(picture, {.format = ImageFormat::kJpeg, .quality = 92});
  PIXLOOM_CHECK(bytes.Ok(), "the codec writes JPEG");
  const auto header = BuiltInCodec().ReadHeader(*bytes);
  PIXLOOM_CHECK(header.Ok(), "the codec reads what it wrote");
  ImageHeader turned = *header;
  turned.orientation = orientation;
  auto encoded = std::make_shared<EncodedImage>();
  encoded->bytes = *bytes;
  encoded->header = std::make_shared<const ImageHeader>(turned);
  encoded->exact = exact;
  ImageField field;
  field.frames.push_back({std::move(encoded), {}});
  return field;
}

Sample Scene(Size size, bool oriented, ShapesEncode encode, int index) {
  ShapesParams params;
  params.count = 1000;
  params.size = size;
  params.oriented = oriented;
  params.overlap = true;
  params.min_object = 24;
  params.encode = encode;
  const auto source = MakeShapesSource(params, &BuiltInCodec());
  char key[32];
  std::snprintf(key, sizeof key, "shape_%06d", index);
  auto sample = source->Read({key, 0});
  PIXLOOM_CHECK(sample.Ok(), "scenes can be read");
  // Classes that swap, and labels of the whole picture of every kind.
  auto names = std::make_shared<LabelNames>(*sample->names);
  names->class_swaps = {{0, 1}};
  sample->names = names;
  sample->labels.multi_hot = {1, 0, 1, 1};
  sample->labels.soft = {0.25F, 0.5F, 0.125F, 0.125F};
  return *std::move(sample);
}

// A second picture of twice the size that must move along with the first.
void AddTarget(Sample& sample, bool encoded, int index) {
  const Size size = sample.images[0].second.frames[0].size();
  const cv::Mat picture = Picture(Depth::kU8, 3, {2 * size.width, 2 * size.height},
                                  static_cast<std::uint32_t>(100 + index));
  sample.images.emplace_back("target",
                             encoded ? Encoded(picture, 1, false) : ImageField::Of(picture));
}

// "u8x3@7x5"
Sample Plain(const std::string& name, int index) {
  int channels = 0;
  Size size;
  const std::size_t at = name.find('x');
  const int read =
      std::sscanf(name.c_str() + at, "x%d@%dx%d", &channels, &size.width, &size.height);
  PIXLOOM_CHECK(read == 3, "no such input: " + name);
  const std::string type = name.substr(0, at);
  const Depth depth = type == "u8" ? Depth::kU8 : type == "u16" ? Depth::kU16 : Depth::kF32;
  Sample sample;
  ImageField field = ImageField::Of(
      Picture(depth, channels, size, static_cast<std::uint32_t>(index + size.width)));
  if (depth == Depth::kF32) field.range = {-0.25F, 1.25F};
  sample.images.emplace_back("image", std::move(field));
  return sample;
}

}  // namespace

Sample MakeInput(const std::string& name, int index) {
  using enum ShapesEncode;
  if (name.find('@') != std::string::npos) return Plain(name, index);
  if (name == "scene") return Scene({120, 90}, false, kNone, index);
  if (name == "scene_turned") return Scene({90, 121}, true, kNone, index);
  if (name == "scene_large") return Scene({256, 256}, false, kNone, index);
  if (name == "jpeg") return Scene({256, 192}, false, kJpeg, index);
  if (name == "jpeg_odd") return Scene({227, 149}, false, kJpeg, index);
  if (name == "pair" || name == "pair_jpeg") {
    const bool encoded = name == "pair_jpeg";
    Sample sample = Scene({96, 80}, false, encoded ? kJpeg : kNone, index);
    AddTarget(sample, encoded, index);
    return sample;
  }
  if (name == "clip") {
    Sample sample = Scene({72, 60}, false, kNone, index);
    for (int frame = 1; frame < 3; ++frame) {
      Sample next = Scene({72, 60}, false, kNone, index + 10 * frame);
      sample.images[0].second.frames.push_back(std::move(next.images[0].second.frames[0]));
    }
    return sample;
  }
  if (name == "frames") {
    Sample sample = MakeInput("clip", index);
    sample.instances.clear();
    sample.masks.clear();
    return sample;
  }
  if (name == "jpeg_grey") {
    Sample sample;
    sample.images.emplace_back(
        "image",
        Encoded(Picture(Depth::kU8, 1, {161, 143}, static_cast<std::uint32_t>(index)), 1, false));
    return sample;
  }
  if (name == "jpeg_exact") {
    Sample sample = Scene({160, 144}, false, kNone, index);
    sample.images[0].second = Encoded(sample.images[0].second.frames[0].pixels, 1, true);
    return sample;
  }
  PIXLOOM_CHECK(name.starts_with("exif"), "no such input: " + name);
  // Labels of an upright scene fit whatever way its picture was stored.
  const int orientation = name[4] - '0';
  Sample sample =
      Scene(name.ends_with("_odd") ? Size{203, 149} : Size{176, 128}, false, kNone, index);
  cv::Mat stored = sample.images[0].second.frames[0].pixels;
  if (orientation >= 5) stored = stored.t();
  sample.images[0].second = Encoded(stored, orientation, false);
  return sample;
}

namespace {

class GivenSource final : public Source {
 public:
  explicit GivenSource(std::string name) : name_(std::move(name)) {}
  Result<std::vector<SourceEntry>, std::string> List(
      const std::function<void(std::string)>&) override {
    return std::vector<SourceEntry>{{"0", 0}, {"1", 0}, {"2", 0}};
  }
  Result<Sample> Read(const SourceEntry& entry) const override {
    Sample sample = MakeInput(name_, entry.key[0] - '0');
    sample.key = entry.key;
    return sample;
  }
  Meta OutputMeta() const override {
    Meta meta;
    meta.fields = {"image", "target"};
    meta.targets = kTargetAll;
    return meta;
  }

 private:
  std::string name_;
};

struct Given {
  std::string input;
  static constexpr std::string_view kName = "given";
  static constexpr std::string_view kDoc = "Samples made for tests.";
  static constexpr auto Params() {
    return std::tuple{Param("input", &Given::input).Required().Primary().Doc("Which.")};
  }
  std::unique_ptr<Source> Make(const Services&) const {
    return std::make_unique<GivenSource>(input);
  }
};

class NowhereSink final : public Sink {
 public:
  struct Nothing : Prepared {
    std::size_t Bytes() const override { return 0; }
  };
  std::uint64_t Open(const RunInfo& run, const Expected&) override { return run.first_unit; }
  Result<std::unique_ptr<Prepared>> Prepare(Sample) const override {
    return std::unique_ptr<Prepared>(std::make_unique<Nothing>());
  }
  void Write(std::unique_ptr<Prepared>) override {}
  void Close(bool) override {}
  std::string Location() const override { return ""; }
};

struct Nowhere {
  std::int64_t unused = 0;
  static constexpr std::string_view kName = "nowhere";
  static constexpr std::string_view kDoc = "Forgets what it is given.";
  static constexpr auto Params() {
    return std::tuple{Param("unused", &Nowhere::unused).Doc("Nothing.")};
  }
  std::unique_ptr<Sink> Make(const Services&) const { return std::make_unique<NowhereSink>(); }
};

}  // namespace

const Registry& RegistryWithInputs() {
  static const Registry& registry = *[] {
    auto* r = new Registry;  // lives as long as the process: bound operators point into it
    RegisterOps(*r);
    RegisterDatasets(*r);
    r->AddSource<Given>();
    r->AddSink<Nowhere>();
    return r;
  }();
  return registry;
}

}  // namespace pixloom::testing
