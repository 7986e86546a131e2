// SPDX-License-Identifier: Apache-2.0
// What the sinks coco, yolo, voc and tar do with single samples; export_test.py reads whole sets.
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "datasets/coco_sink.h"
#include "datasets/tar_sink.h"
#include "datasets/voc_sink.h"
#include "datasets/yolo_sink.h"
#include "tests/datasets/folder_fixture.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Bytes;
using testing::Slurp;
using testing::Strings;
using testing::TemporaryDirectory;
using testing::TestPicture;
using testing::TheCodec;

constexpr ExportPictures kPng{ImageFormat::kPng, 95};

std::shared_ptr<const LabelNames> Names(Strings classes, Strings keypoints = {}) {
  auto names = std::make_shared<LabelNames>();
  names->classes = std::move(classes);
  names->keypoints = std::move(keypoints);
  return names;
}

Sample MakeSample(const std::string& key, std::vector<Instance> instances = {},
                  std::shared_ptr<const LabelNames> names = Names({"cat", "dog"})) {
  Sample sample;
  sample.key = key;
  sample.source = "photos";
  sample.identity.id = SampleId("photos", key);
  sample.images.emplace_back("image", ImageField::Of(TestPicture(20, 10, 3, 1)));
  sample.instances = std::move(instances);
  sample.names = std::move(names);
  return sample;
}

Instance Boxed(int label, Quad quad) {
  Instance instance;
  instance.label = label;
  instance.quad = quad;
  return instance;
}

Polygon Shape(std::vector<std::vector<Point>> rings) { return {std::move(rings)}; }

// A run of one sink; what it notices is kept.
struct Writer {
  explicit Writer(std::unique_ptr<Sink> made, bool overwrite = false, Strings sources = {"photos"})
      : sink(std::move(made)) {
    RunInfo run;
    run.overwrite = overwrite;
    run.source_names = std::move(sources);
    run.notice = [this](const std::string& text) { notices.push_back(text); };
    sink->Open(run, {});
  }
  void Add(Sample sample) {
    auto prepared = sink->Prepare(std::move(sample));
    REQUIRE_MESSAGE(prepared.Ok(), prepared.Error().message);
    CHECK((*prepared)->Bytes() > 0);
    sink->Write(std::move(*prepared));
  }
  std::string Refused(Sample sample) const {
    const auto prepared = sink->Prepare(std::move(sample));
    return prepared.Ok() ? "" : prepared.Error().code;
  }
  void Close(bool complete = true) { sink->Close(complete); }

  std::unique_ptr<Sink> sink;
  Strings notices;
};

std::unique_ptr<Sink> Coco(const fs::path& path) {
  return MakeCocoSink({.path = path.string(), .pictures = kPng}, TheCodec());
}
std::unique_ptr<Sink> Yolo(const fs::path& path, YoloTask task = YoloTask::kDetect) {
  return MakeYoloSink({.path = path.string(), .task = task, .pictures = kPng}, TheCodec());
}
std::unique_ptr<Sink> Voc(const fs::path& path, const std::string& mask = "") {
  return MakeVocSink({.path = path.string(), .mask = mask, .pictures = kPng}, TheCodec());
}
std::unique_ptr<Sink> Tar(const fs::path& path, std::uint64_t rows = 10) {
  return MakeTarSink({.path = path.string(), .rows = rows, .pictures = kPng}, TheCodec());
}

