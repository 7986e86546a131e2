// SPDX-License-Identifier: Apache-2.0
// Backend "opencv": ONNX on OpenCV's dnn module, which is there wherever Pixloom is.
//
// A Net is kept per shape of inputs. OpenCV 4.6 fuses batch normalisation into a transposed
// convolution anew when shapes change, on weights that are fused already, and then answers wrong;
// a Net that sees one shape only does not. What OpenCV gets wrong otherwise is the host's check to
// find. Threads: OpenCV's number of threads belongs to the process and is left alone.
#include <algorithm>
#include <cstring>
#include <list>
#include <opencv2/core/version.hpp>
#include <opencv2/dnn.hpp>
#include <string>
#include <vector>

#include "models/onnx_ports.h"
#include "models/plugin.h"

namespace pixloom {
namespace {

using plugin::Dims;
using plugin::Error;

constexpr std::size_t kNets = 4;  // shapes to keep: full batch, last batch, and those of a check

bool Has(const std::string& text, const char* part) { return text.find(part) != text.npos; }

pixloom_status StatusOf(const cv::Exception& error, pixloom_status otherwise) {
  if (error.code == cv::Error::StsNoMem) return PIXLOOM_OUT_OF_MEMORY;
  // The file was looked through before: a node that OpenCV stumbles over is one it does not know,
  // or not in this form.
  if (error.code == cv::Error::StsNotImplemented || Has(error.err, "Can't create layer") ||
      Has(error.err, "Node [")) {
    return PIXLOOM_UNSUPPORTED_OP;
  }
  return otherwise;
}

// OpenCV's text without its address and lines.
std::string TextOf(const cv::Exception& error) {
  std::string text = error.err.empty() ? error.msg : error.err;
  std::replace(text.begin(), text.end(), '\n', ' ');
  text.erase(0, text.find_first_not_of("> "));
  return "OpenCV " CV_VERSION ": " + text + (error.func.empty() ? "" : " in " + error.func);
}

void CheckTarget(const std::string& format, const std::string& device) {
  if (format != "onnx") {
    throw Error(PIXLOOM_BAD_MODEL, "format '" + format + "': OpenCV runs onnx alone");
  }
  if (device != "cpu") {
    throw Error(PIXLOOM_NO_DEVICE, "device '" + device + "': OpenCV runs networks on cpu alone");
  }
}

class OpenCvGraph : public plugin::Graph {
 public:
  static std::string Runtime() { return "opencv " + cv::getVersionString(); }

  static void Probe(const std::string& path, const std::string& format, const std::string& device) {
    CheckTarget(format, device);
    if (std::FILE* file = std::fopen(path.c_str(), "rb")) {
      std::fclose(file);
    } else {
      throw Error(PIXLOOM_BAD_MODEL, "cannot open '" + path + "'");
    }
  }

  explicit OpenCvGraph(const plugin::Options& options) {
    CheckTarget(options.format, options.device);
    if (options.fp16) {
      throw Error(PIXLOOM_UNSUPPORTED_OP, "precision fp16: OpenCV on cpu computes in fp32 alone");
    }
    file_ = ReadModelFile(options.model_path);
    const OnnxPorts ports = ReadOnnxPorts(file_);
    inputs_ = ChoosePorts(ports.inputs, options.input_names, "input");
    outputs_ = ChoosePorts(ports.outputs, options.output_names, "output");
    for (const plugin::Port& port : outputs_) output_names_.push_back(port.name);
    unused_ = Load();
  }

  plugin::Description Describe() const override { return {.inputs = inputs_, .outputs = outputs_}; }

  void Run(std::span<const plugin::Tensor> inputs, plugin::Outputs& outputs) override {
    CheckInputs(inputs_, inputs);
    std::vector<Dims> shapes;
    for (const plugin::Tensor& input : inputs) {
      shapes.emplace_back(input.dims.begin(), input.dims.end());
    }
    cv::dnn::Net& net = NetFor(shapes);
    std::vector<cv::Mat> results;
    try {
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const std::vector<int> sizes(shapes[i].begin(), shapes[i].end());
        // setInput copies it into the network; nothing is written to it.
        net.setInput(cv::Mat(sizes, CV_32F, const_cast<float*>(inputs[i].data)), inputs_[i].name);
      }
      net.forward(results, output_names_);
    } catch (const cv::Exception& error) {
      nets_.pop_front();  // what state it is in is not known
      throw Error(StatusOf(error, PIXLOOM_BAD_SHAPE), TextOf(error));
    } catch (...) {
      nets_.pop_front();
      throw;
    }
    for (std::size_t i = 0; i < results.size(); ++i) Give(results[i], i, outputs);
  }

 private:
  struct ShapedNet {
    std::vector<Dims> shapes;
    cv::dnn::Net net;
  };

  cv::dnn::Net Load() const {
    try {
      cv::dnn::Net net =
          cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(file_.data()), file_.size());
      net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
      net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
      return net;
    } catch (const cv::Exception& error) {
      throw Error(StatusOf(error, PIXLOOM_BAD_MODEL), TextOf(error));
    }
  }

  // The net of these shapes is brought to the front; the one used longest ago goes.
  cv::dnn::Net& NetFor(const std::vector<Dims>& shapes) {
    const auto found = std::find_if(nets_.begin(), nets_.end(),
                                    [&](const ShapedNet& n) { return n.shapes == shapes; });
    if (found != nets_.end()) {
      nets_.splice(nets_.begin(), nets_, found);
    } else {
      if (nets_.size() >= kNets) nets_.pop_back();
      nets_.push_front({shapes, unused_.empty() ? Load() : unused_});
      unused_ = {};
    }
    return nets_.front().net;
  }

  void Give(const cv::Mat& result, std::size_t index, plugin::Outputs& outputs) const {
    if (result.depth() != CV_32F || result.channels() != 1 || result.dims > PIXLOOM_MAX_DIMS) {
      throw Error(PIXLOOM_UNSUPPORTED_OP, "output '" + output_names_[index] + "' is no float32");
    }
    const cv::Mat packed = result.isContinuous() ? result : result.clone();
    const Dims dims(packed.size.p, packed.size.p + packed.dims);
    std::memcpy(outputs.Place(index, dims), packed.ptr(), packed.total() * sizeof(float));
  }

  std::vector<std::uint8_t> file_;  // kept: further nets are made of it
  std::vector<plugin::Port> inputs_, outputs_;
  std::vector<cv::String> output_names_;
  cv::dnn::Net unused_;        // loaded to see whether it loads; the first shape takes it
  std::list<ShapedNet> nets_;  // the latest first
};

}  // namespace
}  // namespace pixloom

PIXLOOM_PLUGIN("opencv", "OpenCV DNN", "1.0.0", pixloom::OpenCvGraph)
