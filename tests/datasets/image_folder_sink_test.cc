// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <limits>

#include <nlohmann/json.hpp>

#include "datasets/image_folder.h"
#include "tests/datasets/folder_fixture.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;
using testing::Bytes;
using testing::Slurp;
using testing::SmallJpeg;
using testing::Strings;
using testing::TemporaryDirectory;
using testing::TestPicture;
using testing::TheCodec;

Sample MakeSample(const std::string& key, std::vector<std::uint32_t> branch = {},
                  cv::Mat pixels = TestPicture(8, 6, 3, 1)) {
  Sample sample;
  sample.key = key;
  sample.source = "photos";
  sample.identity.id = SampleId("photos", key);
  sample.identity.branch = std::move(branch);
  sample.images.emplace_back("image", ImageField::Of(std::move(pixels)));
  return sample;
}

RunInfo OneSource() {
  RunInfo run;
  run.source_names = {"photos"};
  return run;
}

std::unique_ptr<Sink> MakeSink(const fs::path& path, ImageFormat format = ImageFormat::kPng) {
  ImageFolderSinkParams params;
  params.path = path.string();
  params.format = format;
  return MakeImageFolderSink(params, TheCodec());
}

void WriteOne(Sink& sink, Sample sample) {
  auto prepared = sink.Prepare(std::move(sample));
  REQUIRE_MESSAGE(prepared.Ok(), prepared.Error().message);
  CHECK((*prepared)->Bytes() > 0);
  sink.Write(std::move(*prepared));
}

cv::Mat Load(const fs::path& path) {
  const std::string text = Slurp(path);
  const Bytes bytes(text.begin(), text.end());
  auto header = TheCodec().ReadHeader(bytes);
  REQUIRE(header.Ok());
  auto image = TheCodec().Decode(bytes, *header, {});
  REQUIRE(image.Ok());
  return image->pixels;
}