TEST_CASE("names: extensions go, odd characters are replaced, twins get an id") {
  TemporaryDirectory out;
  Writer coco(Coco(out.path));
  for (const char* key :
       {"a b/\xC3\xA4.x.JPG", "a.jpg", "a.png", "n\n\\\xE9.bmp", "noext", " s .png"}) {
    coco.Add(MakeSample(key));
  }
  coco.Close();
  std::vector<std::string> names;
  const json index = json::parse(Slurp(out.path / "annotations.json"));
  for (const auto& image : index["images"]) {
    names.push_back(image["file_name"]);
    CHECK(fs::exists(out.path / "images" / names.back()));
  }
  const std::string twin = fmt::format("a-{:016x}.png", SampleId("photos", "a.png"));
  CHECK(names == Strings{"a b/\xC3\xA4.x.png", "a.png", twin, "n___.png", "noext.png", "_s_.png"});

  TemporaryDirectory flat;
  Writer yolo(Yolo(flat.path), false, {"photos", "drawings"});
  yolo.Add(MakeSample("images/a.b.jpg"));
  yolo.Close();
  CHECK(flat.Files() ==
        Strings{"data.yaml", "images/photos_images_a.b.png", "labels/photos_images_a.b.txt"});
}

TEST_CASE("keys that leave the output or hide in it are refused by every sink") {
  TemporaryDirectory out;
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(Coco(out.path / "coco"));
  sinks.push_back(Yolo(out.path / "yolo"));
  sinks.push_back(Voc(out.path / "voc"));
  sinks.push_back(Tar(out.path / "tar/set"));
  for (auto& sink : sinks) {
    const Writer writer(std::move(sink));
    for (const std::string& key :
         {std::string("../x.jpg"), std::string("a/../../x"), std::string("/etc/x.jpg"),
          std::string("a//x"), std::string("a\0b", 3), std::string(".hidden.jpg"),
          std::string("a/.jpg"), std::string(250, 'n'), std::string()}) {
      CAPTURE(key);
      CHECK(writer.Refused(MakeSample(key)) == "IO-NAME");
    }
  }
}

TEST_CASE("what files cannot hold is refused before the run") {
  Meta meta;
  meta.channels = 3;
  meta.depth = Depth::kU8;
  const auto sink = MakeCocoSink({.path = "x", .pictures = {}}, TheCodec());
  CHECK(sink->Refuses(meta).empty());
  meta.depth = Depth::kU16;
  CHECK(sink->Refuses(meta).find("JPEG files cannot hold uint16") == 0);
  CHECK(Coco("x")->Refuses(meta).empty());
  meta.depth = Depth::kF32;
  CHECK(Tar("x")->Refuses(meta).find("PNG files cannot hold float32") == 0);
  meta.depth = Depth::kU8;
  meta.channels = 4;
  CHECK(sink->Refuses(meta).find("format: png") != std::string::npos);
  CHECK(Voc("x")->Refuses(meta).empty());
  meta.planar = true;
  CHECK(!Yolo("x")->Refuses(meta).empty());
  TemporaryDirectory out;
  Sample clip = MakeSample("clip");
  clip.images[0].second.frames.push_back({nullptr, TestPicture(20, 10, 3, 2)});
  CHECK(Writer(Coco(out.path)).Refused(std::move(clip)) == "ENC-TYPE");
}

