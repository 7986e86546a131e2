// SPDX-License-Identifier: Apache-2.0
// A plugin by way of models/plugin.h that does what the model's path says, to test that header.
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "models/plugin.h"

namespace {

using namespace pixloom::plugin;

const bool loads = [] {
  if (std::getenv("PIXLOOM_TEST_THROWS") != nullptr) throw std::runtime_error("not today");
  return true;
}();

class Adder : public Graph {
 public:
  explicit Adder(const Options& options) : options_(options) {
    if (options.model_path == "no memory") throw std::bad_alloc();
    if (options.model_path == "no device") throw Error(PIXLOOM_NO_DEVICE, "no such device");
    if (options.model_path == "number") throw 5;
  }

  Description Describe() const override {
    Description all{.inputs = {{"a", {-1, 2}}, {"b", {-1, 2}}}, .outputs = {}, .device = "cpu:7"};
    for (const std::string& name : options_.output_names) all.outputs.push_back({name, {}});
    if (options_.model_path == "many dims") all.outputs.push_back({"deep", Dims(9, 1)});
    all.waits = options_.fp16;
    return all;
  }

  void Run(std::span<const Tensor> in, Outputs& outputs) override {
    if (in.size() != 2) throw Error(PIXLOOM_BAD_SHAPE, "two inputs are needed");
    float* sum = outputs.Place(0, in[0].dims);
    for (std::int64_t i = 0; i < in[0].Size(); ++i) sum[i] = in[0].data[i] + in[1].data[i];
  }

  MemoryUse Memory() const override { return {.used = 3, .limit = 4}; }

  static std::string Runtime() { return loads ? "adder 2.5" : ""; }
  static void Probe(const std::string&, const std::string& format, const std::string&) {
    if (format != "sum") throw Error(PIXLOOM_BAD_MODEL, "not a sum");
  }
  static const void* Extension(const std::string& id) {
    static const int table = 42;
    return id == "answer/1" ? &table : nullptr;
  }

 private:
  Options options_;
};

}  // namespace

PIXLOOM_PLUGIN("cxx_plugin", "C++", "2", Adder)
