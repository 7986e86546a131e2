// SPDX-License-Identifier: Apache-2.0
// What all nodes with a network share: their parameters, and the part of the contract that only
// asks the model.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>

#include "models/network.h"
#include "models/pictures.h"
#include "models/run_items.h"
#include "pipeline/contracts.h"
#include "pipeline/schema.h"

namespace pixloom {

// A base class, whose table precedes the node's own.
struct NetworkParams {
  std::string model;
  std::string backend = "auto", device = "auto", precision = "auto";
  std::int64_t batch = 0;

  template <class Op>
  static constexpr auto Table() {
    return std::tuple{
        Param<Op, std::string>("model", &Op::model)
            .Required()
            .Primary()
            .Doc("The network's manifest (docs/models.md)."),
        Param<Op, std::string>("backend", &Op::backend)
            .Doc("What runs it: auto takes the first that loads it and gives the right numbers."),
        Param<Op, std::string>("device", &Op::device).Doc("cpu, cuda, cuda:1, tensorrt, or auto."),
        Param<Op, std::string>("precision", &Op::precision).Doc("fp32, fp16, or auto."),
        Param<Op, std::int64_t>("batch", &Op::batch)
            .In(0, 4096)
            .Unit("samples")
            .Doc("Samples of one block; 0 takes what suits the network.")};
  }
  ModelChoice Choice() const { return {backend, device, precision, batch, 0}; }
};

class NetworkOperator : public ModelOperator {
 public:
  explicit NetworkOperator(std::shared_ptr<Model> model)
      : model_(std::move(model)), batch_(model_->batch) {}

  Pace GetPace() const override {
    Pace pace{model_->batch, 1, false};
    for (const auto& [name, network] : model_->graphs) {
      pace.in_flight = std::max(pace.in_flight, network->InFlight());
      pace.waits = pace.waits || network->Waits();
    }
    return pace;
  }
  std::vector<std::pair<std::string, std::string>> Facts() const override {
    return model_->Facts();
  }
  std::vector<std::string> Notes() const override { return model_->notes; }
  ModelUse GetUse() const override {
    ModelUse use = model_->Use();
    use.padding += padding_;
    return use;
  }

 protected:
  const Manifest& manifest() const { return model_->manifest; }
  Network& Graph(const std::string& name) const { return model_->At(name); }
  // RunItems on a graph; an item that is too large for the device is an EnvironmentError.
  std::vector<std::optional<DataError>> RunAll(const std::string& graph, bool may_shrink,
                                               std::vector<Dims> input_dims, std::size_t count,
                                               const PackItem& pack, const UnpackItem& unpack);

 private:
  const std::shared_ptr<Model> model_;
  std::atomic<int> batch_;
  std::atomic<std::uint64_t> padding_{0};
};

// ---- Ports --------------------------------------------------------------------------------------

// Which of the ports has this name. Throws ModelRejectedError "MOD-SHAPE": none.
std::size_t PortOf(const std::string& graph, const std::vector<Port>& ports, std::string_view name);

// A graph whose inputs are `main` (the first, when empty) and, maybe, the class.
struct ClassedInputs {
  std::size_t main = 0;
  std::optional<std::size_t> classes;
  std::vector<Dims> Of(const Dims& main_dims, std::size_t class_count) const;
};
// Throws ModelRejectedError "MOD-SHAPE" when it has others.
ClassedInputs ClassedInputsOf(const Model& model, const std::string& graph, std::string_view main);

// Throws ModelRejectedError "MOD-MANIFEST": the network is of another role, or lacks a graph.
void RequireRole(const Model& model, std::string_view node, std::span<const ModelRole> roles);
void RequireGraph(const Model& model, std::string_view node, const std::string& graph);

// ---- Samples ------------------------------------------------------------------------------------

void FillOneHot(int label, std::span<float> out);
// Why the class of a picture cannot be told to a network with so many; nothing when it can.
std::optional<DataError> ClassProblem(const Sample& sample, std::size_t class_count);

inline Size SizeOf(const cv::Mat& pixels) { return {pixels.cols, pixels.rows}; }
inline cv::Rect WholeOf(const cv::Mat& pixels) { return {0, 0, pixels.cols, pixels.rows}; }
// What is known of a picture like this.
Meta MetaOf(const cv::Mat& pixels);

// ---- Whole pictures, padded right and below as the network takes them ---------------------------

// As RefusesPicture, of a picture before it is padded.
std::string RefusesPadded(const PictureInput& input, Meta meta, PictureUse use);
cv::Rect PaddedRect(const PictureInput& input, const cv::Mat& pixels);
inline Dims PictureDims(const PictureInput& input, const cv::Rect& rect) {
  return {input.channels(), rect.height, rect.width};
}
// The picture that a network made of `before`, of its size and type.
// REQUIRES: `values` are those of PictureDims(PaddedRect(before)).
cv::Mat MadePicture(std::span<const float> values, const Manifest& manifest, const cv::Mat& before,
                    const ValueRange& range);

}  // namespace pixloom