TEST_CASE("coco: outlines, holes, bits, crowds, keypoints, attributes") {
  TemporaryDirectory out;
  Writer coco(Coco(out.path));
  Instance parts = Boxed(1, BoxQuad(-2, 1, 8, 9));
  parts.polygons = {Shape({{{-2, 1}, {2, 1}, {2, 5}, {-2, 5}}}), Shape({{{4, 4}, {8, 4}, {8, 9}}})};
  parts.attributes = {{"pose", "lying"}, {"iscrowd", "0"}};
  parts.keypoints = {{{1, 2}, 2, 0, 1}, {{-1, 2}, 2, 0, 1}, {{7, 7}, 1, 0, 1}};
  Instance holed = Boxed(0, BoxQuad(0, 0, 6, 6));
  holed.polygons = {Shape({{{0, 0}, {6, 0}, {6, 6}, {0, 6}}, {{2, 2}, {2, 4}, {4, 4}, {4, 2}}})};
  Instance bits;
  bits.label = 0;
  bits.mask = cv::Mat::zeros(10, 20, CV_8UC1);
  bits.mask(cv::Rect(3, 4, 5, 2)) = 255;
  Instance crowd = parts;
  crowd.attributes["iscrowd"] = "1";
  Instance runs;
  runs.label = 0;
  runs.rle = EncodeRle(bits.mask);
  Instance classless = Boxed(0, BoxQuad(0, 0, 6, 6));
  classless.label.reset();
  Instance partless;
  partless.label = 1;
  Sample sample = MakeSample("a", {parts, holed, bits, crowd, runs, classless, partless},
                             Names({"cat", "dog"}, {"l", "r", "t"}));
  sample.masks["road"] = {cv::Mat(10, 20, CV_8UC1, cv::Scalar(1)), 255};
  coco.Add(std::move(sample));
  CHECK(!fs::exists(out.path / "annotations.json"));
  coco.Close();

  const json index = json::parse(Slurp(out.path / "annotations.json"));
  const json& list = index["annotations"];
  REQUIRE(list.size() == 5);
  CHECK(list[0]["id"] == 1);
  CHECK(list[0]["category_id"] == 2);
  CHECK(list[0]["bbox"] == json{0.0, 1.0, 8.0, 8.0});
  CHECK(list[0]["segmentation"].size() == 2);
  CHECK(list[0]["segmentation"][1] == json{4.0, 4.0, 8.0, 4.0, 8.0, 9.0});
  CHECK(list[0]["area"] == 8.0 + 10.0);
  CHECK(list[0]["iscrowd"] == 0);
  CHECK(list[0]["attributes"] == json{{"pose", "lying"}});
  CHECK(list[0]["keypoints"] == json{1.0, 2.0, 2, 0.0, 0.0, 0, 7.0, 7.0, 1});
  CHECK(list[0]["num_keypoints"] == 2);
  const auto decoded = [](const json& segmentation) {
    const Size size{segmentation["size"][1], segmentation["size"][0]};
    auto rle = RleFromText(segmentation["counts"].get<std::string>(), size);
    REQUIRE(rle.Ok());
    return DecodeRle(*rle);
  };
  CHECK(list[1]["area"] == 32.0);
  CHECK(cv::countNonZero(decoded(list[1]["segmentation"])) == 32);
  CHECK(list[2]["bbox"] == json{3.0, 4.0, 5.0, 2.0});
  CHECK(cv::norm(decoded(list[2]["segmentation"]), bits.mask, cv::NORM_INF) == 0);
  CHECK(list[3]["iscrowd"] == 1);
  CHECK(list[3]["segmentation"].contains("counts"));
  CHECK(list[4]["segmentation"] == list[2]["segmentation"]);
  CHECK(list[4]["bbox"] == list[2]["bbox"]);
  CHECK(index["categories"][1]["keypoints"] == json{"l", "r", "t"});
  CHECK(coco.notices.size() == 3);
  CHECK(coco.notices[0].find("1 objects left out: no class") != std::string::npos);
}

TEST_CASE("classes of several sources are united by name; labels without names keep numbers") {
  TemporaryDirectory out;
  Writer coco(Coco(out.path));
  const Quad quad = BoxQuad(0, 0, 5, 5);
  coco.Add(MakeSample("a", {Boxed(1, quad)}, Names({"cat", "dog"})));
  coco.Add(MakeSample("b", {Boxed(0, quad), Boxed(1, quad)}, Names({"dog", "emu"})));
  coco.Add(MakeSample("c", {Boxed(4, quad)}, nullptr));
  coco.Close();
  const json index = json::parse(Slurp(out.path / "annotations.json"));
  Strings names;
  for (const auto& category : index["categories"]) names.push_back(category["name"]);
  CHECK(names == Strings{"cat", "dog", "emu", "class_3", "class_4"});
  std::vector<int> ids;
  for (const auto& annotation : index["annotations"]) ids.push_back(annotation["category_id"]);
  CHECK(ids == std::vector<int>{2, 2, 3, 5});
}

