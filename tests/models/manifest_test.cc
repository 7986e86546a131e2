// SPDX-License-Identifier: Apache-2.0
#include "models/manifest.h"

#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "models/self_check.h"
#include "pipeline/config.h"
#include "pipeline/rng.h"

namespace pixloom {
namespace {

namespace fs = std::filesystem;

struct TemporaryFolder {
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "manifest_test.XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~TemporaryFolder() { fs::remove_all(path); }
  std::string Write(const std::string& text, const std::string& name = "m.yaml") const {
    std::ofstream(path / name, std::ios::binary) << text;
    return (path / name).string();
  }
  fs::path path;
};

// What LoadManifest says about this text, without the folder.
std::string Complaint(const std::string& text) {
  const TemporaryFolder folder;
  const std::string path = folder.Write(text);
  try {
    LoadManifest(path);
    return "";
  } catch (const ModelRejectedError& error) {
    CHECK(error.Code() == "MOD-MANIFEST");
    std::string said = error.what();
    for (auto at = said.find(path); at != std::string::npos; at = said.find(path)) {
      said.replace(at, path.size(), "m");
    }
    return said;
  }
}

const std::string kHead = "pixloom_model: 1\nname: net\n";
const std::string kEnhancer = kHead +
                              "role: enhancer\n"                    // 3
                              "graphs:\n"                           // 4
                              "  main:\n"                           // 5
                              "    files: {onnx: net.onnx}\n"       // 6
                              "    inputs: {x: [3, any, -1]}\n"     // 7
                              "    outputs: {y: [3, any, any]}\n";  // 8

const std::string kVae = kHead +
                         "role: vae\n"
                         "graphs:\n"
                         "  encoder:\n"
                         "    files: {onnx: e.onnx, torchscript: e.pt}\n"
                         "    hashes: {onnx: 12345678901234567890123456789012}\n"
                         "    inputs: {x: [1, 28, 28]}\n"
                         "    outputs: {mu: [16], logvar: [16]}\n"
                         "  decoder:\n"
                         "    files: {onnx: d.onnx}\n"
                         "    inputs: {z: [16]}\n"
                         "    outputs: {y: [1, 28, 28]}\n"
                         "picture: {color: gray, range: [-1, 1], mean: 0.5, std: [0.25]}\n"
                         "latent: {dims: [16], input: z, mean: mu, log_variance: logvar}\n";

TEST_CASE("a manifest is read") {
  const TemporaryFolder folder;
  const Manifest m = LoadManifest(folder.Write(
      kEnhancer +
      "picture: {color: bgr, range: [0, 255], mean: [1, 2, 3], multiple_of: 8, least: 16}\n"
      "output: {kind: residual, sign: add, range: [-1, 1]}\n"
      "batch: {size: 4, fixed: true}\n"
      "tiling: {mode: discouraged, overlap: 24}\n"
      "precision: {fp16: true}\n"
      "training: {epochs: 20, loss: [mse, 0.5]}\n"));
  CHECK(m.name == "net");
  CHECK(m.folder == folder.path.string());
  CHECK(m.role == ModelRole::kEnhancer);
  CHECK(m.graphs.at("main").files.at("onnx") == "net.onnx");
  CHECK(m.graphs.at("main").inputs[0].dims == Dims{3, -1, -1});
  CHECK(m.picture.color == PictureInput::Color::kBgr);
  CHECK(m.picture.hi == 255);
  CHECK(m.picture.mean == std::vector<double>{1, 2, 3});
  CHECK(m.picture.deviation.empty());
  CHECK(m.picture.multiple_of == 8);
  CHECK(m.picture.least == 16);
  CHECK_FALSE(m.picture.size);
  CHECK(m.output.kind == PictureOutput::Kind::kResidual);
  CHECK_FALSE(m.output.subtract);
  CHECK(m.output.lo == -1);
  CHECK(m.batch == 4);
  CHECK(m.fixed_batch);
  CHECK(m.tiling.mode == Tiling::Mode::kDiscouraged);
  CHECK(m.tiling.overlap == 24);
  CHECK(m.fp16);
  CHECK(m.training.Find("epochs")->integer == 20);
  CHECK_FALSE(m.guessed);
}

TEST_CASE("one number stands for all channels, and a fixed input fixes the picture") {
  const TemporaryFolder folder;
  const Manifest m = LoadManifest(folder.Write(kVae));
  CHECK(m.picture.size == Size{28, 28});
  CHECK(m.picture.mean == std::vector<double>{0.5});
  CHECK(m.graphs.at("encoder").outputs[1].name == "logvar");  // as written, not by the alphabet
  CHECK(m.graphs.at("encoder").hashes.at("onnx") == "12345678901234567890123456789012");
  std::string rgb = kEnhancer + "picture: {mean: 0.5, std: 0.25}\n";
  CHECK(LoadManifest(folder.Write(rgb)).picture.deviation == std::vector<double>{0.25, 0.25, 0.25});
}

TEST_CASE("what is wrong is said where it is wrong") {
  struct Case {
    std::string text, complaint;
  };
  const std::vector<Case> cases{
      {"", "m:1:1: expected a manifest, a mapping, got null"},
      {"name: x\n", "m:1:1: not a manifest: pixloom_model: 1 is missing"},
      {"pixloom_model: 2\n",
       "m:1:16: pixloom_model: expected 1, got int 2; a newer Pixloom may read it"},
      {kHead, "m:1:1: role is missing\nm:1:1: graphs is missing"},
      {kEnhancer + "pictur: {color: rgb}\n",
       "m:9:1: unknown key 'pictur'; did you mean 'picture'?"},
      {kEnhancer + "picture: {colour: rgb}\n",
       "m:9:11: unknown key 'colour' in picture; did you mean 'color'?"},
      {kEnhancer + "picture: {color: rbg}\n",
       "m:9:18: color: expected gray, rgb, bgr or y, got string 'rbg'; did you mean 'rgb'?"},
      {kEnhancer + "picture: {range: [1, 0]}\n",
       "m:9:18: range: expected two numbers, the smaller first, like [0, 1], got [1, 0]"},
      {kEnhancer + "picture: {std: [0.1, 0, 1]}\n",
       "m:9:16: std: 0 divides nothing; it must be more than 0"},
      {kEnhancer + "picture: {mean: [0.1, 1]}\n", "m:9:17: mean: 2 numbers for 3 channels"},
      {kEnhancer + "picture: {color: gray}\n",
       "m:7:17: input 'x' has 3 channels, the picture has 1\n"
       "m:8:18: output 'y' has 3 channels, the picture has 1"},
      {kEnhancer + "output: {kind: residual, scale: 2}\n",
       "m:9:33: scale: 2 with kind: residual; what is added to a picture must be as large as the "
       "picture"},
      {kEnhancer + "batch: {size: 0}\n",
       "m:9:15: size: expected an integer from 1 to 65536, got int 0"},
      {kEnhancer + "batch: 4\n", "m:9:8: batch: expected a mapping, got int 4"},
      {kEnhancer + "precision: {fp16: maybe}\n",
       "m:9:19: fp16: expected true or false, got string 'maybe'"},
      {kEnhancer + "features: [h]\n", "m:9:11: graph main has no output 'h'; it has y"},
      {kHead + "role: enhancr\ngraphs: {}\n",
       "m:3:7: role: expected enhancer, autoencoder, vae, generator, sequence or classifier, got "
       "string 'enhancr'; did you mean 'enhancer'?"},
      {kHead + "role: enhancer\ngraphs: {mian: {files: {onnx: a}, inputs: {x: [3, 1, 1]}, "
               "outputs: {y: [3, 1, 1]}}}\n",
       "m:4:9: graph 'main' is missing; role enhancer needs it\n"
       "m:4:16: graph 'mian' is none of role enhancer; did you mean 'main'?"},
      {kHead + "role: enhancer\ngraphs: {main: {inputs: {x: [3, 0, 1]}, outputs: {y: [3]}}}\n",
       "m:4:33: x: expected a list of sizes, each at least 1 or `any`, got int 0\n"
       "m:4:16: main: files is missing, as in {onnx: main.onnx}"},
      {kHead + "role: enhancer\ngraphs: {main: {files: {onnx: a}, hashes: {onnx: 12, pt: "
               "0123456789abcdef0123456789abcdef}, inputs: {x: [3, 8, 8]}, "
               "outputs: {y: [3, 8, 8]}}}\n",
       "m:4:50: hashes: expected 32 hex digits, got int 12\n"
       "m:4:58: hashes: there is no file of format 'pt'"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    CHECK(Complaint(each.text) == each.complaint);
  }
}

std::string With(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST_CASE("each role wants what its nodes need") {
  REQUIRE(Complaint(kVae).empty());
  CHECK(Complaint(With(kVae, "latent: {dims: [16]", "latent: {dims: [8]"))
            .starts_with("m:15:16: 'z' is 16, expected 8"));
  CHECK(Complaint(With(kVae, "mean: mu", "mean: m")) ==
        "m:15:38: graph encoder has no output 'm'; it has mu, logvar; did you mean 'mu'?");
  CHECK(Complaint(With(kVae, "{z: [16]}", "{z: [16], c: [10]}")) ==
        "m:12:26: input 'c' is fed by nothing; name it in latent: {input: c} or condition: c");
  CHECK(Complaint(With(kVae, "{z: [16]}", "{z: [16], c: [10]}") + "condition: c\n").empty());
  CHECK(Complaint(With(kVae, "{z: [16]}", "{z: [16], c: [10]}") +
                  "condition: c\nclasses: [a, b]\n") == "m:17:10: 2 classes, but input 'c' has 10");
  CHECK(Complaint(With(kVae, "latent:", "training:")) ==
        "m:1:1: latent is missing, as in {dims: [16], input: z}; role vae needs it");
  CHECK(Complaint(With(kEnhancer, "[3, any, -1]", "[784]")) ==
        "m:7:17: input 'x' is a picture and needs [channels, height, width], got 784");
  CHECK(Complaint(With(kEnhancer, "[3, any, -1]", "[3, 32, any]")) ==
        "m:7:17: input 'x' is 3x32x?: either both sides are any, or none");
  CHECK(Complaint(With(kEnhancer, "[3, any, -1]", "[3, 32, 32]") + "picture: {size: [32, 16]}\n") ==
        "m:9:17: size: [32, 16], but input 'x' is 3x32x32");
  CHECK(Complaint(With(With(kEnhancer, "[3, any, -1]", "[3, 8, 8]"), "[3, any, any]",
                       "[3, 16, 16]")) == "m:1:1: scale: 1, but the graph makes 3x16x16 of 3x8x8");
  CHECK(Complaint(With(kEnhancer, "{x: [3, any, -1]}", "{x: [3, any, any], noise: [1]}")) ==
        "m:7:39: input 'noise' is fed by nothing; role enhancer does not know it");

  const std::string cell = With(With(With(kEnhancer, "enhancer", "sequence"), "main", "cell"),
                                "{x: [3, any, -1]}", "{x: [3, 8, 8], h: [4, 8, 8]}");
  const std::string cells =
      With(cell, "{y: [3, any, any]}", "{y: [3, 8, 8], h_next: [4, 8, 8], m: [2]}");
  CHECK(Complaint(cells + "state: [{input: h, output: h_next, start: 0.5}]\nfeatures: [m]\n")
            .empty());
  CHECK(Complaint(cells + "state: [{input: h, output: m}]\n") == "m:9:8: 'm' is 2, expected 4x8x8");
  CHECK(Complaint(cells).starts_with("m:1:1: state is missing"));
  // Features alone will do; nothing at all will not.
  const std::string state = "state: [{input: h, output: h_next}]\n";
  const std::string only = With(cell, "{y: [3, any, any]}", "{h_next: [4, 8, 8], m: [2]}") + state;
  CHECK(Complaint(only + "features: [m]\n").empty());
  CHECK(Complaint(only).starts_with("m:8:14: output 'h_next' is a state: the network makes no"));
  CHECK(Complaint(With(cell, "{y: [3, any, any]}", "{m: [2], h_next: [4, 8, 8]}") + state) ==
        "m:8:18: output 'm' is a picture and needs [channels, height, width], got 2");
  CHECK(Complaint(cells + "state: [{input: h}]\n") ==
        "m:9:9: state: needs input and output, as in {input: h, output: h_next}");

  const std::string scores =
      With(With(kEnhancer, "enhancer", "classifier"), "[3, any, any]", "[3]");
  CHECK(Complaint(scores + "classes: [a, b, c]\n").empty());
  CHECK(Complaint(scores + "classes: [a, b]\n") == "m:9:10: 2 classes, but output 'y' is 3");
}

TEST_CASE("the numbers of a check belong to the graph") {
  const std::string graph = kEnhancer + "    check: ";
  std::string values;
  for (int i = 0; i < kCheckedValues; ++i) values += i == 0 ? "0.5" : ", 0.5";
  const std::string y = "y: {mean: 0.5, std: 0, values: [" + values + "]}";
  CHECK(Complaint(graph + "{seed: 1, batch: 3, sizes: {x: [3, 8, 8]}, outputs: {" + y + "}}\n")
            .empty());
  CHECK(Complaint(graph + "{outputs: {" + y + "}}\n") ==
        "m:9:12: check: sizes of input 'x' are missing; it is 3x?x?");
  CHECK(Complaint(graph + "{sizes: {x: [1, 8, 8]}, outputs: {" + y + "}}\n") ==
        "m:9:12: check: sizes of input 'x' are 1x8x8, but it is 3x?x?");
  CHECK(Complaint(graph + "{sizes: {x: [3, 8, 8]}, outputs: {yy: {values: [1]}}}\n") ==
        "m:9:50: yy: 1 values, expected 16\n"
        "m:9:12: check: the graph has no output 'yy'; did you mean 'y'?");
}

TEST_CASE("a file that is not there, or no YAML") {
  CHECK_THROWS_AS(LoadManifest("/nowhere/m.yaml"), ModelRejectedError);
  CHECK(Complaint("a: [1\n").starts_with("m:"));
  // Configuration variables are for configurations: a manifest is a plain file.
  setenv("PIXLOOM_MANIFEST_TEST", "main", 1);
  CHECK(!Complaint(With(kEnhancer, "net.onnx", "$(PIXLOOM_MANIFEST_TEST)")).empty());
}

TEST_CASE("hashes of files are xxh128") {
  const TemporaryFolder folder;
  // The value xxhash itself gives for nothing at all.
  CHECK(HashFile(folder.Write("")) == "99aa06d3014798d86001c324468d497f");
  CHECK(HashFile(folder.Write("pixloom")) == HashFile(folder.Write("pixloom", "other")));
  CHECK(HashFile(folder.Write("pixloom")) != HashFile(folder.Write("pixloon", "other")));
  CHECK_THROWS_AS(HashFile(folder.path.string()), EnvironmentError);
  CHECK_THROWS_AS(HashFile((folder.path / "no").string()), EnvironmentError);
}

// ---- Random manifests ---------------------------------------------------------------------------

class Draw {
 public:
  explicit Draw(std::uint64_t n) : rng_(StreamKey{n, 7, 1}) {}
  std::uint32_t Below(std::uint32_t n) { return rng_.Below("", n); }
  bool Chance() { return Below(2) == 1; }
  // Of any size, with all digits.
  double Number() {
    const double digits = rng_.Uniform("", -1, 1);
    return Below(4) == 0 ? std::round(digits * 100) : digits * std::pow(10, Below(40) - 20.0);
  }
  std::string Text() {
    static const std::vector<std::string> kTexts{
        "a",  "any", "true",      "1e5",   "x y", "null", "ü", "$(HOME)", "a: b", "#no",
        "-1", "'q'", "tab\there", "\"q\"", "[1]", "0123", "~", "on",      "-",    "a\nb"};
    return kTexts[Below(static_cast<std::uint32_t>(kTexts.size()))] + std::to_string(Below(1000));
  }
  std::string Hash() {
    std::string text;
    for (int i = 0; i < 32; ++i) text += "0123456789abcdef"[Below(Chance() ? 16 : 10)];
    return text;
  }

 private:
  Rng rng_;
};

GraphFile DrawGraph(Draw& draw, std::vector<Port> inputs, std::vector<Port> outputs) {
  GraphFile graph;
  graph.files["onnx"] = draw.Text() + ".onnx";
  if (draw.Chance()) graph.files["torchscript"] = draw.Text();
  if (draw.Chance()) graph.hashes["onnx"] = draw.Hash();
  graph.inputs = std::move(inputs);
  graph.outputs = std::move(outputs);
  if (draw.Chance()) return graph;
  GraphCheck& check = graph.check.emplace();
  check.seed = draw.Below(1'000'000) * 1'000'003ull;
  check.batch = 1 + draw.Below(8);
  for (const Port& port : graph.inputs) {
    Dims& dims = check.sizes[port.name] = port.dims;
    std::replace(dims.begin(), dims.end(), std::int64_t{-1}, std::int64_t{1 + draw.Below(64)});
  }
  for (const Port& port : graph.outputs) {
    auto& expected = check.outputs[port.name];
    expected.mean = draw.Number();
    expected.deviation = draw.Number();
    for (int i = 0; i < kCheckedValues; ++i) expected.values.push_back(draw.Number());
  }
  return graph;
}

Manifest DrawManifest(std::uint64_t n) {
  Draw draw(n);
  Manifest m;
  m.name = draw.Text();
  m.role = static_cast<ModelRole>(draw.Below(6));
  m.picture.color = static_cast<PictureInput::Color>(draw.Below(4));
  const auto channels = static_cast<std::size_t>(m.picture.channels());
  if (draw.Chance()) {
    m.picture.lo = draw.Number();
    m.picture.hi = m.picture.lo + std::abs(m.picture.lo) + 1;
  }
  for (std::size_t c = 0; n % 3 == 0 && c < channels; ++c) {
    m.picture.mean.push_back(draw.Number());
    m.picture.deviation.push_back(std::abs(draw.Number()) + 1e-9);
  }
  const bool open = draw.Chance();
  const std::int64_t height = open ? std::int64_t{-1} : 1 + draw.Below(300);
  const std::int64_t width = open ? std::int64_t{-1} : 1 + draw.Below(300);
  m.picture.multiple_of = 1 + static_cast<int>(draw.Below(16));
  m.picture.least = 1 + static_cast<int>(draw.Below(16));
  m.output.subtract = draw.Chance();
  if (draw.Chance()) {
    m.output.kind = PictureOutput::Kind::kResidual;
  } else {
    m.output.scale = 1 + static_cast<int>(draw.Below(4));
  }
  const std::int64_t scale = m.output.scale;
  const Port picture{draw.Text(), {m.picture.channels(), height, width}};
  const Port result{draw.Text(),
                    {m.picture.channels(), open ? -1 : height * scale, open ? -1 : width * scale}};
  const bool takes_pictures = m.role != ModelRole::kGenerator;
  if (!open && takes_pictures) {
    m.picture.size = Size{static_cast<int>(width), static_cast<int>(height)};
  } else if (open && draw.Chance()) {
    m.picture.size = Size{64, 48};
  }
  const Dims latent = draw.Chance() ? Dims{1 + draw.Below(100)} : Dims{4, 7, 7};
  if (m.role == ModelRole::kVae || m.role == ModelRole::kGenerator) {
    m.latent = LatentSpace{latent, "z " + draw.Text(), "mu", draw.Chance() ? "logvar" : ""};
    std::vector<Port> inputs{{m.latent->input, latent}};
    if (draw.Chance()) {
      m.condition = "class";
      m.classes = {draw.Text(), draw.Text(), draw.Text()};
      inputs.push_back({"class", {3}});
    }
    if (draw.Chance()) std::swap(inputs.front(), inputs.back());
    const bool vae = m.role == ModelRole::kVae;
    m.graphs[vae ? "decoder" : "generator"] = DrawGraph(draw, inputs, {result});
    if (vae) {
      std::vector<Port> outputs{{"mu", latent}};
      if (!m.latent->log_variance.empty()) outputs.push_back({"logvar", latent});
      m.graphs["encoder"] = DrawGraph(draw, {picture}, outputs);
    }
  } else if (m.role == ModelRole::kSequence) {
    m.state = {{"h", "h next", draw.Number()}, {"c", "c next", 0}};
    m.features = {"motion"};
    m.graphs["cell"] = DrawGraph(draw, {picture, {"h", {4, 8, 8}}, {"c", {2}}},
                                 {result, {"h next", {4, 8, 8}}, {"motion", {}}, {"c next", {2}}});
  } else if (m.role == ModelRole::kClassifier) {
    m.classes = {"cat", draw.Text() + "!"};
    m.graphs["main"] = DrawGraph(draw, {picture}, {{"scores", {2}}});
  } else {
    m.graphs["main"] = DrawGraph(draw, {picture}, {result});
  }
  m.batch = 1 + static_cast<int>(draw.Below(100));
  m.fixed_batch = draw.Chance();
  m.tiling = {static_cast<Tiling::Mode>(draw.Below(3)), static_cast<int>(draw.Below(64))};
  m.fp16 = draw.Chance();
  if (draw.Chance()) {
    m.training =
        Value::List({Value::Int(3), Value::String("mse", {}), Value::Float(draw.Number())});
  }
  return m;
}

void CheckEqual(const GraphFile& a, const GraphFile& b) {
  CHECK(a.files == b.files);
  CHECK(a.hashes == b.hashes);
  const auto same = [](const std::vector<Port>& p, const std::vector<Port>& q) {
    return std::equal(p.begin(), p.end(), q.begin(), q.end(), [](const Port& x, const Port& y) {
      return x.name == y.name && x.dims == y.dims;
    });
  };
  CHECK(same(a.inputs, b.inputs));
  CHECK(same(a.outputs, b.outputs));
  REQUIRE(a.check.has_value() == b.check.has_value());
  if (!a.check) return;
  CHECK(a.check->seed == b.check->seed);
  CHECK(a.check->batch == b.check->batch);
  CHECK(a.check->sizes == b.check->sizes);
  REQUIRE(a.check->outputs.size() == b.check->outputs.size());
  for (const auto& [name, expected] : a.check->outputs) {
    const GraphCheck::Expected& other = b.check->outputs.at(name);
    CHECK(expected.mean == other.mean);
    CHECK(expected.deviation == other.deviation);
    CHECK(expected.values == other.values);
  }
}

TEST_CASE("what is written is read back, to the last bit") {
  const TemporaryFolder folder;
  for (std::uint64_t n = 0; n < 400; ++n) {
    CAPTURE(n);
    const Manifest a = DrawManifest(n);
    const std::string text = ManifestText(a);
    CAPTURE(text);
    Manifest b;
    try {
      b = LoadManifest(folder.Write(text));
    } catch (const ModelRejectedError& error) {
      FAIL(std::string(error.what()));
    }
    CHECK(a.name == b.name);
    CHECK(a.role == b.role);
    REQUIRE(a.graphs.size() == b.graphs.size());
    for (const auto& [name, graph] : a.graphs) CheckEqual(graph, b.graphs.at(name));
    CHECK(a.picture.color == b.picture.color);
    CHECK(a.picture.lo == b.picture.lo);
    CHECK(a.picture.hi == b.picture.hi);
    CHECK(a.picture.mean == b.picture.mean);
    CHECK(a.picture.deviation == b.picture.deviation);
    CHECK(a.picture.size == b.picture.size);
    CHECK(a.picture.multiple_of == b.picture.multiple_of);
    CHECK(a.picture.least == b.picture.least);
    CHECK(a.output.kind == b.output.kind);
    CHECK(a.output.subtract == b.output.subtract);
    CHECK(a.output.scale == b.output.scale);
    REQUIRE(a.latent.has_value() == b.latent.has_value());
    if (a.latent) {
      CHECK(a.latent->dims == b.latent->dims);
      CHECK(a.latent->input == b.latent->input);
      CHECK(a.latent->mean == b.latent->mean);
      CHECK(a.latent->log_variance == b.latent->log_variance);
    }
    CHECK(a.condition == b.condition);
    REQUIRE(a.state.size() == b.state.size());
    for (std::size_t i = 0; i < a.state.size(); ++i) {
      CHECK(a.state[i].input == b.state[i].input);
      CHECK(a.state[i].output == b.state[i].output);
      CHECK(a.state[i].start == b.state[i].start);
    }
    CHECK(a.features == b.features);
    CHECK(a.classes == b.classes);
    CHECK(a.batch == b.batch);
    CHECK(a.fixed_batch == b.fixed_batch);
    CHECK(a.tiling.mode == b.tiling.mode);
    CHECK(a.tiling.overlap == b.tiling.overlap);
    CHECK(a.fp16 == b.fp16);
    CHECK(ToYaml(a.training) == ToYaml(b.training));
    CHECK(ManifestText(b) == text);
  }
}

}  // namespace
}  // namespace pixloom
