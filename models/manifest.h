// SPDX-License-Identifier: Apache-2.0
// Manifest: the text beside a network's files that says what it is for and what it takes.
// docs/models.md lists every key. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/tensor.h"
#include "pipeline/error.h"
#include "pipeline/geometry.h"
#include "pipeline/value.h"

namespace pixloom {

enum class ModelRole { kEnhancer, kAutoencoder, kVae, kGenerator, kSequence, kClassifier };
std::string_view RoleName(ModelRole role);  // "enhancer"

// An input or output of a graph; the batch stands apart. -1: any.
struct Port {
  std::string name;
  Dims dims;
};

// Numbers that a graph must give for inputs that are drawn from the seed (models/self_check.h).
struct GraphCheck {
  std::uint64_t seed = 1;
  std::int64_t batch = 3;
  std::map<std::string, Dims> sizes;  // of inputs with dimensions that may be anything
  struct Expected {
    double mean = 0, deviation = 0;
    std::vector<double> values;  // at drawn places
  };
  std::map<std::string, Expected> outputs;
};

struct GraphFile {
  std::map<std::string, std::string> files;   // format -> path, relative to the manifest
  std::map<std::string, std::string> hashes;  // format -> xxh128 of the file, 32 hex digits
  std::vector<Port> inputs, outputs;
  std::optional<GraphCheck> check;
};

// How a picture becomes the first input. value = (pixel scaled to `range` - mean) / std.
struct PictureInput {
  enum class Color { kGray, kRgb, kBgr, kY };
  Color color = Color::kRgb;            // kY: the network sees luma, colour passes by
  double lo = 0, hi = 1;                // what black and white become, before mean and std
  std::vector<double> mean, deviation;  // per channel, or empty
  std::optional<Size> size;             // only this one
  int multiple_of = 1;
  int least = 1;  // px of the shorter side
  int channels() const { return color == Color::kGray || color == Color::kY ? 1 : 3; }
};

// How the first output becomes a picture.
struct PictureOutput {
  enum class Kind { kImage, kResidual };
  Kind kind = Kind::kImage;
  bool subtract = true;  // of a residual: picture - output
  double lo = 0, hi = 1;
  int scale = 1;  // super-resolution
};

struct LatentSpace {
  Dims dims;                                   // batch apart
  std::string input = "z";                     // of the decoder or generator
  std::string mean = "mu", log_variance = "";  // outputs of the encoder; no variance: ""
};

struct StatePort {
  std::string input, output;
  double start = 0;
};

struct Tiling {
  enum class Mode { kSupported, kDiscouraged, kNever };
  Mode mode = Mode::kSupported;
  int overlap = 16;  // px on each side: at least the radius of what one pixel depends on
};

struct Manifest {
  std::string path;    // of the manifest itself
  std::string folder;  // where its files are
  std::string name;
  ModelRole role = ModelRole::kEnhancer;
  // By role: "main"; "encoder" and "decoder"; "generator" and maybe "discriminator"; "cell".
  std::map<std::string, GraphFile> graphs;
  PictureInput picture;
  PictureOutput output;
  std::optional<LatentSpace> latent;
  std::optional<std::string> condition;  // input that takes the class, one-hot
  std::vector<StatePort> state;
  std::vector<std::string> features;  // outputs of a sequence network, or scores, kept as metadata
  std::vector<std::string> classes;
  int batch = 16;            // pictures per run that suit it
  bool fixed_batch = false;  // the graph takes no other number
  Tiling tiling;
  bool fp16 = false;     // may be used on devices that have it
  Value training;        // whatever the trainer wrote
  bool guessed = false;  // there was no manifest; the graph file alone was asked
};

// Reads and checks `path` (a .yaml). Throws ModelRejectedError "MOD-MANIFEST" with positions.
Manifest LoadManifest(const std::string& path);

// Everything beside `graphs` (and pixloom_model and name): role, picture, output, latent, ... as a
// manifest and the `manifest:` of a layer list write them. What is not said stays as it was. False
// when something was wrong; every problem goes to `diagnostics` as "MOD-MANIFEST". Whether it fits
// the graphs is CheckManifest's business.
bool ReadManifestParts(const Value& parts, Manifest& manifest, Diagnostics& diagnostics);

// Whether the parts fit each other: the graphs of the role, ports that are named, numbers of
// channels, sizes. Places are looked up in `document`, the map with the parts (may be null). A
// picture without a size gets that of an input that takes no other.
bool CheckManifest(Manifest& manifest, const Value& document, Diagnostics& diagnostics);

// The text of a manifest that LoadManifest reads back.
std::string ManifestText(const Manifest& manifest);

// xxh128 of a file's bytes as 32 hex digits. Throws EnvironmentError when it cannot be read.
std::string HashFile(const std::string& path);

}  // namespace pixloom