TEST_CASE("yolo: lines of each task") {
  const auto lines = [](YoloTask task, Instance instance) {
    TemporaryDirectory out;
    Writer yolo(Yolo(out.path, task));
    yolo.Add(MakeSample("a", {std::move(instance)}, Names({"cat", "dog"}, {"l", "r"})));
    yolo.Add(MakeSample("empty"));
    yolo.Close();
    CHECK(fs::file_size(out.path / "labels/empty.txt") == 0);
    return Slurp(out.path / "labels/a.txt");
  };
  Instance box = Boxed(1, BoxQuad(-5, 2, 10, 7));
  CHECK(lines(YoloTask::kDetect, box) == "1 0.250000 0.450000 0.500000 0.500000\n");
  CHECK(lines(YoloTask::kSegment, box) ==
        "1 0.000000 0.200000 0.500000 0.200000 0.500000 0.700000 0.000000 0.700000\n");
  box.keypoints = {{{2, 3}, 1, 0, 1}};
  CHECK(lines(YoloTask::kPose, box) ==
        "1 0.250000 0.450000 0.500000 0.500000 0.100000 0.300000 1 0.000000 0.000000 0\n");
  Instance turned = Boxed(0, Quad{Point{4, 1}, Point{8, 3}, Point{6, 7}, Point{-2, 5}});
  turned.oriented = true;
  CHECK(lines(YoloTask::kObb, turned) ==
        "0 0.200000 0.100000 0.400000 0.300000 0.300000 0.700000 0.000000 0.500000\n");
  CHECK(lines(YoloTask::kDetect, Boxed(0, BoxQuad(3, 3, 3.000001, 5))).empty());
}

TEST_CASE("yolo: holes and parts are joined by bridges, and masks are walked around") {
  TemporaryDirectory out;
  Writer yolo(Yolo(out.path, YoloTask::kSegment));
  Instance holed = Boxed(0, BoxQuad(0, 0, 10, 10));
  holed.polygons = {
      Shape({{{0, 0}, {10, 0}, {10, 10}, {0, 10}}, {{2, 2}, {2, 6}, {6, 6}, {6, 2}}})};
  Instance bits;
  bits.label = 1;
  bits.mask = cv::Mat::zeros(10, 20, CV_8UC1);
  bits.mask(cv::Rect(2, 2, 5, 5)) = 255;
  bits.mask(cv::Rect(4, 4, 1, 1)) = 0;
  bits.mask(cv::Rect(7, 7, 2, 2)) = 255;  // touches at a corner
  yolo.Add(MakeSample("a", {holed, bits}));
  yolo.Close();
  CHECK(yolo.notices.empty());
  std::istringstream text(Slurp(out.path / "labels/a.txt"));
  std::vector<double> areas;
  for (std::string line; std::getline(text, line);) {
    std::istringstream numbers(line);
    int label = 0;
    numbers >> label;
    std::vector<Point> ring;
    for (double x = 0, y = 0; numbers >> x >> y;) ring.emplace_back(x * 20, y * 10);
    areas.push_back(std::abs(SignedArea(ring)));
  }
  REQUIRE(areas.size() == 2);
  CHECK(areas[0] == doctest::Approx(100 - 16));
  CHECK(areas[1] == doctest::Approx(24 + 4));
}

TEST_CASE("yolo: keypoints without names are an error of their sample") {
  TemporaryDirectory out;
  const Writer yolo(Yolo(out.path, YoloTask::kPose));
  Instance box = Boxed(0, BoxQuad(0, 0, 5, 5));
  box.keypoints = {{{2, 3}, 1, 0, 1}};
  CHECK(yolo.Refused(MakeSample("a", {box})) == "ENC-LABEL");
}

