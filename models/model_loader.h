// SPDX-License-Identifier: Apache-2.0
// Finds the backend, device and precision with which every graph of a manifest runs and passes its
// check. Used once, by one thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/backends.h"
#include "models/network.h"
#include "models/network_instance.h"

namespace pixloom {

class ModelLoader {
 public:
  ModelLoader(Manifest manifest, ModelChoice choice)
      : manifest_(std::move(manifest)), choice_(std::move(choice)) {}

  // Throws ModelRejectedError, or EnvironmentError when nothing was in the way but memory.
  std::shared_ptr<Model> Load();

 private:
  // Why a backend was not taken.
  struct Refusal {
    std::string code;
    std::string who;  // "opencv on cpu"
    std::string text;
    bool memory = false;
  };
  using Networks = std::map<std::string, std::shared_ptr<BackendNetwork>>;

  void CheckChoice() const;
  std::vector<BackendInfo> Candidates();
  std::shared_ptr<Model> Try(const BackendInfo& info, const std::string& device);
  std::shared_ptr<Model> TryPrecision(const std::shared_ptr<const Backend>& backend,
                                      const std::string& device, bool fp16);
  std::string FileOf(const GraphFile& graph, const std::string& format) const;
  void CheckHash(const std::string& path, const GraphFile& graph, const std::string& format);
  std::optional<Refusal> LoadGraph(const std::shared_ptr<const Backend>& backend,
                                   const std::string& device, bool fp16, const std::string& name,
                                   const GraphFile& graph, Networks& networks);
  Refusal Failed(const RunFailure& failure, const std::string& path, const GraphFile& graph,
                 const std::string& format, const std::string& id);
  GraphFile Checkable(const GraphFile& graph, const Manifest& manifest) const;
  std::shared_ptr<Model> Done(Manifest manifest, const Networks& networks, const Backend& backend,
                              bool fp16);
  void Refuse(Refusal refusal) { refusals_.push_back(std::move(refusal)); }
  [[noreturn]] void Fail() const;

  Manifest manifest_;
  ModelChoice choice_;
  std::map<std::string, std::string> hashes_;  // path -> xxh128, of the files that were looked at
  std::vector<Refusal> refusals_;
  std::vector<std::string> notes_;
};

// What can be told from a graph file alone, completed by running the network once. The error says
// what cannot be told.
Result<Manifest, std::string> GuessManifest(const Manifest& known, BackendNetwork& network);

// "": what the backend says about its ports is what the manifest says.
std::string ComparePorts(const GraphDescription& described, const GraphFile& graph,
                         bool fixed_batch, std::int64_t batch);

}  // namespace pixloom
