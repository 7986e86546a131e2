// SPDX-License-Identifier: Apache-2.0
// The reference itself: labels, fields, clips, lazy decoding and the checks of the recipe.
#include <cmath>
#include <numbers>

#include <doctest/doctest.h>

#include "tests/reference/build.h"
#include "tests/reference/parts.h"

namespace pixloom::reference {
namespace {

using Kind = ChainStep::Kind;
using Row = std::vector<double>;

ChainStep ResizeStep(int height, int width, const char* how = "linear") {
  return OpStep("resize", {{"size", Pair(height, width)}, {"interpolation", Word(how)}});
}

ChainStep CropStep(int x1, int y1, int x2, int y2) {
  return OpStep("crop",
                {{"x_min", Num(x1)}, {"y_min", Num(y1)}, {"x_max", Num(x2)}, {"y_max", Num(y2)}});
}

// A 10 x 8 picture with one box, one triangle, two keypoints and both kinds of masks.
Sample Labelled() {
  Sample sample = SampleOf(cv::Mat(8, 10, CV_8UC1, cv::Scalar(5)));
  auto names = std::make_shared<LabelNames>();
  names->keypoint_swaps = {{0, 1}};
  names->class_swaps = {{2, 3}};
  sample.names = names;
  Instance instance;
  instance.id = 1;
  instance.label = 2;
  instance.quad = BoxQuad(1, 2, 4, 6);
  instance.polygons.push_back({{{{1, 2}, {4, 2}, {1, 6}}}});
  instance.mask = cv::Mat::zeros(8, 10, CV_8UC1);
  instance.mask.at<std::uint8_t>(2, 1) = 255;
  instance.keypoints = {{{1, 2}, 2, 0.25, 2}, {{4, 6}, 1, -1, 1}};
  sample.instances.push_back(instance);
  SemanticMask mask;
  mask.pixels = cv::Mat::zeros(8, 10, CV_8UC1);
  mask.pixels.at<std::uint8_t>(2, 1) = 3;
  sample.masks["classes"] = mask;
  return sample;
}

double ApartBy(Point a, Point b) { return std::hypot(a.x - b.x, a.y - b.y); }

TEST_CASE("reference: a mirror moves labels and swaps sides") {
  const Outcome o = Replay({OpStep("hflip")}, Labelled(), {Entry("hflip")});
  REQUIRE(o.problems.empty());
  const Instance& i = o.instances.at(0);
  CHECK(i.label == 3);
  CHECK((*i.quad)[0] == Point{9, 2});
  CHECK((*i.quad)[2] == Point{6, 6});
  CHECK(i.polygons[0].rings[0][2] == Point{9, 6});
  CHECK(i.keypoints[1].at == Point{9, 2});
  CHECK(i.keypoints[1].visibility == 2);
  CHECK(i.keypoints[1].angle == doctest::Approx(std::numbers::pi - 0.25));
  CHECK(i.keypoints[1].scale == 2);
  CHECK(i.keypoints[0].at == Point{6, 6});
  CHECK(i.mask.at<std::uint8_t>(2, 8) == 255);
  CHECK(o.masks.at("classes").at<std::uint8_t>(2, 8) == 2);

  const Outcome twice =
      Replay({OpStep("hflip"), OpStep("vflip")}, Labelled(), {Entry("hflip"), Entry("vflip")});
  CHECK(twice.instances[0].label == 2);
  CHECK(twice.masks.at("classes").at<std::uint8_t>(5, 8) == 3);
}

TEST_CASE("reference: scale, angle and uncovered masks") {
  const Outcome resized = Replay({ResizeStep(32, 10)}, Labelled(), {Entry("resize")});
  const Keypoint& k = resized.instances.at(0).keypoints[0];
  CHECK(k.at == Point{1, 8});
  CHECK(k.scale == doctest::Approx(4));  // sqrt(1 * 4) of 2
  CHECK(k.angle == doctest::Approx(std::atan2(4 * std::sin(0.25), std::cos(0.25))));

  const Outcome turned = Replay({OpStep("rotate")}, Labelled(), {Entry("rotate", {{"angle", 90}})});
  // About (5, 4): right becomes up.
  CHECK(ApartBy(turned.instances.at(0).keypoints[0].at, {3, 8}) < 1e-12);
  CHECK(turned.instances[0].keypoints[0].angle == doctest::Approx(0.25 - std::numbers::pi / 2));

  const Outcome cut = Replay({CropStep(-1, 0, 3, 8)}, Labelled(), {Entry("crop")});
  REQUIRE(cut.problems.empty());
  CHECK(cut.masks.at("classes").cols == 4);
  CHECK(cut.masks.at("classes").at<std::uint8_t>(2, 0) == 255);
  CHECK(cut.masks.at("classes").at<std::uint8_t>(2, 2) == 3);
  CHECK(cut.instances[0].mask.at<std::uint8_t>(2, 0) == 0);
  CHECK(cut.instances[0].mask.at<std::uint8_t>(2, 2) == 255);
  CHECK((*cut.instances[0].quad)[2] == Point{5, 6});  // not clipped
}

TEST_CASE("reference: a displaced point is where its pixel went") {
  Field64 field{{20, 16}, {}, {}};
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 20; ++x) {
      field.dx.push_back(1.5 * std::sin(0.3 * y + 0.2 * x));
      field.dy.push_back(1.5 * std::cos(0.3 * x));
    }
  }
  for (const Point p : {Point{3, 4}, Point{10.25, 8.5}, Point{19.5, 0.5}, Point{-6, 30}}) {
    const Point q = SolveField(field, p);
    CHECK(ApartBy(q + field.At(q), p) < 1e-9);
  }
  CHECK(field.At({0.5, 0.5}) == Point{0, 1.5});
  CHECK(ApartBy(field.At({1, 0.5}),
                {(field.dx[0] + field.dx[1]) / 2, (field.dy[0] + field.dy[1]) / 2}) < 1e-15);
}