TEST_CASE("yolo: pictures of an earlier run are named") {
  TemporaryDirectory out;
  out.Put("images/old.png", Bytes(3, 'x'));
  out.Put("data.yaml", Bytes(3, 'x'));
  CHECK_THROWS_AS(Writer(Yolo(out.path)), OutputBusyError);
  Writer yolo(Yolo(out.path), true);
  CHECK(!fs::exists(out.path / "data.yaml"));
  yolo.Add(MakeSample("a"));
  yolo.Close();
  REQUIRE(yolo.notices.size() == 1);
  CHECK(yolo.notices[0].find("1 pictures of an earlier run") != std::string::npos);
}

TEST_CASE("voc: boxes count from 1 with both ends inside; text is escaped") {
  TemporaryDirectory out;
  Writer voc(Voc(out.path));
  Instance one = Boxed(0, BoxQuad(3, 4, 8, 6));
  one.attributes = {
      {"truncated", "true"}, {"difficult", "1"}, {"pose", "Left"}, {"a<b", "\"&\x01"}};
  voc.Add(MakeSample("x & y", {one, Boxed(1, BoxQuad(3.4, 4.9995, 8.0005, 99))},
                     Names({"cat", "<dog>"})));
  voc.Close();
  CHECK(out.Files() ==
        Strings{"Annotations/x & y.xml", "ImageSets/Main/all.txt", "JPEGImages/x & y.png"});
  const std::string xml = Slurp(out.path / "Annotations/x & y.xml");
  const auto has = [&](const std::string& text) { return xml.find(text) != std::string::npos; };
  const auto tight = [](std::string text) {
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
    return text;
  };
  CHECK(has("<filename>x &amp; y.png</filename>"));
  CHECK(has("<name>&lt;dog&gt;</name>"));
  CHECK(has("<truncated>1</truncated>"));
  CHECK(has("<difficult>1</difficult>"));
  CHECK(has("<pose>Left</pose>"));
  CHECK(has("<name>a&lt;b</name>"));
  CHECK(has("<value>\"&amp;?</value>"));
  CHECK(tight(xml).find("<xmin>4</xmin><ymin>5</ymin><xmax>8</xmax><ymax>6</ymax>") !=
        std::string::npos);
  CHECK(tight(xml).find("<xmin>4</xmin><ymin>6</ymin><xmax>8</xmax><ymax>10</ymax>") !=
        std::string::npos);
}

TEST_CASE("voc: masks from objects, or a semantic one") {
  TemporaryDirectory out;
  Writer voc(Voc(out.path, "road"));
  Instance shape = Boxed(1, BoxQuad(0, 0, 4, 4));
  shape.polygons = {Shape({{{0, 0}, {4, 0}, {4, 4}, {0, 4}}})};
  voc.Add(MakeSample("drawn", {Boxed(0, BoxQuad(0, 0, 9, 9)), shape}));
  Sample semantic = MakeSample("semantic", {shape});
  semantic.masks["road"] = {cv::Mat(10, 20, CV_16UC1, cv::Scalar(7)), 1000};
  semantic.masks["road"].pixels.at<std::uint16_t>(0, 0) = 1000;
  voc.Add(std::move(semantic));
  Sample large = MakeSample("large");
  large.masks["road"] = {cv::Mat(10, 20, CV_16UC1, cv::Scalar(300)), 1000};
  voc.Add(std::move(large));
  voc.Close();
  const auto colour = [&](const std::string& name, int x, int y) {
    const std::string text = Slurp(out.path / name);
    const Bytes bytes(text.begin(), text.end());
    auto image = TheCodec().Decode(bytes, *TheCodec().ReadHeader(bytes), {});
    REQUIRE(image.Ok());
    return image->pixels.at<cv::Vec3b>(y, x);
  };
  CHECK(colour("SegmentationClass/drawn.png", 1, 1) == cv::Vec3b(0, 128, 0));   // 2
  CHECK(colour("SegmentationObject/drawn.png", 3, 3) == cv::Vec3b(0, 128, 0));  // 2nd
  CHECK(colour("SegmentationClass/drawn.png", 4, 4) == cv::Vec3b(0, 0, 0));
  CHECK(colour("SegmentationClass/semantic.png", 0, 0) == cv::Vec3b(224, 224, 192));  // 255
  CHECK(colour("SegmentationClass/semantic.png", 9, 9) == cv::Vec3b(128, 128, 128));  // 7
  CHECK(Slurp(out.path / "ImageSets/Segmentation/all.txt") == "drawn\nsemantic\n");
  CHECK(Slurp(out.path / "ImageSets/Main/all.txt") == "drawn\nsemantic\nlarge\n");
  CHECK(Slurp(out.path / "labelmap.txt").find("\ndog:0,128,0::\n") != std::string::npos);
}