bool Equal(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

TEST_CASE("names depend on key and branch alone") {
  TemporaryDirectory out;
  auto sink = MakeSink(out.path);
  sink->Open(OneSource(), {});
  WriteOne(*sink, MakeSample("cat/a.jpg", {0}));
  WriteOne(*sink, MakeSample("cat/a.png", {0}));
  WriteOne(*sink, MakeSample("cat/a.jpg", {1, 2}));
  WriteOne(*sink, MakeSample("cat/a.png"));
  WriteOne(*sink, MakeSample("noext"));
  WriteOne(*sink, MakeSample("caf\xE9\n.jpg"));
  sink->Close(true);
  CHECK(out.Files() == Strings{"caf\xE9\n.jpg.json", "caf\xE9\n.jpg.png", "cat/a.jpg_0.json",
                               "cat/a.jpg_0.png", "cat/a.jpg_1-2.json", "cat/a.jpg_1-2.png",
                               "cat/a.json", "cat/a.png", "cat/a_0.json", "cat/a_0.png",
                               "noext.json", "noext.png"});
  CHECK(Equal(Load(out.path / "cat/a_0.png"), TestPicture(8, 6, 3, 1)));
  const auto json = nlohmann::json::parse(Slurp(out.path / "caf\xE9\n.jpg.json"));
  CHECK(json["key"] == "caf\\xE9\\x0A.jpg");
  CHECK(json["key_base64"] == "Y2Fm6QouanBn");
}

TEST_CASE("samples that meet under one name are both kept") {
  TemporaryDirectory out;
  auto sink = MakeSink(out.path);
  sink->Open(OneSource(), {});
  WriteOne(*sink, MakeSample("a_0.png"));
  Sample second = MakeSample("a.png", {0}, TestPicture(8, 6, 3, 2));
  second.masks["depth"] = {cv::Mat(6, 8, CV_8UC1, cv::Scalar(3)), 255};
  char name[64];
  std::snprintf(name, sizeof(name), "a_0-%016llx",
                static_cast<unsigned long long>(second.identity.id));
  WriteOne(*sink, std::move(second));
  sink->Close(true);
  CHECK(Equal(Load(out.path / "a_0.png"), TestPicture(8, 6, 3, 1)));
  CHECK(Equal(Load(out.path / (std::string(name) + ".png")), TestPicture(8, 6, 3, 2)));
  const auto json = nlohmann::json::parse(Slurp(out.path / (std::string(name) + ".json")));
  CHECK(json["image"]["file"] == std::string(name) + ".png");
  CHECK(json["masks"]["depth"]["file"] == std::string(name) + ".mask.depth.png");
  CHECK(fs::exists(out.path / (std::string(name) + ".mask.depth.png")));
}

TEST_CASE("several sources get a directory each") {
  TemporaryDirectory out;
  auto sink = MakeSink(out.path, ImageFormat::kJpeg);
  RunInfo run;
  run.source_names = {"photos", "drawings"};
  sink->Open(run, {});
  WriteOne(*sink, MakeSample("a.jpg"));
  Sample other = MakeSample("a.jpg");
  other.source = "drawings";
  WriteOne(*sink, std::move(other));
  sink->Close(true);
  CHECK(out.Files() ==
        Strings{"drawings/a.jpg", "drawings/a.json", "photos/a.jpg", "photos/a.json"});
}

TEST_CASE("the sidecar tells identity, labels and recipe") {
  TemporaryDirectory out;
  auto sink = MakeSink(out.path);
  sink->Open(OneSource(), {});
  Sample sample = MakeSample("cat/a.jpg", {2, 0});
  auto names = std::make_shared<LabelNames>();
  names->classes = {"cat", "dog"};
  sample.names = names;
  sample.labels.label = 1;
  sample.labels.soft = {0.25F, 0.75F};
  sample.scalars["score"] = 0.1;
  sample.scalars["bad"] = std::numeric_limits<double>::quiet_NaN();
  sample.text["caption"] = "two \"cats\"";
  sample.images.emplace_back("target", ImageField::Of(TestPicture(8, 6, 1, 4)));
  sample.masks["road"] = {cv::Mat(6, 8, CV_16UC1, cv::Scalar(300)), 65535};

  Instance outside;
  outside.quad = BoxQuad(20, 20, 30, 30);
  Instance box;
  box.id = 7;
  box.label = 0;
  box.quad = BoxQuad(-2, 1.1, 5, 20);
  box.mask = cv::Mat::zeros(6, 8, CV_8UC1);
  box.mask.at<std::uint8_t>(2, 3) = 255;
  box.keypoints = {{{1, 1}, 2, 0, 1}, {{-1, 1}, 2, 0, 1}};
  box.attributes["pose"] = "lying";
  Instance turned;
  turned.id = 8;
  turned.quad = Quad{Point{1, 1}, Point{3, 2}, Point{2, 4}, Point{0, 3}};
  turned.oriented = true;
  turned.polygons = {{{{{0, 0}, {4, 0}, {4, 4}}, {{1, 1}, {2, 1}, {2, 2}}}}};
  sample.instances.push_back(std::move(outside));
  sample.instances.push_back(std::move(box));
  sample.instances.push_back(std::move(turned));
  sample.recipe.entries.push_back(
      {std::make_shared<const std::string>("look/rotate"), true, {{"angle", 12.5}}});
  WriteOne(*sink, std::move(sample));
  sink->Close(true);

  CHECK(out.Files() == Strings{"cat/a.jpg_2-0.instances.png", "cat/a.jpg_2-0.json",
                               "cat/a.jpg_2-0.mask.road.png", "cat/a.jpg_2-0.png",
                               "cat/a.jpg_2-0.target.png"});
  const std::string text = Slurp(out.path / "cat/a.jpg_2-0.json");
  const auto json = nlohmann::json::parse(text);
  CHECK(json["key"] == "cat/a.jpg");
  CHECK(json["branch"] == "2-0");
  CHECK(json["source"] == "photos");
  CHECK(json["id"].get<std::string>().size() == 16);
  CHECK(json["image"] == nlohmann::json{{"file", "a.jpg_2-0.png"},
                                        {"width", 8},
                                        {"height", 6},
                                        {"channels", 3},
                                        {"depth", "uint8"}});
  CHECK(json["fields"]["target"][0] == "a.jpg_2-0.target.png");
  CHECK(json["class"] == nlohmann::json{{"index", 1}, {"name", "dog"}});
  CHECK(json["scalars"]["score"] == 0.1);
  CHECK(text.find("\"score\": 0.1") != std::string::npos);
  CHECK(json["scalars"]["bad"].is_null());
  CHECK(json["text"]["caption"] == "two \"cats\"");
  REQUIRE(json["instances"].size() == 2);
  const auto& first = json["instances"][0];
  CHECK(first["id"] == 7);
  CHECK(first["class"]["name"] == "cat");
  CHECK(first["box"] == nlohmann::json{0.0, 1.1, 5.0, 6.0});
  CHECK(!first.contains("quad"));
  CHECK(first["keypoints"] == nlohmann::json{{1.0, 1.0, 2}, {-1.0, 1.0, 0}});
  CHECK(first["attributes"]["pose"] == "lying");
  const auto& second = json["instances"][1];
  CHECK(second["quad"] == nlohmann::json{{1.0, 1.0}, {3.0, 2.0}, {2.0, 4.0}, {0.0, 3.0}});
  CHECK(second["polygons"][0].size() == 2);
  CHECK(json["recipe"][0]["step"] == "look/rotate");
  CHECK(json["recipe"][0]["draws"][0][1] == 12.5);

  const cv::Mat map = Load(out.path / "cat/a.jpg_2-0.instances.png");
  REQUIRE(map.type() == CV_16UC1);
  CHECK(map.at<std::uint16_t>(2, 3) == 1);
  CHECK(cv::countNonZero(map) == 1);
  CHECK(Load(out.path / "cat/a.jpg_2-0.mask.road.png").at<std::uint16_t>(0, 0) == 300);
  CHECK(json["masks"]["road"]["ignore_index"] == 65535);
}

TEST_CASE("recipes on request, clips by frame, encoded frames decoded") {
  TemporaryDirectory out;
  ImageFolderSinkParams params;
  params.path = (out.path / "deep/er").string();
  params.recipe = false;
  auto sink = MakeImageFolderSink(params, TheCodec());
  CHECK(sink->Location() == params.path);
  sink->Open(OneSource(), {});
  Sample clip = MakeSample("clip");
  clip.images[0].second.frames.push_back({nullptr, TestPicture(8, 6, 3, 2)});
  WriteOne(*sink, std::move(clip));

  Sample lazy = MakeSample("lazy.jpg");
  auto encoded = std::make_shared<EncodedImage>();
  encoded->bytes = SmallJpeg();
  encoded->header = std::make_shared<const ImageHeader>(*TheCodec().ReadHeader(encoded->bytes));
  lazy.images[0].second.frames[0] = {encoded, {}};
  WriteOne(*sink, std::move(lazy));
  sink->Close(true);
  const fs::path at = out.path / "deep/er";
  CHECK(out.Files() == Strings{"deep/er/clip.0000.png", "deep/er/clip.0001.png",
                               "deep/er/clip.json", "deep/er/lazy.jpg.json",
                               "deep/er/lazy.jpg.png"});
  CHECK(Load(at / "lazy.jpg.png").size() == cv::Size(20, 10));
  CHECK(!nlohmann::json::parse(Slurp(at / "clip.json")).contains("recipe"));
}

TEST_CASE("keys that would leave the output are refused") {
  TemporaryDirectory out;
  auto sink = MakeSink(out.path / "in");
  sink->Open(OneSource(), {});
  for (const std::string& key :
       {std::string("../x.jpg"), std::string("a/../../x.jpg"), std::string("/etc/x.jpg"),
        std::string("a//x.jpg"), std::string("./x.jpg"), std::string("a\0b.jpg", 7),
        std::string(".lock/x.jpg"), std::string(250, 'n') + ".jpg", std::string("")}) {
    CAPTURE(key);
    auto prepared = sink->Prepare(MakeSample(key));
    REQUIRE(!prepared.Ok());
    CHECK(prepared.Error().code == "IO-NAME");
  }
  Sample sample = MakeSample("a.jpg");
  sample.masks["../../m"] = {cv::Mat(6, 8, CV_8UC1, cv::Scalar(0)), 255};
  CHECK(!sink->Prepare(std::move(sample)).Ok());
  sink->Close(true);
  CHECK(out.Files().empty());
}

TEST_CASE("pictures that the format cannot hold are errors of their sample") {
  TemporaryDirectory out;
  auto sink = MakeSink(out.path, ImageFormat::kJpeg);
  auto deep = sink->Prepare(MakeSample("a", {}, cv::Mat(4, 4, CV_16UC3, cv::Scalar::all(1))));
  REQUIRE(!deep.Ok());
  CHECK(deep.Error().code == "ENC-TYPE");
  auto floats =
      MakeSink(out.path)->Prepare(MakeSample("a", {}, cv::Mat(4, 4, CV_32FC3, cv::Scalar::all(1))));
  REQUIRE(!floats.Ok());
  CHECK(floats.Error().code == "ENC-TYPE");
}

TEST_CASE("an output directory that is in use or not empty is refused") {
  TemporaryDirectory out;
  auto sink = MakeSink(out.path);
  sink->Open(OneSource(), {});
  std::string message;
  try {
    MakeSink(out.path)->Open(OneSource(), {});
  } catch (const OutputBusyError& e) {
    message = e.what();
  }
  CHECK(message.find("is in use by another sink of this run") != std::string::npos);

  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int code = 1;
    try {
      MakeSink(out.path)->Open(OneSource(), {});
    } catch (const OutputBusyError& e) {
      const bool named =
          std::string(e.what()).find("process " + std::to_string(::getppid())) != std::string::npos;
      code = named ? 0 : 2;
    }
    ::_exit(code);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);

  WriteOne(*sink, MakeSample("a.png"));
  sink->Close(true);
  CHECK(!fs::exists(out.path / ".lock"));
  CHECK(!fs::exists(out.path / ".tmp"));

  message.clear();
  auto again = MakeSink(out.path);
  try {
    again->Open(OneSource(), {});
  } catch (const OutputBusyError& e) {
    message = e.what();
  }
  CHECK(message.find("is not empty") != std::string::npos);
  CHECK(message.find("--overwrite") != std::string::npos);
  CHECK(!fs::exists(out.path / ".lock"));

  RunInfo run = OneSource();
  run.overwrite = true;
  again->Open(run, {});
  WriteOne(*again, MakeSample("a.png", {}, TestPicture(8, 6, 3, 5)));
  again->Close(true);
  CHECK(Equal(Load(out.path / "a.png"), TestPicture(8, 6, 3, 5)));
}

