// SPDX-License-Identifier: Apache-2.0
// Network: one graph, loaded by one backend onto one device, ready to run.
//
// Run may be called from any number of threads: instances are shared out among them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/manifest.h"
#include "models/plugin_abi.h"
#include "models/tensor.h"
#include "pipeline/report.h"

namespace pixloom {

// Why a run gave nothing. Everything but kData is a fault of the machine or of the network.
struct RunFailure {
  pixloom_status status = PIXLOOM_FAILED;
  std::string message;
};

class Network {
 public:
  virtual ~Network() = default;
  // In the order of the manifest; dims without the batch.
  virtual const std::vector<Port>& Inputs() const = 0;
  virtual const std::vector<Port>& Outputs() const = 0;
  // Inputs in order, all of one batch; outputs come in order. Thread-safe. What the backend
  // returns is checked: number of dimensions, batch, finite numbers are the caller's to check.
  virtual Result<std::vector<Tensor>, RunFailure> Run(std::span<const Tensor> inputs) = 0;
  // Memory for inputs: what the device copies from fastest.
  virtual Tensor NewInput(Dims dims) const { return Tensor(std::move(dims)); }
  virtual bool Waits() const { return false; }  // mostly for a device
  virtual int InFlight() const { return 1; }    // runs worth having at the same time
  virtual std::string Device() const { return "cpu"; }
  virtual ModelUse Use() const { return {}; }
};

// What the user asks for; "auto" and 0 leave the choice to the host.
struct ModelChoice {
  std::string backend = "auto";
  std::string device = "auto";     // "cpu", "cuda", "cuda:1", "tensorrt"
  std::string precision = "auto";  // "fp32", "fp16"
  std::int64_t batch = 0;
  std::int64_t in_flight = 0;
};

// A manifest with its graphs loaded on one backend and device.
struct Model {
  Manifest manifest;
  std::map<std::string, std::shared_ptr<Network>> graphs;
  std::string device;                                      // "onnxruntime 1.21.0 on cpu"
  std::vector<std::pair<std::string, std::string>> files;  // in use: path, xxh128
  std::vector<std::string> notes;  // what `auto` chose and whom it refused, and why
  int batch = 16;
  bool fp16 = false;

  Network& At(const std::string& graph) const { return *graphs.at(graph); }
  // Hashes of the files in use, backend, device, precision: for the fingerprint. Not the batch: a
  // run that stopped for want of memory goes on with a smaller one.
  std::vector<std::pair<std::string, std::string>> Facts() const;
  ModelUse Use() const;  // of all graphs together
};

// Reads the manifest, finds a backend that loads every graph and passes its check, and gives the
// model back; one that is loaded already with the same choice is shared. Throws ModelRejectedError:
//   MOD-MANIFEST  the manifest is wrong
//   MOD-FILE      a file is missing or its hash is another
//   MOD-BACKEND   the backend asked for cannot be used
//   MOD-DEVICE    the device asked for cannot be used
//   MOD-LOAD      no backend loads the graph
//   MOD-SHAPE     a graph has other inputs or outputs than the manifest says
//   MOD-CHECK     wrong numbers, or numbers that change with the batch, or not finite
std::shared_ptr<Model> LoadModel(const std::string& path, const ModelChoice& choice);

}  // namespace pixloom