TEST_CASE("tar: shards, names without dots, long names") {
  TemporaryDirectory out;
  Writer tar(Tar(out.path / "in/set", 2));
  const std::string deep = std::string(90, 'd') + "/" + std::string(95, 'e');
  Sample labelled = MakeSample("a.b.jpg");
  labelled.labels.label = 1;
  tar.Add(std::move(labelled));
  CHECK(out.Files() == Strings{"in/.set.lock", "in/.set.shard"});
  tar.Add(MakeSample(deep));
  CHECK(fs::exists(out.path / "in/set-000000.tar"));
  tar.Add(MakeSample(std::string(200, 'n')));
  tar.Close();
  CHECK(out.Files() == Strings{"in/set-000000.tar", "in/set-000001.tar", "in/set.json"});
  const std::string first = Slurp(out.path / "in/set-000000.tar");
  CHECK(first.size() % 512 == 0);
  CHECK(first.starts_with("a_b.cls"));
  CHECK(first[512] == '1');
  CHECK(first.find("pax_header") == std::string::npos);
  CHECK(Slurp(out.path / "in/set-000001.tar").find(" path=" + std::string(200, 'n') + ".png\n") !=
        std::string::npos);
  const json index = json::parse(Slurp(out.path / "in/set.json"));
  CHECK(index["shards"][0]["samples"] == 2);
  CHECK(index["shards"][0]["bytes"] == first.size());
  CHECK(index["classes"] == json{"cat", "dog"});

  CHECK_THROWS_AS(Writer(Tar(out.path / "in/set")), OutputBusyError);
  Writer again(Tar(out.path / "in/set"), true);
  CHECK_THROWS_AS(Writer(Tar(out.path / "in/set"), true), OutputBusyError);  // locked
  again.Add(MakeSample("z"));
  again.Close();
  CHECK(out.Files() == Strings{"in/set-000000.tar", "in/set.json"});
}

TEST_CASE("a run that stops leaves no mark of a complete set, and nothing unfinished") {
  TemporaryDirectory out;
  const auto stop = [&](std::unique_ptr<Sink> sink) {
    Writer writer(std::move(sink), true);
    writer.Add(MakeSample("a", {Boxed(0, BoxQuad(0, 0, 5, 5))}));
    writer.Close(false);
  };
  stop(Coco(out.path / "coco"));
  stop(Yolo(out.path / "yolo"));
  stop(Voc(out.path / "voc"));
  stop(Tar(out.path / "tar/set"));
  CHECK(out.Files() == Strings{"coco/images/a.png", "voc/Annotations/a.xml", "voc/JPEGImages/a.png",
                               "yolo/images/a.png", "yolo/labels/a.txt"});
  // So does one that is destroyed in the middle.
  {
    Writer coco(Coco(out.path / "coco"), true);
    coco.Add(MakeSample("a"));
  }
  CHECK(!fs::exists(out.path / "coco/.tmp"));
  CHECK(!fs::exists(out.path / "coco/.lock"));
}

}  // namespace
}  // namespace pixloom