TEST_CASE("what a killed run leaves behind does not stop the next one") {
  TemporaryDirectory out;
  out.Put(".lock", Bytes{'9', '9', '\n'});
  out.Put(".tmp/file", Bytes(100, 'x'));
  auto sink = MakeSink(out.path);
  sink->Open(OneSource(), {});
  CHECK(!fs::exists(out.path / ".tmp/file"));
  WriteOne(*sink, MakeSample("a.png"));
  sink->Close(false);
  CHECK(out.Files() == Strings{"a.json", "a.png"});
}

TEST_CASE("write errors are the environment's, and say how far it got") {
  TemporaryDirectory out;
  out.Put("file", Bytes(3, 'x'));
  CHECK_THROWS_AS(MakeSink(out.path / "file")->Open(OneSource(), {}), OutputBusyError);
  auto sink = MakeSink(out.path / "in");
  sink->Open(OneSource(), {});
  // A directory stands where the picture belongs.
  fs::create_directories(out.path / "in/a.png");
  auto prepared = sink->Prepare(MakeSample("a.png"));
  REQUIRE(prepared.Ok());
  std::string message;
  try {
    sink->Write(std::move(*prepared));
  } catch (const EnvironmentError& e) {
    message = e.what();
  }
  CHECK(message.find("EISDIR") != std::string::npos);
  CHECK(message.find("bytes written") != std::string::npos);
  sink->Close(false);
  CHECK(!fs::exists(out.path / "in/a.json"));
}

TEST_CASE("a write that fails half way leaves no part of a file") {
  TemporaryDirectory out;
  // In a child, because a limit on file sizes is the whole process's.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int code = 1;
    try {
      auto sink = MakeSink(out.path);
      sink->Open(OneSource(), {});
      auto prepared = sink->Prepare(MakeSample("a.png", {}, TestPicture(100, 100, 3, 1)));
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{4096, 4096};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      sink->Write(std::move(*prepared));
    } catch (const EnvironmentError& e) {
      code = std::string(e.what()).find("4096 of") != std::string::npos ? 0 : 2;
    }
    ::_exit(code);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(out.Files().empty());
}

}  // namespace
}  // namespace pixloom