TEST_CASE("reference: a field of another size uses the normalised map") {
  Sample sample = SampleOf(Bytes(1, 4, {0, 0, 0, 0}));
  sample.images.emplace_back("target", ImageField::Of(Bytes(1, 2, {0, 100})));
  const Outcome o = Replay({OpStep("hflip"), ResizeStep(2, 8)}, std::move(sample),
                           {Entry("hflip"), Entry("resize")});
  REQUIRE(o.problems.empty());
  CHECK(o.Image().size == Size{8, 2});
  CHECK(o.Image("target").size == Size{4, 2});
  CHECK(o.Image("target").values == Row{100, 75, 25, 0, 100, 75, 25, 0});
}

TEST_CASE("reference: photometric steps take the fields and frames they name") {
  const auto sample = [] {
    Sample s = SampleOf(Bytes(1, 1, {51}));
    s.images[0].second.frames.push_back({nullptr, Bytes(1, 1, {102})});
    s.images.emplace_back("target", ImageField::Of(Bytes(1, 1, {51})));
    return s;
  };
  const RecipeEntry two = Entry("gamma", {{"gamma", 2}});
  const RecipeEntry one = Entry("gamma", {{"gamma", 1}});
  ChainStep step = OpStep("gamma", {{"gamma", Pair(1, 2)}});
  const auto values = [](const Outcome& o) {
    REQUIRE(o.problems.empty());
    return Row{o.images[0].second[0].values[0], o.images[0].second[1].values[0],
               o.images[1].second[0].values[0]};
  };
  CHECK(values(Replay({step}, sample(), {two})) == Row{10, 41, 10});
  step.fields = {"image"};
  CHECK(values(Replay({step}, sample(), {two})) == Row{10, 41, 51});
  step.scope = Scope::kFrame;
  CHECK(values(Replay({step}, sample(), {one, two})) == Row{51, 41, 51});
}

// Gives pictures of the size asked for and remembers how it was asked.
class SizeCodec final : public Codec {
 public:
  Result<ImageHeader> ReadHeader(std::span<const std::uint8_t>) const override {
    return ImageHeader{};
  }
  Result<DecodedImage> Decode(std::span<const std::uint8_t>, const ImageHeader& header,
                              const DecodeRequest& request) const override {
    asked = request.denominator;
    const auto part = [&](int n) { return (n + request.denominator - 1) / request.denominator; };
    return DecodedImage{
        cv::Mat(part(header.size.height), part(header.size.width), CV_8UC1, cv::Scalar(70)), 0};
  }
  Result<std::vector<std::uint8_t>> Encode(const cv::Mat&, const EncodeRequest&) const override {
    return std::vector<std::uint8_t>{};
  }
  mutable int asked = 0;
};

