// SPDX-License-Identifier: Apache-2.0
// Nodes, made of a model that is loaded already: what the verbs in a configuration become, and what
// tests make of networks of their own.
//
// All throw ModelRejectedError when the model cannot serve them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/latents.h"
#include "models/network.h"
#include "pipeline/contracts.h"
#include "pipeline/rng.h"

namespace pixloom {

// ---- latent_noise (models/latent_noise.cc) ------------------------------------------------------

enum class LatentScale {
  kPosterior,  // noise as wide as what the encoder is unsure about
  kUnit,       // as wide as what the decoder was trained on
};
struct LatentNoiseOptions {
  Range strength{0.3, 1.0};
  LatentScale scale = LatentScale::kPosterior;
  Range interpolate{0};
  LatentPath path = LatentPath::kLinear;
};
std::shared_ptr<ModelOperator> MakeLatentNoise(std::shared_ptr<Model> model,
                                               const LatentNoiseOptions& options);

// ---- generate (models/generate.cc) --------------------------------------------------------------

struct GenerateOptions {
  std::int64_t count = 1;
  std::vector<std::string> classes{};  // "shoe", or "shoe=3" with its share; empty: all
  double truncation = 0;               // 0: none
  std::optional<double> min_score{};
};
std::unique_ptr<Source> MakeGenerate(std::shared_ptr<Model> model, const GenerateOptions& options);

// ---- sequence (models/sequence.cc) --------------------------------------------------------------

struct SequenceOptions {
  std::string name{};  // stands before the names of scalars and texts, with "_"
};
std::shared_ptr<ModelOperator> MakeSequence(std::shared_ptr<Model> model,
                                            const SequenceOptions& options = {});

// ---- enhance (models/enhance.cc) ----------------------------------------------------------------

struct EnhanceOptions {
  Range strength{1};  // 0: the picture as it was
  int batch = 0;      // 0: automatic
  int tile = 0;       // px; 0: automatic
  int overlap = 0;    // px; 0: the manifest's
  int in_flight = 0;  // 0: the network's
};
std::shared_ptr<ModelOperator> MakeEnhance(std::shared_ptr<Model> model,
                                           const EnhanceOptions& options);

// ---- reconstruct (models/reconstruct.cc) --------------------------------------------------------

struct ReconstructOptions {
  Range strength{1};
  int batch = 0;
  bool resize = false;                         // pictures of other sizes, there and back
  std::string error = "reconstruction_error";  // scalar; "": none
};
std::shared_ptr<ModelOperator> MakeReconstruct(std::shared_ptr<Model> model,
                                               const ReconstructOptions& options);

// ---- score (models/score.cc) --------------------------------------------------------------------

// Whether the scores of classes are made to add up to 1 by softmax: kAuto does so unless they are
// shares already.
enum class Softmax { kAuto, kYes, kNo };

struct ScoreOptions {
  std::string name{};  // stands before the names of scalars and texts
  bool resize = true;  // pictures of other sizes
  Softmax softmax = Softmax::kAuto;
};
std::shared_ptr<ModelOperator> MakeScore(std::shared_ptr<Model> model, const ScoreOptions& options);

}  // namespace pixloom