TEST_CASE("reference: JPEGs decode at the smallest scale that keeps the final size") {
  SizeCodec codec;
  Context context;
  context.codec = &codec;
  const auto ask = [&](const std::vector<ChainStep>& steps, const std::vector<RecipeEntry>& entries,
                       bool exact = false, ImageFormat format = ImageFormat::kJpeg) {
    auto header = std::make_shared<ImageHeader>();
    header->format = format;
    header->size = {101, 80};
    header->channels = 1;
    auto encoded = std::make_shared<EncodedImage>();
    encoded->header = header;
    encoded->exact = exact;
    Sample sample;
    sample.images.emplace_back("image", ImageField{});
    sample.images[0].second.frames.push_back({encoded, {}});
    const Outcome o = Replay(steps, std::move(sample), entries, context);
    REQUIRE(o.problems.empty());
    for (double v : o.Image().values) REQUIRE(v == 70);
    return codec.asked;
  };
  const std::vector<RecipeEntry> resize{Entry("resize")};
  CHECK(ask({ResizeStep(20, 25)}, resize) == 4);
  CHECK(ask({ResizeStep(20, 26)}, resize) == 2);
  CHECK(ask({ResizeStep(10, 12)}, resize) == 8);
  CHECK(ask({ResizeStep(41, 12)}, resize) == 1);
  CHECK(ask({ResizeStep(10, 12)}, resize, true) == 1);
  CHECK(ask({ResizeStep(10, 12)}, resize, false, ImageFormat::kPng) == 1);
  CHECK(ask({ResizeStep(10, 12, "nearest")}, resize) == 1);
  CHECK(ask({ResizeStep(10, 12, "antialias")}, resize) == 8);
  CHECK(ask({OpStep("hflip")}, {Entry("hflip")}) == 1);
  CHECK(ask({CropStep(7, 9, 57, 59), ResizeStep(25, 12)}, {Entry("crop"), Entry("resize")}) == 2);
  // A colour step needs pixels as they are.
  CHECK(ask({OpStep("gamma", {{"gamma", Num(1)}}), ResizeStep(10, 12)},
            {Entry("gamma", {{"gamma", 1}}), Entry("resize")}) == 1);
  CHECK(ask({}, {}) == 1);
}

// ---- Recipes ------------------------------------------------------------------------------------

std::size_t Problems(const std::vector<ChainStep>& steps, const std::vector<RecipeEntry>& entries) {
  return Replay(steps, SampleOf(Bytes(2, 2, {1, 2, 3, 4})), entries).problems.size();
}

TEST_CASE("reference: recipes are checked") {
  const ChainStep rotate = OpStep("rotate", {{"angle", Pair(-10, 10)}});
  const ChainStep maybe = OpStep("hflip", {}, 0.5);
  CHECK(Problems({rotate}, {Entry("rotate", {{"angle", 5}})}) == 0);
  CHECK(Problems({rotate}, {Entry("rotate", {{"angle", 11}})}) == 1);
  CHECK(Problems({rotate}, {Entry("rotate")}) == 1);
  CHECK(Problems({rotate}, {Entry("rotate", {{"angle", 5}, {"angle", 5}})}) == 1);
  CHECK(Problems({rotate}, {Entry("rotate", {{"angle", 5}}, false)}) == 1);
  CHECK(Problems({rotate}, {}) == 1);
  CHECK(Problems({rotate}, {Entry("hflip")}) == 1);
  CHECK(Problems({}, {Entry("hflip")}) == 1);
  CHECK(Problems({maybe}, {Entry("hflip", {}, false)}) == 0);
  CHECK(Problems({maybe}, {Entry("hflip")}) == 0);
  CHECK(Problems({maybe, rotate}, {Entry("rotate", {{"angle", 5}}), Entry("hflip")}) == 1);

  const Value set = Value::Map({{"choice", {}, Pair(-90, 90)}});
  const ChainStep choice = OpStep("rotate", {{"angle", set}});
  CHECK(Problems({choice}, {Entry("rotate", {{"angle", 90}})}) == 0);
  CHECK(Problems({choice}, {Entry("rotate", {{"angle", 45}})}) == 1);

  const ChainStep crop = OpStep("random_crop", {{"size", Num(1)}});
  CHECK(Problems({crop}, {Entry("random_crop", {{"x", 1}, {"y", 0}})}) == 0);
  CHECK(Problems({crop}, {Entry("random_crop", {{"x", 2}, {"y", 0}})}) == 1);
  const ChainStep larger = OpStep("random_crop", {{"size", Num(5)}});
  CHECK(Problems({larger}, {Entry("random_crop", {{"x", -2}, {"y", -2}})}) == 0);
  CHECK(Problems({larger}, {Entry("random_crop", {{"x", -1}, {"y", -2}})}) == 1);
}

TEST_CASE("reference: choices follow what was picked") {
  const std::vector<ChainStep> both{OpStep("hflip"), OpStep("vflip")};
  const auto run = [&](Kind kind, const DrawList& draws, std::vector<std::string> then,
                       bool applied = true) {
    ChainStep step = Group(kind, "choice", both, 0.5);
    step.count_min = 1, step.count_max = 2;
    if (kind == Kind::kSometimes) step.otherwise = {OpStep("resize", {{"size", Num(1)}})};
    std::vector<RecipeEntry> entries{Entry("choice", draws, applied)};
    for (const std::string& verb : then) entries.push_back(Entry(verb));
    const Outcome o = Replay({step}, SampleOf(Bytes(2, 2, {1, 2, 3, 4})), entries);
    return o.problems.empty() ? o.Image().values : Row{};
  };
  const Row as_it_was{1, 2, 3, 4};
  const Row half_turn{4, 3, 2, 1};
  CHECK(run(Kind::kOneOf, {{"picked", 1}}, {"vflip"}) == Row{3, 4, 1, 2});
  CHECK(run(Kind::kOneOf, {{"picked", 1}}, {"hflip"}).empty());
  CHECK(run(Kind::kOneOf, {{"picked", 2}}, {}).empty());
  CHECK(run(Kind::kOneOf, {}, {}).empty());
  CHECK(run(Kind::kOneOf, {}, {}, false) == as_it_was);
  CHECK(run(Kind::kSomeOf, {{"picked", 0}, {"picked", 1}}, {"hflip", "vflip"}) == half_turn);
  CHECK(run(Kind::kSomeOf, {{"picked", 1}, {"picked", 0}}, {"vflip", "hflip"}).empty());
  CHECK(run(Kind::kRandomOrder, {{"picked", 1}, {"picked", 0}}, {"vflip", "hflip"}) == half_turn);
  CHECK(run(Kind::kRandomOrder, {{"picked", 1}}, {"vflip"}).empty());
  CHECK(run(Kind::kRandomOrder, {{"picked", 1}, {"picked", 1}}, {"vflip", "vflip"}).empty());
  CHECK(run(Kind::kSequence, {}, {"hflip", "vflip"}) == half_turn);
  CHECK(run(Kind::kSequence, {}, {}, false) == as_it_was);
  CHECK(run(Kind::kSometimes, {}, {"hflip", "vflip"}) == half_turn);
  CHECK(run(Kind::kSometimes, {}, {"resize"}, false) == Row{3});  // the mean, 2.5, half up
}

TEST_CASE("reference: comparisons") {
  const cv::Mat image = Bytes(2, 2, {1, 2, 3, 4});
  const Outcome o = Replay({}, SampleOf(image), {});
  CHECK(MaxDifference(o.Image(), image) == 0);
  CHECK(MaxDifference(o.Image(), Bytes(2, 2, {1, 2, 3, 6})) == 2);
  CHECK(CountDifferences(o.Image(), Bytes(2, 2, {1, 3, 3, 6}), 1) == 1);
  CHECK(std::isinf(MaxDifference(o.Image(), Bytes(1, 4, {1, 2, 3, 4}))));
  const Outcome labelled = Replay({}, Labelled(), {});
  Sample other = Labelled();
  CHECK(LabelDifference(labelled, other) == 0);
  CHECK(MaskDifferences(labelled, other) == 0);
  other.instances[0].keypoints[0].at.x += 0.5;
  other.masks.at("classes").pixels.at<std::uint8_t>(0, 0) = 9;
  CHECK(LabelDifference(labelled, other) == 0.5);
  CHECK(MaskDifferences(labelled, other) == 1);
}

}  // namespace
}  // namespace pixloom::reference
